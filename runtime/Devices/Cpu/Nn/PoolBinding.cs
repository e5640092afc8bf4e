using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>max_pool and avg_pool of float32 and float16, max_pool_s8, qavg_pool_s8, qmean of int8 and int16, and global pools as reductions; channels last.</summary>
internal static class PoolBinding
{
    /// <summary><c>el_pool_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int N, H, W, C, OutH, OutW, KernelH, KernelW, StrideH, StrideW, DilationH, DilationW;
        public int PadTop, PadLeft, PadBottom, PadRight, CountIncludePad;
        public Activation Activation;
    }

    /// <summary><c>el_qpool_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct IntegerParameters
    {
        public int N, H, W, C, OutH, OutW, KernelH, KernelW, StrideH, StrideW, PadTop, PadLeft, YMin, YMax;
    }

    /// <summary><c>el_qmean_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MeanParameters
    {
        public int N, Plane, C, XZero, YZero, Multiplier, Shift;
    }

    /// <summary><c>el_reduce_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ReduceParameters
    {
        public long Outer, Axis, Inner;
        public int Op;
    }

    private const int ReduceMeanOp = 1, ReduceMaxOp = 2;

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(MaxPool op, BindContext c)
    {
        if (!op.ChannelsLast || c.Shape(0).Rank != 4 || (c.OutputCount > 1 && c.Output(1).DType != DType.Undefined)) return false;
        if (c.DType(0) == DType.Int8)
        {
            if (op.Dilations is [not 1, _] or [_, not 1]) return false;
            Window2D w = Window2D.Of(op, c.Shape(0));
            return BindInteger("max_pool_s8", c, w.KernelH, w.KernelW, w.StrideH, w.StrideW, w.Top, w.Left, sbyte.MinValue, sbyte.MaxValue);
        }
        return c.AllFloat(1) && BindFloat("max_pool", op, c, false);
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(AveragePool op, BindContext c) =>
        op.ChannelsLast && c.Shape(0).Rank == 4 && c.AllFloat(1) && BindFloat("avg_pool", op, c, op.CountIncludePad);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(GlobalAveragePool op, BindContext c) => BindGlobal(c, op.ChannelsLast, ReduceMeanOp);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(GlobalMaxPool op, BindContext c) => BindGlobal(c, op.ChannelsLast, ReduceMaxOp);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(QAveragePool op, BindContext c) =>
        c.DType(0) == DType.Int8 && BindInteger("qavg_pool_s8", c, op.KernelShape[0], op.KernelShape[1], op.Strides[0], op.Strides[1],
            op.Pads[0], op.Pads[1], op.YMin, op.YMax);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(QMean op, BindContext c)
    {
        Shape x = c.Shape(0);
        bool isWide = c.DType(0) == DType.Int16;
        if (isWide ? x[1] * x[2] >= 1 << 15 : c.DType(0) != DType.Int8) return false;
        c.Call(isWide ? "qmean_s16" : "qmean_s8", new MeanParameters
        {
            N = checked((int)x[0]), Plane = checked((int)(x[1] * x[2])), C = checked((int)x[3]),
            XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint, Multiplier = (int)op.Multiplier, Shift = (int)op.Shift,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    private static bool BindGlobal(BindContext c, bool channelsLast, int function)
    {
        Shape x = c.Shape(0);
        if (!c.AllFloat(1)) return false;
        long channels = x[channelsLast ? x.Rank - 1 : 1], plane = channelsLast ? x.Product(1, x.Rank - 1) : x.Product(2, x.Rank);
        c.Call(c.ForType("reduce"), new ReduceParameters
        {
            Outer = channelsLast ? x[0] : x[0] * channels, Axis = plane, Inner = channelsLast ? channels : 1, Op = function,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    private static bool BindFloat(string kernel, PoolOperator op, BindContext c, bool countIncludePad)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        Window2D w = Window2D.Of(op, x);
        c.Call(c.ForType(kernel), new Parameters
        {
            N = checked((int)x[0]), H = checked((int)x[1]), W = checked((int)x[2]), C = checked((int)x[3]),
            OutH = checked((int)y[1]), OutW = checked((int)y[2]),
            KernelH = checked((int)w.KernelH), KernelW = checked((int)w.KernelW),
            StrideH = checked((int)w.StrideH), StrideW = checked((int)w.StrideW),
            DilationH = checked((int)w.DilationH), DilationW = checked((int)w.DilationW),
            PadTop = checked((int)w.Top), PadLeft = checked((int)w.Left), PadBottom = checked((int)w.Bottom), PadRight = checked((int)w.Right),
            CountIncludePad = countIncludePad ? 1 : 0,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    private static bool BindInteger(string kernel, BindContext c, long kh, long kw, long sh, long sw, long top, long left, long min, long max)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        c.Call(kernel, new IntegerParameters
        {
            N = checked((int)x[0]), H = checked((int)x[1]), W = checked((int)x[2]), C = checked((int)x[3]),
            OutH = checked((int)y[1]), OutW = checked((int)y[2]),
            KernelH = checked((int)kh), KernelW = checked((int)kw), StrideH = checked((int)sh), StrideW = checked((int)sw),
            PadTop = checked((int)top), PadLeft = checked((int)left), YMin = (int)min, YMax = (int)max,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    /// <summary>A window over two spatial axes with auto_pad resolved.</summary>
    private readonly record struct Window2D(long KernelH, long KernelW, long StrideH, long StrideW, long DilationH, long DilationW,
        long Top, long Left, long Bottom, long Right)
    {
        public static Window2D Of(PoolOperator op, Shape x)
        {
            WindowAxis h = op.Axis(0, 2, x[1], op.KernelShape![0], op.CeilMode), w = op.Axis(1, 2, x[2], op.KernelShape![1], op.CeilMode);
            return new(h.Kernel, w.Kernel, h.Stride, w.Stride, h.Dilation, w.Dilation, h.PadBegin, w.PadBegin, h.PadEnd, w.PadEnd);
        }
    }
}
