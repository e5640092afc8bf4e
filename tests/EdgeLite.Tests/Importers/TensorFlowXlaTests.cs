using EdgeLite.Converter.Importers.TensorFlow;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>XLA's operators as jax2tf writes them, against loops over XLA's definitions.</summary>
public class TensorFlowXlaTests
{
    private static Tensor F(long[] dims, Func<long, double> value)
    {
        var tensor = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, value(i));
        return tensor;
    }

    private static Tensor Noise(int seed, params long[] dims)
    {
        var random = new Random(seed);
        return F(dims, _ => random.Next(-9, 10));
    }

    private static Tensor I(params int[] values) => Tensor.FromArray<int>(values, new Shape(values.Length));

    private static Tensor I(long[] dims, params int[] values) => Tensor.FromArray<int>(values, new Shape(dims));

    /// <summary>A message of repeated whole numbers.</summary>
    private static AttrValue Numbers(params (int Field, long[] Values)[] fields)
    {
        var stream = new MemoryStream();
        var output = new CodedOutputStream(stream);
        foreach ((int field, long[] values) in fields)
        {
            output.WriteTag(field, WireFormat.WireType.LengthDelimited);
            output.WriteLength(values.Sum(CodedOutputStream.ComputeInt64Size));
            foreach (long value in values) output.WriteInt64(value);
        }
        output.Flush();
        return new AttrValue { S = ByteString.CopyFrom(stream.ToArray()) };
    }

    /// <summary>The same with single numbers, which are not packed.</summary>
    private static AttrValue Numbers(AttrValue more, params (int Field, long Value)[] fields)
    {
        var stream = new MemoryStream();
        stream.Write(more.S.Span);
        var output = new CodedOutputStream(stream);
        foreach ((int field, long value) in fields)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt64(value);
        }
        output.Flush();
        return new AttrValue { S = ByteString.CopyFrom(stream.ToArray()) };
    }

    private static AttrValue Func(string name) => new() { Func = new NameAttrList { Name = name } };

    private static AttrValue List(params long[] values) => new() { List = new AttrValue.Types.ListValue { I = { values } } };

    private static readonly string[] s_functions = ["Add", "Mul", "Sub", "Maximum", "Minimum", "Greater", "Less"];

    /// <summary>One operator; float inputs are inputs of the model, whole numbers constants of it.</summary>
    private static Tensor[] Run(string op, Tensor[] inputs, int outputs, bool areIndicesInputs, params (string Key, AttrValue Value)[] attributes)
    {
        var graph = new GraphDef { Library = new FunctionDefLibrary(), Versions = new VersionDef { Producer = 1000 } };
        foreach (string function in s_functions)
        {
            bool compares = function is "Greater" or "Less";
            var signature = new OpDef { Name = function + "2", InputArg = { new OpDef.Types.ArgDef { Name = "a", Type = DataType.DtFloat }, new OpDef.Types.ArgDef { Name = "b", Type = DataType.DtFloat } }, OutputArg = { new OpDef.Types.ArgDef { Name = "r" } } };
            // With another tensor beside the keys, a comparator has four arguments.
            if (compares) signature.InputArg.Add([new OpDef.Types.ArgDef { Name = "c", Type = DataType.DtInt32 }, new OpDef.Types.ArgDef { Name = "d", Type = DataType.DtInt32 }]);
            graph.Library.Function.Add(new FunctionDef { Signature = signature, NodeDef = { new NodeDef { Name = "f", Op = function, Input = { "a", "b" } } }, Ret = { ["r"] = "f:z:0" } });
        }
        graph.Library.Function.Add(new FunctionDef { Signature = new OpDef { Name = "Second", InputArg = { new OpDef.Types.ArgDef { Name = "a" }, new OpDef.Types.ArgDef { Name = "b" } }, OutputArg = { new OpDef.Types.ArgDef { Name = "r" } } }, Ret = { ["r"] = "b" } });
        var node = new NodeDef { Name = "y", Op = op };
        foreach ((string key, AttrValue value) in attributes) node.Attr[key] = value;
        var constants = new Dictionary<string, Tensor>();
        var given = new List<Tensor>();
        for (int i = 0; i < inputs.Length; i++)
        {
            bool isInput = inputs[i].DType == DType.Float32 && inputs[i].Shape.Rank > 0 || areIndicesInputs && i == 1;
            var source = new NodeDef { Name = $"in{i}", Op = isInput ? "Placeholder" : "Const" };
            if (isInput)
            {
                source.Attr["dtype"] = new AttrValue { Type = inputs[i].DType == DType.Float32 ? DataType.DtFloat : DataType.DtInt32 };
                source.Attr["shape"] = new AttrValue { Shape = new TensorShapeProto { Dim = { inputs[i].Shape.AsSpan().ToArray().Select(d => new TensorShapeProto.Types.Dim { Size = d }) } } };
                given.Add(inputs[i]);
            }
            else constants[source.Name] = inputs[i];
            graph.Node.Add(source);
            node.Input.Add(source.Name);
        }
        graph.Node.Add(node);
        Graph imported = TfImporter.Import(new TfModel(graph, null, constants), "xla", null, [.. Enumerable.Range(0, outputs).Select(k => new TfPort($"y{k}", $"y:{k}"))]);
        return ImportedRun.Run(imported, [.. imported.Inputs.Select(i => inputs[int.Parse(i.Name[2..])])]);
    }

    private static Tensor Run(string op, Tensor[] inputs, params (string Key, AttrValue Value)[] attributes) => Run(op, inputs, 1, false, attributes)[0];

    private static long[] Place(long index, long[] dims)
    {
        var at = new long[dims.Length];
        for (int d = dims.Length - 1; d >= 0; d--) (index, at[d]) = (index / dims[d], index % dims[d]);
        return at;
    }

    private static long Index(long[] at, Shape shape)
    {
        long index = 0;
        for (int d = 0; d < at.Length; d++) index = index * shape[d] + at[d];
        return index;
    }

    private static double Get(Tensor x, params long[] at) => x.GetDouble(Index(at, x.Shape));

    private static void Same(Tensor expected, Tensor got) => TensorAssert.Close(expected, got, 1e-5, 1e-5, "result");

    [Fact]
    public void Products_contract_what_the_numbers_say()
    {
        Tensor a = Noise(1, 2, 4, 3), b = Noise(2, 5, 2, 4);
        // Batch 0 with 1, contracted 1 with 2: [2, 3, 5].
        Same(F([2, 3, 5], i => Place(i, [2, 3, 5]) is var p ? Enumerable.Range(0, 4).Sum(k => Get(a, p[0], k, p[1]) * Get(b, p[2], p[0], k)) : 0), Run("XlaDotV2", [a, b], ("dimension_numbers", Numbers((1, [1]), (2, [2]), (3, [0]), (4, [1])))));
        Same(F([4, 3, 5, 2], i => Place(i, [4, 3, 5, 2]) is var p ? Get(a, 0, p[0], p[1]) * Get(b, p[2], p[3], 1) : 0), Run("XlaDot", [F([4, 3], i => a.GetDouble(i)), F([5, 2], i => b.GetDouble(i / 2 * 8 + i % 2 * 4 + 1))], ("dimension_numbers", Numbers())));
    }

    /// <summary>x [N, H, W, C], kernel [h, w, in, out], strides, padding, dilations of both, groups; -1 cuts.</summary>
    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(2, 0, 1, 1, 1)]
    [InlineData(1, 2, 2, 1, 1)]
    [InlineData(1, 2, 1, 2, 2)]
    [InlineData(1, -1, 2, 1, 1)]
    public void Convolutions_have_any_layout_and_dilation(int stride, int pad, int between, int dilation, int groups)
    {
        Tensor x = Noise(3, 1, 5, 6, 4), w = Noise(4, 3, 2, 4 / groups, 6);
        long h = (5 - 1) * between + 1, width = (6 - 1) * between + 1, outH = (h + 2 * pad - 2 * dilation - 1) / stride + 1, outW = (width + 2 * pad + 1 - dilation - 1) / stride + 1;
        double At(long c, long i, long j) => i < 0 || j < 0 || i >= h || j >= width || i % between != 0 || j % between != 0 ? 0 : Get(x, 0, i / between, j / between, c);
        Tensor expected = F([1, outH, outW, 6], k =>
        {
            long[] p = Place(k, [1, outH, outW, 6]);
            double sum = 0;
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 2; j++)
                    for (int c = 0; c < 4 / groups; c++) sum += Get(w, i, j, c, p[3]) * At(p[3] / (6 / groups) * (4 / groups) + c, p[1] * stride + i * dilation - pad, p[2] * stride + j * dilation - pad);
            return sum;
        });
        Same(expected, Run("XlaConvV2", [x, w, I(stride, stride), I([2, 2], pad, pad, pad, pad + 1), I(between, between), I(dilation, dilation), Tensor.FromScalar(groups)],
            ("dimension_numbers", Numbers(Numbers((6, [0, 1]), (11, [1, 2]), (12, [1, 2])), (3, 2), (4, 3), (7, 0), (8, 3), (9, 0), (10, 3)))));
    }

    [Fact]
    public void Padding_goes_between_and_cuts()
    {
        Tensor y = Run("XlaPad", [F([2, 3], i => i + 1), Tensor.FromScalar(9f), I(1, -1), I(0, 2), I(0, 1)]);
        // 1 2 3 -> 1 9 2 9 3 -> 9 2 9 3 9 9
        Same(Tensor.FromArray<float>([9, 9, 9, 9, 9, 9, 9, 2, 9, 3, 9, 9, 9, 5, 9, 6, 9, 9], new Shape(3, 6)), y);
    }

    [Fact]
    public void Reductions_are_found_by_what_their_function_computes()
    {
        Tensor x = Noise(5, 3, 4);
        Same(F([4], j => 100 + Enumerable.Range(0, 3).Sum(i => Get(x, i, j))), Run("XlaReduce", [x, Tensor.FromScalar(100f)], ("reducer", Func("Add2")), ("dimensions_to_reduce", List(0))));
        Same(F([3], i => Enumerable.Range(0, 4).Max(j => Get(x, i, j))), Run("XlaVariadicReduceV2", [x, Tensor.FromScalar(float.NegativeInfinity)], ("reducer", Func("Maximum2")), ("dimensions_to_reduce", List(1))));
        Assert.Contains("neither sum", Assert.Throws<EdgeLiteException>(() => Run("XlaReduce", [x, Tensor.FromScalar(0f)], ("reducer", Func("Sub2")), ("dimensions_to_reduce", List(0)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Maximum", 2, 1, 0)]
    [InlineData("Minimum", 1, 2, 1)]
    [InlineData("Add", 2, 2, 1)]
    public void Windows_go_over_any_dimensions(string function, int stride, int dilation, int pad)
    {
        Tensor x = Noise(6, 2, 7, 3, 8);
        float initial = function switch { "Add" => 0, "Maximum" => float.NegativeInfinity, _ => float.PositiveInfinity };
        long[] result = [2, (7 + pad - 2 * dilation - 1) / stride + 1, 3, (8 - dilation - 1) / 1 + 1];
        Tensor expected = F(result, k =>
        {
            long[] p = Place(k, result);
            double value = initial;
            for (int i = 0; i < 3; i++)
                for (int j = 0; j < 2; j++)
                {
                    long at = p[1] * stride + i * dilation - pad;
                    if (at < 0 || at >= 7) continue;
                    double v = Get(x, p[0], at, p[2], p[3] + j * dilation);
                    value = function switch { "Add" => value + v, "Maximum" => Math.Max(value, v), _ => Math.Min(value, v) };
                }
            return value;
        });
        Same(expected, Run("XlaReduceWindow", [x, Tensor.FromScalar(initial), I(1, 3, 1, 2), I(1, stride, 1, 1), I(1, 1, 1, 1), I(1, dilation, 1, dilation), I([4, 2], 0, 0, pad, 0, 0, 0, 0, 0)], ("computation", Func(function + "2"))));
    }

    public static TheoryData<long[], int[], long[], long[], long[], long[], long> Gathers => new()
    {
        // sizes, indices of shape [2, 2], offset_dims, collapsed, start_index_map, shape of the result, index_vector_dim
        { [1, 4, 3], [0, 4, 2, -1], [2, 3], [0], [0], [2, 2, 4, 3], 2 }, // rows of a table; 4 and -1 are moved inside
        { [2, 1, 3], [1, 3, 9, 0], [0, 2], [1], [0, 1], [2, 2, 3], 1 },
        { [2, 2, 2], [1, 1, 0, 2], [1, 2, 3], [], [2, 0], [2, 2, 2, 2], 0 },
        { [5, 1, 1], [1, 2, 0, 1], [0], [1, 2], [1, 2], [5, 2], 1 },
    };

    [Theory]
    [MemberData(nameof(Gathers))]
    public void Windows_are_gathered(long[] sizes, int[] indices, long[] offsets, long[] collapsed, long[] map, long[] result, long vectorAxis)
    {
        Tensor x = Noise(7, 5, 4, 3), at = I([2, 2], indices);
        long[] kept = [.. Enumerable.Range(0, 3).Select(d => (long)d).Where(d => !collapsed.Contains(d))];
        Tensor expected = F(result, k =>
        {
            long[] p = Place(k, result), batch = [.. p.Where((_, d) => !offsets.Contains(d))], from = new long[3];
            for (int i = 0; i < map.Length; i++)
            {
                List<long> place = [.. batch];
                if (vectorAxis < 2) place.Insert((int)vectorAxis, i);
                from[map[i]] = Math.Clamp((long)Get(at, [.. place]), 0, x.Shape[(int)map[i]] - sizes[map[i]]);
            }
            for (int q = 0; q < offsets.Length; q++) from[kept[q]] += p[offsets[q]];
            return Get(x, from);
        });
        AttrValue numbers = Numbers(Numbers((1, offsets), (2, collapsed), (3, map)), (4, vectorAxis));
        foreach (bool isInput in new[] { false, true })
            Same(expected, Run("XlaGather", [x, at, I([.. sizes.Select(s => (int)s)])], 1, isInput, ("dimension_numbers", numbers))[0]);
    }

    /// <summary>Windows [2, 3] of x [5, 4, 3] at (row, column): those that do not lie inside are left out.</summary>
    [Theory]
    [InlineData("Add")]
    [InlineData("Maximum")]
    [InlineData("Second")]
    public void Windows_are_scattered(string function)
    {
        Tensor x = Noise(8, 5, 4, 3), updates = Noise(9, 3, 2, 3), at = I([3, 2], 0, 1, 3, 3, 4, -1);
        Tensor expected = x.Clone();
        for (long k = 0; k < updates.Count; k++)
        {
            long[] p = Place(k, [3, 2, 3]);
            long row = at.GetInt64(p[0] * 2), column = at.GetInt64(p[0] * 2 + 1);
            if (row is < 0 or > 4 || column is < 0 or > 2) continue; // windows of 1 x 2 x 3
            long index = Index([row, column + p[1], p[2]], x.Shape);
            double old = expected.GetDouble(index), by = updates.GetDouble(k);
            expected.SetDouble(index, function switch { "Add" => old + by, "Maximum" => Math.Max(old, by), _ => by });
        }
        Same(expected, Run("XlaScatter", [x, at, updates], 1, true, ("dimension_numbers", Numbers(Numbers((1, [1, 2]), (2, [0]), (3, [0, 1])), (4, 1))), ("update_computation", Func(function == "Second" ? "Second" : function + "2")))[0]);
    }

    [Fact]
    public void Slices_begin_where_the_model_says_but_lie_inside()
    {
        Tensor x = F([3, 4], i => i);
        Same(Tensor.FromArray<float>([5, 6, 9, 10], new Shape(2, 2)), Run("XlaDynamicSlice", [x, I(7, 1), I(2, 2)], 1, true)[0]);
        Same(Tensor.FromArray<float>([0, 1, 2, 3, 4, 5, -1, -2, 8, 9, -3, -4], new Shape(3, 4)), Run("XlaDynamicUpdateSlice", [x, F([2, 2], i => -1 - i), I(1, 3)]));
    }

    [Theory]
    [InlineData("Less2", new[] { -1f, 0, 2, 5 }, new[] { 3, 1, 0, 2 })]
    [InlineData("Greater2", new[] { 5f, 2, 0, -1 }, new[] { 2, 0, 1, 3 })]
    public void Sorting_follows_the_comparator(string comparator, float[] expected, int[] places)
    {
        Tensor[] y = Run("XlaVariadicSort", [Tensor.FromArray<float>([2, 0, 5, -1], new Shape(4)), I(0, 1, 2, 3), Tensor.FromScalar(0)], 2, true, ("comparator", Func(comparator)));
        Assert.Equal(expected, y[0].ToArray<float>());
        Assert.Equal(places, y[1].ToArray<int>());
    }

    [Fact]
    public void A_program_in_StableHLO_is_refused_with_what_to_do()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("XlaCallModule", [F([2], i => i)]));
        Assert.Contains("native_serialization=False", e.Message, StringComparison.Ordinal);
    }
}
