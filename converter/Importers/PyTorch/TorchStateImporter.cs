using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Reads parameters without a network (<see cref="TorchState"/>) with the architecture beside them: a small JSON file, or an ONNX file
/// whose weights are inputs or initializers of the parameters' names (torch.onnx.export with export_params=False).
/// </summary>
public sealed class TorchStateImporter : IImporter
{
    private const string FormatName = "pytorch";

    public string Format => "PyTorch parameters";

    public FormatReference Reference { get; } = new()
    {
        Files = "parameters that do not tell the architecture, a `state_dict` or a whole pickled module (`.pt`, `.pth`, of PyTorch 1.6 and of before) or `.safetensors`, and beside them the architecture. Either an `.onnx` of the same name (or the only one of the folder) whose weights have the parameters' names, as `torch.onnx.export(..., export_params=False, keep_initializers_as_inputs=True)` writes it; or a small `.json` with `\"format\": \"pytorch\"`: `{\"format\": \"pytorch\", \"parameters\": \"model.pth\", \"inputs\": [{\"name\": \"x\", \"shape\": [null, 3, 32, 32]}], \"layers\": [{\"type\": \"Conv2d\", \"name\": \"features.0\", \"stride\": 2, \"padding\": 1}, {\"type\": \"relu\"}, {\"type\": \"flatten\", \"args\": [1]}, {\"type\": \"Linear\", \"name\": \"classifier\"}]}`. A layer is a class of torch.nn, its settings named as the class's arguments (sizes come from the parameters) and its name the path in the state_dict, or any of PyTorch's operators with its further arguments in `args`. It takes the layer before, or those that `inputs` names; `outputs` names other results than the last; `null` is a free size.",
        Tested = "genuine state_dicts, a genuine pickled module and a file of before 1.6, with JSON written for the tests, against PyTorch 1.13; an ONNX file that PyTorch exported without weights. Of the classes, those of two small networks; the others are a line each over the operators.",
        LayersOf = "Classes of torch.nn",
        Layers = TorchModules.References,
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        if (ArchitectureFile.Recognizes(head, FormatName) || TorchState.IsLegacy(head) || TorchState.IsSafeTensors(head)) return true;
        if (!head.StartsWith("PK\x03\x04"u8)) return false;
        try
        {
            using var archive = new TorchArchive(path);
            return !archive.IsExport && archive.Has("data.pkl") && !TorchImporter.HasCode(archive) && !archive.Has(TorchImporter.Bytecode) && archive.Names.Any(n => n == "version" || n.StartsWith("data/", StringComparison.Ordinal));
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        if (IsArchitecture(path)) return FromJson(path, null, shapes);
        if (Beside(folder, path, "*.json", IsArchitecture) is { } json) return FromJson(json, path, shapes);
        if (Beside(folder, path, "*.onnx", _ => true) is { } onnx) return FromOnnx(onnx, path);
        TorchState state = TorchState.Read(path);
        string[] names = [.. state.Tensors.Select(t => t.Key)];
        throw new EdgeLiteException(Status.Unsupported, $"'{path}' holds {state.What} of {names.Length} tensors ({string.Join(", ", names.Take(6))}{(names.Length > 6 ? ", ..." : "")}): the architecture is missing. "
            + "Export the model with torch.jit.script(model).save(...), torch.jit.trace(model, example).save(...) or torch.export.save(...), or put its architecture beside it, in JSON or ONNX (docs/importers.md).");
    }

    private static bool IsArchitecture(string path)
    {
        using FileStream stream = File.OpenRead(path);
        var head = new byte[Math.Min(1 << 16, stream.Length)];
        stream.ReadExactly(head);
        return ArchitectureFile.Recognizes(head, FormatName);
    }

    /// <summary>The file of the same name, otherwise the only one of the folder.</summary>
    private static string? Beside(string folder, string path, string pattern, Func<string, bool> wanted)
    {
        string[] files = [.. Directory.EnumerateFiles(folder, pattern).Where(wanted)];
        return files.FirstOrDefault(f => Path.GetFileNameWithoutExtension(f) == Path.GetFileNameWithoutExtension(path)) ?? (files.Length == 1 ? files[0] : null);
    }

    private static Graph FromOnnx(string onnx, string path)
    {
        Graph graph = OnnxImporter.Import(onnx);
        int taken = 0;
        var missing = graph.Inputs.Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        foreach ((string name, Func<Tensor> read) in TorchState.Read(path).Tensors)
        {
            if (graph.Find(name) is not { } value || !graph.Inputs.Contains(value) && !value.IsConstant) continue;
            Tensor tensor = read();
            if (value.Shape.IsKnown && value.Shape != tensor.Shape) throw new EdgeLiteException(Status.InvalidShape, $"'{onnx}' wants '{name}' as {value.Shape}; it is {tensor.Shape} in '{path}'.");
            if (value.DType != tensor.DType) tensor = tensor.ConvertTo(DType.Float32);
            if (graph.Inputs.Contains(value)) graph.FixInput(value, tensor);
            else value.Constant = tensor;
            taken++;
        }
        if (taken == 0) throw new EdgeLiteException(Status.NotFound, $"No input or initializer of '{onnx}' has the name of a parameter in '{path}'; convert the ONNX file alone if its weights are in it.");
        if (graph.Inputs.Count == 0) throw new EdgeLiteException(Status.InvalidGraph, $"All inputs of '{onnx}' are parameters of '{path}'.");
        return graph;
    }

    private static Graph FromJson(string json, string? parameters, IReadOnlyDictionary<string, Shape> shapes) => ArchitectureFile.Import(json, "PyTorch", root =>
    {
        JsonElement[] layers = ArchitectureFile.Layers(json, root);
        string file = parameters != null && !root.TryField("parameters", out _) ? parameters : ArchitectureFile.Parameters(json, root);
        if (!File.Exists(file)) throw new EdgeLiteException(Status.FileNotFound, $"'{json}' names the parameters '{file}', which are not there.");
        var graph = new Graph(Path.GetFileNameWithoutExtension(json));
        var modules = new TorchModules(json, graph, TorchState.Read(file));
        foreach (JsonElement input in root.Field("inputs").Items()) modules.AddInput(input, shapes);
        return TorchImporter.Finish(json, modules.Interpreter, () =>
        {
            foreach (JsonElement layer in layers) modules.Add(layer);
            return root.TryField("outputs", out JsonElement outputs) ? new TorchTuple([.. outputs.Items().Select(o => modules.Find(o.Text() ?? ""))]) : modules.Last;
        });
    });
}
