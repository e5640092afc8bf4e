using System.Numerics;
using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

/// <summary>
/// What MLPerf Tiny's anomaly detector reads of a sound: [1, 640], five frames of 128 mel bands in dB one after another, for every place and
/// gain. A frame is 1024 numbers under a Hann window, the next one 512 later; bands are triangles of equal area from 0 Hz to half the rate on
/// Slaney's mel scale (mlcommons/tiny, anomaly_detection/common.py, file_to_vector_array, with librosa's defaults).
/// </summary>
internal sealed class LogMelWindows : ICalibrationData
{
    private const int Size = 1024, Hop = 512, Bands = 128, Frames = 5;

    private readonly List<Tensor> _samples = [];

    public LogMelWindows(string file, params double[] gains)
    {
        (float[] signal, int rate) = WavFile.Read(file);
        double[][] bands = MelBands(rate);
        foreach (double gain in gains)
        {
            float[][] frames = [.. Enumerable.Range(0, (signal.Length - Size) / Hop + 1).Select(i => LogMel(signal.AsSpan(i * Hop, Size), gain, bands))];
            for (int i = 0; i + Frames <= frames.Length; i++) _samples.Add(Tensor.FromArray<float>([.. frames[i..(i + Frames)].SelectMany(f => f)], new Shape(1, Frames * Bands)));
        }
    }

    public int Count => _samples.Count;

    public string Describe(int index) => $"window {index}";

    public IReadOnlyList<Tensor> Load(int index) => [_samples[index]];

    private static float[] LogMel(ReadOnlySpan<float> signal, double gain, double[][] bands)
    {
        var x = new Complex[Size];
        for (int i = 0; i < Size; i++) x[i] = gain * signal[i] * (0.5 - 0.5 * Math.Cos(2 * Math.PI * i / Size));
        Transform(x);
        return [.. bands.Select(w => (float)(10 * Math.Log10(w.Select((v, k) => v == 0 ? 0 : v * (x[k].Real * x[k].Real + x[k].Imaginary * x[k].Imaginary)).Sum() + double.BitIncrement(1) - 1)))];
    }

    /// <summary>The discrete Fourier transform of 2^n numbers, in place.</summary>
    private static void Transform(Complex[] x)
    {
        if (x.Length == 1) return;
        Complex[] even = [.. x.Where((_, i) => i % 2 == 0)], odd = [.. x.Where((_, i) => i % 2 == 1)];
        Transform(even);
        Transform(odd);
        for (int k = 0; k < even.Length; k++)
        {
            Complex t = Complex.FromPolarCoordinates(1, -2 * Math.PI * k / x.Length) * odd[k];
            (x[k], x[k + even.Length]) = (even[k] + t, even[k] - t);
        }
    }

    private static double[][] MelBands(int rate)
    {
        double[] hz = [.. Enumerable.Range(0, Bands + 2).Select(i => Hertz(Mel(rate / 2.0) * i / (Bands + 1)))];
        return [.. Enumerable.Range(0, Bands).Select(b => Enumerable.Range(0, Size / 2 + 1).Select(k =>
        {
            double f = (double)k * rate / Size, rise = (f - hz[b]) / (hz[b + 1] - hz[b]), fall = (hz[b + 2] - f) / (hz[b + 2] - hz[b + 1]);
            return Math.Max(0, Math.Min(rise, fall)) * 2 / (hz[b + 2] - hz[b]);
        }).ToArray())];
    }

    // Straight up to 1000 Hz, then 27 steps for each factor of 6.4.
    private static double Mel(double hz) => hz < 1000 ? hz * 3 / 200 : 15 + Math.Log(hz / 1000) * 27 / Math.Log(6.4);

    private static double Hertz(double mel) => mel < 15 ? mel * 200 / 3 : 1000 * Math.Exp((mel - 15) * Math.Log(6.4) / 27);
}
