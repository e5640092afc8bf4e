using System.IO.Compression;
using EdgeLite.Format;

namespace EdgeLite.Tests.Format;

/// <summary>The decoder of packed files against the encoder of the base library.</summary>
public class InflateTests
{
    public static TheoryData<string, CompressionLevel> Streams()
    {
        var data = new TheoryData<string, CompressionLevel>();
        foreach (string kind in new[] { "one byte", "zeros", "text", "noise", "skewed noise", "runs" })
            foreach (CompressionLevel level in Enum.GetValues<CompressionLevel>()) data.Add(kind, level);
        return data;
    }

    [Theory]
    [MemberData(nameof(Streams))]
    public void What_was_packed_comes_back(string kind, CompressionLevel level)
    {
        byte[] bytes = Bytes(kind), packed = Pack(bytes, level), unpacked = new byte[bytes.Length];
        Assert.True(Inflate.TryDecode(packed, unpacked));
        Assert.Equal(bytes, unpacked);
        Assert.False(Inflate.TryDecode(packed, new byte[bytes.Length + 1]));
        Assert.False(Inflate.TryDecode(packed, new byte[bytes.Length - 1]));
        Assert.False(Inflate.TryDecode([.. packed, 0], unpacked));
        for (int length = 0; length < packed.Length; length += Math.Max(1, packed.Length / 50)) Assert.False(Inflate.TryDecode(packed.AsSpan(0, length), unpacked));
    }

    /// <summary>RFC 1951, 3.2.6: a block of fixed codes, made by hand: 'a' (0x91, 8 bits), length 4 (symbol 258, 7 bits) at distance 1, end.</summary>
    [Fact]
    public void A_block_of_fixed_codes_by_hand()
    {
        string bits = "1" + "10" + "10010001" + "0000010" + "00000" + "0000000";
        byte[] packed = new byte[(bits.Length + 7) / 8];
        for (int i = 0; i < bits.Length; i++) packed[i / 8] |= (byte)(bits[i] - '0' << i % 8);
        byte[] target = new byte[5];
        Assert.True(Inflate.TryDecode(packed, target));
        Assert.Equal("aaaaa"u8.ToArray(), target);
    }

    [Fact]
    public void Damaged_streams_end_without_harm()
    {
        var random = new Random(3);
        byte[] packed = Pack(Bytes("text"), CompressionLevel.SmallestSize), target = new byte[Bytes("text").Length];
        int refused = 0;
        for (int round = 0; round < 20000; round++)
        {
            byte[] bad = [.. packed];
            for (int change = random.Next(1, 4); change > 0; change--) bad[random.Next(bad.Length)] = (byte)random.Next(256);
            if (!Inflate.TryDecode(bad, target)) refused++;
            byte[] noise = new byte[random.Next(1, 200)];
            random.NextBytes(noise);
            Inflate.TryDecode(noise, target);
        }
        Assert.True(refused > 10000, $"{refused} of 20000 refused");
    }

    [Fact]
    public void Words_in_planes_come_back()
    {
        int[] words = [0, 1, -1, int.MaxValue, int.MinValue, 0x55000000, -300, 77];
        byte[] bytes = new byte[words.Length * 4 + 3];
        Buffer.BlockCopy(words, 0, bytes, 0, words.Length * 4);
        byte[] planes = [.. bytes];
        WordPlanes.Split(planes.AsSpan(0, words.Length * 4));
        Assert.Equal([0, 2, 1], planes[..3]); // the lowest bytes of the codes of 0, 1 and -1
        Assert.True(WordPlanes.TryJoin(planes, (uint)words.Length * 4));
        Assert.Equal(bytes, planes);
        Assert.False(WordPlanes.TryJoin(planes, 3));
        Assert.False(WordPlanes.TryJoin(planes, 36));
        Assert.False(WordPlanes.TryJoin(planes, uint.MaxValue - 3));
    }

    private static byte[] Bytes(string kind)
    {
        var random = new Random(1);
        return kind switch
        {
            "one byte" => [200],
            "zeros" => new byte[70000],
            "text" => [.. Enumerable.Range(0, 400).SelectMany(i => System.Text.Encoding.UTF8.GetBytes($"model/layer_{i * 7 % 31}/BiasAdd;{i % 5} "))],
            "noise" => [.. Enumerable.Range(0, 70000).Select(_ => (byte)random.Next(256))],
            // Codes of up to 15 bits.
            "skewed noise" => [.. Enumerable.Range(0, 70000).Select(_ => (byte)(255 * Math.Pow(random.NextDouble(), 9)))],
            _ => [.. Enumerable.Range(0, 20000).Select(i => (byte)(i / 37 % 3 == 0 ? i % 4 : i / 37))],
        };
    }

    private static byte[] Pack(byte[] bytes, CompressionLevel level)
    {
        using var packed = new MemoryStream();
        using (var deflate = new DeflateStream(packed, level, leaveOpen: true)) deflate.Write(bytes);
        return packed.ToArray();
    }
}
