using System.Diagnostics.CodeAnalysis;
using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The numbers are stored in model files.</summary>
public enum AttributeKind : byte
{
    Int = 1,
    Float = 2,
    String = 3,
    Ints = 4,
    Floats = 5,
    Strings = 6,
    Tensor = 7,
    Graph = 8,
}

public static class AttributeKinds
{
    /// <summary>The name used in messages: <c>int</c>, <c>floats</c>, <c>tensor</c> ...</summary>
    public static string Name(this AttributeKind kind) => kind switch
    {
        AttributeKind.Int => "int",
        AttributeKind.Float => "float",
        AttributeKind.String => "string",
        AttributeKind.Ints => "ints",
        AttributeKind.Floats => "floats",
        AttributeKind.Strings => "strings",
        AttributeKind.Tensor => "tensor",
        AttributeKind.Graph => "graph",
        _ => "none",
    };
}

/// <summary>The value of one attribute; immutable.</summary>
public sealed class AttributeValue
{
    private readonly object? _object;
    private readonly long _int;
    private readonly float _float;

    private AttributeValue(AttributeKind kind, object? value, long i, float f)
    {
        Kind = kind;
        _object = value;
        _int = i;
        _float = f;
    }

    public AttributeKind Kind { get; }
    public long Int => Kind == AttributeKind.Int ? _int : Wrong<long>(AttributeKind.Int);
    public float Float => Kind == AttributeKind.Float ? _float : Kind == AttributeKind.Int ? _int : Wrong<float>(AttributeKind.Float);
    public string String => _object as string ?? Wrong<string>(AttributeKind.String);
    public long[] Ints => _object as long[] ?? Wrong<long[]>(AttributeKind.Ints);
    public float[] Floats => _object as float[] ?? Wrong<float[]>(AttributeKind.Floats);
    public string[] Strings => _object as string[] ?? Wrong<string[]>(AttributeKind.Strings);
    public Tensor Tensor => _object as Tensor ?? Wrong<Tensor>(AttributeKind.Tensor);
    public ISubgraph Graph => _object as ISubgraph ?? Wrong<ISubgraph>(AttributeKind.Graph);

    public static implicit operator AttributeValue(long value) => new(AttributeKind.Int, null, value, 0);
    public static implicit operator AttributeValue(float value) => new(AttributeKind.Float, null, 0, value);
    public static implicit operator AttributeValue(string value) => new(AttributeKind.String, value, 0, 0);
    public static implicit operator AttributeValue(long[] value) => new(AttributeKind.Ints, value, 0, 0);
    public static implicit operator AttributeValue(float[] value) => new(AttributeKind.Floats, value, 0, 0);
    public static implicit operator AttributeValue(string[] value) => new(AttributeKind.Strings, value, 0, 0);
    public static implicit operator AttributeValue(Tensor value) => new(AttributeKind.Tensor, value, 0, 0);
    public static AttributeValue OfGraph(ISubgraph value) => new(AttributeKind.Graph, value, 0, 0);

    /// <summary>Equality of content; tensors and graphs compare by identity.</summary>
    public bool ContentEquals(AttributeValue other)
    {
        if (Kind != other.Kind) return false;
        return Kind switch
        {
            AttributeKind.Int => _int == other._int,
            AttributeKind.Float => _float.Equals(other._float),
            AttributeKind.String => String == other.String,
            AttributeKind.Ints => Ints.AsSpan().SequenceEqual(other.Ints),
            AttributeKind.Floats => Floats.AsSpan().SequenceEqual(other.Floats),
            AttributeKind.Strings => Strings.AsSpan().SequenceEqual(other.Strings),
            _ => ReferenceEquals(_object, other._object),
        };
    }

    [DoesNotReturn]
    private T Wrong<T>(AttributeKind wanted) =>
        throw new EdgeLiteException(Status.InvalidGraph, $"an attribute of kind {wanted.Name()} was expected, got {Kind.Name()}");
}

/// <summary>Attributes by name, in the order they were set. Small: a linear search beats a dictionary here.</summary>
public sealed class AttributeSet
{
    private readonly List<KeyValuePair<string, AttributeValue>> _items;

    public AttributeSet() => _items = [];

    internal AttributeSet(int capacity) => _items = new(capacity);

    /// <summary>A set written in one expression.</summary>
    public static AttributeSet Of(params ReadOnlySpan<(string Name, AttributeValue Value)> items)
    {
        var set = new AttributeSet(items.Length);
        foreach ((string name, AttributeValue value) in items) set[name] = value;
        return set;
    }

    public int Count => _items.Count;
    public IReadOnlyList<KeyValuePair<string, AttributeValue>> Items => _items;

    /// <summary>For foreach without an object of its own.</summary>
    public List<KeyValuePair<string, AttributeValue>>.Enumerator GetEnumerator() => _items.GetEnumerator();

    public AttributeValue this[string name]
    {
        get => Find(name) ?? throw new EdgeLiteException(Status.InvalidGraph, $"attribute '{name}' is missing");
        set
        {
            int i = IndexOf(name);
            if (i >= 0) _items[i] = new(name, value);
            else _items.Add(new(name, value));
        }
    }

    public AttributeValue? Find(string name)
    {
        int i = IndexOf(name);
        return i >= 0 ? _items[i].Value : null;
    }

    public bool Has(string name) => IndexOf(name) >= 0;
    public long Int(string name, long otherwise) => Find(name)?.Int ?? otherwise;
    public float Float(string name, float otherwise) => Find(name)?.Float ?? otherwise;
    public string String(string name, string otherwise) => Find(name)?.String ?? otherwise;
    public long[]? Ints(string name) => Find(name)?.Ints;
    public float[]? Floats(string name) => Find(name)?.Floats;

    public bool Remove(string name)
    {
        int i = IndexOf(name);
        if (i >= 0) _items.RemoveAt(i);
        return i >= 0;
    }

    public AttributeSet Clone()
    {
        var copy = new AttributeSet();
        copy._items.AddRange(_items);
        return copy;
    }

    private int IndexOf(string name)
    {
        for (int i = 0; i < _items.Count; i++)
            if (_items[i].Key == name) return i;
        return -1;
    }
}

/// <summary>Hands attributes to an operator's generated <c>Bind</c>, the present value of a property where one is absent, and refuses
/// those that nobody asked for. <paramref name="where"/> becomes text only in a message.</summary>
public sealed class AttributeReader(AttributeSet attributes, object where)
{
    private int _taken;

    public long Int(string name, long otherwise) => Take(name)?.Int ?? otherwise;
    public long? OptionalInt(string name, long? otherwise) => Take(name)?.Int ?? otherwise;
    public bool Bool(string name, bool otherwise) => Take(name) is { } value ? value.Int != 0 : otherwise;
    public float Float(string name, float otherwise) => Take(name)?.Float ?? otherwise;
    public float? OptionalFloat(string name, float? otherwise) => Take(name)?.Float ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public string? String(string name, string? otherwise) => Take(name)?.String ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public long[]? Ints(string name, long[]? otherwise) => Take(name)?.Ints ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public float[]? Floats(string name, float[]? otherwise) => Take(name)?.Floats ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public string[]? Strings(string name, string[]? otherwise) => Take(name)?.Strings ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public Tensor? Tensor(string name, Tensor? otherwise) => Take(name)?.Tensor ?? otherwise;

    [return: NotNullIfNotNull(nameof(otherwise))]
    public ISubgraph? Graph(string name, ISubgraph? otherwise) => Take(name)?.Graph ?? otherwise;

    /// <summary>The attributes as they are, for an operator that takes any.</summary>
    public AttributeSet All() => attributes;

    /// <summary>Throws when a required attribute of the operator is missing or the set holds one that is not the operator's.</summary>
    public void Finish(OperatorDefinition definition)
    {
        foreach (OperatorAttributeInfo info in definition.Attributes)
            if (info.Required && !attributes.Has(info.Name)) throw new EdgeLiteException(Status.InvalidGraph, $"{where}: required attribute '{info.Name}' is missing.");
        if (_taken == attributes.Count) return;
        foreach (var (name, _) in attributes)
        {
            bool found = false;
            foreach (OperatorAttributeInfo info in definition.Attributes) found |= info.Name == name;
            if (!found) throw new EdgeLiteException(Status.InvalidGraph, $"{where}: attribute '{name}' is not one of this operator's.");
        }
    }

    private AttributeValue? Take(string name)
    {
        AttributeValue? value = attributes.Find(name);
        if (value != null) _taken++;
        return value;
    }
}
