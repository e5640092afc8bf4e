namespace EdgeLite.Ops;

/// <summary>Mean of each window: over the positions inside the input, or, with count_include_pad, over those inside its declared
/// padding too (never over what ceil_mode lets hang over).</summary>
[Operator("AveragePool", "X", "Y")]
public sealed partial class AveragePool : PoolOperator
{
    [Attr] public bool CountIncludePad { get; set; }

    protected override void Reduce(ComputeContext c, in Window window, ReadOnlySpan<long> covered, int declared, long index, long plane, long step)
    {
        double sum = 0;
        foreach (long i in covered) sum += c.Input(0).GetDouble(i);
        c.Output(0).SetDouble(index, sum / (CountIncludePad ? declared : covered.Length));
    }
}
