using System.Reflection;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>Names the operators of ai.onnx (or <see cref="Domain"/>) that a class rewrites to the newest semantics.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class UpgradesAttribute(params string[] operators) : Attribute
{
    public string[] Operators { get; } = operators;
    public string Domain { get; init; } = "";
}

/// <summary>
/// Rewrites a node from the operator set it was written for to the newest one, by the change log of the ONNX operators
/// (https://onnx.ai/onnx/operators/, "Versions of this operator"). One class, one file, one operator or family.
/// </summary>
internal abstract class OperatorUpgrade
{
    public abstract void Apply(NodeDraft node);
}

/// <summary>The upgrades, found by their attribute.</summary>
internal static class OpsetUpgrades
{
    private static readonly Dictionary<(string Domain, string Name), OperatorUpgrade> s_all = Collect();

    /// <summary>Domain and name of every operator that some class rewrites.</summary>
    public static IEnumerable<(string Domain, string Name)> All => s_all.Keys;

    public static OperatorUpgrade? Find(string domain, string opType) => s_all.GetValueOrDefault((domain, opType));

    private static Dictionary<(string, string), OperatorUpgrade> Collect()
    {
        var all = new Dictionary<(string, string), OperatorUpgrade>();
        foreach (Type type in typeof(OpsetUpgrades).Assembly.GetTypes())
        {
            if (type.GetCustomAttribute<UpgradesAttribute>() is not { } attribute) continue;
            var upgrade = (OperatorUpgrade)Activator.CreateInstance(type)!;
            foreach (string name in attribute.Operators) all.Add((attribute.Domain, name), upgrade);
        }
        return all;
    }
}

/// <summary>A node about to be added to the graph. An upgrade changes it in place, adds nodes before it with <see cref="Emit"/>,
/// or puts values in its place with <see cref="Results"/>.</summary>
internal sealed class NodeDraft(OnnxScope scope, string domain, string opType, string name, long opset, List<Value?> inputs, bool[] hasOutput)
{
    public string Domain { get; private set; } = domain;
    public string OpType { get; private set; } = opType;
    public string Name { get; } = name;

    /// <summary>The graph that the node goes into.</summary>
    public Graph Graph => scope.Graph;

    /// <summary>The operator set of the node's domain that it was written for.</summary>
    public long Opset { get; } = opset;

    public List<Value?> Inputs { get; } = inputs;

    /// <summary>For each output whether it is wanted.</summary>
    public bool[] HasOutput { get; } = hasOutput;

    public AttributeSet Attributes { get; private set; } = new();

    /// <summary>How many of the last inputs are values that subgraphs take from here.</summary>
    public int Captures { get; set; }

    /// <summary>Set when other values take the place of the node's outputs; the node is then not added.</summary>
    public Value?[]? Results { get; set; }

    public Value? Input(int i) => i < Inputs.Count ? Inputs[i] : null;

    public Value Required(int i) => Input(i) ?? throw Error($"required input {i} is missing");

    public DType DType(int i) => Input(i)?.DType ?? Core.DType.Undefined;

    /// <summary>The rank of input <paramref name="i"/> when it is known, otherwise -1.</summary>
    public int Rank(int i) => Input(i) is { } value && value.Shape.IsRanked ? value.Shape.Rank : -1;

    public int RequiredRank(int i) => Rank(i) is >= 0 and int rank ? rank
        : throw Error($"operator set {Opset} needs the rank of input {i}, which is not known");

    public bool IsWanted(int output) => output < HasOutput.Length && HasOutput[output];

    public void SetInput(int i, Value? value)
    {
        while (Inputs.Count <= i) Inputs.Add(null);
        Inputs[i] = value;
    }

    /// <summary>Turns the node into another one.</summary>
    public void Become(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        OpType = opType;
        Inputs.Clear();
        Inputs.AddRange(inputs);
        Attributes = AttributeSet.Of(attributes);
    }

    /// <summary>Another domain, everything else unchanged.</summary>
    public void MoveTo(string domain) => Domain = domain;

    /// <summary>Another name, everything else unchanged.</summary>
    public void Rename(string opType) => OpType = opType;

    /// <summary>Adds a node with one output before this one.</summary>
    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        scope.Emit("", opType, Name, inputs, [true], AttributeSet.Of(attributes))[0]!;

    /// <summary>As <see cref="Emit"/>, with attributes that are there already.</summary>
    public Value EmitWith(string opType, ReadOnlySpan<Value?> inputs, AttributeSet attributes) =>
        scope.Emit("", opType, Name, inputs, [true], attributes)[0]!;

    /// <summary>As <see cref="Emit"/>, with several outputs.</summary>
    public Value?[] EmitAll(string opType, ReadOnlySpan<Value?> inputs, int outputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var wanted = new bool[outputs];
        Array.Fill(wanted, true);
        return scope.Emit("", opType, Name, inputs, wanted, AttributeSet.Of(attributes));
    }

    /// <summary>As <see cref="EmitAll"/>, with attributes that are there already and only the outputs that are wanted.</summary>
    public Value?[] EmitAllWith(string opType, ReadOnlySpan<Value?> inputs, ReadOnlySpan<bool> wanted, AttributeSet attributes) =>
        scope.Emit("", opType, Name, inputs, wanted, attributes);

    /// <summary>Adds a copy of a node of the graph on other inputs before this one.</summary>
    public Value EmitCopy(Node node, ReadOnlySpan<Value?> inputs) => scope.Emit(node.Domain, node.OpType, Name, inputs, [true], node.Attributes.Clone())[0]!;

    /// <summary>Puts what a subgraph computes from <paramref name="inputs"/> before this node.</summary>
    public Value[] Inline(Graph body, IReadOnlyList<Value> inputs) => scope.Inline(body, inputs, Name);

    /// <summary>The value that the file knows under a name.</summary>
    public Value Lookup(string name) => scope.Find(name) ?? throw Error($"there is no value '{OnnxTensor.Clean(name)}'");

    /// <summary>Adds this node, as it is now, with new outputs, so that nodes can follow it.</summary>
    public Value?[] EmitSelf() => scope.Emit(Domain, OpType, Name, Inputs.ToArray(), HasOutput, Attributes);

    public Value Constant(string what, Tensor tensor) => scope.EmitConstant($"{Name}/{what}", tensor);

    public Value Ints(string what, params long[] values) => Constant(what, Tensor.FromArray<long>(values, new Shape(values.Length)));

    public Value Int(string what, long value) => Constant(what, Tensor.FromScalar(value));

    /// <summary>A scalar of the element type of input <paramref name="like"/> (float32 when that is not known).</summary>
    public Value Number(string what, double value, int like = 0)
    {
        DType type = DType(like);
        var tensor = new Tensor(type == Core.DType.Undefined ? Core.DType.Float32 : type, Shape.Scalar);
        tensor.SetDouble(0, value);
        return Constant(what, tensor);
    }

    /// <summary>Moves an attribute with integers to an input, if it is there.</summary>
    public bool IntsToInput(string attribute, int input)
    {
        if (Attributes.Ints(attribute) is not { } values) return false;
        Attributes.Remove(attribute);
        SetInput(input, Ints(attribute, values));
        return true;
    }

    public EdgeLiteException Error(string message) => new(Status.InvalidGraph, $"{OnnxTensor.Clean(OpType)} '{OnnxTensor.Clean(Name)}': {message}.");

    public EdgeLiteException Unsupported(string message) => new(Status.Unsupported, $"{OnnxTensor.Clean(OpType)} '{OnnxTensor.Clean(Name)}': {message}.");
}
