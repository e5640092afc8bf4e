using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>Builtin operators of TFLite that no model of the collection has: results worked out by hand, recurrent ones by a plain loop.</summary>
public class TfliteRarerOperatorTests
{
    private const sbyte Tanh = 4;

    private static Tensor F(Shape shape, params float[] values) => Tensor.FromArray<float>(values, shape);

    private static Tensor[] Run(TfliteFileBuilder file, params Tensor[] inputs) => new GraphInterpreter(TfliteImporter.Import(file.Finish(), "test")).Run(inputs);

    private static double[] Numbers(Tensor t) => [.. Enumerable.Range(0, (int)t.Count).Select(i => t.GetDouble(i))];

    [Fact]
    public void Every_operator_of_the_schema_is_converted_or_has_a_reason_why_not()
    {
        HashSet<TfliteOp> converted = [.. ForeignLayers.Marked<TfliteAttribute>().Select(m => m.Attribute.Op)];
        TfliteOp[] own = [.. Enum.GetValues<TfliteOp>().Where(o => o != TfliteOp.CUSTOM)];
        Assert.Equal([], own.Where(o => !converted.Contains(o) && TfliteRefusals.Find(o) == null));
        Assert.Equal(158, own.Count(o => converted.Contains(o) && !o.ToString().StartsWith("STABLEHLO_", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(120)]
    [InlineData(121)]
    public void Overlapping_boxes_are_suppressed_and_the_rest_is_zero(int code)
    {
        bool five = code == 121;
        var file = new TfliteFileBuilder();
        int boxes = file.Tensor("boxes", Float32, [4, 4]), scores = file.Tensor("scores", Float32, [4]), most = file.Scalar(3);
        int overlap = file.Constant("overlap", Float32, [], [0.5f]), least = file.Constant("least", Float32, [], [0.2f]);
        int indices = file.Tensor("indices", TfliteFileBuilder.Int32, [3]), kept = five ? file.Tensor("kept", Float32, [3]) : -1, count = file.Tensor("count", TfliteFileBuilder.Int32, []);
        int[] outputs = five ? [indices, kept, count] : [indices, count];
        file.Op(code, five ? [boxes, scores, most, overlap, least, file.Constant("sigma", Float32, [], [0f])] : [boxes, scores, most, overlap, least], outputs);
        file.Border([boxes, scores], outputs);
        // 0 and 1 overlap by 9/11; 3 has too low a score.
        Tensor[] y = Run(file, F(new Shape(4, 4), 0, 0, 1, 1, 0, 0.1f, 1, 1.1f, 0, 3, 1, 4, 5, 5, 6, 6), F(new Shape(4), 0.6f, 0.9f, 0.7f, 0.1f));
        Assert.Equal([1, 2, 0], Numbers(y[0]));
        if (five) Assert.Equal([0.9f, 0.7f, 0], Numbers(y[1]).Select(v => (float)v));
        Assert.Equal(2, y[^1].GetInt64(0));
        Assert.Equal(DType.Int32, y[^1].DType);
    }

    [Fact]
    public void Keys_are_looked_up()
    {
        var file = new TfliteFileBuilder();
        int sought = file.Tensor("sought", TfliteFileBuilder.Int32, [4]), keys = file.Ints(1, 5, 9), values = file.Constant<float>("values", Float32, [3, 2], [10, 11, 50, 51, 90, 91]);
        int y = file.Tensor("y", Float32, [4, 2]), hits = file.Tensor("hits", UInt8, [4]);
        file.Op(10, [sought, keys, values], [y, hits]);
        file.Border([sought], [y, hits]);
        Tensor[] got = Run(file, Tensor.FromArray<int>([9, 2, 1, 5], new Shape(4)));
        Assert.Equal([90, 91, 0, 0, 10, 11, 50, 51], Numbers(got[0]));
        Assert.Equal([1, 0, 1, 1], Numbers(got[1]));
    }

    [Fact]
    public void Buckets_begin_with_their_boundary()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [2, 3]), y = file.Tensor("y", TfliteFileBuilder.Int32, [2, 3]);
        file.Op(147, [x], [y], new float[] { 0, 10, 100 });
        file.Border([x], [y]);
        Assert.Equal([0, 1, 1, 2, 3, 3], Numbers(Run(file, F(new Shape(2, 3), -5, 0, 9.5f, 10, 100, 1000))[0]));
    }

    [Fact]
    public void Shapes_broadcast()
    {
        var file = new TfliteFileBuilder();
        int a = file.Tensor("a", TfliteFileBuilder.Int32, [3]), b = file.Tensor("b", TfliteFileBuilder.Int32, [2]), y = file.Tensor("y", TfliteFileBuilder.Int32, [3]);
        file.Op(145, [a, b], [y]);
        file.Border([a, b], [y]);
        Assert.Equal([4, 3, 5], Numbers(Run(file, Tensor.FromArray<int>([4, 1, 5], new Shape(3)), Tensor.FromArray<int>([3, 1], new Shape(2)))[0]));
    }

    [Fact]
    public void Bits_are_read_as_another_type()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [2]), y = file.Tensor("y", TfliteFileBuilder.Int32, [2]);
        file.Op(159, [x], [y]);
        file.Border([x], [y]);
        Assert.Equal([0x3f800000, unchecked((int)0xc0000000)], Numbers(Run(file, F(new Shape(2), 1, -2))[0]));
    }

    [Fact]
    public void Dilation_puts_fillers_between()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [2, 3]), y = file.Tensor("y", Float32, [3, 7]);
        file.Op(203, [x, file.Ints(2, 3), file.Constant("filler", Float32, [], [-1f])], [y]);
        file.Border([x], [y]);
        Tensor got = Run(file, F(new Shape(2, 3), 1, 2, 3, 4, 5, 6))[0];
        Assert.Equal(new Shape(3, 7), got.Shape);
        Assert.Equal([1, -1, -1, 2, -1, -1, 3, -1, -1, -1, -1, -1, -1, -1, 4, -1, -1, 5, -1, -1, 6], Numbers(got));
    }

    /// <summary>Against the sum over all places, on an image that is cut in one direction and filled up in the other.</summary>
    [Fact]
    public void A_real_image_is_transformed()
    {
        const int H = 3, W = 6, Fh = 4, Fw = 4;
        float[] x = [.. Enumerable.Range(0, H * W).Select(i => (float)Math.Sin(1.7 * i))];
        var expected = new System.Numerics.Complex[Fh * (Fw / 2 + 1)];
        for (int u = 0; u < Fh; u++)
            for (int v = 0; v <= Fw / 2; v++)
                for (int i = 0; i < H; i++)
                    for (int j = 0; j < Fw; j++)
                        expected[u * (Fw / 2 + 1) + v] += x[i * W + j] * System.Numerics.Complex.FromPolarCoordinates(1, -2 * Math.PI * ((double)u * i / Fh + (double)v * j / Fw));
        foreach ((int code, Func<System.Numerics.Complex, double> part) in new (int, Func<System.Numerics.Complex, double>)[] { (134, c => c.Real), (133, c => c.Imaginary), (135, c => c.Magnitude) })
        {
            var file = new TfliteFileBuilder();
            int input = file.Tensor("x", Float32, [H, W]), spectrum = file.Tensor("spectrum", Complex64, [Fh, Fw / 2 + 1]), y = file.Tensor("y", Float32, [Fh, Fw / 2 + 1]);
            file.Op(131, [input, file.Ints(Fh, Fw)], [spectrum]);
            file.Op(code, [spectrum], [y]);
            file.Border([input], [y]);
            Tensor got = Run(file, F(new Shape(H, W), x))[0];
            Assert.Equal(new Shape(Fh, Fw / 2 + 1), got.Shape);
            for (int i = 0; i < expected.Length; i++) Assert.Equal(part(expected[i]), got.GetDouble(i), 1e-4);
        }
    }

    [Theory]
    [InlineData(1, new double[] { 10 + 0 + 2 + 8 + 10, 10 + 1 + 3 + 9 + 11, 10 + 4 + 6 + 12 + 14, 10 + 5 + 7 + 13 + 15 }, 10)]
    [InlineData(4, new double[] { 10, 11, 14, 15 }, 3)]
    [InlineData(3, new double[] { 0, 1, 3, 3 }, 3)]
    public void Windows_are_reduced(int function, double[] expected, int initial)
    {
        // Windows of 2 x 2 whose elements are two apart.
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", TfliteFileBuilder.Int32, [4, 4]), y = file.Tensor("y", TfliteFileBuilder.Int32, [2, 2]);
        file.NewerOp(205, 20, [x, file.Scalar(initial), file.Ints(2, 2), file.Ints(1, 1), file.Ints(2, 2)], [y], function);
        file.Border([x], [y]);
        Tensor got = Run(file, Tensor.FromArray<int>([.. Enumerable.Range(0, 16)], new Shape(4, 4)))[0];
        Assert.Equal(new Shape(2, 2), got.Shape);
        Assert.Equal(expected, Numbers(got));
    }

    [Fact]
    public void StableHlo_is_computed_elementwise()
    {
        double One(int code, params float[] operands)
        {
            var file = new TfliteFileBuilder();
            int[] inputs = [.. operands.Select((_, i) => file.Tensor($"x{i}", Float32, [1]))];
            int y = file.Tensor("y", Float32, [1]);
            file.Op(code, inputs, [y]);
            file.Border(inputs, [y]);
            return Run(file, [.. operands.Select(o => F(new Shape(1), o))])[0].GetDouble(0);
        }
        Assert.Equal(-1.5, One(184 + 1, -7.5f, 3), 1e-6); // remainder
        Assert.Equal(-2, One(208, -8), 1e-6); // cube root
        Assert.Equal(2, One(168, -1, 5, 2)); // clamp
        Assert.Equal(0.5, One(186, 4), 1e-6); // reciprocal square root
        Assert.Equal(8, One(184, 2, 3), 1e-5); // power
        Assert.Equal(-3, One(182, 3)); // negate
        Assert.Equal(0.75, One(164, 3, 4)); // divide
    }

    /// <summary>What a cell's gates are made of: w[4][n][in], r[4][n][n], b[4][n], gates i, f, g, o.</summary>
    private sealed class Weights(int inputs, int units, int seed)
    {
        private readonly Random _random = new(seed);
        private float[]? _w, _r, _b;

        public int Units { get; } = units;
        public float[] W => _w ??= Noise(4 * Units * inputs);
        public float[] R => _r ??= Noise(4 * Units * Units);
        public float[] B => _b ??= Noise(4 * Units);

        private float[] Noise(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)(_random.NextDouble() - 0.5))];

        public double Gate(int gate, int unit, ReadOnlySpan<float> x, double[] h)
        {
            double sum = B[gate * Units + unit];
            for (int i = 0; i < inputs; i++) sum += W[(gate * Units + unit) * inputs + i] * (double)x[i];
            for (int i = 0; i < Units; i++) sum += R[(gate * Units + unit) * Units + i] * h[i];
            return sum;
        }

        /// <summary>A step of an LSTM.</summary>
        public void Step(ReadOnlySpan<float> x, double[] h, double[] c)
        {
            double[] before = [.. h];
            for (int u = 0; u < Units; u++)
            {
                c[u] = Sigmoid(Gate(1, u, x, before)) * c[u] + Sigmoid(Gate(0, u, x, before)) * Math.Tanh(Gate(2, u, x, before));
                h[u] = Sigmoid(Gate(3, u, x, before)) * Math.Tanh(c[u]);
            }
        }

        private static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
    }

    private static float[] Slice(float[] all, int part, int parts) => all[(part * all.Length / parts)..((part + 1) * all.Length / parts)];

    /// <summary>One step for each run, in a session that keeps the state.</summary>
    [Theory]
    [InlineData("lstm")]
    [InlineData("basic lstm")]
    [InlineData("rnn")]
    public void A_step_keeps_its_state_in_the_session(string kind)
    {
        const int In = 3, Units = 4;
        var weights = new Weights(In, Units, 7);
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1, In]), y = file.Tensor("y", Float32, [1, Units]);
        if (kind == "lstm")
        {
            int[] inputs = [x, .. Enumerable.Repeat(-1, 19)];
            for (int g = 0; g < 4; g++)
            {
                inputs[1 + g] = file.Constant($"w{g}", Float32, [Units, In], Slice(weights.W, g, 4));
                inputs[5 + g] = file.Constant($"r{g}", Float32, [Units, Units], Slice(weights.R, g, 4));
                inputs[12 + g] = file.Constant($"b{g}", Float32, [Units], Slice(weights.B, g, 4));
            }
            inputs[18] = file.Tensor("h", Float32, [1, Units]);
            inputs[19] = file.Tensor("c", Float32, [1, Units]);
            file.Op(16, inputs, [y], Tanh, 0f, 0f, (sbyte)0);
            file.Border([x], [y]);
        }
        else if (kind == "basic lstm")
        {
            // Gates i, g, f, o, each row over the input and the last result.
            int[] order = [0, 2, 1, 3];
            var rows = new List<float>();
            foreach (int g in order)
                for (int u = 0; u < Units; u++) rows.AddRange([.. Slice(weights.W, g * Units + u, 4 * Units), .. Slice(weights.R, g * Units + u, 4 * Units)]);
            int h = file.Tensor("h", Float32, [1, Units]), c = file.Tensor("c", Float32, [1, Units]), next = file.Tensor("next", Float32, [1, Units]);
            int w = file.Constant("w", Float32, [4 * Units, In + Units], rows.ToArray());
            int b = file.Constant("b", Float32, [4 * Units], order.SelectMany(g => Slice(weights.B, g, 4)).ToArray());
            file.Op(16, [x, h, w, b, c], [y, next, file.Tensor("both", Float32, [1, In + Units]), file.Tensor("gates", Float32, [1, 4 * Units])], Tanh, 0f, 0f, (sbyte)1);
            file.Border([x, h, c], [y, next]);
        }
        else
        {
            int w = file.Constant("w", Float32, [Units, In], Slice(weights.W, 0, 4)), r = file.Constant("r", Float32, [Units, Units], Slice(weights.R, 0, 4));
            file.Op(24, [x, w, r, file.Constant("b", Float32, [Units], Slice(weights.B, 0, 4)), file.Tensor("h", Float32, [1, Units])], [y], Tanh);
            file.Border([x], [y]);
        }
        Graph graph = TfliteImporter.Import(file.Finish(), "step");
        if (kind == "basic lstm") graph.Metadata[StateBinding.MetadataKey] = "h=y\nc=next";
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Equal(kind == "rnn" ? 1 : 2, session.States.Count);
        double[] hidden = new double[Units], cell = new double[Units];
        for (int step = 0; step < 6; step++)
        {
            float[] values = [step, 0.5f * step - 1, -1];
            session.SetInput(session.FindInput("x"), F(new Shape(1, In), values));
            session.Run();
            if (kind == "rnn") hidden = [.. Enumerable.Range(0, Units).Select(u => Math.Tanh(weights.Gate(0, u, values, hidden)))];
            else weights.Step(values, hidden, cell);
            for (int u = 0; u < Units; u++) Assert.Equal(hidden[u], session.Output("y").GetDouble(u), 1e-5);
        }
    }

    [Theory]
    [InlineData("lstm", true, true)]
    [InlineData("lstm", false, false)]
    [InlineData("rnn", true, false)]
    [InlineData("rnn", false, true)]
    public void A_sequence_is_read_from_both_ends(string kind, bool timeMajor, bool merge)
    {
        const int Steps = 4, In = 3, Units = 2;
        bool lstm = kind == "lstm";
        Weights[] directions = [new(In, Units, 3), new(In, Units, 4)];
        int[] shape = timeMajor ? [Steps, 1, In] : [1, Steps, In];
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, shape);
        int[] inputs = [x, .. Enumerable.Repeat(-1, lstm ? 47 : 11)];
        for (int d = 0; d < 2; d++)
            for (int g = 0; g < (lstm ? 4 : 1); g++)
            {
                int w = file.Constant($"w{d}{g}", Float32, [Units, In], Slice(directions[d].W, g, 4)), r = file.Constant($"r{d}{g}", Float32, [Units, Units], Slice(directions[d].R, g, 4));
                int b = file.Constant($"b{d}{g}", Float32, [Units], Slice(directions[d].B, g, 4));
                if (lstm) (inputs[1 + 17 * d + g], inputs[5 + 17 * d + g], inputs[12 + 17 * d + g]) = (w, r, b);
                else (inputs[1 + 4 * d], inputs[2 + 4 * d], inputs[3 + 4 * d]) = (w, r, b);
            }
        for (int s = 0; s < (lstm ? 4 : 2); s++) inputs[lstm ? 35 + s : 4 + 4 * s] = file.Tensor($"state{s}", Float32, [1, Units]);
        int[] outputs = merge ? [file.Tensor("y", Float32, [shape[0], shape[1], 2 * Units])] : [file.Tensor("fw", Float32, [shape[0], shape[1], Units]), file.Tensor("bw", Float32, [shape[0], shape[1], Units])];
        if (lstm) file.Op(52, inputs, outputs, Tanh, 0f, 0f, merge, timeMajor);
        else file.Op(46, inputs, outputs, timeMajor, Tanh, merge);
        file.Border([x], outputs);

        float[] values = [.. Enumerable.Range(0, Steps * In).Select(i => (float)Math.Cos(i))];
        Tensor[] got = Run(file, F(new Shape(shape[0], shape[1], shape[2]), values));
        for (int d = 0; d < 2; d++)
        {
            double[] hidden = new double[Units], cell = new double[Units];
            for (int k = 0; k < Steps; k++)
            {
                int step = d == 0 ? k : Steps - 1 - k;
                float[] now = values[(step * In)..((step + 1) * In)];
                if (lstm) directions[d].Step(now, hidden, cell);
                else hidden = [.. Enumerable.Range(0, Units).Select(u => Math.Tanh(directions[d].Gate(0, u, now, hidden)))];
                for (int u = 0; u < Units; u++)
                    Assert.Equal(hidden[u], merge ? got[0].GetDouble(step * 2 * Units + d * Units + u) : got[d].GetDouble(step * Units + u), 1e-5);
            }
        }
    }

    [Fact]
    public void Random_numbers_have_the_shape_that_is_asked_for()
    {
        foreach (int code in new[] { 146, 148 })
        {
            var file = new TfliteFileBuilder();
            int shape = file.Tensor("shape", TfliteFileBuilder.Int32, [2]), y = file.Tensor("y", Float32, [-1, -1]);
            file.Op(code, [shape], [y], 0, 0);
            file.Border([shape], [y]);
            Tensor got = Run(file, Tensor.FromArray<int>([30, 40], new Shape(2)))[0];
            Assert.Equal(new Shape(30, 40), got.Shape);
            Assert.InRange(Numbers(got).Average(), code == 148 ? 0.4 : -0.2, code == 148 ? 0.6 : 0.2);
        }
    }

    /// <summary>Weights in blocks with zero points: their real numbers, and in the model file a product that reads the packed ones.</summary>
    [Theory]
    [InlineData(Int8)]
    [InlineData(Int4)]
    [InlineData(Int2)]
    public void Weights_in_blocks_stay_packed(int type)
    {
        const int Rows = 5, Columns = 64, Size = 32;
        int bits = type == Int8 ? 8 : type == Int4 ? 4 : 2;
        var file = new TfliteFileBuilder();
        var random = new Random(5);
        var stored = new byte[Rows * Columns * bits / 8];
        random.NextBytes(stored);
        float[] scales = [.. Enumerable.Range(0, Rows * Columns / Size).Select(_ => 0.1f + random.NextSingle())];
        int[] zeros = [.. scales.Select(_ => random.Next(-2, 2))];
        int x = file.Tensor("x", Float32, [3, Columns]), y = file.Tensor("y", Float32, [3, Rows]);
        int scale = file.Constant("scales", Float32, [Rows, Columns / Size], scales), zero = file.Constant("zeros", TfliteFileBuilder.Int32, [Rows, Columns / Size], zeros);
        file.Op(9, [x, file.Blockwise("w", type, [Rows, Columns], stored, scale, zero, Size), -1], [y], (sbyte)0, (sbyte)0, false);
        file.Border([x], [y]);
        Graph graph = TfliteImporter.Import(file.Finish(), "test");
        Tensor input = F(new Shape(3, Columns), [.. Enumerable.Range(0, 3 * Columns).Select(i => MathF.Sin(i))]);
        Tensor got = new GraphInterpreter(graph).Run([input])[0];
        for (int r = 0; r < 3; r++)
            for (int o = 0; o < Rows; o++)
            {
                double sum = 0;
                for (int k = 0; k < Columns; k++)
                {
                    int at = (o * Columns + k) * bits, block = (o * Columns + k) / Size;
                    int value = (sbyte)(stored[at / 8] >> at % 8 << 8 - bits) >> 8 - bits;
                    sum += input.GetDouble(r * Columns + k) * (value - zeros[block]) * scales[block];
                }
                Assert.Equal(sum, got.GetDouble(r * Rows + o), 1e-3);
            }
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        Assert.Equal("BlockGemm", Assert.Single(graph.Nodes).OpType);
    }
}
