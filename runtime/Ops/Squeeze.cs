using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Removes dimensions of size 1: the given axes, or all of them.</summary>
[Operator("Squeeze", "data, axes?", "squeezed")]
public sealed partial class Squeeze : ViewOperator
{
    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        long[]? axes = context.ConstantInts(1);
        if (!x.IsRanked || (context.HasInput(1) && axes == null))
        {
            bool counted = x.IsRanked && context.Shape(1).IsKnown;
            context.SetOutput(0, context.DType(0), counted ? Shape.OfRank(Math.Max(0, x.Rank - (int)context.Shape(1).Count)) : Shape.Unranked);
            return;
        }
        Span<bool> removed = stackalloc bool[Shape.MaxRank];
        if (axes != null)
            foreach (long axis in axes)
            {
                int a = context.Axis(axis, x.Rank);
                if (x[a] > 1 || x[a] == 0) throw context.Error($"dimension {a} of {x} is not 1 and cannot be removed");
                removed[a] = true;
            }
        Span<long> dims = stackalloc long[Shape.MaxRank];
        int rank = 0;
        for (int i = 0; i < x.Rank; i++)
        {
            if (axes == null && x[i] < 0)
            {
                context.SetOutput(0, context.DType(0), Shape.Unranked);
                return;
            }
            if (axes == null ? x[i] != 1 : !removed[i]) dims[rank++] = x[i];
        }
        context.SetOutput(0, context.DType(0), new Shape(dims[..rank]));
    }
}
