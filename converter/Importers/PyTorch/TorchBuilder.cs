using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Adds nodes to one graph: that of the model, or that of a branch or loop body, which takes what it needs of the graphs
/// around it as captured inputs.</summary>
internal sealed class TorchBuilder(Graph graph, TorchBuilder? parent)
{
    private const long MaxFolded = 1 << 14;
    private readonly Dictionary<Value, Value> _local = [];

    public Graph Graph { get; } = graph;
    public TorchBuilder? Parent { get; } = parent;

    /// <summary>Outer values that are inputs here, in order; branches of one node share the list.</summary>
    public List<Value> Captures { get; init; } = [];

    /// <summary>The value as this graph sees it.</summary>
    public Value Local(Value value)
    {
        if (ReferenceEquals(Graph.Find(value.Name), value)) return value;
        if (_local.TryGetValue(value, out Value? known)) return known;
        if (value.Constant is { } constant) return _local[value] = Graph.AddConstant(value.Name, constant);
        Value outer = (Parent ?? throw new InvalidOperationException($"'{value.Name}' belongs to no graph around.")).Local(value);
        if (_local.TryGetValue(outer, out known)) return known;
        TakeAll(); // The inputs have the order of the list, to which another branch may have added.
        Captures.Add(outer);
        return _local[value] = _local[outer] = Graph.AddInput(Graph.FreshName(outer.Name), ShapeInference.WithoutSymbols(outer.Type));
    }

    /// <summary>Makes inputs of all captures that do not have one yet, so that the branches of a node have the same ones in the same order.</summary>
    public void TakeAll()
    {
        foreach (Value outer in Captures)
            if (!_local.ContainsKey(outer)) _local[outer] = Graph.AddInput(Graph.FreshName(outer.Name), ShapeInference.WithoutSymbols(outer.Type));
    }

    public Value Emit(string opType, string name, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes) =>
        EmitMany(opType, name, 1, inputs, attributes)[0];

    /// <summary>A node of several outputs; computed now when all its inputs are small constants.</summary>
    public Value[] EmitMany(string opType, string name, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string Name, AttributeValue Value)> attributes)
    {
        var local = new Value?[inputs.Length];
        for (int i = 0; i < local.Length; i++) local[i] = inputs[i] == null ? null : Local(inputs[i]!);
        var results = new Value[outputs];
        for (int i = 0; i < outputs; i++) results[i] = Graph.NewValue(Graph.FreshName(outputs == 1 ? name : $"{name}.{i}"), default);
        Node node = Graph.AddNode("", opType, results[0].Name, local, results, AttributeSet.Of(attributes));
        ShapeInference.Infer(node);
        if (outputs == 1 && IsFoldable(opType, local, results[0]))
        {
            Tensor folded = GraphInterpreter.Execute(node, [.. local.Select(v => v?.Constant)])[0]!;
            string fresh = results[0].Name;
            Graph.Remove(node);
            return [Graph.AddConstant(fresh, folded)];
        }
        return results;
    }

    public Value Constant(string name, Tensor tensor) => Graph.AddConstant(name, tensor);

    /// <summary>Makes a value an output of the graph; what is no node's own result goes through Identity.</summary>
    public void AddOutput(Value value, string name)
    {
        value = Local(value);
        if (value.IsConstant || Graph.Inputs.Contains(value) || Graph.Outputs.Contains(value))
            value = Graph.Add("Identity", name, [value], type: value.Type);
        else if (value.Name != name && Graph.Find(name) == null) Graph.Rename(value, name);
        Graph.AddOutput(value);
    }

    private static bool IsFoldable(string opType, Value?[] inputs, Value output)
    {
        if (opType.StartsWith("Random", StringComparison.Ordinal) || opType == "DequantizeLinear" || inputs.Length == 0 || !output.Type.IsKnown || output.Shape.Count > MaxFolded) return false;
        long elements = 0;
        foreach (Value? input in inputs)
        {
            if (input == null) continue;
            if (input.Constant is not { } constant || constant.IsList) return false;
            elements += constant.Count;
        }
        return elements <= MaxFolded;
    }
}
