using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>What speech recognition begins with: spectra of windows, and their cepstra.</summary>
internal static class Audio
{
    private const long LongestWindow = 1 << 14, MostFrames = 1 << 20;

    /// <summary>
    /// [samples, channels] to [channels, frames, fft / 2 + 1]: the magnitudes, or their squares, of the spectra of windows; fft is the power
    /// of two that is not below window_size, windows are Hann's, 0.5 - 0.5 cos(2 pi i / window_size)
    /// (tensorflow/core/kernels/spectrogram.cc). A convolution with cosines and sines.
    /// </summary>
    [TensorFlow("AudioSpectrogram")]
    private static void Spectrogram(TfNode n)
    {
        long window = n.Int("window_size"), stride = n.Int("stride"), fft = 1;
        if (window is < 2 or > LongestWindow || stride is < 1 or > MostFrames) throw n.Damaged($"window_size is {window}, stride {stride}");
        while (fft < window) fft *= 2;
        long bins = fft / 2 + 1;
        var waves = new Tensor(DType.Float32, new Shape(2 * bins, 1, window));
        for (long k = 0; k < bins; k++)
            for (long i = 0; i < window; i++)
            {
                double hann = 0.5 - 0.5 * Math.Cos(2 * Math.PI * i / window), angle = 2 * Math.PI * (k * i % fft) / fft;
                waves.SetDouble(k * window + i, hann * Math.Cos(angle));
                waves.SetDouble((bins + k) * window + i, -hann * Math.Sin(angle));
            }
        Value samples = n.Unsqueeze(n.Transpose(n.In(0), 1, 0), 1);
        Value[] parts = n.EmitMany("Split", 2, [n.Emit("Conv", [samples, n.Const(waves)], ("kernel_shape", new[] { window }), ("strides", new[] { stride }))], ("axis", 1), ("num_outputs", 2));
        Value power = n.Transpose(n.Add(n.Mul(parts[0], parts[0]), n.Mul(parts[1], parts[1])), 0, 2, 1);
        n.Set(n.Bool("magnitude_squared") ? power : n.Emit("Sqrt", [power]));
    }

    /// <summary>
    /// Squared magnitudes [.., bins] to cepstra [.., dct_coefficient_count]: triangles on the mel scale over the magnitudes, the logarithm of
    /// each (of 1e-12 at least), and a cosine transform (tensorflow/core/kernels/mfcc_mel_filterbank.cc, mfcc_dct.cc).
    /// </summary>
    [TensorFlow("Mfcc")]
    private static void Cepstra(TfNode n)
    {
        Value x = n.In(0);
        int rank = n.RankOf(x);
        long bins = x.Shape[rank - 1], channels = n.Int("filterbank_channel_count", 40), coefficients = n.Int("dct_coefficient_count", 13);
        if (bins is < 2 or > LongestWindow) throw n.InputError($"its input has shape {x.Shape}, whose last size must be known");
        if (channels is < 1 or > LongestWindow || coefficients < 1 || coefficients > channels) throw n.Damaged($"{coefficients} coefficients of {channels} channels");
        double rate = n.RequiredNumber(1, "the sample rate"), lower = n.Float("lower_frequency_limit", 20), upper = n.Float("upper_frequency_limit", 4000);
        if (!(rate > 0 && lower >= 0 && upper > lower)) throw n.Damaged($"frequencies from {lower} to {upper} at {rate} samples");
        Value mel = n.Emit("MatMul", [n.Emit("Sqrt", [x]), n.Const(MelTriangles(bins, channels, rate, lower, upper))]);
        var cosines = new Tensor(DType.Float32, new Shape(channels, coefficients));
        for (long j = 0; j < channels; j++)
            for (long i = 0; i < coefficients; i++) cosines.SetDouble(j * coefficients + i, Math.Sqrt(2.0 / channels) * Math.Cos(i * Math.PI / channels * (j + 0.5)));
        n.Set(n.Emit("MatMul", [n.Emit("Log", [n.Emit("Max", [mel, n.Scalar(DType.Float32, 1e-12)])]), n.Const(cosines)]));
    }

    /// <summary>[bins, channels]: a bin between two centres counts for both, in parts by its distance on the mel scale. The first bin never counts.</summary>
    private static Tensor MelTriangles(long bins, long channels, double rate, double lower, double upper)
    {
        double low = Mel(lower), spacing = (Mel(upper) - low) / (channels + 1), width = 0.5 * rate / (bins - 1);
        long first = (long)(1.5 + lower / width), last = Math.Min((long)(upper / width), bins - 1);
        var weights = new Tensor(DType.Float32, new Shape(bins, channels));
        for (long i = first; i <= last; i++)
        {
            double place = (Mel(i * width) - low) / spacing; // centre c is at c + 1
            long right = Math.Max((long)Math.Ceiling(place) - 2, -1);
            if (right >= channels) continue;
            double falling = right + 2 - place;
            if (right >= 0) weights.SetDouble(i * channels + right, falling);
            if (right + 1 < channels) weights.SetDouble(i * channels + right + 1, 1 - falling);
        }
        return weights;
    }

    private static double Mel(double frequency) => 1127 * Math.Log(1 + frequency / 700);
}
