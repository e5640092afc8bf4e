using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>1 with the probability that the input gives, otherwise 0.</summary>
[Operator("Bernoulli", "input", "output")]
public sealed partial class Bernoulli : RandomOperator
{
    /// <summary>The number of the output's type; the input's by default.</summary>
    [Attr("dtype")] public long? Type { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        context.SetOutput(0, Type is { } t ? (DType)t : context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) y.SetDouble(i, Random.NextUniform() < x.GetDouble(i) ? 1 : 0);
    }
}
