using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>
/// Runs a graph node by node with the operators' reference loops: the oracle for passes, the constant folder's engine and the
/// source side of the proof.
/// </summary>
public sealed unsafe class GraphInterpreter(Graph graph)
{
    private readonly Dictionary<Value, Tensor> _tensors = [];

    /// <summary>Called after each node, whose outputs have their values (calibration, layer-by-layer comparison); they are freed when nothing reads them any more.</summary>
    public Action<Node>? AfterNode { get; set; }

    /// <summary>The tensor of a value: of an output of the last run, and meanwhile of what nodes still read.</summary>
    public Tensor this[Value value] => value.Constant ?? _tensors[value];

    public Tensor[] Run(params ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length != graph.Inputs.Count)
            throw new EdgeLiteException(Status.InvalidArgument, $"Graph '{graph.Name}' has {graph.Inputs.Count} inputs, got {inputs.Length}.");
        _tensors.Clear();
        for (int i = 0; i < inputs.Length; i++) _tensors[graph.Inputs[i]] = inputs[i];
        var infer = new InferContext();
        var lastReaders = new Dictionary<Value, Node>();
        foreach (Node node in graph.Nodes)
            foreach (Value? input in node.Inputs)
                if (input is { IsConstant: false }) lastReaders[input] = node;
        var kept = new HashSet<Value>(graph.Outputs);
        foreach (Node node in graph.Nodes)
        {
            Tensor?[] outputs = Execute(node, [.. node.Inputs.Select(i => i == null ? null : this[i])], infer);
            for (int i = 0; i < outputs.Length; i++)
                if (node.Outputs[i] is { } value) _tensors[value] = outputs[i]!;
            AfterNode?.Invoke(node);
            // Of a large model all values together would fill the memory. What a node computes is its own, never what it read; inputs are the caller's.
            foreach (Value? value in node.Inputs.Concat(node.Outputs))
            {
                if (value == null || kept.Contains(value) || lastReaders.TryGetValue(value, out Node? last) && last != node || !_tensors.Remove(value, out Tensor? tensor)) continue;
                if (value.Producer != null) tensor.Dispose();
            }
        }
        return [.. graph.Outputs.Select(o => this[o])];
    }

    /// <summary>Runs one node on given inputs. Every input counts as known to the shape rule.</summary>
    public static Tensor?[] Execute(Node node, Tensor?[] inputs, InferContext? infer = null)
    {
        infer ??= new InferContext();
        Operator op = node.CreateOperator()
            ?? throw new EdgeLiteException(Status.UnknownOperator, $"{node}: this operator is not known.");
        int count = node.Outputs.Count;
        infer.Reset(node, inputs.Length, count);
        for (int i = 0; i < inputs.Length; i++)
            if (inputs[i] is { } t) infer.SetInput(i, t.Type, t);
        for (int i = 0; i < op.Definition.MinInputs; i++)
            if (!op.Definition.Inputs[i].IsOptional && !infer.HasInput(i)) throw infer.Error($"required input {i} ({op.Definition.InputName(i)}) is missing");
        op.InferTypes(infer);
        var outputs = new Tensor?[count];
        for (int i = 0; i < count; i++)
        {
            if (node.Outputs[i] == null) continue;
            outputs[i] = Tensor.OfType(infer.Output(i));
        }
        op.Compute(new ComputeContext(node.ToString(), inputs, outputs, (i, dtype, shape) => Allocate(outputs, i, dtype, shape)));
        return outputs;
    }

    private static Tensor Allocate(Tensor?[] outputs, int i, DType dtype, Shape shape)
    {
        var tensor = new Tensor(dtype, shape);
        if (i < outputs.Length && outputs[i] != null) outputs[i] = tensor;
        return tensor;
    }
}
