using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The same elements under another shape. In the shape input, 0 keeps the dimension (unless allowzero), one -1 takes
/// what is left.</summary>
[Operator("Reshape", "data, shape", "reshaped")]
public sealed partial class Reshape : ViewOperator
{
    [Attr] public bool Allowzero { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectType(1, context.DType(1) == DType.Int64, "int64");
        context.ExpectRank(1, 1);
        Shape data = context.Shape(0);
        if (context.ConstantInts(1) is { } wanted) context.SetOutput(0, context.DType(0), Resolve(context, data, wanted));
        else if (context.Shape(1).IsKnown) context.SetOutput(0, context.DType(0), Shape.OfRank(checked((int)context.Shape(1)[0])));
        else context.SetOutput(0, context.DType(0), Shape.Unranked);
    }

    private Shape Resolve(InferContext context, Shape data, long[] wanted)
    {
        Span<long> dims = stackalloc long[Shape.MaxRank];
        if (wanted.Length > Shape.MaxRank) throw context.Error($"a shape of {wanted.Length} dimensions is asked for, at most {Shape.MaxRank} are supported");
        int open = -1;
        for (int i = 0; i < wanted.Length; i++)
        {
            dims[i] = wanted[i];
            if (wanted[i] == 0 && !Allowzero)
            {
                if (data.IsRanked && i >= data.Rank) throw context.Error($"shape[{i}] is 0 (keep), but the input {data} has no dimension {i}");
                dims[i] = data.IsRanked ? data[i] : Shape.Unknown;
            }
            else if (wanted[i] == -1)
            {
                if (open >= 0) throw context.Error("shape has more than one -1");
                open = i;
            }
            else if (wanted[i] < -1) throw context.Error($"shape[{i}] is {wanted[i]}");
        }
        dims = dims[..wanted.Length];
        if (open >= 0) dims[open] = data.IsRanked ? Rest(context, data, dims, open) : Shape.Unknown;
        var result = new Shape(dims);
        if (result.IsKnown && data.IsKnown && result.Count != data.Count) throw context.Error($"{data} with {data.Count} elements cannot become {result}");
        return result;
    }

    /// <summary>The dimension that makes both element counts equal: equal symbols on both sides cancel.</summary>
    private static long Rest(InferContext context, Shape data, Span<long> dims, int open)
    {
        Span<bool> used = stackalloc bool[Shape.MaxRank];
        long above = 1, below = 1, symbol = 0;
        bool known = true;
        for (int i = 0; i < dims.Length; i++)
        {
            if (i == open) continue;
            if (dims[i] >= 0)
            {
                below *= dims[i];
                continue;
            }
            int match = -1;
            for (int j = 0; j < data.Rank && match < 0; j++)
                if (!used[j] && data[j] == dims[i] && (dims[i] != Shape.Unknown || i == j)) match = j;
            if (match >= 0) used[match] = true;
            else known = false;
        }
        for (int j = 0; j < data.Rank; j++)
        {
            if (used[j]) continue;
            if (data[j] >= 0) above *= data[j];
            else if (symbol == 0 && data[j] != Shape.Unknown) symbol = data[j];
            else known = false;
        }
        if (!known) return Shape.Unknown;
        if (symbol != 0) return above == below ? symbol : Shape.Unknown;
        if (below == 0) return 0;
        return above % below == 0 ? above / below : throw context.Error($"{data} cannot be divided into the asked shape: {above} elements by {below}");
    }
}
