using EdgeLite.Devices;
using EdgeLite.Devices.Cuda;
using EdgeLite.Format;

namespace EdgeLite.Sessions;

/// <summary>What a step of a plan with a GPU does.</summary>
internal enum CudaAction
{
    CopyToDevice, CopyToHost, Launch, Host,
}

/// <summary>Copy a value that a node needs, launch a node's kernels, or run it on the processor.</summary>
internal readonly record struct CudaOperation(CudaAction Action, int Node, int Value = -1);

/// <summary>
/// Which nodes of a graph run on the GPU, what must be copied before each, and where every value lies: one arena for the GPU, one for the
/// processor, each planned for the values that are read or written there. Where both share memory there is one arena and no copy.
/// </summary>
internal sealed class CudaSchedule
{
    private readonly TypedGraph _graph;
    private readonly CudaDevice _device;

    /// <summary>Per value: the value whose memory it is a view of, else itself.</summary>
    private readonly int[] _source;

    public CudaSchedule(TypedGraph graph, CudaDevice device, StepBuilder builder, bool keepAll)
    {
        _graph = graph;
        _device = device;
        int nodes = graph.Definition.Nodes.Length;
        (HostOffsets, HostBytes) = (DeviceOffsets, DeviceBytes) = ArenaPlanner.Plan(graph, keepAll);
        Calls = new NativeCall[]?[nodes];
        Launches = new CudaKernels.LaunchRow[][]?[nodes];
        _source = new int[graph.Types.Length];
        for (int v = 0; v < _source.Length; v++) _source[v] = v;
        for (int n = 0; n < nodes; n++)
        {
            if (graph.IsFolded[n]) continue;
            if (StaticPlan.IsFreeView(graph, n, HostOffsets))
            {
                NodeDefinition view = graph.Definition.Nodes[n];
                _source[view.Outputs[0]] = _source[view.Inputs[0]];
                continue;
            }
            Calls[n] = builder.Bind(n);
            Launches[n] = FindLaunches(Calls[n]!);
        }
        if (!device.IsIntegrated) SplitArena(keepAll);
        Operations = Order(keepAll);
    }

    /// <summary>Per node: its native calls; empty where the reference loop serves, null where there is nothing to do.</summary>
    public NativeCall[]?[] Calls { get; }

    /// <summary>Per node: the launches of each of its calls; null where it runs on the processor.</summary>
    public CudaKernels.LaunchRow[][]?[] Launches { get; }

    /// <summary>Per value, -1 where it has no place.</summary>
    public long[] HostOffsets { get; private set; }

    public long[] DeviceOffsets { get; private set; }
    public long HostBytes { get; private set; }
    public long DeviceBytes { get; private set; }

    /// <summary>Everything to do in one run.</summary>
    public CudaOperation[] Operations { get; }

    /// <summary>Null when one of the calls, or the node as a whole, has no kernel on the device.</summary>
    private CudaKernels.LaunchRow[][]? FindLaunches(NativeCall[] calls)
    {
        if (calls.Length == 0) return null;
        Span<CudaKernels.LaunchRow> rows = stackalloc CudaKernels.LaunchRow[CudaKernels.MaxLaunches];
        var launches = new CudaKernels.LaunchRow[calls.Length][];
        for (int i = 0; i < calls.Length; i++)
        {
            NativeCall call = calls[i];
            if (call.Operands.Length > CudaKernels.MaxBuffers) return null;
            launches[i] = [.. CudaKernels.Launches(call.Kernel.Name, call.Parameters, call.Kernel.ParametersSize, _device.Capability, rows)];
            if (launches[i].Length == 0) return null;
        }
        return launches;
    }

    /// <summary>An arena for each memory, with the values that its steps read or write; inputs and outputs are the caller's, on the processor.</summary>
    private void SplitArena(bool keepAll)
    {
        var onDevice = new bool[_source.Length];
        var onHost = new bool[_source.Length];
        Array.Fill(onHost, keepAll);
        foreach (int v in _graph.Definition.Inputs) onHost[v] = true;
        foreach (int v in _graph.Definition.Outputs) onHost[v] = true;
        for (int n = 0; n < Calls.Length; n++)
        {
            if (Calls[n] == null) continue;
            bool[] there = Launches[n] != null ? onDevice : onHost;
            foreach (int v in _graph.Definition.Nodes[n].Inputs)
                if (v >= 0) there[v] = true;
            foreach (int v in _graph.Definition.Nodes[n].Outputs)
                if (v >= 0) there[v] = true;
        }
        (HostOffsets, HostBytes) = ArenaPlanner.Plan(_graph, keepAll, v => onHost[v]);
        (DeviceOffsets, DeviceBytes) = ArenaPlanner.Plan(_graph, keepAll, v => onDevice[v]);
    }

    private CudaOperation[] Order(bool keepAll)
    {
        var operations = new List<CudaOperation>();
        // Where the present content of a value is; a view has that of its source.
        var isOnDevice = new bool[_source.Length];
        var isOnHost = new bool[_source.Length];
        Array.Fill(isOnHost, true);
        void Need(int v, bool[] there, CudaAction copy, int node)
        {
            if (v < 0 || _graph.Constants[v] != null || there[_source[v]]) return;
            if (!_device.IsIntegrated && _graph.Types[v].ByteLength > 0) operations.Add(new CudaOperation(copy, node, v));
            there[_source[v]] = true;
        }
        for (int n = 0; n < Calls.Length; n++)
        {
            if (Calls[n] == null) continue;
            NodeDefinition node = _graph.Definition.Nodes[n];
            bool launches = Launches[n] != null;
            foreach (int v in node.Inputs) Need(v, launches ? isOnDevice : isOnHost, launches ? CudaAction.CopyToDevice : CudaAction.CopyToHost, n);
            operations.Add(new CudaOperation(launches ? CudaAction.Launch : CudaAction.Host, n));
            foreach (int v in node.Outputs)
            {
                if (v < 0) continue;
                isOnDevice[v] = launches;
                isOnHost[v] = !launches;
                if (keepAll) Need(v, isOnHost, CudaAction.CopyToHost, n);
            }
        }
        foreach (int v in _graph.Definition.Outputs) Need(v, isOnHost, CudaAction.CopyToHost, Array.FindLastIndex(_graph.Definition.Nodes, node => Array.IndexOf(node.Outputs, v) >= 0));
        return [.. operations];
    }
}
