using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Mean of each channel's plane.</summary>
[Operator("GlobalAveragePool", "X", "Y")]
public sealed partial class GlobalAveragePool : GlobalPoolOperator
{
    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    protected override bool HasChannelsLast => ChannelsLast;

    protected override double Reduce(Tensor x, long first, long count, long step)
    {
        double sum = 0;
        for (long i = 0; i < count; i++) sum += x.GetDouble(first + i * step);
        return sum / count;
    }
}
