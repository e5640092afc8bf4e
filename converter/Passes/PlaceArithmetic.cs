using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>Integers whose element at a place is an offset and, for each axis, the place along it times a step, as exporters make indices and masks of
/// Ranges.</summary>
/// <param name="Steps">One for each axis; 0 where elements repeat along it.</param>
/// <param name="Offset">The element at the first place.</param>
internal sealed record PlaceArithmetic(Polynomial[] Steps, Polynomial Offset)
{
    private const int MaxDepth = 16;
    private static readonly Polynomial s_zero = Polynomial.Of(0);

    public static PlaceArithmetic? Of(Value? value) => Of(value, 0);

    private static PlaceArithmetic? Of(Value? value, int depth)
    {
        if (depth > MaxDepth || value is not { Shape: { IsRanked: true } y } || !value.DType.IsInteger()) return null;
        if (SymbolicSizes.Of(value) is [{ } number]) return Constant(y.Rank, number);
        if (value.Constant is { Count: 1 } constant) return Constant(y.Rank, Polynomial.Of(constant.GetInt64(0)));
        if (value.Producer is not { Domain: "" } node) return null;
        switch (node.OpType)
        {
            case "Range":
                return SymbolicSizes.Of(node.Inputs[0]) is [{ } start] && SymbolicSizes.Of(node.Inputs[2]) is [{ } step] ? new([step], start) : null;
            case "Identity" or "Cast":
                return Of(node.Inputs[0], depth + 1);
            case "Expand":
                return Of(node.Inputs[0], depth + 1)?.Aligned(y.Rank);
            case "Unsqueeze" or "Squeeze" or "Reshape" or "Flatten":
                return node.Inputs[0]!.Shape.IsRanked && Of(node.Inputs[0], depth + 1) is { } from ? from.Viewed(node.Inputs[0]!.Shape, y) : null;
            case "Add" or "Sub":
                long sign = node.OpType == "Add" ? 1 : -1;
                return Of(node.Inputs[0], depth + 1)?.Aligned(y.Rank) is { } a && Of(node.Inputs[1], depth + 1)?.Aligned(y.Rank) is { } b ? a.Plus(b, sign) : null;
            case "Mul":
                for (int side = 0; side < 2; side++)
                    if (Of(node.Inputs[side], depth + 1)?.Aligned(y.Rank) is { } x && Of(node.Inputs[1 - side], depth + 1) is { } factor && factor.Steps.All(s => s.Number == 0)) return x.Times(factor.Offset);
                return null;
            default:
                return null;
        }
    }

    /// <summary>a - b</summary>
    public static PlaceArithmetic? Difference(PlaceArithmetic? a, PlaceArithmetic? b) =>
        a == null || b == null || Math.Max(a.Steps.Length, b.Steps.Length) is var rank && (a.Aligned(rank) is not { } x || b.Aligned(rank) is not { } y) ? null : x.Plus(y, -1);

    /// <summary>The largest element over the places of a shape; null where it cannot be told.</summary>
    public Polynomial? Largest(Func<int, Polynomial?> size)
    {
        Polynomial? largest = Offset;
        for (int d = 0; d < Steps.Length; d++)
            if (Steps[d].IsNotNegative && Steps[d].Number != 0) largest = Polynomial.Sum(largest, Polynomial.Product(Steps[d], Polynomial.Difference(size(d), Polynomial.Of(1))));
            else if (Steps[d].Number is not <= 0) return null;
        return largest;
    }

    private static PlaceArithmetic Constant(int rank, Polynomial number) => new([.. Enumerable.Repeat(s_zero, rank)], number);

    /// <summary>With further axes in front.</summary>
    private PlaceArithmetic Aligned(int rank) => new([.. Enumerable.Repeat(s_zero, rank - Steps.Length), .. Steps], Offset);

    private PlaceArithmetic? Plus(PlaceArithmetic other, long sign)
    {
        Polynomial?[] steps = [.. Steps.Zip(other.Steps, (a, b) => Polynomial.Sum(a, b, sign))];
        return Polynomial.Sum(Offset, other.Offset, sign) is { } offset && steps.All(s => s != null) ? new(steps!, offset) : null;
    }

    private PlaceArithmetic? Times(Polynomial factor)
    {
        Polynomial?[] steps = [.. Steps.Select(s => Polynomial.Product(s, factor))];
        return Polynomial.Product(Offset, factor) is { } offset && steps.All(s => s != null) ? new(steps!, offset) : null;
    }

    /// <summary>Under another shape that has the same dimensions, those of 1 aside.</summary>
    private PlaceArithmetic? Viewed(Shape from, Shape to)
    {
        if (Match.AxesBeside1(from, to) is not { } axes) return null;
        Polynomial[] steps = [.. Enumerable.Repeat(s_zero, to.Rank)];
        foreach ((int old, int now) in axes) steps[now] = Steps[old];
        return new(steps, Offset);
    }
}
