using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>topk_f32.</summary>
internal static class TopKBinding
{
    /// <summary><c>el_topk_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Outer, Axis, Inner, K;
        public int Smallest;
    }

    [Binds(typeof(CpuTensorBackend))]
    public static bool Bind(TopK op, BindContext c)
    {
        Shape x = c.Shape(0);
        int axis = (int)(op.Axis < 0 ? op.Axis + x.Rank : op.Axis);
        if (c.DType(0) != DType.Float32 || c.Constant(1) is not { } k || x[axis] > int.MaxValue) return false;
        c.Call("topk_f32", new Parameters
        {
            Outer = x.Product(0, axis), Axis = x[axis], Inner = x.Product(axis + 1, x.Rank), K = k.GetInt64(0), Smallest = op.Largest ? 0 : 1,
        }, Operand.Input(0), c.OptionalOutput(0), c.OptionalOutput(1));
        return true;
    }
}
