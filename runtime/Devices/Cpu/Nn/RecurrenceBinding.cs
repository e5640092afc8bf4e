using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>lstm_f32, gru_f32.</summary>
internal static class RecurrenceBinding
{
    /// <summary><c>el_recurrent_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int Steps, Batch, Hidden, Directions, Backward;
        public float CellClip;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Lstm op, BindContext c)
    {
        c.Call("lstm_f32", Of(op, c, op.CellClip), Operand.Input(0), Operand.Input(1), Operand.None, c.Optional(2), c.Optional(3), c.OptionalOutput(0), c.OptionalOutput(1), c.OptionalOutput(2));
        return true;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Gru op, BindContext c)
    {
        c.Call("gru_f32", Of(op, c, 0), Operand.Input(0), Operand.Input(1), c.Optional(2), c.Optional(3), Operand.None, c.OptionalOutput(0), c.OptionalOutput(1), Operand.None);
        return true;
    }

    private static Parameters Of(Recurrence op, BindContext c, float cellClip)
    {
        Shape x = c.Shape(0);
        return new Parameters
        {
            Steps = checked((int)x[0]), Batch = checked((int)x[1]), Hidden = checked((int)op.HiddenSize),
            Directions = (int)op.Directions, Backward = op.Backward ? 1 : 0, CellClip = cellClip,
        };
    }
}
