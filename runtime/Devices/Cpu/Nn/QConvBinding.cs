using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>qconv, qdwconv, qgemm over int8 and int16, qconv_transpose_s8.</summary>
internal static class QConvBinding
{
    /// <summary><c>el_qconv_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public ConvolutionSizes Sizes;
        public int XZero, YZero, YMin, YMax;
    }

    /// <summary><c>el_qgemm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct GemmParameters
    {
        public long M;
        public int N, K, XZero, YZero, YMin, YMax;
    }

    [Binds(typeof(CpuNnBackend))] public static bool Bind(QConv op, BindContext c) => Bind("qconv", op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(QDepthwiseConv op, BindContext c) => Bind("qdwconv", op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(QConvTranspose op, BindContext c) => Bind("qconv_transpose", op, c);

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(QGemm op, BindContext c)
    {
        Shape x = c.Shape(0);
        if (Type(c, op.XZeroPoint, x[x.Rank - 1]) is not { } type) return false;
        c.Call("qgemm" + type, new GemmParameters
        {
            M = x.Product(0, x.Rank - 1), N = checked((int)op.OutFeatures), K = checked((int)x[x.Rank - 1]),
            XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), Operand.Input(3), Operand.Input(4), Operand.Input(5), Operand.Output(0), c.Optional(6));
        return true;
    }

    private static bool Bind(string kernel, QuantizedConvolution op, BindContext c)
    {
        long taps = op.KernelShape[0] * op.KernelShape[1];
        // A depthwise sum of int16 products is held in 32 bits.
        if (Type(c, op.XZeroPoint, op is QDepthwiseConv ? taps * 128 : taps * c.Shape(0)[3] / op.Group) is not { } type || type == "_s16" && op is QConvTranspose) return false;
        c.Call(kernel + type, new Parameters
        {
            Sizes = new(op, c),
            XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), Operand.Input(3), Operand.Input(4), Operand.Input(5), Operand.Output(0), c.Optional(6));
        return true;
    }

    /// <summary>The end of the kernels' name: int8 data with int32 bias, or int16 data around zero with int64 bias and at most 2^16 products in a sum
    /// (TFLite's 16x8 scheme); int32 sums and multipliers, and shifts that the kernels accept. Null for anything else.</summary>
    private static string? Type(BindContext c, long xZero, long products)
    {
        bool isWide = c.DType(0) == DType.Int16;
        if (!isWide && c.DType(0) != DType.Int8 || c.DType(1) != DType.Int8 || isWide && (xZero != 0 || products > 1 << 16 || !c.HasInput(2))) return null;
        if (c.HasInput(2) && c.DType(2) != (isWide ? DType.Int64 : DType.Int32)) return null;
        for (int i = 3; i <= 6; i++)
            if (c.HasInput(i) && c.DType(i) != DType.Int32) return null;
        if (isWide && !c.HasInput(3) || c.Constant(4) is not { } multipliers || c.Constant(5) is not { } shifts) return null;
        for (int i = 0; i < shifts.Count; i++)
            if (shifts.GetInt64(i) < -31 || shifts.GetInt64(i) > (isWide ? 14 : 30) || multipliers.GetInt64(i) < 0) return null;
        return isWide ? "_s16" : "_s8";
    }
}
