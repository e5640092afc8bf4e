using EdgeLite.Core;

namespace EdgeLite.Converter.Ir;

/// <summary>
/// The symbols of a graph beside those that its inputs name: polynomials of others, each one symbol, quotients rounded down, the smaller of a
/// size and a number, and sizes of single values of which nothing is known. They lie behind <see cref="First"/> and are not in <see cref="Graph.Symbols"/>.
/// </summary>
internal sealed class DerivedSizes(List<string> named)
{
    /// <summary>The index of the first one.</summary>
    private const int First = 1 << 24;

    /// <summary>Longer expressions are nothing to read.</summary>
    private const int LongestName = 48;

    private readonly List<string?> _names = [];
    private readonly Dictionary<Polynomial, long> _dims = [];
    private readonly Dictionary<long, Polynomial> _polynomials = [];
    private readonly Dictionary<(Polynomial, long), long> _quotients = [], _least = [];
    private readonly Dictionary<long, (Polynomial Size, long Number)> _leastOf = [];

    /// <summary>Takes over what another graph, of the same named symbols, knows.</summary>
    public void CopyFrom(DerivedSizes other)
    {
        _names.AddRange(other._names);
        foreach ((Polynomial size, long dim) in other._dims) _dims[size] = dim;
        foreach ((long dim, Polynomial size) in other._polynomials) _polynomials[dim] = size;
        foreach (((Polynomial, long) quotient, long dim) in other._quotients) _quotients[quotient] = dim;
        foreach (((Polynomial, long) least, long dim) in other._least) _least[least] = dim;
        foreach ((long dim, (Polynomial, long) least) in other._leastOf) _leastOf[dim] = least;
    }

    /// <summary>The size of a dimension, or null for one that is not known.</summary>
    public Polynomial? Of(long dim) => dim >= 0 ? Polynomial.Of(dim) : dim == Shape.Unknown ? null : _polynomials.GetValueOrDefault(dim) ?? Polynomial.OfSymbol(dim);

    /// <summary>The dimension of a size: a number, or the symbol that stands for it.</summary>
    public long Dim(Polynomial? size)
    {
        if (size == null || size.Number < 0) return Shape.Unknown;
        if (size.Number is { } number) return number;
        if (size.Symbol is { } symbol) return symbol;
        if (_dims.TryGetValue(size, out long dim)) return dim;
        string? name = Text(size);
        // Exporters name inputs' dimensions by sums, too: "past_sequence_length + sequence_length".
        dim = name != null && named.IndexOf(name) is >= 0 and var index ? Shape.Symbol(index) : Add(name);
        _dims[size] = dim;
        _polynomials[dim] = size;
        return dim;
    }

    /// <summary>size / divisor, rounded down.</summary>
    public Polynomial? Floor(Polynomial? size, long divisor)
    {
        if (size == null || divisor < 1) return null;
        (Polynomial divided, Polynomial rest) = size.Split(divisor);
        if (rest.Number is { } number) return Polynomial.Sum(divided, Polynomial.Of((number - (number % divisor + divisor) % divisor) / divisor));
        if (!_quotients.TryGetValue((rest, divisor), out long dim))
            _quotients[(rest, divisor)] = dim = Add(Text(rest) is { } text ? $"floor(({text})/{divisor})" : null);
        return Polynomial.Sum(divided, Polynomial.OfSymbol(dim));
    }

    /// <summary>The smaller of a size and a number.</summary>
    public Polynomial? Least(Polynomial? size, long number)
    {
        if (size == null || number < 0) return null;
        if (size.Number is { } known) return Polynomial.Of(Math.Min(known, number));
        if (!_least.TryGetValue((size, number), out long dim))
        {
            _least[(size, number)] = dim = Add(Text(size) is { } text ? $"min({text}, {number})" : null);
            _leastOf[dim] = (size, number);
        }
        return Polynomial.OfSymbol(dim);
    }

    /// <summary>True for the smaller of <paramref name="size"/> and a number above 1. Broadcasting it against the size gives the size, or is an
    /// error: it is 1 only where the size is.</summary>
    public bool IsLeast(Polynomial least, Polynomial size) => least.Symbol is { } dim && _leastOf.TryGetValue(dim, out (Polynomial Size, long Number) of) && of.Number > 1 && of.Size.Equals(size);

    /// <summary>A symbol for a size of which nothing is known.</summary>
    public long Fresh() => Add(null);

    /// <summary>The name of a dimension that is no number; null where it has none.</summary>
    public string? Name(long dim) => Shape.SymbolIndex(dim) is var index && index < First ? named[index] : _names[index - First];

    private string? Text(Polynomial size)
    {
        bool isNamed = true;
        string text = size.Text(dim =>
        {
            string? name = Name(dim);
            isNamed &= name != null;
            return name ?? "";
        });
        return isNamed ? text : null;
    }

    private long Add(string? name)
    {
        _names.Add(name?.Length > LongestName ? null : name);
        return Shape.Symbol(First + _names.Count - 1);
    }
}
