using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>What an operator's shape rule sees: types of its inputs, the values of those that are constant, and where to put the
/// types of its outputs. Used by the converter (symbolic dimensions) and by the runtime (numbers) alike.</summary>
public sealed class InferContext
{
    private TensorType[] _inputs = [];
    private bool[] _present = [];
    private Tensor?[] _constants = [];
    private TensorType[] _outputs = [];
    private object _where = "";

    /// <summary>Starts a new inference; arrays grow once and are reused. <paramref name="where"/> becomes text only in a message.</summary>
    public void Reset(object where, int inputs, int outputs)
    {
        if (_inputs.Length < inputs)
        {
            _inputs = new TensorType[inputs];
            _present = new bool[inputs];
            _constants = new Tensor?[inputs];
        }
        if (_outputs.Length < outputs) _outputs = new TensorType[outputs];
        Array.Clear(_present);
        Array.Clear(_constants);
        Array.Clear(_outputs);
        InputCount = inputs;
        OutputCount = outputs;
        _where = where;
    }

    public void SetInput(int i, TensorType type, Tensor? constant)
    {
        _inputs[i] = type;
        _present[i] = true;
        _constants[i] = constant;
    }

    /// <summary>Inputs that the node lists, absent optional ones in between included.</summary>
    public int InputCount { get; private set; }

    /// <summary>Outputs that the node lists.</summary>
    public int OutputCount { get; private set; }

    public bool HasInput(int i) => i < InputCount && _present[i];

    public TensorType Input(int i) => HasInput(i) ? _inputs[i] : throw Error($"input {i} is missing");
    public Shape Shape(int i) => Input(i).Shape;
    public DType DType(int i) => Input(i).DType;

    /// <summary>The value of input <paramref name="i"/> when it is known before the model runs, otherwise null.</summary>
    public Tensor? Constant(int i) => HasInput(i) ? _constants[i] : null;

    /// <summary>The known value of a small integer input as an array, otherwise null.</summary>
    public long[]? ConstantInts(int i) => Constant(i)?.ToInt64Array();

    public TensorType Output(int i) => _outputs[i];

    public void SetOutput(int i, DType dtype, Shape shape)
    {
        if (i < OutputCount) _outputs[i] = new TensorType(dtype, shape);
    }

    public void SetOutput(int i, TensorType type)
    {
        if (i < OutputCount) _outputs[i] = type;
    }

    /// <summary>The type of an input that must be a sequence.</summary>
    public TensorType Sequence(int i)
    {
        TensorType type = Input(i);
        return type.Kind == ValueKind.Sequence ? type : throw Error($"input {i} is {type}; a sequence is expected");
    }

    /// <summary>The type of an input that must be a tensor; only operators that take lists have to ask.</summary>
    public TensorType Tensor(int i)
    {
        TensorType type = Input(i);
        return type.IsList ? throw Error($"input {i} is {type}; a tensor is expected") : type;
    }

    /// <summary>An axis counted from the end when negative, checked against the rank.</summary>
    public int Axis(long axis, int rank)
    {
        long actual = axis < 0 ? axis + rank : axis;
        return actual >= 0 && actual < rank ? (int)actual : throw Error($"axis {axis} is outside a tensor of {rank} dimensions");
    }

    /// <summary>An exception whose message starts with operator and node: <c>Conv 'stem/conv': </c>.</summary>
    public EdgeLiteException Error(string message) => new(Status.InvalidGraph, $"{_where}: {message}.");

    /// <summary>NumPy broadcasting of two shapes. An unknown dimension against 1 is unknown, against n &gt; 1 is n.</summary>
    public Shape Broadcast(Shape a, Shape b)
    {
        if (!a.IsRanked || !b.IsRanked) return Core.Shape.Unranked;
        int rank = Math.Max(a.Rank, b.Rank);
        Span<long> dims = stackalloc long[Core.Shape.MaxRank];
        for (int i = 0; i < rank; i++)
        {
            long da = i < rank - a.Rank ? 1 : a[i - rank + a.Rank];
            long db = i < rank - b.Rank ? 1 : b[i - rank + b.Rank];
            dims[i] = da == db || db == 1 ? da
                : da == 1 ? db
                : da < 0 && db < 0 ? Core.Shape.Unknown
                : da < 0 ? db
                : db < 0 ? da
                : throw Error($"shapes {a} and {b} do not broadcast (dimension {i}: {da} against {db})");
        }
        return new Shape(dims[..rank]);
    }

    /// <summary>The dimension that two inputs must share: the known one wins, two different numbers are an error.</summary>
    public long Unify(long a, long b, string what)
    {
        if (a == b) return a;
        if (a < 0) return b;
        if (b < 0) return a;
        throw Error($"{what}: {a} against {b}");
    }
}
