using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of com.microsoft that exported and optimised models contain, against ONNX Runtime.</summary>
public class MicrosoftOperatorTests
{
    private int _seed = 1;

    [Theory]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int8)]
    public void QLinearConcat(DType type) => OrtComparison.Check(
        Microsoft("QLinearConcat", "ys yz a as az b bs bz", "y", Attr("axis", 1L)).In("a", type, 2, 3, 4).In("b", type, 2, 5, 4)
            .Const(Floats("ys", [], 0.05f)).Const(Zero("yz", type)).Const(Floats("as", [], 0.03f)).Const(Zero("az", type))
            .Const(Floats("bs", [], 0.07f)).Const(Zero("bz", type)).Out("y"),
        1, Random(type, 2, 3, 4), Random(type, 2, 5, 4));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void QLinearAveragePool(int channelsLast) => OrtComparison.Check(
        Microsoft("QLinearAveragePool", "x xs xz ys yz", "y", Attr("kernel_shape", 3, 2), Attr("strides", 2, 1), Attr("pads", 1, 0, 1, 1), Attr("channels_last", (long)channelsLast))
            .In("x", DType.UInt8, channelsLast == 1 ? [1, 7, 6, 3] : [1, 3, 7, 6])
            .Const(Floats("xs", [], 0.02f)).Const(Raw("xz", DType.UInt8, [], 120)).Const(Floats("ys", [], 0.018f)).Const(Raw("yz", DType.UInt8, [], 125)).Out("y"),
        1, channelsLast == 1 ? Random(DType.UInt8, 1, 7, 6, 3) : Random(DType.UInt8, 1, 3, 7, 6));

    [Theory]
    [InlineData(13, 1)]
    [InlineData(12, 1)]
    public void QLinearSoftmax(int opset, int axis) => OrtComparison.Check(
        Microsoft("QLinearSoftmax", "x xs xz ys yz", "y", Attr("axis", (long)axis), Attr("opset", (long)opset)).In("x", DType.UInt8, 2, 4, 3)
            .Const(Floats("xs", [], 0.05f)).Const(Raw("xz", DType.UInt8, [], 100)).Const(Floats("ys", [], 1f / 256)).Const(Raw("yz", DType.UInt8, [], 0)).Out("y"),
        1, Random(DType.UInt8, 2, 4, 3));

    [Theory]
    [InlineData(0, 0, 1f)]
    [InlineData(1, 0, 0.5f)]
    [InlineData(0, 1, -2f)]
    public void FusedMatMul(int transA, int transB, float alpha) => OrtComparison.Check(
        Microsoft("FusedMatMul", "a b", "y", Attr("transA", (long)transA), Attr("transB", (long)transB), Attr("alpha", alpha))
            .In("a", DType.Float32, transA == 1 ? [2, 4, 3] : [2, 3, 4]).In("b", DType.Float32, transB == 1 ? [2, 5, 4] : [2, 4, 5]).Out("y"),
        1e-5, transA == 1 ? Random(2, 4, 3) : Random(2, 3, 4), transB == 1 ? Random(2, 5, 4) : Random(2, 4, 5));

    [Theory]
    [InlineData("Relu")]
    [InlineData("Tanh")]
    [InlineData("Sigmoid")]
    [InlineData("LeakyRelu")]
    public void FusedGemm(string activation)
    {
        AttributeProto[] attributes = [Attr("activation", activation), Attr("transB", 1L), Attr("alpha", 0.7f), .. activation == "LeakyRelu" ? [Attr("activation_alpha", 0.2f)] : Array.Empty<AttributeProto>()];
        OrtComparison.Check(Microsoft("FusedGemm", "a b c", "y", attributes).In("a", DType.Float32, 3, 4).In("b", DType.Float32, 5, 4).In("c", DType.Float32, 5).Out("y"),
            1e-5, Random(3, 4), Random(5, 4), Random(5));
    }

    [Fact]
    public void DynamicQuantizeMatMul() => OrtComparison.Check(
        Microsoft("DynamicQuantizeMatMul", "a b bs bz bias", "y").In("a", DType.Float32, 3, 8).In("b", DType.UInt8, 8, 5)
            .Const(Floats("bs", [1], 0.03f)).Const(Raw("bz", DType.UInt8, [1], 110)).Const(Floats("bias", [5], 1, 2, 3, 4, 5)).Out("y"),
        1e-5, Random(3, 8), Random(DType.UInt8, 8, 5));

    [Fact]
    public void MatMulIntegerToFloat() => OrtComparison.Check(
        Microsoft("MatMulIntegerToFloat", "a b as bs az bz bias", "y").In("a", DType.UInt8, 3, 8).In("b", DType.UInt8, 8, 5)
            .Const(Floats("as", [], 0.02f)).Const(Floats("bs", [], 0.03f)).Const(Raw("az", DType.UInt8, [], 128)).Const(Raw("bz", DType.UInt8, [], 110))
            .Const(Floats("bias", [5], 1, 2, 3, 4, 5)).Out("y"),
        1e-5, Random(DType.UInt8, 3, 8), Random(DType.UInt8, 8, 5));

    [Theory]
    [InlineData(4, 64, 32, true)]
    [InlineData(4, 40, 16, false)]
    [InlineData(4, 48, 16, true)]
    [InlineData(8, 64, 32, true)]
    public void MatMulNBits(int bits, int k, int block, bool zeroPoints)
    {
        const int N = 6;
        int blocks = (k + block - 1) / block;
        ModelProto model = Microsoft("MatMulNBits", zeroPoints ? "a b s z" : "a b s", "y", Attr("K", (long)k), Attr("N", N), Attr("bits", (long)bits), Attr("block_size", (long)block))
            .In("a", DType.Float32, 3, k).Out("y")
            .Const(Raw("b", DType.UInt8, [N, blocks, block * bits / 8], Random(DType.UInt8, N * blocks * block * bits / 8).Bytes.ToArray()))
            .Const(Floats("s", [N * blocks], Random(N * blocks).Span<float>().ToArray()));
        int row = (blocks * bits + 7) / 8;
        if (zeroPoints) model.Const(Raw("z", DType.UInt8, [N * row], Random(DType.UInt8, N * row).Bytes.ToArray()));
        OrtComparison.Check(model, 1e-4, Random(3, k));
    }

    [Fact]
    public void EmbedLayerNormalization() => OrtComparison.Check(
        Microsoft("EmbedLayerNormalization", "ids seg words places segs gamma beta mask", "y count", Attr("epsilon", 1e-5f))
            .In("ids", DType.Int32, 2, 4).In("seg", DType.Int32, 2, 4).In("words", DType.Float32, 9, 8).In("places", DType.Float32, 5, 8).In("segs", DType.Float32, 2, 8)
            .In("gamma", DType.Float32, 8).In("beta", DType.Float32, 8).In("mask", DType.Int32, 2, 4).Out("y", "count"),
        1e-5, Tensor.FromArray<int>([3, 1, 8, 0, 2, 2, 5, 7], new Shape(2, 4)), Tensor.FromArray<int>([0, 0, 1, 1, 0, 1, 1, 1], new Shape(2, 4)),
        Random(9, 8), Random(5, 8), Random(2, 8), Random(8), Random(8), Tensor.FromArray<int>([1, 1, 1, 0, 1, 1, 0, 0], new Shape(2, 4)));

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    public void RotaryEmbedding(int interleaved, bool first)
    {
        Tensor places = first ? Tensor.FromArray<long>([2], new Shape(1)) : Tensor.FromArray<long>([0, 1, 2, 4, 5, 6], new Shape(2, 3));
        OrtComparison.Check(
            Microsoft("RotaryEmbedding", "x p cos sin", "y", Attr("interleaved", (long)interleaved))
                .In("x", DType.Float32, 2, 3, 16).In("p", DType.Int64, places.Shape.AsSpan().ToArray()).In("cos", DType.Float32, 8, 4).In("sin", DType.Float32, 8, 4).Out("y"),
            1e-5, Random(2, 3, 16), places, Random(8, 4), Random(8, 4));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(0, 2)]
    public void Attention(int unidirectional, int maskRank)
    {
        ModelProto model = Microsoft("Attention", maskRank > 0 ? "x w b m" : "x w b", "y", Attr("num_heads", 2L), Attr("unidirectional", (long)unidirectional))
            .In("x", DType.Float32, 2, 4, 8).In("w", DType.Float32, 8, 24).In("b", DType.Float32, 24).Out("y");
        Tensor[] inputs = [Random(2, 4, 8), Random(8, 24), Random(24)];
        if (maskRank == 1) OrtComparison.Check(model.In("m", DType.Int32, 2), 1e-4, [.. inputs, Tensor.FromArray<int>([4, 2], new Shape(2))]);
        else if (maskRank == 2) OrtComparison.Check(model.In("m", DType.Int32, 2, 4), 1e-4, [.. inputs, Tensor.FromArray<int>([1, 1, 1, 0, 0, 1, 1, 1], new Shape(2, 4))]);
        else OrtComparison.Check(model, 1e-4, inputs);
    }

    [Fact]
    public void QAttention() => OrtComparison.Check(
        Microsoft("QAttention", "x w b xs ws - xz wz", "y", Attr("num_heads", 2L)).In("x", DType.UInt8, 2, 4, 8).In("w", DType.UInt8, 8, 24)
            .Const(Floats("b", [24], Random(24).Span<float>().ToArray())).Const(Floats("xs", [], 0.01f)).Const(Floats("ws", [], 0.02f))
            .Const(Raw("xz", DType.UInt8, [], 128)).Const(Raw("wz", DType.UInt8, [], 120)).Out("y"),
        1e-4, Random(DType.UInt8, 2, 4, 8), Random(DType.UInt8, 8, 24));

    [Fact]
    public void Activations_and_normalizations()
    {
        OrtComparison.Check(Microsoft("Gelu", "x", "y").In("x", DType.Float32, 3, 8).Out("y"), 1e-5, Random(3, 8));
        OrtComparison.Check(Microsoft("QuickGelu", "x", "y", Attr("alpha", 1.7f)).In("x", DType.Float32, 3, 8).Out("y"), 1e-5, Random(3, 8));
        OrtComparison.Check(Microsoft("BiasGelu", "x b", "y").In("x", DType.Float32, 3, 8).In("b", DType.Float32, 8).Out("y"), 1e-5, Random(3, 8), Random(8));
        OrtComparison.Check(Microsoft("FastGelu", "x b", "y").In("x", DType.Float32, 3, 8).In("b", DType.Float32, 8).Out("y"), 1e-4, Random(3, 8), Random(8));
        OrtComparison.Check(Microsoft("SkipLayerNormalization", "x s g b c", "y").In("x", DType.Float32, 2, 3, 8).In("s", DType.Float32, 2, 3, 8)
            .In("g", DType.Float32, 8).In("b", DType.Float32, 8).In("c", DType.Float32, 8).Out("y"), 1e-4, Random(2, 3, 8), Random(2, 3, 8), Random(8), Random(8), Random(8));
        OrtComparison.Check(Microsoft("FusedConv", "x w b z", "y", Attr("activation", "Relu"), Attr("pads", 1, 1, 1, 1)).In("x", DType.Float32, 1, 3, 5, 5).In("w", DType.Float32, 4, 3, 3, 3)
            .In("b", DType.Float32, 4).In("z", DType.Float32, 1, 4, 5, 5).Out("y"), 1e-4, Random(1, 3, 5, 5), Random(4, 3, 3, 3), Random(4), Random(1, 4, 5, 5));
    }

    [Theory]
    [InlineData("QLinearAdd")]
    [InlineData("QLinearMul")]
    public void Quantized_arithmetic(string op) => OrtComparison.Check(
        Microsoft(op, "a as az b bs bz ys yz", "y").In("a", DType.UInt8, 2, 9).In("b", DType.UInt8, 9)
            .Const(Floats("as", [], 0.03f)).Const(Raw("az", DType.UInt8, [], 120)).Const(Floats("bs", [], 0.02f)).Const(Raw("bz", DType.UInt8, [], 130))
            .Const(Floats("ys", [], 0.05f)).Const(Raw("yz", DType.UInt8, [], 128)).Out("y"),
        1, Random(DType.UInt8, 2, 9), Random(DType.UInt8, 9));

    [Fact]
    public void NhwcConv_is_Conv_between_transposes()
    {
        // ONNX Runtime has no kernel for it on CPU: compared with its Conv.
        Tensor x = Random(1, 5, 6, 3), w = Random(4, 3, 3, 3);
        Tensor Run(ModelProto model) => new GraphInterpreter(EdgeLite.Converter.Importers.Onnx.OnnxImporter.Import(model, null)).Run(x, w)[0];
        Tensor plain = Run(Model(21, Node("Transpose", "x", "t", Attr("perm", 0, 3, 1, 2)), Node("Conv", "t w", "c", Attr("pads", 1, 1, 1, 1)), Node("Transpose", "c", "y", Attr("perm", 0, 2, 3, 1)))
            .In("x", DType.Float32, 1, 5, 6, 3).In("w", DType.Float32, 4, 3, 3, 3).Out("y"));
        Tensor nhwc = Run(Microsoft("NhwcConv", "x w", "y", Attr("pads", 1, 1, 1, 1)).In("x", DType.Float32, 1, 5, 6, 3).In("w", DType.Float32, 4, 3, 3, 3).Out("y"));
        Assert.Equal(new Shape(1, 5, 6, 4), nhwc.Shape);
        TensorAssert.Close(plain, nhwc, 0, 0, "y");
    }

    private static ModelProto Microsoft(string op, string inputs, string outputs, params AttributeProto[] attributes)
    {
        NodeProto node = Node(op, inputs, outputs, attributes);
        node.Domain = "com.microsoft";
        ModelProto model = Model(21, node);
        model.IrVersion = 10;
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        return model;
    }

    private static TensorProto Zero(string name, DType type) => Raw(name, type, [], (byte)(type == DType.UInt8 ? 120 : 3));

    private Tensor Random(params long[] shape) => Random(DType.Float32, shape);

    private Tensor Random(DType type, params long[] shape)
    {
        var random = new Random(_seed++);
        var tensor = new Tensor(type, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++)
            if (type == DType.Float32) tensor.SetDouble(i, 2 * random.NextDouble() - 1);
            else tensor.SetInt64(i, random.Next(256));
        return tensor;
    }
}
