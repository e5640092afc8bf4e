using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>scatter_b1: updates that replace, at constant places that differ. Others, and places outside of the tensor, are for the reference loop, which
/// takes them in order and says what is wrong.</summary>
internal static class ScatterBinding
{
    /// <summary><c>el_scatter_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Slices, SliceBytes, Count;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(ScatterND op, BindContext c)
    {
        if (op.Reduction != "none" || c.Constant(1) is not { } indices) return false;
        Shape x = c.Shape(0);
        int depth = (int)indices.Shape[indices.Shape.Rank - 1];
        var places = new long[indices.Shape.Product(0, indices.Shape.Rank - 1)];
        for (long i = 0; i < places.Length; i++)
            for (int d = 0; d < depth; d++)
            {
                if (!IsInside(indices.GetInt64(i * depth + d), x[d], out long at)) return false;
                places[i] = places[i] * x[d] + at;
            }
        return Call(c, places, x.Product(depth, x.Rank));
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(ScatterElements op, BindContext c)
    {
        if (op.Reduction != "none" || c.Constant(1) is not { } indices) return false;
        Shape x = c.Shape(0), shape = indices.Shape;
        int axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        var places = new long[shape.Count];
        for (long i = 0; i < places.Length; i++)
        {
            long rest = i, stride = 1;
            for (int d = x.Rank - 1; d >= 0; d--)
            {
                long at = rest % shape[d];
                rest /= shape[d];
                if (!IsInside(d == axis ? indices.GetInt64(i) : at, x[d], out at)) return false;
                places[i] += at * stride;
                stride *= x[d];
            }
        }
        return Call(c, places, 1);
    }

    /// <summary>Negative indices count from the end.</summary>
    private static bool IsInside(long index, long size, out long place)
    {
        place = index < 0 ? index + size : index;
        return place >= 0 && place < size;
    }

    private static bool Call(BindContext c, long[] places, long slice)
    {
        int size = c.DType(0).Size();
        long count = c.Shape(0).Count;
        if (size == 0 || slice == 0 || count > int.MaxValue) return false;
        long[] sorted = places.AsSpan().ToArray();
        Array.Sort(sorted);
        for (int i = 1; i < sorted.Length; i++)
            if (sorted[i] == sorted[i - 1]) return false;
        c.Call("scatter_b1", new Parameters { Slices = count / slice, SliceBytes = slice * size, Count = places.Length },
            Operand.Input(0), c.Table<int>(Array.ConvertAll(places, p => (int)p)), Operand.Input(2), Operand.Output(0));
        return true;
    }
}
