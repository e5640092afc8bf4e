using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Devices.Cuda;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Sessions;

/// <summary>
/// A graph bound for fixed input shapes to a GPU and, where that has no kernel, to the processor. Copies and kernels between two
/// steps of the processor are one CUDA graph, recorded here: a run of a model that is on the GPU as a whole is one launch.
/// Inputs and outputs lie in page-locked memory, or in memory that both share.
/// </summary>
internal sealed unsafe class CudaPlan : IStaticPlan
{
    /// <summary>Operations [First, End) of one kind: on the processor, or one recorded graph.</summary>
    private readonly record struct Segment(int First, int End, nint Graph);

    private readonly CudaDevice _device;
    private readonly CudaDriver _driver;
    private readonly CudaStream _stream;
    private readonly CudaSchedule _schedule;
    private readonly CudaOperation[] _operations;
    private readonly CudaLaunch[]?[] _launches;
    private readonly Step[]?[] _steps;
    private readonly List<Segment> _segments = [];
    private readonly List<nint> _memory;
    private readonly List<CudaConstant> _constants = [];
    private readonly CudaConversion?[] _conversions;
    private readonly StateSwap[] _states;
    private readonly long _scratchBytes;
    private long _deviceScratchBytes;
    private byte* _host;
    private nint _arena, _halfArena, _deviceScratch;
    private nint _started, _ended;

    public CudaPlan(TypedGraph graph, CudaDevice device, int threads, bool keepAll)
    {
        Graph = graph;
        _device = device;
        _driver = device.Driver;
        _stream = new CudaStream(device);
        var builder = new StepBuilder(graph, device, threads);
        _memory = builder.Memory;
        _schedule = new CudaSchedule(graph, device.Capability, device.IsIntegrated, builder, keepAll);
        _operations = _schedule.Operations;
        _launches = new CudaLaunch[]?[_operations.Length];
        _steps = new Step[]?[_operations.Length];
        _conversions = new CudaConversion?[_operations.Length];
        try
        {
            _scratchBytes = HostScratch();
            Allocate();
            Tensors = StaticPlan.Place(graph, _schedule.HostOffsets, _host);
            for (int i = 0; i < _operations.Length; i++)
            {
                (CudaAction action, int n, int value) = _operations[i];
                if (action == CudaAction.Launch) _launches[i] = _schedule.Custom[n] is { } step ? [MakeLaunch(n, step)] : _schedule.Joined[n] is { } nodes ? [MakeLaunch(nodes)] : MakeLaunches(n);
                else if (action is CudaAction.ToHalf or CudaAction.FromHalf) _conversions[i] = MakeConversion(value, action == CudaAction.ToHalf);
                else if (action == CudaAction.Host)
                {
                    var steps = new List<Step>();
                    builder.AddSteps(steps, n, _schedule.Calls[n]!, Tensors);
                    _steps[i] = [.. steps];
                }
            }
            Record();
            GraphDefinition definition = graph.Definition;
            Inputs = Array.ConvertAll(definition.Inputs, v => Tensors[v]!);
            Outputs = Array.ConvertAll(definition.Outputs, v => Tensors[v]!);
            _states = Array.ConvertAll(definition.States, state => new StateSwap(Inputs[state.Input], Outputs[state.Output], false, [], []));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public TypedGraph Graph { get; }
    public Tensor?[] Tensors { get; }
    public Tensor[] Inputs { get; }
    public Tensor[] Outputs { get; }

    /// <summary>Bytes of the arenas on the GPU and of that on the processor, or of the one that both share.</summary>
    public long ArenaBytes => _schedule.HalfBytes + _schedule.DeviceBytes + (_device.IsIntegrated ? 0 : _schedule.HostBytes);

    /// <summary>Of the processor and of the GPU.</summary>
    public long ScratchBytes => _scratchBytes + _deviceScratchBytes;
    public int StepCount => _operations.Length;
    public int NodeOf(int step) => _operations[step].Node;

    public string KernelOf(int step) => _schedule.KernelOf(step);

    public void Run(nint pool)
    {
        _device.MakeCurrent();
        var context = new CpuKernels.Context { Pool = pool, Scratch = _host + ScratchOffset, ScratchBytes = (nuint)_scratchBytes };
        bool isBusy = false;
        for (int s = 0; s < _segments.Count; s++)
        {
            Segment segment = _segments[s];
            if (segment.Graph != 0)
            {
                _stream.LaunchGraph(segment.Graph);
                isBusy = true;
                continue;
            }
            if (isBusy) _stream.Synchronize();
            isBusy = false;
            for (int i = segment.First; i < segment.End; i++)
                foreach (ref readonly Step step in _steps[i].AsSpan()) step.Run(&context);
        }
        if (isBusy) _stream.Synchronize();
    }

    /// <inheritdoc/>
    /// <remarks>Times on the GPU are those of its own clock, each operation started by itself.</remarks>
    public void RunProfiled(nint pool, Span<long> ticks)
    {
        _device.MakeCurrent();
        if (_started == 0)
        {
            nint started, ended;
            _driver.Check(_driver.EventCreate(&started, 0), "creating an event");
            _started = started;
            _driver.Check(_driver.EventCreate(&ended, 0), "creating an event");
            _ended = ended;
        }
        var context = new CpuKernels.Context { Pool = pool, Scratch = _host + ScratchOffset, ScratchBytes = (nuint)_scratchBytes };
        for (int i = 0; i < _operations.Length; i++)
        {
            long taken;
            if (_steps[i] is { } steps)
            {
                long start = Stopwatch.GetTimestamp();
                foreach (ref readonly Step step in steps.AsSpan()) step.Run(&context);
                taken = Stopwatch.GetTimestamp() - start;
            }
            else
            {
                _driver.Check(_driver.EventRecord(_started, _stream.Handle), "recording an event");
                Enqueue(i);
                _driver.Check(_driver.EventRecord(_ended, _stream.Handle), "recording an event");
                _stream.Synchronize();
                float milliseconds;
                _driver.Check(_driver.EventElapsed(&milliseconds, _started, _ended), "reading a time");
                taken = (long)(milliseconds * Stopwatch.Frequency / 1000);
                if (_schedule.Joined[_operations[i].Node] is { } nodes && _launches[i] != null)
                {
                    // Each has its share of the launch, by its columns.
                    long all = 0;
                    foreach (int n in nodes) all += Columns(n);
                    for (int k = 0; k < nodes.Length; k++) ticks[i + k] = Math.Min(ticks[i + k], taken * Columns(nodes[k]) / all);
                    i += nodes.Length - 1;
                    continue;
                }
            }
            ticks[i] = Math.Min(ticks[i], taken);
        }
    }

    public void AdvanceStates()
    {
        foreach (StateSwap state in _states) state.Advance();
    }

    /// <inheritdoc/>
    /// <remarks>After an error on the GPU the driver refuses everything, this too: what it says then is known already.</remarks>
    public void Dispose()
    {
        _ = _driver.ContextSetCurrent(_device.Context);
        foreach (Segment segment in _segments)
            if (segment.Graph != 0) _ = _driver.GraphExecDestroy(segment.Graph);
        _segments.Clear();
        foreach (nint timing in new[] { _started, _ended })
            if (timing != 0) _ = _driver.EventDestroy(timing);
        _started = _ended = 0;
        foreach (CudaConstant constant in _constants) _device.Constants.Release(constant);
        _constants.Clear();
        foreach (CudaConversion? conversion in _conversions) conversion?.Dispose();
        Array.Clear(_conversions);
        if (_host != null && !_device.IsIntegrated) _ = _driver.HostFree((nint)_host);
        _host = null;
        foreach (nint memory in new[] { _arena, _halfArena, _deviceScratch })
            if (memory != 0) _ = _driver.MemoryFree(memory);
        _arena = _halfArena = _deviceScratch = 0;
        foreach (nint memory in _memory) NativeMemory.AlignedFree((void*)memory);
        _memory.Clear();
        _stream.Dispose();
    }

    private const int CounterBytes = CudaKernels.Counters * sizeof(int);

    private long ScratchOffset => ArenaPlanner.Aligned(_schedule.HostBytes);

    /// <summary>Scratch of the steps on the processor.</summary>
    private long HostScratch()
    {
        long bytes = 0;
        foreach (CudaOperation operation in _operations)
            if (operation.Action == CudaAction.Host)
                foreach (NativeCall call in _schedule.Calls[operation.Node]!) bytes = Math.Max(bytes, call.ScratchBytes);
        return bytes;
    }

    private void Allocate()
    {
        nint memory;
        nuint hostBytes = (nuint)Math.Max(1, ScratchOffset + _scratchBytes);
        ulong scratch = 0;
        foreach (CudaKernels.LaunchRow[][]? node in _schedule.Launches)
            foreach (CudaKernels.LaunchRow[] call in node ?? [])
                foreach (CudaKernels.LaunchRow row in call) scratch = Math.Max(scratch, row.ScratchBytes);
        if (scratch > 0) AllocateScratch((long)scratch);
        if (_schedule.HalfBytes > 0) _halfArena = _device.Allocate(_schedule.HalfBytes);
        if (_device.IsIntegrated)
        {
            const uint AttachGlobal = 1;
            _driver.Check(_driver.MemoryAllocateManaged(&memory, hostBytes, AttachGlobal), $"allocating {hostBytes} bytes");
            _arena = memory;
            _host = (byte*)memory;
            _stream.Attach(memory);
        }
        else
        {
            _driver.Check(_driver.HostAllocate(&memory, hostBytes, 0), $"allocating {hostBytes} bytes of page-locked memory");
            _host = (byte*)memory;
            if (_schedule.DeviceBytes > 0) _arena = _device.Allocate(_schedule.DeviceBytes);
        }
        NativeMemory.Clear(_host, hostBytes);
    }

    /// <summary>Counters, zero, and behind them what launches leave for each other.</summary>
    private void AllocateScratch(long bytes)
    {
        _deviceScratchBytes = CounterBytes + bytes;
        _deviceScratch = _device.Allocate(_deviceScratchBytes);
        var zeros = new byte[CounterBytes];
        fixed (byte* first = zeros)
        {
            _stream.CopyToDevice(_deviceScratch, (nint)first, CounterBytes);
            _stream.Synchronize();
        }
    }

    private CudaLaunch[] MakeLaunches(int n)
    {
        var launches = new List<CudaLaunch>();
        for (int c = 0; c < _schedule.Calls[n]!.Length; c++)
        {
            NativeCall call = _schedule.Calls[n]![c];
            CudaKernels.LaunchRow[] rows = _schedule.Launches[n]![c];
            CudaBuffers.Addresses operands = default;
            for (int i = 0; i < call.Operands.Length; i++) operands[i] = AddressOf(n, call.Operands[i], CudaSchedule.IsHalf(rows, i));
            foreach (CudaKernels.LaunchRow row in rows)
            {
                var buffers = (CudaBuffers*)NativeMemory.AlignedAlloc((nuint)sizeof(CudaBuffers), 64);
                _memory.Add((nint)buffers);
                *buffers = new CudaBuffers { Operands = operands, Detail = row.Detail };
                if (_deviceScratch != 0) (buffers->Counters, buffers->Scratch) = (_deviceScratch, _deviceScratch + CounterBytes);
                launches.Add(new CudaLaunch(_device.Function(row.Entry, row.SharedBytes), row, call.Parameters, buffers));
            }
        }
        return [.. launches];
    }

    private long Columns(int n)
    {
        Shape y = Graph.Types[Graph.Definition.Nodes[n].Outputs[0]].Shape;
        return y[y.Rank - 1];
    }

    /// <summary>The one launch of several dense layers (<see cref="CudaSchedule.Joined"/>): their weights and biases one behind the other, a result each.</summary>
    private CudaLaunch MakeLaunch(int[] nodes)
    {
        const int Weights = 1, Bias = 2, Result = 5;
        NativeCall call = _schedule.Calls[nodes[0]]![0];
        CudaKernels.LaunchRow[] rows = _schedule.Launches[nodes[0]]![0];
        var buffers = (CudaBuffers*)NativeMemory.AlignedAlloc((nuint)sizeof(CudaBuffers), 64);
        _memory.Add((nint)buffers);
        *buffers = new CudaBuffers { Detail = rows[0].Detail };
        buffers->Operands[0] = AddressOf(nodes[0], call.Operands[0], CudaSchedule.IsHalf(rows, 0));
        foreach (int i in (ReadOnlySpan<int>)[Weights, Bias])
        {
            if (call.Operands[i].Kind == Operand.OperandKind.None) continue;
            HostBlock Block(int member)
            {
                if (member >= nodes.Length) return default;
                Tensor constant = Graph.Constants[Graph.Definition.Nodes[nodes[member]].Inputs[i]]!;
                return new HostBlock((nint)constant.Data, constant.ByteLength);
            }
            buffers->Operands[i] = Constant(new CudaConstant(Block(0), CudaSchedule.IsHalf(rows, i), Block(1), Block(2)));
        }
        for (int i = 0; i < nodes.Length; i++) buffers->Operands[Result + i] = AddressOf(nodes[i], Operand.Output(0), CudaSchedule.IsHalf(rows, Result));
        if (_deviceScratch != 0) (buffers->Counters, buffers->Scratch) = (_deviceScratch, _deviceScratch + CounterBytes);
        return new CudaLaunch(_device.Function(rows[0].Entry, rows[0].SharedBytes), rows[0], call.Parameters, buffers);
    }

    /// <summary>The launch of an operator of the application.</summary>
    private CudaLaunch MakeLaunch(int n, CudaStep step)
    {
        NodeDefinition node = Graph.Definition.Nodes[n];
        nint parameters = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(step.Parameters.Length, 1), 64);
        _memory.Add(parameters);
        step.Parameters.Span.CopyTo(new Span<byte>((void*)parameters, step.Parameters.Length));
        var buffers = (CudaBuffers*)NativeMemory.AlignedAlloc((nuint)sizeof(CudaBuffers), 64);
        _memory.Add((nint)buffers);
        *buffers = default;
        int i = 0;
        foreach (int v in (int[])[.. node.Inputs, .. node.Outputs]) buffers->Operands[i++] = v < 0 ? 0 : AddressOf(v, false);
        var row = new CudaKernels.LaunchRow { GridX = step.Grid.X, GridY = step.Grid.Y, GridZ = step.Grid.Z, Threads = step.Threads };
        return new CudaLaunch(_device.Function(step, node.ToString()), row, parameters, buffers);
    }

    private CudaConversion MakeConversion(int value, bool toHalf)
    {
        nint whole = _arena + (nint)_schedule.DeviceOffsets[value], half = _halfArena + (nint)_schedule.HalfOffsets[value];
        return new CudaConversion(_device, toHalf ? whole : half, toHalf ? half : whole, Graph.Types[value].ByteLength / sizeof(float), toHalf);
    }

    /// <summary>Where an operand of node <paramref name="n"/> lies on the GPU; constants and tables are brought there.</summary>
    private nint AddressOf(int n, in Operand operand, bool isHalf)
    {
        NodeDefinition node = Graph.Definition.Nodes[n];
        switch (operand.Kind)
        {
            case Operand.OperandKind.Input: return AddressOf(node.Inputs[operand.Index], isHalf) + PlaceOf(operand, isHalf);
            case Operand.OperandKind.Output: return AddressOf(node.Outputs[operand.Index], isHalf) + PlaceOf(operand, isHalf);
            case Operand.OperandKind.Table: return Constant(new CudaConstant(new HostBlock(operand.Pointer, operand.Bytes), false));
            default: return 0;
        }
    }

    /// <summary>Bytes past the beginning of a value.</summary>
    private static nint PlaceOf(in Operand operand, bool isHalf) => isHalf ? operand.Pointer / 2 : operand.Pointer;

    private nint AddressOf(int value, bool isHalf)
    {
        if (Graph.Constants[value] is { } constant) return Constant(new CudaConstant(new HostBlock((nint)constant.Data, constant.ByteLength), isHalf));
        return isHalf ? _halfArena + (nint)_schedule.HalfOffsets[value] : _arena + (nint)_schedule.DeviceOffsets[value];
    }

    private nint Constant(CudaConstant constant)
    {
        nint memory = _device.Constants.Acquire(constant);
        _constants.Add(constant);
        return memory;
    }

    private void Enqueue(int i)
    {
        (CudaAction action, _, int value) = _operations[i];
        if (action == CudaAction.Joined) return;
        if (action == CudaAction.Launch)
            foreach (ref readonly CudaLaunch launch in _launches[i].AsSpan()) _stream.Launch(launch);
        else if (_conversions[i] is { } conversion) conversion.Enqueue(_stream);
        else if (action == CudaAction.CopyToDevice)
            _stream.CopyToDevice(_arena + (nint)_schedule.DeviceOffsets[value], (nint)_host + (nint)_schedule.HostOffsets[value], Graph.Types[value].ByteLength);
        else _stream.CopyToHost((nint)_host + (nint)_schedule.HostOffsets[value], _arena + (nint)_schedule.DeviceOffsets[value], Graph.Types[value].ByteLength);
    }

    /// <summary>Makes one graph of the copies and kernels between two steps of the processor.</summary>
    private void Record()
    {
        for (int first = 0, end; first < _operations.Length; first = end)
        {
            bool isHost = _operations[first].Action == CudaAction.Host;
            for (end = first; end < _operations.Length && (_operations[end].Action == CudaAction.Host) == isHost;) end++;
            int from = first, to = end;
            nint graph = isHost ? 0 : _stream.Capture(() =>
            {
                for (int i = from; i < to; i++) Enqueue(i);
            });
            _segments.Add(new Segment(first, end, graph));
        }
    }
}
