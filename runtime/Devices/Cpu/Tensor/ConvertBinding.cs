using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>f16_to_f32 and f32_to_f16; dequantize_s8_f32 and dequantize_s16_f32 with a scale of 1.</summary>
internal static class ConvertBinding
{
    /// <summary><c>el_convert_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Count;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(Cast op, BindContext c)
    {
        if (c.Output(0).DType == DType.Float32 && QElementwiseBinding.IsDequantizable(c.DType(0)))
        {
            QElementwiseBinding.Dequantize(c, 1, 0);
            return true;
        }
        string? kernel = (c.DType(0), c.Output(0).DType) switch
        {
            (DType.Float16, DType.Float32) => "f16_to_f32",
            (DType.Float32, DType.Float16) => "f32_to_f16",
            _ => null,
        };
        if (kernel == null) return false;
        c.Call(kernel, new Parameters { Count = c.Output(0).Shape.Count }, Operand.Input(0), Operand.Output(0));
        return true;
    }
}
