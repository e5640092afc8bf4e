using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Maximum of each window; a NaN in the window wins. Indices are positions in the whole input; with storage_order 1 the
/// spatial part counts column-major (first spatial axis fastest).</summary>
[Operator("MaxPool", "X", "Y, Indices?")]
public sealed partial class MaxPool : PoolOperator
{
    [Attr] public long StorageOrder { get; set; }

    protected override void Reduce(ComputeContext c, in Window window, ReadOnlySpan<long> covered, int declared, long index, long plane, long step)
    {
        Tensor x = c.Input(0);
        double best = x.DType.IsInteger() ? Quantization.Range(x.DType).Min : double.NegativeInfinity;
        long at = -1;
        foreach (long i in covered)
        {
            double value = x.GetDouble(i);
            if (at >= 0 && !(value > best) && !(double.IsNaN(value) && !double.IsNaN(best))) continue;
            best = value;
            at = i;
        }
        c.Output(0).SetDouble(index, best);
        if (!c.HasOutput(1)) return;
        if (at >= 0 && StorageOrder == 1)
        {
            long p = (at - plane) / step, w = p % window.W.In, h = p / window.W.In % window.H.In, d = p / (window.W.In * window.H.In);
            at = plane + ((w * window.H.In + h) * window.D.In + d) * step;
        }
        c.Output(1).SetInt64(index, at);
    }
}
