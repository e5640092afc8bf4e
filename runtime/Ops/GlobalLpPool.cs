using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>p-norm of each channel's plane.</summary>
[Operator("GlobalLpPool", "X", "Y")]
public sealed partial class GlobalLpPool : GlobalPoolOperator
{
    [Attr] public long P { get; set; } = 2;

    protected override double Reduce(Tensor x, long first, long count, long step)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += Math.Pow(Math.Abs(x.GetDouble(first + i * step)), P);
        return Math.Pow(sum, 1.0 / P);
    }
}
