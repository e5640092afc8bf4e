using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of com.microsoft that exported and optimised models contain, against ONNX Runtime.</summary>
public class MicrosoftOperatorTests() : SeededTests(1)
{
    [Theory]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int8)]
    public void QLinearConcat(DType type) => OrtComparison.Check(
        Contrib("QLinearConcat", "ys yz a as az b bs bz", "y", Attr("axis", 1L)).In("a", type, 2, 3, 4).In("b", type, 2, 5, 4)
            .Const(Floats("ys", [], 0.05f)).Const(Zero("yz", type)).Const(Floats("as", [], 0.03f)).Const(Zero("az", type))
            .Const(Floats("bs", [], 0.07f)).Const(Zero("bz", type)).Out("y"),
        1, Random(type, 2, 3, 4), Random(type, 2, 5, 4));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void QLinearAveragePool(int channelsLast) => OrtComparison.Check(
        Contrib("QLinearAveragePool", "x xs xz ys yz", "y", Attr("kernel_shape", 3, 2), Attr("strides", 2, 1), Attr("pads", 1, 0, 1, 1), Attr("channels_last", (long)channelsLast))
            .In("x", DType.UInt8, channelsLast == 1 ? [1, 7, 6, 3] : [1, 3, 7, 6])
            .Const(Floats("xs", [], 0.02f)).Const(Raw("xz", DType.UInt8, [], 120)).Const(Floats("ys", [], 0.018f)).Const(Raw("yz", DType.UInt8, [], 125)).Out("y"),
        1, channelsLast == 1 ? Random(DType.UInt8, 1, 7, 6, 3) : Random(DType.UInt8, 1, 3, 7, 6));

    [Theory]
    [InlineData(13, 1)]
    [InlineData(12, 1)]
    public void QLinearSoftmax(int opset, int axis) => OrtComparison.Check(
        Contrib("QLinearSoftmax", "x xs xz ys yz", "y", Attr("axis", (long)axis), Attr("opset", (long)opset)).In("x", DType.UInt8, 2, 4, 3)
            .Const(Floats("xs", [], 0.05f)).Const(Raw("xz", DType.UInt8, [], 100)).Const(Floats("ys", [], 1f / 256)).Const(Raw("yz", DType.UInt8, [], 0)).Out("y"),
        1, Random(DType.UInt8, 2, 4, 3));

    [Theory]
    [InlineData(0, 0, 1f)]
    [InlineData(1, 0, 0.5f)]
    [InlineData(0, 1, -2f)]
    public void FusedMatMul(int transA, int transB, float alpha) => OrtComparison.Check(
        Contrib("FusedMatMul", "a b", "y", Attr("transA", (long)transA), Attr("transB", (long)transB), Attr("alpha", alpha))
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
        OrtComparison.Check(Contrib("FusedGemm", "a b c", "y", attributes).In("a", DType.Float32, 3, 4).In("b", DType.Float32, 5, 4).In("c", DType.Float32, 5).Out("y"),
            1e-5, Random(3, 4), Random(5, 4), Random(5));
    }

    [Fact]
    public void DynamicQuantizeMatMul() => OrtComparison.Check(
        Contrib("DynamicQuantizeMatMul", "a b bs bz bias", "y").In("a", DType.Float32, 3, 8).In("b", DType.UInt8, 8, 5)
            .Const(Floats("bs", [1], 0.03f)).Const(Raw("bz", DType.UInt8, [1], 110)).Const(Floats("bias", [5], 1, 2, 3, 4, 5)).Out("y"),
        1e-5, Random(3, 8), Random(DType.UInt8, 8, 5));

    [Fact]
    public void MatMulIntegerToFloat() => OrtComparison.Check(
        Contrib("MatMulIntegerToFloat", "a b as bs az bz bias", "y").In("a", DType.UInt8, 3, 8).In("b", DType.UInt8, 8, 5)
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
        ModelProto model = Contrib("MatMulNBits", zeroPoints ? "a b s z" : "a b s", "y", Attr("K", (long)k), Attr("N", N), Attr("bits", (long)bits), Attr("block_size", (long)block))
            .In("a", DType.Float32, 3, k).Out("y")
            .Const(Raw("b", DType.UInt8, [N, blocks, block * bits / 8], Random(DType.UInt8, N * blocks * block * bits / 8).Bytes.ToArray()))
            .Const(Floats("s", [N * blocks], Random(N * blocks).ToArray<float>()));
        int row = (blocks * bits + 7) / 8;
        if (zeroPoints) model.Const(Raw("z", DType.UInt8, [N * row], Random(DType.UInt8, N * row).Bytes.ToArray()));
        OrtComparison.Check(model, 1e-4, Random(3, k));
    }

    [Fact]
    public void EmbedLayerNormalization() => OrtComparison.Check(
        Contrib("EmbedLayerNormalization", "ids seg words places segs gamma beta mask", "y count", Attr("epsilon", 1e-5f))
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
            Contrib("RotaryEmbedding", "x p cos sin", "y", Attr("interleaved", (long)interleaved))
                .In("x", DType.Float32, 2, 3, 16).In("p", DType.Int64, places.Shape.AsSpan().ToArray()).In("cos", DType.Float32, 8, 4).In("sin", DType.Float32, 8, 4).Out("y"),
            1e-5, Random(2, 3, 16), places, Random(8, 4), Random(8, 4));
    }

    [Fact]
    public void Activations_and_normalizations()
    {
        OrtComparison.Check(Contrib("Gelu", "x", "y").In("x", DType.Float32, 3, 8).Out("y"), 1e-5, Random(3, 8));
        OrtComparison.Check(Contrib("QuickGelu", "x", "y", Attr("alpha", 1.7f)).In("x", DType.Float32, 3, 8).Out("y"), 1e-5, Random(3, 8));
        OrtComparison.Check(Contrib("BiasGelu", "x b", "y").In("x", DType.Float32, 3, 8).In("b", DType.Float32, 8).Out("y"), 1e-5, Random(3, 8), Random(8));
        OrtComparison.Check(Contrib("FastGelu", "x b", "y").In("x", DType.Float32, 3, 8).In("b", DType.Float32, 8).Out("y"), 1e-4, Random(3, 8), Random(8));
        OrtComparison.Check(Contrib("SkipLayerNormalization", "x s g b c", "y").In("x", DType.Float32, 2, 3, 8).In("s", DType.Float32, 2, 3, 8)
            .In("g", DType.Float32, 8).In("b", DType.Float32, 8).In("c", DType.Float32, 8).Out("y"), 1e-4, Random(2, 3, 8), Random(2, 3, 8), Random(8), Random(8), Random(8));
        OrtComparison.Check(Contrib("FusedConv", "x w b z", "y", Attr("activation", "Relu"), Attr("pads", 1, 1, 1, 1)).In("x", DType.Float32, 1, 3, 5, 5).In("w", DType.Float32, 4, 3, 3, 3)
            .In("b", DType.Float32, 4).In("z", DType.Float32, 1, 4, 5, 5).Out("y"), 1e-4, Random(1, 3, 5, 5), Random(4, 3, 3, 3), Random(4), Random(1, 4, 5, 5));
    }

    [Theory]
    [InlineData("QLinearAdd")]
    [InlineData("QLinearMul")]
    public void Quantized_arithmetic(string op) => OrtComparison.Check(
        Contrib(op, "a as az b bs bz ys yz", "y").In("a", DType.UInt8, 2, 9).In("b", DType.UInt8, 9)
            .Const(Floats("as", [], 0.03f)).Const(Raw("az", DType.UInt8, [], 120)).Const(Floats("bs", [], 0.02f)).Const(Raw("bz", DType.UInt8, [], 130))
            .Const(Floats("ys", [], 0.05f)).Const(Raw("yz", DType.UInt8, [], 128)).Out("y"),
        1, Random(DType.UInt8, 2, 9), Random(DType.UInt8, 9));

    [Theory]
    [InlineData("Tanh")]
    [InlineData("Sigmoid")]
    [InlineData("LeakyRelu", 0.2f)]
    [InlineData("Clip", -0.5f, 0.75f)]
    [InlineData("HardSigmoid", 0.3f, 0.4f)]
    public void FusedConv(string activation, params float[] parameters)
    {
        AttributeProto[] attributes = [Attr("activation", activation), Attr("pads", 1, 1, 1, 1), .. parameters.Length > 0 ? [Attr("activation_params", parameters)] : Array.Empty<AttributeProto>()];
        OrtComparison.Check(Contrib("FusedConv", "x w b", "y", attributes).In("x", DType.Float32, 1, 3, 5, 5).In("w", DType.Float32, 4, 3, 3, 3).In("b", DType.Float32, 4).Out("y"),
            1e-4, Random(1, 3, 5, 5), Random(4, 3, 3, 3), Random(4));
    }

    [Theory]
    [InlineData("linear", 2, 2, false, true)]
    [InlineData("gated", 2, 2, false, false)]
    [InlineData("gated", 4, 2, true, true)]
    [InlineData("delta", 2, 2, false, true)]
    [InlineData("gated_delta", 4, 2, false, true)]
    [InlineData("gated_delta", 2, 2, true, false)]
    public void LinearAttention(string rule, int heads, int stateHeads, bool decaysByKey, bool past)
    {
        const int B = 2, T = 3, Dk = 4, Dv = 5;
        bool gated = rule.StartsWith("gated", StringComparison.Ordinal), delta = rule.EndsWith("delta", StringComparison.Ordinal);
        string inputs = $"q k v {(past ? "s" : "-")} {(gated ? "g" : "-")} {(delta ? "b" : "-")}";
        ModelProto model = Contrib("LinearAttention", inputs, "y state", Attr("update_rule", rule), Attr("q_num_heads", (long)heads), Attr("kv_num_heads", (long)stateHeads), Attr("scale", 0.4f))
            .In("q", DType.Float32, B, T, heads * Dk).In("k", DType.Float32, B, T, stateHeads * Dk).In("v", DType.Float32, B, T, stateHeads * Dv).Out("y", "state");
        List<Tensor> given = [Random(B, T, heads * Dk), Random(B, T, stateHeads * Dk), Random(B, T, stateHeads * Dv)];
        void Add(string name, Tensor value)
        {
            model.In(name, DType.Float32, value.Shape.AsSpan().ToArray());
            given.Add(value);
        }
        if (past) Add("s", Random(B, stateHeads, Dk, Dv));
        if (gated) Add("g", Random(B, T, decaysByKey ? stateHeads * Dk : stateHeads));
        if (delta) Add("b", Random(B, T, stateHeads));
        OrtComparison.Check(model, 1e-4, [.. given]);
    }

    [Theory]
    [InlineData("QLinearSigmoid", DType.UInt8)]
    [InlineData("QLinearSigmoid", DType.Int8)]
    [InlineData("QLinearLeakyRelu", DType.UInt8)]
    [InlineData("QLinearLeakyRelu", DType.Int8)]
    public void Quantized_activations(string op, DType type) => OrtComparison.Check(
        Contrib(op, "x xs xz ys yz", "y", op == "QLinearLeakyRelu" ? [Attr("alpha", 0.2f)] : []).In("x", type, 4, 33)
            .Const(Floats("xs", [], 0.04f)).Const(Zero("xz", type)).Const(Floats("ys", [], op == "QLinearSigmoid" ? 1f / 256 : 0.03f))
            .Const(Raw("yz", type, [], (byte)(op == "QLinearSigmoid" && type == DType.Int8 ? 128 : 0))).Out("y"),
        1, Random(type, 4, 33)); // of halves: tables of integer layers round away from zero

    [Theory]
    [InlineData(0, DType.UInt8)]
    [InlineData(1, DType.UInt8)]
    [InlineData(0, DType.Int8)]
    public void QLinearGlobalAveragePool(int channelsLast, DType type)
    {
        long[] shape = channelsLast == 1 ? [2, 5, 6, 3] : [2, 3, 5, 6];
        OrtComparison.Check(
            Contrib("QLinearGlobalAveragePool", "x xs xz ys yz", "y", Attr("channels_last", (long)channelsLast)).In("x", type, shape)
                .Const(Floats("xs", [], 0.05f)).Const(Zero("xz", type)).Const(Floats("ys", [], 0.012f)).Const(Zero("yz", type)).Out("y"),
            1, Random(type, shape));
    }

    [Fact]
    public void QLinearWhere() =>
        OrtComparison.Check(
            Contrib("QLinearWhere", "c x xs xz y ys yz zs zz", "z").Const(Raw("c", DType.Bool, [4], 1, 0, 0, 1)).In("x", DType.UInt8, 3, 4).In("y", DType.UInt8, 3, 1)
                .Const(Floats("xs", [], 0.03f)).Const(Zero("xz", DType.UInt8)).Const(Floats("ys", [], 0.02f)).Const(Zero("yz", DType.UInt8))
                .Const(Floats("zs", [], 0.035f)).Const(Zero("zz", DType.UInt8)).Out("z"),
            1, Random(DType.UInt8, 3, 4), Random(DType.UInt8, 3, 1));

    [Theory]
    [InlineData(false, false, false)]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    public void QGemm(bool quantizedOutput, bool transB, bool perColumn)
    {
        ModelProto model = Contrib("QGemm", quantizedOutput ? "a as az b bs bz c ys yz" : "a as az b bs bz c", "y", Attr("transB", transB ? 1L : 0L), Attr("alpha", 0.5f))
            .In("a", DType.UInt8, 3, 8).In("b", DType.Int8, transB ? [5, 8] : [8, 5]).In("c", DType.Int32, 5).Out("y")
            .Const(Floats("as", [], 0.02f)).Const(Zero("az", DType.UInt8));
        model = perColumn ? model.Const(Floats("bs", [5], 0.01f, 0.02f, 0.03f, 0.04f, 0.05f)).Const(Raw("bz", DType.Int8, [5], new byte[5]))
            : model.Const(Floats("bs", [], 0.03f)).Const(Zero("bz", DType.Int8));
        if (quantizedOutput) model.Const(Floats("ys", [], 0.2f)).Const(Zero("yz", DType.UInt8));
        OrtComparison.Check(model, quantizedOutput ? 1 : 1e-5, Random(DType.UInt8, 3, 8), Random(DType.Int8, transB ? [5, 8] : [8, 5]), Tensor.FromArray<int>([100, -200, 300, 0, 5], new Shape(5)));
    }

    [Theory]
    [InlineData(0, 1, 1, 0)]
    [InlineData(1, 1, 0, 0)]
    [InlineData(0, 0, 1, 1)]
    public void FusedMatMul_with_the_batch_before_the_last_dimension(int transA, int batchA, int transB, int batchB)
    {
        // Batches 2 and 3, rows 4, inner 5, columns 6; with transBatch the rows come before the batches.
        long[] Dims(bool swap, bool moved, long rows, long columns)
        {
            (long r, long c) = swap ? (columns, rows) : (rows, columns);
            return moved ? [r, 2, 3, c] : [2, 3, r, c];
        }
        long[] a = Dims(transA == 1, batchA == 1, 4, 5), b = Dims(transB == 1, batchB == 1, 5, 6);
        OrtComparison.Check(Contrib("FusedMatMul", "a b", "y", Attr("transA", (long)transA), Attr("transB", (long)transB), Attr("transBatchA", (long)batchA), Attr("transBatchB", (long)batchB))
            .In("a", DType.Float32, a).In("b", DType.Float32, b).Out("y"), 1e-5, Random(a), Random(b));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Root_mean_square_normalizations(bool biased)
    {
        ModelProto model = Contrib("SkipSimplifiedLayerNormalization", biased ? "x s g b" : "x s g", biased ? "y" : "y - - sum", Attr("epsilon", 1e-4f))
            .In("x", DType.Float32, 2, 3, 8).In("s", DType.Float32, 2, 3, 8).In("g", DType.Float32, 8).Out(biased ? ["y"] : ["y", "sum"]);
        if (biased) model.In("b", DType.Float32, 8);
        OrtComparison.Check(model, 1e-4, biased ? [Random(2, 3, 8), Random(2, 3, 8), Random(8), Random(8)] : [Random(2, 3, 8), Random(2, 3, 8), Random(8)]);
        ModelProto plain = Model(21, Node("SimplifiedLayerNormalization", "x g", "y", Attr("axis", -1L), Attr("epsilon", 1e-4f))).In("x", DType.Float32, 2, 3, 8).In("g", DType.Float32, 8).Out("y");
        OrtComparison.Check(plain, 1e-4, Random(2, 3, 8), Random(8));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void MatMulNBits_with_zero_points_as_numbers(bool grouped)
    {
        const int N = 4, K = 64, Size = 16, Blocks = K / Size;
        ModelProto model = Contrib("MatMulNBits", grouped ? "a b s z g" : "a b s z", "y", Attr("K", K), Attr("N", N), Attr("bits", 4L), Attr("block_size", Size))
            .In("a", DType.Float32, 3, K).Out("y")
            .Const(Raw("b", DType.UInt8, [N, Blocks, Size / 2], Random(DType.UInt8, N * Blocks * Size / 2).Bytes.ToArray()))
            .Const(Floats("s", [N * Blocks], Random(N * Blocks).ToArray<float>()))
            .Const(Floats("z", [N * Blocks], [.. Enumerable.Range(0, N * Blocks).Select(i => 5.5f + 0.25f * i)]));
        if (grouped) model.Const(Raw("g", DType.Int32, [K], [.. Enumerable.Range(0, K).SelectMany(i => BitConverter.GetBytes((i * 7) % Blocks))]));
        OrtComparison.Check(model, 1e-4, Random(3, K));
    }

    [Theory]
    [InlineData(DType.UInt16)]
    [InlineData(DType.Int16)]
    public void Quantization_of_16_bits(DType type)
    {
        NodeProto q = Node("QuantizeLinear", "x s z", "q"), d = Node("DequantizeLinear", "q s z", "y");
        q.Domain = d.Domain = "com.microsoft";
        ModelProto model = Contrib("Trilu", "y", "t").In("x", DType.Float32, 5, 6).Const(Floats("s", [], 1f / 40000)).Const(Raw("z", type, [], 3, 1)).Out("t");
        model.Graph.Node.Insert(0, d);
        model.Graph.Node.Insert(0, q);
        OrtComparison.Check(model, 1e-6, Random(5, 6));
    }

    [Theory]
    [InlineData("forward", false)]
    [InlineData("bidirectional", true)]
    public void DynamicQuantizeLSTM(string direction, bool perColumn)
    {
        // ONNX Runtime quantizes the inputs of the products to 8 bits as well.
        const int Inputs = 6, Hidden = 5;
        int dirs = direction == "forward" ? 1 : 2, scales = perColumn ? dirs * 4 * Hidden : dirs;
        long[] shape = perColumn ? [dirs, 4 * Hidden] : [dirs];
        float[] Scales() => [.. Enumerable.Range(0, scales).Select(i => 0.003f + 0.0001f * i)];
        ModelProto model = Contrib("DynamicQuantizeLSTM", "x w r b - - - - ws wz rs rz", "y h c", Attr("direction", direction), Attr("hidden_size", Hidden))
            .In("x", DType.Float32, 4, 2, Inputs).In("b", DType.Float32, dirs, 8 * Hidden).Out("y", "h", "c")
            .Const(Raw("w", DType.Int8, [dirs, Inputs, 4 * Hidden], Random(DType.Int8, dirs * Inputs * 4 * Hidden).Bytes.ToArray()))
            .Const(Raw("r", DType.Int8, [dirs, Hidden, 4 * Hidden], Random(DType.Int8, dirs * Hidden * 4 * Hidden).Bytes.ToArray()))
            .Const(Floats("ws", shape, Scales())).Const(Raw("wz", DType.Int8, shape, new byte[scales]))
            .Const(Floats("rs", shape, Scales())).Const(Raw("rz", DType.Int8, shape, new byte[scales]));
        OrtComparison.Check(model, 0.02, Random(4, 2, Inputs), Random(dirs, 8 * Hidden));
    }

    [Theory]
    [InlineData(DType.UInt4, true)]
    [InlineData(DType.Int4, false)]
    [InlineData(DType.UInt8, false)]
    [InlineData(DType.UInt8, true)]
    public void GatherBlockQuantized(DType type, bool zeroPoints)
    {
        // Bytes hold two numbers each; so do those of the 4-bit types.
        const int Rows = 7, Width = 64, Size = 16, Blocks = Width / Size;
        bool packed = type == DType.UInt8;
        ModelProto model = Contrib("GatherBlockQuantized", zeroPoints ? "d i s z" : "d i s", "y", Attr("block_size", Size), Attr("quantize_axis", 1L), Attr("gather_axis", 0L))
            .Const(Raw("d", type, [Rows, packed ? Width / 2 : Width], Random(DType.UInt8, Rows * Width / 2).Bytes.ToArray()))
            .In("i", DType.Int64, 2, 3).Const(Floats("s", [Rows, Blocks], Random(Rows * Blocks).ToArray<float>())).Out("y");
        if (zeroPoints) model.Const(Raw("z", type, [Rows, packed ? Blocks / 2 : Blocks], Random(DType.UInt8, Rows * Blocks / 2).Bytes.ToArray()));
        OrtComparison.Check(model, 1e-5, Tensor.FromArray<long>([0, 6, 3, 3, 1, 5], new Shape(2, 3)));
    }

    [Fact]
    public void QEmbedLayerNormalization()
    {
        ModelProto model = Contrib("QEmbedLayerNormalization", "ids seg words places segs gamma beta mask s0 s1 s2 s3 s4 z0 z1 z2 z3 z4", "y count", Attr("epsilon", 1e-5f))
            .In("ids", DType.Int32, 2, 4).In("seg", DType.Int32, 2, 4).In("mask", DType.Int32, 2, 4).Out("y", "count")
            .Const(Raw("words", DType.UInt8, [9, 8], Random(DType.UInt8, 72).Bytes.ToArray())).Const(Raw("places", DType.UInt8, [5, 8], Random(DType.UInt8, 40).Bytes.ToArray()))
            .Const(Raw("segs", DType.UInt8, [2, 8], Random(DType.UInt8, 16).Bytes.ToArray())).Const(Raw("gamma", DType.UInt8, [8], Random(DType.UInt8, 8).Bytes.ToArray()))
            .Const(Raw("beta", DType.UInt8, [8], Random(DType.UInt8, 8).Bytes.ToArray()));
        for (int i = 0; i < 5; i++) model.Const(Floats($"s{i}", [], 0.01f * (i + 1))).Const(Raw($"z{i}", DType.UInt8, [], (byte)(120 + i)));
        OrtComparison.Check(model, 1e-4, Tensor.FromArray<int>([3, 1, 8, 0, 2, 2, 5, 7], new Shape(2, 4)), Tensor.FromArray<int>([0, 0, 1, 1, 0, 1, 1, 1], new Shape(2, 4)),
            Tensor.FromArray<int>([1, 1, 1, 0, 1, 1, 0, 0], new Shape(2, 4)));
    }

    [Theory]
    [InlineData("bilinear", "zeros", 0)]
    [InlineData("bicubic", "reflection", 1)]
    [InlineData("nearest", "border", 0)]
    public void GridSample(string mode, string padding, int corners) => OrtComparison.Check(
        Contrib("GridSample", "x g", "y", Attr("mode", mode), Attr("padding_mode", padding), Attr("align_corners", (long)corners))
            .In("x", DType.Float32, 2, 3, 5, 4).In("g", DType.Float32, 2, 6, 7, 2).Out("y"),
        1e-5, Random(2, 3, 5, 4), Random(2, 6, 7, 2));

    [Theory]
    [InlineData("constant", true)]
    [InlineData("constant", false)]
    [InlineData("reflect", false)]
    [InlineData("edge", false)]
    public void Pad(string mode, bool valued) => OrtComparison.Check(
        Contrib("Pad", valued ? "x p v" : "x p", "y", Attr("mode", mode)).In("x", DType.Float32, 2, 3, 4).Const(Raw("p", DType.Int64, [1, 6], [.. new long[] { 0, 1, 2, 1, 0, 3 }.SelectMany(BitConverter.GetBytes)]))
            .Const(Floats("v", [1], 0.25f)).Out("y"),
        0, Random(2, 3, 4));

    [Theory]
    [InlineData("2")]
    [InlineData("7")]
    [InlineData("-")]
    public void Range(string step) => OrtComparison.Check(
        Contrib("Range", step == "-" ? "a b" : "a b s", "y").In("a", DType.Int32).In("b", DType.Int32).Const(Raw("s", DType.Int32, [], step == "7" ? (byte)7 : (byte)2, 0, 0, 0)).Out("y"),
        0, Tensor.FromScalar(3), Tensor.FromScalar(17));

    [Fact]
    public void What_has_another_name_in_onnx()
    {
        OrtComparison.Check(Contrib("ExpandDims", "x a", "y").In("x", DType.Float32, 2, 3).Const(Raw("a", DType.Int32, [], 0xff, 0xff, 0xff, 0xff)).Out("y"), 0, Random(2, 3));
        OrtComparison.Check(Contrib("GatherND", "x i", "y").In("x", DType.Float32, 3, 4, 2).In("i", DType.Int64, 2, 2).Out("y"), 0, Random(3, 4, 2), Tensor.FromArray<long>([0, 3, 2, 1], new Shape(2, 2)));
        OrtComparison.Check(Contrib("Trilu", "x k", "y", Attr("upper", 0L)).In("x", DType.Float32, 2, 4, 5).In("k", DType.Int64).Out("y"), 0, Random(2, 4, 5), Tensor.FromScalar(-1L));
        OrtComparison.Check(Contrib("TransposeMatMul", "a b", "y", Attr("transA", 1L), Attr("transB", 1L), Attr("alpha", 0.5f)).In("a", DType.Float32, 2, 4, 3).In("b", DType.Float32, 2, 5, 4).Out("y"),
            1e-5, Random(2, 4, 3), Random(2, 5, 4));
        OrtComparison.Check(Contrib("NhwcMaxPool", "x", "y", Attr("kernel_shape", 3, 2), Attr("strides", 2, 1), Attr("pads", 1, 0, 1, 1)).In("x", DType.UInt8, 1, 7, 6, 3).Out("y"), 0, Random(DType.UInt8, 1, 7, 6, 3));
    }

    [Theory]
    [InlineData("relu", 1, 0, false)]
    [InlineData("gelu", 2, 1, true)]
    [InlineData("silu", 2, 0, true)]
    [InlineData("identity", 3, 1, false)]
    [InlineData("swiglu", 2, 1, true)]
    public void MoE(string activation, int k, int normalize, bool biased)
    {
        const int Tokens = 5, Experts = 4, Width = 6, Inner = 8;
        int outputs = activation == "swiglu" ? 2 * Inner : Inner;
        AttributeProto[] attributes = [Attr("k", k), Attr("activation_type", activation), Attr("normalize_routing_weights", (long)normalize),
            .. activation == "swiglu" ? [Attr("swiglu_fusion", 1L), Attr("activation_alpha", 1.7f), Attr("activation_beta", 1f), Attr("swiglu_limit", 0.9f)] : Array.Empty<AttributeProto>()];
        ModelProto model = Contrib("MoE", biased ? "x r w1 b1 w2 b2" : "x r w1 - w2", "y", attributes).In("x", DType.Float32, Tokens, Width).In("r", DType.Float32, Tokens, Experts)
            .Const(Floats("w1", [Experts, outputs, Width], Random(Experts * outputs * Width).ToArray<float>())).Const(Floats("w2", [Experts, Width, Inner], Random(Experts * Width * Inner).ToArray<float>())).Out("y");
        if (biased)
            model.Const(Floats("b1", [Experts, outputs], Random(Experts * outputs).ToArray<float>())).Const(Floats("b2", [Experts, Width], Random(Experts * Width).ToArray<float>()));
        OrtComparison.Check(model, 1e-4, Random(Tokens, Width), Random(Tokens, Experts));
    }

    /// <summary>ONNX Runtime has no third layer and no sparse mixer on the processor: by their definitions (arXiv 2401.04088, 2310.00811).</summary>
    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Gated_and_sparsely_mixed_experts(bool gated, bool mixed)
    {
        const int Tokens = 6, Experts = 4, Width = 3, Inner = 5;
        Tensor x = Random(Tokens, Width), r = Random(Tokens, Experts), w1 = Random(Experts, Inner, Width), w2 = Random(Experts, Width, Inner), w3 = Random(Experts, Inner, Width);
        r.SetDouble(1, r.GetDouble(0) * 1.001); // two scores as good as equal
        ModelProto model = Contrib("MoE", gated ? "x r w1 - w2 - w3" : "x r w1 - w2", "y", Attr("k", 2L), Attr("activation_type", "silu"), Attr("use_sparse_mixer", mixed ? 1L : 0))
            .In("x", DType.Float32, Tokens, Width).In("r", DType.Float32, Tokens, Experts).Out("y");
        foreach ((string name, Tensor w) in new[] { ("w1", w1), ("w2", w2), ("w3", w3) }) model.Const(Floats(name, w.Shape.AsSpan().ToArray(), w.ToArray<float>()));
        Tensor y = Run(model, x, r)[0];
        for (int t = 0; t < Tokens; t++)
        {
            double[] scores = [.. Enumerable.Range(0, Experts).Select(e => r.GetDouble(t * Experts + e))];
            int[] best = [.. Enumerable.Range(0, Experts).OrderByDescending(e => scores[e]).Take(2)];
            var expected = new double[Width];
            for (int i = 0; i < 2; i++)
            {
                double own = scores[best[i]];
                double sum = Enumerable.Range(0, Experts).Where(e => !mixed || (i == 0 || e != best[0]) && (own - scores[e]) / Math.Max(Math.Abs(scores[e]), own) <= 0.02).Sum(e => Math.Exp(scores[e] - own));
                for (int j = 0; j < Inner; j++)
                {
                    double a = Product(w1, best[i], j), inner = a / (1 + Math.Exp(-a)) * (gated ? Product(w3, best[i], j) : 1);
                    for (int o = 0; o < Width; o++) expected[o] += inner * w2.GetDouble((best[i] * Width + o) * Inner + j) / sum;
                }
            }
            for (int o = 0; o < Width; o++) Assert.Equal(expected[o], y.GetDouble(t * Width + o), 1e-4);

            double Product(Tensor w, int e, int j) => Enumerable.Range(0, Width).Sum(k => w.GetDouble((e * Inner + j) * Width + k) * x.GetDouble(t * Width + k));
        }
    }

    [Theory]
    [InlineData(4, 0)]
    [InlineData(8, 0)]
    [InlineData(4, 32)]
    [InlineData(8, 32)]
    public void QMoE(int bits, int block)
    {
        const int Tokens = 3, Experts = 3, Width = 64, Inner = 64;
        Tensor Scales(int rows, int columns)
        {
            Tensor scales = Random(block > 0 ? [Experts, rows, columns / block] : [Experts, rows]);
            for (long i = 0; i < scales.Count; i++) scales.SetDouble(i, 0.02 + 0.01 * Math.Abs(scales.GetDouble(i)));
            return scales;
        }
        Tensor s1 = Scales(Inner, Width), s2 = Scales(Width, Inner);
        AttributeProto[] attributes = [Attr("k", 2L), Attr("activation_type", "silu"), Attr("normalize_routing_weights", 1L), Attr("expert_weight_bits", bits), .. block > 0 ? [Attr("block_size", block)] : Array.Empty<AttributeProto>()];
        ModelProto model = Contrib("QMoE", "x r w1 s1 - w2 s2", "y", attributes).In("x", DType.Float32, Tokens, Width).In("r", DType.Float32, Tokens, Experts).Out("y")
            .Const(Raw("w1", DType.UInt8, [Experts, Inner, Width * bits / 8], Random(DType.UInt8, Experts * Inner * Width * bits / 8).Bytes.ToArray()))
            .Const(Raw("w2", DType.UInt8, [Experts, Width, Inner * bits / 8], Random(DType.UInt8, Experts * Width * Inner * bits / 8).Bytes.ToArray()))
            .Const(Floats("s1", s1.Shape.AsSpan().ToArray(), s1.ToArray<float>())).Const(Floats("s2", s2.Shape.AsSpan().ToArray(), s2.ToArray<float>()));
        // ONNX Runtime rounds tokens to 8 bits where weights of 8 bits come in blocks.
        OrtComparison.Check(model, bits == 8 && block > 0 ? 0.02 : 2e-3, Random(Tokens, Width), Random(Tokens, Experts));
    }

    private static TensorProto Zero(string name, DType type) => Raw(name, type, [], (byte)(type == DType.UInt8 ? 120 : 3));
}
