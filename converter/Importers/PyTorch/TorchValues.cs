using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>A tensor that the code computes with. Python variables share it, so that an in-place operator is seen through all of them.</summary>
internal sealed class TorchBox(Value value)
{
    private static long s_made;

    public Value Value { get; set; } = value;

    /// <summary>Grows from tensor to tensor: tells which were there before a loop began.</summary>
    public long Serial { get; } = Interlocked.Increment(ref s_made);

    /// <summary>The tensor that this one is a view of, as far as in-place operators matter.</summary>
    public TorchBox? ViewOf { get; init; }

    /// <summary>Makes the view again from the tensor it is a view of; null where that is not followed.</summary>
    public Func<Value, Value>? Again { get; init; }

    /// <summary>(whole, view): the tensor that this one is a view of, with the view's elements put in; null where that is not followed.</summary>
    public Func<Value, Value, Value>? PutBack { get; init; }

    /// <summary>Counts changes in place.</summary>
    public int Version { get; set; }

    /// <summary>Version of <see cref="ViewOf"/> that this view shows.</summary>
    public int Seen { get; set; }

    /// <summary>True once a view of this tensor was changed in place in a way that is not followed.</summary>
    public bool IsStale { get; set; }
}

internal enum ScalarKind { Int, Float, Bool }

/// <summary>A Python number that is known only when the model runs: a scalar tensor of int64, float32 or bool. It may be
/// the size of a tensor along an axis.</summary>
internal sealed record TorchScalar(Value Value, ScalarKind Kind, Value? SizeOf = null, int Axis = 0);

/// <summary>A Python list, which can change.</summary>
internal sealed class TorchList(IEnumerable<object?> items)
{
    /// <summary>The elements; of a list that a loop of unknown length appended to, those from before it.</summary>
    public List<object?> Known { get; } = [.. items];

    public List<object?> Items => Added == null && Steps == null ? Known
        : throw new EdgeLiteException(Status.Unsupported, "A list is read that a loop appends to, so that its length is known only when the model runs; it can be stacked or concatenated.");

    /// <summary>What this round appended, while the body of a loop that depends on data runs.</summary>
    public List<object?>? Added { get; set; }

    /// <summary>How many rounds, each of which appends one element, were before this one.</summary>
    public TorchScalar? Round { get; set; }

    /// <summary>What the rounds of such a loop appended, stacked: [rounds, ...].</summary>
    public Value? Steps { get; set; }

    public void Append(object? item) => (Added ?? Items).Add(item);
}

/// <summary>A complex tensor.</summary>
internal sealed record TorchComplex(TorchBox Real, TorchBox Imaginary);

/// <summary>A quantized tensor: (integers - zero point) * scale, with one scale and zero point, or one for each index of an axis.</summary>
internal sealed record TorchQuantized(TorchBox Integers, Tensor Scale, Tensor ZeroPoint, int Axis = 0);

/// <summary>A packed sequence (torch.nn.utils.rnn.pack_padded_sequence) as it was before it was packed.</summary>
/// <param name="Padded">[T, N, C]</param>
/// <param name="Lengths">int64 [N]: how many steps each one has</param>
internal sealed record TorchPacked(Value Padded, Value Lengths);

/// <summary>A Python tuple.</summary>
internal sealed record TorchTuple(object?[] Items);

/// <summary>A Python dict.</summary>
internal sealed class TorchDict
{
    public List<KeyValuePair<object?, object?>> Items { get; } = [];
}

/// <summary>A module of the model, or another object of a class of the archive.</summary>
internal sealed class TorchObject(string type)
{
    public string Type { get; } = type;

    /// <summary>Path from the model to this module ("features.0"); empty for the model itself.</summary>
    public string Path { get; set; } = "";

    public Dictionary<string, object?> Attributes { get; } = new(StringComparer.Ordinal);

    /// <summary>True where the file told the attributes, in the order of the class.</summary>
    public bool IsOrdered { get; set; }

    /// <summary>The state of an object that is no dict of attributes (packed parameters of mobile operators).</summary>
    public object? State { get; set; }
}

/// <summary>A dotted name that is not a variable: an operator, a function or a class.</summary>
internal sealed record TorchPath(string Name);

/// <summary>A method of an object.</summary>
internal sealed record TorchMethod(TorchObject Self, string Name);

/// <summary>A value that could not be made; whoever needs it says why.</summary>
internal sealed record TorchAbsent(string Reason);

/// <summary>The code raises a Python exception here.</summary>
internal sealed class TorchRaise(string text) : Exception(text);
