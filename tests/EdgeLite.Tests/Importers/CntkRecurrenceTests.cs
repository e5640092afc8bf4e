using EdgeLite.Converter.Importers.Cntk;
using EdgeLite.Converter.Importers.Cntk.Proto;
using static EdgeLite.Tests.Importers.CntkFile;

namespace EdgeLite.Tests.Importers;

/// <summary>CNTK's networks along sequences, as CNTK 2 writes them (cycles by way of PastValue and FutureValue, blocks, parts of sequences,
/// cuDNN's stacks), against loops over the steps.</summary>
public class CntkRecurrenceTests
{
    private const int T = 5, Size = 3, H = 2;

    private static float[] Numbers(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() * 2 - 1))];
    }

    private static Tensor Sequence(float[] x) => Tensor.FromArray<float>(x, new Shape(x.Length / Size, Size));

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));

    /// <summary>A parameter (rows, columns) of CNTK lies column by column: row o of its product with v.</summary>
    private static double Row(float[] w, int rows, int o, Func<int, double> v, int columns) => Enumerable.Range(0, columns).Sum(i => w[i * rows + o] * v(i));

    private static void Close(double[][] expected, Tensor got) =>
        TensorAssert.Close(Tensor.FromArray<float>([.. expected.SelectMany(r => r).Select(v => (float)v)], new Shape(expected.Length, expected[0].Length)), got, 1e-5, 1e-6, "result");

    /// <summary>Recurrence(LSTM(2)) of cntk.layers: a block of x and of the two delayed results of itself.</summary>
    private static (DictionaryValue[] Variables, DictionaryValue[] Functions) Lstm(float[] w, float[] r, float[] b, CntkOp delay)
    {
        DictionaryValue Gate(string uid, int k) => Function(uid, CntkOp.Slice, "sum_Output_0", ("axis", A(0)), ("beginIndex", I(k * H)), ("endIndex", I((k + 1) * H)));
        return ([Input("x", [Size], true), Parameter("W", [4 * H, Size], w), Parameter("R", [4 * H, H], r), Parameter("b", [4 * H], b), Parameter("zero", [], 0), Placeholder("px"), Placeholder("ph"), Placeholder("pc")],
        [
            Function("xw", CntkOp.Times, "W px", ("outputRank", N(1))), Function("hr", CntkOp.Times, "R ph", ("outputRank", N(1))),
            Function("bx", CntkOp.Plus, "b xw_Output_0"), Function("sum", CntkOp.Plus, "bx_Output_0 hr_Output_0"),
            Gate("pi", 0), Gate("pg", 1), Gate("pf", 2), Gate("po", 3),
            Function("i", CntkOp.StableSigmoid, "pi_Output_0"), Function("g", CntkOp.Tanh, "pg_Output_0"), Function("f", CntkOp.StableSigmoid, "pf_Output_0"), Function("o", CntkOp.StableSigmoid, "po_Output_0"),
            Function("ig", CntkOp.ElementTimes, "i_Output_0 g_Output_0"), Function("fc", CntkOp.ElementTimes, "f_Output_0 pc"), Function("c", CntkOp.Plus, "fc_Output_0 ig_Output_0"),
            Function("tc", CntkOp.Tanh, "c_Output_0"), Function("h", CntkOp.ElementTimes, "o_Output_0 tc_Output_0"), Function("both", CntkOp.Combine, "h_Output_0 c_Output_0"),
            Block("lstm", "both", ("px", "x"), ("ph", "dh_Output_0"), ("pc", "dc_Output_0")),
            Function("dh", delay, "lstm_Output_0 zero", ("offset", N(1))), Function("dc", delay, "lstm_Output_1 zero", ("offset", N(1))),
        ]);
    }

    private static double[][] LstmByHand(float[] w, float[] r, float[] b, float[] x, bool isBackwards)
    {
        var result = new double[T][];
        double[] h = new double[H], c = new double[H];
        for (int n = 0; n < T; n++)
        {
            int t = isBackwards ? T - 1 - n : n;
            double Gate(int k, int j, double[] before) => b[k * H + j] + Row(w, 4 * H, k * H + j, i => x[t * Size + i], Size) + Row(r, 4 * H, k * H + j, i => before[i], H);
            double[] nextC = [.. Enumerable.Range(0, H).Select(j => Sigmoid(Gate(2, j, h)) * c[j] + Sigmoid(Gate(0, j, h)) * Math.Tanh(Gate(1, j, h)))];
            double[] nextH = [.. Enumerable.Range(0, H).Select(j => Sigmoid(Gate(3, j, h)) * Math.Tanh(nextC[j]))];
            (h, c) = (nextH, nextC);
            result[t] = h;
        }
        return result;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_block_that_depends_on_its_own_past_is_a_recurrence(bool isBackwards)
    {
        float[] w = Numbers(4 * H * Size, 1), r = Numbers(4 * H * H, 2), b = Numbers(4 * H, 3), x = Numbers(T * Size, 4);
        (DictionaryValue[] variables, DictionaryValue[] functions) = Lstm(w, r, b, isBackwards ? CntkOp.FutureValue : CntkOp.PastValue);
        // The result of Combine's first operand alone: (h, c) would be two.
        Close(LstmByHand(w, r, b, x, isBackwards), Run(Net("y", variables, [.. functions, Function("y", CntkOp.NoOp, "lstm_Output_0")]), Sequence(x)));
    }

    /// <summary>cntk.sequence.last: where a zero at each step, looked at one step before, is the 1 behind the end.</summary>
    [Fact]
    public void The_last_step_of_a_sequence_is_taken()
    {
        float[] w = Numbers(4 * H * Size, 1), r = Numbers(4 * H * H, 2), b = Numbers(4 * H, 3), x = Numbers(T * Size, 4);
        (DictionaryValue[] variables, DictionaryValue[] functions) = Lstm(w, r, b, CntkOp.PastValue);
        byte[] net = Net("last", [.. variables, Parameter("one", [], 1)],
        [
            .. functions, Function("zeros", CntkOp.ReconcileDynamicAxis, "zero lstm_Output_0"), Function("isLast", CntkOp.FutureValue, "zeros_Output_0 one", ("offset", N(1))), Function("at", CntkOp.Where, "isLast_Output_0"),
            Function("index", CntkOp.PackedIndex, "lstm_Output_0 at_Output_0"), Function("last", CntkOp.GatherPacked, "lstm_Output_0 index_Output_0"),
        ]);
        Close([LstmByHand(w, r, b, x, false)[^1]], Run(net, Sequence(x)));
    }

    /// <summary>h(t) = tanh(W x(t) + h(t - 2) + u), where u is one sample beside the sequence; before the beginning h is (0.5, -1).</summary>
    [Fact]
    public void Longer_delays_initial_values_and_samples_beside_the_sequence_count()
    {
        float[] w = Numbers(H * Size, 5), x = Numbers(T * Size, 6), u = [0.25f, -0.5f];
        byte[] net = Net("h", [Input("x", [Size], true), Input("u", [H]), Parameter("W", [H, Size], w), Parameter("start", [H], 0.5f, -1)],
        [
            Function("xw", CntkOp.Times, "W x", ("outputRank", N(1))), Function("past", CntkOp.PastValue, "h_Output_0 start", ("offset", N(2))), Function("s", CntkOp.Plus, "xw_Output_0 past_Output_0"),
            Function("v", CntkOp.Plus, "s_Output_0 u"), Function("h", CntkOp.Tanh, "v_Output_0"),
        ]);
        var h = new double[T][];
        for (int t = 0; t < T; t++)
            h[t] = [.. Enumerable.Range(0, H).Select(o => Math.Tanh(Row(w, H, o, i => x[t * Size + i], Size) + (t < 2 ? new[] { 0.5, -1 }[o] : h[t - 2][o]) + u[o]))];
        Close(h, In(net, path =>
        {
            var graph = EdgeLite.Converter.Pipeline.Import(path, new EdgeLite.Converter.ConversionOptions()).Graph;
            return ImportedRun.Run(graph, [.. graph.Inputs.Select(i => i.Name == "x" ? Sequence(x) : Tensor.FromArray<float>(u, new Shape(1, H)))])[0];
        }));
    }

    [Theory]
    [InlineData(false, new[] { -1f, -1, -1, -1, -1, -1, 0, 1, 2, 3, 4, 5 })]
    [InlineData(true, new[] { 6f, 7, 8, 9, 10, 11, -1, -1, -1, -1, -1, -1 })]
    public void Delays_outside_of_a_recurrence_move_the_steps(bool isFuture, float[] expected)
    {
        CntkOp delay = isFuture ? CntkOp.FutureValue : CntkOp.PastValue;
        byte[] net = Net("y", [Input("x", [Size], true), Parameter("start", [], -1)], [Function("y", delay, "x start", ("offset", N(2)))]);
        Assert.Equal(expected, Run(net, 4, Size).ToArray<float>());
        // Shorter than the delay.
        Assert.Equal([-1f, -1, -1], Run(net, 1, Size).ToArray<float>());
    }

    /// <summary>cntk.sequence.reduce_max: the steps as an axis, and its largest elements.</summary>
    [Fact]
    public void Steps_are_reduced_as_an_axis()
    {
        byte[] net = Net("y", [Input("x", [Size], true)], [Function("steps", CntkOp.UnpackSequence, "x"),
            Function("y", CntkOp.ReduceElements, "steps_Output_0", ("axis", A(-1)), ("reductionOpName", S("Max")), ("reductionKeepDimensions", new DictionaryValue { ValueType = 1, BoolValue = false }))]);
        Tensor y = Run(net, Tensor.FromArray<float>([1, 9, 3, 4, 5, 6], new Shape(2, Size)));
        Assert.Equal(new Shape(1, Size), y.Shape);
        Assert.Equal([4f, 9, 6], y.ToArray<float>());
    }

    /// <summary>Two layers in both directions, whose gates are cuDNN's: i, f, c, o; r, z, h; one.</summary>
    [Theory]
    [InlineData("lstm", 4)]
    [InlineData("gru", 3)]
    [InlineData("rnnTanh", 1)]
    [InlineData("rnnReLU", 1)]
    public void Stacks_of_cuDNN_are_recurrent_layers(string kind, int gates)
    {
        int Matrices(int input) => 2 * gates * H * (input + H);
        float[] all = Numbers(Matrices(Size) + Matrices(2 * H) + 2 * 4 * gates * H, 7), x = Numbers(T * Size, 8);
        byte[] net = Net("y", [Input("x", [Size], true), Parameter("p", [(ulong)all.Length], all)], [Function("y", CntkOp.OptimizedRNNStack, "x p", ("hiddenSize", N(H)), ("numLayers", N(2)),
            ("bidirectional", new DictionaryValue { ValueType = 1, BoolValue = true }), ("recurrentOp", S(kind)))]);
        int at = 0, biases = Matrices(Size) + Matrices(2 * H);
        double[][] rows = [.. Enumerable.Range(0, T).Select(t => Enumerable.Range(0, Size).Select(i => (double)x[t * Size + i]).ToArray())];
        for (int layer = 0; layer < 2; layer++)
        {
            int input = rows[0].Length;
            double[][] result = [.. rows.Select(_ => new double[2 * H])];
            for (int d = 0; d < 2; d++)
            {
                int w = at, r = w + gates * H * input, bw = biases, br = bw + gates * H;
                at = r + gates * H * H;
                biases = br + gates * H;
                double[] h = new double[H], c = new double[H];
                for (int n = 0; n < T; n++)
                {
                    int t = d == 1 ? T - 1 - n : n;
                    double Of(int g, int j) => all[bw + g * H + j] + Enumerable.Range(0, input).Sum(i => all[w + (g * H + j) * input + i] * rows[t][i]);
                    double Back(int g, int j) => all[br + g * H + j] + Enumerable.Range(0, H).Sum(i => all[r + (g * H + j) * H + i] * h[i]);
                    double Sum(int g, int j) => Of(g, j) + Back(g, j);
                    double[] next = new double[H], nextC = new double[H];
                    for (int j = 0; j < H; j++)
                    {
                        switch (kind)
                        {
                            case "lstm":
                                nextC[j] = Sigmoid(Sum(1, j)) * c[j] + Sigmoid(Sum(0, j)) * Math.Tanh(Sum(2, j));
                                next[j] = Sigmoid(Sum(3, j)) * Math.Tanh(nextC[j]);
                                break;
                            case "gru":
                                double z = Sigmoid(Sum(1, j));
                                next[j] = (1 - z) * Math.Tanh(Of(2, j) + Sigmoid(Sum(0, j)) * Back(2, j)) + z * h[j];
                                break;
                            default: next[j] = kind == "rnnTanh" ? Math.Tanh(Sum(0, j)) : Math.Max(0, Sum(0, j)); break;
                        }
                    }
                    (h, c) = (next, nextC);
                    h.CopyTo(result[t], d * H);
                }
            }
            rows = result;
        }
        Close(rows, Run(net, Sequence(x)));
    }

    [Fact]
    public void What_has_no_conversion_is_refused()
    {
        DictionaryValue[] variables = [Input("x", [2], true), Parameter("zero", [], 0), Parameter("start", [2], 1, 2)];
        string Refused(params DictionaryValue[] functions) => Assert.Throws<EdgeLiteException>(() => Run(Net("y", variables, functions), 3, 2)).Message;
        Assert.Contains("forwards and backwards", Refused(Function("p", CntkOp.PastValue, "y_Output_0 zero"), Function("n", CntkOp.FutureValue, "y_Output_0 zero"), Function("s", CntkOp.Plus, "p_Output_0 n_Output_0"), Function("y", CntkOp.Plus, "s_Output_0 x")), StringComparison.Ordinal);
        Assert.Contains("depends on itself", Refused(Function("a", CntkOp.Tanh, "y_Output_0"), Function("y", CntkOp.Plus, "a_Output_0 x")), StringComparison.Ordinal);
        Assert.Contains("reads no sequence", Refused(Function("p", CntkOp.PastValue, "z_Output_0 start"), Function("z", CntkOp.Tanh, "p_Output_0"), Function("y", CntkOp.Plus, "z_Output_0 x")), StringComparison.Ordinal);
        Assert.Contains("sizes", Refused(Function("p", CntkOp.PastValue, "y_Output_0 zero"), Function("t", CntkOp.Tanh, "p_Output_0"), Function("y", CntkOp.Splice, "t_Output_0 x", ("axis", A(0)))), StringComparison.Ordinal);
    }
}
