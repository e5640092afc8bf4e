using EdgeLite.Core;

namespace EdgeLite.Ops.Microsoft;

/// <summary>Normalizes input + skip + bias over the last axis; output 3 is that sum.</summary>
public abstract class SkipNormalization : Operator
{
    [Attr] public float Epsilon { get; set; } = 1e-12f;

    protected abstract bool IsCentered { get; }
    protected abstract int BiasInput { get; }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), row = x;
        if (x is { IsRanked: true, Rank: > 0 }) row = x.With(x.Rank - 1, 1);
        c.SetOutput(0, c.DType(0), x);
        c.SetOutput(1, DType.Float32, row);
        c.SetOutput(2, DType.Float32, row);
        c.SetOutput(3, c.DType(0), x);
    }

    public override unsafe void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), skip = c.Input(1), gamma = c.Input(2), y = c.Output(0);
        Tensor? beta = IsCentered ? c.OptionalInput(3) : null, bias = c.OptionalInput(BiasInput);
        long n = x.Shape[x.Shape.Rank - 1];
        using var row = new WideBuffer(n);
        for (long first = 0; first < x.Count; first += n)
        {
            double mean = 0, square = 0;
            for (long i = 0; i < n; i++)
            {
                row.P[i] = x.GetDouble(first + i) + skip.GetDouble((first + i) % skip.Count) + (bias?.GetDouble(i) ?? 0);
                if (IsCentered) mean += row.P[i] / n;
            }
            for (long i = 0; i < n; i++) square += (row.P[i] - mean) * (row.P[i] - mean);
            double inverse = 1 / Math.Sqrt(square / n + Epsilon);
            for (long i = 0; i < n; i++)
            {
                y.SetDouble(first + i, (row.P[i] - mean) * inverse * gamma.GetDouble(i) + (beta?.GetDouble(i) ?? 0));
                if (c.HasOutput(3)) c.Output(3).SetDouble(first + i, row.P[i]);
            }
            if (c.HasOutput(1)) c.Output(1).SetDouble(first / n, mean);
            if (c.HasOutput(2)) c.Output(2).SetDouble(first / n, inverse);
        }
    }
}
