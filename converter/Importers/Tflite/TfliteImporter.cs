using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>
/// Reads TensorFlow Lite models. Tensors keep their names and their NHWC layout at the border of the graph; quantized ones stay
/// integers there and become DequantizeLinear and QuantizeLinear around the operators inside.
/// </summary>
public sealed class TfliteImporter
{
    private static readonly Dictionary<TfliteOp, Action<TfliteNode>> s_builtins = ForeignLayers.Marked<TfliteAttribute>().ToDictionary(m => m.Attribute.Op, m => m.Method.CreateDelegate<Action<TfliteNode>>());
    private static readonly Dictionary<string, Action<TfliteNode>> s_customs = ForeignLayers.Conversions<TfliteCustomAttribute, Action<TfliteNode>>();

    private readonly Dictionary<string, TfliteVariable> _variables = new(StringComparer.Ordinal);
    private readonly Refusals _refusals = new();
    private readonly TfliteModel _model;
    private int _depth;

    private const int MaxStructure = 256 << 20;
    private const string Custom = "custom operator";

    private TfliteImporter(TfliteModel model) => _model = model;

    /// <summary>Imports a file. <paramref name="signature"/>: the signature to import, whose names inputs and outputs then have;
    /// null: the first subgraph, with the tensors' own names.</summary>
    public static Graph Import(string path, string? signature = null)
    {
        byte[] file;
        try
        {
            using FileStream stream = File.OpenRead(path);
            // Of a file above 2 GB, buffers lie behind the FlatBuffer and are read by their place.
            file = new byte[stream.Length <= Array.MaxLength ? stream.Length : MaxStructure];
            stream.ReadExactly(file);
        }
        catch (FileNotFoundException e)
        {
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.", e);
        }
        catch (IOException e)
        {
            throw new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {e.Message}", e);
        }
        return Import(file, Path.GetFileNameWithoutExtension(path), signature, path);
    }

    /// <summary>Imports a file held in memory. <paramref name="path"/>: where what does not fit there can be read, and files that are attached.</summary>
    public static Graph Import(byte[] file, string name, string? signature = null, string? path = null)
    {
        try
        {
            var model = new TfliteModel(file, path);
            Graph graph = new TfliteImporter(model).Build(name, signature);
            TfliteMetadata.Read(model, graph, path);
            return graph;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The TFLite file contradicts itself: {e.Message}", e);
        }
    }

    internal void RenameNode(Node node, string name) => node.Name = name;

    private Graph Build(string name, string? signatureKey)
    {
        TfliteSignature? signature = null;
        if (signatureKey != null)
            signature = _model.Signatures.FirstOrDefault(s => s.Key == signatureKey) ?? throw new EdgeLiteException(Status.NotFound,
                $"The file has no signature '{signatureKey}'; it has: {string.Join(", ", _model.Signatures.Select(s => $"'{s.Key}'").DefaultIfEmpty("none"))}.");
        TfliteSubgraph main = _model.Subgraph(signature?.Subgraph ?? 0);
        RefuseUnknown(main);

        var graph = new Graph(name);
        if (_model.Description.Length > 0) graph.Metadata["description"] = _model.Description;
        if (_model.Signatures.Length > 0) graph.Metadata["tflite.signatures"] = string.Join(",", _model.Signatures.Select(s => s.Key));
        if (signature != null) graph.Metadata["tflite.signature"] = signature.Key;
        (string Name, int Tensor)[] inputs = signature?.Inputs ?? [.. main.Inputs.Select(t => (main.Tensors[t].Name, t))];
        (string Name, int Tensor)[] outputs = signature?.Outputs ?? [.. main.Outputs.Select(t => (main.Tensors[t].Name, t))];
        foreach ((_, int t) in inputs.Concat(outputs))
            if ((uint)t >= (uint)main.Tensors.Length) throw TfliteModel.Corrupt($"signature '{signature?.Key}' names tensor {t} of {main.Tensors.Length}");

        var scope = new TfliteScope(_model, main, graph, _variables);
        foreach ((string inputName, int t) in inputs)
        {
            TfliteTensor tensor = main.Tensors[t];
            if (tensor.DType == DType.Undefined) throw new EdgeLiteException(Status.Unsupported, $"Input '{inputName}' is a resource, which is not supported.");
            scope.SetRaw(t, graph.AddInput(graph.FreshName(inputName), new TensorType(tensor.DType, SymbolicShape(graph, inputName, tensor))));
        }
        Convert(scope);
        _refusals.ThrowIfAny();
        foreach ((string outputName, int t) in outputs) AddOutput(graph, scope.Raw(t), outputName);
        var states = new List<string>();
        foreach (TfliteVariable variable in _variables.Values)
        {
            if (variable.Input == null || variable.Current == null) continue;
            string next = AddOutput(graph, variable.Current, variable.Input.Name + ".next").Name;
            graph.Metadata[$"state.{variable.Input.Name}"] = next;
            states.Add($"{variable.Input.Name}={next}");
        }
        if (states.Count > 0) graph.Metadata[StateBinding.MetadataKey] = string.Join('\n', states);
        GraphVerifier.Verify(graph);
        ShapeInference.Run(graph);
        return graph;
    }

    /// <summary>Converts the operators of a subgraph in order.</summary>
    internal void Convert(TfliteScope scope)
    {
        if (++_depth > 64) throw TfliteModel.Corrupt("subgraphs call each other without end");
        try
        {
            foreach (TfliteOperator op in scope.Subgraph.Operators)
                ConvertOrRefuse(new TfliteNode(scope, op, this));
        }
        finally
        {
            _depth--;
        }
    }

    /// <summary>Converts an operator; a refused one gives placeholders, of the types that its results have in the file.</summary>
    private void ConvertOrRefuse(TfliteNode node)
    {
        TfliteScope scope = node.Scope;
        string kind = node.Op == TfliteOp.CUSTOM ? node.Operator.CustomCode ?? "" : node.Op.ToString();
        object[] inputs = [.. node.Operator.Inputs.Where(t => t >= 0).Select(scope.Item).OfType<object>()];
        if (inputs.Any(_refusals.IsPlaceholder)) _refusals.TryBehind(kind, () => Convert(node));
        else if (_refusals.Try(kind, () => Convert(node))) return;
        foreach (object input in inputs)
            if (input is TfliteVariable) _refusals.MarkPlaceholder(input);
        foreach (int t in node.Operator.Outputs.Where(t => t >= 0))
        {
            if (scope.IsHandle(t)) _refusals.MarkPlaceholder(scope.Item(t)!);
            else scope.SetRaw(t, _refusals.Placeholder(scope.Graph, scope.Subgraph.Tensors[t].Name, new TensorType(scope.Subgraph.Tensors[t].DType, scope.Subgraph.Tensors[t].Shape)));
        }
    }

    internal void Convert(TfliteNode node)
    {
        try
        {
            Handler(node.Operator)!(node);
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"{node.Op} '{node.Name}': the file contradicts itself ({e.Message})", e);
        }
    }

    /// <summary>Converts another subgraph in the place of an operator: inputs are given, outputs are returned.</summary>
    internal Value[] Inline(Graph graph, long subgraph, ReadOnlySpan<Value> inputs)
    {
        TfliteScope scope = Enter(graph, subgraph, inputs.Length);
        for (int i = 0; i < inputs.Length; i++) scope.SetRaw(scope.Subgraph.Inputs[i], inputs[i]);
        Convert(scope);
        return [.. scope.Subgraph.Outputs.Select(scope.Raw)];
    }

    /// <summary>A subgraph as a closed graph of its own.</summary>
    internal Graph Closed(long subgraph, int inputCount)
    {
        var graph = new Graph(_model.Subgraph(subgraph).Name);
        TfliteScope scope = Enter(graph, subgraph, inputCount);
        foreach (int t in scope.Subgraph.Inputs)
            scope.SetRaw(t, graph.AddInput(graph.FreshName(scope.Subgraph.Tensors[t].Name), new TensorType(scope.Subgraph.Tensors[t].DType, scope.Subgraph.Tensors[t].Shape)));
        Convert(scope);
        foreach (int t in scope.Subgraph.Outputs) AddOutput(graph, scope.Raw(t), scope.Subgraph.Tensors[t].Name);
        return graph;
    }

    /// <summary>A chain of If over branches by number, of which inputs[0] counts from <paramref name="first"/>; the last takes all that remain. Branches
    /// have the other inputs.</summary>
    internal Value[] Choose(Graph graph, ReadOnlySpan<int> branches, int first, Value[] inputs, int outputs)
    {
        if (branches.Length == 1) return Inline(graph, branches[0], inputs.AsSpan(1));
        TfliteSubgraph source = _model.Subgraph(branches[0]);
        Value isFirst = graph.Add("Equal", source.Name + "/chosen", [inputs[0], graph.AddConstant(source.Name + "/number", Tensor.FromScalar((long)first))]);
        var attributes = new AttributeSet { ["then_branch"] = AttributeValue.OfGraph(Branch(branches[..1])), ["else_branch"] = AttributeValue.OfGraph(Branch(branches[1..])), ["captures"] = inputs.Length };
        Value[] results = [.. Enumerable.Range(0, outputs).Select(i => graph.NewValue(graph.FreshName($"{source.Name}/chosen{i}"), default))];
        graph.AddNode("", "If", results.Length == 0 ? source.Name : results[0].Name, [isFirst, .. inputs], results, attributes);
        return results;

        Graph Branch(ReadOnlySpan<int> chosen)
        {
            var branch = new Graph(_model.Subgraph(chosen[0]).Name);
            Value[] given = [.. inputs.Select(v => branch.AddInput(branch.FreshName(v.Name), v.Type))];
            Value[] values = Choose(branch, chosen, first + 1, given, outputs);
            for (int i = 0; i < values.Length; i++) AddOutput(branch, values[i], $"{branch.Name}/result{i}");
            return branch;
        }
    }

    internal TfliteSubgraph Subgraph(long index) => _model.Subgraph(index);

    /// <summary>Adds a graph output of that name; a value that is an input, a constant or an output already goes through Identity.</summary>
    internal static Value AddOutput(Graph graph, Value value, string name)
    {
        if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", name, [value], type: value.Type);
        else if (value.Name != name && graph.Find(name) == null) graph.Rename(value, name);
        graph.AddOutput(value);
        return value;
    }

    private TfliteScope Enter(Graph graph, long subgraph, int inputCount)
    {
        TfliteSubgraph sub = _model.Subgraph(subgraph);
        if (sub.Inputs.Length != inputCount) throw TfliteModel.Corrupt($"subgraph '{sub.Name}' has {sub.Inputs.Length} inputs and is called with {inputCount}");
        return new TfliteScope(_model, sub, graph, _variables);
    }

    private static Shape SymbolicShape(Graph graph, string name, TfliteTensor tensor)
    {
        if (tensor.Dims == null) return Shape.Unranked;
        var dims = (long[])tensor.Dims.Clone();
        for (int i = 0; i < dims.Length; i++)
            if (dims[i] < 0) dims[i] = graph.SymbolDim($"{name}_{i}");
        return new Shape(dims);
    }

    private static Action<TfliteNode>? Handler(TfliteOperator op) =>
        op.Op == TfliteOp.CUSTOM ? s_customs.GetValueOrDefault(op.CustomCode ?? "") : s_builtins.GetValueOrDefault(op.Op);

    /// <summary>Names every operator without a conversion, with its nodes, at once.</summary>
    private void RefuseUnknown(TfliteSubgraph main)
    {
        var unknown = new List<(string Kind, string Place)>();
        foreach (TfliteSubgraph subgraph in _model.Subgraphs)
        {
            if (subgraph != main && _model.Signatures.Any(s => s.Subgraph == subgraph.Index)) continue;
            foreach (TfliteOperator op in subgraph.Operators)
            {
                if (Handler(op) != null) continue;
                string kind = op.Op == TfliteOp.CUSTOM ? $"{Custom} '{op.CustomCode}'" : Enum.IsDefined(op.Op) ? op.Op.ToString() : $"builtin operator number {(int)op.Op}";
                unknown.Add((kind, op.Outputs.Length > 0 && op.Outputs[0] >= 0 ? $"'{subgraph.Tensors[op.Outputs[0]].Name}'" : $"#{op.Index}"));
            }
        }
        UnknownLayers.Refuse("The model", unknown, "Replace them in the source model.", kind => kind.StartsWith(Custom, StringComparison.Ordinal)
            ? "its code is not in the file, and --allow-custom keeps operators of ONNX files alone; build the model from TFLite's own operators"
            : Enum.TryParse(kind, out TfliteOp op) ? TfliteRefusals.Find(op) : null);
    }
}
