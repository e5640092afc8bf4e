using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of TFLite that keep a state from run to run, and those that run other subgraphs. Numbers are those of TFLite's schema.</summary>
internal static class TfliteStatefulMakers
{
    private const int I32 = TfliteFileBuilder.Int32, I16 = TfliteFileBuilder.Int16, Runs = 4;
    private const sbyte Relu = 1, Tanh = 4;

    public static void Add(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        add("IF", m =>
        {
            int[] shape = m.Shape();
            m.File.TypedOp(118, 92, [m.In(Bool, [1]), m.In(Float32, shape)], [m.Out(Float32, rank: shape.Length)], 1, 2);
            return m.Done(3, () =>
            {
                foreach ((int code, byte table) in new[] { (0, (byte)11), (18, (byte)21) })
                {
                    m.File.NextSubgraph();
                    int x = m.File.Tensor("x", Float32, shape), y = m.File.Tensor("y", Float32, shape), two = m.File.Constant<float>("two", Float32, [], [2]);
                    m.File.TypedOp(code, table, [x, two], [y], (sbyte)0);
                    m.File.Border([x], [y]);
                }
            });
        });
        // Doubles a tensor and counts, until the count reaches what the input says.
        add("WHILE", m =>
        {
            int[] shape = m.Shape();
            int zero = m.File.Constant("zero", I32, [], [0]);
            m.File.TypedOp(119, 93, [zero, m.In(I32, [], low: 0, high: 5), m.In(Float32, shape)], [m.Out(I32), m.Out(I32), m.Out(Float32, rank: shape.Length)], 1, 2);
            return m.Done(3, () =>
            {
                m.File.NextSubgraph();
                int[] at = State(out int less);
                m.File.TypedOp(58, 41, [at[0], at[1]], [less]);
                m.File.Border(at, [less]);
                m.File.NextSubgraph();
                int[] before = State(out _);
                int count = m.File.Tensor("next", I32, []), twice = m.File.Tensor("twice", Float32, shape);
                m.File.TypedOp(0, 11, [before[0], m.File.Scalar(1)], [count], (sbyte)0);
                m.File.TypedOp(0, 11, [before[2], before[2]], [twice], (sbyte)0);
                m.File.Border(before, [count, before[1], twice]);
            });

            int[] State(out int condition)
            {
                int[] state = [m.File.Tensor("count", I32, []), m.File.Tensor("limit", I32, []), m.File.Tensor("v", Float32, shape)];
                condition = m.File.Tensor("less", Bool, []);
                return state;
            }
        });
        foreach (bool zero in new[] { true, false })
            add(zero ? "VARIABLE_of_zeros" : "VARIABLE", m =>
            {
                int[] shape = m.Shape();
                m.File.TypedOp(129, 103, [], [], 1); // CALL_ONCE
                int handle = m.File.Tensor("handle", Resource, []), old = m.File.Tensor("old", Float32, shape), sum = m.Out(Float32, rank: shape.Length);
                m.File.TypedOp(142, 111, [], [handle], "", "sum");
                m.File.TypedOp(143, 112, [handle], [old]);
                m.File.TypedOp(0, 11, [m.In(Float32, shape), old], [sum], (sbyte)0);
                m.File.TypedOp(144, 113, [handle, sum], []);
                return m.Done(Runs, () =>
                {
                    m.File.NextSubgraph();
                    int same = m.File.Tensor("handle", Resource, []);
                    m.File.TypedOp(142, 111, [], [same], "", "sum");
                    m.File.TypedOp(144, 113, [same, m.File.Constant("first", Float32, shape, Noise(m, Size(shape), zero ? 0 : 1))], []);
                    m.File.Border([], []);
                });
            });
        // Numbers to words and words to numbers, both with what is not found.
        add("HASHTABLE", m =>
        {
            const int i64 = TfliteFileBuilder.Int64;
            m.File.TypedOp(129, 103, [], [], 1); // CALL_ONCE
            int[] tables = Tables(m);
            int given = m.In(I32, [m.R.Int(1, 9)], low: 0, high: 6), keys = m.File.Tensor("keys", i64, [1]), words = m.File.Tensor("words", Text, [1]), numbers = m.File.Tensor("numbers", i64, [1]), size = m.File.Tensor("size", i64, [1]);
            m.File.TypedOp(53, 37, [given], [keys], (sbyte)I32, (sbyte)i64);
            m.File.TypedOp(137, 108, [tables[0], keys, m.File.Strings("none", "none")], [words]);
            m.File.TypedOp(137, 108, [tables[1], words, m.File.Constant<long>("minus", i64, [1], [-7])], [numbers]);
            m.File.TypedOp(139, 110, [tables[1]], [size]);
            m.File.TypedOp(53, 37, [numbers], [m.Out(I32)], (sbyte)i64, (sbyte)I32);
            m.File.TypedOp(53, 37, [size], [m.Out(I32)], (sbyte)i64, (sbyte)I32);
            return m.Done(2, () =>
            {
                m.File.NextSubgraph();
                int[] same = Tables(m);
                m.File.TypedOp(138, 109, [same[0], m.File.Constant<long>("k", i64, [5], [1, 2, 3, 5, 2]), m.File.Strings("v", "one", "two", "three", "fünf", "zwei")], []);
                m.File.TypedOp(138, 109, [same[1], m.File.Strings("k2", "fünf", "two", "none", "zwei"), m.File.Constant<long>("v2", i64, [4], [50, 20, -1, 22])], []);
                m.File.Border([], []);
            });

            static int[] Tables(TfliteCaseMaker m)
            {
                int[] tables = [m.File.Tensor("words of numbers", Resource, [1]), m.File.Tensor("numbers of words", Resource, [1])];
                m.File.TypedOp(136, 107, [], [tables[0]], 3, (sbyte)TfliteFileBuilder.Int64, (sbyte)Text);
                m.File.TypedOp(136, 107, [], [tables[1]], 4, (sbyte)Text, (sbyte)TfliteFileBuilder.Int64);
                return tables;
            }
        });
        add("SVDF", m =>
        {
            (int inputs, int units, int rank, int memory) = (m.R.Int(1, 6), m.R.Int(1, 4), m.R.Int(1, 3), m.R.Int(1, 5));
            int filters = units * rank, features = m.File.Constant("features", Float32, [filters, inputs], Noise(m, filters * inputs)), time = m.File.Constant("time", Float32, [filters, memory], Noise(m, filters * memory));
            m.File.TypedOp(27, 6, [m.In(Float32, [2, inputs]), features, time, m.R.Chance() ? m.File.Constant("bias", Float32, [units], Noise(m, units)) : -1, m.File.Variable("state", Float32, [2, filters * memory])],
                [m.Out(Float32, rank: 2)], rank, m.R.One((sbyte)0, Relu));
            return m.Done(Runs);
        });
        add("SVDF_int8", m =>
        {
            (int inputs, int units, int rank, int memory) = (m.R.Int(1, 6), m.R.Int(1, 4), m.R.Int(1, 3), m.R.Int(1, 5));
            int filters = units * rank;
            int features = m.File.Constant("features", Int8, [filters, inputs], m.Value(Int8, [filters, inputs], -127, 127).ToArray<sbyte>(), 0.0081f);
            int time = m.File.Constant("time", I16, [filters, memory], m.Value(I16, [filters, memory], -32767, 32767).ToArray<short>(), 0.000031f);
            int bias = m.File.Constant("bias", I32, [units], m.Value(I32, [units], -20000, 20000).ToArray<int>(), 0.0007f * 0.000031f);
            m.File.Version = 3;
            m.File.TypedOp(27, 6, [m.Quantized([2, inputs]), features, time, bias, m.File.Variable("state", I16, [2, filters * memory], 0.0007f)], [m.Out(Int8, 0.0513f, -128, 2)], rank, Relu);
            return m.Done(Runs);
        });
        add("RNN", m =>
        {
            (int inputs, int units) = (m.R.Int(1, 6), m.R.Int(1, 5));
            m.File.TypedOp(24, 7, [m.In(Float32, [2, inputs]), .. RnnWeights(m, "", inputs, units), m.File.Variable("state", Float32, [2, units])], [m.Out(Float32, rank: 2)], m.R.One(Relu, Tanh));
            return m.Done(Runs);
        });
        add("UNIDIRECTIONAL_SEQUENCE_RNN", m =>
        {
            (int inputs, int units, bool timeMajor) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance());
            m.File.TypedOp(35, 31, [m.In(Float32, timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs]), .. RnnWeights(m, "", inputs, units), m.File.Variable("state", Float32, [2, units])],
                [m.Out(Float32, rank: 3)], timeMajor, m.R.One(Relu, Tanh));
            return m.Done();
        });
        add("BIDIRECTIONAL_SEQUENCE_RNN", m =>
        {
            (int inputs, int units, bool timeMajor, bool merge) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance(), m.R.Chance());
            int x = m.In(Float32, timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs]);
            m.File.TypedOp(46, 70, [x, .. RnnWeights(m, "f", inputs, units), m.File.Variable("f", Float32, [2, units]), .. RnnWeights(m, "b", inputs, units), m.File.Variable("b", Float32, [2, units]), -1, -1, -1],
                merge ? [m.Out(Float32, rank: 3)] : [m.Out(Float32, rank: 3), m.Out(Float32, rank: 3)], timeMajor, Tanh, merge);
            return m.Done();
        });
        add("LSTM", m =>
        {
            (int inputs, int units, bool projects, bool normalizes, bool coupled) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance(), m.R.Chance(), m.R.Chance(0.3));
            int results = projects ? m.R.Int(1, 4) : units;
            int[] tail = normalizes ? [coupled ? -1 : Floats(m, "ni", units), Floats(m, "nf", units), Floats(m, "ng", units), Floats(m, "no", units)] : [];
            m.File.TypedOp(16, 14, [m.In(Float32, [2, inputs]), .. LstmWeights(m, "", inputs, units, results, coupled, m.R.Chance()), projects ? Floats(m, "p", results, units) : -1, projects && m.R.Chance() ? Floats(m, "pb", results) : -1,
                m.File.Variable("h", Float32, [2, results]), m.File.Variable("c", Float32, [2, units]), .. tail],
                [m.Out(Float32, rank: 2)], Tanh, m.R.One(0f, 0.8f), projects ? m.R.One(0f, 0.3f) : 0f, (sbyte)0);
            return m.Done(Runs);
        });
        add("UNIDIRECTIONAL_SEQUENCE_LSTM", m =>
        {
            (int inputs, int units, bool timeMajor, bool projects, bool normalizes) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance(), m.R.Chance(), m.R.Chance());
            int results = projects ? m.R.Int(1, 4) : units;
            bool coupled = m.R.Chance(0.3);
            int[] tail = normalizes ? [coupled ? -1 : Floats(m, "ni", units), Floats(m, "nf", units), Floats(m, "ng", units), Floats(m, "no", units)] : [];
            m.File.TypedOp(44, 71, [m.In(Float32, timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs]), .. LstmWeights(m, "", inputs, units, results, coupled, m.R.Chance()),
                projects ? Floats(m, "p", results, units) : -1, projects && m.R.Chance() ? Floats(m, "pb", results) : -1, m.File.Variable("h", Float32, [2, results]), m.File.Variable("c", Float32, [2, units]), .. tail],
                [m.Out(Float32, rank: 3)], Tanh, m.R.One(0f, 0.8f), projects ? m.R.One(0f, 0.3f) : 0f, timeMajor);
            return m.Done();
        });
        add("BIDIRECTIONAL_SEQUENCE_LSTM", m =>
        {
            (int inputs, int units, bool timeMajor, bool merge) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Chance(), m.R.Chance());
            int x = m.In(Float32, timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs]);
            int[] Direction(string name) => [.. LstmWeights(m, name, inputs, units, units, false, false), -1, -1];
            int[] states = [.. new[] { "fh", "fc", "bh", "bc" }.Select(s => m.File.Variable(s, Float32, [2, units]))];
            m.File.TypedOp(52, 69, [x, .. Direction("f"), .. Direction("b"), .. states, .. Enumerable.Repeat(-1, 9)],
                merge ? [m.Out(Float32, rank: 3)] : [m.Out(Float32, rank: 3), m.Out(Float32, rank: 3)], Tanh, 0f, 0f, merge, timeMajor);
            return m.Done();
        });
        // With an auxiliary input that has weights, or that is the second direction's input.
        foreach (bool joined in new[] { true, false })
        {
            string kind = joined ? "_auxiliary" : "_two_inputs";
            add("BIDIRECTIONAL_SEQUENCE_LSTM" + kind, m =>
            {
                (int inputs, int units, int time) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Int(1, 5));
                int x = m.In(Float32, [time, 2, inputs]), aux = m.In(Float32, [time, 2, inputs]);
                int[] Direction(string name) => [.. LstmWeights(m, name, inputs, units, units, false, false), -1, -1];
                int[] Weights(string name) => joined ? [.. Enumerable.Range(0, 4).Select(g => Floats(m, $"{name}{g}", units, inputs))] : [-1, -1, -1, -1];
                int[] states = [.. new[] { "fh", "fc", "bh", "bc" }.Select(s => m.File.Variable(s, Float32, [2, units]))];
                m.File.TypedOp(52, 69, [x, .. Direction("f"), .. Direction("b"), .. states, aux, .. Weights("fa"), .. Weights("ba")],
                    [m.Out(Float32, rank: 3), m.Out(Float32, rank: 3)], Tanh, 0f, 0f, false, true);
                return m.Done();
            });
            add("BIDIRECTIONAL_SEQUENCE_RNN" + kind, m =>
            {
                (int inputs, int units, int time) = (m.R.Int(1, 6), m.R.Int(1, 5), m.R.Int(1, 5));
                int x = m.In(Float32, [time, 2, inputs]), aux = m.In(Float32, [time, 2, inputs]);
                m.File.TypedOp(46, 70, [x, .. RnnWeights(m, "f", inputs, units), m.File.Variable("f", Float32, [2, units]), .. RnnWeights(m, "b", inputs, units), m.File.Variable("b", Float32, [2, units]), aux,
                    joined ? Floats(m, "fa", units, inputs) : -1, joined ? Floats(m, "ba", units, inputs) : -1],
                    [m.Out(Float32, rank: 3)], true, m.R.One((sbyte)0, Relu, Tanh), true);
                return m.Done();
            });
        }
    }

    private static int[] RnnWeights(TfliteCaseMaker m, string name, int inputs, int units) => [Floats(m, name + "w", units, inputs), Floats(m, name + "r", units, units), Floats(m, name + "b", units)];

    /// <summary>Weights, recurrent weights, peepholes and biases of the gates i, f, g, o.</summary>
    private static int[] LstmWeights(TfliteCaseMaker m, string name, int inputs, int units, int results, bool coupled, bool peeps)
    {
        int[] Gates(string kind, int count, Func<string, int> make) => [.. Enumerable.Range(0, count).Select(g => coupled && g == 0 ? -1 : make($"{name}{kind}{g}"))];
        return
        [
            .. Gates("w", 4, s => Floats(m, s, units, inputs)), .. Gates("r", 4, s => Floats(m, s, units, results)),
            .. Gates("p", 3, s => peeps ? Floats(m, s, units) : -1), .. Gates("b", 4, s => Floats(m, s, units)),
        ];
    }

    private static int Floats(TfliteCaseMaker m, string name, params int[] shape) => m.File.Constant(name, Float32, shape, Noise(m, Size(shape)));

    private static float[] Noise(TfliteCaseMaker m, int count, float scale = 1) => [.. Enumerable.Range(0, count).Select(_ => scale * m.R.Int(-100, 100) / 100)];

    private static int Size(int[] shape) => shape.Aggregate(1, (a, b) => a * b);
}
