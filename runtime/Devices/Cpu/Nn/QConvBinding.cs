using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>qconv_s8, qdwconv_s8, qconv_transpose_s8, qgemm_s8; int8 only (16x8 models run the reference loops).</summary>
internal static class QConvBinding
{
    /// <summary><c>el_qconv_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int N, H, W, C, OutH, OutW, OutC, KernelH, KernelW, StrideH, StrideW, DilationH, DilationW, PadTop, PadLeft, Groups;
        public int XZero, YZero, YMin, YMax;
    }

    /// <summary><c>el_qgemm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct GemmParameters
    {
        public long M;
        public int N, K, XZero, YZero, YMin, YMax;
    }

    [Binds(typeof(CpuNnBackend))] public static bool Bind(QConv op, BindContext c) => Bind("qconv_s8", op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(QDepthwiseConv op, BindContext c) => Bind("qdwconv_s8", op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(QConvTranspose op, BindContext c) => Bind("qconv_transpose_s8", op, c);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(QGemm op, BindContext c)
    {
        if (!IsInt8(c)) return false;
        Shape x = c.Shape(0);
        c.Call("qgemm_s8", new GemmParameters
        {
            M = x.Product(0, x.Rank - 1), N = checked((int)op.OutFeatures), K = checked((int)x[x.Rank - 1]),
            XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), Operand.Input(3), Operand.Input(4), Operand.Input(5), Operand.Output(0));
        return true;
    }

    private static bool Bind(string kernel, QuantizedConvolution op, BindContext c)
    {
        if (!IsInt8(c)) return false;
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        c.Call(kernel, new Parameters
        {
            N = checked((int)x[0]), H = checked((int)x[1]), W = checked((int)x[2]), C = checked((int)x[3]),
            OutH = checked((int)y[1]), OutW = checked((int)y[2]), OutC = checked((int)y[3]),
            KernelH = checked((int)op.KernelShape[0]), KernelW = checked((int)op.KernelShape[1]),
            StrideH = checked((int)op.Strides[0]), StrideW = checked((int)op.Strides[1]),
            DilationH = checked((int)op.Dilations[0]), DilationW = checked((int)op.Dilations[1]),
            PadTop = checked((int)op.Pads[0]), PadLeft = checked((int)op.Pads[1]), Groups = checked((int)op.Group),
            XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), Operand.Input(3), Operand.Input(4), Operand.Input(5), Operand.Output(0));
        return true;
    }

    /// <summary>int8 data with int32 bias, sums and multipliers, and shifts that the kernels accept.</summary>
    private static bool IsInt8(BindContext c)
    {
        if (c.DType(0) != DType.Int8 || c.DType(1) != DType.Int8) return false;
        for (int i = 2; i <= 5; i++)
            if (c.HasInput(i) && c.DType(i) != DType.Int32) return false;
        if (c.Constant(4) is not { } multipliers || c.Constant(5) is not { } shifts) return false;
        for (int i = 0; i < shifts.Count; i++)
            if (shifts.GetInt64(i) is < -31 or > 30 || multipliers.GetInt64(i) < 0) return false;
        return true;
    }
}
