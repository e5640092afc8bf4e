using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// The LSTM of TensorFlow Lite, which has what ONNX's lacks: a clip of the cell state, a projection, an input gate coupled to the
/// forget gate (i = 1 - f, W and R then have 3 gates), layer normalization of the gates. Starts from H0 and C0, or from zeros.
/// <code>
/// X [batch, time, in], or [time, batch, in] with time_major; W [gates, cell, in]; R [gates, cell, out]; B [gates, cell]
/// gates i, f, g, o (f, g, o when coupled); Peephole [3, cell] for i, f, o; LayerNorm [gates, cell]
/// Projection [out, cell], ProjectionBias [out]; Y like X with out features; H0, H [batch, out], C0, C [batch, cell]: the first and last states
/// gate = norm(W x + R h + peephole * c) + b;  c' = clip(f c + i tanh(g));  h' = clip(projection(o tanh(c')))
/// </code>
/// Source: tensorflow/lite/kernels/lstm_eval.cc.
/// </summary>
[Operator("SequenceLstm", "X, W, R, B, Peephole?, LayerNorm?, Projection?, ProjectionBias?, H0?, C0?", "Y, H?, C?", Domain = "edgelite")]
public sealed partial class SequenceLstm : Operator
{
    [Attr] public bool TimeMajor { get; set; }

    /// <summary>Bounds of the cell state and of the projected output; 0: none.</summary>
    [Attr] public float CellClip { get; set; }
    [Attr] public float ProjectionClip { get; set; }

    /// <summary>Four gates, cell state, cell output and hidden state, kept from run to run.</summary>
    private double[][] _memory = [];

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), w = c.Shape(1), r = c.Shape(2);
        if (x.IsRanked && x.Rank != 3 || w.IsRanked && w.Rank != 3 || r.IsRanked && r.Rank != 3) throw c.Error($"X, W and R have shapes {x}, {w}, {r}, expected 3 dimensions each");
        if (!x.IsRanked || !w.IsKnown || !r.IsKnown)
        {
            c.SetOutput(0, c.DType(0), Shape.OfRank(3));
            return;
        }
        c.Unify(x[2], w[2], "features of X and of W");
        if (w[0] is not (3 or 4) || r[0] != w[0] || r[1] != w[1]) throw c.Error($"W and R have shapes {w} and {r}");
        if (!c.HasInput(6) && r[2] != w[1]) throw c.Error($"R has {r[2]} outputs for {w[1]} cells and there is no projection");
        c.ExpectShape(3, w[0], w[1]);
        c.ExpectShape(4, 3, w[1]);
        c.ExpectShape(5, w[0], w[1]);
        c.ExpectShape(6, r[2], w[1]);
        c.ExpectShape(7, r[2]);
        long batch = x[TimeMajor ? 1 : 0];
        c.ExpectShape(8, batch, r[2]);
        c.ExpectShape(9, batch, w[1]);
        c.SetOutput(0, c.DType(0), x.With(2, r[2]));
        c.SetOutput(1, c.DType(0), new Shape(batch, r[2]));
        c.SetOutput(2, c.DType(0), new Shape(batch, w[1]));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1), r = c.Input(2), b = c.Input(3), y = c.Output(0);
        Tensor? peephole = c.OptionalInput(4), norm = c.OptionalInput(5), projection = c.OptionalInput(6), projectionBias = c.OptionalInput(7);
        int time = (int)x.Shape[TimeMajor ? 0 : 1], batch = (int)x.Shape[TimeMajor ? 1 : 0], inputs = (int)x.Shape[2];
        int gates = (int)w.Shape[0], cells = (int)w.Shape[1], outputs = (int)r.Shape[2];
        bool coupled = gates == 3;
        if (_memory.Length != 7 || _memory[0].Length != cells || _memory[6].Length != outputs)
            _memory = [new double[cells], new double[cells], new double[cells], new double[cells], new double[cells], new double[cells], new double[outputs]];
        double[][] gate = _memory;
        double[] state = _memory[4], hidden = _memory[5], h = _memory[6];
        for (int n = 0; n < batch; n++)
        {
            for (int o = 0; o < outputs; o++) h[o] = c.OptionalInput(8)?.GetDouble((long)n * outputs + o) ?? 0;
            for (int k = 0; k < cells; k++) state[k] = c.OptionalInput(9)?.GetDouble((long)n * cells + k) ?? 0;
            for (int t = 0; t < time; t++)
            {
                long at = TimeMajor ? (long)t * batch + n : (long)n * time + t;
                for (int g = coupled ? 1 : 0; g < 3; g++) Gate(g);
                for (int k = 0; k < cells; k++)
                {
                    double f = Sigmoid(gate[1][k]), i = coupled ? 1 - f : Sigmoid(gate[0][k]);
                    state[k] = f * state[k] + i * Math.Tanh(gate[2][k]);
                    if (CellClip > 0) state[k] = Math.Clamp(state[k], -CellClip, CellClip);
                }
                Gate(3);
                for (int k = 0; k < cells; k++) hidden[k] = Sigmoid(gate[3][k]) * Math.Tanh(state[k]);
                for (int o = 0; o < outputs; o++)
                {
                    double value = projection == null ? hidden[o] : projectionBias?.GetDouble(o) ?? 0;
                    for (int k = 0; projection != null && k < cells; k++) value += projection.GetDouble((long)o * cells + k) * hidden[k];
                    if (projection != null && ProjectionClip > 0) value = Math.Clamp(value, -ProjectionClip, ProjectionClip);
                    h[o] = value;
                    y.SetDouble(at * outputs + o, value);
                }

                void Gate(int g)
                {
                    long row = g - (4 - gates);
                    for (int k = 0; k < cells; k++)
                    {
                        long wAt = (row * cells + k) * inputs, rAt = (row * cells + k) * outputs;
                        double sum = 0;
                        for (int i = 0; i < inputs; i++) sum += w.GetDouble(wAt + i) * x.GetDouble(at * inputs + i);
                        for (int o = 0; o < outputs; o++) sum += r.GetDouble(rAt + o) * h[o];
                        if (peephole != null && g != 2) sum += peephole.GetDouble((g == 3 ? 2 : g) * (long)cells + k) * state[k];
                        gate[g][k] = sum;
                    }
                    if (norm != null) Normalize(gate[g], norm, row * cells);
                    for (int k = 0; k < cells; k++) gate[g][k] += b.GetDouble(row * cells + k);
                }
            }
            for (int o = 0; c.HasOutput(1) && o < outputs; o++) c.Output(1).SetDouble((long)n * outputs + o, h[o]);
            for (int k = 0; c.HasOutput(2) && k < cells; k++) c.Output(2).SetDouble((long)n * cells + k, state[k]);
        }
    }

    private static void Normalize(double[] values, Tensor weights, long offset)
    {
        double mean = 0, variance = 0;
        foreach (double v in values) mean += v / values.Length;
        foreach (double v in values) variance += (v - mean) * (v - mean);
        double scale = 1 / Math.Sqrt(variance / values.Length + 1e-8);
        for (int k = 0; k < values.Length; k++) values[k] = (values[k] - mean) * scale * weights.GetDouble(offset + k);
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
