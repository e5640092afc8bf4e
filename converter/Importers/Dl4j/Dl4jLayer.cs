using System.Reflection;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j;

/// <summary>Marks a method <c>static Dl4jTensor (Dl4jLayer)</c> that converts layers, vertices or preprocessors of these classes: the
/// class's name, then the short names that older versions write.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class Dl4jAttribute(params string[] names) : ForeignLayerAttribute(names);

/// <summary>The map from Deeplearning4j's classes to their conversions. Case does not matter: short names differ in it between versions.</summary>
internal static class Dl4jClasses
{
    private static readonly Dictionary<string, Func<Dl4jLayer, Dl4jTensor>> s_all = Collect();

    /// <summary>The classes by their own names.</summary>
    public static IReadOnlyList<LayerReference> References { get; } =
        [.. ForeignLayers.Marked<Dl4jAttribute>().Select(m => new LayerReference(m.Attribute.Names[0], m.Attribute.Notes, m.Attribute.Limits)).OrderBy(r => r.Name, StringComparer.Ordinal)];

    public static Func<Dl4jLayer, Dl4jTensor>? Find(Dl4jConfig config) => config.IsOwn ? s_all.GetValueOrDefault(config.Kind) : null;

    private static Dictionary<string, Func<Dl4jLayer, Dl4jTensor>> Collect()
    {
        var all = new Dictionary<string, Func<Dl4jLayer, Dl4jTensor>>(StringComparer.OrdinalIgnoreCase);
        foreach ((MethodInfo method, Dl4jAttribute a) in ForeignLayers.Marked<Dl4jAttribute>())
            foreach (string name in a.Names.Distinct(StringComparer.OrdinalIgnoreCase)) all.Add(name, method.CreateDelegate<Func<Dl4jLayer, Dl4jTensor>>());
        return all;
    }
}

/// <summary>What goes from layer to layer. Recurrent data are [batch, features, steps]. Deeplearning4j folds the steps into the batch
/// for layers that know none; here such data are either rows (<see cref="IsRows"/>: [batch, steps, features]) or, for pictures,
/// [steps * batch, ...] with the tensor that tells the number of steps.</summary>
internal readonly record struct Dl4jTensor(Value Value, bool IsRows = false, Value? Steps = null)
{
    public IEnumerable<Value> Values => Steps == null ? [Value] : [Value, Steps];
    public Dl4jTensor Map(Func<Value, Value> of) => this with { Value = of(Value), Steps = Steps == null ? null : of(Steps) };
}

/// <summary>The numbers of coefficients.bin, taken layer by layer.</summary>
internal sealed class Dl4jWeights(float[] numbers, bool isBlind = false)
{
    private int _at;

    /// <summary>Zeros for every layer: behind a refused one nobody knows where in the file weights lie.</summary>
    public Dl4jWeights Blind => new(numbers, true);

    public int Left => numbers.Length - _at;
    public int Count => numbers.Length;

    /// <summary>The next numbers as they lie, last axis fastest.</summary>
    public Tensor Take(Dl4jLayer layer, params ReadOnlySpan<long> dims)
    {
        var shape = new Shape(dims);
        long count = Claim(layer, dims);
        var tensor = new Tensor(DType.Float32, shape);
        if (isBlind) return tensor;
        numbers.AsSpan(_at, (int)count).CopyTo(tensor.Span<float>());
        _at += (int)count;
        return tensor;
    }

    /// <summary>A matrix that lies column by column.</summary>
    public Tensor TakeColumns(Dl4jLayer layer, long rows, long columns)
    {
        long count = Claim(layer, rows, columns);
        var tensor = new Tensor(DType.Float32, new Shape(rows, columns));
        if (isBlind) return tensor;
        Span<float> to = tensor.Span<float>();
        for (int c = 0; c < columns; c++)
            for (int r = 0; r < rows; r++) to[r * (int)columns + c] = numbers[_at + c * (int)rows + r];
        _at += (int)count;
        return tensor;
    }

    private long Claim(Dl4jLayer layer, params ReadOnlySpan<long> dims)
    {
        long count = 1;
        foreach (long d in dims)
        {
            if (d <= 0 || d > int.MaxValue) throw layer.Damaged($"a size of its weights is {d}");
            count = checked(count * d);
        }
        return count <= Left ? count : throw layer.Damaged($"it needs {count} weights; of the {numbers.Length} in the file {Left} are left");
    }
}

/// <summary>One layer, vertex or preprocessor while it is converted.</summary>
internal sealed class Dl4jLayer(Graph graph, Dl4jWeights weights, Dl4jConfig config, string name, Dl4jTensor[] inputs) : NodeBuilder(graph, name, $"{config.Kind} '{name}'")
{
    public Dl4jWeights Weights { get; } = weights;
    public Dl4jConfig Config { get; } = config;
    public Dl4jTensor[] Inputs { get; } = inputs;

    /// <summary>Names of the weights that the model keeps for this layer.</summary>
    public string[] Variables { get; init; } = [];

    /// <summary>Finds the result of another vertex.</summary>
    public Func<string, Dl4jTensor?> Vertex { get; init; } = _ => null;

    public Dl4jTensor Input => Inputs.Length > 0 ? Inputs[0] : throw Damaged("it has no input");
    public Value X => Input.Value;
    public int Rank => RankOf(X);

    public Dl4jTensor Convert(Dl4jConfig inner, string innerName, params Dl4jTensor[] given)
    {
        if (innerName.Length > 1000) throw Damaged("layers nest too deeply");
        var layer = new Dl4jLayer(Graph, Weights, inner, innerName, given) { Variables = Variables, Vertex = Vertex };
        return (Dl4jClasses.Find(inner) ?? throw layer.Error("there is no conversion"))(layer);
    }

    /// <summary>The result in the place of the input, folded as it was.</summary>
    public Dl4jTensor Result(Value y) => Input with { Value = y };

    /// <summary>An input of the network whose rank nobody told is what its first layer wants: a batch of these sizes (-1: free).</summary>
    public void Refine(params ReadOnlySpan<long> dims)
    {
        if (X.Shape.IsRanked) return;
        long[] shape = [Graph.SymbolDim("N"), .. dims];
        for (int i = 1; i < shape.Length; i++) if (shape[i] < 0) shape[i] = Graph.SymbolDim($"{X.Name}_{i}");
        X.Type = new TensorType(X.DType, new Shape(shape));
    }

    public void RequireRank(int rank, string form)
    {
        if (Rank != rank || Input.IsRows) throw InputError($"its input has shape {X.Shape}, expected {form}; a preprocessor is missing");
    }

    /// <summary>Applies a layer on channels-first data; "NHWC", "NWC" and "NDHWC" configurations have the channels last.</summary>
    public Value InChannelsFirst(Func<Value, Value> apply) => IsChannelsLast ? ToChannelsLast(apply(ToChannelsFirst(X))) : apply(X);

    public bool IsChannelsLast => Config.Get("cnn2dDataFormat", "rnnDataFormat", "dataFormat", "format") is { ValueKind: System.Text.Json.JsonValueKind.String } f && f.GetString() is "NHWC" or "NWC" or "NDHWC" or "CHANNELS_LAST";
}
