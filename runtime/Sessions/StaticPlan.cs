using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>One step of a plan: a native function with its addresses, or an operator's reference loop.</summary>
internal unsafe struct Step
{
    public delegate* unmanaged<CpuKernels.Context*, void*, void**, void> Function;
    public void* Parameters;
    public void** Buffers;
    public Operator? Operator;
    public ComputeContext? Context;
    public int Node;
    public NativeKernel Native;

    /// <summary>Name and instruction set of the kernel, for profiles.</summary>
    public readonly string Kernel => Function == null ? "reference" : $"{Native.Name}/{CpuKernels.IsaName(Native.Isa)}";
}

/// <summary>
/// A graph bound for fixed input shapes: one block of memory with every tensor placed, and a flat array of steps. Building
/// it checks everything; <see cref="Run"/> is blind and allocates nothing.
/// </summary>
internal sealed unsafe class StaticPlan : IDisposable
{
    private readonly List<nint> _memory = [];
    private readonly Step[] _steps;
    private byte* _block;
    private readonly long _scratchBytes;
    private readonly long _scratchOffset;

    /// <summary>Entries of the steps' address lists.</summary>
    private readonly List<nint> _slots = [];
    private readonly StateSwap[] _swaps;

    public StaticPlan(TypedGraph graph, IDevice device, int threads, bool keepAll)
    {
        GraphDefinition definition = graph.Definition;
        Graph = graph;
        (long[] offsets, ArenaBytes) = (keepAll ? null : StoredPlan(graph)) ?? ArenaPlanner.Plan(graph, keepAll);
        var calls = new (NativeCall[]? Calls, int Node)[definition.Nodes.Length];
        var bind = new BindContext(threads);
        for (int n = 0; n < calls.Length; n++)
        {
            if (graph.IsFolded[n] || IsFreeView(graph, n, offsets)) continue;
            NativeCall[]? bound = Bind(graph, n, device, bind);
            calls[n] = (bound ?? [], n);
            foreach (NativeCall call in calls[n].Calls!) _scratchBytes = Math.Max(_scratchBytes, call.ScratchBytes);
        }
        _memory.AddRange(bind.Memory);

        _scratchOffset = (ArenaBytes + ArenaPlanner.Alignment - 1) / ArenaPlanner.Alignment * ArenaPlanner.Alignment;
        _block = CpuKernels.Allocate(_scratchOffset + _scratchBytes);
        Tensors = PlaceTensors(graph, offsets);
        var steps = new List<Step>(calls.Length);
        foreach ((NativeCall[]? nodeCalls, int n) in calls)
        {
            if (nodeCalls == null) continue;
            foreach (NativeCall call in nodeCalls) steps.Add(NativeStep(definition.Nodes[n], n, call));
            if (nodeCalls.Length == 0) steps.Add(ReferenceStep(graph, n));
        }
        _steps = [.. steps];
        _swaps = FindSwaps(offsets);
        Inputs = Array.ConvertAll(definition.Inputs, v => Tensors[v]!);
        Outputs = Array.ConvertAll(definition.Outputs, v => Tensors[v]!);
    }

    public TypedGraph Graph { get; }

    /// <summary>One per value; null for values that folding made unused.</summary>
    public Tensor?[] Tensors { get; }

    public Tensor[] Inputs { get; }
    public Tensor[] Outputs { get; }

    /// <summary>Bytes of all activations, as planned.</summary>
    public long ArenaBytes { get; }

    /// <summary>Bytes that kernels need beside the arena while they run, on this number of threads.</summary>
    public long ScratchBytes => _scratchBytes;

    public ReadOnlySpan<Step> Steps => _steps;

    public void Run(nint pool)
    {
        var context = new CpuKernels.Context { Pool = pool, Scratch = _block + _scratchOffset, ScratchBytes = (nuint)_scratchBytes };
        foreach (ref readonly Step step in _steps.AsSpan())
        {
            if (step.Function != null) step.Function(&context, step.Parameters, step.Buffers);
            else step.Operator!.Compute(step.Context!);
        }
    }

    /// <summary>Makes the state outputs of the last run the state inputs of the next: where both have memory of their own they change
    /// places, otherwise the value is copied.</summary>
    public void AdvanceStates()
    {
        foreach (StateSwap swap in _swaps) swap.Advance();
    }

    /// <summary>As <see cref="Run"/>; <paramref name="ticks"/> (one entry a step) keeps the shortest time of each.</summary>
    public void RunProfiled(nint pool, Span<long> ticks)
    {
        var context = new CpuKernels.Context { Pool = pool, Scratch = _block + _scratchOffset, ScratchBytes = (nuint)_scratchBytes };
        for (int i = 0; i < _steps.Length; i++)
        {
            ref readonly Step step = ref _steps[i];
            long start = Stopwatch.GetTimestamp();
            if (step.Function != null) step.Function(&context, step.Parameters, step.Buffers);
            else step.Operator!.Compute(step.Context!);
            ticks[i] = Math.Min(ticks[i], Stopwatch.GetTimestamp() - start);
        }
    }

    public void Dispose()
    {
        foreach (nint memory in _memory) NativeMemory.AlignedFree((void*)memory);
        _memory.Clear();
        CpuKernels.el_memory_free(_block, (nuint)(_scratchOffset + _scratchBytes));
        _block = null;
    }

    private StateSwap[] FindSwaps(long[] offsets)
    {
        GraphDefinition definition = Graph.Definition;
        return Array.ConvertAll(definition.States, state =>
        {
            int input = definition.Inputs[state.Input], output = definition.Outputs[state.Output];
            long bytes = Graph.Types[input].ByteLength;
            bool isOwn = offsets[output] >= 0 && offsets[output] != offsets[input];
            // Another result in the same memory would be carried off.
            for (int i = 0; i < definition.Outputs.Length; i++)
                isOwn &= i == state.Output || offsets[definition.Outputs[i]] < 0 || offsets[definition.Outputs[i]] + Graph.Types[definition.Outputs[i]].ByteLength <= offsets[output]
                    || offsets[definition.Outputs[i]] >= offsets[output] + bytes;
            return new StateSwap(Tensors[input]!, Tensors[output]!, isOwn, _slots, Tensors);
        });
    }

    /// <summary>The plan of the file, when it was made for exactly these shapes.</summary>
    private static (long[], long)? StoredPlan(TypedGraph graph)
    {
        GraphDefinition definition = graph.Definition;
        if (definition.ArenaBytes < 0) return null;
        foreach (int v in definition.Inputs)
            if (definition.Values[v].DefaultType != graph.Types[v]) return null;
        var offsets = new long[definition.Values.Length];
        for (int v = 0; v < offsets.Length; v++)
        {
            offsets[v] = definition.Values[v].ArenaOffset;
            if (offsets[v] >= 0 && offsets[v] + graph.Types[v].ByteLength > definition.ArenaBytes) return null;
        }
        for (int n = 0; n < definition.Nodes.Length; n++)
        {
            if (graph.IsFolded[n]) continue;
            foreach (int v in definition.Nodes[n].Outputs)
                if (v >= 0 && offsets[v] < 0) return null;
        }
        foreach (int v in definition.Inputs)
            if (offsets[v] < 0) return null;
        return (offsets, definition.ArenaBytes);
    }

    /// <summary>A view whose input lies where its output lies: nothing to do.</summary>
    private static bool IsFreeView(TypedGraph graph, int n, long[] offsets)
    {
        NodeDefinition node = graph.Definition.Nodes[n];
        if (!graph.Operators[n].IsView) return false;
        int input = node.Inputs[0], output = node.Outputs[0];
        return graph.Constants[input] == null && offsets[input] >= 0 && offsets[input] == offsets[output];
    }

    private static NativeCall[]? Bind(TypedGraph graph, int n, IDevice device, BindContext bind)
    {
        NodeDefinition node = graph.Definition.Nodes[n];
        bind.Reset(node.Inputs, node.Outputs, graph.Types, graph.Constants);
        Operator op = graph.Operators[n];
        return device.Nn.TryBind(op, bind) || device.Tensor.TryBind(op, bind) ? bind.TakeCalls() : null;
    }

    private Tensor?[] PlaceTensors(TypedGraph graph, long[] offsets)
    {
        var tensors = new Tensor?[offsets.Length];
        for (int v = 0; v < offsets.Length; v++)
        {
            TensorType type = graph.Types[v];
            if (graph.Constants[v] is { } constant) tensors[v] = constant;
            else if (offsets[v] < 0) continue;
            else if (type.DType == DType.String) tensors[v] = new Tensor(DType.String, type.Shape);
            else tensors[v] = new Tensor(type.DType, type.Shape, _block + offsets[v]);
        }
        return tensors;
    }

    private Step NativeStep(NodeDefinition node, int n, NativeCall call)
    {
        void** buffers = (void**)NativeMemory.AlignedAlloc((nuint)(Math.Max(1, call.Operands.Length) * sizeof(void*)), 64);
        _memory.Add((nint)buffers);
        for (int i = 0; Graph.Definition.States.Length > 0 && i < call.Operands.Length; i++) _slots.Add((nint)(buffers + i));
        for (int i = 0; i < call.Operands.Length; i++)
        {
            Operand operand = call.Operands[i];
            buffers[i] = operand.Kind switch
            {
                Operand.OperandKind.Input => Tensors[node.Inputs[operand.Index]]!.Data + operand.Pointer,
                Operand.OperandKind.Output => Tensors[node.Outputs[operand.Index]]!.Data + operand.Pointer,
                Operand.OperandKind.Table => (void*)operand.Pointer,
                _ => null,
            };
        }
        return new Step
        {
            Function = call.Kernel.Run,
            Parameters = (void*)call.Parameters,
            Buffers = buffers,
            Node = n,
            Native = call.Kernel,
        };
    }

    private Step ReferenceStep(TypedGraph graph, int n)
    {
        NodeDefinition node = graph.Definition.Nodes[n];
        Tensor?[] inputs = Array.ConvertAll(node.Inputs, v => v < 0 ? null : Tensors[v]);
        Tensor?[] outputs = Array.ConvertAll(node.Outputs, v => v < 0 ? null : Tensors[v]);
        var context = new ComputeContext(node.ToString(), inputs, outputs, (i, dtype, shape) =>
            i < outputs.Length && outputs[i] is { } placed && placed.DType == dtype && placed.Shape == shape
                ? placed
                : throw new EdgeLiteException(Status.Internal, $"{node} changed the planned type of output {i} to {dtype.Name()}{shape}."));
        return new Step { Operator = graph.Operators[n], Context = context, Node = n };
    }
}
