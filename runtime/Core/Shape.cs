using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace EdgeLite.Core;

/// <summary>
/// Dimensions of a tensor, at most <see cref="MaxRank"/>. A dimension is a size (0 or more), or negative where it is not
/// known: <see cref="Unknown"/>, or a symbol of the graph (<c>-2 - index</c>), equal symbols being equal sizes.
/// A shape can also be unranked: nothing is known.
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    public const int MaxRank = 8;
    public const long Unknown = -1;

    [InlineArray(MaxRank)]
    private struct Dims
    {
        private long _first;
    }

    private readonly Dims _dims;
    private readonly sbyte _rankPlusOne;

    public Shape(params ReadOnlySpan<long> dims)
    {
        RequireRank(dims.Length);
        Dims copy = default; // dims may lie in the very shape that this one replaces
        dims.CopyTo(copy);
        _dims = copy;
        _rankPlusOne = (sbyte)(dims.Length + 1);
    }

    private static void RequireRank(int rank)
    {
        if (rank > MaxRank) throw new EdgeLiteException(Status.Unsupported, $"A tensor has {rank} dimensions; at most {MaxRank} are supported.");
    }

    public static Shape Unranked => default;
    public static Shape Scalar => new([]);

    /// <summary>A shape of the given rank of which no dimension is known.</summary>
    public static Shape OfRank(int rank)
    {
        RequireRank(rank);
        Span<long> dims = stackalloc long[MaxRank];
        dims.Fill(Unknown);
        return new Shape(dims[..rank]);
    }

    public static long Symbol(int index) => -2 - index;
    public static int SymbolIndex(long dim) => (int)(-2 - dim);

    public bool IsRanked => _rankPlusOne > 0;

    /// <summary>The number of dimensions; 0 for a scalar. An unranked shape has no rank (throws).</summary>
    public int Rank => IsRanked
        ? _rankPlusOne - 1
        : throw new EdgeLiteException(Status.InvalidShape, "The rank of a tensor was asked for that is not known yet.");

    public long this[int axis] => AsSpan()[axis];

    [UnscopedRef]
    public ReadOnlySpan<long> AsSpan() => ((ReadOnlySpan<long>)_dims)[..Math.Max(0, _rankPlusOne - 1)];

    /// <summary>True when the rank and every dimension are numbers.</summary>
    public bool IsKnown
    {
        get
        {
            if (!IsRanked) return false;
            foreach (long dim in AsSpan())
                if (dim < 0) return false;
            return true;
        }
    }

    /// <summary>More elements cannot be: their bits would not be counted by 64 bits, whatever their type.</summary>
    private const long MaxCount = long.MaxValue / 128;

    /// <summary>Number of elements of a known shape (throws where they are too many, or a dimension is not known).</summary>
    public long Count
    {
        get
        {
            long count = 1;
            foreach (long dim in AsSpan())
            {
                if (dim < 0) throw new EdgeLiteException(Status.InvalidShape, $"The size of shape {this} was asked for, which is not fully known.");
                if (dim > 0 && count > MaxCount / dim) throw new EdgeLiteException(Status.InvalidShape, $"Shape {this} is too large.");
                count *= dim;
            }
            return IsRanked ? count : throw new EdgeLiteException(Status.InvalidShape, "The size of an unranked tensor was asked for.");
        }
    }

    /// <summary>True when a tensor of the shape <paramref name="actual"/>, which is known, is one of this shape.</summary>
    public bool Admits(in Shape actual)
    {
        if (!IsRanked) return true;
        if (Rank != actual.Rank) return false;
        for (int i = 0; i < Rank; i++)
            if (this[i] >= 0 && this[i] != actual[i]) return false;
        return true;
    }

    /// <summary>Product of the dimensions [from, to).</summary>
    public long Product(int from, int to)
    {
        long product = 1;
        for (int i = from; i < to; i++)
            product = this[i] < 0 || product < 0 ? Unknown : checked(product * this[i]);
        return product;
    }

    public Shape With(int axis, long dim)
    {
        Span<long> dims = stackalloc long[MaxRank];
        AsSpan().CopyTo(dims);
        dims[axis] = dim;
        return new Shape(dims[..Rank]);
    }

    public bool Equals(Shape other) => _rankPlusOne == other._rankPlusOne && AsSpan().SequenceEqual(other.AsSpan());
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (long dim in AsSpan()) hash.Add(dim);
        return hash.ToHashCode();
    }

    public static bool operator ==(Shape left, Shape right) => left.Equals(right);
    public static bool operator !=(Shape left, Shape right) => !left.Equals(right);

    /// <summary><c>[1,3,?,s0]</c>; symbols print as s and their index.</summary>
    public override string ToString()
    {
        if (!IsRanked) return "[*]";
        var text = new StringBuilder("[");
        for (int i = 0; i < Rank; i++)
        {
            if (i > 0) text.Append(',');
            long dim = this[i];
            if (dim >= 0) text.Append(dim);
            else if (dim == Unknown) text.Append('?');
            else text.Append('s').Append(SymbolIndex(dim));
        }
        return text.Append(']').ToString();
    }
}

/// <summary>What a value is: a tensor, or a list of them as ONNX's sequences and optional values are. The numbers are stored in
/// model files.</summary>
public enum ValueKind : byte
{
    Tensor = 0,

    /// <summary>Any number of tensors of one element type.</summary>
    Sequence = 1,

    /// <summary>No tensor or one.</summary>
    Optional = 2,

    /// <summary>No sequence or one.</summary>
    OptionalSequence = Optional | Sequence,
}

/// <summary>What is known of a value before it is computed. For a list (see <see cref="ValueKind"/>) element type and shape are
/// those that its tensors share.</summary>
public readonly record struct TensorType(DType DType, Shape Shape, ValueKind Kind = ValueKind.Tensor)
{
    /// <summary>True for a tensor whose size is known, so that memory can be given to it beforehand; never for a list.</summary>
    public bool IsKnown => Kind == ValueKind.Tensor && DType != DType.Undefined && Shape.IsKnown;

    public bool IsList => Kind != ValueKind.Tensor;
    public long ByteLength => DType.ByteLength(Shape.Count);

    public bool Equals(TensorType other) => DType == other.DType && Kind == other.Kind && Shape == other.Shape;

    /// <summary>By hand: the compiler's boxes both enumerations, and a boxed one takes in all of .NET that names its values.</summary>
    public override int GetHashCode() => Shape.GetHashCode() ^ (int)DType << 8 ^ (int)Kind;

    public override string ToString()
    {
        string element = DType.Name() + Shape;
        return Kind switch
        {
            ValueKind.Sequence => $"seq({element})",
            ValueKind.Optional => $"optional({element})",
            ValueKind.OptionalSequence => $"optional(seq({element}))",
            _ => element,
        };
    }
}
