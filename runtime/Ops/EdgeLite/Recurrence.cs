using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// The recurrent part of a layer of <see cref="Gates"/> gates, after a dense layer has multiplied the inputs of all steps. Hidden
/// units come in blocks of 16 (H16: hidden rounded up), a block's gates together, as kernels-native/include/el_nn.h defines it:
/// <code>
/// G [steps][batch][directions * H16/16 * gates * 16], biases included
/// R packed [directions][H16/16][hidden][gates][16];  h0, c0, Y_h, Y_c [directions][batch][hidden]
/// Y [steps][directions][batch][hidden]
/// </code>
/// Direction 1, and direction 0 when backward is set, go from the last step to the first.
/// </summary>
public abstract unsafe class Recurrence : Operator
{
    /// <summary>Units of one block.</summary>
    public const int Block = PanelLayout.Panel;

    [Attr(Required = true)] public long HiddenSize { get; set; }
    [Attr] public long Directions { get; set; } = 1;
    [Attr] public bool Backward { get; set; }

    protected abstract int Gates { get; }

    /// <summary>Hidden units rounded up to whole blocks.</summary>
    public long Width => Padded(HiddenSize);

    public static long Padded(long hidden) => (hidden + Block - 1) / Block * Block;

    /// <summary>Column of gate <paramref name="gate"/> of unit <paramref name="unit"/> among the gates of one direction.</summary>
    public static long Column(int gates, int gate, long unit) => (unit / Block * gates + gate) * Block + unit % Block;

    /// <summary>Index of what hidden unit <paramref name="from"/> contributes to a gate of another, in the packed weights.</summary>
    public static long At(long hidden, int gates, long direction, int gate, long to, long from) =>
        (((direction * Padded(hidden) / Block + to / Block) * hidden + from) * gates + gate) * Block + to % Block;

    /// <summary>R[directions][gates*hidden][hidden] packed.</summary>
    public static Tensor PackRecurrent(Tensor r, int gates)
    {
        long directions = r.Shape[0], hidden = r.Shape[2];
        var packed = new Tensor(DType.Float32, new Shape(directions * Padded(hidden) * hidden * gates));
        float* from = (float*)r.Data, to = (float*)packed.Data;
        for (long d = 0; d < directions; d++)
            for (int g = 0; g < gates; g++)
                for (long j = 0; j < hidden; j++)
                    for (long k = 0; k < hidden; k++) to[At(hidden, gates, d, g, j, k)] = *from++;
        return packed;
    }

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0);
        for (int i = 0; i < 2; i++) c.ExpectType(i, c.DType(i) == DType.Float32, "float32");
        if (HiddenSize < 1 || Directions is not (1 or 2)) throw c.Error($"hidden_size is {HiddenSize}, directions is {Directions}; expected at least 1, and 1 or 2");
        c.ExpectShape(0, Shape.Unknown, Shape.Unknown, Directions * Width * Gates);
        c.ExpectCount(1, Directions * Width * HiddenSize * Gates);
        long steps = x.IsRanked ? x[0] : Shape.Unknown, batch = x.IsRanked ? x[1] : Shape.Unknown;
        var state = new Shape(Directions, batch, HiddenSize);
        for (int i = FirstState; i < FirstState + States; i++) c.ExpectShape(i, state.AsSpan());
        c.SetOutput(0, DType.Float32, new Shape(steps, Directions, batch, HiddenSize));
        for (int i = 1; i <= States; i++) c.SetOutput(i, DType.Float32, state);
    }

    /// <summary>Index of the first initial state among the inputs, and how many states there are.</summary>
    protected abstract int FirstState { get; }
    protected abstract int States { get; }

    /// <summary>New hidden value of a unit from the two parts of its gates; <paramref name="cell"/> is its second state.</summary>
    protected abstract double Step(ReadOnlySpan<double> input, ReadOnlySpan<double> recurrent, double candidate, double old, ref double cell);

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), r = c.Input(1);
        Tensor? candidate = FirstState == 3 ? c.OptionalInput(2) : null;
        long steps = x.Shape[0], batch = x.Shape[1], columns = Width * Gates;
        double[] h = new double[HiddenSize], next = new double[HiddenSize], cell = new double[HiddenSize];
        Span<double> input = stackalloc double[Gates], recurrent = stackalloc double[Gates];
        for (long d = 0; d < Directions; d++)
            for (long b = 0; b < batch; b++)
            {
                long state = (d * batch + b) * HiddenSize;
                for (long j = 0; j < HiddenSize; j++)
                {
                    h[j] = c.OptionalInput(FirstState)?.GetDouble(state + j) ?? 0;
                    cell[j] = States == 2 ? c.OptionalInput(FirstState + 1)?.GetDouble(state + j) ?? 0 : 0;
                }
                for (long s = 0; s < steps; s++)
                {
                    long t = d == 1 || Backward ? steps - 1 - s : s, row = ((t * batch + b) * Directions + d) * columns;
                    for (long j = 0; j < HiddenSize; j++)
                    {
                        for (int g = 0; g < Gates; g++)
                        {
                            input[g] = x.GetDouble(row + Column(Gates, g, j));
                            recurrent[g] = 0;
                            for (long k = 0; k < HiddenSize; k++) recurrent[g] += h[k] * r.GetDouble(At(HiddenSize, Gates, d, g, j, k));
                        }
                        next[j] = Step(input, recurrent, candidate?.GetDouble(d * Width + j) ?? 0, h[j], ref cell[j]);
                    }
                    (h, next) = (next, h);
                    for (long j = 0; c.HasOutput(0) && j < HiddenSize; j++) c.Output(0).SetDouble(((t * Directions + d) * batch + b) * HiddenSize + j, h[j]);
                }
                for (long j = 0; j < HiddenSize; j++)
                {
                    if (c.HasOutput(1)) c.Output(1).SetDouble(state + j, h[j]);
                    if (States == 2 && c.HasOutput(2)) c.Output(2).SetDouble(state + j, cell[j]);
                }
            }
    }

    protected static double Logistic(double x) => 1 / (1 + Math.Exp(-x));
}
