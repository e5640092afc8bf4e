using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Inputs put behind one another along an axis.</summary>
[Operator("Concat", "inputs*", "concat_result")]
public sealed partial class Concat : Operator
{
    [Attr(Required = true)] public long Axis { get; set; }

    public override void Infer(InferContext context)
    {
        if (context.InputCount == 0) throw context.Error("at least one input is needed");
        Shape result = Shape.Unranked;
        for (int i = 0; i < context.InputCount && !result.IsRanked; i++) result = context.Shape(i);
        DType type = context.DType(0);
        for (int i = 1; i < context.InputCount; i++) type = context.SameType(0, i) is var t && type == DType.Undefined ? t : type;
        if (!result.IsRanked)
        {
            context.SetOutput(0, type, result);
            return;
        }
        int axis = context.Axis(Axis, result.Rank);
        long sum = 0;
        for (int i = 0; i < context.InputCount; i++)
        {
            Shape x = context.Shape(i);
            if (!x.IsRanked)
            {
                sum = Shape.Unknown;
                continue;
            }
            if (x.Rank != result.Rank) throw context.Error($"input {i} has shape {x}, which does not fit {result}");
            for (int d = 0; d < x.Rank; d++)
                if (d != axis) result = result.With(d, context.Unify(result[d], x[d], $"dimension {d} of input {i}"));
            sum = sum == 0 ? x[axis] : x[axis] == 0 ? sum : sum < 0 || x[axis] < 0 ? Shape.Unknown : checked(sum + x[axis]);
        }
        context.SetOutput(0, type, result.With(axis, sum));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        int axis = context.Axis(Axis, y.Shape.Rank);
        long outer = y.Shape.Product(0, axis), row = y.Shape.Product(axis, y.Shape.Rank), at = 0;
        for (int i = 0; i < context.InputCount; i++)
        {
            Tensor x = context.Input(i);
            long part = x.Shape.Product(axis, x.Shape.Rank);
            for (long o = 0; o < outer; o++) Elements.Copy(x, o * part, y, o * row + at, part);
            at += part;
        }
    }
}
