namespace EdgeLite.Converter.Quantizing;

/// <summary>How often a value of the source and of the converted model lies where, in one sample: counts of <see cref="Bins"/> equal parts
/// of [<paramref name="Min"/>, <paramref name="Max"/>], the range of both.</summary>
public sealed record ValueHistogram(double Min, double Max, IReadOnlyList<long> Source, IReadOnlyList<long> Converted)
{
    public const int Bins = 32;

    /// <summary>Null when there are no finite numbers, or all are the same.</summary>
    internal static ValueHistogram? Of(long n, Func<long, double> source, Func<long, double> converted)
    {
        double min = double.PositiveInfinity, max = double.NegativeInfinity;
        for (long i = 0; i < n; i++)
        {
            foreach (double v in (ReadOnlySpan<double>)[source(i), converted(i)])
            {
                if (!double.IsFinite(v)) continue;
                min = Math.Min(min, v);
                max = Math.Max(max, v);
            }
        }
        return min < max ? new(min, max, Count(source), Count(converted)) : null;

        long[] Count(Func<long, double> value)
        {
            var counts = new long[Bins];
            for (long i = 0; i < n; i++)
                if (value(i) is var v && double.IsFinite(v)) counts[Math.Min((int)((v - min) / (max - min) * Bins), Bins - 1)]++;
            return counts;
        }
    }
}
