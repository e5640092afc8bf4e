using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Replaces elements that equal one value (NaN equals NaN) by another, one for all features or one for each.</summary>
[Operator("Imputer", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class Imputer : FeaturewiseOperator
{
    [Attr] public float[]? ImputedValueFloats { get; set; }
    [Attr] public long[]? ImputedValueInt64s { get; set; }
    [Attr] public float ReplacedValueFloat { get; set; }
    [Attr] public long ReplacedValueInt64 { get; set; }

    protected override int Rules => ImputedValueFloats?.Length ?? ImputedValueInt64s?.Length ?? 1;
    protected override DType Result(DType input) => input;

    protected override double Apply(double x, int rule)
    {
        if (ImputedValueFloats != null) return x == ReplacedValueFloat || double.IsNaN(x) && float.IsNaN(ReplacedValueFloat) ? ImputedValueFloats[rule] : x;
        return ImputedValueInt64s != null && x == ReplacedValueInt64 ? ImputedValueInt64s[rule] : x;
    }

    /// <summary>Integers are not taken through doubles, which hold 53 bits of them.</summary>
    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        if (ImputedValueInt64s == null || !x.DType.IsInteger())
        {
            base.Compute(c);
            return;
        }
        for (long i = 0; i < x.Count; i++) y.SetInt64(i, x.GetInt64(i) is var v && v == ReplacedValueInt64 ? ImputedValueInt64s[i % Rules] : v);
    }
}
