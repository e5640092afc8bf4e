namespace EdgeLite.Ops.Ml;

/// <summary>1 above the threshold, otherwise 0.</summary>
[Operator("Binarizer", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class Binarizer : NumericUnary
{
    [Attr] public float Threshold { get; set; }

    protected override double Apply(double x) => x > Threshold ? 1 : 0;
    protected override long Apply(long x, bool isUnsigned) => x > Threshold ? 1 : 0;
}
