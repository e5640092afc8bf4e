using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Mean and reciprocal standard deviation of elements of a tensor.</summary>
internal static class Moments
{
    /// <summary>Of <paramref name="count"/> elements from <paramref name="first"/> on, <paramref name="step"/> apart; the second
    /// is 1 / sqrt(population variance + epsilon).</summary>
    public static (double Mean, double Inverse) Of(Tensor x, long first, long count, long step, double epsilon)
    {
        double sum = 0, square = 0;
        for (long i = 0; i < count; i++) sum += x.GetDouble(first + i * step);
        double mean = sum / count;
        for (long i = 0; i < count; i++)
        {
            double d = x.GetDouble(first + i * step) - mean;
            square += d * d;
        }
        return (mean, 1 / Math.Sqrt(square / count + epsilon));
    }
}
