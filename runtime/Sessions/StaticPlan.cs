using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;

namespace EdgeLite.Sessions;

/// <summary>
/// A graph bound for fixed input shapes: one block of memory with every tensor placed, and a flat array of steps. Building
/// it checks everything; <see cref="Run"/> is blind and allocates nothing.
/// </summary>
internal sealed unsafe class StaticPlan : IStaticPlan
{
    private readonly List<nint> _memory;
    private readonly Step[] _steps;
    private byte* _block;
    private readonly long _scratchBytes;
    private readonly long _scratchOffset;
    private readonly long _blockBytes;

    /// <summary>Entries of the steps' address lists.</summary>
    private readonly List<nint> _slots;
    private readonly StateSwap[] _swaps;

    public StaticPlan(TypedGraph graph, IDevice device, int threads, bool keepAll)
    {
        GraphDefinition definition = graph.Definition;
        Graph = graph;
        (long[] offsets, ArenaBytes) = (keepAll ? null : StoredPlan(graph)) ?? ArenaPlanner.Plan(graph, keepAll);
        var builder = new StepBuilder(graph, device, threads);
        var calls = new NativeCall[]?[definition.Nodes.Length];
        long keptBytes = 0;
        for (int n = 0; n < calls.Length; n++)
        {
            if (graph.IsFolded[n] || IsFreeView(graph, n, offsets)) continue;
            calls[n] = builder.Bind(n);
            foreach (NativeCall call in calls[n]!)
            {
                _scratchBytes = Math.Max(_scratchBytes, call.ScratchBytes);
                keptBytes += call.KeptBytes;
            }
        }

        _scratchOffset = ArenaPlanner.Aligned(ArenaBytes);
        long keptOffset = ArenaPlanner.Aligned(_scratchOffset + _scratchBytes);
        _blockBytes = keptOffset + keptBytes;
        _block = CpuKernels.Allocate(_blockBytes);
        builder.Kept = _block + keptOffset;
        Tensors = Place(graph, offsets, _block);
        var steps = new List<Step>(calls.Length);
        for (int n = 0; n < calls.Length; n++)
            if (calls[n] is { } nodeCalls) builder.AddSteps(steps, n, nodeCalls, Tensors);
        _memory = builder.Memory;
        _slots = builder.Slots;
        _steps = [.. steps];
        _swaps = FindSwaps(offsets);
        Inputs = Array.ConvertAll(definition.Inputs, v => Tensors[v]!);
        Outputs = Array.ConvertAll(definition.Outputs, v => Tensors[v]!);
    }

    public TypedGraph Graph { get; }

    public Tensor?[] Tensors { get; }

    public Tensor[] Inputs { get; }
    public Tensor[] Outputs { get; }

    public long ArenaBytes { get; }

    public long ScratchBytes => _blockBytes - _scratchOffset;

    public int StepCount => _steps.Length;

    public ReadOnlySpan<Step> Steps => _steps;

    public int NodeOf(int step) => _steps[step].Node;

    public string KernelOf(int step) => _steps[step].Kernel;

    public void Run(nint pool)
    {
        CpuKernels.Context* contexts = stackalloc CpuKernels.Context[2];
        CpuKernels.Context.Fill(contexts, pool, _block + _scratchOffset, _scratchBytes);
        foreach (ref readonly Step step in _steps.AsSpan())
            step.Run(contexts);
    }

    /// <summary>As <see cref="Run"/>; shows what each node computed, constants of the plan included, before its memory is another's.</summary>
    public void RunShowing(nint pool, Action<int, Tensor> onValue)
    {
        CpuKernels.Context* contexts = stackalloc CpuKernels.Context[2];
        CpuKernels.Context.Fill(contexts, pool, _block + _scratchOffset, _scratchBytes);
        int next = 0;
        for (int n = 0; n < Graph.Definition.Nodes.Length; n++)
        {
            for (; next < _steps.Length && _steps[next].Node == n; next++) _steps[next].Run(contexts);
            foreach (int v in Graph.Definition.Nodes[n].Outputs)
                if (v >= 0 && Tensors[v] is { } tensor) onValue(v, tensor);
        }
    }

    /// <inheritdoc/>
    /// <remarks>Where both have memory of their own they change places, otherwise the value is copied.</remarks>
    public void AdvanceStates()
    {
        foreach (StateSwap swap in _swaps) swap.Advance();
    }

    public void RunProfiled(nint pool, Span<long> ticks)
    {
        CpuKernels.Context* contexts = stackalloc CpuKernels.Context[2];
        CpuKernels.Context.Fill(contexts, pool, _block + _scratchOffset, _scratchBytes);
        for (int i = 0; i < _steps.Length; i++)
        {
            ref readonly Step step = ref _steps[i];
            long start = Stopwatch.GetTimestamp();
            step.Run(contexts);
            ticks[i] = Math.Min(ticks[i], Stopwatch.GetTimestamp() - start);
        }
    }

    public void Dispose()
    {
        foreach (nint memory in _memory) NativeMemory.AlignedFree((void*)memory);
        _memory.Clear();
        // Who still holds one is told so, instead of reading what lies there next.
        for (int v = 0; v < Tensors.Length; v++)
            if (Tensors[v] is { } tensor && !ReferenceEquals(tensor, Graph.Constants[v])) tensor.Reset(tensor.DType, tensor.Shape, null);
        CpuKernels.el_memory_free(_block, (nuint)_blockBytes);
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

    /// <summary>The plan of the file, when it was made for exactly these shapes. One that asks for more memory than all values take together is
    /// none: a file of few bytes could take that of the host.</summary>
    private static (long[], long)? StoredPlan(TypedGraph graph)
    {
        GraphDefinition definition = graph.Definition;
        if (definition.ArenaBytes < 0) return null;
        foreach (int v in definition.Inputs)
            if (definition.Values[v].DefaultType != graph.Types[v]) return null;
        var offsets = new long[definition.Values.Length];
        long most = 0;
        for (int v = 0; v < offsets.Length; v++)
        {
            offsets[v] = definition.Values[v].ArenaOffset;
            if (offsets[v] < 0) continue;
            long bytes = graph.Types[v].ByteLength;
            if (offsets[v] + bytes > definition.ArenaBytes) return null;
            most += ArenaPlanner.Aligned(Math.Max(bytes, 1));
        }
        if (definition.ArenaBytes > most) return null;
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
    internal static bool IsFreeView(TypedGraph graph, int n, long[] offsets)
    {
        NodeDefinition node = graph.Definition.Nodes[n];
        if (!graph.Operators[n].IsView) return false;
        int input = node.Inputs[0], output = node.Outputs[0];
        return graph.Constants[input] == null && offsets[input] >= 0 && offsets[input] == offsets[output];
    }

    /// <summary>Every value at its offset in <paramref name="block"/>; constants where they are, null without a place.</summary>
    internal static Tensor?[] Place(TypedGraph graph, long[] offsets, byte* block)
    {
        var tensors = new Tensor?[offsets.Length];
        for (int v = 0; v < offsets.Length; v++)
        {
            TensorType type = graph.Types[v];
            if (graph.Constants[v] is { } constant) tensors[v] = constant;
            else if (offsets[v] < 0) continue;
            else if (type.DType == DType.String) tensors[v] = new Tensor(DType.String, type.Shape);
            else tensors[v] = new Tensor(type.DType, type.Shape, block + offsets[v]);
        }
        return tensors;
    }
}
