using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Walks the positions of a row-major shape and keeps the element offset of an operand whose strides differ from
/// those of the shape: 0 on broadcast dimensions, permuted for a transpose, scaled or negative for a slice.</summary>
internal unsafe struct StridedCursor
{
    private fixed long _dims[Shape.MaxRank];
    private fixed long _strides[Shape.MaxRank];
    private fixed long _index[Shape.MaxRank];
    private readonly int _rank;

    public StridedCursor(ReadOnlySpan<long> dims, ReadOnlySpan<long> strides, long start = 0)
    {
        _rank = dims.Length;
        for (int i = 0; i < _rank; i++)
        {
            _dims[i] = dims[i];
            _strides[i] = strides[i];
        }
        Offset = start;
    }

    /// <summary>Element offset in the operand at the present position.</summary>
    public long Offset { get; private set; }

    /// <summary>An operand read under NumPy broadcasting while the result is written in order.</summary>
    public static StridedCursor Broadcast(Shape operand, Shape result)
    {
        Span<long> own = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank];
        RowMajor(operand.AsSpan(), own);
        int lead = result.Rank - operand.Rank;
        for (int i = 0; i < result.Rank; i++) strides[i] = i < lead || operand[i - lead] == 1 ? 0 : own[i - lead];
        return new StridedCursor(result.AsSpan(), strides[..result.Rank]);
    }

    /// <summary>Fills in the strides, in elements, of a dense row-major tensor.</summary>
    public static void RowMajor(ReadOnlySpan<long> dims, Span<long> strides)
    {
        long stride = 1;
        for (int i = dims.Length - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= dims[i];
        }
    }

    /// <summary>Coordinate of the present position along one dimension.</summary>
    public long Index(int axis) => _index[axis];

    /// <summary>Goes to the next position; after the last one it is back at the first.</summary>
    public void Next()
    {
        for (int d = _rank - 1; d >= 0; d--)
        {
            Offset += _strides[d];
            if (++_index[d] < _dims[d]) return;
            Offset -= _strides[d] * _dims[d];
            _index[d] = 0;
        }
    }
}
