using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Index arithmetic of NumPy broadcasting.</summary>
internal static class Broadcasting
{
    /// <summary>Where element <paramref name="index"/> of a tensor of shape <paramref name="full"/> lies in an operand of shape
    /// <paramref name="part"/> that broadcasts to it from the right.</summary>
    public static long Index(long index, in Shape full, in Shape part)
    {
        long at = 0, stride = 1;
        for (int i = 1; i <= part.Rank; i++)
        {
            long dim = full[full.Rank - i], own = part[part.Rank - i];
            if (own > 1) at += index % dim * stride;
            index /= dim;
            stride *= own;
        }
        return at;
    }
}
