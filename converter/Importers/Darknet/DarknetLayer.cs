using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>Marks a method <c>static Value (DarknetLayer)</c> that converts sections of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DarknetAttribute(params string[] sections) : ForeignLayerAttribute(sections);

/// <summary>One layer while it is converted. Everything is [N, C, H, W].</summary>
internal sealed class DarknetLayer(Graph graph, DarknetSection section, int index, Value input, Func<int, Value> before, DarknetWeights weights)
    : NodeBuilder(graph, $"{section.Type}_{index}", $"Layer {index}, [{section.Type}] in line {section.Line}")
{
    public DarknetSection Options { get; } = section;
    public DarknetWeights Weights { get; } = weights;
    public Value Input { get; } = input;
    public string Type => Options.Type;

    /// <summary>Counted from 0, [net] left out, as in "from" and "layers".</summary>
    public int Index { get; } = index;

    /// <summary>What layer <paramref name="number"/> gives; below zero counted back from this one.</summary>
    public Value Layer(int number)
    {
        int at = number < 0 ? Index + number : number;
        return at >= 0 && at < Index ? before(at) : throw Damaged($"it names layer {number}, which does not come before it");
    }

    /// <summary>A size of C, H or W, which must be known.</summary>
    public long Size(Value value, int axis) => value.Shape is { IsRanked: true, Rank: 4 } && value.Shape[axis] > 0 ? value.Shape[axis]
        : throw InputError($"'{value.Name}' has the shape {value.Shape}, of which {"NCHW"[axis]} must be known");

    /// <summary>The option activation, applied (activations.h).</summary>
    public Value Activate(Value x, string otherwise) => Options.Text("activation", otherwise) switch
    {
        "linear" => x,
        "relu" => Emit("Relu", [x]),
        "leaky" => Emit("LeakyRelu", [x], ("alpha", 0.1f)),
        "relie" => Emit("LeakyRelu", [x], ("alpha", 0.01f)),
        "ramp" => Emit("Add", [Emit("Relu", [x]), Emit("Mul", [x, Scalar(0.1)])]),
        "relu6" => Emit("Clip", [x, Scalar(0), Scalar(6)]),
        "hardtan" => Emit("Clip", [x, Scalar(-1), Scalar(1)]),
        "logistic" => Emit("Sigmoid", [x]),
        "loggy" => Emit("Sub", [Emit("Mul", [Emit("Sigmoid", [x]), Scalar(2)]), Scalar(1)]),
        "tanh" => Emit("Tanh", [x]),
        "elu" => Emit("Elu", [x]),
        "selu" => Emit("Selu", [x], ("gamma", 1.0507f), ("alpha", 1.6732f)),
        "gelu" => Emit("Gelu", [x], ("approximate", "tanh")),
        "swish" => Emit("Mul", [x, Emit("Sigmoid", [x])]),
        "mish" => Emit("Mish", [x]),
        var other => throw Error($"activation '{other}' is not supported"),
    };
}
