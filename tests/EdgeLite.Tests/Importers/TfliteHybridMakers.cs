using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>
/// TFLite's hybrid kernels: activations are float32, weights int8 (dynamic-range quantization). They round what goes into each product to 8 bits by
/// its largest value; we compute with float activations, so results differ by that rounding. Numbers are those of TFLite's schema.
/// </summary>
internal static class TfliteHybridMakers
{
    private const int Runs = 3;
    private const sbyte Relu = 1, Tanh = 4;

    public static void Add(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        void Hybrid(string op, int version, double within, Func<TfliteCaseMaker, TfliteCase> make) => add(op + "_hybrid", m =>
        {
            m.File.Version = version;
            TfliteCase test = make(m);
            return test with { Within = within, RealWithin = within };
        });

        Hybrid("FULLY_CONNECTED", 9, 0.05, m =>
        {
            (int k, int n) = (m.R.Int(1, 20), m.R.Int(1, 9));
            return m.Case(9, 8, [m.In(Float32, [m.R.Int(1, 3), k]), Weights(m, "w", n, k), m.R.Chance() ? Floats(m, "b", n) : -1], [m.Out(Float32)], m.R.One<sbyte>(0, 1), (sbyte)0, false, m.R.Chance());
        });
        Hybrid("EMBEDDING_LOOKUP", 3, 0, m =>
        {
            (int k, int n) = (m.R.Int(1, 20), m.R.Int(1, 9));
            return m.Case(7, 0, [m.In(TfliteFileBuilder.Int32, [m.R.Int(1, 5)], low: 0, high: n - 1), Weights(m, "w", n, k)], [m.Out(Float32, rank: 2)]);
        });
        Hybrid("BATCH_MATMUL", 4, 0.05, m =>
        {
            (int i, int j, int k) = (m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 9));
            return m.Case(126, 101, [m.In(Float32, [2, i, k]), m.File.Constant("w", Int8, [2, k, j], m.Value(Int8, [2, k, j], -127, 127).ToArray<sbyte>(), 0.004f)], [m.Out(Float32)], false, false, false);
        });
        Hybrid("SVDF", 4, 0.1, m =>
        {
            (int inputs, int units, int rank, int memory) = (m.R.Int(1, 6), m.R.Int(1, 4), m.R.Int(1, 3), m.R.Int(1, 5));
            int filters = units * rank;
            m.File.TypedOp(27, 6, [m.In(Float32, [2, inputs]), Weights(m, "features", filters, inputs), Weights(m, "time", filters, memory), Floats(m, "bias", units), m.File.Variable("state", Float32, [2, filters * memory])],
                [m.Out(Float32, rank: 2)], rank, m.R.One((sbyte)0, Relu), false);
            return m.Done(Runs);
        });
        Hybrid("RNN", 3, 0.1, m =>
        {
            (int inputs, int units) = (m.R.Int(1, 6), m.R.Int(1, 5));
            m.File.TypedOp(24, 7, [m.In(Float32, [2, inputs]), Weights(m, "w", units, inputs), Weights(m, "r", units, units), Floats(m, "b", units), m.File.Variable("state", Float32, [2, units])], [m.Out(Float32, rank: 2)], m.R.One(Relu, Tanh), false);
            return m.Done(Runs);
        });
        Hybrid("UNIDIRECTIONAL_SEQUENCE_RNN", 3, 0.1, m =>
        {
            (int inputs, int units, bool timeMajor) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance());
            m.File.TypedOp(35, 31, [m.In(Float32, timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs]), Weights(m, "w", units, inputs), Weights(m, "r", units, units), Floats(m, "b", units), m.File.Variable("state", Float32, [2, units])],
                [m.Out(Float32, rank: 3)], timeMajor, Tanh, false);
            return m.Done();
        });
        foreach (bool single in new[] { true, false })
            Hybrid(single ? "LSTM" : "UNIDIRECTIONAL_SEQUENCE_LSTM", single ? 4 : 3, 0.1, m =>
            {
                (int inputs, int units, bool projects) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance());
                int results = projects ? m.R.Int(1, 4) : units;
                int[] all =
                [
                    m.In(Float32, single ? [2, inputs] : [2, m.R.Int(1, 5), inputs]), .. Gates("w", g => Weights(m, g, units, inputs)), .. Gates("r", g => Weights(m, g, units, results)), -1, -1, -1,
                    .. Gates("b", g => Floats(m, g, units)), projects ? Weights(m, "p", results, units) : -1, -1, m.File.Variable("h", Float32, [2, results]), m.File.Variable("c", Float32, [2, units]),
                ];
                if (single) m.File.TypedOp(16, 14, all, [m.Out(Float32, rank: 2)], Tanh, 0f, 0f, (sbyte)0, false);
                else m.File.TypedOp(44, 71, all, [m.Out(Float32, rank: 3)], Tanh, 0f, 0f, false, false);
                return m.Done(single ? Runs : 1);
            });
        Hybrid("BIDIRECTIONAL_SEQUENCE_LSTM", 3, 0.1, m =>
        {
            (int inputs, int units) = (m.R.Int(1, 6), m.R.Int(1, 5));
            int x = m.In(Float32, [2, m.R.Int(1, 5), inputs]);
            int[] Direction(string d) => [.. Gates(d + "w", g => Weights(m, g, units, inputs)), .. Gates(d + "r", g => Weights(m, g, units, units)), -1, -1, -1, .. Gates(d + "b", g => Floats(m, g, units)), -1, -1];
            int[] states = [.. new[] { "fh", "fc", "bh", "bc" }.Select(s => m.File.Variable(s, Float32, [2, units]))];
            m.File.TypedOp(52, 69, [x, .. Direction("f"), .. Direction("b"), .. states, .. Enumerable.Repeat(-1, 9)], [m.Out(Float32, rank: 3)], Tanh, 0f, 0f, true, false, false);
            return m.Done();
        });
    }

    private static int[] Gates(string name, Func<string, int> make) => [.. Enumerable.Range(0, 4).Select(g => make($"{name}{g}"))];

    private static int Weights(TfliteCaseMaker m, string name, int rows, int columns) => m.File.Constant(name, Int8, [rows, columns], m.Value(Int8, [rows, columns], -127, 127).ToArray<sbyte>(), 0.004f);

    private static int Floats(TfliteCaseMaker m, string name, int count) => m.File.Constant(name, Float32, [count], m.Value(Float32, [count], -1, 1).ToArray<float>());
}
