using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Where element i of [n, c, spatial..] is in [n, spatial.., c].</summary>
/// <param name="Channels">c</param>
/// <param name="Plane">elements of a channel</param>
internal readonly record struct ChannelsLastOrder(long Channels, long Plane)
{
    public long Place(long i)
    {
        (long channel, long at) = Math.DivRem(i, Plane);
        (long n, long c) = Math.DivRem(channel, Channels);
        return (n * Plane + at) * Channels + c;
    }
}

/// <summary>Adds up what a <see cref="ValueComparison"/> is made of, sample by sample.</summary>
internal sealed class ComparisonSums
{
    private double _aa, _bb, _ab, _ee, _maxAbs, _maxRel;
    private double _aMin = double.PositiveInfinity, _aMax = double.NegativeInfinity, _bMin = double.PositiveInfinity, _bMax = double.NegativeInfinity;
    private long _mismatches, _cutOff;
    private bool _isStored;
    private ValueHistogram? _histogram;

    public long Elements { get; private set; }

    public double Sqnr => Decibels(_mismatches, _aa, _ee);

    /// <summary>SQNR of what was added last, alone.</summary>
    public double LastSqnr { get; private set; }

    private static double Decibels(long mismatches, double signal, double noise) =>
        mismatches > 0 ? double.NegativeInfinity : noise == 0 ? double.PositiveInfinity : 10 * Math.Log10(signal / noise);

    /// <param name="a">source</param>
    /// <param name="b">converted, as many elements</param>
    /// <param name="last">of a, whose channels are last in b; null where both have the same order</param>
    /// <param name="q">parameters when b is stored as int8 or int16</param>
    public void Add(Tensor a, Tensor b, ChannelsLastOrder? last, TensorQuantization? q)
    {
        long n = a.Count, mismatches = 0;
        double largest = 0, signal = 0, noise = 0;
        for (long i = 0; i < n; i++)
        {
            double v = Math.Abs(a.GetDouble(i));
            if (double.IsFinite(v)) largest = Math.Max(largest, v);
        }
        double floor = Math.Max(largest / 1000, 1e-30);
        if (q is { } stored)
        {
            _isStored = true;
            (double low, double high) = (stored.Min - stored.Scale / 2, stored.Max + stored.Scale / 2);
            for (long i = 0; i < n; i++)
                if (a.GetDouble(i) is var x && (x < low || x > high)) _cutOff++;
        }
        _histogram ??= ValueHistogram.Of(n, a.GetDouble, i => Converted(last?.Place(i) ?? i));
        for (long i = 0; i < n; i++)
        {
            double x = a.GetDouble(i), y = Converted(last?.Place(i) ?? i);
            Elements++;
            if (!double.IsFinite(x) || !double.IsFinite(y))
            {
                if (!x.Equals(y)) mismatches++;
                continue;
            }
            _aMin = Math.Min(_aMin, x);
            _aMax = Math.Max(_aMax, x);
            _bMin = Math.Min(_bMin, y);
            _bMax = Math.Max(_bMax, y);
            double e = Math.Abs(x - y);
            _aa += x * x;
            _bb += y * y;
            _ab += x * y;
            _ee += e * e;
            signal += x * x;
            noise += e * e;
            _maxAbs = Math.Max(_maxAbs, e);
            _maxRel = Math.Max(_maxRel, e / Math.Max(Math.Abs(x), floor));
        }
        _mismatches += mismatches;
        LastSqnr = Decibels(mismatches, signal, noise);

        double Converted(long at) => q is { } p ? p.Dequantize(b.GetInt64(at)) : b.GetDouble(at);
    }

    public ValueComparison Result(string name, string op, Shape shape, int order) => new()
    {
        Name = name,
        Operator = op,
        Shape = shape.ToString(),
        Order = order,
        Elements = Elements,
        Sqnr = Sqnr,
        Cosine = _aa == 0 || _bb == 0 ? (_aa == _bb ? 1 : 0) : _ab / Math.Sqrt(_aa * _bb),
        MaxAbsError = _maxAbs,
        MaxRelError = _maxRel,
        SourceMin = _aMin,
        SourceMax = _aMax,
        ConvertedMin = _bMin,
        ConvertedMax = _bMax,
        NonFiniteMismatches = _mismatches,
        Saturation = _isStored ? (double)_cutOff / Elements : null,
        Histogram = _histogram,
    };
}
