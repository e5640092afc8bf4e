using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>What <c>el_conv_params</c> and <c>el_qconv_params</c> begin with.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct ConvolutionSizes
{
    private readonly int _n, _h, _w, _c, _outH, _outW, _outC, _kernelH, _kernelW, _strideH, _strideW, _dilationH, _dilationW, _padTop, _padLeft, _groups;

    public ConvolutionSizes(ILoweredConvolution op, BindContext c)
    {
        Shape x = c.Shape(0), y = c.Output(0).Shape;
        checked
        {
            (_n, _h, _w, _c) = ((int)x[0], (int)x[1], (int)x[2], (int)x[3]);
            (_outH, _outW, _outC) = ((int)y[1], (int)y[2], (int)y[3]);
            (_kernelH, _kernelW) = ((int)op.KernelShape[0], (int)op.KernelShape[1]);
            (_strideH, _strideW) = ((int)op.Strides[0], (int)op.Strides[1]);
            (_dilationH, _dilationW) = ((int)op.Dilations[0], (int)op.Dilations[1]);
            (_padTop, _padLeft) = ((int)op.Pads[0], (int)op.Pads[1]);
            _groups = (int)op.Group;
        }
    }
}
