using System.Globalization;
using System.Text.Json;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Quantizing;

/// <summary>
/// Networks published as a float file and as the int8 file that TFLite's converter made of it. EdgeLite's int8 model of the float file,
/// calibrated on other samples than it is measured on, must be nearer to the float model than TFLite's int8 file is, and no larger.
/// </summary>
public class TflitePairTests(ITestOutputHelper output)
{
    private static readonly string[] s_seen = ["cat.jpg", "coffee.jpg"], s_unseen = ["image2.jpg", "street_image1.jpg"];

    private sealed record Row(string Model, double Tflite, double EdgeLite, long TfliteBytes, long EdgeLiteBytes, string Ranges);

    [SharedFact("zoo/tflite")]
    public void Int8_is_nearer_to_the_float_model_than_TFLites_and_no_larger()
    {
        Row[] rows =
        [
            Measure("tiny_resnet8", Crops(s_seen, 100, 32, 1, 1), Crops(s_unseen, 60, 32, 1, 2)),
            Measure("tiny_vww", Crops(s_seen, 100, 96, 1 / 255.0, 1), Crops(s_unseen, 60, 96, 1 / 255.0, 2)),
            Measure("tiny_ad01", new LogMelWindows(Sound("yes"), 0.1, 0.3, 1, 3), new LogMelWindows(Sound("no"), 0.2, 1, 2)),
            Measure("tflm_hello_world", Angles(100, 0), Angles(61, 0.37)),
            Measure("tflm_mnist_lstm", new DrawnDigits(100, 1), new DrawnDigits(60, 2)),
        ];
        output.WriteLine("| model | TFLite int8, dB | EdgeLite int8, dB | gain, dB | TFLite bytes | EdgeLite bytes | ranges |\n|---|---|---|---|---|---|---|");
        foreach (Row r in rows)
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {r.Model} | {r.Tflite:F2} | {r.EdgeLite:F2} | {r.EdgeLite - r.Tflite:F2} | {r.TfliteBytes} | {r.EdgeLiteBytes} | {r.Ranges} |"));
        double gain = rows.Average(r => r.EdgeLite - r.Tflite);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"mean gain {gain:F2} dB"));
        Assert.All(rows, r => Assert.True(r.EdgeLite > r.Tflite, $"{r.Model}: {r.EdgeLite:F2} dB, TFLite {r.Tflite:F2} dB"));
        Assert.All(rows, r => Assert.True(r.EdgeLiteBytes <= r.TfliteBytes, $"{r.Model}: {r.EdgeLiteBytes} bytes, TFLite {r.TfliteBytes}"));
        Assert.True(gain >= 1, $"mean gain {gain:F2} dB");
    }

    private static string Sound(string word) => Path.Combine(SharedData.Folder!, $"zoo/media/{word}_1000ms.wav");

    private static PhotoCrops Crops(string[] names, int count, int side, double scale, int seed) =>
        new([.. names.Select(n => Path.Combine(SharedData.Folder!, "zoo/media", n))], count, side, scale, seed);

    /// <summary>[0, 2 pi) in equal steps, the first at <paramref name="offset"/> of a step.</summary>
    private static Given Angles(int count, double offset) =>
        new([.. Enumerable.Range(0, count).Select(i => new[] { Tensor.FromArray<float>([(float)((i + offset) * 2 * Math.PI / count)], new Shape(1, 1)) })]);

    private static Row Measure(string model, ICalibrationData calibration, ICalibrationData samples)
    {
        string zoo = Path.Combine(SharedData.Folder!, "zoo/tflite"), real = Path.Combine(zoo, model + "_fp32/model.tflite"), whole = Path.Combine(zoo, model + "_int8/model.tflite");
        Graph source = TfliteImporter.Import(real), ours = TfliteImporter.Import(real), theirs = TfliteImporter.Import(whole);
        PassList.Optimize(ours);
        QuantizationResult result = Quantizer.Int8(ours, calibration, new QuantizationOptions());
        PassList.Optimize(theirs);
        using JsonDocument meta = JsonDocument.Parse(File.ReadAllText(Path.Combine(zoo, model + "_int8/meta.json")));
        JsonElement signature = meta.RootElement.GetProperty("signature");
        TensorQuantization input = Parameters(signature.GetProperty("inputs")[0]), output = Parameters(signature.GetProperty("outputs")[0]);

        byte[] file = Write(ours, g => Quantizer.StoreRecurrent(g));
        double edgeLite = Sqnr(source, file, samples, x => x, (y, i) => y.GetDouble(i));
        double tflite = Sqnr(source, Write(theirs), samples, x => Stored(x, input), (y, i) => output.Dequantize(y.GetInt64(i)));
        return new Row(model, tflite, edgeLite, new FileInfo(whole).Length, file.Length, string.Create(CultureInfo.InvariantCulture, $"{result.Method} {result.Percentile}"));
    }

    private static TensorQuantization Parameters(JsonElement e) => new((float)e.GetProperty("scale").GetDouble(), e.GetProperty("zero_point").GetInt32());

    private static byte[] Write(Graph graph, Func<Graph, int>? afterLowering = null)
    {
        ShapeInference.Run(graph);
        CpuLowering.Run(graph);
        afterLowering?.Invoke(graph);
        return ModelWriter.ToBytes(graph);
    }

    private static Tensor Stored(Tensor x, TensorQuantization q)
    {
        var stored = new Tensor(DType.Int8, x.Shape);
        for (long i = 0; i < x.Count; i++) stored.SetInt64(i, q.Quantize(x.GetDouble(i)));
        return stored;
    }

    /// <summary>10 log10(sum a^2 / sum (a - b)^2) over the first outputs of all samples, a by the float model's reference loops.</summary>
    private static double Sqnr(Graph source, byte[] file, ICalibrationData samples, Func<Tensor, Tensor> input, Func<Tensor, long, double> read)
    {
        using Model model = Model.Load(file, "pair");
        using Session session = model.CreateSession();
        double signal = 0, noise = 0;
        for (int s = 0; s < samples.Count; s++)
        {
            Tensor x = samples.Load(s)[0];
            Tensor a = new GraphInterpreter(source).Run([x])[0];
            input(x).CopyTo(session.Input(0));
            session.Run();
            Tensor b = session.Output(0);
            Assert.Equal(a.Count, b.Count);
            for (long i = 0; i < a.Count; i++)
            {
                double expected = a.GetDouble(i), d = expected - read(b, i);
                signal += expected * expected;
                noise += d * d;
            }
        }
        return 10 * Math.Log10(signal / noise);
    }
}
