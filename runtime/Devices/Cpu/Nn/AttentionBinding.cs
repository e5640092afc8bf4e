using System.Runtime.InteropServices;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>attention_f32.</summary>
internal static class AttentionBinding
{
    /// <summary><c>el_attention_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int Batch, Heads, S, T, D, E;
        public float Scale;
        public Strides Q, K, V, Y;
        public MaskStrides Mask;
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Strides(FusedAttention.View view)
    {
        private readonly long _batch = view.BatchStride, _head = view.HeadStride, _row = view.RowStride;
    }

    [System.Runtime.CompilerServices.InlineArray(4)]
    private struct MaskStrides
    {
        private long _first;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(FusedAttention op, BindContext c)
    {
        var q = FusedAttention.View.Of(c.Shape(0), op.QRowsFirst);
        var k = FusedAttention.View.Of(c.Shape(1), op.KRowsFirst);
        var v = FusedAttention.View.Of(c.Shape(2), op.VRowsFirst);
        var parameters = new Parameters
        {
            Batch = checked((int)q.Batch), Heads = checked((int)q.Heads), S = checked((int)q.Rows), T = checked((int)k.Rows),
            D = checked((int)q.Width), E = checked((int)v.Width), Scale = op.Scale,
            Q = new Strides(q), K = new Strides(k), V = new Strides(v), Y = new Strides(FusedAttention.View.Of(c.Output(0).Shape, op.YRowsFirst)),
        };
        if (c.HasInput(3)) FusedAttention.MaskStrides(c.Shape(3), [q.Batch, q.Heads, q.Rows, k.Rows], parameters.Mask);
        c.Call("attention_f32", parameters, Operand.Input(0), Operand.Input(1), Operand.Input(2), c.Optional(3), Operand.Output(0));
        return true;
    }
}
