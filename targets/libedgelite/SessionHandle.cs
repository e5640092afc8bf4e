using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Native;

/// <summary>A session, its names as C texts, and the guard that lets one call in at a time.</summary>
internal sealed unsafe class SessionHandle
{
    private readonly ModelHandle _model;
    private readonly NativeText _texts = new();
    private readonly bool[] _resized;
    private int _busy;
    private bool _hasRun;

    public SessionHandle(ModelHandle model, SessionOptions options)
    {
        model.Retain();
        try
        {
            Session = model.Model.CreateSession(options);
        }
        catch
        {
            model.Release();
            throw;
        }
        _model = model;
        _resized = new bool[Session.InputCount];
    }

    public Session Session { get; }

    public nint InputName(int i) => _texts.AddressOf(Session.InputName(i));
    public nint OutputName(int i) => _texts.AddressOf(Session.OutputName(i));

    /// <summary>The declared type, until a size was chosen.</summary>
    public TensorType InputType(int i) => _resized[CheckInput(i)] ? Session.ChosenInputType(i) : Session.InputType(i);

    /// <summary>What is known of an output: its actual type when it has one, otherwise what the converter knew.</summary>
    public TensorType OutputType(int i)
    {
        CheckOutput(i);
        return _hasRun || (Session.IsPrepared && Session.IsStatic) ? Session.Output(i).Type : Session.OutputType(i);
    }

    /// <summary>Size of an output in bytes, once it has one.</summary>
    public nuint OutputBytes(int i)
    {
        TensorType type = OutputType(i);
        return type.IsKnown ? (nuint)type.ByteLength
            : throw new EdgeLiteException(Status.InvalidState, $"Output '{Session.OutputName(i)}' has no size before the first run.");
    }

    public void Resize(int i, Shape shape)
    {
        TensorType old = InputType(i);
        if (!shape.IsKnown) throw new EdgeLiteException(Status.InvalidShape, $"Input '{Session.InputName(i)}': shape {shape} has a negative dimension.");
        if (old.Shape == shape) return;
        Session.Resize(i, shape);
        _resized[i] = true;
        _hasRun = false;
    }

    public Tensor Input(int i) => Numbers(Session.Input(CheckInput(i)), Session.InputName(i));

    public Tensor Output(int i)
    {
        CheckOutput(i);
        if (!_hasRun) throw new EdgeLiteException(Status.InvalidState, $"Output '{Session.OutputName(i)}' has no value: call el_session_run first.");
        return Numbers(Session.Output(i), Session.OutputName(i));
    }

    public void Run()
    {
        _hasRun = false;
        Session.Run();
        _hasRun = true;
    }

    public StateBinding State(int i) => Session.States[Check(i, Session.States.Count, "state")];

    public void Enter()
    {
        if (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
            throw new EdgeLiteException(Status.InvalidState, "The session is in use by another thread: one call at a time, or a session for each thread.");
    }

    public void Leave() => Volatile.Write(ref _busy, 0);

    /// <summary>To be called once, after <see cref="Enter"/>, which is never left again: a call that is late finds it busy.</summary>
    public void Close()
    {
        Session.Dispose();
        _texts.Dispose();
        _model.Release();
    }

    private static Tensor Numbers(Tensor tensor, string name) => tensor.DType != DType.String && !tensor.IsList ? tensor
        : throw new EdgeLiteException(Status.Unsupported, $"'{name}' is {tensor}, which has no memory that C could see; use the C# API for this model.");

    private int CheckInput(int i) => Check(i, Session.InputCount, "input");
    private int CheckOutput(int i) => Check(i, Session.OutputCount, "output");

    private static int Check(int i, int count, string what) => (uint)i < (uint)count ? i
        : throw new EdgeLiteException(Status.InvalidArgument, $"There is no {what} number {i}; the model has {count}.");
}
