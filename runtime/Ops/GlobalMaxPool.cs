using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Maximum of each channel's plane.</summary>
[Operator("GlobalMaxPool", "X", "Y")]
public sealed partial class GlobalMaxPool : GlobalPoolOperator
{
    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    protected override bool HasChannelsLast => ChannelsLast;

    protected override double Reduce(Tensor x, long first, long count, long step)
    {
        double best = double.NegativeInfinity;
        for (long i = 0; i < count; i++) best = Math.Max(best, x.GetDouble(first + i * step));
        return best;
    }
}
