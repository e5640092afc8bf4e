using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Lasagne;

/// <summary>
/// Reads Lasagne's parameters by an architecture in JSON beside them: {"format": "lasagne", "parameters": "model.npz", "layers":
/// [{"type": "InputLayer", "name": "x", "shape": [null, 3, 32, 32]}, {"type": "Conv2DLayer", "pad": "same"}, ...]}. Types and settings
/// have Lasagne's names. A layer follows the one before it unless "incoming" or "incomings" name others; parameters are taken in the order
/// of the layers, as get_all_param_values gives them.
/// </summary>
public sealed class LasagneImporter : IImporter
{
    public string Format => "Lasagne";

    public FormatReference Reference { get; } = new()
    {
        Files = "a small `.json` with `\"format\": \"lasagne\"` and, beside it, the parameters, which do not tell the architecture: `.npz` of `numpy.savez(file, *get_all_param_values(network))`, or a pickle of that list, or of a list of Theano's shared variables. A pickled Theano function refers to Theano's code and is refused with what to do. `{\"format\": \"lasagne\", \"parameters\": \"model.npz\", \"layers\": [{\"type\": \"InputLayer\", \"name\": \"x\", \"shape\": [null, 3, 32, 32]}, {\"type\": \"Conv2DLayer\", \"stride\": 2, \"pad\": \"same\"}, {\"type\": \"DenseLayer\", \"nonlinearity\": \"softmax\"}]}`. Settings have Lasagne's names and defaults (`nonlinearity`: a name, `null`, or `{\"type\": \"leaky_rectify\", \"leakiness\": 0.1}`; `\"b\": null`: no biases); `incoming` and `incomings` name other layers than the one before, `outputs` others than the last; sizes come from the parameters. `batch_norm(layer)` is the layer with `\"b\": null, \"nonlinearity\": null`, then BatchNormLayer, then NonlinearityLayer.",
        Tested = "genuine parameters written by Lasagne 0.2.dev1, `.npz` and pickle, against Lasagne's own results on Theano, and 30 random networks of its layers likewise (outside the test suite 80 more); the JSON is ours. Theano's shared variables and functions: pickles made after the attributes of its classes.",
        LayersOf = "Lasagne's layers",
        Layers = ForeignLayers.References<LasagneAttribute>(),
    };

    public bool Recognizes(string path, ReadOnlySpan<byte> head) => ArchitectureFile.Recognizes(head, "lasagne") || LasagneParameters.IsTheanoPickle(head);

    public Graph Import(string path)
    {
        if (LasagneParameters.IsTheanoPickle(ModelFile.Head(path))) throw LasagneParameters.WithoutArchitecture(path);
        return ArchitectureFile.Import(path, Format, root => Build(path, root));
    }

    private static Graph Build(string path, JsonElement root)
    {
        JsonElement[] layers = ArchitectureFile.Layers(path, root);
        ArchitectureFile.RefuseUnknown(path, layers, LasagneLayers.All.ContainsKey, "Write them as layers of docs/importers.md, or build the network in a framework that exports ONNX.");
        string file = ArchitectureFile.Parameters(path, root);
        var parameters = new Queue<Func<Tensor>>(LasagneParameters.Read(file));
        var refusals = new Refusals();

        var graph = new Graph(Path.GetFileNameWithoutExtension(path));
        var known = new Dictionary<string, Value>(StringComparer.Ordinal);
        Value? last = null;
        string lastName = "";
        if (root.TryField("input", out JsonElement input)) last = Add(input, "InputLayer", "x");
        for (int i = 0; i < layers.Length; i++) last = Add(layers[i], ArchitectureFile.TypeOf(layers[i]), $"layer{i}");
        refusals.ThrowIfAny();
        if (parameters.Count > 0) throw new EdgeLiteException(Status.Corrupt, $"'{file}' has {parameters.Count} arrays more than the layers take.");

        if (!root.TryField("outputs", out JsonElement outputs)) NodeBuilder.AddOutput(graph, last!, lastName);
        else
        {
            foreach (string name in outputs.Items().Select(o => o.Text() ?? ""))
                NodeBuilder.AddOutput(graph, known.GetValueOrDefault(name) ?? throw new EdgeLiteException(Status.Corrupt, $"'{path}' names '{name}' as an output, which no layer is called."), name);
        }
        if (graph.Outputs.Count == 0 || graph.Inputs.Count == 0) throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no input or no output.");
        GraphVerifier.Verify(graph);
        return graph;

        Value Add(JsonElement json, string type, string otherwise)
        {
            string name = json.TryField("name", out JsonElement given) && given.Text() is { Length: > 0 } text ? text : otherwise;
            string[] from = json.TryField("incomings", out JsonElement many) ? [.. many.Items().Select(n => n.Text() ?? "")] : json.TryField("incoming", out JsonElement one) ? [one.Text() ?? ""] : [];
            Value[] inputs = from.Length > 0
                ? [.. from.Select(n => known.TryGetValue(n, out Value? v) ? v : throw new EdgeLiteException(Status.Corrupt, $"Layer '{name}' follows '{n}', which is not a layer before it."))]
                : last != null ? [last] : [];
            if (inputs.Length == 0 && type != "InputLayer") throw new EdgeLiteException(Status.Corrupt, $"Layer '{name}' follows no layer; the first is an InputLayer.");
            Value? value = null;
            refusals.TryConvert(type, graph, inputs, (into, of) => value = LasagneLayers.All[type](new LasagneLayer(into, name, json, [.. inputs.Select(of)], into == graph ? parameters : null)), refusals.Any);
            if (refusals.Any) value = refusals.Placeholder(graph, name);
            if (!known.TryAdd(name, value!)) throw new EdgeLiteException(Status.Corrupt, $"Two layers have the name '{name}'.");
            lastName = name;
            return value!;
        }
    }
}
