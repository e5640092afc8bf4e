using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A tensor of the given shape filled with one value (float32 0 by default).</summary>
[Operator("ConstantOfShape", "input", "output")]
public sealed partial class ConstantOfShape : Operator
{
    /// <summary>One element; its type is the output's.</summary>
    [Attr] public Tensor? Value { get; set; }

    public override void Infer(InferContext context)
    {
        if (Value != null && Value.Count != 1) throw context.Error($"value must have one element, got {Value}");
        Shape shape = Shape.Unranked;
        if (context.ConstantInts(0) is { } dims)
        {
            foreach (long d in dims)
                if (d < 0) throw context.Error($"the shape has a negative dimension ({d})");
            shape = new Shape(dims);
        }
        else if (context.Shape(0).IsKnown) shape = Shape.OfRank(checked((int)context.Shape(0).Count));
        context.SetOutput(0, Value?.DType ?? DType.Float32, shape);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++)
        {
            if (Value == null) y.SetDouble(i, 0);
            else Elements.Copy(Value, 0, y, i);
        }
    }
}
