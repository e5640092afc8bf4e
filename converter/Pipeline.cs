using System.Globalization;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter;

/// <summary>What a conversion is asked to do.</summary>
public sealed record ConversionOptions
{
    /// <summary>Sizes for inputs with free dimensions, by input name; the empty name stands for the only input.</summary>
    public IReadOnlyDictionary<string, Shape> Shapes { get; init; } = new Dictionary<string, Shape>();

    /// <summary>Profile that the file is made for; recorded in it. Empty: any processor.</summary>
    public string Target { get; init; } = "";

    /// <summary>Inputs that get a value for good, by name: every element of a free-standing number (a sample rate, a mode) is that value, and
    /// what depends on it alone, branches included, is decided at conversion.</summary>
    public IReadOnlyDictionary<string, double> Fixed { get; init; } = new Dictionary<string, double>();

    /// <summary>State that lives from run to run: the output that an input takes over, (output, input) by name.</summary>
    public IReadOnlyList<(string Output, string Input)> States { get; init; } = [];

    /// <summary>Of a model with several entry points (TFLite, TensorFlow SavedModel) the one to take; null: the usual one.</summary>
    public string? Signature { get; init; }

    /// <summary>Operators that are not known stay in the model as they are, for the application to register them.</summary>
    public bool AllowCustom { get; init; }

    /// <summary>Called with the name of each stage as it begins.</summary>
    public Action<string>? Progress { get; init; }
}

/// <summary>The whole way of a model from a foreign file to an .edgl file.</summary>
public static class Pipeline
{
    /// <summary>Reads a foreign model: recognised by its content, checked, shapes inferred.</summary>
    public static (Graph Graph, string Format) Import(string path, ConversionOptions options) => Import([path], options);

    /// <summary>Reads a foreign model of which several files are named, the network and its weights.</summary>
    public static (Graph Graph, string Format) Import(IReadOnlyList<string> paths, ConversionOptions options)
    {
        (string path, IImporter importer) = ImporterRegistry.Locate(paths[0]);
        options.Progress?.Invoke($"reading {importer.Format}");
        Graph graph = importer.Import([path, .. paths.Skip(1)], options.Shapes, options.Signature);
        if (!options.AllowCustom) RefuseUnknownOperators(graph, path);
        ApplyShapes(graph, options.Shapes);
        FixInputs(graph, options.Fixed);
        ShapeInference.Run(graph);
        GraphVerifier.Verify(graph);
        RequireMemory(graph);
        DeclareStates(graph, options.States);
        return (graph, importer.Format);
    }

    /// <summary>Simplifies a graph in place, on ONNX operators.</summary>
    public static void Optimize(Graph graph, ConversionOptions options)
    {
        options.Progress?.Invoke("simplifying");
        PassList.Optimize(graph);
        GraphVerifier.Verify(graph);
    }

    /// <summary>Turns a graph in place into what the kernels want.</summary>
    public static void Lower(Graph graph, ConversionOptions options)
    {
        options.Progress?.Invoke("lowering");
        CpuLowering.Run(graph);
        GraphVerifier.Verify(graph);
    }

    /// <summary>Plans and writes the file.</summary>
    public static void Write(Graph graph, string path, ConversionOptions options)
    {
        options.Progress?.Invoke("writing");
        ModelWriter.Write(graph, path, options.Target);
    }

    /// <summary>A conversion keeps the values of the converted model to compare them with the source model's: sizes at which this machine cannot hold its values are refused at once.</summary>
    private static void RequireMemory(Graph graph)
    {
        Value[] values = [.. graph.Values.Where(v => !v.IsConstant && v.Type.IsKnown)];
        const double Mega = 1 << 20;
        double needed = values.Sum(v => (double)v.Type.ByteLength) / Mega, there = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Mega;
        if (needed <= there) return;
        Value largest = values.MaxBy(v => v.Type.ByteLength)!;
        throw new EdgeLiteException(Status.OutOfMemory, string.Create(CultureInfo.InvariantCulture,
            $"At these sizes the values of the model take {needed:N0} MB, and a conversion needs as much; this machine has {there:N0} MB. The largest is '{largest.Name}', {largest.Type}. Give the inputs smaller sizes with --shape."));
    }

    private static void RefuseUnknownOperators(Graph graph, string path)
    {
        var unknown = ShapeInference.FindUnknownOperators(graph);
        if (unknown.Count == 0) return;
        IEnumerable<string> lines = unknown.Select(u =>
            $"  {u.Operator}: {u.Nodes.Count} node{(u.Nodes.Count == 1 ? "" : "s")} ({string.Join(", ", u.Nodes.Take(5))}{(u.Nodes.Count > 5 ? ", ..." : "")})");
        throw new EdgeLiteException(Status.UnknownOperator,
            $"'{path}' uses {unknown.Count} operator{(unknown.Count == 1 ? "" : "s")} that EdgeLite does not have:\n{string.Join('\n', lines)}\nReplace them in the source model, or convert it with --allow-custom and register them in the application.");
    }

    private static void DeclareStates(Graph graph, IReadOnlyList<(string Output, string Input)> states)
    {
        if (states.Count == 0) return;
        string text = string.Join('\n', states.Select(s => $"{s.Input}={s.Output}"));
        // The importer may know of states already.
        if (graph.Metadata.TryGetValue(StateBinding.MetadataKey, out string? known))
            text = string.Join('\n', known.Split('\n').Where(line => !states.Any(s => line.StartsWith(s.Input + "=", StringComparison.Ordinal))).Append(text));
        StateBinding.Parse(text, ModelWriter.Define(graph));
        graph.Metadata[StateBinding.MetadataKey] = text;
    }

    private static void ApplyShapes(Graph graph, IReadOnlyDictionary<string, Shape> shapes)
    {
        foreach ((string name, Shape shape) in shapes)
        {
            Value input = FindInput(graph, name, "--shape");
            if (input.Shape.IsRanked)
            {
                bool fits = input.Shape.Rank == shape.Rank;
                for (int d = 0; fits && d < shape.Rank; d++) fits = input.Shape[d] < 0 || shape[d] < 0 || input.Shape[d] == shape[d];
                if (!fits) throw new EdgeLiteException(Status.InvalidShape, $"--shape gives input '{input.Name}' {shape}; the model declares {GraphText.Type(graph, input.Type)}.");
            }
            input.Type = new TensorType(input.DType, shape);
        }
    }

    private static void FixInputs(Graph graph, IReadOnlyDictionary<string, double> values)
    {
        foreach ((string name, double number) in values)
        {
            Value input = FindInput(graph, name, "--fix");
            if (!input.Type.IsKnown || input.DType == DType.String)
                throw new EdgeLiteException(Status.InvalidArgument, $"--fix gives input '{input.Name}' a value; the input is {GraphText.Type(graph, input.Type)}: only numbers of a known shape can be fixed. Give the shape with --shape.");
            var tensor = new Tensor(input.DType, input.Shape);
            for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, number);
            for (long i = 0; i < tensor.Count; i++)
                if (!input.DType.IsFloat() && tensor.GetDouble(i) != number)
                    throw new EdgeLiteException(Status.InvalidArgument, $"--fix gives input '{input.Name}' the value {number}, which {input.DType.Name()} cannot hold.");
            graph.FixInput(input, tensor);
        }
    }

    private static Value FindInput(Graph graph, string name, string option) =>
        (name.Length == 0 && graph.Inputs.Count == 1 ? graph.Inputs[0] : graph.Inputs.FirstOrDefault(i => i.Name == name))
        ?? throw new EdgeLiteException(Status.NotFound, $"{option} names input '{name}'; the model has: {string.Join(", ", graph.Inputs.Select(i => i.Name))}.");
}
