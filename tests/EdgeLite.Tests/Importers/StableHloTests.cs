using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>StableHLO's operators in .tflite files that no interpreter of TFLite runs, against what https://openxla.org/stablehlo/spec says, in plain
/// loops or by hand. Numbers of operators and options are those of TFLite's schema.</summary>
public class StableHloTests
{
    private const int I32 = TfliteFileBuilder.Int32;

    private static Tensor F(Shape shape, params float[] values) => Tensor.FromArray<float>(values, shape);

    private static Tensor Counted(params long[] dims)
    {
        var shape = new Shape(dims);
        return Tensor.FromArray<float>([.. Enumerable.Range(0, (int)shape.Count).Select(i => (float)(i * 7 % 23 - 9))], shape);
    }

    private static double[] Numbers(Tensor t) => [.. Enumerable.Range(0, (int)t.Count).Select(i => t.GetDouble(i))];

    private static int[] Dims(Tensor t) => [.. t.Shape.AsSpan().ToArray().Select(d => (int)d)];

    /// <summary>A model of one operator over these inputs; <paramref name="more"/> adds subgraphs.</summary>
    private static Tensor[] Run(int code, byte table, Tensor[] inputs, (int Type, int[] Shape)[] outputs, object?[] options, Action<TfliteFileBuilder>? more = null)
    {
        var file = new TfliteFileBuilder();
        int[] x = [.. inputs.Select((t, i) => file.Tensor($"x{i}", t.DType == DType.Float32 ? Float32 : I32, Dims(t)))], y = [.. outputs.Select((o, i) => file.Tensor($"y{i}", o.Type, o.Shape))];
        file.NewerOp(code, table, x, y, options);
        file.Border(x, y);
        more?.Invoke(file);
        Graph graph = TfliteImporter.Import(file.Finish(), "test");
        Tensor[] reference = new GraphInterpreter(graph).Run(inputs);
        Pipeline.Optimize(graph, new ConversionOptions());
        Tensor[] optimized = new GraphInterpreter(graph).Run(inputs);
        for (int k = 0; k < reference.Length; k++) TensorAssert.Close(reference[k], optimized[k], 0, 0, $"output {k}, optimized");
        return reference;
    }

    private static void Operator(TfliteFileBuilder file, int code, byte table)
    {
        file.NextSubgraph();
        int[] x = [file.Tensor("a", Float32, []), file.Tensor("b", Float32, [])];
        int y = file.Tensor("y", Float32, []);
        file.TypedOp(code, table, x, [y], (sbyte)0);
        file.Border(x, [y]);
    }

    [Fact]
    public void Elements_are_joined_cut_and_turned()
    {
        Assert.Equal([1, 2, 5, 3, 4, 6], Numbers(Run(169, 1, [F(new Shape(2, 2), 1, 2, 3, 4), F(new Shape(2, 1), 5, 6)], [(Float32, [2, 3])], [1L])[0]));
        Assert.Equal([2, 4, 12, 14], Numbers(Run(172, 3, [F(new Shape(3, 5), [.. Enumerable.Range(0, 15).Select(i => (float)i)])], [(Float32, [2, 2])], [new long[] { 0, 2 }, new long[] { 3, 5 }, new long[] { 2, 2 }])[0]));
        Assert.Equal([1, 4, 2, 5, 3, 6], Numbers(Run(202, 17, [F(new Shape(2, 3), 1, 2, 3, 4, 5, 6)], [(Float32, [3, 2])], [new long[] { 1, 0 }])[0]));
    }

    /// <summary>Dimensions 0 and 1 of the operand become 2 and 0 of the result.</summary>
    [Fact]
    public void Dimensions_are_broadcast_to_places_in_any_order()
    {
        Tensor y = Run(170, 2, [F(new Shape(3, 1), 1, 2, 3)], [(Float32, [2, 2, 3])], [new long[] { 2, 0 }])[0];
        Assert.Equal(new Shape(2, 2, 3), y.Shape);
        Assert.Equal([1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3], Numbers(y));
    }

    [Fact]
    public void Numbers_count_along_a_dimension()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", I32, [2, 3]), n = file.Tensor("n", I32, [2, 3]), y = file.Tensor("y", I32, [2, 3]);
        file.NewerOp(196, 11, [], [n], 1L);
        file.TypedOp(0, 11, [x, n], [y], (sbyte)0);
        file.Border([x], [y]);
        Assert.Equal([0, 1, 2, 0, 1, 2], Numbers(new GraphInterpreter(TfliteImporter.Import(file.Finish(), "test")).Run([new Tensor(DType.Int32, new Shape(2, 3))])[0]));
    }

    [Theory]
    [InlineData(0, new[] { 0, 1, 0 })]
    [InlineData(1, new[] { 1, 0, 1 })]
    [InlineData(2, new[] { 0, 1, 1 })]
    [InlineData(3, new[] { 0, 0, 1 })]
    [InlineData(4, new[] { 1, 1, 0 })]
    [InlineData(5, new[] { 1, 0, 0 })]
    public void Numbers_are_compared(int direction, int[] expected) =>
        Assert.Equal(expected, Numbers(Run(191, 8, [F(new Shape(3), 1, 2, 3), F(new Shape(3), 2, 2, 2)], [(Bool, [3])], [(uint)direction, 1u])[0]).Select(v => (int)v));

    /// <summary>A place past the end is drawn back, one before the beginning is moved to it.</summary>
    [Fact]
    public void Parts_are_read_and_written_at_computed_places()
    {
        Tensor x = F(new Shape(3, 4), [.. Enumerable.Range(0, 12).Select(i => (float)i)]), far = Tensor.FromScalar(9), before = Tensor.FromScalar(-3);
        Assert.Equal([4, 5, 6, 8, 9, 10], Numbers(Run(193, 9, [x, far, before], [(Float32, [2, 3])], [new long[] { 2, 3 }])[0]));
        Assert.Equal([0, 1, 2, 3, -1, -2, 6, 7, -3, -4, 10, 11], Numbers(Run(194, 0, [x, F(new Shape(2, 2), -1, -2, -3, -4), far, before], [(Float32, [3, 4])], [])[0]));
    }

    [Fact]
    public void Folds_go_over_some_dimensions()
    {
        Tensor x = F(new Shape(2, 3), 1, -2, 3, 4, 5, -6), initial = Tensor.FromScalar(2f);
        foreach ((int code, byte table, double[] expected) in new (int, byte, double[])[] { (0, 11, [4, 5]), (18, 21, [-12, -240]), (55, 39, [3, 5]), (57, 39, [-2, -6]) })
            Assert.Equal(expected, Numbers(Run(174, 6, [x, initial], [(Float32, [2])], [new long[] { 1 }, 1], f => Operator(f, code, table))[0]));
    }

    [Theory]
    [InlineData(3u, new[] { 5, 4, 1, -3, 3, 2, 2, 0 }, new[] { 2, 0, 3, 1, 1, 0, 2, 3 })]
    [InlineData(5u, new[] { -3, 1, 4, 5, 0, 2, 2, 3 }, new[] { 1, 3, 0, 2, 3, 0, 2, 1 })]
    public void Operands_are_sorted_by_the_first(uint direction, int[] values, int[] order)
    {
        Tensor x = F(new Shape(2, 4), 4, -3, 5, 1, 2, 3, 2, 0), numbers = Tensor.FromArray<int>([0, 1, 2, 3, 0, 1, 2, 3], new Shape(2, 4));
        Tensor[] y = Run(199, 14, [x, numbers], [(Float32, [2, 4]), (I32, [2, 4])], [1L, true, 1], f =>
        {
            f.NextSubgraph();
            int a = f.Tensor("a", Float32, []), b = f.Tensor("b", Float32, []), c = f.Tensor("c", I32, []), d = f.Tensor("d", I32, []), less = f.Tensor("less", Bool, []);
            f.NewerOp(191, 8, [a, b], [less], direction, 1u);
            f.Border([a, b, c, d], [less]);
        });
        Assert.Equal(values, Numbers(y[0]).Select(v => (int)v));
        Assert.Equal(order, Numbers(y[1]).Select(v => (int)v));
    }

    /// <summary>Counts up to a limit and doubles.</summary>
    [Fact]
    public void Loops_run_while_their_condition_holds()
    {
        Tensor[] y = Run(200, 15, [Tensor.FromScalar(0), Tensor.FromScalar(5), F(new Shape(2), 1, -3)], [(I32, []), (I32, []), (Float32, [2])], [1, 2], f =>
        {
            f.NextSubgraph();
            int[] state = State();
            int less = f.Tensor("less", Bool, []);
            f.NewerOp(191, 8, [state[0], state[1]], [less], 5u, 3u);
            f.Border(state, [less]);
            f.NextSubgraph();
            state = State();
            int next = f.Tensor("next", I32, []), twice = f.Tensor("twice", Float32, [2]);
            f.NewerOp(163, 0, [state[0], f.Scalar(1)], [next]);
            f.NewerOp(163, 0, [state[2], state[2]], [twice]);
            f.Border(state, [next, state[1], twice]);

            int[] State() => [f.Tensor("count", I32, []), f.Tensor("limit", I32, []), f.Tensor("v", Float32, [2])];
        });
        Assert.Equal([5], Numbers(y[0]));
        Assert.Equal([32, -96], Numbers(y[2]));
    }

    /// <summary>a [k, batch, m], b [n, k, batch]: the sum over k for each of the batch.</summary>
    [Fact]
    public void Products_contract_dimensions_in_any_place()
    {
        const int K = 3, B = 2, M = 4, N = 5;
        Tensor a = Counted(K, B, M), b = Counted(N, K, B), y = Run(197, 12, [a, b], [(Float32, [B, M, N])], [new long[] { 1 }, new long[] { 2 }, new long[] { 0 }, new long[] { 1 }])[0];
        Assert.Equal(new Shape(B, M, N), y.Shape);
        for (int t = 0; t < B; t++)
            for (int i = 0; i < M; i++)
                for (int j = 0; j < N; j++)
                    Assert.Equal(Enumerable.Range(0, K).Sum(k => a.GetDouble((k * B + t) * M + i) * b.GetDouble((j * K + k) * B + t)), y.GetDouble((t * M + i) * N + j));
    }

    /// <summary>A convolution of [height, batch, feature, width] with everything that it may have, by its definition.</summary>
    [Fact]
    public void Convolutions_are_padded_cut_dilated_and_reversed()
    {
        const int H = 5, W = 4, Kh = 2, Kw = 3, In = 4, Out = 6, Groups = 2;
        long[] strides = [2, 1], padding = [1, 2, -1, 2], between = [1, 2], apart = [2, 1];
        int high = H - 1 + 1, wide = (W - 1) * 2 + 1, oh = (high + 3 - ((Kh - 1) * 2 + 1)) / 2 + 1, ow = wide + 1 - Kw + 1;
        Tensor x = Counted(H, 1, In, W), w = Counted(In / Groups, Kh, Kw, Out);
        Tensor y = Run(171, 4, [x, w], [(Float32, [1, Out, oh, ow])],
            [strides, padding, between, apart, new byte[] { 0, 1 }, 1L, 2L, new long[] { 0, 3 }, 0L, 3L, new long[] { 1, 2 }, 0L, 1L, new long[] { 2, 3 }, (long)Groups, 1L])[0];
        Assert.Equal(new Shape(1, Out, oh, ow), y.Shape);
        for (int o = 0; o < Out; o++)
            for (int i = 0; i < oh; i++)
                for (int j = 0; j < ow; j++)
                {
                    double sum = 0;
                    for (int c = 0; c < In / Groups; c++)
                        for (int u = 0; u < Kh; u++)
                            for (int v = 0; v < Kw; v++)
                            {
                                int row = i * 2 + u * 2 - 1, column = j + v + 1, feature = o / (Out / Groups) * (In / Groups) + c;
                                if (row < 0 || row >= high || column < 0 || column >= wide || column % 2 != 0) continue;
                                sum += x.GetDouble((row * In + feature) * W + column / 2) * w.GetDouble(((c * Kh + u) * Kw + Kw - 1 - v) * Out + o);
                            }
                    Assert.Equal(sum, y.GetDouble((o * oh + i) * ow + j));
                }
    }

    [Fact]
    public void What_has_no_conversion_says_why()
    {
        string error = Assert.Throws<EdgeLiteException>(() => Run(173, 5, [F(new Shape(1), 1)], [(Float32, [1])], ["somebody's"])).Message;
        Assert.Contains("STABLEHLO_CUSTOM_CALL", error);
        Assert.Contains("its code is not in the file", error);
        error = Assert.Throws<EdgeLiteException>(() => Run(174, 6, [F(new Shape(2), 1, 2), Tensor.FromScalar(0f)], [(Float32, [])], [new long[] { 0 }, 1], f => Operator(f, 41, 28))).Message;
        Assert.Contains("it is SUB", error);
    }
}
