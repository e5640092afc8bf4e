using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>x - max - log(sum of exp(x - max)) along one axis.</summary>
[Operator("LogSoftmax", "input", "output")]
public sealed partial class LogSoftmax : AxisOperator
{
    protected override void Line(Tensor x, Tensor y, long first, long count, long step)
    {
        (double max, double sum) = Exponentials(x, first, count, step);
        double log = Math.Log(sum);
        for (long i = 0, at = first; i < count; i++, at += step) y.SetDouble(at, x.GetDouble(at) - max - log);
    }
}
