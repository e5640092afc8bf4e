using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A matrix of the input's shape with 1 on a diagonal; k moves it to the right.</summary>
[Operator("EyeLike", "input", "output")]
public sealed partial class EyeLike : Operator
{
    /// <summary>The number of the output's type; the input's by default.</summary>
    [Attr("dtype")] public long? Type { get; set; }

    [Attr] public long K { get; set; }

    public override bool DependsOnShapesOnly => true;

    public override void Infer(InferContext context)
    {
        context.ExpectRank(0, 2);
        context.SetOutput(0, Type is { } t ? (DType)t : context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        if (y.Shape.Rank != 2) throw context.Error($"the input has shape {y.Shape}; expected a matrix");
        long columns = y.Shape[1];
        for (long i = 0, n = y.Count; i < n; i++) y.SetDouble(i, i % columns - i / columns == K ? 1 : 0);
    }
}
