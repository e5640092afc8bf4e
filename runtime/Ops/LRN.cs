using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Local response normalization: y = x / (bias + alpha/size * sum of x^2 over the channels from
/// c - floor((size-1)/2) to c + ceil((size-1)/2))^beta.</summary>
[Operator("LRN", "X", "Y")]
public sealed partial class LRN : Operator
{
    [Attr] public float Alpha { get; set; } = 0.0001f;
    [Attr] public float Beta { get; set; } = 0.75f;
    [Attr] public float Bias { get; set; } = 1;
    [Attr(Required = true)] public long Size { get; set; }

    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    public override void Infer(InferContext c)
    {
        if (c.Shape(0) is { IsRanked: true, Rank: < 2 } x) throw c.Error($"input has shape {x}; expected batch and channels");
        c.SetOutput(0, c.DType(0), c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Shape s = x.Shape;
        long channels = s[ChannelsLast ? s.Rank - 1 : 1], step = ChannelsLast ? 1 : s.Product(2, s.Rank);
        for (long i = 0; i < x.Count; i++)
        {
            long ch = i / step % channels, origin = i - ch * step;
            long from = Math.Max(0, ch - (Size - 1) / 2), to = Math.Min(channels - 1, ch + Size / 2);
            double sum = 0;
            for (long k = from; k <= to; k++) sum += Math.Pow(x.GetDouble(origin + k * step), 2);
            y.SetDouble(i, x.GetDouble(i) / Math.Pow(Bias + Alpha / Size * sum, Beta));
        }
    }
}
