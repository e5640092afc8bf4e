using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// TensorFlow Lite's integer LSTM (8-bit input, weights and output, 16-bit gates and cell state), bit for bit; gates i, f, g, o, or, coupled,
/// f, g, o and then i = 32767 - f; "cell" is hidden_size, "out" is out_features, which is hidden_size where there is no Projection:
/// <code>
/// X [batch, time, in] int8 (or [time, batch, in] with time_major); W [gates, cell, in], R [gates, cell, out] int8 in panels, a group for each
/// gate (<see cref="PanelLayout"/>). B [2, gates, cell rounded up to 16] int32: what is added to W x and to R h, zero points folded in
/// Multiplier, Shift [2 or 4, 4] int32: of W x, R h, peepholes and normalization for i, f, g, o
/// Peephole [3, cell] int16 for i, f, o; LayerNorm [gates, cell] int16 with LayerNormBias [gates, cell] int32
/// gate = norm(sat16(sat16(sat16(requantize(W x + b0)) + requantize(R h + b1)) + requantize(p c))) in Q3.12
/// c' = sat16(f c >> 15 + i g >> (30 + cell_shift)), cell scale 2^cell_shift;  h' = sorder(requantize(o tanh(c')) + y_zero_point)
/// with Projection [out, cell] int8 in panels, ProjectionBias [out] int32: h'' = sorder(requantize(P h' + b) + projection_zero_point); Y has h' or h''
/// </code>
/// Every shift rounds. The state before the first step is C, or 0, for the cell
/// and <c>h_initial</c>, plus H where it is given, in int8, for the output; C and C after the last step are int16 [batch, cell], H is [batch, out].
/// Source: tensorflow/lite/kernels/lstm_eval.cc (LstmStepInteger8x8_16), reference/portable_tensor_utils.
/// </summary>
[Operator("QLstm", "X, W, R, B, Multiplier, Shift, H?, C?, Peephole?, LayerNorm?, LayerNormBias?, Projection?, ProjectionBias?", "Y, Last_C?", Domain = "edgelite")]
public sealed partial class QLstm : Operator
{
    private const int GateIntegerBits = 3;

    /// <summary>Cells and results at most: what products with them have must fit into memory that a file can promise.</summary>
    private const long MostSize = 1 << 20;

    [Attr(Required = true)] public long HiddenSize { get; set; }
    [Attr(Required = true)] public long OutFeatures { get; set; }
    [Attr] public bool Coupled { get; set; }
    [Attr] public bool TimeMajor { get; set; }
    [Attr(Required = true)] public long CellShift { get; set; }

    /// <summary>Bound of the cell state, in its integers; 0: none.</summary>
    [Attr] public long CellClip { get; set; }
    [Attr(Required = true)] public long HiddenMultiplier { get; set; }
    [Attr(Required = true)] public long HiddenShift { get; set; }
    [Attr] public long YZeroPoint { get; set; }
    [Attr] public long HInitial { get; set; }
    [Attr] public long ProjectionMultiplier { get; set; }
    [Attr] public long ProjectionShift { get; set; }
    [Attr] public long ProjectionZeroPoint { get; set; }

    /// <summary>Bound of the projected output, in its integers; 0: none.</summary>
    [Attr] public long ProjectionClip { get; set; }

    /// <summary>What stands for a variance below 1, for i, f, g, o.</summary>
    [Attr] public long[]? VarianceGuards { get; set; }

    private FixedFunctions? _fixed16;

    /// <summary>Four gates, cell state, hidden state and output, kept from run to run.</summary>
    private int[][] _memory = [];

    public int Gates => Coupled ? 3 : 4;

    private static PanelLayout Panels(int gates, long from, long to) => new(DType.Int8, gates, 1, (int)from, (int)to);

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        long cells = HiddenSize, outputs = OutFeatures;
        if (c.DType(0) != DType.Int8) throw c.Error($"X is {c.DType(0).Name()}, expected int8");
        if (x.IsRanked && (x.Rank != 3 || x[2] > MostSize)) throw c.Error($"X has shape {x}, expected 3 dimensions, and at most {MostSize} features");
        foreach (int i in (ReadOnlySpan<int>)[1, 2, 11]) c.ExpectType(i, c.HasInput(i) && c.DType(i) == DType.Int8, "int8");
        if (cells is < 1 or > MostSize || outputs is < 1 or > MostSize) throw c.Error($"hidden_size is {cells} and out_features is {outputs}, expected 1 to {MostSize}");
        if (!c.HasInput(11) && outputs != cells) throw c.Error($"out_features is {outputs} and hidden_size is {cells}: they differ only where there is a Projection");
        if (c.HasInput(8) && outputs > cells) throw c.Error($"peepholes together with more outputs ({outputs}) than cells ({cells}) have no meaning in TensorFlow Lite");
        if (x.IsRanked && x[2] >= 0) c.ExpectShape(1, Panels(Gates, x[2], cells).Count);
        c.ExpectShape(2, Panels(Gates, outputs, cells).Count);
        c.ExpectShape(3, 2, Gates, Recurrence.Padded(cells));
        c.ExpectShape(8, 3, cells);
        c.ExpectShape(9, Gates, cells);
        c.ExpectShape(10, Gates, cells);
        c.ExpectShape(11, Panels(1, cells, outputs).Count);
        c.ExpectShape(12, outputs);
        bool isPlain = !c.HasInput(8) && !c.HasInput(9);
        for (int i = 4; i <= 5; i++) c.ExpectShape(i, isPlain ? 2 : 4, 4);
        if (c.HasInput(9) != c.HasInput(10) || c.HasInput(9) && VarianceGuards?.Length != 4) throw c.Error("a normalization needs LayerNorm, LayerNormBias and 4 variance_guards");
        if (c.HasInput(11) != c.HasInput(12)) throw c.Error("Projection and ProjectionBias belong together");
        long batch = x.IsRanked ? x[TimeMajor ? 1 : 0] : Shape.Unknown;
        for (int i = 6; i <= 7; i++)
        {
            if (!c.HasInput(i)) continue;
            if (c.DType(i) != DType.Int16) throw c.Error($"the state is {c.DType(i).Name()}, expected int16");
            c.ExpectRank(i, 2);
            if (!c.Shape(i).IsRanked) continue;
            c.Unify(c.Shape(i)[0], batch, "samples of X and of the state");
            c.Unify(c.Shape(i)[1], i == 6 ? outputs : cells, "cells of W and of the state");
        }
        c.SetOutput(0, DType.Int8, (x.IsRanked ? x : Shape.OfRank(3)).With(2, outputs));
        c.SetOutput(1, DType.Int16, new Shape(batch, cells));
    }

    public override unsafe void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), b = c.Input(3), multiplier = c.Input(4), shift = c.Input(5), y = c.Output(0);
        Tensor? peephole = c.OptionalInput(8), norm = c.OptionalInput(9), projection = c.OptionalInput(11);
        sbyte* w = (sbyte*)c.Input(1).Data, r = (sbyte*)c.Input(2).Data;
        int time = (int)x.Shape[TimeMajor ? 0 : 1], batch = (int)x.Shape[TimeMajor ? 1 : 0], inputs = (int)x.Shape[2];
        int gates = Gates, cells = (int)HiddenSize, outputs = (int)OutFeatures;
        PanelLayout ofX = Panels(gates, inputs, cells), ofH = Panels(gates, outputs, cells), ofCells = Panels(1, cells, outputs);
        FixedFunctions fixed16 = _fixed16 ??= new FixedFunctions(16);
        if (_memory.Length != 7 || _memory[0].Length != cells || _memory[6].Length != outputs)
            _memory = [new int[cells], new int[cells], new int[cells], new int[cells], new int[cells], new int[cells], new int[outputs]];
        int[][] gate = _memory;
        int[] state = _memory[4], hidden = _memory[5], h = _memory[6];
        for (int n = 0; n < batch; n++)
        {
            for (int o = 0; o < outputs; o++) h[o] = Saturate8(HInitial + (c.OptionalInput(6)?.GetInt64((long)n * outputs + o) ?? 0));
            for (int k = 0; k < cells; k++) state[k] = (int)(c.OptionalInput(7)?.GetInt64((long)n * cells + k) ?? 0);
            for (int t = 0; t < time; t++)
            {
                long at = TimeMajor ? (long)t * batch + n : (long)n * time + t;
                for (int g = Coupled ? 1 : 0; g < 3; g++) Gate(g);
                for (int k = 0; k < cells; k++)
                {
                    int entering = Coupled ? short.MaxValue - gate[1][k] : gate[0][k];
                    int kept = (short)FixedPoint.RoundingDivideByPot(gate[1][k] * state[k], 15);
                    int added = (short)FixedPoint.RoundingDivideByPot(entering * gate[2][k], (int)(30 + CellShift));
                    state[k] = Saturate(kept + added);
                    if (CellClip > 0) state[k] = (int)Math.Clamp(state[k], -CellClip, CellClip);
                }
                Gate(3);
                for (int k = 0; k < cells; k++)
                {
                    int product = gate[3][k] * fixed16.Tanh(state[k], (int)(15 + CellShift));
                    hidden[k] = Saturate8(FixedPoint.Requantize(product, (int)HiddenMultiplier, (int)HiddenShift) + YZeroPoint);
                }
                for (int o = 0; o < outputs; o++)
                {
                    h[o] = projection == null ? hidden[o] : Project(o);
                    y.SetInt64(at * outputs + o, h[o]);
                }

                void Gate(int g)
                {
                    int order = g - (4 - gates);
                    long row = (long)order * cells, biases = order * Recurrence.Padded(cells);
                    int[] values = gate[g];
                    for (int k = 0; k < cells; k++)
                    {
                        int sum = (int)b.GetInt64(biases + k), recurrent = (int)b.GetInt64(gates * Recurrence.Padded(cells) + biases + k);
                        for (int i = 0; i < inputs; i++) sum += (int)(w[ofX.At(order, 0, i, k)] * x.GetInt64(at * inputs + i));
                        for (int o = 0; o < outputs; o++) recurrent += r[ofH.At(order, 0, o, k)] * h[o];
                        sum = Saturate(Scaled(0, g, sum));
                        values[k] = Saturate(sum + Scaled(1, g, recurrent));
                        // TFLite takes rows of cells for as long as those of outputs.
                        long flat = TimeMajor ? (long)n * cells + k : k;
                        if (peephole != null && g != 2 && flat < (TimeMajor ? batch : 1) * (long)outputs)
                            values[k] = Saturate(values[k] + Scaled(2, g, (int)peephole.GetInt64((g == 3 ? 2 : g) * (long)cells + flat % outputs) * state[k]));
                    }
                    if (norm != null) Normalize(values, norm, c.Input(10), row, (int)VarianceGuards![g], (int)multiplier.GetInt64(12 + g), (int)shift.GetInt64(12 + g));
                    for (int k = 0; k < cells; k++) values[k] = g == 2 ? fixed16.Tanh(values[k], GateIntegerBits) : fixed16.Logistic(values[k], GateIntegerBits);
                }
            }
            for (int k = 0; k < cells && c.HasOutput(1); k++) c.Output(1).SetInt64((long)n * cells + k, state[k]);
        }

        int Scaled(int row, int g, int sum) => FixedPoint.Requantize(sum, (int)multiplier.GetInt64(4 * row + g), (int)shift.GetInt64(4 * row + g));

        int Project(int o)
        {
            int sum = (int)c.Input(12).GetInt64(o);
            for (int k = 0; k < cells; k++) sum += ((sbyte*)projection.Data)[ofCells.At(0, 0, k, o)] * hidden[k];
            int projected = Saturate8(FixedPoint.Requantize(sum, (int)ProjectionMultiplier, (int)ProjectionShift) + ProjectionZeroPoint);
            return ProjectionClip > 0 ? (int)Math.Clamp(projected, -ProjectionClip, ProjectionClip) : projected;
        }
    }

    /// <summary>Mean 0 and variance 1 with 10 bits more, times weights plus bias, in Q3.12 (ApplyLayerNorm).</summary>
    private static void Normalize(int[] values, Tensor weights, Tensor bias, long offset, int guard, int multiplier, int shift)
    {
        const int TwoToPower20 = 1 << 20;
        long sum = 0, squares = 0;
        foreach (int v in values)
        {
            sum += v;
            squares += v * v;
        }
        if (values.Length == 0) return;
        int count = values.Length, mean = (int)(sum * 1024 / count), fraction = TwoToPower20 / count;
        int variance = (int)((squares * fraction - (long)mean * mean) / TwoToPower20);
        FixedMultiplier inverse = new FixedFunctions(32).InverseSquareRoot(variance < 1 ? guard : variance);
        for (int k = 0; k < count; k++)
        {
            int rescaled = FixedPoint.Requantize(1024 * values[k] - mean, inverse);
            int weighted = unchecked(rescaled * (int)weights.GetInt64(offset + k) + (int)bias.GetInt64(offset + k));
            values[k] = Saturate(FixedPoint.Requantize((int)((weighted > 0 ? weighted + 512L : weighted - 512L) / 1024), multiplier, shift + 12));
        }
    }

    private static int Saturate(int x) => Math.Clamp(x, short.MinValue, short.MaxValue);

    private static int Saturate8(long x) => (int)Math.Clamp(x, sbyte.MinValue, sbyte.MaxValue);
}
