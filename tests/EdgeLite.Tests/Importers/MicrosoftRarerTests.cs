using EdgeLite.Converter.Importers.Onnx.Proto;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Rarer operators of com.microsoft, against ONNX Runtime; those that its CPU build lacks against what it gives for the operators that
/// they stand for.</summary>
public class MicrosoftRarerTests
{
    private readonly Random _random = new(17);

    [Fact]
    public void Distances()
    {
        foreach (string metric in new[] { "sqeuclidean", "euclidean" })
            OrtComparison.Check(Contrib("CDist", "a b", "y", Attr("metric", metric)).In("a", DType.Float32, 5, 7).In("b", DType.Float32, 3, 7).Out("y"), 1e-5, Noise(5, 7), Noise(3, 7));
    }

    [Fact]
    public void Unique() => OrtComparison.Check(Contrib("Unique", "x", "y at counts").In("x", DType.Float32, 9).Out("y", "at", "counts"), 0, Tensor.FromArray<float>([2, 1, 1, 3, 4, 3, 2, 9, 1], new Shape(9)));

    [Theory]
    [InlineData("float32", 0L, 1L)]
    [InlineData("int32", 7L, 0L)]
    [InlineData("uint32", 42L, 1L)]
    [InlineData("int64", 1234567L, 0L)]
    public void Hashes(string element, long seed, long positive)
    {
        DType type = Enum.GetValues<DType>().First(t => t.Name() == element);
        var x = new Tensor(type, new Shape(3, 7));
        for (long i = 0; i < x.Count; i++)
            if (type.IsFloat()) x.SetDouble(i, 1e3 * _random.NextDouble() - 500);
            else x.SetInt64(i, _random.NextInt64());
        OrtComparison.Check(Contrib("MurmurHash3", "x", "y", Attr("seed", seed), Attr("positive", positive)).In("x", type, 3, 7).Out("y"), 0, x);
    }

    [Fact]
    public void Sample() => OrtComparison.Check(Contrib("SampleOp", "x", "y").In("x", DType.Float32, 2, 3).Out("y"), 0, Noise(2, 3));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(2, 9)]
    public void Inverse(int batch, int size) => OrtComparison.Check(Contrib("Inverse", "x", "y").In("x", DType.Float32, batch, size, size).Out("y"), 1e-3, Noise(batch, size, size));

    [Theory]
    [InlineData(1L)]
    [InlineData(2L)]
    [InlineData(3L)]
    [InlineData(9L)]
    public void No_n_gram_twice(long ngram) => OrtComparison.Check(Contrib("NGramRepeatBlock", "ids scores", "y", Attr("ngram_size", ngram)).In("ids", DType.Int64, 2, 8).In("scores", DType.Float32, 2, 6).Out("y"),
        0, Tensor.FromArray<long>([0, 1, 2, 0, 1, 3, 0, 1, 5, 5, 5, 4, 2, 4, 5, 5], new Shape(2, 8)), Noise(2, 6));

    [Theory]
    [InlineData(-1L, 3L, 1L)]
    [InlineData(1L, 2L, 2L)]
    public void Windows_of_a_dimension(long axis, long size, long step) =>
        OrtComparison.Check(Contrib("UnfoldTensor", "x", "y", Attr("dim", axis), Attr("size", size), Attr("step", step)).In("x", DType.Float32, 2, 5, 7).Out("y"), 0, Noise(2, 5, 7));

    [Fact]
    public void Products_of_16_bit_integers()
    {
        Tensor a = new(DType.Int16, new Shape(3, 4)), b = new(DType.Int16, new Shape(4, 2));
        foreach (Tensor t in new[] { a, b })
            for (long i = 0; i < t.Count; i++) t.SetInt64(i, _random.Next(-9000, 9000));
        OrtComparison.Check(Contrib("MatMulInteger16", "a b", "y").In("a", DType.Int16, 3, 4).In("b", DType.Int16, 4, 2).Out("y"), 0, a, b);
    }

    [Fact]
    public void What_stands_beside_linear_attention()
    {
        OrtComparison.Check(Contrib("LinearAttentionGate", "a dt scale b", "decay beta").In("a", DType.Float32, 2, 3, 4).In("dt", DType.Float32, 4).In("scale", DType.Float32, 4).In("b", DType.Float32, 2, 3, 4).Out("decay", "beta"), 1e-5,
            Noise(2, 3, 4), Noise(4), Noise(4), Noise(2, 3, 4));
        foreach (string activation in new[] { "silu", "sigmoid" })
            OrtComparison.Check(Contrib("GatedRMSNorm", "x scale gate", "y", Attr("activation", activation), Attr("epsilon", 1e-5f)).In("x", DType.Float32, 2, 3, 8).In("scale", DType.Float32, 4).In("gate", DType.Float32, 2, 3, 8).Out("y"), 1e-5,
                Noise(2, 3, 8), Noise(4), Noise(2, 3, 8));
        OrtComparison.Check(Contrib("GatedAdd", "x y gate", "z").In("x", DType.Float32, 2, 3, 8).In("y", DType.Float32, 2, 3, 8).In("gate", DType.Float32, 2, 3, 1).Out("z"), 1e-5, Noise(2, 3, 8), Noise(2, 3, 8), Noise(2, 3, 1));
    }

    [Theory]
    [InlineData(0L, 0L)]
    [InlineData(1L, 0L)]
    [InlineData(1L, 1L)]
    public void Three_positions_of_a_token(long layout, long interleaved)
    {
        Tensor places = new(DType.Int64, new Shape(3, 2, 5));
        for (long i = 0; i < places.Count; i++) places.SetInt64(i, _random.Next(12));
        OrtComparison.Check(Contrib("MRotaryEmbedding", "x p cos sin", "y", Attr("mrope_section", 3, 2, 3), Attr("mrope_layout", layout), Attr("interleaved", interleaved), Attr("num_heads", 2L)).In("x", DType.Float32, 2, 5, 32).In("p", DType.Int64, 3, 2, 5)
            .In("cos", DType.Float32, 12, 8).In("sin", DType.Float32, 12, 8).Out("y"), 1e-5, Noise(2, 5, 32), places, Noise(12, 8), Noise(12, 8));
    }

    [Theory]
    [InlineData(3, 4)]
    [InlineData(1, 5)]
    public void Boxes_cut_out_and_resized(int height, int width) => OrtComparison.Check(
        Contrib("CropAndResize", "x boxes image size", "y", Attr("extrapolation_value", 7.5f)).In("x", DType.Float32, 2, 3, 6, 5).In("boxes", DType.Float32, 3, 4).In("image", DType.Int32, 3)
            .Const(Raw("size", DType.Int32, [2], [.. BitConverter.GetBytes(height), .. BitConverter.GetBytes(width)])).Out("y"), 1e-4,
        Noise(2, 3, 6, 5), Tensor.FromArray<float>([0.1f, 0.2f, 0.9f, 0.7f, -0.3f, 0, 0.5f, 1.2f, 0.8f, 0.9f, 0.1f, 0.3f], new Shape(3, 4)), Tensor.FromArray<int>([1, 0, 1], new Shape(3)));

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    public void Quantized_convolution_of_either_layout(long channelsLast)
    {
        byte[] weights = new byte[4 * 3 * 3 * 3];
        _random.NextBytes(weights);
        long[] shape = channelsLast == 1 ? [1, 6, 5, 3] : [1, 3, 6, 5];
        Tensor x = new(DType.UInt8, new Shape(shape));
        for (long i = 0; i < x.Count; i++) x.SetInt64(i, _random.Next(256));
        OrtComparison.Check(Contrib("QLinearConv", "x xs xz w ws wz ys yz", "y", Attr("pads", 1, 1, 1, 1), Attr("channels_last", channelsLast)).In("x", DType.UInt8, shape).Const(Raw("w", DType.Int8, [4, 3, 3, 3], weights))
            .Const(Floats("xs", [], 0.02f)).Const(Raw("xz", DType.UInt8, [], 128)).Const(Floats("ws", [], 0.01f)).Const(Raw("wz", DType.Int8, [], 0)).Const(Floats("ys", [], 0.4f)).Const(Raw("yz", DType.UInt8, [], 120)).Out("y"), 1, x);
    }

    [Fact]
    public void ConvTranspose_with_pads_as_an_input() => OrtComparison.Check(
        Contrib("ConvTransposeWithDynamicPads", "x w p b", "y", Attr("strides", 2, 2)).In("x", DType.Float32, 1, 3, 4, 4).Out("y").Const(Floats("w", [3, 2, 3, 3], Noise(54).ToArray<float>()))
            .Const(Raw("p", DType.Int64, [4], [.. new long[] { 1, 0, 0, 1 }.SelectMany(BitConverter.GetBytes)])).Const(Floats("b", [2], 0.5f, -1)), 1e-4, Noise(1, 3, 4, 4));

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    public void MatMulBnb4(long kind)
    {
        const int K = 64, N = 16, Size = 32;
        byte[] packed = new byte[K * N / 2];
        _random.NextBytes(packed);
        OrtComparison.Check(Contrib("MatMulBnb4", "x b m", "y", Attr("K", (long)K), Attr("N", (long)N), Attr("block_size", (long)Size), Attr("quant_type", kind)).In("x", DType.Float32, 3, K).Out("y")
            .Const(Raw("b", DType.UInt8, [K * N / 2], packed)).Const(Floats("m", [K * N / Size], [.. Enumerable.Range(0, K * N / Size).Select(_ => 0.5f + (float)_random.NextDouble())])), 1e-5, Noise(3, K));
    }

    [Fact]
    public void Convolution_that_keeps_a_state() => OrtComparison.Check(
        Contrib("CausalConvWithState", "x w b s", "y next", Attr("activation", "silu")).In("x", DType.Float32, 2, 3, 5).In("w", DType.Float32, 3, 1, 4).In("b", DType.Float32, 3).In("s", DType.Float32, 2, 3, 3).Out("y", "next"),
        1e-5, Noise(2, 3, 5), Noise(3, 1, 4), Noise(3), Noise(2, 3, 3));

    /// <summary>Zero points, which weights of 4 bits have packed two to a byte.</summary>
    [Theory]
    [InlineData(4L, 32L)]
    [InlineData(4L, 0L)]
    [InlineData(8L, 0L)]
    public void QMoE_with_zero_points(long bits, long block)
    {
        const int Tokens = 3, Experts = 3, Width = 64, Inner = 64;
        int per = 8 / (int)bits;
        long[] scaleShape = block > 0 ? [Experts, Inner, Width / block] : [Experts, Inner];
        long[] zeroShape = block > 0 ? [Experts, Inner, Width / block / per] : [Experts, Inner / per];
        int scaleCount = (int)scaleShape.Aggregate(1L, (a, b) => a * b), zeroCount = (int)zeroShape.Aggregate(1L, (a, b) => a * b);
        byte[] Random(int count, bool middle = false)
        {
            byte[] bytes = new byte[count];
            _random.NextBytes(bytes);
            for (int i = 0; i < count && middle && bits == 8; i++) bytes[i] = (byte)(110 + bytes[i] % 40);
            return bytes;
        }
        AttributeProto[] attributes = [Attr("k", 2L), Attr("activation_type", "silu"), Attr("normalize_routing_weights", 1L), Attr("expert_weight_bits", bits), .. block > 0 ? [Attr("block_size", block)] : Array.Empty<AttributeProto>()];
        ModelProto model = Contrib("QMoE", "x r w1 s1 - w2 s2 - - - - z1 z2", "y", attributes).In("x", DType.Float32, Tokens, Width).In("r", DType.Float32, Tokens, Experts).Out("y");
        foreach (string i in new[] { "1", "2" })
            model.Const(Raw("w" + i, DType.UInt8, [Experts, Inner, Width / per], Random(Experts * Inner * Width / per))).Const(Floats("s" + i, scaleShape, [.. Enumerable.Range(0, scaleCount).Select(_ => (bits == 8 ? 0.002f : 0.02f) * (1 + (float)_random.NextDouble()))]))
                .Const(Raw("z" + i, DType.UInt8, zeroShape, Random(zeroCount, middle: true)));
        OrtComparison.Check(model, 3e-3, Noise(Tokens, Width), Noise(Tokens, Experts));
    }

    /// <summary>All gates before all values are what turns of gate and value are with the rows of the first layer in another order.</summary>
    [Fact]
    public void Gates_before_values()
    {
        const int Tokens = 5, Experts = 4, Width = 6, Inner = 8;
        float[] turns = Noise(Experts * 2 * Inner * Width).ToArray<float>(), blocks = new float[turns.Length], second = Noise(Experts * Width * Inner).ToArray<float>();
        for (int e = 0; e < Experts; e++)
            for (int row = 0; row < 2 * Inner; row++)
                Array.Copy(turns, (e * 2 * Inner + row) * Width, blocks, (e * 2 * Inner + row % 2 * Inner + row / 2) * Width, Width);
        Tensor x = Noise(Tokens, Width), r = Noise(Tokens, Experts);
        Tensor expected = Run(Experts2(turns, 1), x, r), got = OnnxModels.Run(Experts2(blocks, 2), x, r)[0];
        TensorAssert.Close(expected, got, 1e-4, 1e-5, "gates before values");

        ModelProto Experts2(float[] first, long fusion) => Contrib("MoE", "x r w1 - w2", "y", Attr("k", 2L), Attr("activation_type", "swiglu"), Attr("swiglu_fusion", fusion), Attr("activation_alpha", 1.702f), Attr("activation_beta", 1f), Attr("normalize_routing_weights", 1L))
            .In("x", DType.Float32, Tokens, Width).In("r", DType.Float32, Tokens, Experts).Out("y").Const(Floats("w1", [Experts, 2 * Inner, Width], first)).Const(Floats("w2", [Experts, Width, Inner], second));
    }

    private static Tensor Run(ModelProto model, params Tensor[] inputs)
    {
        using var ort = new InferenceSession(model.ToByteArray());
        using var results = ort.Run([.. inputs.Select((t, i) => OrtComparison.Named(model.Graph.Input[i].Name, t))]);
        return OrtComparison.Read(results[0]);
    }

    private Tensor Noise(params long[] shape)
    {
        var tensor = new Tensor(DType.Float32, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, 2 * _random.NextDouble() - 1);
        return tensor;
    }
}
