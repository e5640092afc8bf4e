using System.Runtime.InteropServices;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>conv_f32, dwconv_f32, conv_f16, dwconv_f16, conv_transpose_f32.</summary>
internal static class ConvBinding
{
    /// <summary><c>el_conv_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public ConvolutionSizes Sizes;
        public Activation Activation;
    }

    [Binds(typeof(CpuNnBackend))] public static bool Bind(Conv op, BindContext c) => Bind(c.ForType("conv"), op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(DepthwiseConv op, BindContext c) => Bind(c.ForType("dwconv"), op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(ConvTranspose op, BindContext c) => Bind("conv_transpose_f32", op, c);

    private static bool Bind(string kernel, FusedConvolution op, BindContext c)
    {
        c.Call(kernel, new Parameters { Sizes = new(op, c), Activation = Activation.Parse(op.Activation, op.Alpha, op.Beta) },
            Operand.Input(0), Operand.Input(1), c.Optional(2), c.Optional(3), c.Optional(4), Operand.Output(0));
        return true;
    }
}
