using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// A recurrent layer: X[seq][batch][in], W[dirs][gates*hidden][in], R[dirs][gates*hidden][hidden], B[dirs][2*gates*hidden],
/// sequence_lens[batch], initial_h[dirs][batch][hidden]; Y[seq][dirs][batch][hidden], Y_h[dirs][batch][hidden].
/// Layout 1 puts the batch first in X, Y and the states. Steps beyond a sequence's length give zeros in Y; the reverse direction
/// starts at a sequence's last step.
/// </summary>
public abstract unsafe class RecurrentOperator : Operator
{
    [Attr] public float[]? ActivationAlpha { get; set; }
    [Attr] public float[]? ActivationBeta { get; set; }
    [Attr] public string[]? Activations { get; set; }

    /// <summary>Limit of what enters an activation, both signs; 0 is none.</summary>
    [Attr] public float Clip { get; set; }

    /// <summary>forward, reverse or bidirectional.</summary>
    [Attr] public string Direction { get; set; } = "forward";
    [Attr] public long HiddenSize { get; set; }
    [Attr] public long Layout { get; set; }

    private RecurrentActivation[]? _functions;

    /// <summary>One step of one sequence. Gate values are [gates][hidden].</summary>
    protected readonly ref struct Cell
    {
        public required long Size { get; init; }

        /// <summary>W x + Wb.</summary>
        public required double* FromInput { get; init; }

        /// <summary>R h + Rb.</summary>
        public required double* FromHidden { get; init; }

        /// <summary>R[gates*hidden][hidden] and Rb, for cells that gate h before the product.</summary>
        public required double* R { get; init; }
        public required double* RecurrentBias { get; init; }

        /// <summary>h and c: read, then overwritten with the new state.</summary>
        public required double* Hidden { get; init; }
        public required double* State { get; init; }

        /// <summary>Peephole weights, or null.</summary>
        public required double* Peephole { get; init; }
        public required ReadOnlySpan<RecurrentActivation> F { get; init; }
    }

    protected abstract int Gates { get; }
    protected abstract ReadOnlySpan<string> DefaultActivations { get; }
    protected virtual int InitialCellInput => -1;
    protected virtual int PeepholeInput => -1;
    protected abstract void Step(in Cell cell);

    private int Directions => Direction == "bidirectional" ? 2 : 1;

    public override void Infer(InferContext c)
    {
        if (Direction is not ("forward" or "reverse" or "bidirectional")) throw c.Error($"direction is '{Direction}'");
        if (Layout is not (0 or 1)) throw c.Error($"layout is {Layout}; expected 0 or 1");
        Shape x = c.Shape(0), w = c.Shape(1), r = c.Shape(2);
        long hidden = HiddenSize > 0 ? HiddenSize : r.IsRanked && r.Rank == 3 ? r[2] : Shape.Unknown;
        if (w.IsRanked)
        {
            if (w.Rank != 3) throw c.Error($"W has shape {w}; expected 3 dimensions");
            c.Unify(w[0], Directions, $"W {w} has another number of directions than direction '{Direction}'");
            if (hidden >= 0) c.Unify(w[1], Gates * hidden, $"W {w} does not fit hidden_size {hidden}");
        }
        if (r.IsRanked && r.Rank != 3) throw c.Error($"R has shape {r}; expected 3 dimensions");
        long rows = hidden < 0 ? Shape.Unknown : Gates * hidden;
        c.ExpectShape(2, Directions, rows, hidden);
        c.ExpectShape(3, Directions, rows < 0 ? rows : 2 * rows);
        if (Activations != null && Activations.Length != DefaultActivations.Length * Directions)
            throw c.Error($"{Activations.Length} activations are given; expected {DefaultActivations.Length * Directions}");
        long seq = Shape.Unknown, batch = Shape.Unknown;
        if (x.IsRanked)
        {
            if (x.Rank != 3) throw c.Error($"X has shape {x}; expected 3 dimensions");
            (seq, batch) = Layout == 0 ? (x[0], x[1]) : (x[1], x[0]);
            if (w.IsRanked) c.Unify(x[2], w[2], $"X {x} and W {w} differ in the input size");
        }
        c.SetOutput(0, c.DType(0), Layout == 0 ? new Shape(seq, Directions, batch, hidden) : new Shape(batch, seq, Directions, hidden));
        Shape state = Layout == 0 ? new Shape(Directions, batch, hidden) : new Shape(batch, Directions, hidden);
        c.ExpectShape(4, batch);
        c.ExpectShape(5, state.AsSpan());
        if (InitialCellInput >= 0) c.ExpectShape(InitialCellInput, state.AsSpan());
        if (PeepholeInput >= 0) c.ExpectShape(PeepholeInput, Directions, hidden < 0 ? hidden : 3 * hidden);
        c.SetOutput(1, c.DType(0), state);
        c.SetOutput(2, c.DType(0), state);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), w = c.Input(1), r = c.Input(2);
        long seq = x.Shape[Layout == 0 ? 0 : 1], batch = x.Shape[Layout == 0 ? 1 : 0], width = x.Shape[2], size = r.Shape[2];
        long rows = Gates * size;
        using var wideX = new WideBuffer(x);
        using var wideW = new WideBuffer(w);
        using var wideR = new WideBuffer(r);
        using var bias = c.OptionalInput(3) is { } b ? new WideBuffer(b) : new WideBuffer(Directions * 2 * rows);
        using var peephole = c.OptionalInput(PeepholeInput < 0 ? int.MaxValue : PeepholeInput) is { } p ? new WideBuffer(p) : new WideBuffer(0);
        bool hasPeephole = PeepholeInput >= 0 && c.HasInput(PeepholeInput);
        using var scratch = new WideBuffer(2 * rows + 2 * size);
        double* fromInput = scratch.P, fromHidden = fromInput + rows, hidden = fromHidden + rows, state = hidden + size;
        RecurrentActivation[] functions = ResolveActivations();
        int perDirection = DefaultActivations.Length;

        for (int d = 0; d < Directions; d++)
        {
            bool isReverse = Direction == "reverse" || d == 1;
            double* wd = wideW.P + d * rows * width, rd = wideR.P + d * rows * size, bd = bias.P + d * 2 * rows;
            for (long n = 0; n < batch; n++)
            {
                LoadState(c.OptionalInput(5), d, n, batch, size, hidden);
                LoadState(InitialCellInput < 0 ? null : c.OptionalInput(InitialCellInput), d, n, batch, size, state);
                long length = c.OptionalInput(4) is { } lengths ? Math.Clamp(lengths.GetInt64(n), 0, seq) : seq;
                for (long s = 0; s < seq; s++)
                {
                    long t = !isReverse || s >= length ? s : length - 1 - s;
                    if (s >= length)
                    {
                        StoreStep(c, t, seq, d, n, batch, size, null);
                        continue;
                    }
                    double* xt = wideX.P + (Layout == 0 ? t * batch + n : n * seq + t) * width;
                    Product(wd, xt, bd, rows, width, fromInput);
                    Product(rd, hidden, bd + rows, rows, size, fromHidden);
                    Step(new Cell
                    {
                        Size = size,
                        FromInput = fromInput,
                        FromHidden = fromHidden,
                        R = rd,
                        RecurrentBias = bd + rows,
                        Hidden = hidden,
                        State = state,
                        Peephole = hasPeephole ? peephole.P + d * 3 * size : null,
                        F = functions.AsSpan(d * perDirection, perDirection),
                    });
                    StoreStep(c, t, seq, d, n, batch, size, hidden);
                }
                StoreState(c, 1, d, n, batch, size, hidden);
                StoreState(c, 2, d, n, batch, size, state);
            }
        }
    }

    /// <summary>f(x), x limited by clip.</summary>
    protected double Activate(in RecurrentActivation f, double x) => f.Apply(Clip > 0 ? Math.Clamp(x, -Clip, Clip) : x);

    /// <summary>y = M[rows][columns] x + bias.</summary>
    private static void Product(double* m, double* x, double* bias, long rows, long columns, double* y)
    {
        for (long i = 0; i < rows; i++)
        {
            double sum = bias[i];
            double* row = m + i * columns;
            for (long j = 0; j < columns; j++) sum += row[j] * x[j];
            y[i] = sum;
        }
    }

    private RecurrentActivation[] ResolveActivations()
    {
        if (_functions != null) return _functions;
        int count = DefaultActivations.Length, alpha = 0, beta = 0;
        var functions = new RecurrentActivation[count * Directions];
        for (int i = 0; i < functions.Length; i++)
            functions[i] = RecurrentActivation.Of(Activations?[i] ?? DefaultActivations[i % count], ActivationAlpha, ref alpha, ActivationBeta, ref beta);
        return _functions = functions;
    }

    private long StateIndex(int d, long n, long batch, long size) => (Layout == 0 ? d * batch + n : n * Directions + d) * size;

    private void LoadState(Tensor? from, int d, long n, long batch, long size, double* to)
    {
        for (long j = 0, first = StateIndex(d, n, batch, size); j < size; j++) to[j] = from?.GetDouble(first + j) ?? 0;
    }

    private void StoreState(ComputeContext c, int output, int d, long n, long batch, long size, double* from)
    {
        if (!c.HasOutput(output)) return;
        for (long j = 0, first = StateIndex(d, n, batch, size); j < size; j++) c.Output(output).SetDouble(first + j, from[j]);
    }

    private void StoreStep(ComputeContext c, long t, long seq, int d, long n, long batch, long size, double* from)
    {
        if (!c.HasOutput(0)) return;
        long first = (Layout == 0 ? (t * Directions + d) * batch + n : (n * seq + t) * Directions + d) * size;
        for (long j = 0; j < size; j++) c.Output(0).SetDouble(first + j, from == null ? 0 : from[j]);
    }
}
