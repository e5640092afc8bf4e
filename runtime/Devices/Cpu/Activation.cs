using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cpu;

/// <summary><c>el_act_kind</c>.</summary>
internal enum ActivationKind
{
    None, Clamp, LeakyRelu, HardSigmoid, HardSwish, Sigmoid, Silu, Tanh, Gelu, GeluTanh, Elu, PRelu, Softplus, Mish,
}

/// <summary><c>el_act</c> of kernels-native/include/el_kernels.h: the activation at the end of a float kernel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct Activation(ActivationKind kind, float a = 0, float b = 0)
{
    public readonly ActivationKind Kind = kind;
    public readonly float A = a, B = b;

    /// <summary>From the <c>activation</c>, <c>alpha</c>, <c>beta</c> attributes of an edgelite operator.</summary>
    public static Activation Parse(string name, float alpha, float beta) => new(name switch
    {
        "" => ActivationKind.None,
        "clamp" => ActivationKind.Clamp,
        "leaky_relu" => ActivationKind.LeakyRelu,
        "hard_sigmoid" => ActivationKind.HardSigmoid,
        "hard_swish" => ActivationKind.HardSwish,
        "sigmoid" => ActivationKind.Sigmoid,
        "silu" => ActivationKind.Silu,
        "tanh" => ActivationKind.Tanh,
        "gelu" => ActivationKind.Gelu,
        "gelu_tanh" => ActivationKind.GeluTanh,
        "elu" => ActivationKind.Elu,
        "prelu" => ActivationKind.PRelu,
        "softplus" => ActivationKind.Softplus,
        "mish" => ActivationKind.Mish,
        _ => throw new EdgeLiteException(Status.InvalidGraph, $"Activation '{name}' is not known."),
    }, alpha, beta);
}
