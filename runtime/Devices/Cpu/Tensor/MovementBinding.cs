using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>transpose_bK, copy2d_b1, pad_bK, gather_b1: movement of elements of any type whose size is whole bytes.</summary>
internal static class MovementBinding
{
    /// <summary><c>el_transpose_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct StridedParameters
    {
        public int Rank;
        public Dims Sizes, Strides;
    }

    /// <summary><c>el_copy2d_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct CopyParameters
    {
        public long Rows, RowBytes, XPitch, YPitch, XOffset, YOffset;
    }

    /// <summary><c>el_interleave_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct InterleaveParameters
    {
        public long Rows, Width;
        public int Halves;
    }

    /// <summary><c>el_pad_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PadParameters
    {
        public int Rank;
        public Dims Sizes, Before, After;
        public ulong Value;
    }

    /// <summary><c>el_gather_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct GatherParameters
    {
        public long Outer, Axis, InnerBytes, Count;
        public int IndexIs32;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Transpose op, BindContext c)
    {
        Shape x = c.Shape(0);
        Dims own = Dims.Strides(x), strides = default;
        for (int i = 0; i < x.Rank; i++)
        {
            long from = op.Perm == null ? x.Rank - 1 - i : op.Perm[i];
            strides[i] = own[(int)(from < 0 ? from + x.Rank : from)];
        }
        return CallStrided(c, strides, 0);
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Expand op, BindContext c) => CallStrided(c, Dims.BroadcastStrides(c.Shape(0), c.Output(0).Shape), 0);

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Slice op, BindContext c)
    {
        long[]? starts = c.Constant(1)?.ToInt64Array(), ends = c.Constant(2)?.ToInt64Array(), axes = c.Constant(3)?.ToInt64Array(), steps = c.Constant(4)?.ToInt64Array();
        if (starts == null || ends == null || (c.HasInput(3) && axes == null) || (c.HasInput(4) && steps == null)) return false;
        Shape x = c.Shape(0);
        Dims strides = Dims.Strides(x);
        long origin = 0;
        for (int i = 0; i < starts.Length; i++)
        {
            int axis = (int)(axes?[i] ?? i);
            if (axis < 0) axis += x.Rank;
            long step = steps?[i] ?? 1;
            origin += Slice.Extent(starts[i], ends[i], step, x[axis]).Start * strides[axis];
            strides[axis] *= step;
        }
        return CallStrided(c, strides, c.Output(0).Shape.Count == 0 ? 0 : origin);
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Concat op, BindContext c)
    {
        Shape y = c.Output(0).Shape;
        int size = c.Output(0).DType.Size(), axis = (int)(op.Axis < 0 ? op.Axis + y.Rank : op.Axis);
        if (size == 0) return false;
        long outer = y.Product(0, axis), pitch = y.Product(axis, y.Rank) * size, at = 0;
        for (int i = 0; i < c.InputCount; i++)
        {
            long row = c.Shape(i).Product(axis, y.Rank) * size;
            if (row > 0 && outer > 0)
                c.Call("copy2d_b1", new CopyParameters { Rows = outer, RowBytes = row, XPitch = row, YPitch = pitch, YOffset = at }, Operand.Input(i), Operand.Output(0));
            at += row;
        }
        return at > 0 && outer > 0;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Split op, BindContext c)
    {
        Shape x = c.Shape(0);
        int size = c.DType(0).Size(), axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        if (size == 0 || x.Count == 0) return false;
        long outer = x.Product(0, axis), pitch = x.Product(axis, x.Rank) * size, at = 0;
        for (int i = 0; i < c.OutputCount; i++)
            if (c.Output(i).DType == DType.Undefined) return false; // an unwanted piece: the reference loop knows its size
        for (int i = 0; i < c.OutputCount; i++)
        {
            long row = c.Output(i).Shape.Product(axis, x.Rank) * size;
            if (row > 0)
                c.Call("copy2d_b1", new CopyParameters { Rows = outer, RowBytes = row, XPitch = pitch, YPitch = row, XOffset = at }, Operand.Input(0), Operand.Output(i));
            at += row;
        }
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Interleave op, BindContext c)
    {
        Shape x = c.Shape(0);
        int size = c.DType(0).Size(), halves = c.OutputCount > 1 ? 1 : 0;
        if (size is not (1 or 4) || x.Count == 0) return false;
        long width = x[x.Rank - 1];
        c.Call(size == 1 ? "interleave_b1" : "interleave_b4", new InterleaveParameters { Rows = x.Count / width, Width = width, Halves = halves },
            Operand.Input(0), Operand.Input(1), Operand.Output(0), Operand.Output(halves));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Pad op, BindContext c)
    {
        long[]? pads = c.Constant(1)?.ToInt64Array(), axes = c.Constant(3)?.ToInt64Array();
        int size = c.DType(0).Size();
        if (pads == null || size == 0 || (c.HasInput(3) && axes == null)) return false;
        if (c.HasInput(2) && c.Constant(2) == null) return false;
        Shape x = c.Shape(0);
        Dims before = default, after = default;
        int count = pads.Length / 2;
        for (int i = 0; i < count; i++)
        {
            int axis = (int)(axes?[i] ?? i);
            if (axis < 0) axis += x.Rank;
            before[axis] = pads[i];
            after[axis] = pads[count + i];
        }
        if (op.Mode != "constant") return CallBySources(op, c, before, after);
        if (size is not (1 or 2 or 4 or 8)) return false;
        ulong value = 0;
        if (c.Constant(2) is { } constant)
            for (int i = 0; i < size; i++) value |= (ulong)constant.Bytes[i] << 8 * i;
        c.Call($"pad_b{size}", new PadParameters { Rank = x.Rank, Sizes = Dims.Of(x), Before = before, After = after, Value = value },
            Operand.Input(0), Operand.Output(0));
        return true;
    }

    /// <summary>A Pad that takes every element from somewhere in x: from the first padded axis to the last one, where is a table.</summary>
    private static bool CallBySources(Pad op, BindContext c, Dims before, Dims after)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        int first = 0, end = x.Rank;
        while (first < end && before[first] == 0 && after[first] == 0) first++;
        while (end > first && before[end - 1] == 0 && after[end - 1] == 0) end--;
        if (y.Count == 0 || Math.Max(x.Product(first, end), y.Product(first, end)) > int.MaxValue) return false;
        int[] sources = [0];
        for (int d = first; d < end; d++)
        {
            var next = new int[sources.Length * y[d]];
            for (int i = 0; i < next.Length; i++) next[i] = sources[i / y[d]] * (int)x[d] + (int)op.Source(i % y[d] - before[d], x[d]);
            sources = next;
        }
        c.Call("gather_b1", new GatherParameters
        {
            Outer = x.Product(0, first),
            Axis = x.Product(first, end),
            InnerBytes = x.Product(end, x.Rank) * c.DType(0).Size(),
            Count = sources.Length,
            IndexIs32 = 1,
        }, Operand.Input(0), c.Table<int>(sources), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Gather op, BindContext c)
    {
        int size = c.DType(0).Size();
        if (size == 0 || c.DType(1) is not (DType.Int64 or DType.Int32)) return false;
        Shape x = c.Shape(0);
        int axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        c.Call("gather_b1", new GatherParameters
        {
            Outer = x.Product(0, axis),
            Axis = x[axis],
            InnerBytes = x.Product(axis + 1, x.Rank) * size,
            Count = c.Shape(1).Count,
            IndexIs32 = c.DType(1) == DType.Int32 ? 1 : 0,
        }, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }

    /// <summary>Output 0 read from input 0 by strides in elements, from element <paramref name="origin"/> on.</summary>
    private static bool CallStrided(BindContext c, Dims strides, long origin)
    {
        int size = c.DType(0).Size();
        if (size is not (1 or 2 or 4 or 8)) return false;
        Shape y = c.Output(0).Shape;
        c.Call($"transpose_b{size}", new StridedParameters { Rank = y.Rank, Sizes = Dims.Of(y), Strides = strides },
            Operand.Input(0, origin * size), Operand.Output(0));
        return true;
    }
}
