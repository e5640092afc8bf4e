using System.Buffers.Binary;

namespace EdgeLite.Format;

/// <summary>
/// int32 numbers in a form that packs well: those near zero have small codes, v -> (v &lt;&lt; 1) ^ (v >> 31), and first come the lowest
/// bytes of all codes, then the second ones, the third, the highest.
/// </summary>
public static class WordPlanes
{
    /// <summary>Splits <paramref name="words"/> (little-endian int32) in place.</summary>
    public static void Split(Span<byte> words)
    {
        ReadOnlySpan<byte> from = words.ToArray();
        int count = words.Length / 4;
        for (int i = 0; i < count; i++)
        {
            int v = BinaryPrimitives.ReadInt32LittleEndian(from[(4 * i)..]), code = v << 1 ^ v >> 31;
            for (int b = 0; b < 4; b++) words[b * count + i] = (byte)(code >> 8 * b);
        }
    }

    /// <summary>Joins the first <paramref name="bytes"/> bytes in place; false when there are not so many, or no whole number of words.</summary>
    public static bool TryJoin(Span<byte> data, uint bytes)
    {
        if (bytes > (uint)data.Length || bytes % 4 != 0) return false;
        if (bytes == 0) return true;
        Span<byte> words = data[..(int)bytes];
        int count = words.Length / 4;
        ReadOnlySpan<byte> from = words.ToArray();
        ReadOnlySpan<byte> b0 = from[..count], b1 = from.Slice(count, count), b2 = from.Slice(2 * count, count), b3 = from.Slice(3 * count, count);
        for (int i = 0; i < b0.Length && i < b1.Length && i < b2.Length && i < b3.Length; i++)
        {
            int code = b0[i] | b1[i] << 8 | b2[i] << 16 | b3[i] << 24;
            BinaryPrimitives.WriteInt32LittleEndian(words[(4 * i)..], code >>> 1 ^ -(code & 1));
        }
        return true;
    }
}
