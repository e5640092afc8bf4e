using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Reads TorchScript archives (.pt, .ptl; mobile files of bytecode too, <see cref="TorchDecompiler"/>): traced and scripted modules, and programs of torch.export (.pt2; <see cref="TorchExport"/>). The
/// code of method forward is run symbolically; parameters are constants. Input names are the names of forward's parameters; the sizes of
/// inputs are not part of a TorchScript file and can be given.
/// </summary>
public sealed class TorchImporter : IImporter
{
    public string Format => "PyTorch";

    public FormatReference Reference { get; } = new()
    {
        Files = "TorchScript archives (`.pt`, `.ptl`), traced or scripted: a zip file with data.pkl and code/; programs of `torch.export.save` (`.pt2`, schema versions 1 to 8; free sizes, `cond` and `while_loop` included). The code is run symbolically; pickles are read by a reader that executes nothing. Quantized layers keep their integers; complex tensors are taken apart. Mobile files of any bytecode version are read by the code in them; those that hold bytecode alone (of version 6 and later, `bytecode.pkl` or the FlatBuffers form) by decompiling it.",
        Tested = "genuine archives written by PyTorch (a VAD, LSTM and GRU, control flow, thirteen mobile files, eight of them of bytecode alone, two of the versions 4 and 5; 27 architectures of torchvision 0.14 up to Swin, MViT, MaxViT, RAFT, R3D and scripted Mask and Keypoint R-CNN, a tagger, transformer encoders, recurrent layers with projections and packed sequences, cells in loops, changes in place; ninety small networks of other kinds, traced and scripted: BERT, GPT-2, T5 and Llama, conformers, vocoders, torchaudio's models and front ends, heads of detectors, U-Nets, graphs, tables, complex numbers and Fourier transforms, layers quantized to 8 bits) against PyTorch 1.13. Outside the test suite a network of each family of that zoo, traced and scripted (89 files). Exported programs: 51 genuine files of PyTorch 2.14 (before and after decomposition, strict or not, free sizes, `cond` and `while_loop`, dicts, buffers that change) against its results, hand-made files in the forms of earlier versions, and, outside the test suite, modules that tests/oracles/torch/make_random.py puts together of layers and functions with random settings, in every form (600 files against PyTorch 2.14). 27 architectures of transformers 5.12 in small (Llama, Mixtral, Mamba, Gemma, T5, DeBERTa, Whisper, wav2vec 2.0, Swin, DETR, RT-DETR, SAM and others), exported, traced and as ONNX files, with fixed and free sizes, some quantized by onnxruntime, against PyTorch 2.14 and onnxruntime; outside the test suite 223 of transformers, torchvision and torchaudio (453 files, ten of them scripted, the others of tests/oracles/torch/make_library.py), and detectors of one stage, Keypoint R-CNN, Swin3D, MViT, RAFT, DeepLab and LR-ASPP of torchvision (21 files).",
        LayersOf = "PyTorch's operators",
        Layers = TorchOperators.References,
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        if (IsMobileFile(head)) return true;
        if (!head.StartsWith("PK\x03\x04"u8)) return false;
        try
        {
            using var archive = new TorchArchive(path);
            return archive.IsExport || archive.Has("data.pkl") && (HasCode(archive) || archive.Has(Bytecode));
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }

    /// <summary>The entry that mobile archives have, beside code or instead of it.</summary>
    internal const string Bytecode = "bytecode.pkl";

    public Graph Import(string path) => Import(path, new Dictionary<string, Shape>());

    public Graph Import(string path, IReadOnlyDictionary<string, Shape> shapes)
    {
        if (IsMobileFile(path))
        {
            var mobile = new TorchMobileFile(File.ReadAllBytes(path));
            return Run(path, mobile.State, new TorchObjects(), [], mobile.Functions, shapes);
        }
        using var archive = new TorchArchive(path);
        if (archive.IsExport) return new TorchExport(path, archive, shapes).Import();
        var reader = new TorchObjects();
        object? state = archive.Unpickle("data.pkl", "data/");
        List<object?> constants = archive.Has("constants.pkl") ? reader.LiftConstants(archive.Unpickle("constants.pkl", "constants/")) : [];
        if (!HasCode(archive)) return Run(path, state, reader, [], TorchBytecodeFunction.Read(archive.Unpickle(Bytecode, "constants/")), shapes);
        return Run(path, state, reader, constants, new TorchCode(archive), shapes);
    }

    private static Graph Run(string path, object? state, TorchObjects reader, List<object?> constants, IEnumerable<TorchBytecodeFunction> functions, IReadOnlyDictionary<string, Shape> shapes) =>
        Run(path, state, reader, constants, TorchDecompiler.Decompile(path, functions, constants, c => reader.Lift(c, "constant")), shapes);

    private static Graph Run(string path, object? state, TorchObjects reader, List<object?> constants, TorchCode code, IReadOnlyDictionary<string, Shape> shapes)
    {
        if (reader.Lift(state, "") is not TorchObject module) throw new EdgeLiteException(Status.Corrupt, $"'{path}' holds no module.");
        TorchFunction forward = code.Method(module.Type, "forward")
            ?? throw new EdgeLiteException(Status.Unsupported, $"'{path}': {module.Type} has no method forward.");

        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        object?[] arguments = [.. forward.Parameters.Skip(1).Select(p => Argument(graph, p, shapes))];
        object?[] given = [.. arguments.TakeWhile(a => a is not Omitted)];
        var interpreter = new TorchInterpreter(code, constants, graph);
        try
        {
            return Finish(path, interpreter, () => interpreter.CallMethod(module, "forward", given));
        }
        catch (EdgeLiteException e) when (graph.Inputs.Any(i => !i.Shape.IsRanked) && e.Status is Status.Unsupported or Status.InvalidShape or Status.InvalidGraph && e.Message.Contains("--shape", StringComparison.Ordinal))
        {
            throw new EdgeLiteException(e.Status, $"{e.Message}\nThe file does not say which sizes its inputs have. Sizes of the right form, of which yours may be others: edgelite convert {Path.GetFileName(path)} -o {Path.GetFileNameWithoutExtension(path)}.edgl {ShapeAdvice.Example(graph)}", e);
        }
    }

    /// <summary>Runs the model's code and makes outputs of the tensors that it gives.</summary>
    internal static Graph Finish(string path, TorchInterpreter interpreter, Func<object?> run)
    {
        try
        {
            object? result = run();
            interpreter.RefuseUnknown();
            TorchBox[] outputs = [.. Flatten(result, interpreter)];
            if (outputs.Length == 0) throw new EdgeLiteException(Status.Unsupported, $"'{path}': forward returns no tensor.");
            for (int i = 0; i < outputs.Length; i++) interpreter.Root.AddOutput(interpreter.Read(outputs[i]), $"out{i}");
        }
        catch (EdgeLiteException) when (interpreter.Refuses)
        {
            // What was refused explains what came behind.
            interpreter.RefuseUnknown();
            throw;
        }
        catch (TorchRaise e)
        {
            throw new EdgeLiteException(Status.InvalidShape, $"'{path}': for inputs of this size the model raises: {e.Message}", e);
        }
        Graph graph = interpreter.Root.Graph;
        if (interpreter.ChangedState.Count > 0) graph.Metadata["torch.state_not_carried"] = string.Join(",", interpreter.ChangedState);
        RemoveUnused(graph);
        GraphVerifier.Verify(graph);
        return graph;
    }

    /// <summary>The identifier of torch/csrc/jit/serialization/mobile_bytecode.fbs.</summary>
    private static bool IsMobileFile(ReadOnlySpan<byte> head) => head.Length >= 8 && head[4..8].SequenceEqual("PTMF"u8);

    private static bool IsMobileFile(string path)
    {
        using FileStream stream = File.OpenRead(path);
        Span<byte> head = stackalloc byte[8];
        return IsMobileFile(head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)]);
    }

    internal static bool HasCode(TorchArchive archive) => archive.Names.Any(n => n.StartsWith("code/", StringComparison.Ordinal));

    private sealed class Omitted;

    private static object? Argument(Graph graph, TorchParameter p, IReadOnlyDictionary<string, Shape> shapes)
    {
        string type = p.Type;
        if (p.Default != null) return new Omitted();
        Value Tensor(string name) => graph.AddInput(name, new TensorType(DType.Float32, ShapeOf(name)));
        switch (type)
        {
            case "Tensor" or "": return new TorchBox(Tensor(p.Name));
            case "int": return new TorchScalar(graph.AddInput(p.Name, new TensorType(DType.Int64, Shape.Scalar)), ScalarKind.Int);
            case "float": return new TorchScalar(graph.AddInput(p.Name, new TensorType(DType.Float32, Shape.Scalar)), ScalarKind.Float);
            case "bool": return new TorchScalar(graph.AddInput(p.Name, new TensorType(DType.Bool, Shape.Scalar)), ScalarKind.Bool);
        }
        if (type.StartsWith("Tuple[", StringComparison.Ordinal) && type[6..^1].Split(',') is { } parts && parts.All(t => t == "Tensor"))
            return new TorchTuple([.. parts.Select((_, i) => (object?)new TorchBox(Tensor($"{p.Name}_{i}")))]);
        if (type.StartsWith("Optional[", StringComparison.Ordinal)) return null;
        throw new EdgeLiteException(Status.Unsupported, $"Parameter '{p.Name}' of forward is {type}; tensors, tuples of tensors and numbers are supported.");

        Shape ShapeOf(string name)
        {
            if (!shapes.TryGetValue(name, out Shape shape) && !shapes.TryGetValue("", out shape)) return Shape.Unranked;
            long[] dims = shape.AsSpan().ToArray();
            for (int i = 0; i < dims.Length; i++) if (dims[i] < 0) dims[i] = graph.SymbolDim($"{name}_{i}");
            return new Shape(dims);
        }
    }

    private static IEnumerable<TorchBox> Flatten(object? value, TorchInterpreter interpreter) => value switch
    {
        TorchBox b => [b],
        TorchComplex => throw new EdgeLiteException(Status.Unsupported, "forward returns a complex tensor; let it return torch.view_as_real of it."),
        TorchQuantized => throw new EdgeLiteException(Status.Unsupported, "forward returns a quantized tensor; let it return what dequantize() gives."),
        TorchTuple t => t.Items.SelectMany(i => Flatten(i, interpreter)),
        TorchList l => l.Items.SelectMany(i => Flatten(i, interpreter)),
        TorchDict d => d.Items.SelectMany(i => Flatten(i.Value, interpreter)),
        bool or long or double or TorchScalar => [new TorchBox(interpreter.ScalarValue(value, TorchInterpreter.KindOf(value)))],
        TorchAbsent a => throw new EdgeLiteException(Status.Unsupported, $"The result of forward is not known: {a.Reason}."),
        _ => [],
    };

    /// <summary>Removes nodes and constants that the code made and did not use.</summary>
    private static void RemoveUnused(Graph graph)
    {
        for (int i = graph.Nodes.Count - 1; i >= 0; i--)
        {
            Node node = graph.Nodes[i];
            if (node.Outputs.All(o => o == null || o.Consumers.Count == 0 && !graph.Outputs.Contains(o))) graph.Remove(node);
        }
        foreach (Value value in graph.Values.Where(v => v.IsConstant && v.Consumers.Count == 0 && !graph.Outputs.Contains(v)).ToArray()) graph.Remove(value);
    }
}

/// <summary>Turns what the pickle reader gives into values of the interpreter, and names tensors and modules by their paths.</summary>
internal sealed class TorchObjects
{
    private const int MaxDepth = 200;
    private readonly Dictionary<object, object?> _seen = new(ReferenceEqualityComparer.Instance);
    private int _depth;

    public List<object?> LiftConstants(object? root) => root switch
    {
        PickleTuple t => [.. t.Items.Select((v, i) => Lift(v, $"c{i}"))],
        List<object?> l => [.. l.Select((v, i) => Lift(v, $"c{i}"))],
        _ => [],
    };

    public object? Lift(object? value, string path)
    {
        if (value is not (PickleObject or PickleTuple or PickleDict or List<object?> or TorchTensor)) return value is PickleGlobal g ? new TorchPath(g.FullName) : value;
        if (_seen.TryGetValue(value, out object? known)) return known;
        if (++_depth > MaxDepth) throw new EdgeLiteException(Status.Corrupt, "The objects of the file nest too deeply.");
        object? result;
        switch (value)
        {
            case TorchTensor t:
                if (t.Name.Length == 0) t.Name = path;
                result = _seen[value] = t;
                break;
            case PickleObject o:
            {
                var module = new TorchObject(o.Type.FullName) { Path = path };
                _seen[value] = module;
                module.IsOrdered = o.State is PickleDict;
                if (o.State is PickleDict state)
                    foreach ((object? key, object? item) in state.Items)
                        module.Attributes[$"{key}"] = Lift(item, path.Length > 0 ? $"{path}.{key}" : $"{key}");
                else module.State = Lift(o.State ?? o.Arguments, path);
                result = module;
                break;
            }
            case PickleTuple t: result = _seen[value] = new TorchTuple([.. t.Items.Select((v, i) => Lift(v, $"{path}.{i}"))]); break;
            case List<object?> l:
            {
                var list = new TorchList([]);
                _seen[value] = list;
                list.Items.AddRange(l.Select((v, i) => Lift(v, $"{path}.{i}")));
                result = list;
                break;
            }
            default:
            {
                var dict = new TorchDict();
                _seen[value] = dict;
                foreach ((object? key, object? item) in ((PickleDict)value).Items) dict.Items.Add(new(key, Lift(item, $"{path}.{key}")));
                result = dict;
                break;
            }
        }
        _depth--;
        return result;
    }
}
