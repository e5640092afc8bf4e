using System.Numerics;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The second moments of what a dense layer reads, H[k][k] = sum over rows of x xT: the curvature of its squared output error in the
/// weights of each column.</summary>
internal static class Hessian
{
    /// <summary>Wider layers are rounded to nearest: the factor takes k^3 / 3 operations.</summary>
    public const int MaxWidth = 4096;

    public static Dictionary<Node, double[]> Collect(Graph graph, IReadOnlyList<Node> layers, BlockWeightOptions options, IProgress<QuantizationProgress>? progress)
    {
        var result = new Dictionary<Node, double[]>();
        var readers = new Dictionary<Value, double[]>();
        foreach (Node layer in layers)
        {
            Value x = layer.Inputs[0]!;
            if (x.Shape[x.Shape.Rank - 1] is not (> 0 and <= MaxWidth and var k)) continue;
            if (!readers.TryGetValue(x, out double[]? h)) readers[x] = h = new double[k * k];
            result[layer] = h;
        }
        using var runner = new NativeRunner(graph);
        int samples = Math.Min(options.Calibration!.Count, options.MaxSamples);
        for (int s = 0; s < samples; s++)
        {
            progress?.Report(new("calibrate", s, samples));
            runner.Run(options.Calibration.Load(s), (value, tensor) =>
            {
                if (tensor.DType == DType.Float32 && readers.TryGetValue(value, out double[]? h)) Add(h, tensor.Span<float>());
            });
        }
        progress?.Report(new("calibrate", samples, samples));
        return result;
    }

    /// <summary>The upper triangle is added to.</summary>
    public static void Add(double[] h, ReadOnlySpan<float> x)
    {
        int k = (int)Math.Sqrt(h.Length);
        var row = new double[k];
        for (int m = 0; m + k <= x.Length; m += k)
        {
            for (int i = 0; i < k; i++) row[i] = x[m + i];
            for (int i = 0; i < k; i++)
                if (row[i] != 0) AddScaled(row.AsSpan(i), row[i], h.AsSpan(i * k + i, k - i));
        }
    }

    /// <summary>
    /// U, upper triangular, with H^-1 = UT U: its rows are what GPTQ takes from the weights that follow. 1 % of the mean of the diagonal is
    /// added to it, so that inputs that never occur are harmless (as there).
    /// </summary>
    public static double[] InverseFactor(double[] h, int k)
    {
        double mean = 0;
        for (int i = 0; i < k; i++) mean += h[i * k + i] / k;
        double damping = mean > 0 ? 0.01 * mean : 1;
        // a = J H J, lower triangle.
        var a = new double[k * k];
        for (int i = 0; i < k; i++)
            for (int j = 0; j <= i; j++) a[i * k + j] = h[(k - 1 - i) * k + (k - 1 - j)] + (i == j ? damping : 0);
        for (int i = 0; i < k; i++)
            for (int j = 0; j <= i; j++)
            {
                double rest = a[i * k + j] - Dot(a.AsSpan(i * k, j), a.AsSpan(j * k, j));
                a[i * k + j] = i == j ? Math.Sqrt(Math.Max(rest, 1e-12 * damping)) : rest / a[j * k + j];
            }
        // H = (J L J)(J L J)T with J L J upper triangular, so H^-1 = (J L^-1 J)T (J L^-1 J): U = J L^-1 J.
        var inverse = new double[k * k];
        for (int i = 0; i < k; i++)
        {
            Span<double> row = inverse.AsSpan(i * k, k);
            for (int j = 0; j < i; j++)
                if (a[i * k + j] != 0) AddScaled(inverse.AsSpan(j * k, j + 1), -a[i * k + j], row[..(j + 1)]);
            row[i] = 1;
            for (int j = 0; j <= i; j++) row[j] /= a[i * k + i];
        }
        var u = new double[k * k];
        for (int i = 0; i < k; i++)
            for (int j = 0; j <= i; j++) u[(k - 1 - i) * k + (k - 1 - j)] = inverse[i * k + j];
        return u;
    }

    /// <summary>y += factor * x.</summary>
    public static void AddScaled(ReadOnlySpan<double> x, double factor, Span<double> y)
    {
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count)
            (new Vector<double>(y[i..]) + new Vector<double>(x[i..]) * factor).CopyTo(y[i..]);
        for (; i < x.Length; i++) y[i] += x[i] * factor;
    }

    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        Vector<double> sums = Vector<double>.Zero;
        int i = 0;
        for (; i + Vector<double>.Count <= x.Length; i += Vector<double>.Count) sums += new Vector<double>(x[i..]) * new Vector<double>(y[i..]);
        double sum = Vector.Sum(sums);
        for (; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }
}
