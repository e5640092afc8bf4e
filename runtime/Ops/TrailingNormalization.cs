using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Normalizes over the axes from <see cref="Axis"/> on: y = (x - mean) * inv * scale + bias, statistics in float32 or
/// better. Scale and bias broadcast to the normalized axes.</summary>
public abstract class TrailingNormalization : Operator
{
    [Attr] public long Axis { get; set; } = -1;
    [Attr] public float Epsilon { get; set; } = 1e-5f;
    [Attr] public long StashType { get; set; } = 1;

    /// <summary>Whether the mean is taken off (layer normalization) or not (RMS).</summary>
    protected abstract bool IsCentered { get; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), statistics = x;
        c.SetOutput(0, c.DType(IsCentered ? 0 : 1), x); // RMSNormalization's result has the type of its scale
        c.ExpectBroadcastTo(1, x);
        if (IsCentered) c.ExpectBroadcastTo(2, x);
        if (x.IsRanked)
            for (int i = c.Axis(Axis, x.Rank); i < x.Rank; i++) statistics = statistics.With(i, 1);
        c.SetOutput(1, (DType)StashType, statistics);
        c.SetOutput(2, (DType)StashType, statistics);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), scale = c.Input(1), y = c.Output(0);
        Tensor? bias = IsCentered ? c.OptionalInput(2) : null;
        int rank = x.Shape.Rank, axis = (int)(Axis < 0 ? Axis + rank : Axis);
        long rows = x.Shape.Product(0, axis), n = x.Shape.Product(axis, rank);
        for (long r = 0; r < rows; r++)
        {
            double mean = 0, square = 0;
            for (long i = 0; i < n && IsCentered; i++) mean += x.GetDouble(r * n + i);
            mean /= n;
            for (long i = 0; i < n; i++)
            {
                double d = x.GetDouble(r * n + i) - mean;
                square += d * d;
            }
            double inv = 1 / Math.Sqrt(square / n + Epsilon);
            for (long i = 0; i < n; i++)
            {
                long at = r * n + i;
                double value = (x.GetDouble(at) - mean) * inv * scale.GetDouble(Broadcasting.Index(at, x.Shape, scale.Shape));
                if (bias != null) value += bias.GetDouble(Broadcasting.Index(at, x.Shape, bias.Shape));
                y.SetDouble(at, value);
            }
            if (!IsCentered) continue;
            if (c.HasOutput(1)) c.Output(1).SetDouble(r, mean);
            if (c.HasOutput(2)) c.Output(2).SetDouble(r, inv);
        }
    }
}
