using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>lstm_f32, gru_f32, qlstm_s8.</summary>
internal static class RecurrenceBinding
{
    /// <summary><c>el_recurrent_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public int Steps, Batch, Hidden, Directions, Backward;
        public float CellClip;
    }

    /// <summary><c>el_qlstm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct IntegerParameters
    {
        public int Steps, Batch, Inputs, Cells, Outputs, Coupled, TimeMajor, CellShift, CellClip, HiddenMultiplier, HiddenShift, YZero, HInitial;
        public int ProjectionMultiplier, ProjectionShift, ProjectionZero, ProjectionClip, GuardI, GuardF, GuardG, GuardO;
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

    /// <summary>What a converter writes; whatever else a file may hold is computed by the reference loop.</summary>
    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(QLstm op, BindContext c)
    {
        Shape x = c.Shape(0);
        int time = op.TimeMajor ? 0 : 1;
        if (x[2] == 0 || c.Constant(4) is not { DType: DType.Int32 } multipliers || c.Constant(5) is not { DType: DType.Int32 } shifts) return false;
        ReadOnlySpan<DType> types = [DType.Int8, DType.Int8, DType.Int8, DType.Int32, DType.Int32, DType.Int32, DType.Int16, DType.Int16, DType.Int16, DType.Int16, DType.Int32, DType.Int8, DType.Int32];
        for (int i = 0; i < types.Length; i++)
            if (c.HasInput(i) && c.DType(i) != types[i]) return false;
        for (int i = 0; i < shifts.Count; i++)
            if (!IsFactor(multipliers.GetInt64(i), shifts.GetInt64(i) + (i >= 12 ? 12 : 0))) return false;
        if (!IsFactor(op.HiddenMultiplier, op.HiddenShift) || !IsFactor(op.ProjectionMultiplier, op.ProjectionShift)) return false;
        if (op.CellShift is < -15 or > -9 || op.CellClip is < 0 or > short.MaxValue || op.ProjectionClip is < 0 or > sbyte.MaxValue || op.YZeroPoint is < sbyte.MinValue or > 128) return false;
        if (op.HInitial != (sbyte)op.HInitial || op.ProjectionZeroPoint != (sbyte)op.ProjectionZeroPoint) return false;
        ReadOnlySpan<long> guards = op.VarianceGuards is { Length: 4 } given ? given : [1, 1, 1, 1];
        for (int i = 0; i < 4; i++)
            if (guards[i] is < 1 or > int.MaxValue) return false;
        c.Call("qlstm_s8", new IntegerParameters
        {
            Steps = checked((int)x[time]), Batch = checked((int)x[1 - time]), Inputs = checked((int)x[2]), Cells = (int)op.HiddenSize, Outputs = (int)op.OutFeatures,
            Coupled = op.Coupled ? 1 : 0, TimeMajor = op.TimeMajor ? 1 : 0, CellShift = (int)op.CellShift, CellClip = (int)op.CellClip,
            HiddenMultiplier = (int)op.HiddenMultiplier, HiddenShift = (int)op.HiddenShift, YZero = (int)op.YZeroPoint, HInitial = (int)op.HInitial,
            ProjectionMultiplier = (int)op.ProjectionMultiplier, ProjectionShift = (int)op.ProjectionShift, ProjectionZero = (int)op.ProjectionZeroPoint, ProjectionClip = (int)op.ProjectionClip,
            GuardI = (int)guards[0], GuardF = (int)guards[1], GuardG = (int)guards[2], GuardO = (int)guards[3],
        }, Operand.Input(0), Operand.Input(1), Operand.Input(2), Operand.Input(3), Operand.Input(4), Operand.Input(5), c.Optional(6), c.Optional(7), c.Optional(8), c.Optional(9), c.Optional(10),
            c.Optional(11), c.Optional(12), Operand.Output(0), c.OptionalOutput(1));
        return true;

        static bool IsFactor(long multiplier, long shift) => multiplier is >= 0 and <= int.MaxValue && shift is >= -31 and <= 30;
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
