using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>conv_f32, dwconv_f32, conv_f16, dwconv_f16, conv_transpose_f32.</summary>
internal static class ConvBinding
{
    /// <summary><c>el_conv_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int N, H, W, C, OutH, OutW, OutC, KernelH, KernelW, StrideH, StrideW, DilationH, DilationW, PadTop, PadLeft, Groups;
        public Activation Activation;
    }

    [Binds(typeof(CpuNnBackend))] public static bool Bind(Conv op, BindContext c) => Bind(c.ForType("conv"), op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(DepthwiseConv op, BindContext c) => Bind(c.ForType("dwconv"), op, c);
    [Binds(typeof(CpuNnBackend))] public static bool Bind(ConvTranspose op, BindContext c) => Bind("conv_transpose_f32", op, c);

    private static bool Bind(string kernel, FusedConvolution op, BindContext c)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        c.Call(kernel, new Parameters
        {
            N = checked((int)x[0]), H = checked((int)x[1]), W = checked((int)x[2]), C = checked((int)x[3]),
            OutH = checked((int)y[1]), OutW = checked((int)y[2]), OutC = checked((int)y[3]),
            KernelH = checked((int)op.KernelShape[0]), KernelW = checked((int)op.KernelShape[1]),
            StrideH = checked((int)op.Strides[0]), StrideW = checked((int)op.Strides[1]),
            DilationH = checked((int)op.Dilations[0]), DilationW = checked((int)op.Dilations[1]),
            PadTop = checked((int)op.Pads[0]), PadLeft = checked((int)op.Pads[1]),
            Groups = checked((int)op.Group),
            Activation = Activation.Parse(op.Activation, op.Alpha, op.Beta),
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), c.Optional(3), c.Optional(4), Operand.Output(0));
        return true;
    }
}
