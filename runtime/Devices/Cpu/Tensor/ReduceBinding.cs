using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>reduce_f32 and reduce_f16, where the reduced axes lie side by side.</summary>
internal static class ReduceBinding
{
    /// <summary><c>el_reduce_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Outer, Axis, Inner;
        public int Op;
    }

    /// <summary><c>el_reduce_op</c>.</summary>
    private enum Function
    {
        Sum, Mean, Max, Min, Prod, SumSquare, L2, L1,
    }

    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceSum op, BindContext c) => Bind(op, c, Function.Sum);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceMean op, BindContext c) => Bind(op, c, Function.Mean);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceMax op, BindContext c) => Bind(op, c, Function.Max);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceMin op, BindContext c) => Bind(op, c, Function.Min);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceProd op, BindContext c) => Bind(op, c, Function.Prod);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceSumSquare op, BindContext c) => Bind(op, c, Function.SumSquare);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceL2 op, BindContext c) => Bind(op, c, Function.L2);
    [Binds(typeof(CpuTensorBackend))] public static bool Bind(ReduceL1 op, BindContext c) => Bind(op, c, Function.L1);

    private static bool Bind(Reduction op, BindContext c, Function function)
    {
        if (!c.AllFloat(1) || (c.HasInput(1) && c.Constant(1) == null)) return false;
        Shape x = c.Shape(0);
        long[] axes = c.Constant(1)?.ToInt64Array() ?? [];
        if (axes.Length == 0 && op.NoopWithEmptyAxes) return false;
        int mask = axes.Length == 0 ? (1 << x.Rank) - 1 : 0;
        foreach (long axis in axes) mask |= 1 << (int)(axis < 0 ? axis + x.Rank : axis);
        int first = int.TrailingZeroCount(mask), last = 31 - int.LeadingZeroCount(mask);
        if (mask == 0) return false;
        for (int d = first; d <= last; d++)
            if ((mask >> d & 1) == 0 && x[d] != 1) return false;
        c.Call(c.ForType("reduce"), new Parameters
        {
            Outer = x.Product(0, first), Axis = x.Product(first, last + 1), Inner = x.Product(last + 1, x.Rank), Op = (int)function,
        }, Operand.Input(0), Operand.Output(0));
        return true;
    }
}
