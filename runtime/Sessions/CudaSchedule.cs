using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cuda;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>What a step of a plan with a GPU does: copy a value or change its form, launch a node's kernels, nothing, as the launch before does this node, too, or run
/// it on the processor.</summary>
internal enum CudaAction
{
    CopyToDevice, CopyToHost, ToHalf, FromHalf, Launch, Joined, Host,
}

internal readonly record struct CudaOperation(CudaAction Action, int Node, int Value = -1);

/// <summary>
/// Which nodes of a graph run on the GPU, what must be copied before each, and where every value lies: one arena for the GPU, one for the
/// processor, each planned for the values that are read or written there. Where both share memory there is one arena and no copy.
/// Where float16 is allowed, an arena more holds values of float32 in that form: between products, and between other nodes
/// that find their inputs so. A value that is needed in two forms is there in both.
/// </summary>
internal sealed class CudaSchedule
{
    private enum Form
    {
        Host, Device, Half,
    }

    private const int Forms = 3;

    private readonly TypedGraph _graph;
    private readonly CudaCapability _device;
    private readonly bool _isIntegrated;
    private readonly List<CudaOperation> _operations = [];

    /// <summary>Per value: the value whose memory it is a view of, else itself.</summary>
    private readonly int[] _source;

    /// <summary>Per form and value: whether its present content is there; that of a view is that of its source.</summary>
    private readonly bool[][] _isThere;

    /// <summary>Per form and value: whether it needs a place.</summary>
    private readonly bool[][] _isPlaced;

    /// <param name="graph">the graph with all shapes</param>
    /// <param name="device">what launch rules may know of the GPU</param>
    /// <param name="isIntegrated">whether it shares memory with the processor</param>
    /// <param name="builder">binds the nodes</param>
    /// <param name="keepAll">whether every value can be read on the processor after a run</param>
    public CudaSchedule(TypedGraph graph, CudaCapability device, bool isIntegrated, StepBuilder builder, bool keepAll)
    {
        _graph = graph;
        _device = device;
        _isIntegrated = isIntegrated;
        int nodes = graph.Definition.Nodes.Length, values = graph.Types.Length;
        (HostOffsets, HostBytes) = (DeviceOffsets, DeviceBytes) = ArenaPlanner.Plan(graph, keepAll);
        Calls = new NativeCall[]?[nodes];
        Launches = new CudaKernels.LaunchRow[][]?[nodes];
        Custom = new CudaStep?[nodes];
        Joined = new int[]?[nodes];
        _source = new int[values];
        for (int v = 0; v < values; v++) _source[v] = v;
        _isThere = new bool[Forms][];
        _isPlaced = new bool[Forms][];
        for (int form = 0; form < Forms; form++) (_isThere[form], _isPlaced[form]) = (new bool[values], new bool[values]);
        Array.Fill(_isThere[(int)Form.Host], true);
        Array.Fill(_isPlaced[(int)Form.Host], keepAll);
        for (int n = 0; n < nodes; n++)
        {
            if (graph.IsFolded[n]) continue;
            NodeDefinition node = graph.Definition.Nodes[n];
            if (StaticPlan.IsFreeView(graph, n, HostOffsets)) _source[node.Outputs[0]] = _source[node.Inputs[0]];
            else if (Launches[n] == null) Order(n, builder, keepAll);
        }
        foreach (int v in graph.Definition.Inputs) _isPlaced[(int)Form.Host][v] = true;
        foreach (int v in graph.Definition.Outputs) Need(v, Form.Host, Array.FindLastIndex(graph.Definition.Nodes, node => Array.IndexOf(node.Outputs, v) >= 0));
        if (!isIntegrated)
        {
            (HostOffsets, HostBytes) = ArenaPlanner.Plan(graph, keepAll, v => _isPlaced[(int)Form.Host][v]);
            (DeviceOffsets, DeviceBytes) = ArenaPlanner.Plan(graph, keepAll, v => _isPlaced[(int)Form.Device][v]);
        }
        (HalfOffsets, HalfBytes) = ArenaPlanner.Plan(graph, keepAll, v => _isPlaced[(int)Form.Half][v], part: 2);
        Operations = [.. _operations];
    }

    /// <summary>Per node: its native calls; empty where the reference loop serves, null where there is nothing to do.</summary>
    public NativeCall[]?[] Calls { get; }

    /// <summary>Per node: the launches of each of its calls; null where it runs on the processor.</summary>
    public CudaKernels.LaunchRow[][]?[] Launches { get; }

    /// <summary>Per node: the launch that an operator of the application brings along.</summary>
    public CudaStep?[] Custom { get; }

    /// <summary>Per node: this and those behind it that are one launch, dense layers of the same rows such as those that make queries, keys and values; null where it
    /// is alone.</summary>
    public int[]?[] Joined { get; }

    /// <summary>Per value, -1 where it has no place.</summary>
    public long[] HostOffsets { get; }

    public long[] DeviceOffsets { get; }
    public long[] HalfOffsets { get; }
    public long HostBytes { get; }
    public long DeviceBytes { get; }
    public long HalfBytes { get; }

    /// <summary>Everything to do in one run.</summary>
    public CudaOperation[] Operations { get; }

    /// <summary>What a step does, for profiles: a kernel with where it runs, or a copy.</summary>
    public string KernelOf(int step)
    {
        CudaOperation operation = Operations[step];
        switch (operation.Action)
        {
            case CudaAction.CopyToDevice: return "copy/to_gpu";
            case CudaAction.CopyToHost: return "copy/from_gpu";
            case CudaAction.ToHalf: return "copy/to_half";
            case CudaAction.FromHalf: return "copy/from_half";
            case CudaAction.Joined: return "joined/cuda";
            case CudaAction.Launch: return $"{Custom[operation.Node]?.Entry ?? Marshal.PtrToStringUTF8(Launches[operation.Node]![0][0].Entry)}/cuda";
            default: return Calls[operation.Node]! is [NativeCall first, ..] ? first.Kernel.Label : Step.Reference;
        }
    }

    /// <summary>Whether an operand of a launched call lies in float16.</summary>
    public static bool IsHalf(CudaKernels.LaunchRow[] launches, int operand) => (launches[0].Halves >> operand & 1) != 0;

    /// <summary>Decides where node <paramref name="n"/> runs, and brings there what it needs.</summary>
    private void Order(int n, StepBuilder builder, bool keepAll)
    {
        NodeDefinition node = _graph.Definition.Nodes[n];
        NativeCall[] calls = Calls[n] = builder.Bind(n);
        if (_device.AllowsHalf && IsWorthHalf(n, calls)) Launches[n] = FindLaunches(n, calls, true);
        Launches[n] ??= FindLaunches(n, calls, false);
        if (Launches[n] != null) Join(n, builder);
        if (calls.Length == 0 && _graph.Operators[n] is CustomOperator custom) Custom[n] = CustomStep(node, custom);
        bool launches = Launches[n] != null || Custom[n] != null;
        for (int i = 0; i < node.Inputs.Length; i++) Need(node.Inputs[i], launches ? FormOf(n, Operand.OperandKind.Input, i) : Form.Host, n);
        int[] together = Joined[n] ?? [n];
        foreach (int member in together)
        {
            _operations.Add(new CudaOperation(member != n ? CudaAction.Joined : launches ? CudaAction.Launch : CudaAction.Host, member));
            int[] outputs = _graph.Definition.Nodes[member].Outputs;
            for (int i = 0; i < outputs.Length; i++)
            {
                int v = outputs[i];
                if (v < 0) continue;
                Form form = launches ? FormOf(member, Operand.OperandKind.Output, i) : Form.Host;
                foreach (bool[] there in _isThere) there[v] = false;
                _isThere[(int)form][v] = true;
                _isPlaced[(int)form][v] = true;
            }
        }
        if (!keepAll) return;
        foreach (int member in together)
            foreach (int v in _graph.Definition.Nodes[member].Outputs) Need(v, Form.Host, member);
    }

    /// <summary>
    /// Makes one launch of the dense layer <paramref name="n"/> and of up to two behind it that differ from it in weights, bias and columns only. Between them
    /// are views only, so that nothing else lies where their results will.
    /// </summary>
    private unsafe void Join(int n, StepBuilder builder)
    {
        const int Most = 3, Panel = 16, Chunk = 8, ColumnsAt = sizeof(long); // of el_gemm_params: int64 m, int32 n
        if (!IsAlike(n, n)) return;
        var nodes = new List<int>(Most) { n };
        long columns = OutFeatures(n);
        Span<long> begin = stackalloc long[Most];
        for (int next = n + 1; next < _graph.Definition.Nodes.Length && nodes.Count < Most; next++)
        {
            if (_graph.IsFolded[next] || StaticPlan.IsFreeView(_graph, next, HostOffsets)) continue;
            if (!IsAlike(n, next) || columns % Panel != 0 || OutFeatures(next) % Chunk != 0 || columns + OutFeatures(next) >= 1 << 24) break;
            begin[nodes.Count] = columns;
            columns += OutFeatures(next);
            nodes.Add(next);
        }
        if (nodes.Count == 1 || OutFeatures(n) % Chunk != 0) return;
        NativeCall call = Calls[n]![0];
        byte* parameters = (byte*)NativeMemory.AlignedAlloc((nuint)call.Kernel.ParametersSize, 64);
        builder.Memory.Add((nint)parameters);
        Buffer.MemoryCopy((void*)call.Parameters, parameters, call.Kernel.ParametersSize, call.Kernel.ParametersSize);
        *(int*)(parameters + ColumnsAt) = (int)columns;
        NativeCall[] joined = [call with { Parameters = (nint)parameters }];
        bool isHalf = Launches[n]![0][0].Halves != 0;
        if (FindLaunches(n, joined, isHalf) is not { } launches) return;
        launches[0][0].Detail |= begin[1] << 16 | begin[2] << 40;
        (Calls[n], Launches[n], Joined[n]) = (joined, launches, [.. nodes]);
        for (int i = 1; i < nodes.Count; i++) (Calls[nodes[i]], Launches[nodes[i]]) = (joined, launches);
    }

    private long OutFeatures(int n) => ((Ops.EdgeLite.Gemm)_graph.Operators[n]).OutFeatures;

    /// <summary>Whether two dense layers multiply the same rows by constants in the same way, and add nothing but a constant bias, or nothing.</summary>
    private bool IsAlike(int n, int other)
    {
        const int Bias = 2, Residual = 3;
        if (_graph.Operators[n] is not Ops.EdgeLite.Gemm a || _graph.Operators[other] is not Ops.EdgeLite.Gemm b) return false;
        if (a.Activation != b.Activation || a.Alpha != b.Alpha || a.Beta != b.Beta) return false;
        int[] ours = _graph.Definition.Nodes[n].Inputs, theirs = _graph.Definition.Nodes[other].Inputs;
        if (ours[0] != theirs[0]) return false;
        for (int i = 1; i < Math.Max(ours.Length, theirs.Length); i++)
        {
            int x = i < ours.Length ? ours[i] : -1, y = i < theirs.Length ? theirs[i] : -1;
            if (x < 0 && y < 0) continue;
            if (i >= Residual || i == Bias && (x < 0 || y < 0) || _graph.Constants[x] == null || _graph.Constants[y] == null || _graph.Types[x].DType != _graph.Types[y].DType) return false;
        }
        return Calls[n] is [{ Kernel.Name: "gemm_f32" or "gemm_f16" }] && (Launches[n]![0][0].Halves != 0 || Calls[n]![0].Kernel.Name == "gemm_f16");
    }

    /// <summary>Products gain by float16; other nodes when their inputs are there in that form already, or when they do no more than move what
    /// products read next.</summary>
    private bool IsWorthHalf(int n, NativeCall[] calls)
    {
        if (IsProduct(n)) return true;
        NodeDefinition[] nodes = _graph.Definition.Nodes;
        foreach (int v in nodes[n].Inputs)
            if (v >= 0 && _graph.Constants[v] == null && _isThere[(int)Form.Half][_source[v]]) return true;
        if (!Array.TrueForAll(calls, call => MovesElements(call.Kernel.Name))) return false;
        int readers = 0;
        for (int next = n + 1; next < nodes.Length; next++)
        {
            if (!Array.Exists(nodes[n].Outputs, v => v >= 0 && Array.IndexOf(nodes[next].Inputs, v) >= 0)) continue;
            if (!IsProduct(next)) return false;
            readers++;
        }
        return readers > 0;
    }

    private bool IsProduct(int n) => StepWork.Of(_graph, n).Operations > 0 || _graph.Operators[n] is Gemm or Ops.EdgeLite.BlockGemm;

    /// <summary>Kernels that move elements of 1, 2, 4 or 8 bytes, whatever they are, end in _bN.</summary>
    private static bool MovesElements(string kernel) => kernel.Length > 3 && kernel.AsSpan(kernel.Length - 3, 2) is "_b";

    /// <summary>Null when one of the calls, or the node as a whole, has no kernel on the device, or none over float16.</summary>
    private CudaKernels.LaunchRow[][]? FindLaunches(int n, NativeCall[] calls, bool half)
    {
        if (calls.Length == 0) return null;
        Span<CudaKernels.LaunchRow> rows = stackalloc CudaKernels.LaunchRow[CudaKernels.MaxLaunches];
        var launches = new CudaKernels.LaunchRow[calls.Length][];
        for (int i = 0; i < calls.Length; i++)
        {
            NativeCall call = calls[i];
            if (call.Operands.Length > CudaKernels.MaxBuffers) return null;
            launches[i] = [.. CudaKernels.Launches(call.Kernel.Name, call.Parameters, call.Kernel.ParametersSize, _device.For(half), rows)];
            if (launches[i].Length == 0 || (half && (launches[i][0].Halves == 0 || !HalvesFloats(n, call, launches[i])))) return null;
        }
        return launches;
    }

    private CudaStep? CustomStep(NodeDefinition node, CustomOperator op)
    {
        TensorType[] Types(int[] values) => Array.ConvertAll(values, v => v < 0 ? default : _graph.Types[v]);
        var context = new CudaContext(_device.Architecture, _device.Multiprocessors, Types(node.Inputs), Types(node.Outputs));
        if (op.OnCuda(context) is not { } step) return null;
        if (node.Inputs.Length + node.Outputs.Length > CudaKernels.MaxBuffers)
            throw new EdgeLiteException(Status.Unsupported, $"{node}: a function of the GPU takes at most {CudaKernels.MaxBuffers} buffers, the node has {node.Inputs.Length} inputs and {node.Outputs.Length} outputs.");
        if (step.Threads is 0 or > 1024 || step.Grid.X == 0 || step.Grid.Y is 0 or > 65535 || step.Grid.Z is 0 or > 65535)
            throw new EdgeLiteException(Status.InvalidArgument, $"{node}: {step.Grid} blocks of {step.Threads} threads cannot be launched; a block has 1 to 1024 threads, the grid at least one block and at most 65535 in y and z.");
        return step;
    }

    /// <summary>False where a kernel that moves elements of any type would take its output for floats.</summary>
    private bool HalvesFloats(int n, NativeCall call, CudaKernels.LaunchRow[] launches)
    {
        for (int i = 0; i < call.Operands.Length; i++)
        {
            Operand operand = call.Operands[i];
            if (operand.Kind == Operand.OperandKind.Output && IsHalf(launches, i) && _graph.Types[_graph.Definition.Nodes[n].Outputs[operand.Index]].DType != DType.Float32) return false;
        }
        return true;
    }

    /// <summary>The form of an input or output of a node on the GPU; its calls agree on it.</summary>
    private Form FormOf(int n, Operand.OperandKind kind, int index)
    {
        for (int c = 0; c < Calls[n]!.Length; c++)
        {
            Operand[] operands = Calls[n]![c].Operands;
            for (int i = 0; i < operands.Length; i++)
                if (operands[i].Kind == kind && operands[i].Index == index) return IsHalf(Launches[n]![c], i) ? Form.Half : Form.Device;
        }
        return Form.Device;
    }

    /// <summary>Sees to it that a value is there in a form before node <paramref name="n"/>.</summary>
    private void Need(int v, Form form, int n)
    {
        if (v < 0 || _graph.Constants[v] != null) return;
        _isPlaced[(int)form][v] = true;
        int source = _source[v];
        if (_isThere[(int)form][source]) return;
        // Host and Half are neighbours of Device.
        if (form != Form.Device) Need(v, Form.Device, n);
        bool fromHalf = form == Form.Device && _isThere[(int)Form.Half][source];
        if (form == Form.Device) _isPlaced[(int)(fromHalf ? Form.Half : Form.Host)][v] = true;
        CudaAction action = form switch
        {
            Form.Host => CudaAction.CopyToHost,
            Form.Half => CudaAction.ToHalf,
            _ => fromHalf ? CudaAction.FromHalf : CudaAction.CopyToDevice,
        };
        bool isShared = _isIntegrated && action is (CudaAction.CopyToHost or CudaAction.CopyToDevice);
        if (!isShared && _graph.Types[v].ByteLength > 0) _operations.Add(new CudaOperation(action, n, v));
        _isThere[(int)form][source] = true;
    }
}
