using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>exp(x - max) / sum of exp(x - max) along one axis.</summary>
[Operator("Softmax", "input", "output")]
public sealed partial class Softmax : AxisOperator
{
    protected override void Line(Tensor x, Tensor y, long first, long count, long step)
    {
        (double max, double sum) = Exponentials(x, first, count, step);
        for (long i = 0, at = first; i < count; i++, at += step) y.SetDouble(at, Math.Exp(x.GetDouble(at) - max) / sum);
    }
}
