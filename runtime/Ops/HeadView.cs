using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Queries, keys or values of attention: sizes, and the distances in elements between samples, heads and rows. The order is
/// [batch][heads][rows][width] or, rows first, [batch][rows][heads][width].</summary>
internal readonly record struct HeadView(long Batch, long Heads, long Rows, long Width, bool IsRowsFirst)
{
    public long BatchStride => Heads * Rows * Width;
    public long HeadStride => IsRowsFirst ? Width : Rows * Width;
    public long RowStride => IsRowsFirst ? Heads * Width : Width;

    /// <summary>The view of a tensor whose last three dimensions are heads, rows and width; without the first it is one sample.</summary>
    public static HeadView Of(in Shape s, bool rowsFirst)
    {
        int first = s.Rank - 3;
        return new HeadView(first == 0 ? 1 : s[0], s[rowsFirst ? first + 1 : first], s[rowsFirst ? first : first + 1], s[first + 2], rowsFirst);
    }

    /// <summary>The view of [batch][heads][rows][width], or of [batch][rows][heads * width].</summary>
    public static HeadView OfFolded(in Shape s, long heads) => s.Rank == 4
        ? new(s[0], s[1], s[2], s[3], false)
        : new(s[0], heads, s[1], s[2] < 0 ? s[2] : s[2] / heads, true);

    public long At(long b, long h, long row) => b * BatchStride + h * HeadStride + row * RowStride;
}
