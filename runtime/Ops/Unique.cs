using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The distinct elements (or slices along an axis), sorted or in order of first occurrence, with first indices, the
/// inverse map and counts.</summary>
[Operator("Unique", "X", "Y, indices?, inverse_indices?, counts?")]
public sealed partial class Unique : Operator
{
    [Attr] public long? Axis { get; set; }
    [Attr] public bool Sorted { get; set; } = true;

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (Axis is { } axis) context.SetOutput(0, context.DType(0), x.IsRanked ? x.With(context.Axis(axis, x.Rank), Shape.Unknown) : x);
        else context.SetOutput(0, context.DType(0), Shape.OfRank(1));
        for (int i = 1; i <= 3; i++) context.SetOutput(i, DType.Int64, Shape.OfRank(1));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        int axis = Axis is { } a ? context.Axis(a, x.Shape.Rank) : 0;
        long outer = Axis == null ? 1 : x.Shape.Product(0, axis), dim = Axis == null ? x.Count : x.Shape[axis];
        long inner = Axis == null ? 1 : x.Shape.Product(axis + 1, x.Shape.Rank);

        Tensor parts = Elements.Parts(x); // complex numbers are ordered by their real part first
        long width = parts == x ? inner : 2 * inner;
        var order = new long[dim];
        for (long d = 0; d < dim; d++) order[d] = d;
        Array.Sort(order, (i, j) => Order(parts, i, j, outer, dim, width) is var sign && sign != 0 ? sign : i.CompareTo(j));

        var first = new List<long>();
        var counts = new List<long>();
        var group = new long[dim];
        for (long d = 0; d < dim; d++)
        {
            if (d == 0 || Order(parts, order[d - 1], order[d], outer, dim, width) != 0)
            {
                first.Add(order[d]);
                counts.Add(0);
            }
            counts[^1]++;
            group[order[d]] = first.Count - 1;
        }

        int n = first.Count;
        var place = new long[n];
        for (int g = 0; g < n; g++) place[g] = g;
        if (!Sorted) Array.Sort(place, (g, h) => first[(int)g].CompareTo(first[(int)h]));
        var rank = new int[n];
        for (int p = 0; p < n; p++) rank[place[p]] = p;

        Tensor y = context.Allocate(0, x.DType, Axis == null ? new Shape(n) : x.Shape.With(axis, n));
        Tensor indices = context.Allocate(1, DType.Int64, new Shape(n));
        Tensor inverse = context.Allocate(2, DType.Int64, new Shape(dim));
        Tensor tally = context.Allocate(3, DType.Int64, new Shape(n));
        for (int p = 0; p < n; p++)
        {
            for (long o = 0; o < outer; o++) Elements.Copy(x, (o * dim + first[(int)place[p]]) * inner, y, (o * n + p) * inner, inner);
            indices.SetInt64(p, first[(int)place[p]]);
            tally.SetInt64(p, counts[(int)place[p]]);
        }
        for (long d = 0; d < dim; d++) inverse.SetInt64(d, rank[group[d]]);
    }

    /// <summary>Lexicographic order of two slices.</summary>
    private static int Order(Tensor x, long a, long b, long outer, long dim, long inner)
    {
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++)
            {
                long p = (o * dim + a) * inner + i, q = (o * dim + b) * inner + i;
                int sign = Elements.Compare(x, p, x, q) ?? double.IsNaN(x.GetDouble(p)).CompareTo(double.IsNaN(x.GetDouble(q)));
                if (sign != 0) return sign;
            }
        return 0;
    }
}
