using System.Buffers.Binary;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>
/// Checks the sizes that a file's heaps claim before the reader allocates by them: local heaps ("HEAP": names of groups) and global ones
/// ("GCOL": texts), wherever they stand in the file (HDF5 file format specification, III.D and III.E, with 8-byte lengths).
/// </summary>
internal static class HdfHeaps
{
    private const int Header = 16, Chunk = 1 << 20;

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
}
