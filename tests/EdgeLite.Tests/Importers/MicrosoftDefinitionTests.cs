using EdgeLite.Converter.Importers.Onnx.Proto;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of com.microsoft that ONNX Runtime has no kernel of on the processor, against what it gives for the ONNX operators of their
/// definition (docs/ContribOperators.md of github.com/microsoft/onnxruntime).</summary>
public class MicrosoftDefinitionTests() : SeededTests(900)
{
    private sealed record Case(NodeProto Operator, NodeProto[] Definition, string Inputs);

    private static Case Of(string op, string inputs, AttributeProto[] attributes, NodeProto[] definition, string shapes)
    {
        NodeProto node = Node(op, inputs, "y", attributes);
        node.Domain = "com.microsoft";
        return new Case(node, definition, shapes);
    }

    private static AttributeProto Nhwc => Attr("perm", 0, 2, 3, 1);
    private static AttributeProto Nchw => Attr("perm", 0, 3, 1, 2);

    private static NodeProto[] Convolved(params NodeProto[] behind) => [Node("Transpose", "x", "first", Nchw), Node("Conv", "first w b", "c", Attr("pads", 1, 1, 1, 1)), .. behind, Node("Transpose", "a", "y", Nhwc)];

    private static readonly Dictionary<string, Case> s_cases = new()
    {
        ["BiasAdd"] = Of("BiasAdd", "x b skip", [], [Node("Add", "x b", "s"), Node("Add", "s skip", "y")], "x 2 3 8, b 8, skip 2 3 8"),
        ["BiasDropout"] = Of("BiasDropout", "x b skip", [], [Node("Add", "x b", "s"), Node("Add", "s skip", "y")], "x 2 3 8, b 8, skip 2 3 8"),
        ["BiasDropout without a residual"] = Of("BiasDropout", "x b", [], [Node("Add", "x b", "y")], "x 2 3 8, b 8"),
        ["BiasSoftmax"] = Of("BiasSoftmax", "x b", [Attr("axis", 3L), Attr("is_inner_broadcast", 1L)], [Node("Add", "x b", "s"), Node("Softmax", "s", "y", Attr("axis", 3L))], "x 2 3 4 5, b 2 1 1 5"),
        ["BiasSoftmax, bias of the inner dimensions"] = Of("BiasSoftmax", "x b", [Attr("axis", 3L), Attr("is_inner_broadcast", 0L)], [Node("Add", "x b", "s"), Node("Softmax", "s", "y", Attr("axis", 3L))], "x 2 3 4 5, b 4 5"),
        ["BiasSoftmax, bias of the outer dimensions"] = Of("BiasSoftmax", "x b", [Attr("axis", 3L), Attr("is_inner_broadcast", 1L)],
            [Node("Reshape", "b outer", "r"), Node("Add", "x r", "s"), Node("Softmax", "s", "y", Attr("axis", 3L))], "x 2 3 4 5, b 2 5, outer =2 1 1 5"),
        ["BiasSoftmax over two dimensions"] = Of("BiasSoftmax", "x b", [Attr("axis", 2L), Attr("is_inner_broadcast", 0L)],
            [Node("Add", "x b", "s"), Node("Reshape", "s flat", "f"), Node("Softmax", "f", "p", Attr("axis", 2L)), Node("Reshape", "p back", "y")], "x 2 3 4 5, b 3 4 5, flat =2 3 20, back =2 3 4 5"),
        ["BiasSplitGelu"] = Of("BiasSplitGelu", "x b", [], [Node("Add", "x b", "sum"), Node("Split", "sum", "l r", Attr("axis", -1L), Attr("num_outputs", 2L)), Node("Gelu", "r", "g"), Node("Mul", "l g", "y")], "x 2 3 8, b 8"),
        ["GroupNorm"] = Of("GroupNorm", "x g b", [Attr("groups", 4L), Attr("activation", 1L), Attr("epsilon", 1e-5f)], Grouped("x"), "x 1 3 4 8, g 8, b 8"),
        ["SkipGroupNorm"] = Of("SkipGroupNorm", "x g b skip bias", [Attr("groups", 4L), Attr("activation", 1L), Attr("epsilon", 1e-5f)], [Node("Add", "x skip", "xs"), Node("Add", "xs bias", "sum"), .. Grouped("sum")], "x 1 3 4 8, g 8, b 8, skip 1 3 4 8, bias 8"),
        ["NhwcConv"] = Of("NhwcConv", "x w b", [Attr("pads", 1, 1, 1, 1)], Convolved(Node("Identity", "c", "a")), "x 1 5 6 3, w 4 3 3 3, b 4"),
        ["NhwcFusedConv"] = Of("NhwcFusedConv", "x w b", [Attr("pads", 1, 1, 1, 1), Attr("activation", "Relu")], Convolved(Node("Relu", "c", "a")), "x 1 5 6 3, w 4 3 3 3, b 4"),
        ["NhwcFusedConv with a sum"] = Of("NhwcFusedConv", "x w b z", [Attr("pads", 1, 1, 1, 1), Attr("activation", "Sigmoid")],
            Convolved(Node("Transpose", "z", "zt", Nchw), Node("Add", "c zt", "d"), Node("Sigmoid", "d", "a")), "x 1 5 6 3, w 4 3 3 3, b 4, z 1 5 6 4"),
        ["GatedRelativePositionBias"] = Of("GatedRelativePositionBias", "x b rel w wb eco", [Attr("num_heads", 2L)],
            [
                Node("Add", "x b", "q"), Node("Reshape", "q split", "q4"), Node("Transpose", "q4", "qh", Attr("perm", 0, 2, 1, 3)), Node("MatMul", "qh w", "p"), Node("Add", "p wb", "pb"),
                Node("Reshape", "pb halves", "h"), Node("ReduceSum", "h last", "s", Attr("keepdims", 0L)), Node("Sigmoid", "s", "g"), Node("Split", "g", "u r", Attr("axis", 3L), Attr("num_outputs", 2L)),
                Node("Mul", "r eco", "re"), Node("Sub", "re one", "rm"), Node("Mul", "u rm", "ur"), Node("Add", "ur two", "gate"), Node("Mul", "gate rel", "y"),
            ],
            "x 2 5 8, b 8, rel 1 2 5 5, w 4 8, wb 8, eco 1 2 1 1, split =2 5 2 4, halves =2 2 5 2 4, last =-1, one ~1, two ~2"),
    };

    private static NodeProto[] Grouped(string x) =>
    [
        Node("Transpose", x, "first", Nchw), Node("GroupNormalization", "first g b", "n", Attr("num_groups", 4L), Attr("epsilon", 1e-5f)), Node("Sigmoid", "n", "s"), Node("Mul", "n s", "m"), Node("Transpose", "m", "y", Nhwc),
    ];

    public static TheoryData<string> Cases => [.. s_cases.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Is_what_its_definition_says(string name)
    {
        Case c = s_cases[name];
        ModelProto plain = Model(21, c.Definition), fused = Contrib("", "", "y");
        plain.IrVersion = 10;
        fused.Graph.Node.Clear();
        fused.Graph.Node.Add(c.Operator);
        var inputs = new List<Tensor>();
        foreach (string input in c.Inputs.Split(", "))
        {
            string[] words = input.Split(' ');
            // "= integers" and "~ numbers" are constants of the definition.
            if (words[1][0] == '=') plain.Const(Raw(words[0], DType.Int64, [words.Length - 1], [.. words[1..].SelectMany(w => BitConverter.GetBytes(long.Parse(w.TrimStart('='))))]));
            else if (words[1][0] == '~') plain.Const(Floats(words[0], [1], float.Parse(words[1][1..])));
            else
            {
                long[] shape = [.. words[1..].Select(long.Parse)];
                inputs.Add(Random(shape));
                plain.In(words[0], DType.Float32, shape);
                fused.In(words[0], DType.Float32, shape);
            }
        }
        Tensor expected = RunOrt(plain.Out("y"), [.. inputs])[0];
        TensorAssert.Close(expected, Run(fused.Out("y"), [.. inputs])[0], 1e-4, 1e-5, name);
    }

    [Theory]
    [InlineData(DType.UInt8, 1L)]
    [InlineData(DType.Int8, 0L)]
    public void QLinearReduceMean(DType type, long keeps)
    {
        ModelProto fused = Contrib("QLinearReduceMean", "x xs xz ys yz", "y", Attr("axes", 1, 2), Attr("keepdims", keeps));
        ModelProto plain = Model(21, Node("DequantizeLinear", "x xs xz", "real"), Node("ReduceMean", "real axes", "mean", Attr("keepdims", keeps)), Node("QuantizeLinear", "mean ys yz", "y")).Const(Raw("axes", DType.Int64, [2], [1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0]));
        foreach (ModelProto model in new[] { fused, plain })
            model.In("x", type, 2, 3, 4, 5).Const(Floats("xs", [], 0.05f)).Const(Raw("xz", type, [], 7)).Const(Floats("ys", [], 0.012f)).Const(Raw("yz", type, [], 20)).Out("y");
        Tensor x = Random(type, 2, 3, 4, 5), expected = RunOrt(plain, x)[0], got = Run(fused, x)[0];
        Assert.Equal(expected.Shape, got.Shape);
        for (long i = 0; i < expected.Count; i++) Assert.Equal(expected.GetInt64(i), got.GetInt64(i));
    }

    /// <summary>By T5's own text: bucket of every distance, in PyTorch's float32.</summary>
    [Theory]
    [InlineData(true, 32, 128)]
    [InlineData(false, 32, 128)]
    [InlineData(true, 8, 20)]
    public void RelativePositionBias(bool bidirectional, int count, int farthest)
    {
        const int Heads = 3, Queries = 150, Keys = 170;
        Tensor table = Random(count, Heads);
        ModelProto model = Contrib("RelativePositionBias", "t q k", "y", Attr("max_distance", (long)farthest), Attr("is_bidirectional", bidirectional ? 1L : 0)).In("t", DType.Float32, count, Heads).In("q", DType.Int64, 1).In("k", DType.Int64, 1).Out("y");
        Tensor y = Run(model, table, Tensor.FromArray<long>([Queries], new Shape(1)), Tensor.FromArray<long>([Keys], new Shape(1)))[0];
        Assert.Equal(new Shape(1, Heads, Queries, Keys), y.Shape);
        for (int q = 0; q < Queries; q++)
            for (int k = 0; k < Keys; k++)
            {
                int buckets = bidirectional ? count / 2 : count, n = q - k, first = 0;
                if (bidirectional)
                {
                    first = n < 0 ? buckets : 0;
                    n = Math.Abs(n);
                }
                else n = Math.Max(n, 0);
                int exact = buckets / 2, bucket = n;
                if (n >= exact) bucket = Math.Min(buckets - 1, exact + (int)(MathF.Log(n / (float)exact) / MathF.Log(farthest / (float)exact) * (buckets - exact)));
                for (int h = 0; h < Heads; h++) Assert.Equal(table.GetDouble((first + bucket) * Heads + h), y.GetDouble((h * Queries + q) * Keys + k));
            }
    }

    private static Tensor[] RunOrt(ModelProto model, params Tensor[] inputs)
    {
        using var ort = new InferenceSession(model.ToByteArray());
        using var results = ort.Run([.. inputs.Select((t, i) => OrtComparison.Named(model.Graph.Input[i].Name, t))]);
        return [.. results.Select(OrtComparison.Read)];
    }
}
