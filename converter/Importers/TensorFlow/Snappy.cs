using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Unpacks Snappy's raw format (google/snappy, format_description.txt): the length as a varint, then literals and copies.</summary>
internal static class Snappy
{
    private const int LargestBlock = 1 << 28;

    public static byte[] Unpack(ReadOnlySpan<byte> packed)
    {
        int at = 0, made = 0;
        ulong length = 0;
        for (int shift = 0; ; shift += 7)
        {
            if (at >= packed.Length || shift > 28) throw Damaged();
            byte b = packed[at++];
            length |= (ulong)(b & 127) << shift;
            if (b < 128) break;
        }
        // A copy of three bytes makes at most 64.
        if (length > LargestBlock || length > (ulong)packed.Length * 64) throw Damaged();
        var result = new byte[length];
        while (at < packed.Length)
        {
            int tag = packed[at++], kind = tag & 3;
            if (kind == 0)
            {
                int count = (tag >> 2) + 1, extra = count - 60;
                if (extra > 0)
                {
                    count = Number(packed, ref at, extra) + 1;
                }
                if (count < 0 || count > packed.Length - at || count > result.Length - made) throw Damaged();
                packed.Slice(at, count).CopyTo(result.AsSpan(made));
                at += count;
                made += count;
                continue;
            }
            int size = kind == 1 ? (tag >> 2 & 7) + 4 : (tag >> 2) + 1;
            int offset = kind == 1 ? (tag >> 5) << 8 | Number(packed, ref at, 1) : Number(packed, ref at, kind == 2 ? 2 : 4);
            if (offset <= 0 || offset > made || size > result.Length - made) throw Damaged();
            for (int i = 0; i < size; i++, made++) result[made] = result[made - offset];
        }
        return made == result.Length ? result : throw Damaged();
    }

    private static int Number(ReadOnlySpan<byte> packed, ref int at, int bytes)
    {
        if (bytes > packed.Length - at) throw Damaged();
        int value = 0;
        for (int i = 0; i < bytes; i++) value |= packed[at++] << (8 * i);
        return value;
    }

    private static EdgeLiteException Damaged() => new(Status.Corrupt, "The index of the checkpoint is damaged: a compressed block does not unpack.");
}
