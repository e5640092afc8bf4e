using System.Runtime.InteropServices;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests.Targets;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of TFLite whose meaning differs from ONNX's, on small files with results worked out by hand; and damaged files.</summary>
public class TfliteImporterTests
{
    private static Tensor F(Shape shape, params float[] values) => Tensor.FromArray<float>(values, shape);
    private static float[] Iota(int n) => [.. Enumerable.Range(0, n).Select(i => (float)i)];

    private static Tensor Run(TfliteFileBuilder file, params Tensor[] inputs) => RunAll(file, inputs)[0];

    private static Tensor[] RunAll(TfliteFileBuilder file, params Tensor[] inputs)
    {
        Graph graph = TfliteImporter.Import(file.Finish(), "test");
        Tensor[] results = new GraphInterpreter(graph).Run(inputs);
        for (int i = 0; i < results.Length; i++)
        {
            Shape inferred = graph.Outputs[i].Shape;
            if (inferred.IsKnown) Assert.Equal(inferred, results[i].Shape);
        }
        return results;
    }

    /// <summary>One operator x -> y of float32.</summary>
    private static Tensor Single(int code, Tensor x, int[] y, Func<TfliteFileBuilder, int[]>? more = null, params object[] options)
    {
        var file = new TfliteFileBuilder();
        int input = file.Tensor("x", Float32, [.. x.Shape.AsSpan().ToArray().Select(d => (int)d)]);
        int[] rest = more?.Invoke(file) ?? [];
        int output = file.Tensor("y", Float32, y);
        file.Op(code, [input, .. rest], [output], options);
        file.Border([input], [output]);
        return Run(file, x);
    }

    public static TheoryData<int[], int[], int[], int[], int[], float[]> Slices => new()
    {
        // begin, end, strides, masks {begin, end, ellipsis, new axis, shrink}, shape, values; x = 0..11 of shape [3,4]
        { [0, 1], [2, 3], [1, 1], [0, 0, 0, 0, 0], [2, 2], [1, 2, 5, 6] },
        { [1, 0], [0, 0], [1, 2], [0, 3, 0, 0, 0], [2, 2], [4, 6, 8, 10] },
        { [-1, 0], [0, 0], [-1, 1], [0, 3, 0, 0, 0], [3, 4], [8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3] },
        { [1, 0], [2, 0], [1, 1], [2, 2, 0, 0, 1], [4], [4, 5, 6, 7] },
        { [0, -1], [0, 0], [1, 1], [0, 0, 1, 0, 2], [3], [3, 7, 11] },
        { [0, 0, 1], [0, 0, 2], [1, 1, 1], [0, 0, 1, 2, 0], [3, 1, 1], [1, 5, 9] },
    };

    [Theory]
    [MemberData(nameof(Slices))]
    public void Strided_slice_follows_its_masks(int[] begin, int[] end, int[] strides, int[] masks, int[] shape, float[] expected)
    {
        Tensor y = Single(45, F(new Shape(3, 4), Iota(12)), shape, f => [f.Ints(begin), f.Ints(end), f.Ints(strides)], [.. masks.Cast<object>()]);
        Assert.Equal(shape.Select(d => (long)d), y.Shape.AsSpan().ToArray());
        Assert.Equal(expected, y.ToArray<float>());
    }

    [Theory]
    [InlineData(false, new float[] { 0, 0.5f, 1, 1 })] // x / 2, clamped at the border
    [InlineData(true, new float[] { 0, 1 / 3f, 2 / 3f, 1 })] // corners meet corners
    public void Bilinear_resize_maps_coordinates_as_asked(bool alignCorners, float[] expected)
    {
        Tensor y = Single(23, F(new Shape(1, 1, 2, 1), 0, 1), [1, 1, 4, 1], f => [f.Ints(1, 4)], 0, 0, alignCorners, false);
        Assert.Equal(expected, y.ToArray<float>().Select(v => MathF.Round(v, 6)), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Theory]
    [InlineData(false, false, new float[] { 0, 0, 1, 1, 2 })] // floor(x * 3/5)
    [InlineData(false, true, new float[] { 0, 0, 1, 2, 2 })] // floor((x + 0.5) * 3/5)
    [InlineData(true, false, new float[] { 0, 1, 1, 2, 2 })] // round(x * 2/4), half away from zero
    public void Nearest_resize_picks_as_asked(bool alignCorners, bool halfPixel, float[] expected)
    {
        Tensor y = Single(97, F(new Shape(1, 1, 3, 1), 0, 1, 2), [1, 1, 5, 1], f => [f.Ints(1, 5)], alignCorners, halfPixel);
        Assert.Equal(expected, y.ToArray<float>());
    }

    [Fact]
    public void Same_padding_puts_the_odd_pixel_at_the_end()
    {
        // stride 2, kernel 3 over 4: one position of padding, after the input. Sums of [0,1,2] and [2,3].
        Tensor y = Single(3, F(new Shape(1, 1, 4, 1), 0, 1, 2, 3), [1, 1, 2, 1],
            f => [f.Constant<float>("w", Float32, [1, 1, 3, 1], [1, 1, 1]), f.Constant<float>("b", Float32, [1], [10])], (sbyte)0, 2, 1, (sbyte)0, 1, 1);
        Assert.Equal([13f, 15f], y.ToArray<float>());
    }

    [Fact]
    public void Transposed_convolution_is_cropped_like_the_gradient_of_a_same_convolution()
    {
        // stride 2, kernel 3, output 4: x0 * w at 0..2, x1 * w at 2..4; nothing is cropped before, one position after.
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1, 1, 2, 1]), y = file.Tensor("y", Float32, [1, 1, 4, 1]);
        int shape = file.Ints(1, 1, 4, 1), w = file.Constant<float>("w", Float32, [1, 1, 3, 1], [1, 2, 3]);
        file.Op(67, [shape, w, x], [y], (sbyte)0, 2, 1);
        file.Border([x], [y]);
        Assert.Equal([1f, 2, 3 + 10, 20], Run(file, F(new Shape(1, 1, 2, 1), 1, 10)).ToArray<float>());
    }

    [Fact]
    public void MediaPipes_transposed_convolution_adds_its_bias()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1, 1, 2, 1]), y = file.Tensor("y", Float32, [1, 2, 4, 1]);
        int w = file.Constant<float>("w", Float32, [1, 2, 2, 1], [1, 2, 3, 4]), b = file.Constant<float>("b", Float32, [1], [100]);
        file.CustomOp("Convolution2DTransposeBias", [x, w, b], [y], MemoryMarshal.AsBytes<int>([1, 2, 2]).ToArray());
        file.Border([x], [y]);
        Assert.Equal([101f, 102, 110, 120, 103, 104, 130, 140], Run(file, F(new Shape(1, 1, 2, 1), 1, 10)).ToArray<float>());
    }

    [Fact]
    public void Space_to_batch_pads_and_batch_to_space_crops_it_back()
    {
        Tensor x = F(new Shape(1, 3, 2, 1), Iota(6));
        Tensor batched = Single(38, x, [4, 2, 1, 1], f => [f.Ints(2, 2), f.Constant<int>("p", TfliteFileBuilder.Int32, [2, 2], [1, 0, 0, 0])]);
        // Rows: 0 0 / 0 1 / 2 3 / 4 5; blocks by (row parity, column parity).
        Assert.Equal([0f, 2, 0, 3, 0, 4, 1, 5], batched.ToArray<float>());
        Tensor back = Single(37, batched, [1, 3, 2, 1], f => [f.Ints(2, 2), f.Constant<int>("c", TfliteFileBuilder.Int32, [2, 2], [1, 0, 0, 0])]);
        Assert.Equal(x.ToArray<float>(), back.ToArray<float>());
    }

    [Fact]
    public void Floor_mod_has_the_sign_of_the_divisor() =>
        Assert.Equal([1f, 2, -2, -1, 0], Single(95, F(new Shape(5), 7, -7, 7, -7, 6), [5], f => [f.Constant<float>("d", Float32, [5], [3, 3, -3, -3, 3])]).ToArray<float>());

    [Fact]
    public void A_while_loop_doubles_until_the_limit_and_the_names_of_signatures_are_kept()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1]), y = file.Tensor("y", Float32, [1]);
        file.Op(119, [x], [y], 1, 2);
        file.Border([x], [y]);
        file.NextSubgraph();
        int c = file.Tensor("c", Float32, [1]), less = file.Tensor("less", Bool, [1]), limit = file.Constant<float>("limit", Float32, [1], [100]);
        file.Op(58, [c, limit], [less]);
        file.Border([c], [less]);
        file.NextSubgraph();
        int v = file.Tensor("v", Float32, [1]), twice = file.Tensor("twice", Float32, [1]);
        file.Op(0, [v, v], [twice], (sbyte)0);
        file.Border([v], [twice]);
        file.Signature("serve", [("in", x)], [("out", y)]);
        Assert.Equal(192, Run(file, F(new Shape(1), 3)).GetDouble(0));
        Assert.Equal(500, Run(file, F(new Shape(1), 500)).GetDouble(0));

        Graph graph = TfliteImporter.Import(file.Finish(), "m", "serve");
        Assert.Equal(("in", "out"), (graph.Inputs[0].Name, graph.Outputs[0].Name));
        Assert.Equal(Status.NotFound, Assert.Throws<EdgeLiteException>(() => TfliteImporter.Import(file.Finish(), "m", "other")).Status);
    }

    /// <summary>Two signatures on two subgraphs: x + x and x * x.</summary>
    [Fact]
    public void A_signature_is_chosen_by_its_name() => TemporaryFolder.Use(folder =>
    {
        var file = new TfliteFileBuilder();
        for (int s = 0; s < 2; s++)
        {
            if (s > 0) file.NextSubgraph();
            int x = file.Tensor("x", Float32, [1]), y = file.Tensor("y", Float32, [1]);
            file.Op(s == 0 ? 0 : 18, [x, x], [y], (sbyte)0);
            file.Border([x], [y]);
            file.Signature(s == 0 ? "twice" : "square", [("in", x)], [(s == 0 ? "doubled" : "squared", y)], s);
        }
        string path = Path.Combine(folder, "two.tflite");
        File.WriteAllBytes(path, file.Finish());
        foreach ((string? key, float expected, string name) in new[] { ((string?)null, 10f, "y"), ("twice", 10, "doubled"), ("square", 25, "squared") })
        {
            Graph graph = Pipeline.Import(path, new ConversionOptions { Signature = key }).Graph;
            Assert.Equal(name, graph.Outputs[0].Name);
            Assert.Equal("twice,square", graph.Metadata["tflite.signatures"]);
            Assert.Equal(expected, new GraphInterpreter(graph).Run(F(new Shape(1), 5))[0].GetDouble(0));
        }
        string refusal = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions { Signature = "cube" })).Message;
        Assert.Contains("'twice', 'square'", refusal, StringComparison.Ordinal);

        // On the command line: converted, and shown.
        string edgl = Path.Combine(folder, "square.edgl"), tool = Path.Combine(AppContext.BaseDirectory, "edgelite.dll");
        ChildProcess.Outcome convert = ChildProcess.Run("dotnet", [tool, "convert", path, "-o", edgl, "--signature", "square"]);
        Assert.True(convert.ExitCode == 0, convert.Errors);
        string shown = ChildProcess.Run("dotnet", [tool, "inspect", edgl]).Output;
        Assert.Contains("twice,square", shown, StringComparison.Ordinal);
        Assert.Contains("squared", shown, StringComparison.Ordinal);
        return 0;
    });

    [Theory]
    [InlineData(true, 8)]
    [InlineData(false, 2)]
    public void An_if_takes_the_branch_of_its_condition(bool condition, float expected)
    {
        var file = new TfliteFileBuilder();
        int p = file.Tensor("p", Bool, [1]), x = file.Tensor("x", Float32, [1]), y = file.Tensor("y", Float32, [1]);
        file.Op(118, [p, x], [y], 1, 2);
        file.Border([p, x], [y]);
        foreach (int code in new[] { 0, 41 })
        {
            file.NextSubgraph();
            int a = file.Tensor("a", Float32, [1]), r = file.Tensor("r", Float32, [1]), three = file.Constant<float>("three", Float32, [1], [3]);
            file.Op(code, [a, three], [r], (sbyte)0);
            file.Border([a], [r]);
        }
        Assert.Equal(expected, Run(file, Tensor.FromArray<bool>([condition], new Shape(1)), F(new Shape(1), 5)).GetDouble(0));
    }

    [Fact]
    public void A_variable_becomes_an_input_and_an_output_that_carry_it()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1]), handle = file.Tensor("h", Resource, []), old = file.Tensor("old", Float32, [1]), sum = file.Tensor("sum", Float32, [1]);
        file.Op(142, [], [handle], "", "counter");
        file.Op(143, [handle], [old]);
        file.Op(0, [x, old], [sum], (sbyte)0);
        file.Op(144, [handle, sum], []);
        file.Border([x], [sum]);
        Graph graph = TfliteImporter.Import(file.Finish(), "counter");
        Assert.Equal(["x", "counter"], graph.Inputs.Select(i => i.Name));
        Assert.Equal("counter.next", graph.Metadata["state.counter"]);
        Assert.Equal("counter=counter.next", graph.Metadata[EdgeLite.Format.StateBinding.MetadataKey]);
        Tensor[] y = new GraphInterpreter(graph).Run(F(new Shape(1), 2), F(new Shape(1), 40));
        Assert.Equal([42d, 42d], y.Select(t => t.GetDouble(0)));
    }

    [Fact]
    public void A_sparse_constant_becomes_dense()
    {
        // [[0, 0, 5], [7, 0, 0]]: rows dense, columns compressed.
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [2, 3]), y = file.Tensor("y", Float32, [2, 3]), d = file.Tensor("d", Float32, [2, 3]);
        int sparse = file.Constant<float>("s", Float32, [2, 3], [5, 7], sparsity: b =>
        {
            int order = IntVector(b, 0, 1);
            b.StartTable(6);
            b.AddInt(1, 2, 0);
            int rows = b.EndTable(), segments = Vector(0, 1, 2), indices = Vector(2, 0);
            b.StartTable(6);
            b.AddSbyte(0, 1, 0);
            b.AddByte(2, 1, 0);
            b.AddOffset(3, segments, 0);
            b.AddByte(4, 1, 0);
            b.AddOffset(5, indices, 0);
            int metadata = Tables(b, [rows, b.EndTable()]);
            b.StartTable(3);
            b.AddOffset(0, order, 0);
            b.AddOffset(2, metadata, 0);
            return b.EndTable();

            int Vector(params int[] values)
            {
                int vector = IntVector(b, values);
                b.StartTable(1);
                b.AddOffset(0, vector, 0);
                return b.EndTable();
            }
        });
        file.Op(124, [sparse], [d]);
        file.Op(0, [x, d], [y], (sbyte)0);
        file.Border([x], [y]);
        Assert.Equal([0f, 1, 7, 10, 4, 5], Run(file, F(new Shape(2, 3), Iota(6))).ToArray<float>());
    }

    [Fact]
    public void Unknown_operators_are_all_named_at_once_with_their_nodes()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Float32, [1]), a = file.Tensor("first", Float32, [1]), b = file.Tensor("second", Float32, [1]);
        file.Op(15, [x], [a]);
        file.CustomOp("Frobnicate", [a], [b], [1]);
        file.Border([x], [b]);
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => TfliteImporter.Import(file.Finish(), "m"));
        Assert.Equal(Status.UnknownOperator, e.Status);
        foreach (string part in new[] { "LSH_PROJECTION", "FarmHash", "first", "Frobnicate", "second" }) Assert.Contains(part, e.Message);
    }

    [Fact]
    public void Damaged_files_give_an_EdgeLiteException_or_a_model_and_nothing_else()
    {
        var file = new TfliteFileBuilder();
        int x = file.Tensor("x", Int8, [1, 2, 4, 1], 0.5f, 3), y = file.Tensor("y", Int8, [1, 1, 2, 1], 0.5f, 3), z = file.Tensor("z", Int8, [2], 0.5f, 3);
        int w = file.Constant<sbyte>("w", Int8, [1, 1, 3, 1], [1, -1, 1], 0.25f), b = file.Constant<int>("b", TfliteFileBuilder.Int32, [1], [10], 0.125f), shape = file.Ints(2);
        file.Op(3, [x, w, b], [y], (sbyte)0, 2, 2, (sbyte)1, 1, 1);
        file.Op(22, [y, shape], [z]);
        file.Border([x], [z]);
        byte[] good = file.Finish();
        TfliteImporter.Import(good, "good");
        // The last bytes are padding around the first thing written; anything shorter cannot be whole.
        for (int length = 0; length < good.Length - 32; length += 7) Assert.Equal(1, Try(good[..length]));
        for (int at = 0; at < good.Length; at++)
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0xff })
            {
                byte[] bad = [.. good];
                bad[at] = value;
                Try(bad);
            }

        static int Try(byte[] data)
        {
            try
            {
                TfliteImporter.Import(data, "bad");
                return 0;
            }
            catch (EdgeLiteException)
            {
                return 1;
            }
        }
    }
}
