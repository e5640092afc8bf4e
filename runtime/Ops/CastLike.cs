using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Converts every element to the type of another tensor.</summary>
[Operator("CastLike", "input, target_type", "output")]
public sealed partial class CastLike : Operator
{
    [Attr] public bool Saturate { get; set; } = true;
    [Attr] public string RoundMode { get; set; } = "up";

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context) => context.SetOutput(0, context.DType(1), context.Shape(0));

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++) NumberConversion.Convert(x, i, y, i, Saturate, RoundMode);
    }
}
