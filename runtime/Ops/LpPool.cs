namespace EdgeLite.Ops;

/// <summary>p-norm of each window: (sum |x|^p)^(1/p).</summary>
[Operator("LpPool", "X", "Y")]
public sealed partial class LpPool : PoolOperator
{
    [Attr] public long P { get; set; } = 2;

    protected override void Reduce(ComputeContext c, in Window window, ReadOnlySpan<long> covered, int declared, long index, long plane, long step)
    {
        double sum = 0;
        foreach (long i in covered) sum += Math.Pow(Math.Abs(c.Input(0).GetDouble(i)), P);
        c.Output(0).SetDouble(index, Math.Pow(sum, 1.0 / P));
    }
}
