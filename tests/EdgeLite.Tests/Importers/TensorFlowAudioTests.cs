using EdgeLite.Converter;
using static EdgeLite.Tests.Importers.TensorFlowControlFlowTests;

namespace EdgeLite.Tests.Importers;

/// <summary>TensorFlow's operators of sound and spectra, against plain sums over the definitions (spectrogram.cc, mfcc_mel_filterbank.cc and
/// mfcc_dct.cc of tensorflow/core/kernels).</summary>
public class TensorFlowAudioTests
{
    private static Tensor Run(Tensor x, params string[] nodes) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "graph.pbtxt");
        string sizes = $"shape {{ {string.Concat(x.Shape.AsSpan().ToArray().Select(d => $"dim {{ size: {d} }} "))}}}";
        File.WriteAllText(path, GraphOf([Input("x").Replace("shape { }", sizes, StringComparison.Ordinal), .. nodes]));
        return ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, x)[0];
    });

    private static Tensor Random(int seed, bool positive, params long[] dims)
    {
        var random = new Random(seed);
        var shape = new Shape(dims);
        return Tensor.FromArray<float>([.. Enumerable.Range(0, (int)shape.Count).Select(_ => (float)random.NextDouble() - (positive ? 0 : 0.5f))], shape);
    }

    private static string Ints(string name, params int[] values) =>
        Const(name, "DT_INT32", $"tensor_shape {{ dim {{ size: {values.Length} }} }} {string.Concat(values.Select(v => $"int_val: {v} "))}");

    private static string Attr(string key, string value) => $"attr {{ key: '{key}' value {{ {value} }} }} ";

    /// <summary>Windows of 12 samples in transforms of 16, every 5 samples.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Spectrogram(bool squared)
    {
        const int Samples = 40, Window = 12, Stride = 5, Fft = 16, Frames = (Samples - Window) / Stride + 1, Bins = Fft / 2 + 1;
        Tensor x = Random(1, false, Samples, 2);
        Tensor y = Run(x, Node("y", "AudioSpectrogram", "x", Attr("window_size", $"i: {Window}") + Attr("stride", $"i: {Stride}") + Attr("magnitude_squared", squared ? "b: true" : "b: false")));
        var expected = new Tensor(DType.Float32, new Shape(2, Frames, Bins));
        for (int channel = 0; channel < 2; channel++)
            for (int frame = 0; frame < Frames; frame++)
                for (int bin = 0; bin < Bins; bin++)
                {
                    System.Numerics.Complex sum = 0;
                    for (int i = 0; i < Window; i++)
                        sum += x.GetDouble((frame * Stride + i) * 2 + channel) * (0.5 - 0.5 * Math.Cos(2 * Math.PI * i / Window)) * System.Numerics.Complex.Exp(new(0, -2 * Math.PI * bin * i / Fft));
                    expected.SetDouble((channel * Frames + frame) * Bins + bin, squared ? sum.Magnitude * sum.Magnitude : sum.Magnitude);
                }
        TensorAssert.Close(expected, y, 1e-4, 1e-5, "AudioSpectrogram");
    }

    [Fact]
    public void Cepstra()
    {
        const int Bins = 129, Channels = 20, Coefficients = 10;
        const double Rate = 8000, Lower = 30, Upper = 3500;
        Tensor x = Random(2, true, 1, 3, Bins);
        Tensor y = Run(x, Int("rate", (int)Rate), Node("y", "Mfcc", "x rate", Attr("lower_frequency_limit", $"f: {Lower}") + Attr("upper_frequency_limit", $"f: {Upper}")
            + Attr("filterbank_channel_count", $"i: {Channels}") + Attr("dct_coefficient_count", $"i: {Coefficients}")));
        static double Mel(double f) => 1127 * Math.Log(1 + f / 700);
        double low = Mel(Lower), spacing = (Mel(Upper) - low) / (Channels + 1), width = 0.5 * Rate / (Bins - 1);
        double[] centers = [.. Enumerable.Range(0, Channels + 1).Select(i => low + spacing * (i + 1))];
        var expected = new Tensor(DType.Float32, new Shape(1, 3, Coefficients));
        for (int frame = 0; frame < 3; frame++)
        {
            var bank = new double[Channels];
            for (int i = (int)(1.5 + Lower / width), channel = 0; i <= (int)(Upper / width); i++)
            {
                while (channel < Channels && centers[channel] < Mel(i * width)) channel++;
                double weight = channel > 0 ? (centers[channel] - Mel(i * width)) / (centers[channel] - centers[channel - 1]) : (centers[0] - Mel(i * width)) / (centers[0] - low);
                double magnitude = Math.Sqrt(x.GetDouble(frame * Bins + i));
                if (channel > 0) bank[channel - 1] += magnitude * weight;
                if (channel < Channels) bank[channel] += magnitude * (1 - weight);
            }
            for (int c = 0; c < Coefficients; c++)
                expected.SetDouble(frame * Coefficients + c, Enumerable.Range(0, Channels).Sum(j => Math.Sqrt(2.0 / Channels) * Math.Cos(c * Math.PI / Channels * (j + 0.5)) * Math.Log(Math.Max(bank[j], 1e-12))));
        }
        TensorAssert.Close(expected, y, 1e-4, 1e-4, "Mfcc");
    }

    /// <summary>There and back, in one dimension and in two, with lengths of both parities.</summary>
    [Theory]
    [InlineData("RFFT", "IRFFT", 7)]
    [InlineData("RFFT", "IRFFT", 8)]
    [InlineData("RFFT2D", "IRFFT2D", 5, 7)]
    [InlineData("RFFT2D", "IRFFT2D", 4, 6)]
    public void Transforms_are_undone(string forward, string backward, params int[] lengths)
    {
        Tensor x = Random(3, false, [2, .. lengths.Select(l => (long)l)]);
        TensorAssert.Close(x, Run(x, Ints("n", lengths), Node("f", forward, "x n"), Node("y", backward, "f n")), 1e-4, 1e-5, backward);
    }

    /// <summary>sum of x[a, b] exp(-2 pi i (k a / 3 + l b / 4)).</summary>
    [Fact]
    public void A_transform_of_two_dimensions()
    {
        Tensor x = Random(4, false, 3, 4);
        var expected = new Tensor(DType.Float32, new Shape(3, 3));
        var angles = new Tensor(DType.Float32, new Shape(3, 3));
        for (int k = 0; k < 3; k++)
            for (int l = 0; l < 3; l++)
            {
                System.Numerics.Complex sum = 0;
                for (int a = 0; a < 3; a++)
                    for (int b = 0; b < 4; b++) sum += x.GetDouble(4 * a + b) * System.Numerics.Complex.Exp(new(0, -2 * Math.PI * (k * a / 3.0 + l * b / 4.0)));
                expected.SetDouble(3 * k + l, sum.Magnitude);
                angles.SetDouble(3 * k + l, sum.Phase);
            }
        string transform = Node("f", "RFFT2D", "x n");
        TensorAssert.Close(expected, Run(x, Ints("n", 3, 4), transform, Node("y", "ComplexAbs", "f")), 1e-4, 1e-5, "RFFT2D");
        Tensor got = Run(x, Ints("n", 3, 4), transform, Node("y", "Angle", "f"));
        for (int i = 0; i < 9; i++) Assert.Equal(1, Math.Cos(angles.GetDouble(i) - got.GetDouble(i)), 1e-4); // pi is -pi
    }

    [Fact]
    public void Lists_differ()
    {
        Tensor x = Tensor.FromArray<float>([5, 1, 2, 1, 9], new Shape(5));
        string other = Const("o", "DT_FLOAT", "tensor_shape { dim { size: 2 } } float_val: 1 float_val: 7");
        TensorAssert.Close(Tensor.FromArray<float>([5, 2, 9], new Shape(3)), Run(x, other, Node("d", "ListDiff", "x o"), Node("y", "Identity", "d")), 0, 0, "values");
        TensorAssert.Close(Tensor.FromArray<int>([0, 2, 4], new Shape(3)), Run(x, other, Node("d", "ListDiff", "x o"), Node("y", "Identity", "d:1")), 0, 0, "places");
    }
}
