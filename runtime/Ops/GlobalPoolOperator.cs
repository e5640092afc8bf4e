using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Reduces each channel's whole plane to one value: X[n][c][spatial..] to Y[n][c][1..], or channels last.</summary>
public abstract class GlobalPoolOperator : Operator
{
    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        if (!x.IsRanked)
        {
            c.SetOutput(0, c.DType(0), x);
            return;
        }
        if (x.Rank < 2) throw c.Error($"input has shape {x}; expected batch, channels and spatial dimensions");
        Span<long> dims = stackalloc long[x.Rank];
        dims.Fill(1);
        int channel = HasChannelsLast ? x.Rank - 1 : 1;
        dims[0] = x[0];
        dims[channel] = x[channel];
        c.SetOutput(0, c.DType(0), new Shape(dims));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        int rank = x.Shape.Rank;
        long batch = x.Shape[0], channels = x.Shape[HasChannelsLast ? rank - 1 : 1];
        long plane = HasChannelsLast ? x.Shape.Product(1, rank - 1) : x.Shape.Product(2, rank);
        for (long n = 0; n < batch; n++)
            for (long ch = 0; ch < channels; ch++)
            {
                long first = HasChannelsLast ? n * plane * channels + ch : (n * channels + ch) * plane;
                y.SetDouble(n * channels + ch, Reduce(x, first, plane, HasChannelsLast ? channels : 1));
            }
    }

    protected virtual bool HasChannelsLast => false;

    /// <summary>Reduces <paramref name="count"/> elements from <paramref name="first"/> on, <paramref name="step"/> apart.</summary>
    protected abstract double Reduce(Tensor x, long first, long count, long step);
}
