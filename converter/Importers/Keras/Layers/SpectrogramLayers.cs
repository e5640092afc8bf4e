using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Spectra of windows, as convolutions with cosines and sines.</summary>
internal static class SpectrogramLayers
{
    private const double LeastMagnitude = 1e-7;
    private const long LongestWindow = 1 << 14;

    /// <summary>The kernels are weights of the layer: [window, 1, bins] of the real and of the imaginary parts, as far as the mode needs them.</summary>
    [Keras("STFTSpectrogram")]
    private static void Spectrogram(KerasNode n)
    {
        n.RequireRank(3);
        string mode = n.Config.Text("mode", "log");
        bool isFirst = n.Config.ChannelsFirst(), isOne = mode is "real" or "imag";
        Tensor[] kernels = isOne ? n.Layer.Take(mode + "_kernel") : n.Layer.Take("real_kernel", "imag_kernel");
        long window = n.RequireRank(kernels[0], 3, "kernel").Shape[0], bins = kernels[0].Shape[2];
        Value x = isFirst ? n.X : n.Transpose(n.X, 0, 2, 1);
        long channels = x.Shape[1], samples = x.Shape[2];
        if (channels < 1 || channels > 1 && samples < 1) throw n.InputError($"its input has the shape {n.X.Shape}, of which all but the batch must be known");
        if (channels > 1) x = n.Reshape(x, -1, 1, samples);
        Value[] parts = [.. kernels.Select((k, i) => Separate(Convolution.Apply(n, x, n.Constant($"kernel{i}", () => Arrays.Permute(k, 2, 1, 0)), null, [window], [n.Config.Int(window / 2, "frame_step")], [1], n.Config.Text("padding", "valid"), 1)))];
        Value Power() => n.Emit("Add", [n.Emit("Mul", [parts[0], parts[0]]), n.Emit("Mul", [parts[1], parts[1]])]);
        Value Root() => n.Emit("Sqrt", [n.Emit("Max", [Power(), n.Scalar(LeastMagnitude)])]);
        Value y = mode switch
        {
            "real" or "imag" => parts[0],
            "stft" => n.Concat(parts, 2),
            "angle" => n.TensorFlow("Atan2", [parts[1], parts[0]]),
            "magnitude" => Root(),
            "log" => n.Emit("Log", [n.Emit("Max", [Root(), n.Scalar(LeastMagnitude)])]),
            "psd" => Doubled(Power()),
            _ => throw n.Error($"mode '{mode}' is not supported"),
        };
        // [batch, channels, bins, frames] so far.
        if (n.Config.Bool(false, "expand_dims")) n.Set(isFirst ? n.Transpose(y, 0, 1, 3, 2) : n.Transpose(y, 0, 3, 2, 1));
        else
        {
            Value joined = channels == 1 ? n.Emit("Squeeze", [y, n.Ints(1)]) : n.Reshape(y, -1, channels * y.Shape[2], y.Shape[3]);
            n.Set(isFirst ? joined : n.Transpose(joined, 0, 2, 1));
        }

        Value Separate(Value part) => channels == 1 ? n.Emit("Unsqueeze", [part, n.Ints(1)]) : n.Reshape(part, -1, channels, bins, part.Shape[2]);

        // All bins but the first and the last stand for two.
        Value Doubled(Value power)
        {
            var factors = new Tensor(DType.Float32, new Shape(bins, 1));
            for (long i = 0; i < bins; i++) factors.SetDouble(i, i == 0 || i == bins - 1 ? 1 : 2);
            return n.Emit("Mul", [power, n.Constant("factors", factors)]);
        }
    }

    /// <summary>
    /// Magnitudes to the power mag_exp of windows around every sequence_stride-th sample (the ends mirrored), over triangles on the mel scale, in
    /// decibels: at most top_db below the largest value of the whole batch.
    /// </summary>
    [Keras("MelSpectrogram", Limits = "inputs of other than [batch, samples], windows other than hann and hamming")]
    private static void Mel(KerasNode n)
    {
        n.RequireRank(2);
        long fft = n.Config.Int(2048, "fft_length"), length = n.Config.Int(fft, "sequence_length"), bins = fft / 2 + 1;
        if (length < 1 || fft < length || fft > LongestWindow) throw n.Damaged($"windows of {length} in transforms of {fft}");
        (double mean, double wave) = n.Config.Text("window", "hann") switch { "hann" => (0.5, 0.5), "hamming" => (0.54, 0.46), var other => throw n.Error($"window '{other}' is not supported") };
        var waves = new Tensor(DType.Float32, new Shape(2 * bins, 1, fft));
        for (long k = 0; k < bins; k++)
            for (long i = 0; i < length; i++)
            {
                long at = (fft - length) / 2 + i;
                double weight = mean - wave * Math.Cos(2 * Math.PI * i / length), angle = 2 * Math.PI * (k * at % fft) / fft;
                waves.SetDouble(k * fft + at, weight * Math.Cos(angle));
                waves.SetDouble((bins + k) * fft + at, -weight * Math.Sin(angle));
            }
        Value x = n.Emit("Pad", [n.Emit("Unsqueeze", [n.X, n.Ints(1)]), n.Ints(0, 0, fft / 2, 0, 0, fft / 2)], ("mode", "reflect"));
        Value spectra = n.Emit("Conv", [x, n.Constant("waves", waves)], ("kernel_shape", new[] { fft }), ("strides", new[] { n.Config.Int(512, "sequence_stride") }));
        Value[] parts = n.EmitMany("Split", 2, [spectra], ("axis", 1), ("num_outputs", 2));
        Value power = n.Emit("Add", [n.Emit("Mul", [parts[0], parts[0]]), n.Emit("Mul", [parts[1], parts[1]])]);
        double exponent = n.Config.Real(2, "mag_exp") / 2;
        if (exponent != 1) power = n.Emit("Pow", [power, n.Scalar(exponent)]);
        double rate = n.Config.Real(16000, "sampling_rate");
        Value y = n.Emit("MatMul", [n.Constant("triangles", Triangles(n, bins, rate)), power]);
        if (n.Config.Bool(true, "power_to_db"))
        {
            double least = n.Config.Real(1e-10, "min_power"), decibel = 10 / Math.Log(10);
            y = n.Emit("Mul", [n.Emit("Log", [n.Emit("Max", [y, n.Scalar(least)])]), n.Scalar(decibel)]);
            y = n.Emit("Sub", [y, n.Scalar(decibel * Math.Log(Math.Max(Math.Abs(n.Config.Real(1, "ref_power")), least)))]);
            y = n.Emit("Max", [y, n.Emit("Sub", [n.Emit("ReduceMax", [y], ("keepdims", 0)), n.Scalar(n.Config.Real(80, "top_db"))])]);
        }
        n.Set(y);
    }

    /// <summary>[bands, bins]: triangles between neighbours of num_mel_bins + 2 places that are even on the mel scale, 1127 ln(1 + f / 700). The
    /// first bin counts nothing (keras mel_spectrogram.py).</summary>
    private static Tensor Triangles(KerasNode n, long bins, double rate)
    {
        static double Mel(double frequency) => 1127 * Math.Log(1 + frequency / 700);
        long bands = n.Config.Int(128, "num_mel_bins");
        if (bands is < 1 or > LongestWindow || !(rate > 0)) throw n.Damaged($"{bands} bands at {rate} samples");
        double low = Mel(n.Config.Real(20, "min_freq")), spacing = (Mel(n.Config.Real(Math.Floor(rate / 2), "max_freq")) - low) / (bands + 1);
        var weights = new Tensor(DType.Float32, new Shape(bands, bins));
        for (long bin = 1; bin < bins; bin++)
        {
            double place = (Mel(rate / 2 * bin / (bins - 1)) - low) / spacing;
            for (long band = 0; band < bands; band++) weights.SetDouble(band * bins + bin, Math.Max(0, Math.Min(place - band, band + 2 - place)));
        }
        return weights;
    }
}
