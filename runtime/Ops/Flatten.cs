using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A matrix of the dimensions before axis by those from axis on.</summary>
[Operator("Flatten", "input", "output")]
public sealed partial class Flatten : ViewOperator
{
    [Attr] public long Axis { get; set; } = 1;

    public override void Infer(InferContext context)
    {
        Shape x = context.Shape(0);
        if (!x.IsRanked)
        {
            context.SetOutput(0, context.DType(0), Shape.OfRank(2));
            return;
        }
        long axis = Axis < 0 ? Axis + x.Rank : Axis;
        if (axis < 0 || axis > x.Rank) throw context.Error($"axis {Axis} is outside [-{x.Rank}, {x.Rank}]");
        context.SetOutput(0, context.DType(0), new Shape(Fold(x, 0, (int)axis), Fold(x, (int)axis, x.Rank)));
    }

    /// <summary>Product of dimensions; a lone symbol among ones stays itself.</summary>
    private static long Fold(Shape x, int from, int to)
    {
        long result = 1;
        for (int i = from; i < to; i++)
            result = result == 1 ? x[i] : x[i] == 1 ? result : result < 0 || x[i] < 0 ? Shape.Unknown : checked(result * x[i]);
        return result;
    }
}
