using System.Numerics;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>How the range of a value is taken from what calibration saw of it.</summary>
public enum RangeMethod
{
    /// <summary>Smallest to largest number.</summary>
    MinMax,

    /// <summary>Cuts the rarest numbers off: half of 100 - percentile percent at each end.</summary>
    Percentile,

    /// <summary>The range of least squared error: what clipping costs against what a coarser step costs.</summary>
    MeanSquaredError,

    /// <summary>A running mean of each sample's smallest and largest number; a new sample weighs a tenth.</summary>
    MovingAverage,

    /// <summary>The range whose 256 levels keep most of the distribution (least Kullback-Leibler divergence).</summary>
    Entropy,

    /// <summary>The one of the others whose int8 model is nearest to the float model on calibration samples; for whole graphs.</summary>
    Best,
}

internal static class RangeMethods
{
    /// <summary>As <c>--observer</c> takes it.</summary>
    public static string Name(this RangeMethod method) => method switch
    {
        RangeMethod.MinMax => "minmax",
        RangeMethod.Percentile => "percentile",
        RangeMethod.MeanSquaredError => "mse",
        RangeMethod.MovingAverage => "moving-average",
        RangeMethod.Entropy => "entropy",
        _ => "best",
    };

    /// <summary>The method of a <see cref="Name"/>.</summary>
    public static RangeMethod Named(string name) => Enum.GetValues<RangeMethod>().Single(m => m.Name() == name);
}

/// <summary>
/// Watches one value over all samples: extremes, and a histogram of <see cref="HalfBins"/> bins on each side of zero over
/// [-2^e, 2^e). When a larger number comes, e grows and neighbouring bins merge exactly, so the result does not depend on the
/// order of samples.
/// </summary>
public sealed class RangeObserver
{
    /// <summary>Bins on each side of zero; the largest magnitude lies in the upper half of them.</summary>
    public const int HalfBins = 4096;

    /// <summary>Bins of both sides. Behind them is one for each lane of a vector, which counts zeros: they are many, and one bin would make each
    /// of them wait for the last.</summary>
    private const int Bins = 2 * HalfBins;

    private readonly long[] _bins = new long[Bins + Vector<float>.Count];
    private int _exponent = int.MinValue;
    private double _meanMin, _meanMax;
    private long _zeros;

    /// <summary>What a new sample weighs in <see cref="RangeMethod.MovingAverage"/>.</summary>
    private const double NewSample = 0.1;

    /// <summary>Finite numbers seen.</summary>
    public long Count { get; private set; }

    /// <summary>NaN and infinities seen; they are in no range.</summary>
    public long NonFinite { get; private set; }

    public float Min { get; private set; } = float.PositiveInfinity;
    public float Max { get; private set; } = float.NegativeInfinity;

    public void Observe(ReadOnlySpan<float> values)
    {
        (float min, float max, bool allFinite) = Extremes(values);
        if (min > max)
        {
            NonFinite += values.Length;
            return;
        }
        _meanMin = Count == 0 ? min : _meanMin + NewSample * (min - _meanMin);
        _meanMax = Count == 0 ? max : _meanMax + NewSample * (max - _meanMax);
        (Min, Max) = (Math.Min(Min, min), Math.Max(Max, max));
        Grow(Math.Max(Math.Abs(Min), Math.Abs(Max)));
        int done = allFinite ? CountVectors(values) : 0, finite = done;
        double perUnit = Math.ScaleB(HalfBins, -_exponent);
        foreach (float v in values[done..])
        {
            if (!float.IsFinite(v)) continue;
            _bins[v == 0 ? Bins : HalfBins + (int)Math.Floor(v * perUnit)]++;
            finite++;
        }
        for (int lane = Bins; lane < _bins.Length; lane++)
        {
            _zeros += _bins[lane];
            _bins[HalfBins] += _bins[lane];
            _bins[lane] = 0;
        }
        Count += finite;
        NonFinite += values.Length - finite;
    }

    /// <summary>Counts as many of the finite numbers as fill whole vectors, and returns how many these are. Multiplying by a power of two that
    /// float32 holds is exact, but for numbers that are too small to be told from zero either way.</summary>
    private int CountVectors(ReadOnlySpan<float> values)
    {
        float perUnit = (float)Math.ScaleB(HalfBins, -_exponent);
        if (!float.IsNormal(perUnit)) return 0;
        Span<int> lanes = stackalloc int[Vector<int>.Count];
        for (int lane = 0; lane < lanes.Length; lane++) lanes[lane] = Bins + lane;
        var zeros = new Vector<int>(lanes);
        int i = 0;
        for (; i + Vector<float>.Count <= values.Length; i += Vector<float>.Count)
        {
            var v = new Vector<float>(values[i..]);
            Vector<int> bins = Vector.ConvertToInt32(Vector.Floor(v * perUnit)) + new Vector<int>(HalfBins);
            bins = Vector.ConditionalSelect(Vector.Equals(v, Vector<float>.Zero), zeros, bins);
            for (int lane = 0; lane < Vector<int>.Count; lane++) _bins[bins[lane]]++;
        }
        return i;
    }

    /// <summary>Of the finite numbers; smallest above largest where there are none.</summary>
    private static (float Min, float Max, bool AllFinite) Extremes(ReadOnlySpan<float> values)
    {
        var lows = new Vector<float>(float.PositiveInfinity);
        Vector<float> highs = -lows, sum = Vector<float>.Zero;
        int i = 0;
        for (; i + Vector<float>.Count <= values.Length; i += Vector<float>.Count)
        {
            var v = new Vector<float>(values[i..]);
            lows = Vector.Min(lows, v);
            highs = Vector.Max(highs, v);
            sum += v - v; // NaN where v is not finite
        }
        float min = float.PositiveInfinity, max = float.NegativeInfinity;
        if (Vector.EqualsAll(sum, Vector<float>.Zero))
        {
            for (int lane = 0; lane < Vector<float>.Count; lane++) (min, max) = (Math.Min(min, lows[lane]), Math.Max(max, highs[lane]));
        }
        else i = 0;
        bool allFinite = i > 0 || values.Length < Vector<float>.Count;
        for (; i < values.Length; i++)
        {
            if (!float.IsFinite(values[i])) allFinite = false;
            else (min, max) = (Math.Min(min, values[i]), Math.Max(max, values[i]));
        }
        return (min, max, allFinite);
    }

    /// <summary>The range by a method; includes 0, since 0 must have an exact stored number.</summary>
    public (float Min, float Max) Range(RangeMethod method, double percentile)
    {
        if (Count == 0) return (0, 0);
        (float min, float max) = method switch
        {
            RangeMethod.MinMax => (Min, Max),
            RangeMethod.Percentile or RangeMethod.Best => Percentiles(percentile),
            RangeMethod.MovingAverage => ((float)_meanMin, (float)_meanMax),
            RangeMethod.Entropy => Least(Divergence),
            _ => Least(Error),
        };
        return (Math.Min(min, 0), Math.Max(max, 0));
    }

    /// <summary>The quantiles (100 - percentile) / 200 and 1 minus that, linear within a bin, never outside what was seen.</summary>
    private (float Min, float Max) Percentiles(double percentile)
    {
        if (!(percentile is > 50 and <= 100))
            throw new EdgeLiteException(Status.InvalidArgument, $"The percentile of calibration is {percentile}; expected more than 50 and at most 100.");
        double tail = (100 - percentile) / 200 * Count;
        double width = Math.ScaleB(1.0 / HalfBins, _exponent);
        double low = Min, high = Max, below = 0, above = 0;
        for (int i = 0; i < Bins; below += _bins[i++])
        {
            if (below + _bins[i] <= tail) continue;
            low = (i - HalfBins + (tail - below) / _bins[i]) * width;
            break;
        }
        for (int i = Bins - 1; i >= 0; above += _bins[i--])
        {
            if (above + _bins[i] <= tail) continue;
            high = (i + 1 - HalfBins - (tail - above) / _bins[i]) * width;
            break;
        }
        return (Math.Max((float)low, Min), Math.Min((float)high, Max));
    }

    /// <summary>
    /// Tries 64 ends down to 1/4 of the extremes in turn (lower, then upper, each with the other held, twice), and keeps the range of
    /// least <paramref name="cost"/>.
    /// </summary>
    private (float Min, float Max) Least(Func<double, double, double> cost)
    {
        double min = Math.Min(Min, 0), max = Math.Max(Max, 0);
        if (max <= min) return (Min, Max);
        double low = min, high = max;
        for (int round = 0; round < 2; round++)
        {
            if (min < 0) low = Best(f => min * f, l => cost(l, high));
            if (max > 0) high = Best(f => max * f, h => cost(low, h));
        }
        return ((float)low, (float)high);

        static double Best(Func<double, double> end, Func<double, double> cost)
        {
            double best = end(1), least = cost(best);
            for (int i = 1; i < 64; i++)
            {
                double at = end(1 - 0.75 * i / 64), c = cost(at);
                if (c < least) (best, least) = (at, c);
            }
            return best;
        }
    }

    /// <summary>
    /// Kullback-Leibler divergence of the histogram from its 256-level image, after Migacz, "8-bit Inference with TensorRT", 2017, for a
    /// range with two ends: what lies outside counts in the last bins of the one and is missing in the other; a level's count is spread
    /// evenly over the bins of its own that are not empty.
    /// </summary>
    private double Divergence(double low, double high)
    {
        double width = Math.ScaleB(1.0 / HalfBins, _exponent);
        int first = Math.Clamp((int)Math.Floor(low / width) + HalfBins, 0, Bins - 1), last = Math.Clamp((int)Math.Ceiling(high / width) + HalfBins - 1, first, Bins - 1);
        long below = 0, above = 0, inside = 0;
        for (int i = 0; i < Bins; i++)
        {
            if (i < first) below += Inexact(i);
            else if (i > last) above += Inexact(i);
            else inside += Inexact(i);
        }
        if (inside == 0) return double.PositiveInfinity;
        double sum = 0;
        int bins = last - first + 1;
        for (int level = 0; level < 256; level++)
        {
            int from = first + (int)((long)bins * level / 256), to = first + (int)((long)bins * (level + 1) / 256);
            long count = 0;
            int used = 0;
            for (int i = from; i < to; i++)
            {
                count += Inexact(i);
                if (Reference(i) > 0) used++;
            }
            for (int i = from; i < to; i++)
            {
                long reference = Reference(i);
                if (reference == 0) continue;
                // What the image lacks altogether counts like half a number.
                double p = (double)reference / (Count - _zeros), q = Math.Max(count, 0.5) / used / inside;
                sum += p * Math.Log(p / q);
            }
        }
        return sum;

        long Reference(int i) => Inexact(i) + (i == first ? below : 0) + (i == last ? above : 0);
    }

    /// <summary>Sum over bins of count * (distance outside the range)^2, or of count * step^2 / 12 inside, step = range / 255.</summary>
    private double Error(double low, double high)
    {
        double width = Math.ScaleB(1.0 / HalfBins, _exponent), step = (high - low) / 255, sum = 0;
        for (int i = 0; i < Bins; i++)
        {
            if (Inexact(i) == 0) continue;
            double at = (i - HalfBins + 0.5) * width;
            double outside = at < low ? low - at : at > high ? at - high : 0;
            sum += Inexact(i) * (outside > 0 ? outside * outside : step * step / 12);
        }
        return sum;
    }

    /// <summary>Numbers in a bin without those that are 0, which every range stores exactly.</summary>
    private long Inexact(int bin) => bin == HalfBins ? _bins[bin] - _zeros : _bins[bin];

    /// <summary>Makes 2^e larger than <paramref name="magnitude"/>.</summary>
    private void Grow(float magnitude)
    {
        int needed = magnitude == 0 ? -126 : Math.ILogB(magnitude) + 1;
        if (_exponent == int.MinValue) _exponent = needed;
        for (; _exponent < needed; _exponent++)
        {
            // Bin i holds [i, i+1) * width; with twice the width it is bin floor(i / 2).
            for (int i = 0; i < HalfBins / 2; i++)
            {
                _bins[HalfBins + i] = _bins[HalfBins + 2 * i] + _bins[HalfBins + 2 * i + 1];
                _bins[HalfBins - 1 - i] = _bins[HalfBins - 1 - 2 * i] + _bins[HalfBins - 2 - 2 * i];
            }
            Array.Clear(_bins, 0, HalfBins / 2);
            Array.Clear(_bins, HalfBins + HalfBins / 2, HalfBins / 2);
        }
    }
}
