using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// TensorFlow Lite's integer LSTM (8-bit input, weights and output, 16-bit gates and cell state), bit for bit:
/// <code>
/// X [batch, time, in] int8 (or [time, batch, in] with time_major); W [4, cell, in], R [4, cell, cell] int8; gates i, f, g, o
/// B [2, 4, cell] int32: what is added to W x and to R h, zero points folded in; Multiplier, Shift [2, 4] int32
/// gate = sat16(sat16(requantize(W x + b0)) + requantize(R h + b1)) in Q3.12
/// c' = sat16(f c >> 15 + i g >> (30 + cell_shift)), cell scale 2^cell_shift;  h' = sat8(requantize(o tanh(c')) + y_zero_point)
/// </code>
/// Every shift rounds. The state before the first step is C, or 0, for the cell and <c>h_initial</c>, plus H where it is given, for the output; C and
/// C after the last step are int16 [batch, cell], H likewise.
/// Source: tensorflow/lite/kernels/lstm_eval.cc (LstmStepInteger8x8_16), reference/portable_tensor_utils.
/// </summary>
[Operator("QLstm", "X, W, R, B, Multiplier, Shift, H?, C?", "Y, Last_C?", Domain = "edgelite")]
public sealed partial class QLstm : Operator
{
    private const int GateIntegerBits = 3;

    [Attr] public bool TimeMajor { get; set; }
    [Attr(Required = true)] public long CellShift { get; set; }

    /// <summary>Bound of the cell state, in its integers; 0: none.</summary>
    [Attr] public long CellClip { get; set; }
    [Attr(Required = true)] public long HiddenMultiplier { get; set; }
    [Attr(Required = true)] public long HiddenShift { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr] public long HInitial { get; set; }

    private FixedFunctions? _fixed16;

    /// <summary>Gates, hidden state and cell state, kept from run to run.</summary>
    private int[] _memory = [];

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), w = c.Shape(1);
        if (c.DType(0) != DType.Int8) throw c.Error($"X is {c.DType(0).Name()}, expected int8");
        if (x.IsRanked && x.Rank != 3 || w.IsRanked && w.Rank != 3) throw c.Error($"X and W have shapes {x} and {w}, expected 3 dimensions each");
        if (x.IsRanked && w.IsRanked) c.Unify(x[2], w[2], "features of X and of W");
        if (w.IsRanked && w[1] >= 0)
        {
            c.ExpectShape(1, w.With(0, 4));
            c.ExpectShape(2, new Shape(4, w[1], w[1]));
            c.ExpectShape(3, new Shape(2, 4, w[1]));
        }
        for (int i = 4; i <= 5; i++) c.ExpectShape(i, new Shape(2, 4));
        var state = new Shape(x.IsRanked ? x[TimeMajor ? 1 : 0] : Shape.Unknown, w.IsRanked ? w[1] : Shape.Unknown);
        for (int i = 6; i <= 7; i++)
        {
            if (!c.HasInput(i)) continue;
            if (c.DType(i) != DType.Int16) throw c.Error($"the state is {c.DType(i).Name()}, expected int16");
            c.ExpectRank(i, 2);
            for (int d = 0; c.Shape(i).IsRanked && d < 2; d++) c.Unify(c.Shape(i)[d], state[d], d == 0 ? "samples of X and of the state" : "cells of W and of the state");
        }
        c.SetOutput(0, DType.Int8, (x.IsRanked ? x : Shape.OfRank(3)).With(2, state[1]));
        c.SetOutput(1, DType.Int16, state);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1), r = c.Input(2), b = c.Input(3), multiplier = c.Input(4), shift = c.Input(5), y = c.Output(0);
        int time = (int)x.Shape[TimeMajor ? 0 : 1], batch = (int)x.Shape[TimeMajor ? 1 : 0], inputs = (int)x.Shape[2], cells = (int)w.Shape[1];
        FixedFunctions fixed16 = _fixed16 ??= new FixedFunctions(16);
        if (_memory.Length != 6 * cells) _memory = new int[6 * cells];
        Span<int> gate = _memory.AsSpan(0, 4 * cells), h = _memory.AsSpan(4 * cells, cells), state = _memory.AsSpan(5 * cells, cells);
        for (int n = 0; n < batch; n++)
        {
            for (int k = 0; k < cells; k++)
            {
                h[k] = (int)(HInitial + (c.OptionalInput(6)?.GetInt64((long)n * cells + k) ?? 0));
                state[k] = (int)(c.OptionalInput(7)?.GetInt64((long)n * cells + k) ?? 0);
            }
            for (int t = 0; t < time; t++)
            {
                long at = TimeMajor ? (long)t * batch + n : (long)n * time + t;
                for (int k = 0; k < 4 * cells; k++)
                {
                    int g = k / cells, sum = (int)b.GetInt64(k), recurrent = (int)b.GetInt64(4 * cells + k);
                    for (int i = 0; i < inputs; i++) sum += (int)(w.GetInt64((long)k * inputs + i) * x.GetInt64(at * inputs + i));
                    for (int o = 0; o < cells; o++) recurrent += (int)r.GetInt64((long)k * cells + o) * h[o];
                    sum = Saturate(FixedPoint.Requantize(sum, (int)multiplier.GetInt64(g), (int)shift.GetInt64(g)));
                    sum = Saturate(sum + FixedPoint.Requantize(recurrent, (int)multiplier.GetInt64(4 + g), (int)shift.GetInt64(4 + g)));
                    gate[k] = g == 2 ? fixed16.Tanh(sum, GateIntegerBits) : fixed16.Logistic(sum, GateIntegerBits);
                }
                for (int k = 0; k < cells; k++)
                {
                    int kept = (short)FixedPoint.RoundingDivideByPot(gate[cells + k] * state[k], 15);
                    int added = (short)FixedPoint.RoundingDivideByPot(gate[k] * gate[2 * cells + k], (int)(30 + CellShift));
                    state[k] = Saturate(kept + added);
                    if (CellClip > 0) state[k] = (int)Math.Clamp(state[k], -CellClip, CellClip);
                    int product = gate[3 * cells + k] * fixed16.Tanh(state[k], (int)(15 + CellShift));
                    h[k] = (int)Math.Clamp(FixedPoint.Requantize(product, (int)HiddenMultiplier, (int)HiddenShift) + YZeroPoint, sbyte.MinValue, sbyte.MaxValue);
                    y.SetInt64(at * cells + k, h[k]);
                }
            }
            for (int k = 0; k < cells && c.HasOutput(1); k++) c.Output(1).SetInt64((long)n * cells + k, state[k]);
        }
    }

    private static int Saturate(int x) => Math.Clamp(x, short.MinValue, short.MaxValue);
}
