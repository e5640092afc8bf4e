using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>A named input or output of a model and the tensor that it is.</summary>
/// <param name="Name">name in the graph that is made</param>
/// <param name="Reference">"node:output"</param>
/// <param name="DType">declared type; undefined when it is not</param>
/// <param name="Dims">declared dimensions, -1 for unknown ones; null when not declared</param>
internal sealed record TfPort(string Name, string Reference, DType DType = DType.Undefined, long[]? Dims = null);

/// <summary>Turns TensorFlow graphs into ours. Tensors keep their layout at the border; inside, convolutions become channels-first
/// with Transposes around, which the passes remove.</summary>
internal static class TfImporter
{
    private static readonly HashSet<string> s_noResults = new(StringComparer.Ordinal)
    { "Const", "NoOp", "Assert", "Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "VarHandleOp", "VariableV2", "Variable", "HashTable", "HashTableV2", "InitializeTable", "InitializeTableV2",
        "LookupTableImport", "LookupTableImportV2", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2", "SaveV2", "RestoreV2", "MergeV2Checkpoints" };

    /// <param name="model">the model</param>
    /// <param name="name">of the graph</param>
    /// <param name="inputs">null: every Placeholder that the outputs need</param>
    /// <param name="outputs">null: the results that no node reads</param>
    public static Graph Import(TfModel model, string name, IReadOnlyList<TfPort>? inputs = null, IReadOnlyList<TfPort>? outputs = null)
    {
        try
        {
            outputs ??= Results(model.Main);
            model.RefuseUnknown(outputs.Select(o => o.Reference));
            model.Tables.FillAll();
            Graph graph = Convert(model, name, inputs, outputs);
            if (model.States.Any)
            {
                model.States.IsSecond = true;
                graph = Convert(model, name, inputs, outputs);
            }
            RemoveUnused(graph);
            GraphVerifier.Verify(graph);
            ShapeInference.Run(graph);
            return graph;
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException
            or KeyNotFoundException or DivideByZeroException or InvalidCastException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The TensorFlow graph contradicts itself: {e.Message}", e);
        }
    }

    private static Graph Convert(TfModel model, string name, IReadOnlyList<TfPort>? inputs, IReadOnlyList<TfPort> outputs)
    {
        var graph = new Graph(name);
        var scope = new TfScope(model, new TfContext(graph, null), model.Main, null);
        foreach (TfPort port in inputs ?? Placeholders(model.Main, outputs)) AddInput(graph, scope, port);
        var results = new List<(string Name, Value Value)>();
        foreach (TfPort port in outputs)
            scope.Context.Refusals.Try("outputs", () => results.Add((port.Name, scope.Resolve(port.Reference) switch
            {
                TfTensorItem t => t.Value,
                TfListItem { Stacked: { } stacked } => stacked,
                _ => throw new EdgeLiteException(Status.Unsupported, $"Output '{port.Name}' is a resource, not a tensor."),
            })));
        scope.Context.Refusals.ThrowIfAny();
        foreach ((string output, Value value) in results) AddOutput(graph, value, output);
        model.States.Bind(graph);
        return graph;
    }

    /// <summary>Adds a graph output of that name; a value that is an input, a constant or an output already goes through Identity.</summary>
    public static Value AddOutput(Graph graph, Value value, string name)
    {
        // A value on the way may have been given the name first.
        Value? other = graph.Find(name);
        if (other != null && other != value && !graph.Inputs.Contains(other) && !graph.Outputs.Contains(other)) graph.Rename(other, graph.FreshName(name + "/inner"));
        else if (other == value && value.IsConstant) graph.Rename(value, graph.FreshName(name + "/inner"));
        if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", graph.FreshName(name), [value], type: value.Type);
        else if (value.Name != name && graph.Find(name) == null) graph.Rename(value, name);
        graph.AddOutput(value);
        return value;
    }

    private static void AddInput(Graph graph, TfScope scope, TfPort port)
    {
        (string node, int output) = TfSource.Parse(port.Reference);
        NodeDef? source = scope.Source.Find(node);
        DType type = port.DType;
        long[]? dims = port.Dims;
        if (source != null && source.Op.StartsWith("Placeholder", StringComparison.Ordinal))
        {
            if (source.Attr.TryGetValue("dtype", out AttrValue? t)) type = TfTensors.Type(t.Type);
            if (source.Attr.TryGetValue("shape", out AttrValue? s) && s.Shape != null && (s.Shape.Dim.Count > 0 || dims == null && scope.Model.HasScalarPlaceholders)) dims = TfTensors.Dims(s.Shape);
        }
        if (type == DType.Undefined) throw new EdgeLiteException(Status.Unsupported, $"Input '{port.Name}' is a resource, which is not supported.");
        Shape shape = Shape.Unranked;
        if (dims != null)
        {
            var sizes = new long[dims.Length];
            for (int i = 0; i < sizes.Length; i++) sizes[i] = dims[i] < 0 ? graph.SymbolDim($"{port.Name}_{i}") : dims[i];
            shape = new Shape(sizes);
        }
        scope.Set(node, output, graph.AddInput(graph.FreshName(port.Name), new TensorType(type, shape)));
    }

    /// <summary>Outputs of nodes that nobody reads.</summary>
    private static List<TfPort> Results(TfSource source)
    {
        var read = new HashSet<string>(StringComparer.Ordinal);
        foreach (NodeDef node in source.Nodes)
            foreach (string input in node.Input) read.Add(TfSource.Parse(input).Node);
        List<NodeDef> ends = [.. source.Nodes.Where(n => !read.Contains(n.Name))];
        List<NodeDef> results = [.. ends.Where(n => !s_noResults.Contains(n.Op))];
        if (results.Count == 0) results = [.. ends.Where(n => n.Op is "Const" or "Placeholder")];
        if (results.Count == 0) throw new EdgeLiteException(Status.InvalidGraph, "The TensorFlow graph has no result: every node is read by another one.");
        return [.. results.SelectMany(n => Enumerable.Range(0, OutputCount(n)).Select(k => new TfPort($"{n.Name}:{k}", $"{n.Name}:{k}")))];
    }

    private static int OutputCount(NodeDef node) => node.Op switch
    {
        "Split" or "SplitV" => (int)node.Attr.GetValueOrDefault("num_split", new AttrValue { I = 1 }).I,
        "Unpack" => (int)node.Attr.GetValueOrDefault("num", new AttrValue { I = 1 }).I,
        "TopKV2" or "Unique" or "MaxPoolWithArgmax" or "NonMaxSuppressionV4" => 2,
        "NonMaxSuppressionV5" => 3,
        "CombinedNonMaxSuppression" => 4,
        "IdentityN" or "PartitionedCall" or "StatefulPartitionedCall" or "If" or "StatelessIf" or "Case" or "StatelessCase" or "While" or "StatelessWhile" =>
            node.Attr.TryGetValue(node.Op == "IdentityN" || node.Op.EndsWith("While", StringComparison.Ordinal) ? "T" : "Tout", out AttrValue? types) ? types.List?.Type.Count ?? 1 : 1,
        _ => 1,
    };

    private static List<TfPort> Placeholders(TfSource source, IReadOnlyList<TfPort> outputs)
    {
        var needed = new HashSet<string>(StringComparer.Ordinal);
        var stack = new Stack<string>(outputs.Select(o => TfSource.Parse(o.Reference).Node));
        while (stack.Count > 0)
        {
            string name = stack.Pop();
            if (!needed.Add(name) || source.Find(name) is not { } node) continue;
            foreach (string input in TfSource.DataInputs(node)) stack.Push(TfSource.Parse(input).Node);
        }
        return [.. source.Nodes.Where(n => n.Op is "Placeholder" or "PlaceholderV2" && needed.Contains(n.Name)).Select(n => new TfPort(n.Name, n.Name))];
    }

    /// <summary>Constants that were made on the way and nobody reads.</summary>
    private static void RemoveUnused(Graph graph)
    {
        foreach (Value value in graph.Values.Where(v => v.IsConstant && v.Consumers.Count == 0 && !graph.Outputs.Contains(v)).ToArray()) graph.Remove(value);
    }
}
