using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>The element-wise integer kernels of el_quant.h, and quantize / dequantize.</summary>
internal static class QElementwiseBinding
{
    /// <summary><c>el_qadd_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SumParameters
    {
        public long Count, APeriod, BPeriod;
        public int AOffset, BOffset, YOffset, LeftShift, AMultiplier, AShift, BMultiplier, BShift, YMultiplier, YShift, YMin, YMax;
    }

    /// <summary><c>el_qmul_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct ProductParameters
    {
        public long Count, APeriod, BPeriod;
        public int AOffset, BOffset, YOffset, YMultiplier, YShift, YMin, YMax;
    }

    /// <summary><c>el_grouped_lut_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct GroupedLutParameters
    {
        public long Count;
        public int Channels, Groups;
    }

    /// <summary><c>el_requantize_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct RequantizeParameters
    {
        public long Count;
        public int XZero, YZero, Multiplier, Shift, YMin, YMax;
    }

    /// <summary><c>el_quantize_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct QuantizeParameters
    {
        public long Count;
        public float Scale;
        public int Zero, YMin, YMax, IsUnsigned;
    }

    /// <summary><c>el_qsoftmax_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct SoftmaxParameters
    {
        public long Rows;
        public int Depth, InputMultiplier, InputLeftShift, DiffMin;
    }

    [Binds(typeof(CpuTensorBackend))] public static bool Bind(QAdd op, BindContext c) => BindSum("qadd", op, c);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(QSub op, BindContext c) => BindSum("qsub", op, c);

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(QMul op, BindContext c)
    {
        if (Type(c) is not { } type || !TryPeriods(c, out long a, out long b)) return false;
        c.Call("qmul" + type, new ProductParameters
        {
            Count = c.Output(0).Shape.Count, APeriod = a, BPeriod = b,
            AOffset = (int)op.AOffset, BOffset = (int)op.BOffset, YOffset = (int)op.YOffset,
            YMultiplier = (int)op.YMultiplier, YShift = (int)op.YShift, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Lut op, BindContext c)
    {
        if (Type(c) is not { } type || type == "_s16" && c.Shape(1).Count != Lut.Knots) return false;
        c.Call("lut" + type, c.Output(0).Shape.Count, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(GroupedLut op, BindContext c)
    {
        c.Call("grouped_lut_s8", new GroupedLutParameters { Count = c.Output(0).Shape.Count, Channels = checked((int)c.Shape(2).Count), Groups = (int)c.Shape(1)[0] },
            Operand.Input(0), Operand.Input(1), Operand.Input(2), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Requantize op, BindContext c)
    {
        if (Type(c) is not { } type) return false;
        c.Call("requantize" + type, new RequantizeParameters
        {
            Count = c.Output(0).Shape.Count, XZero = (int)op.XZeroPoint, YZero = (int)op.YZeroPoint,
            Multiplier = (int)op.Multiplier, Shift = (int)op.Shift, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(QSoftmax op, BindContext c)
    {
        Shape x = c.Shape(0);
        if (c.DType(0) != DType.Int8 || c.Output(0).DType != DType.Int8 || x.Rank == 0) return false;
        c.Call("qsoftmax_s8", new SoftmaxParameters
        {
            Rows = x.Product(0, x.Rank - 1), Depth = checked((int)x[x.Rank - 1]),
            InputMultiplier = (int)op.InputMultiplier, InputLeftShift = (int)op.InputLeftShift, DiffMin = (int)op.DiffMin,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(QuantizeLinear op, BindContext c)
    {
        DType target = c.Output(0).DType;
        if (c.DType(0) != DType.Float32 || target is not (DType.Int8 or DType.UInt8 or DType.Int16) || !TryScale(c, out float scale, out int zero)) return false;
        bool isUnsigned = target == DType.UInt8, isWide = target == DType.Int16;
        c.Call(isWide ? "quantize_f32_s16" : "quantize_f32_s8", new QuantizeParameters
        {
            Count = c.Output(0).Shape.Count, Scale = scale, Zero = zero, IsUnsigned = isUnsigned ? 1 : 0,
            YMin = isUnsigned ? 0 : isWide ? short.MinValue : sbyte.MinValue, YMax = isUnsigned ? 255 : isWide ? short.MaxValue : sbyte.MaxValue,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(DequantizeLinear op, BindContext c)
    {
        if (c.Output(0).DType != DType.Float32 || !IsDequantizable(c.DType(0)) || !TryScale(c, out float scale, out int zero)) return false;
        Dequantize(c, scale, zero);
        return true;
    }

    public static bool IsDequantizable(DType type) => type is DType.Int8 or DType.UInt8 or DType.Int16;

    /// <summary>(x - zero) * scale in float32.</summary>
    public static void Dequantize(BindContext c, float scale, int zero) => c.Call(c.DType(0) == DType.Int16 ? "dequantize_s16_f32" : "dequantize_s8_f32", new QuantizeParameters
    {
        Count = c.Output(0).Shape.Count, Scale = scale, Zero = zero, IsUnsigned = c.DType(0) == DType.UInt8 ? 1 : 0,
    }, Operand.Input(0), Operand.Output(0));

    private static bool BindSum(string kernel, QuantizedSum op, BindContext c)
    {
        if (Type(c) is not { } type || !TryPeriods(c, out long a, out long b)) return false;
        c.Call(kernel + type, new SumParameters
        {
            Count = c.Output(0).Shape.Count, APeriod = a, BPeriod = b,
            AOffset = (int)op.AOffset, BOffset = (int)op.BOffset, YOffset = (int)op.YOffset, LeftShift = (int)op.LeftShift,
            AMultiplier = (int)op.AMultiplier, AShift = (int)op.AShift, BMultiplier = (int)op.BMultiplier, BShift = (int)op.BShift,
            YMultiplier = (int)op.YMultiplier, YShift = (int)op.YShift, YMin = (int)op.YMin, YMax = (int)op.YMax,
        }, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }

    /// <summary>After how many elements each operand repeats; false when the broadcast is of another kind.</summary>
    private static bool TryPeriods(BindContext c, out long a, out long b)
    {
        Shape y = c.Output(0).Shape;
        b = 0;
        return TryPeriod(c.Input(0), y, out a) && TryPeriod(c.Input(1), y, out b);
    }

    /// <summary>The end of the kernels' name where the first operand and the result are both int8, or both int16.</summary>
    private static string? Type(BindContext c) =>
        c.DType(0) != c.Output(0).DType ? null : c.DType(0) switch { DType.Int8 => "_s8", DType.Int16 => "_s16", _ => null };

    private static bool TryPeriod(TensorType x, Shape y, out long period)
    {
        period = x.Shape.Count;
        bool repeats = false; // going from the last axis outwards: equal dimensions, then only ones
        for (int i = 1; i <= y.Rank; i++)
        {
            long dim = i <= x.Shape.Rank ? x.Shape[x.Shape.Rank - i] : 1;
            if (dim == y[y.Rank - i] && (!repeats || dim == 1)) continue;
            if (dim != 1) return false;
            repeats = true;
        }
        return true;
    }

    /// <summary>One constant scale and zero point for the whole tensor.</summary>
    private static bool TryScale(BindContext c, out float scale, out int zero)
    {
        scale = 0;
        zero = 0;
        if (c.Constant(1) is not { } s || s.Count != 1 || s.DType != DType.Float32 || (c.HasInput(2) && c.Constant(2) == null)) return false;
        scale = (float)s.GetDouble(0);
        zero = c.Constant(2) is { } z ? (int)z.GetInt64(0) : 0;
        return true;
    }
}
