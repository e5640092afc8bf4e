namespace EdgeLite.Converter.Ir;

/// <summary>Permutations between the two places of the channels.</summary>
internal static class ChannelOrder
{
    /// <summary>[N, S.., C] to [N, C, S..].</summary>
    public static long[] First(int rank) => [0, rank - 1, .. Enumerable.Range(1, rank - 2).Select(d => (long)d)];

    /// <summary>[N, C, S..] to [N, S.., C].</summary>
    public static long[] Last(int rank) => [0, .. Enumerable.Range(2, rank - 2).Select(d => (long)d), 1];
}
