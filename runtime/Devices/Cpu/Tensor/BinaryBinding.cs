using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>binary_f32, binary_f16 and where_f32: element-wise operators of two or three operands with broadcasting.</summary>
internal static class BinaryBinding
{
    /// <summary><c>el_binary_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int Rank, Op;
        public Dims Sizes, A, B;
        public Activation Activation;
    }

    /// <summary><c>el_where_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct WhereParameters
    {
        public int Rank;
        public Dims Sizes, C, A, B;
    }

    /// <summary><c>el_binary_op</c>.</summary>
    private enum Function
    {
        Add, Sub, Mul, Div, Min, Max, Pow, PRelu,
    }

    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Add op, BindContext c) => Bind(c, Function.Add);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Sub op, BindContext c) => Bind(c, Function.Sub);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Mul op, BindContext c) => Bind(c, Function.Mul);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Div op, BindContext c) => Bind(c, Function.Div);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Min op, BindContext c) => c.InputCount == 2 && Bind(c, Function.Min);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Max op, BindContext c) => c.InputCount == 2 && Bind(c, Function.Max);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Pow op, BindContext c) => Bind(c, Function.Pow);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(PRelu op, BindContext c) => Bind(c, Function.PRelu);

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Where op, BindContext c)
    {
        if (c.DType(0) != DType.Bool || c.DType(1) != DType.Float32 || c.DType(2) != DType.Float32) return false;
        Shape y = c.Output(0).Shape;
        c.Call("where_f32", new WhereParameters
        {
            Rank = y.Rank,
            Sizes = Dims.Of(y),
            C = Dims.BroadcastStrides(c.Shape(0), y),
            A = Dims.BroadcastStrides(c.Shape(1), y),
            B = Dims.BroadcastStrides(c.Shape(2), y),
        }, Operand.Input(0), Operand.Input(1), Operand.Input(2), Operand.Output(0));
        return true;
    }

    /// <summary>Clip by bounds that are computed: the larger of x and the lower one, then the smaller of that and the upper one.</summary>
    public static bool BindClip(BindContext c)
    {
        if (!c.AllFloat(3)) return false;
        bool hasMin = c.HasInput(1), hasMax = c.HasInput(2);
        if (hasMin) Call(c, Function.Max, Operand.Input(0), c.Shape(0), Operand.Input(1), c.Shape(1));
        if (hasMax) Call(c, Function.Min, hasMin ? Operand.Output(0) : Operand.Input(0), c.Shape(0), Operand.Input(2), c.Shape(2));
        return hasMin || hasMax;
    }

    private static bool Bind(BindContext c, Function function)
    {
        if (!c.AllFloat(2)) return false;
        Call(c, function, Operand.Input(0), c.Shape(0), Operand.Input(1), c.Shape(1));
        return true;
    }

    private static void Call(BindContext c, Function function, Operand a, Shape aShape, Operand b, Shape bShape)
    {
        Shape y = c.Output(0).Shape;
        c.Call(c.ForType("binary"), new Parameters
        {
            Rank = y.Rank,
            Op = (int)function,
            Sizes = Dims.Of(y),
            A = Dims.BroadcastStrides(aShape, y),
            B = bShape.Count == 1 ? default : Dims.BroadcastStrides(bShape, y),
        }, a, b, Operand.Output(0));
    }
}
