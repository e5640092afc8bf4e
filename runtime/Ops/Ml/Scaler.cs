using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>(x - offset) * scale, one pair for all features or one for each.</summary>
[Operator("Scaler", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class Scaler : FeaturewiseOperator
{
    [Attr] public float[] Offset { get; set; } = [0];
    [Attr] public float[] Scale { get; set; } = [1];

    protected override int Rules => Math.Max(Offset.Length, Scale.Length);
    protected override DType Result(DType input) => DType.Float32;
    protected override double Apply(double x, int rule) => (x - Offset[rule % Offset.Length]) * Scale[rule % Scale.Length];
}
