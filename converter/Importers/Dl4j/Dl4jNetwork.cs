using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j;

/// <summary>A layer or vertex of the network.</summary>
internal sealed record Dl4jVertex(string Name, Dl4jConfig Config, Dl4jConfig? Preprocessor, string[] Inputs, string[] Variables);

/// <summary>A network as its configuration tells it: vertices in the order in which their weights lie in the file.</summary>
internal sealed class Dl4jNetwork(string[] inputs, (string Vertex, string Name)[] outputs, List<Dl4jVertex> vertices)
{
    private const int MaxVertices = 100_000;

    /// <summary>A MultiLayerNetwork is a chain.</summary>
    public static Dl4jNetwork OfLayers(JsonElement root)
    {
        JsonElement confs = Dl4jConfig.Find(root, "confs") is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() is > 0 and <= MaxVertices ? list
            : throw Dl4jConfig.Damaged("it has neither layers (\"confs\") nor vertices");
        JsonElement? preprocessors = Dl4jConfig.Find(root, "inputPreProcessors");
        var vertices = new List<Dl4jVertex>();
        string before = "input";
        var names = new HashSet<string>(StringComparer.Ordinal) { "input" };
        foreach (JsonElement conf in confs.Items())
        {
            Dl4jConfig layer = LayerOf(conf, $"layer {vertices.Count}");
            Dl4jConfig? preprocessor = preprocessors is { } p && Dl4jConfig.Find(p, $"{vertices.Count}") is { } json ? new(json, $"preprocessor {vertices.Count}") : null;
            string name = layer.Get("layerName") is { ValueKind: JsonValueKind.String } given ? given.GetString()! : $"layer{vertices.Count}";
            while (!names.Add(name)) name += "_";
            vertices.Add(new(name, layer, preprocessor, [before], VariablesOf(conf)));
            before = name;
        }
        return new(["input"], [(before, "output")], vertices);
    }

    public static Dl4jNetwork OfGraph(JsonElement root)
    {
        string[] inputs = Names(Dl4jConfig.Find(root, "networkInputs"), "networkInputs"), outputs = Names(Dl4jConfig.Find(root, "networkOutputs"), "networkOutputs");
        JsonElement described = Dl4jConfig.Find(root, "vertices")!.Value, edges = Dl4jConfig.Find(root, "vertexInputs") ?? throw Dl4jConfig.Damaged("it has no vertexInputs");
        var vertices = new List<Dl4jVertex>();
        foreach (JsonProperty p in described.Members())
        {
            if (vertices.Count >= MaxVertices) throw Dl4jConfig.Damaged("it has too many vertices");
            string[] from = edges.TryField(p.Name, out JsonElement e) ? Names(e, $"inputs of '{p.Name}'") : throw Dl4jConfig.Damaged($"vertex '{p.Name}' has no inputs");
            var vertex = new Dl4jConfig(p.Value, $"vertex '{p.Name}'");
            if (!vertex.IsOwn || !string.Equals(vertex.Kind, "LayerVertex", StringComparison.OrdinalIgnoreCase))
            {
                vertices.Add(new(p.Name, vertex, null, from, []));
                continue;
            }
            JsonElement conf = vertex.Get("layerConf") ?? throw Dl4jConfig.Damaged($"vertex '{p.Name}' has no layerConf");
            Dl4jConfig? preprocessor = vertex.Get("preProcessor") is { } json ? new(json, $"preprocessor of '{p.Name}'") : null;
            vertices.Add(new(p.Name, LayerOf(conf, $"layer '{p.Name}'"), preprocessor, from, VariablesOf(conf)));
        }
        string[]? order = Dl4jConfig.Find(root, "topologicalOrderStr") is { } stored ? Names(stored, "topologicalOrderStr") : null;
        return new(inputs, [.. outputs.Select(o => (o, o))], Sorted(inputs, vertices, order));
    }

    /// <summary>All classes that have no conversion, at once.</summary>
    public void RefuseUnknown()
    {
        var unknown = new List<(string Kind, string Place)>();
        foreach (Dl4jVertex v in vertices)
        {
            if (v.Preprocessor != null) Check(v.Preprocessor, v.Name, 0);
            Check(v.Config, v.Name, 0);
        }
        UnknownLayers.Refuse("The network", unknown, "Replace them by layers of docs/importers.md.", type => type.Contains('.', StringComparison.Ordinal) && !type.StartsWith("org.deeplearning4j.nn.", StringComparison.Ordinal)
            ? "a class of the model's author, whose code is not in the file" : null);

        void Check(Dl4jConfig config, string name, int depth)
        {
            if (depth > 32) throw Dl4jConfig.Damaged("layers nest too deeply");
            if (Dl4jClasses.Find(config) == null)
            {
                unknown.Add((config.ClassName, $"'{name}'"));
                return;
            }
            foreach (string key in new[] { "fwd", "bwd", "underlying", "layer", "preProcessor" })
                if (config.Get(key) is { ValueKind: JsonValueKind.Object } inner) Check(new(inner, $"'{key}' of '{name}'"), name, depth + 1);
        }
    }

    public void Build(Graph graph, Dl4jWeights weights, IReadOnlyDictionary<string, Shape> shapes)
    {
        var refusals = new Refusals();
        var values = new Dictionary<string, Dl4jTensor>(StringComparer.Ordinal);
        foreach (string input in inputs)
        {
            Shape shape = shapes.TryGetValue(input, out Shape given) || shapes.TryGetValue("", out given) ? given : Shape.Unranked;
            values[input] = new(graph.AddInput(input, new TensorType(DType.Float32, shape)));
        }
        foreach (Dl4jVertex v in vertices)
        {
            Dl4jTensor[] from = [.. v.Inputs.Select(i => values.TryGetValue(i, out Dl4jTensor t) ? t : throw Dl4jConfig.Damaged($"'{v.Name}' reads '{i}', which is not computed before it"))];
            if (v.Preprocessor != null) from = [Layer(v.Preprocessor, $"{v.Name}/{v.Preprocessor.Kind}", from), .. from[1..]];
            values[v.Name] = Layer(v.Config, v.Name, from);

            Dl4jTensor Layer(Dl4jConfig config, string name, Dl4jTensor[] given)
            {
                Dl4jTensor result = default;
                refusals.TryConvert(config.Kind, graph, given.SelectMany(t => t.Values), (into, of) =>
                {
                    var layer = new Dl4jLayer(into, into == graph ? weights : weights.Blind, config, name, [.. given.Select(t => t.Map(of))])
                    {
                        Variables = v.Variables,
                        Vertex = n => values.TryGetValue(n, out Dl4jTensor t) ? t.Map(of) : null,
                    };
                    result = Dl4jClasses.Find(config)!(layer);
                }, refusals.Any);
                return refusals.Any ? new(refusals.Placeholder(graph, name)) : result;
            }
        }
        refusals.ThrowIfAny();
        if (weights.Left != 0) throw new EdgeLiteException(Status.Corrupt, $"coefficients.bin holds {weights.Count} numbers; the layers take {weights.Count - weights.Left} of them.");
        foreach ((string output, string name) in outputs)
        {
            Dl4jTensor tensor = values.TryGetValue(output, out Dl4jTensor found) ? found : throw Dl4jConfig.Damaged($"output '{output}' is not computed");
            Value value = tensor.Value;
            if (tensor.IsRows) // the rows of all steps one behind the other, batch fastest
            {
                var layer = new Dl4jLayer(graph, weights, vertices[^1].Config, output, [tensor]);
                value = layer.Reshape(layer.Transpose(value, 1, 0, 2), -1, value.Shape[2]);
            }
            if (value.IsConstant || graph.Inputs.Contains(value) || graph.Outputs.Contains(value)) value = graph.Add("Identity", name, [value], type: value.Type);
            else if (graph.Find(name) == null) graph.Rename(value, name);
            graph.AddOutput(value);
        }
    }

    private static Dl4jConfig LayerOf(JsonElement conf, string what) =>
        new(Dl4jConfig.Find(conf, "layer") ?? throw Dl4jConfig.Damaged($"{what} has no layer"), what);

    private static string[] VariablesOf(JsonElement conf) => Dl4jConfig.Find(conf, "variables") is { ValueKind: JsonValueKind.Array } list ? Names(list, "variables") : [];

    private static string[] Names(JsonElement? json, string what)
    {
        if (json is not { ValueKind: JsonValueKind.Array } list || list.GetArrayLength() > MaxVertices) throw Dl4jConfig.Damaged($"{what} is no list of names");
        return [.. list.Items().Select(n => n.ValueKind == JsonValueKind.String ? n.GetString()! : throw Dl4jConfig.Damaged($"{what} holds {n.ValueKind}"))];
    }

    /// <summary>
    /// The weights of a graph lie in its topological order. From 1.0.0-beta4 it is stored; before, ComputationGraph.topologicalSortOrder
    /// made it: Kahn's algorithm, first in first out, over numbers (inputs, then vertices as they stand in the file); the readers of a
    /// vertex come in the order of a Java HashSet of them.
    /// </summary>
    private static List<Dl4jVertex> Sorted(string[] inputs, List<Dl4jVertex> vertices, string[]? stored)
    {
        var byName = vertices.ToDictionary(v => v.Name, StringComparer.Ordinal);
        if (stored != null) return [.. stored.Where(byName.ContainsKey).Select(n => byName[n])];
        var number = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string name in inputs.Concat(vertices.Select(v => v.Name))) number.TryAdd(name, number.Count);
        var readers = new List<int>[number.Count];
        var missing = new HashSet<int>[number.Count];
        for (int i = 0; i < number.Count; i++) (readers[i], missing[i]) = ([], []);
        foreach (Dl4jVertex v in vertices)
            foreach (string from in v.Inputs)
            {
                int source = number.TryGetValue(from, out int n) ? n : throw Dl4jConfig.Damaged($"'{v.Name}' reads '{from}', which there is not");
                if (missing[number[v.Name]].Add(source)) readers[source].Add(number[v.Name]);
            }
        var queue = new Queue<int>(HashOrder([.. Enumerable.Range(0, number.Count).Where(i => missing[i].Count == 0)], number.Count));
        var sorted = new List<Dl4jVertex>();
        while (queue.TryDequeue(out int next))
        {
            if (next >= inputs.Length) sorted.Add(vertices[next - inputs.Length]);
            foreach (int reader in HashOrder(readers[next], readers[next].Count))
                if (missing[reader].Remove(next) && missing[reader].Count == 0) queue.Enqueue(reader);
        }
        return sorted.Count == vertices.Count ? sorted : throw Dl4jConfig.Damaged("its vertices form a circle");
    }

    /// <summary>The order in which a Java HashMap of <paramref name="size"/> small whole numbers gives them: by the number's low bits, as
    /// many as the table has (16 places, doubled while more than three quarters are used).</summary>
    private static IEnumerable<int> HashOrder(List<int> values, int size)
    {
        int places = 16;
        while (size > places / 4 * 3) places *= 2;
        return values.OrderBy(v => (v ^ v >>> 16) & places - 1);
    }
}
