using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Normalizes each group of channels of each sample (arXiv 1803.08494), then scales and shifts each channel.</summary>
[Operator("GroupNormalization", "X, scale, bias", "Y")]
public sealed partial class GroupNormalization : Operator
{
    [Attr] public float Epsilon { get; set; } = 1e-5f;
    [Attr(Required = true)] public long NumGroups { get; set; }
    [Attr] public long StashType { get; set; } = 1;

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (x.IsRanked && x.Rank < 2) throw c.Error($"input has shape {x}; expected batch and channels");
        if (NumGroups < 1 || x.IsRanked && x[1] >= 0 && x[1] % NumGroups != 0) throw c.Error($"{NumGroups} groups do not divide the channels of {x}");
        if (x.IsRanked)
            for (int i = 1; i < 3; i++) c.ExpectShape(i, x[1]);
        c.SetOutput(0, c.DType(0), x);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        long channels = x.Shape[1], plane = x.Shape.Product(2, x.Shape.Rank), size = channels / NumGroups;
        for (long n = 0; n < x.Shape[0]; n++)
            for (long g = 0; g < NumGroups; g++)
            {
                long first = (n * channels + g * size) * plane;
                (double mean, double inv) = Moments.Of(x, first, size * plane, 1, Epsilon);
                for (long i = 0; i < size * plane; i++)
                {
                    long ch = g * size + i / plane;
                    y.SetDouble(first + i, (x.GetDouble(first + i) - mean) * inv * c.Input(1).GetDouble(ch) + c.Input(2).GetDouble(ch));
                }
            }
    }
}
