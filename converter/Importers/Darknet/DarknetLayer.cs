using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>Marks a method <c>static Value (DarknetLayer)</c> that converts sections of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class DarknetAttribute(params string[] sections) : ForeignLayerAttribute(sections);

/// <summary>One layer while it is converted. Everything is [N, C, H, W].</summary>
internal sealed class DarknetLayer(Graph graph, DarknetSection section, int index, Value input, Func<int, Value> before, DarknetWeights weights, List<(Value State, Value Next)> states)
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
        "plse" => Emit("Add", [Emit("Mul", [x, Scalar(0.01)]), Emit("Clip", [Emit("Add", [Emit("Mul", [x, Scalar(0.115)]), Scalar(0.5)]), Scalar(0.04), Scalar(0.96)])]),
        "lhtan" => Emit("Add", [Emit("Mul", [x, Scalar(0.001)]), Emit("Clip", [Emit("Mul", [x, Scalar(0.999)]), Scalar(0), Scalar(0.999)])]),
        "stair" => Stair(x),
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

    /// <summary>floor(x / 2), and where floor(x) is odd the rest of x above it as well.</summary>
    private Value Stair(Value x)
    {
        Value whole = Emit("Floor", [x]), half = Emit("Floor", [Emit("Mul", [x, Scalar(0.5)])]), odd = Emit("Sub", [whole, Emit("Add", [half, half])]);
        return Emit("Add", [half, Emit("Mul", [odd, Emit("Sub", [x, whole])])]);
    }

    /// <summary>What the layer remembers from run to run: zeros of [N, dims] at first, then what <see cref="Keep"/> gives it.</summary>
    public Value State(string name, params long[] dims) => Graph.AddInput($"{Name}/{name}", new TensorType(DType.Float32, new Shape([Input.Shape[0], .. dims])));

    public void Keep(Value state, Value next) => states.Add((state, next));
}
