using System.Globalization;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Published models quantized with real pictures, then lowered: how far the integer model is from the float one.</summary>
public class ZooQuantizationTests(ITestOutputHelper output)
{
    // scale, mean, std: what the model expects of a picture.
    [SharedTheory("zoo")]
    [InlineData("onnx/blazeface_front", 1 / 255f, 0.5f, 0.5f, 14)]
    [InlineData("tflite/tiny_resnet8_fp32", 1, 0, 1, 15)]
    [InlineData("tflite/tiny_vww_fp32", 1 / 255f, 0, 1, 28)]
    public void Integer_models_stay_close(string model, float scale, float mean, float std, double least)
    {
        string folder = Path.Combine(SharedData.Folder!, "zoo", model);
        Graph source = Import(folder), graph = Import(folder);
        PassList.Optimize(graph);
        ICalibrationData data = CalibrationData.Open(Path.Combine(SharedData.Folder!, "zoo/media"), graph, new CalibrationPreprocessing { Scale = scale, Mean = [mean], Std = [std] });
        Assert.True(data.Count >= 3);
        var options = new QuantizationOptions();
        if (Environment.GetEnvironmentVariable("EDGELITE_TEST_RANGE") is { Length: > 0 } method) options = options with { Method = Enum.Parse<RangeMethod>(method) };
        QuantizationResult result = Quantizer.Int8(graph, data, options);
        ProofReport proof = Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(graph), data, 4);
        Print($"{model} quantized", proof);
        CpuLowering.Run(graph);
        ProofReport lowered = Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(graph), data, 4, result.Parameters);
        Print($"{model} lowered", lowered);
        foreach (KeptFloat kept in result.KeptFloat) output.WriteLine($"float: {kept.Node}: {kept.Reason}");
        output.WriteLine(string.Join(", ", graph.Nodes.GroupBy(n => n.Domain + n.OpType).OrderBy(g => g.Key).Select(g => $"{g.Key} {g.Count()}")));
        Assert.True(proof.WorstOutputSqnr > least, $"{model}: worst quantized output {proof.WorstOutputSqnr:F1} dB");
        Assert.True(lowered.WorstOutputSqnr > least, $"{model}: worst lowered output {lowered.WorstOutputSqnr:F1} dB");
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Conv" or "DepthwiseConv" && n.Inputs[0]!.DType == DType.Float32);
        // Integers round elsewhere than the pattern that they replace, no worse.
        Assert.InRange(lowered.WorstOutputSqnr, proof.WorstOutputSqnr - 10, double.PositiveInfinity);

        void Print(string title, ProofReport report)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            report.Print(new TextReportConsole(text), 12);
            output.WriteLine($"{title}: worst output {report.WorstOutputSqnr:F1} dB, {report.Layers.Count} layers compared\n{text}");
            if (Environment.GetEnvironmentVariable("EDGELITE_TEST_REPORTS") is { Length: > 0 } folder)
                (report with { Facts = [new("Scheme", title)] }).Save(Path.Combine(folder, title.Replace('/', '_').Replace(' ', '_') + ".html"));
        }
    }

    private static Graph Import(string folder)
    {
        string onnx = Path.Combine(folder, "model.onnx");
        Graph graph = File.Exists(onnx) ? OnnxImporter.Import(onnx) : TfliteImporter.Import(Path.Combine(folder, "model.tflite"));
        ShapeInference.Run(graph);
        return graph;
    }
}
