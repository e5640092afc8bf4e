using System.Runtime.CompilerServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cpu;

/// <summary><c>int64_t[EL_MAX_RANK]</c> in a kernel's parameter block.</summary>
[InlineArray(Shape.MaxRank)]
internal struct Dims
{
    private long _first;

    /// <summary>Sizes of a shape, leading dimensions first, the rest 0.</summary>
    public static Dims Of(Shape shape)
    {
        Dims dims = default;
        shape.AsSpan().CopyTo(dims);
        return dims;
    }

    /// <summary>Strides in elements of a dense tensor of this shape.</summary>
    public static Dims Strides(Shape shape)
    {
        Dims strides = default;
        long stride = 1;
        for (int i = shape.Rank - 1; i >= 0; i--)
        {
            strides[i] = stride;
            stride *= shape[i];
        }
        return strides;
    }

    /// <summary>Strides by which <paramref name="x"/> is read as a tensor of shape <paramref name="y"/>: 0 where it repeats.</summary>
    public static Dims BroadcastStrides(Shape x, Shape y)
    {
        Dims own = Strides(x), strides = default;
        for (int i = 0; i < x.Rank; i++)
            if (x[i] != 1) strides[i + y.Rank - x.Rank] = own[i];
        return strides;
    }
}
