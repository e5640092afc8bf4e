using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>
/// Runs a graph some of whose shapes depend on values: each node is typed when its inputs are there, its outputs are given memory
/// (kept and reused between runs), and it is bound and run at once. Slower than a static plan, and it allocates.
/// </summary>
internal sealed unsafe class DynamicPlan : IDisposable
{
    private readonly TypedGraph _graph;
    private readonly IDevice _device;
    private readonly int _threads;
    private readonly Tensor?[] _tensors;
    private readonly TensorType[] _types;
    private readonly InferContext _infer = new();
    private readonly IStaticPlan? _front;
    private Tensor? _scratch;

    /// <param name="graph">the graph, typed for inputs that may be open</param>
    /// <param name="inputs">types of the inputs at first</param>
    /// <param name="device">binds the operators</param>
    /// <param name="threads">threads of a run</param>
    /// <param name="front">runs the nodes that need not wait for values (<see cref="TypedGraph.Front"/>), or null; belongs to this plan then</param>
    public DynamicPlan(TypedGraph graph, ReadOnlySpan<TensorType> inputs, IDevice device, int threads, IStaticPlan? front = null)
    {
        _front = front;
        _graph = graph;
        _device = device;
        _threads = threads;
        _tensors = (Tensor?[])graph.Constants.Clone();
        _types = new TensorType[_tensors.Length];
        GraphDefinition definition = graph.Definition;
        for (int i = 0; i < inputs.Length; i++) _tensors[definition.Inputs[i]] = front?.Inputs[i] ?? Place(inputs[i]);
        if (front != null)
            foreach (int v in front.Graph.Definition.Outputs) _tensors[v] = front.Tensors[v];
        Inputs = Array.ConvertAll(definition.Inputs, v => _tensors[v]!);
        Outputs = new Tensor[definition.Outputs.Length];
    }

    public Tensor[] Inputs { get; }

    /// <summary>Set by <see cref="Run"/>.</summary>
    public Tensor[] Outputs { get; }

    /// <param name="pool">of threads</param>
    /// <param name="onValue">shown what each node computed, but for those that a GPU runs; or null</param>
    public void Run(nint pool, Action<int, Tensor>? onValue)
    {
        _front?.Run(pool);
        for (int n = 0; n < _graph.Operators.Length; n++)
        {
            if (_front != null && !_front.Graph.IsFolded[n]) continue;
            if (!_graph.IsFolded[n]) RunNode(n, pool);
            if (onValue == null) continue;
            foreach (int v in _graph.Definition.Nodes[n].Outputs)
                if (v >= 0 && _tensors[v] is { } tensor) onValue(v, tensor);
        }
        for (int i = 0; i < Outputs.Length; i++) Outputs[i] = _tensors[_graph.Definition.Outputs[i]]!;
    }

    /// <summary>Hands the state outputs of the last run to the state inputs of the next: the memory itself where a state has grown and nothing
    /// else lies in it, else its content.</summary>
    public void AdvanceStates()
    {
        foreach (StateBinding state in _graph.Definition.States)
        {
            Tensor input = Inputs[state.Input], output = Outputs[state.Output];
            if (input.Type != output.Type)
            {
                TensorType planned = _graph.Types[_graph.Definition.Inputs[state.Input]];
                if (planned.DType != output.DType || !planned.Shape.Admits(output.Shape))
                    throw new EdgeLiteException(Status.InvalidShape, $"A state must keep its type but for free dimensions: the input is {planned}, the output that it takes over {output.Type}.");
                if (IsAlone(state.Output))
                {
                    Inputs[state.Input].Dispose();
                    Inputs[state.Input] = _tensors[_graph.Definition.Inputs[state.Input]] = output;
                    _tensors[_graph.Definition.Outputs[state.Output]] = null;
                    continue;
                }
                input = Replace(state.Input, output.Type);
            }
            output.CopyTo(input);
        }
    }

    /// <summary>Whether the memory of an output was made by a node of this plan and is no other result.</summary>
    private bool IsAlone(int output)
    {
        int[] outputs = _graph.Definition.Outputs;
        int v = outputs[output];
        return _front == null && _graph.Constants[v] == null && !Array.Exists(_graph.Definition.Inputs, i => i == v) && Array.FindAll(outputs, o => o == v).Length == 1;
    }

    /// <summary>Gives inputs of open size other sizes; an input that changes is 0.</summary>
    public void SetInputTypes(ReadOnlySpan<TensorType> types)
    {
        for (int i = 0; i < types.Length; i++)
            if (Inputs[i].Type != types[i]) Replace(i, types[i]);
    }

    private Tensor Replace(int input, TensorType type)
    {
        Inputs[input].Dispose();
        return Inputs[input] = _tensors[_graph.Definition.Inputs[input]] = Place(type);
    }

    public void Dispose()
    {
        for (int v = 0; v < _tensors.Length; v++)
            if (!ReferenceEquals(_tensors[v], _graph.Constants[v]) && !ReferenceEquals(_tensors[v], _front?.Tensors[v])) _tensors[v]?.Dispose();
        _scratch?.Dispose();
        _front?.Dispose();
    }

    private void RunNode(int n, nint pool)
    {
        NodeDefinition node = _graph.Definition.Nodes[n];
        Operator op = _graph.Operators[n];
        Tensor?[] inputs = Array.ConvertAll(node.Inputs, v => v < 0 ? null : _tensors[v]);
        _infer.Reset(node, inputs.Length, node.Outputs.Length);
        for (int i = 0; i < inputs.Length; i++)
        {
            if (inputs[i] is not { } t) continue;
            _types[node.Inputs[i]] = t.Type;
            _infer.SetInput(i, t.Type, t);
        }
        op.InferTypes(_infer);
        var outputs = new Tensor?[node.Outputs.Length];
        bool known = true;
        for (int i = 0; i < outputs.Length; i++)
        {
            int v = node.Outputs[i];
            if (v < 0) continue;
            TensorType type = _types[v] = _infer.Output(i);
            known &= type.IsKnown;
            outputs[i] = type.IsKnown ? Provide(v, type) : Tensor.OfType(type);
        }
        if (!known || !RunNative(node, op, inputs, outputs, pool))
            op.Compute(new ComputeContext(node.ToString(), inputs, outputs, (i, dtype, shape) =>
            {
                if (i >= outputs.Length || outputs[i] == null) return new Tensor(dtype, shape);
                return outputs[i] = Provide(node.Outputs[i], new TensorType(dtype, shape));
            }));
        for (int i = 0; i < outputs.Length; i++)
            if (node.Outputs[i] >= 0) _tensors[node.Outputs[i]] = outputs[i];
    }

    private Tensor Provide(int value, TensorType type)
    {
        if (_tensors[value] is { } existing && existing.DType == type.DType && existing.Shape == type.Shape) return existing;
        _tensors[value]?.Dispose();
        return _tensors[value] = Place(type);
    }

    private static Tensor Place(TensorType type) => type.IsKnown ? Tensor.InNativeMemory(type.DType, type.Shape) : Tensor.OfType(type);

    private bool RunNative(NodeDefinition node, Operator op, Tensor?[] inputs, Tensor?[] outputs, nint pool)
    {
        var bind = new BindContext(_threads);
        bind.Reset(node.Inputs, node.Outputs, _types, _tensors);
        try
        {
            if (!bind.TryBind(_device, op)) return false;
            foreach (NativeCall call in bind.TakeCalls()) Call(call, inputs, outputs, pool);
            return true;
        }
        finally
        {
            foreach (nint memory in bind.Memory) System.Runtime.InteropServices.NativeMemory.AlignedFree((void*)memory);
        }
    }

    private void Call(NativeCall call, Tensor?[] inputs, Tensor?[] outputs, nint pool)
    {
        if (_scratch == null || _scratch.ByteLength < call.ScratchBytes)
        {
            _scratch?.Dispose();
            _scratch = Tensor.InNativeMemory(DType.UInt8, new Shape(Math.Max(1, call.ScratchBytes)));
        }
        void** buffers = stackalloc void*[call.Operands.Length];
        for (int i = 0; i < call.Operands.Length; i++)
        {
            Operand operand = call.Operands[i];
            buffers[i] = operand.Kind switch
            {
                Operand.OperandKind.Input => inputs[operand.Index]!.Data + operand.Pointer,
                Operand.OperandKind.Output => outputs[operand.Index]!.Data + operand.Pointer,
                Operand.OperandKind.Table => (void*)operand.Pointer,
                _ => null,
            };
        }
        var context = new CpuKernels.Context { Pool = call.IsAlone ? 0 : pool, Scratch = _scratch.Data, ScratchBytes = (nuint)_scratch.ByteLength };
        call.Kernel.Run(&context, (void*)call.Parameters, buffers);
    }
}
