using System.Globalization;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Quantizing;

/// <summary>An LSTM under a budget of 0.5 % of the float model's score: it keeps the score but for 0.5 % on samples that neither calibration nor the
/// search has seen, and the file is smaller.</summary>
public class AutoMetricTests(ITestOutputHelper output)
{
    private const double MaxDrop = 0.005;

    /// <summary>The share of drawn digits that are read right, by a network trained on MNIST.</summary>
    [SharedFact("zoo/tflite")]
    public void An_lstm_reads_as_many_digits()
    {
        Graph graph = TfliteImporter.Import(Path.Combine(SharedData.Folder!, "zoo/tflite/tflm_mnist_lstm_fp32/model.tflite"));
        PassList.Optimize(graph);
        double whole = Score(graph, new DrawnDigits(400, 2));
        Assert.True(whole > 0.9, $"the float model reads {whole:P1}");
        Check(graph, BudgetSearch.Run(graph, new DrawnDigits(100, 1), new QuantizationOptions { HalvesFloatWeights = true }, 0, g => Score(g, new DrawnDigits(400, 2)), whole * (1 - MaxDrop)),
            g => Score(g, new DrawnDigits(1000, 3)));

        double Score(Graph g, DrawnDigits digits) => Classes(g, digits).Select((c, i) => c == i % 10 ? 1.0 : 0).Average();
    }

    private void Check(Graph graph, BudgetResult found, Func<Graph, double> score)
    {
        double whole = score(graph), kept = score(found.Quantization.Graph);
        long before = Bytes(graph, DType.Float32), after = Bytes(found.Quantization.Graph, DType.Float16);
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"float {whole:P2}, auto {kept:P2}; {before} -> {after} bytes; {found.Trials.Count} trials, {found.Trials[^1].FloatLayers} layers in float, {found.Trials[^1].EightBitLayers} in int8 in blocks, {found.Trials[^1].Observer} {found.Trials[^1].Repairs}"));
        Assert.True(kept >= whole * (1 - MaxDrop), $"float {whole:P2}, auto {kept:P2}");
        Assert.True(after < 0.6 * before, $"{before} -> {after} bytes");
    }

    private static int[] Classes(Graph graph, ICalibrationData data)
    {
        Graph copy = GraphCopy.Of(graph);
        ShapeInference.Run(copy);
        using var runner = new NativeRunner(copy, showValues: false);
        return [.. Enumerable.Range(0, data.Count).Select(i =>
        {
            Tensor y = runner.Run(data.Load(i))[0];
            return Enumerable.Range(0, (int)y.Count).MaxBy(k => y.GetDouble(k));
        })];
    }

    private static long Bytes(Graph graph, DType weights)
    {
        Graph copy = GraphCopy.Of(graph);
        ShapeInference.Run(copy);
        Pipeline.Lower(copy, new ConversionOptions());
        if (weights != DType.Float32) Quantizer.Half(copy, weights);
        return EdgeLite.Converter.Writer.ModelWriter.ToBytes(copy).Length;
    }
}
