using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = scale * (x - mean) / sqrt(variance + epsilon) + B, statistics of each sample's channel (arXiv 1607.08022).</summary>
[Operator("InstanceNormalization", "input, scale, B", "output")]
public sealed partial class InstanceNormalization : Operator
{
    [Attr] public float Epsilon { get; set; } = 1e-5f;

    /// <summary>Extension: X and Y have their channels last.</summary>
    [Attr] public bool ChannelsLast { get; set; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        c.SetOutput(0, c.DType(0), x);
        if (!x.IsRanked) return;
        if (x.Rank < 2) throw c.Error($"input has shape {x}; expected batch and channels");
        for (int i = 1; i < 3; i++) c.ExpectShape(i, x[ChannelsLast ? x.Rank - 1 : 1]);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        Shape s = x.Shape;
        long channels = s[ChannelsLast ? s.Rank - 1 : 1], step = ChannelsLast ? channels : 1;
        long plane = ChannelsLast ? s.Product(1, s.Rank - 1) : s.Product(2, s.Rank);
        for (long n = 0; n < s[0]; n++)
            for (long ch = 0; ch < channels; ch++)
            {
                long first = ChannelsLast ? n * plane * channels + ch : (n * channels + ch) * plane;
                (double mean, double inv) = Moments.Of(x, first, plane, step, Epsilon);
                double scale = c.Input(1).GetDouble(ch), bias = c.Input(2).GetDouble(ch);
                for (long i = 0, at = first; i < plane; i++, at += step)
                    y.SetDouble(at, (x.GetDouble(at) - mean) * inv * scale + bias);
            }
    }
}
