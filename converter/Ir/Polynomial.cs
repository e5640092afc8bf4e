namespace EdgeLite.Converter.Ir;

/// <summary>
/// A whole number that depends on free dimensions: a sum of products of symbols with whole coefficients, in one order, so that equal
/// polynomials are equal numbers. What becomes too long or too large is null, which stands for a number that is not known.
/// </summary>
internal sealed class Polynomial : IEquatable<Polynomial>
{
    private const int MaxTerms = 8, MaxFactors = 6;

    private readonly (long[] Factors, long Coefficient)[] _terms;

    private Polynomial((long[] Factors, long Coefficient)[] terms) => _terms = terms;

    public static Polynomial Of(long number) => new(number == 0 ? [] : [([], number)]);

    public static Polynomial OfSymbol(long dim) => new([([dim], 1)]);

    /// <summary>The number, where no symbol is in it.</summary>
    public long? Number => _terms is [] ? 0 : _terms is [([], var number)] ? number : null;

    /// <summary>The symbol, where it is one alone.</summary>
    public long? Symbol => _terms is [([var dim], 1)] ? dim : null;

    /// <summary>True where no sizes make it negative.</summary>
    public bool IsNotNegative => _terms.All(t => t.Coefficient > 0);

    /// <summary>True where no sizes make it 0 or less.</summary>
    public bool IsPositive => IsNotNegative && _terms.Any(t => t.Factors.Length == 0);

    /// <summary>a + factor * b</summary>
    public static Polynomial? Sum(Polynomial? a, Polynomial? b, long factor = 1) =>
        a == null || b == null ? null : Ordered(a._terms.Select(t => (t.Factors, (Int128)t.Coefficient)).Concat(b._terms.Select(t => (t.Factors, (Int128)t.Coefficient * factor))));

    public static Polynomial? Difference(Polynomial? a, Polynomial? b) => Sum(a, b, -1);

    public static Polynomial? Product(Polynomial? a, Polynomial? b) =>
        a == null || b == null ? null : Ordered(a._terms.SelectMany(s => b._terms.Select(t => ((long[])[.. s.Factors.Concat(t.Factors).Order()], (Int128)s.Coefficient * t.Coefficient))));

    public static Polynomial? Product(IEnumerable<Polynomial?> factors) => factors.Aggregate((Polynomial?)Of(1), Product);

    /// <summary>The quotient where the division leaves nothing for any sizes.</summary>
    public static Polynomial? Quotient(Polynomial? a, Polynomial? b)
    {
        if (a == null || b == null || b._terms is not [var divisor]) return a != null && a.Equals(b) && a.IsPositive ? Of(1) : null;
        var terms = new List<(long[], Int128)>();
        foreach ((long[] factors, long coefficient) in a._terms)
        {
            var left = new List<long>(factors);
            if (divisor.Factors.Any(f => !left.Remove(f)) || coefficient % divisor.Coefficient != 0) return null;
            terms.Add(([.. left], coefficient / divisor.Coefficient));
        }
        return Ordered(terms);
    }

    /// <summary>The terms that a number divides, divided, and the others.</summary>
    public (Polynomial Divided, Polynomial Left) Split(long divisor) =>
        (new([.. _terms.Where(t => t.Coefficient % divisor == 0).Select(t => (t.Factors, t.Coefficient / divisor))]), new([.. _terms.Where(t => t.Coefficient % divisor != 0)]));

    public bool Equals(Polynomial? other) =>
        other != null && _terms.Length == other._terms.Length && _terms.Zip(other._terms).All(p => p.First.Coefficient == p.Second.Coefficient && p.First.Factors.SequenceEqual(p.Second.Factors));

    public override bool Equals(object? obj) => Equals(obj as Polynomial);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach ((long[] factors, long coefficient) in _terms)
        {
            hash.Add(coefficient);
            foreach (long factor in factors) hash.Add(factor);
        }
        return hash.ToHashCode();
    }

    /// <summary><c>2*length + past - 1</c></summary>
    public string Text(Func<long, string> symbol)
    {
        var text = new System.Text.StringBuilder();
        foreach ((string product, long coefficient) in _terms.Select(t => (Product: string.Join('*', t.Factors.Select(symbol).Order(StringComparer.Ordinal)), t.Coefficient))
            .OrderBy(t => t.Product.Length == 0).ThenBy(t => t.Product, StringComparer.Ordinal))
        {
            UInt128 size = (UInt128)Int128.Abs(coefficient);
            text.Append(text.Length > 0 ? coefficient < 0 ? " - " : " + " : coefficient < 0 ? "-" : "");
            if (size != 1 || product.Length == 0) text.Append(size);
            if (product.Length > 0) text.Append(size != 1 ? "*" : "").Append(product);
        }
        return text.Length > 0 ? text.ToString() : "0";
    }

    private static Polynomial? Ordered(IEnumerable<(long[] Factors, Int128 Coefficient)> terms)
    {
        var sums = new SortedDictionary<long[], Int128>(Comparer<long[]>.Create((a, b) => a.AsSpan().SequenceCompareTo(b)));
        foreach ((long[] factors, Int128 coefficient) in terms) sums[factors] = sums.GetValueOrDefault(factors) + coefficient;
        (long[] Factors, Int128 Coefficient)[] kept = [.. sums.Where(s => s.Value != 0).Select(s => (s.Key, s.Value))];
        if (kept.Length > MaxTerms || kept.Any(t => t.Factors.Length > MaxFactors || Int128.Abs(t.Coefficient) > long.MaxValue)) return null;
        return new([.. kept.Select(t => (t.Factors, (long)t.Coefficient))]);
    }
}
