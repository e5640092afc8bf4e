using System.Runtime.InteropServices;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>unary_f32 and unary_f16 for element-wise operators and activations.</summary>
internal static class UnaryBinding
{
    /// <summary><c>el_unary_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Count;
        public int Op;
        public Activation Activation;
    }

    /// <summary><c>el_unary_op</c>.</summary>
    private enum Function
    {
        Activation, Abs, Neg, Exp, Log, Sqrt, Rsqrt, Reciprocal, Floor, Ceil, Round, Erf, Sin, Cos, Sign, Square,
    }

    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Abs op, BindContext c) => Bind(c, Function.Abs);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Neg op, BindContext c) => Bind(c, Function.Neg);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Exp op, BindContext c) => Bind(c, Function.Exp);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Log op, BindContext c) => Bind(c, Function.Log);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Sqrt op, BindContext c) => Bind(c, Function.Sqrt);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Reciprocal op, BindContext c) => Bind(c, Function.Reciprocal);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Floor op, BindContext c) => Bind(c, Function.Floor);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Ceil op, BindContext c) => Bind(c, Function.Ceil);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Round op, BindContext c) => Bind(c, Function.Round);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Erf op, BindContext c) => Bind(c, Function.Erf);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Sin op, BindContext c) => Bind(c, Function.Sin);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Cos op, BindContext c) => Bind(c, Function.Cos);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Sign op, BindContext c) => Bind(c, Function.Sign);

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Relu op, BindContext c) => Bind(c, new Activation(ActivationKind.Clamp, 0, float.PositiveInfinity));

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(LeakyRelu op, BindContext c) => Bind(c, new Activation(ActivationKind.LeakyRelu, op.Alpha));

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(HardSigmoid op, BindContext c) => Bind(c, new Activation(ActivationKind.HardSigmoid, op.Alpha, op.Beta));

    [Binds(typeof(CpuTensorBackend))] public static bool Bind(HardSwish op, BindContext c) => Bind(c, new Activation(ActivationKind.HardSwish));
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Sigmoid op, BindContext c) => Bind(c, new Activation(ActivationKind.Sigmoid));
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Tanh op, BindContext c) => Bind(c, new Activation(ActivationKind.Tanh));
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Elu op, BindContext c) => Bind(c, new Activation(ActivationKind.Elu, op.Alpha));
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Softplus op, BindContext c) => Bind(c, new Activation(ActivationKind.Softplus));
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(Mish op, BindContext c) => Bind(c, new Activation(ActivationKind.Mish));

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Swish op, BindContext c) => op.Alpha == 1 && Bind(c, new Activation(ActivationKind.Silu));

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Gelu op, BindContext c) =>
        Bind(c, new Activation(op.Approximate == "tanh" ? ActivationKind.GeluTanh : ActivationKind.Gelu));

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Clip op, BindContext c)
    {
        if ((c.HasInput(1) && c.Constant(1) == null) || (c.HasInput(2) && c.Constant(2) == null)) return BinaryBinding.BindClip(c);
        if (!c.AllFloat(3)) return false;
        float min = c.Constant(1) is { } low ? (float)low.GetDouble(0) : float.NegativeInfinity;
        float max = c.Constant(2) is { } high ? (float)high.GetDouble(0) : float.PositiveInfinity;
        return Bind(c, new Activation(ActivationKind.Clamp, Math.Min(min, max), max));
    }

    private static bool Bind(BindContext c, Activation activation) => Bind(c, Function.Activation, activation);

    private static bool Bind(BindContext c, Function function, Activation activation = default)
    {
        if (!c.AllFloat(1)) return false;
        c.Call(c.ForType("unary"), new Parameters { Count = c.Output(0).Shape.Count, Op = (int)function, Activation = activation },
            Operand.Input(0), Operand.Output(0));
        return true;
    }
}
