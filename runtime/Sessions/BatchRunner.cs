using EdgeLite.Core;

namespace EdgeLite;

/// <summary>
/// One model on several devices: a batch is split along the first dimension of the inputs, each device runs its part on a thread of its own,
/// and the parts of the outputs are put together. The model must have a free batch, and outputs whose first dimension it is.
/// </summary>
public sealed class BatchRunner : IDisposable
{
    private sealed class Worker : IDisposable
    {
        public required Session Session { get; init; }
        public SemaphoreSlim Start { get; } = new(0);
        public SemaphoreSlim Done { get; } = new(0);
        public Thread? Thread { get; set; }
        public long First { get; set; }
        public long Count { get; set; }
        public Exception? Failure { get; set; }

        public void Dispose()
        {
            Session.Dispose();
            Start.Dispose();
            Done.Dispose();
        }
    }

    private readonly Worker[] _workers;
    private Tensor[] _inputs = [];
    private Tensor[] _outputs = [];
    private long _batch;
    private bool _stops;

    /// <param name="model">a model with a free batch</param>
    /// <param name="devices">names as in <see cref="SessionOptions.Device"/>: cuda:0, cuda:1, cpu; one may come several times</param>
    /// <param name="options">everything but the device</param>
    public BatchRunner(Model model, IReadOnlyList<string> devices, SessionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        if (devices.Count == 0) throw new EdgeLiteException(Status.InvalidArgument, "A batch needs one device at least.");
        var workers = new List<Worker>();
        try
        {
            foreach (string device in devices) workers.Add(new Worker { Session = model.CreateSession((options ?? new SessionOptions()) with { Device = device }) });
            CheckBatch(workers[0].Session);
        }
        catch
        {
            foreach (Worker worker in workers) worker.Dispose();
            throw;
        }
        _workers = [.. workers];
        foreach (Worker worker in _workers)
        {
            worker.Thread = new Thread(() => Work(worker)) { IsBackground = true, Name = "EdgeLite batch" };
            worker.Thread.Start();
        }
    }

    /// <summary>The outputs for these inputs, one a model input, all with the same first dimension; valid until the next run.</summary>
    public IReadOnlyList<Tensor> Run(params Tensor[] inputs)
    {
        Session any = _workers[0].Session;
        if (inputs.Length != any.InputCount) throw new EdgeLiteException(Status.InvalidArgument, $"The model has {any.InputCount} inputs, got {inputs.Length}.");
        _batch = inputs[0].Shape.Rank > 0 ? inputs[0].Shape[0] : 0;
        foreach (Tensor input in inputs)
            if (input.Shape.Rank == 0 || input.Shape[0] != _batch || _batch == 0)
                throw new EdgeLiteException(Status.InvalidShape, $"All inputs must have one batch as their first dimension, got {input} beside {inputs[0]}.");
        _inputs = inputs;
        for (int i = 0; i < _workers.Length; i++)
        {
            Worker worker = _workers[i];
            worker.First = _batch * i / _workers.Length;
            worker.Count = _batch * (i + 1) / _workers.Length - worker.First;
            worker.Failure = null;
        }
        Start(worker => worker.Count > 0);
        foreach (Worker worker in _workers)
            if (worker.Failure is { } failure) throw new EdgeLiteException((failure as EdgeLiteException)?.Status ?? Status.RuntimeFailure, $"{worker.Session.Device}: {failure.Message}", failure);
        Join();
        return _outputs;
    }

    public void Dispose()
    {
        if (_stops) return;
        _stops = true;
        foreach (Worker worker in _workers) worker.Start.Release();
        foreach (Worker worker in _workers) worker.Thread!.Join();
        foreach (Worker worker in _workers) worker.Dispose();
        foreach (Tensor output in _outputs) output.Dispose();
    }

    private static void CheckBatch(Session session)
    {
        for (int i = 0; i < session.InputCount; i++)
            if (session.InputType(i).IsList || session.InputType(i).Shape.Rank == 0 || session.InputType(i).Shape[0] >= 0)
                throw new EdgeLiteException(Status.Unsupported, $"Input '{session.InputName(i)}' has the shape {session.DescribeInput(i)}: its first dimension must be a free batch.");
    }

    private void Start(Predicate<Worker> takesPart)
    {
        foreach (Worker worker in _workers)
            if (takesPart(worker)) worker.Start.Release();
        foreach (Worker worker in _workers)
            if (takesPart(worker)) worker.Done.Wait();
    }

    private void Work(Worker worker)
    {
        while (true)
        {
            worker.Start.Wait();
            if (_stops) return;
            try
            {
                RunPart(worker);
            }
            catch (Exception e)
            {
                worker.Failure = e; // told to the caller of Run
            }
            worker.Done.Release();
        }
    }

    private void RunPart(Worker worker)
    {
        Session session = worker.Session;
        for (int i = 0; i < _inputs.Length; i++) session.Resize(i, _inputs[i].DType, _inputs[i].Shape.With(0, worker.Count));
        for (int i = 0; i < _inputs.Length; i++)
        {
            Span<byte> part = session.Input(i).Bytes;
            int row = part.Length / checked((int)worker.Count);
            _inputs[i].Bytes.Slice(checked((int)(worker.First * row)), part.Length).CopyTo(part);
        }
        session.Run();
    }

    private void Join()
    {
        Worker first = Array.Find(_workers, w => w.Count > 0)!;
        var outputs = new Tensor[first.Session.OutputCount];
        for (int o = 0; o < outputs.Length; o++)
        {
            Tensor part = first.Session.Output(o);
            if (part.Shape.Rank == 0 || part.Shape[0] != first.Count)
                throw new EdgeLiteException(Status.Unsupported, $"Output '{first.Session.OutputName(o)}' is {part} for a batch of {first.Count}: its first dimension must be the batch.");
            var type = new TensorType(part.DType, part.Shape.With(0, _batch));
            outputs[o] = o < _outputs.Length && _outputs[o].Type == type ? _outputs[o] : Tensor.OfType(type);
            int row = checked((int)(part.ByteLength / first.Count));
            foreach (Worker worker in _workers)
                if (worker.Count > 0) worker.Session.Output(o).Bytes.CopyTo(outputs[o].Bytes[checked((int)(worker.First * row))..]);
        }
        foreach (Tensor old in _outputs)
            if (Array.IndexOf(outputs, old) < 0) old.Dispose();
        _outputs = outputs;
    }
}
