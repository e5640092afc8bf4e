using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>x divided by its p-norm (p = 1 or 2) along one axis; a line of zeros stays zero.</summary>
[Operator("LpNormalization", "input", "output")]
public sealed partial class LpNormalization : AxisOperator
{
    [Attr] public long P { get; set; } = 2;

    protected override void Line(Tensor x, Tensor y, long first, long count, long step)
    {
        double norm = 0;
        for (long i = 0; i < count; i++) norm += Math.Pow(Math.Abs(x.GetDouble(first + i * step)), P);
        norm = Math.Pow(norm, 1.0 / P);
        for (long i = 0, at = first; i < count; i++, at += step) y.SetDouble(at, norm == 0 ? 0 : x.GetDouble(at) / norm);
    }
}
