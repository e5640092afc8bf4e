using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Fills a tensor of a given shape, or of another tensor's shape, from a distribution.</summary>
public abstract class RandomFill : RandomOperator
{
    /// <summary>The number of the output's float type; float32, or the type of the input, by default.</summary>
    [Attr("dtype")] public long? Type { get; set; }

    public override void Infer(InferContext context)
    {
        DType type = Type is { } t ? (DType)t : Definition.Inputs.Length > 0 ? context.DType(0) : DType.Float32;
        if (type != DType.Undefined && !type.IsFloat()) throw context.Error($"dtype must be a float type, got {type.Name()}");
        context.SetOutput(0, type, ResultShape(context));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) y.SetDouble(i, Next(ref Random));
    }

    private protected virtual Shape ResultShape(InferContext context) => context.Shape(0);

    private protected abstract double Next(ref RandomSource random);
}
