using System.Diagnostics;
using EdgeLite.Core;
using EdgeLite.Devices;
using EdgeLite.Devices.Cpu;
using EdgeLite.Devices.Cuda;
using EdgeLite.Format;
using EdgeLite.Sessions;

namespace EdgeLite;

/// <summary>How a session runs.</summary>
public sealed record SessionOptions
{
    /// <summary>Most threads of a session.</summary>
    public const int MaxThreads = 1024;

    /// <summary>Threads of one inference, the caller included, up to <see cref="MaxThreads"/>. 0 (the default) takes every processor the process
    /// may use; 1 creates no thread.</summary>
    public int Threads { get; init; }

    /// <summary><c>cpu</c>; <c>cuda</c> or <c>cuda:N</c> for a GPU (in builds with CUDA); <c>auto</c> for the first GPU where there is one,
    /// otherwise the processor; <c>reference</c> for the plain loops.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Whether a device may keep float32 values between layers, and weights, in float16; sums stay float32. Much faster, and half the memory, on
    /// GPUs with matrix instructions (compute capability 8.0 on); about three digits exact, and values above 65,504 become infinite. Inputs and
    /// outputs keep their type. Elsewhere it changes nothing.</summary>
    public bool AllowHalf { get; init; }

    /// <summary>Every value keeps memory of its own, so that <see cref="Session.Values"/> can be read after a run, on a GPU too. Takes more memory
    /// than <see cref="Session.RunShowing"/>.</summary>
    public bool KeepAllValues { get; init; }
}

/// <summary>
/// A model made ready to run: one arena, one plan, one pool of threads. Load, then fill <see cref="Input(int)"/>, <see cref="Run()"/>,
/// read <see cref="Output(int)"/>. Run allocates nothing when all shapes are known beforehand (<see cref="IsStatic"/>). A session
/// serves one thread at a time: a second <see cref="Run()"/> while one is going on is refused. Tensors and spans of it end when it is
/// disposed. Until then its tensors keep it; a span alone does not, so hold the session, best with <c>using</c>.
/// </summary>
public sealed class Session : IDisposable
{
    private readonly GraphExecutor _executor;
    private readonly GraphDefinition _graph;
    private readonly TensorType[] _inputTypes;
    private readonly TensorType[] _plannedTypes;

    /// <summary>The types that were chosen from outside; a state may have grown since.</summary>
    private readonly TensorType[] _chosenTypes;
    private readonly bool _keepAll;
    private nint _pool;
    private bool _isPlanned, _sizesAgree;
    private volatile bool _disposed;
    private int _running;
    private readonly bool _retains;

    internal Session(Model model, SessionOptions options)
    {
        Model = model;
        _keepAll = options.KeepAllValues;
        if (options.Threads is < 0 or > SessionOptions.MaxThreads)
            throw new EdgeLiteException(Status.InvalidArgument, $"{options.Threads} threads were asked for; 0 (all processors) to {SessionOptions.MaxThreads} is possible.");
        Threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount;
        IDevice device = FindDevice(options.Device);
        if (CudaDevice.IsSupported && options.AllowHalf && device is CudaDevice cuda) device = cuda.WithHalf();
        if (ReferenceEquals(device, CpuDevice.Instance) && model.Tunings.Count > 0) device = Tuned(model.Tunings);
        TypedGraph.RequireOperators(model.Graphs);
        model.Retain();
        _retains = true;
        _pool = Threads > 1 ? CpuKernels.CreatePool(Threads) : 0;
        // Branches and loop bodies run on the processor, where their conditions are.
        IDevice inner = CudaDevice.IsSupported && device is CudaDevice ? CpuDevice.Instance : device;
        _executor = Instantiate(model.Graphs[0], device, inner);
        Device = device.Name;
        _graph = _executor.Definition;
        _inputTypes = Array.ConvertAll(_graph.Inputs, v => _graph.Values[v].DefaultType);
        _plannedTypes = _inputTypes.AsSpan().ToArray();
        _chosenTypes = _inputTypes.AsSpan().ToArray();
        if (AllReady()) Plan();
    }

    ~Session() => Dispose();

    public Model Model { get; }

    /// <summary>Where it runs: <c>cpu</c>, <c>cuda:N</c> or <c>reference</c>.</summary>
    public string Device { get; }

    public int Threads { get; }

    /// <summary>Whether choices of kernels that the file holds are in use: those of the first of <see cref="Model.Tunings"/> that was measured on such a
    /// processor, with these instruction sets and as many threads.</summary>
    public bool IsTuned { get; private set; }

    /// <summary>Where the choices in use were measured, or why none are. Empty where the file holds none, or the session is not on the processor.</summary>
    public string TuningNote { get; private set; } = "";

    public int InputCount => _graph.Inputs.Length;
    public int OutputCount => _graph.Outputs.Length;
    public string InputName(int i) => _graph.Values[_graph.Inputs[Check(i, InputCount, "input")]].Name;
    public string OutputName(int i) => _graph.Values[_graph.Outputs[Check(i, OutputCount, "output")]].Name;

    /// <summary>The declared type of an input: negative dimensions are free.</summary>
    public TensorType InputType(int i) => _graph.Values[_graph.Inputs[Check(i, InputCount, "input")]].Type;

    /// <summary>The type of an input that is chosen at present: the declared one (a free batch is 1) or that of the last Resize.</summary>
    public TensorType ChosenInputType(int i) => _inputTypes[Check(i, InputCount, "input")];

    /// <summary>The declared type of an output, as far as the converter knew it.</summary>
    public TensorType OutputType(int i) => _graph.Values[_graph.Outputs[Check(i, OutputCount, "output")]].Type;

    /// <summary>The declared shape of an input with the names of its free dimensions: <c>[batch,3,224,224]</c>.</summary>
    public string DescribeInput(int i) => _executor.Describe(InputType(i).Shape);

    /// <summary>Index of an input by name. Throws naming those there are.</summary>
    public int FindInput(string name) => Find(name, _graph.Inputs, "input");

    /// <inheritdoc cref="FindInput"/>
    public int FindOutput(string name) => Find(name, _graph.Outputs, "output");

    /// <summary>The memory of an input, to be filled before <see cref="Run()"/> and 0 until then; valid until the shape of an input changes.</summary>
    public Tensor Input(int i) => Prepared().Inputs[Check(i, InputCount, "input")].KeptWith(this);

    public Tensor Input(string name) => Input(FindInput(name));

    /// <summary>A result of the last run, all 0 before the first; valid until the next one. The output of a state is what its input holds since the run.</summary>
    public Tensor Output(int i) => StateOf(i) is { } state ? Input(state.Input) : Prepared().Outputs[Check(i, OutputCount, "output")]?.KeptWith(this)
        ?? throw new EdgeLiteException(Status.InvalidState, $"Output '{OutputName(i)}' has no size before the first run.");

    public Tensor Output(string name) => Output(FindOutput(name));

    /// <summary>Chooses the shape of an input whose declared shape is free; one that does not fit the declared shape is refused. With
    /// one input the plan is made here; with several, at the next <see cref="Input(int)"/> or <see cref="Run()"/>, as their shapes
    /// often fit together only when all are chosen. Plans are kept for the shapes used last. Whenever a shape is refused, the
    /// session goes on with the shapes of its last plan.</summary>
    public void Resize(int input, Shape shape) => Resize(input, InputType(input).DType, shape);

    /// <summary>As <see cref="Resize(int, Shape)"/> for an input whose element type is free as well.</summary>
    public void Resize(int input, DType dtype, Shape shape)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (InputType(input).IsList)
            throw new EdgeLiteException(Status.InvalidArgument, $"Input '{InputName(input)}' is {InputType(input)}: it has no shape of its own. Give it its elements with SetInput.");
        var type = new TensorType(dtype, shape);
        _executor.CheckInput(Check(input, InputCount, "input"), type);
        _chosenTypes[input] = type;
        if (_inputTypes[input] == type) return;
        _inputTypes[input] = type;
        _isPlanned = false;
        if (InputCount == 1) Plan();
    }

    /// <summary>Copies a value into an input: a tensor, whose shape it takes over, or for an input that is a sequence or an optional
    /// value what <see cref="Tensor.Sequence"/>, <see cref="Tensor.Optional"/> and <see cref="Tensor.None"/> make.</summary>
    public void SetInput(int i, Tensor tensor)
    {
        if (InputType(i).IsList || tensor.IsList)
        {
            CheckElements(i, tensor);
            tensor.CopyTo(Input(i));
            return;
        }
        if (_inputTypes[i] != tensor.Type) Resize(i, tensor.DType, tensor.Shape);
        if (AllReady()) tensor.CopyTo(Input(i));
        else throw new EdgeLiteException(Status.InvalidState, $"Resize every input before filling '{InputName(i)}': other inputs have no shape yet.");
    }

    /// <summary>State that lives from run to run (recurrent nets, caches): inputs that take over an output of the run before. All are 0
    /// at first; to write to the input sets the state. A state of free size may grow, as a cache that gets an entry with each run: then its
    /// input has the size of what it took over, and its memory is another after each run.</summary>
    public IReadOnlyList<StateBinding> States => _graph.States;

    /// <summary>Sets every state to 0, as at the beginning; one that has grown has the size again that was chosen for it.</summary>
    public void ResetState()
    {
        foreach (StateBinding state in _graph.States) ChooseState(state.Input, _chosenTypes[state.Input]);
        GraphExecutor executor = Prepared();
        foreach (StateBinding state in _graph.States) executor.Inputs[state.Input].Bytes.Clear();
    }

    /// <summary>Takes over the states of another session of the same model and shapes; only a growing state may have another size there.</summary>
    public void CopyStateFrom(Session other)
    {
        GraphExecutor from = other.Prepared(), to = Prepared();
        if (!ReferenceEquals(other.Model, Model)) throw new EdgeLiteException(Status.InvalidArgument, "States can be copied between sessions of one model only.");
        foreach (StateBinding state in _graph.States)
            if (from.Inputs[state.Input].Type != to.Inputs[state.Input].Type && !to.IsOpen(state.Input))
                throw new EdgeLiteException(Status.InvalidShape, $"State '{InputName(state.Input)}' is {to.Inputs[state.Input].Type} here, {from.Inputs[state.Input].Type} there.");
        foreach (StateBinding state in _graph.States) ChooseState(state.Input, from.Inputs[state.Input].Type);
        to = Prepared();
        foreach (StateBinding state in _graph.States) from.Inputs[state.Input].CopyTo(to.Inputs[state.Input]);
    }

    /// <summary>One inference.</summary>
    public void Run() => Run(null);

    /// <summary>One inference that shows every computed value with its name in the file, once it is computed and before its memory is another's: for
    /// comparing layer by layer, in the memory of a plain run. On the processor only.</summary>
    /// <param name="onValue">what it is given is valid during the call only</param>
    public void RunShowing(Action<string, Tensor> onValue) => Run((value, tensor) => onValue(_graph.Values[value].Name, tensor));

    private void Run(Action<int, Tensor>? onValue)
    {
        GraphExecutor executor = Prepared();
        if (!_sizesAgree)
        {
            executor.CheckSymbols();
            _sizesAgree = true;
        }
        if (Interlocked.Exchange(ref _running, 1) != 0)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            throw new EdgeLiteException(Status.InvalidState, "The session is running in another thread: one run at a time, or a session for each thread.");
        }
        if (_pool != 0) CpuKernels.el_pool_begin(_pool);
        try
        {
            executor.Run(onValue);
            Advance(executor);
        }
        finally
        {
            if (_pool != 0) CpuKernels.el_pool_end(_pool);
            Interlocked.Exchange(ref _running, 0); // a full fence: whoever disposes sees this, or is seen here
            if (_disposed) FreeOnce();
        }
    }

    private void Advance(GraphExecutor executor)
    {
        executor.AdvanceStates();
        if (executor.Static != null) return;
        foreach (StateBinding state in _graph.States) _inputTypes[state.Input] = _plannedTypes[state.Input] = executor.Inputs[state.Input].Type;
    }

    /// <summary>Runs a sample of a self-test: its inputs, in their shapes. The first one begins with all states 0.</summary>
    public void RunSample(SelfTestSample sample, bool isFirst)
    {
        for (int i = 0; i < InputCount; i++)
            if (isFirst || !_graph.IsState(i)) Resize(i, sample.Inputs[i].Type.DType, sample.Inputs[i].Type.Shape);
        if (isFirst) ResetState();
        for (int i = 0; i < InputCount; i++)
            if (!_graph.IsState(i)) sample.Inputs[i].Constant!.CopyTo(Input(i));
        Run();
    }

    /// <summary>Every computed value of the last run with its name in the file; needs <see cref="SessionOptions.KeepAllValues"/> and a
    /// static plan.</summary>
    public IEnumerable<(string Name, Tensor Tensor)> Values()
    {
        if (!_keepAll) throw new EdgeLiteException(Status.InvalidState, "Values are kept only by a session made with KeepAllValues.");
        IStaticPlan plan = Prepared().Static
            ?? throw new EdgeLiteException(Status.Unsupported, "This model's shapes depend on values; its values cannot be kept.");
        for (int v = 0; v < plan.Tensors.Length; v++)
            if (plan.Tensors[v] is { } tensor && plan.Graph.Constants[v] == null) yield return (_graph.Values[v].Name, tensor.KeptWith(this));
    }

    /// <summary>True when every input has a shape: declared, by default, or chosen with Resize.</summary>
    public bool IsPrepared => AllReady();

    /// <summary>True when every shape is known before the run, so that it allocates nothing.</summary>
    public bool IsStatic => Prepared().Static != null;

    /// <summary>Bytes of the arena of the present plan (activations, inputs and outputs); -1 when the plan is dynamic.</summary>
    public long ArenaBytes => Prepared().Static?.ArenaBytes ?? -1;

    /// <summary>Bytes that kernels use beside the arena on this number of threads; -1 when the plan is dynamic.</summary>
    public long ScratchBytes => Prepared().Static?.ScratchBytes ?? -1;

    /// <summary>Every step of a run and the kernel that does it, which says where: <c>conv_f32/avx2</c> on the processor, <c>reference</c> for an
    /// operator's plain loops, <c>conv_f16_64x64/cuda</c> on a GPU, <c>copy/to_gpu</c> between the two. Static plans only.</summary>
    public StepPlacement[] Steps()
    {
        IStaticPlan plan = StaticPlan();
        var steps = new StepPlacement[plan.StepCount];
        for (int i = 0; i < steps.Length; i++) steps[i] = Placement(plan.NodeOf(i), plan.KernelOf(i));
        return steps;
    }

    /// <summary>The steps that a run would have on a GPU that need not be there, for the present shapes. Static plans, and builds with CUDA only.</summary>
    /// <param name="architecture">its compute capability, 10 * major + minor: 53 (Jetson Nano), 72 (Xavier), 87 (Orin), 80, 90 ...</param>
    /// <param name="half">see <see cref="SessionOptions.AllowHalf"/></param>
    public StepPlacement[] StepsOnGpu(int architecture, bool half)
    {
        if (!CudaDevice.IsSupported || CudaKernels.WhyNot() != null) throw new EdgeLiteException(Status.Unsupported, "This build has no CUDA kernels (libel_cuda.so), which know what they can do.");
        bool isJetson = architecture is 53 or 62 or 72 or 87;
        TypedGraph graph = StaticPlan().Graph;
        var builder = new StepBuilder(graph, CpuDevice.Instance, Threads);
        try
        {
            // How many multiprocessors there are, and how much memory they share, decides the size of tiles only.
            int sharedBytes = architecture < CudaCapability.MatrixArchitecture ? 48 * 1024 : 99 * 1024;
            var schedule = new CudaSchedule(graph, new CudaCapability(architecture, isJetson ? 8 : 100, sharedBytes, half), isJetson, builder, false);
            var steps = new StepPlacement[schedule.Operations.Length];
            for (int i = 0; i < steps.Length; i++) steps[i] = Placement(schedule.Operations[i].Node, schedule.KernelOf(i));
            return steps;
        }
        finally
        {
            builder.FreeMemory();
        }
    }

    /// <summary>Runs <paramref name="runs"/> times and returns the shortest time of every step. Static plans only.</summary>
    public StepProfile[] Profile(int runs)
    {
        IStaticPlan plan = StaticPlan();
        var ticks = new long[plan.StepCount];
        Array.Fill(ticks, long.MaxValue);
        if (_pool != 0) CpuKernels.el_pool_begin(_pool);
        for (int i = 0; i < runs; i++) plan.RunProfiled(_pool, ticks);
        if (_pool != 0) CpuKernels.el_pool_end(_pool);
        var profile = new StepProfile[ticks.Length];
        for (int i = 0; i < profile.Length; i++)
        {
            NodeDefinition node = _graph.Nodes[plan.NodeOf(i)];
            TensorType output = plan.Graph.Types[Array.Find(node.Outputs, v => v >= 0)]; // any output may be left out
            bool isFirst = i == 0 || plan.NodeOf(i - 1) != plan.NodeOf(i);
            if (CudaDevice.IsSupported) // where copies for a node come before it and have no part in its work
                isFirst = !IsCopy(plan, i) && (isFirst || IsCopy(plan, i - 1));
            (double operations, double bytes) = isFirst ? StepWork.Of(plan.Graph, plan.NodeOf(i)) : default;
            profile[i] = new StepProfile(node.OperatorName, node.Name, plan.KernelOf(i), output, ticks[i] * 1e6 / Stopwatch.Frequency) { Operations = operations, Bytes = bytes };
        }
        return profile;
    }

    /// <summary>What a tuning calls the native calls of the present plan (<see cref="Tuning.CallOf"/>), the same on every machine. Static plans only.</summary>
    public ulong[] Calls()
    {
        if (StaticPlan() is not StaticPlan plan) return [];
        var calls = new List<ulong>();
        foreach (ref readonly Step step in plan.Steps)
            if (step.IsNative) calls.Add(step.Call);
        return [.. calls];
    }

    /// <summary>Measures on this machine, with the present inputs, shapes and threads, every way to make each native call: other instruction sets, other
    /// algorithms, one thread. What is not clearly faster is not chosen. Results stay what they are: integers to the bit, floats within
    /// rounding. Static plans on the processor only. Changes nothing by itself: <see cref="Model.Save"/> writes the choices.</summary>
    /// <param name="rounds">times that each way is measured, 5 or more</param>
    /// <param name="remark">the machine's name, release and date, for people</param>
    /// <param name="triesOneThread">whether calls are tried on one thread, too: not while other programs keep the processors busy, when one thread
    /// seems as good as several</param>
    public TuningResult Tune(int rounds, string remark, bool triesOneThread = true)
    {
        if (StaticPlan() is not StaticPlan plan || Device != CpuDevice.Instance.Name)
            throw new EdgeLiteException(Status.Unsupported, $"A session on '{Device}' cannot be tuned: open it on the device cpu.");
        if (_pool != 0) CpuKernels.el_pool_begin(_pool);
        try
        {
            return new Tuner(plan, _pool, Threads, Math.Max(5, rounds), triesOneThread).Run(remark);
        }
        finally
        {
            if (_pool != 0) CpuKernels.el_pool_end(_pool);
        }
    }

    /// <summary>Gives the memory back, once a run that is going on in another thread has ended; no other begins.</summary>
    public void Dispose()
    {
        _disposed = true;
        FreeOnce();
        GC.SuppressFinalize(this);
    }

    /// <summary>Unless a run is going on, which does it at its end. Afterwards the session counts as running for ever.</summary>
    private void FreeOnce()
    {
        if (Interlocked.Exchange(ref _running, 1) != 0) return;
        _executor?.Dispose();
        if (_pool != 0) CpuKernels.el_pool_destroy(_pool);
        _pool = 0;
        if (_retains) Model.Release();
    }

    private GraphExecutor Instantiate(GraphDefinition definition, IDevice device, IDevice inner) =>
        new(definition, device, Threads, _keepAll, sub => Instantiate(((ModelReader.GraphReference)sub).Definition, inner, inner)) { Pool = _pool };

    private static IDevice FindDevice(string name)
    {
        if (CudaDevice.IsSupported && CudaDevice.Named(name) is { } gpu) return gpu;
        if (name is "cpu" or "auto") return CpuDevice.Instance;
        if (name == "reference") return new ReferenceDevice();
        throw new EdgeLiteException(Status.InvalidArgument, $"There is no device '{name}'; there are: cpu, auto, reference{(CudaDevice.IsSupported ? ", cuda, cuda:N." : ". A GPU needs a build that knows it.")}");
    }

    /// <summary>The processor with the choices that were measured on one like it, otherwise without any.</summary>
    private IDevice Tuned(IReadOnlyList<Tuning> tunings)
    {
        string machine = CpuKernels.Machine(Threads);
        foreach (Tuning tuning in tunings)
        {
            if (tuning.Machine == machine)
            {
                IsTuned = true;
                TuningNote = $"{tuning.Choices.Count} choices of kernels, measured on {tuning.Remark}, are in use";
                return new TunedCpu(tuning);
            }
        }
        TuningNote = $"the choices of kernels in '{Model.Name}' are not in use: they are for {tunings[0].Machine} ({tunings[0].Remark}){(tunings.Count > 1 ? $" and {tunings.Count - 1} others" : "")}, this is {machine}. 'edgelite-run tune' measures here";
        return CpuDevice.Instance;
    }

    private GraphExecutor Prepared()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_isPlanned) return _executor;
        for (int i = 0; i < _inputTypes.Length; i++)
            if (!IsReady(_inputTypes[i]))
                throw new EdgeLiteException(Status.InvalidShape, $"Input '{InputName(i)}' has the free shape {DescribeInput(i)}: choose one first, with Session.Resize, el_session_resize_input or --shape.");
        Plan();
        return _executor;
    }

    /// <summary>True when values of the type can be prepared for: a tensor's size is known, a list's elements come with each run.</summary>
    private static bool IsReady(TensorType type) => type.IsKnown || type.IsList && type.DType != DType.Undefined;

    private bool AllReady()
    {
        foreach (TensorType type in _inputTypes)
            if (!IsReady(type)) return false;
        return true;
    }

    private void ChooseState(int input, TensorType type)
    {
        _isPlanned &= _inputTypes[input] == type;
        _inputTypes[input] = type;
    }

    /// <summary>The state whose next value output <paramref name="i"/> is, or null.</summary>
    private StateBinding? StateOf(int i)
    {
        foreach (StateBinding state in _graph.States)
            if (state.Output == i) return state;
        return null;
    }

    private void CheckElements(int i, Tensor value)
    {
        TensorType declared = InputType(i);
        if (value.Kind != declared.Kind || value.DType != declared.DType)
            throw new EdgeLiteException(Status.InvalidType, $"Input '{InputName(i)}' is {declared}, got {value}.");
        Tensor[] elements = value.Elements;
        if (elements.Length > 0 && elements[0].IsList) elements = elements[0].Elements;
        foreach (Tensor element in elements)
            if (!declared.Shape.Admits(element.Shape))
                throw new EdgeLiteException(Status.InvalidShape, $"Input '{InputName(i)}' is {declared}, got an element of shape {element.Shape}.");
    }

    /// <summary>Makes the plan for the chosen types current. When they are refused, those of the last plan are chosen again.</summary>
    private void Plan()
    {
        try
        {
            _sizesAgree = false;
            Tensor[]? before = _executor.IsPrepared ? _executor.Inputs : null;
            _executor.Prepare(_inputTypes);
            foreach (StateBinding state in _graph.States)
            {
                Tensor now = _executor.Inputs[state.Input];
                if (before?[state.Input] is not { } old || old.Type != now.Type) now.Bytes.Clear();
                else if (!ReferenceEquals(old, now)) old.CopyTo(now);
            }
            _inputTypes.CopyTo(_plannedTypes, 0);
            _isPlanned = true;
        }
        catch
        {
            for (int i = 0; i < _inputTypes.Length; i++)
                if (_chosenTypes[i] == _inputTypes[i]) _chosenTypes[i] = _plannedTypes[i];
            _plannedTypes.CopyTo(_inputTypes, 0);
            _isPlanned = _executor.IsPrepared;
            throw;
        }
    }

    private static bool IsCopy(IStaticPlan plan, int step) => plan.KernelOf(step).StartsWith("copy/", StringComparison.Ordinal);

    private IStaticPlan StaticPlan() => Prepared().Static
        ?? throw new EdgeLiteException(Status.Unsupported, "This model's shapes depend on values, so it has no fixed list of steps.");

    private StepPlacement Placement(int node, string kernel) => new(_graph.Nodes[node].OperatorName, _graph.Nodes[node].Name, kernel);

    private int Find(string name, int[] values, string what)
    {
        for (int i = 0; i < values.Length; i++)
            if (_graph.Values[values[i]].Name == name) return i;
        throw new EdgeLiteException(Status.NotFound, $"The model has no {what} '{name}'; it has: {string.Join(", ", Array.ConvertAll(values, v => _graph.Values[v].Name))}.");
    }

    private static int Check(int i, int count, string what) => (uint)i < (uint)count ? i
        : throw new EdgeLiteException(Status.InvalidArgument, $"There is no {what} number {i}; the model has {count}.");
}

/// <summary>What one step of a run is, and the kernel that does it with its instruction set or device.</summary>
public sealed record StepPlacement(string Operator, string Node, string Kernel);

/// <summary>Time of one step: operator and node, the kernel that ran (with its instruction set), its output, shortest time in
/// microseconds. A node of several steps has its work at the first.</summary>
public sealed record StepProfile(string Operator, string Node, string Kernel, TensorType Output, double Microseconds)
{
    /// <summary>Multiplications and additions of a convolution or matrix product, computed directly; 0 for other operators.</summary>
    public double Operations { get; init; }

    /// <summary>Bytes of all inputs and outputs.</summary>
    public double Bytes { get; init; }
}
