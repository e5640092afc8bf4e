using System.ComponentModel;
using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Importers;

/// <summary>TorchScript files that PyTorch on this machine writes (tests/oracles/torch/make_models.py: torchvision's architectures, a
/// tagger, a transformer, changes in place, recurrent layers and loops, mobile files of bytecode alone, and networks of many kinds), through the whole
/// line to a session, against PyTorch.</summary>
public class TorchVisionTests(ITestOutputHelper output)
{
    private static readonly string[] s_quick = ["resnet18", "squeezenet", "mobilenet_v3", "shufflenet_v2", "efficientnet_b0", "mnasnet", "vit", "vit_scripted", "swin", "swin_v2", "lraspp", "faster_rcnn",
        "mask_rcnn", "mask_rcnn_scripted", "keypoint_rcnn", "keypoint_rcnn_scripted", "raft", "maxvit", "swin_scripted",
        "lstm_tagger", "transformer_encoder", "transformer_encoder_traced", "writes", "values", "batched_nms",
        "mobile_flatbuffer", "mobile_bytecode", "mobile_version_4", "mobile_version_5", "mobile_flow", "mobile_flow_bytecode", "mobile_tagger", "mobile_optimized", "mobile_loop", "mobile_values", "mobile_values_bytecode", "quantized_bytecode", "quantized_flatbuffer", "quantized_dynamic_flatbuffer",
        "lstm_projected", "lstm_one_layer", "gru_layers", "rnn_relu", "lstm_packed", "lstm_packed_traced", "gru_packed", "core_operators", "steps", "steps_traced", "peephole"];
    private static readonly string[] s_long = ["alexnet", "vgg11", "densenet121", "googlenet", "inception_v3", "mobilenet_v2", "regnet_y_400mf", "convnext_tiny", "deeplab_v3", "retinanet", "r3d", "mvit_v2"];

    public static TheoryData<string> Models() => [.. LongTests.Wanted ? [.. s_quick, .. s_long] : s_quick];

    [TorchTheory]
    [MemberData(nameof(Models))]
    public void Architectures_compute_what_PyTorch_computes(string name)
    {
        (Tensor[] inputs, string[] names) = InputsOf(name);
        Graph graph = Optimized(name, names.Zip(inputs).ToDictionary(p => p.First, p => p.Second.Shape));
        Pipeline.Lower(graph, new ConversionOptions());
        Check(name, inputs, graph);
    }

    public static TheoryData<string> Networks() => [.. TorchModels.Networks];

    /// <summary>What people train beside torchvision's architectures (tests/oracles/torch/networks_*.py), traced and scripted.</summary>
    [TorchTheory]
    [MemberData(nameof(Networks))]
    public void Networks_compute_what_PyTorch_computes(string name)
    {
        (Tensor[] inputs, string[] names) = InputsOf(name);
        Graph graph = Optimized(name, names.Zip(inputs).ToDictionary(p => p.First, p => p.Second.Shape));
        Pipeline.Lower(graph, new ConversionOptions());
        Check(name, inputs, graph);
    }

    /// <summary>The number of steps and of sequences is free: loops stay loops, but those of recurrent layers become these layers.</summary>
    [TorchTheory]
    [InlineData("steps", "LSTM", "GRU")]
    [InlineData("peephole", "Loop")]
    [InlineData("lstm_packed", "LSTM")]
    [InlineData("lstm_projected", "Scan")]
    [InlineData("gru_layers", "GRU")]
    public void Recurrent_networks_take_sequences_of_any_length(string name, params string[] kinds)
    {
        (Tensor[] inputs, string[] names) = InputsOf(name);
        Graph graph = Optimized(name, names.Zip(inputs).ToDictionary(p => p.First, p => Free(p.Second.Shape)));
        foreach (string kind in kinds) Assert.Contains(graph.Nodes, n => n.OpType == kind);
        if (!kinds.Contains("Loop")) Assert.DoesNotContain(graph.Nodes, n => n.OpType == "Loop");
        Pipeline.Lower(graph, new ConversionOptions());
        Check(name, inputs, graph);
    }

    /// <summary>Only the last axis, that of channels, is known.</summary>
    private static Shape Free(Shape shape)
    {
        for (int d = 0; d < Math.Max(1, shape.Rank - 1); d++) shape = shape.With(d, Shape.Unknown);
        return shape;
    }

    private static (Tensor[] Inputs, string[] Names) InputsOf(string name)
    {
        string folder = TorchModels.FolderOf(name);
        return ([.. Files(folder, "in")], File.ReadAllLines(Path.Combine(folder, "names.txt")));
    }

    private static Graph Optimized(string name, IReadOnlyDictionary<string, Shape> shapes)
    {
        var options = new ConversionOptions { Shapes = shapes };
        (Graph graph, string format) = Pipeline.Import(Path.Combine(TorchModels.FolderOf(name), "model.pt"), options);
        Assert.Equal("PyTorch", format);
        Pipeline.Optimize(graph, options);
        return graph;
    }

    private void Check(string name, Tensor[] inputs, Graph graph)
    {
        Tensor[] expected = [.. Files(TorchModels.FolderOf(name), "out")];
        using Model model = Model.Load(ModelWriter.ToBytes(graph), name);
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        for (int i = 0; i < inputs.Length; i++)
            if (!session.InputType(i).Shape.IsKnown) session.Resize(i, inputs[i].Shape);
        for (int i = 0; i < inputs.Length; i++)
            for (long k = 0; k < inputs[i].Count; k++) session.Input(i).SetDouble(k, inputs[i].GetDouble(k));
        session.Run();
        Assert.Equal(expected.Length, session.OutputCount);
        double tolerance = name switch
        {
            _ when name.StartsWith("mask_rcnn", StringComparison.Ordinal) => 1e-3, // masks are cut out where boxes are, and end in steep sigmoids
            _ when name.StartsWith("quantized_dynamic", StringComparison.Ordinal) || name.StartsWith("bfloat16", StringComparison.Ordinal) => 0.01, // recurrent layers are float; rounding to 8 bits
            _ when name.StartsWith("quantized", StringComparison.Ordinal) => 0.04, // a step of one layer more or less, as PyTorch's engines differ among each other
            _ => 1e-4,
        };
        Tensor[] got = [.. Enumerable.Range(0, expected.Length).Select(session.Output)];
        for (int k = 0; k < expected.Length; k++)
        {
            double largest = 0;
            for (long i = 0; i < expected[k].Count; i++) largest = Math.Max(largest, Math.Abs(expected[k].GetDouble(i)));
            output.WriteLine($"{name} {k}: {expected[k].Shape}, largest {largest:g3}");
            TensorAssert.Close(expected[k], got[k], 0, tolerance * largest, $"{name}, output {k}");
        }
    }

    private static IEnumerable<Tensor> Files(string folder, string prefix)
    {
        for (int k = 0; File.Exists(Path.Combine(folder, $"{prefix}_{k}.npy")); k++) yield return NpyFile.Read(Path.Combine(folder, $"{prefix}_{k}.npy"));
    }
}

/// <summary>A theory over models that PyTorch writes; skipped with the reason where no Python has it.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class TorchTheoryAttribute : TheoryAttribute
{
    public TorchTheoryAttribute() => Skip = TorchModels.WhyNot;
}

/// <summary>Models of tests/oracles/torch/make_models.py, written once for each version of the script into artifacts/models/torch.</summary>
internal static class TorchModels
{
    private static readonly string s_script = Path.Combine(SharedData.Root, "tests/oracles/torch/make_models.py");
    private static readonly Lock s_writing = new();
    private static readonly Lazy<string?> s_python = new(() => new[] { "python3", "/usr/bin/python3" }.FirstOrDefault(p => Run(p, "-c", "import torch, torchvision, numpy").ExitCode == 0));

    public static string? WhyNot => s_python.Value != null ? null : "no python3 here has PyTorch and torchvision (Debian: python3-torch, python3-torchvision)";

    private static readonly Lazy<string[]> s_networks = new(() => WhyNot == null ? Lines(Run(s_python.Value!, s_script, "--networks")) : []);

    /// <summary>Names of the networks that are no architecture of torchvision, as far as the packages here have what they need.</summary>
    public static string[] Networks => s_networks.Value;

    private static string[] Lines((int ExitCode, string Output, string Errors) run)
    {
        Assert.True(run.ExitCode == 0, run.Errors);
        return run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    public static string FolderOf(string name)
    {
        string version = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData([.. Directory.GetFiles(Path.GetDirectoryName(s_script)!, "*.py").Order(StringComparer.Ordinal).SelectMany(File.ReadAllBytes)]))[..8];
        string root = Path.Combine(SharedData.Root, "artifacts/models/torch", version), folder = Path.Combine(root, name);
        lock (s_writing)
        {
            if (Directory.Exists(folder)) return folder;
            string partial = Path.Combine(root, $".{name}-{Environment.ProcessId}");
            Directory.CreateDirectory(partial);
            // The small ones are written in one go.
            string[] names = Networks.Contains(name) ? [.. Networks.Where(n => !Directory.Exists(Path.Combine(root, n)))] : [name];
            (int exit, _, string errors) = Run(s_python.Value!, [s_script, partial, .. names]);
            Assert.True(exit == 0, errors);
            foreach (string written in names) Directory.Move(Path.Combine(partial, written), Path.Combine(root, written));
            Directory.Delete(partial, recursive: true);
            return folder;
        }
    }

    private static (int ExitCode, string Output, string Errors) Run(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
            Task<string> errors = process.StandardError.ReadToEndAsync(), text = process.StandardOutput.ReadToEndAsync();
            process.WaitForExit();
            Task.WaitAll(errors, text);
            return (process.ExitCode, text.Result, errors.Result);
        }
        catch (Win32Exception e)
        {
            return (-1, "", e.Message);
        }
    }
}
