using System.Buffers.Binary;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>
/// Checks the sizes that a file claims before the reader allocates by them, wherever what claims them stands in the file: local heaps ("HEAP":
/// names of groups), global ones ("GCOL": texts), attributes and fill values in headers of objects (HDF5 file format specification, III.D,
/// III.E, IV.A.2.f and IV.A.2.m, with 8-byte lengths).
/// </summary>
internal static class HdfClaims
{
    private const int Header = 16, Chunk = 1 << 20, FillValueMessage = 5, AttributeMessage = 0x0c;

    public static void Check(Stream file)
    {
        long length = file.Length;
        var buffer = new byte[Chunk + Header];
        for (long start = 0; start < length; start += Chunk)
        {
            file.Position = start;
            Span<byte> part = buffer.AsSpan(0, file.ReadAtLeast(buffer, (int)Math.Min(buffer.Length, length - start), throwOnEndOfStream: false));
            for (int from = 0; from < part.Length;)
            {
                // Both have a version below 2, three zeros and the size behind their signature.
                int at = part[from..].IndexOfAny((byte)'H', (byte)'G');
                if (at < 0 || from + at >= Chunk) break;
                at += from;
                from = at + 1;
                ReadOnlySpan<byte> heap = part[at..];
                bool isGlobal = heap.StartsWith("GCOL"u8);
                if (heap.Length < Header || !isGlobal && !heap.StartsWith("HEAP"u8) || heap[4] > 1 || heap[5..8].IndexOfAnyExcept((byte)0) >= 0) continue;
                ulong size = BinaryPrimitives.ReadUInt64LittleEndian(heap[8..]);
                long place = start + at;
                if (size > (ulong)length || isGlobal && size > (ulong)(length - place)) throw new InvalidDataException($"a heap at byte {place} claims {size} bytes");
                if (isGlobal) CheckObjects(file, place, (long)size);
            }
            // Messages stand at multiples of eight: type (2 bytes), size (2), flags (1), three zeros, the message.
            for (int at = 0; at + Header <= part.Length && at < Chunk; at += 8)
            {
                ReadOnlySpan<byte> message = part[at..];
                int size = BinaryPrimitives.ReadUInt16LittleEndian(message[2..]);
                if (message[1] != 0 || size == 0 || size % 8 != 0 || message[5..8].IndexOfAnyExcept((byte)0) >= 0) continue;
                if (message[0] == AttributeMessage && size >= 24 && message[8] is >= 1 and <= 3 && message[9] <= 3) CheckAttribute(file, start + at + 8, size);
                // Version, three small numbers, the size of the value.
                else if (message[0] == FillValueMessage && message[8] is 1 or 2 && message[9] <= 3 && message[10] <= 3 && message[11] == 1 && BinaryPrimitives.ReadUInt32LittleEndian(message[12..]) > size)
                    throw new InvalidDataException($"a fill value at byte {start + at} claims more than the {size} bytes of its message");
            }
        }
        file.Position = 0;
    }

    /// <summary>Objects of a global heap: index (2 bytes, 0: the rest is free), references (2), reserved (4), size (8), then the bytes in
    /// eights.</summary>
    private static void CheckObjects(Stream file, long place, long size)
    {
        Span<byte> header = stackalloc byte[Header];
        for (long at = Header; at + Header <= size;)
        {
            file.Position = place + at;
            file.ReadExactly(header);
            if (BinaryPrimitives.ReadUInt16LittleEndian(header) == 0) return;
            ulong bytes = BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            if (bytes > (ulong)(size - at - Header)) throw new InvalidDataException($"an object of the heap at byte {place} claims {bytes} bytes of {size}");
            at += Header + ((long)bytes + 7) / 8 * 8;
        }
    }

    /// <summary>Version (1 byte), flags (1), sizes of name, type and space (2 each), in version 3 the character set (1), then name, type and space, of
    /// version 1 in eights. A type has its size at byte 4; a space its version, rank and flags, and from byte 8 (version 2: 4) its dimensions.</summary>
    private static void CheckAttribute(Stream file, long place, int size)
    {
        var message = new byte[size];
        file.Position = place;
        if (file.ReadAtLeast(message, size, throwOnEndOfStream: false) < size) throw Damaged(place);
        int Sized(int at) => BinaryPrimitives.ReadUInt16LittleEndian(message.AsSpan(at)) is var n && message[0] == 1 ? (n + 7) / 8 * 8 : n;
        int type = (message[0] == 3 ? 9 : 8) + Sized(2), space = type + Sized(4);
        if (type + 8 > size || space + 4 > size || message[space] is not (1 or 2)) throw Damaged(place);
        int dimensions = space + (message[space] == 1 ? 8 : 4), rank = message[space + 1];
        if (dimensions + rank * 8 > size) throw Damaged(place);
        UInt128 bytes = BinaryPrimitives.ReadUInt32LittleEndian(message.AsSpan(type + 4));
        for (int d = 0; d < rank && bytes <= (UInt128)file.Length; d++) bytes *= BinaryPrimitives.ReadUInt64LittleEndian(message.AsSpan(dimensions + d * 8));
        if (bytes > (UInt128)file.Length) throw new InvalidDataException($"an attribute at byte {place} claims {bytes} bytes");
    }

    private static InvalidDataException Damaged(long place) => new($"the attribute at byte {place} contradicts itself");
}
