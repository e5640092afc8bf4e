using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Quantized files in ONNX Runtime's QOperator form get integer layers of ours, within a step of ONNX Runtime's.</summary>
public class QLinearLayerTests
{
    [Theory]
    [InlineData(DType.UInt8, true, true)]
    [InlineData(DType.UInt8, false, false)]
    [InlineData(DType.Int8, true, true)]
    [InlineData(DType.Int8, true, false)]
    public void Convolution(DType type, bool perChannel, bool biased)
    {
        const int Channels = 8, Outputs = 16;
        var random = new Random(4);
        byte[] weights = new byte[Outputs * Channels * 9];
        random.NextBytes(weights);
        float[] scales = [.. Enumerable.Range(0, perChannel ? Outputs : 1).Select(_ => 0.001f + 0.002f * (float)random.NextDouble())];
        ModelProto model = Model(21, Node("QLinearConv", biased ? "x xs xz w ws wz ys yz b" : "x xs xz w ws wz ys yz", "y", Attr("pads", 1, 1, 1, 1)))
            .In("x", type, 1, Channels, 7, 7).Out("y")
            .Const(Floats("xs", [], 0.031f)).Const(Raw("xz", type, [], (byte)(type == DType.UInt8 ? 120 : 3)))
            .Const(Raw("w", DType.Int8, [Outputs, Channels, 3, 3], weights)).Const(Floats("ws", perChannel ? [Outputs] : [], scales)).Const(Raw("wz", DType.Int8, perChannel ? [Outputs] : [], new byte[scales.Length]))
            .Const(Floats("ys", [], 0.113f)).Const(Raw("yz", type, [], (byte)(type == DType.UInt8 ? 125 : 2)));
        if (biased) model.Const(Raw("b", DType.Int32, [Outputs], [.. Enumerable.Range(0, Outputs).SelectMany(_ => BitConverter.GetBytes(random.Next(-3000, 3000)))]));
        Check(model, "QConv", Bytes(random, type, 1, Channels, 7, 7));
    }

    [Theory]
    [InlineData(DType.UInt8, true)]
    [InlineData(DType.UInt8, false)]
    [InlineData(DType.Int8, true)]
    public void Product(DType type, bool perColumn)
    {
        const int K = 32, Columns = 16;
        var random = new Random(5);
        byte[] weights = new byte[K * Columns];
        random.NextBytes(weights);
        float[] scales = [.. Enumerable.Range(0, perColumn ? Columns : 1).Select(_ => 0.001f + 0.002f * (float)random.NextDouble())];
        ModelProto model = Model(21, Node("QLinearMatMul", "x xs xz w ws wz ys yz", "y")).In("x", type, 3, K).Out("y")
            .Const(Floats("xs", [1], 0.031f)).Const(Raw("xz", type, [1], (byte)(type == DType.UInt8 ? 120 : 3)))
            .Const(Raw("w", DType.Int8, [K, Columns], weights)).Const(Floats("ws", perColumn ? [Columns] : [], scales)).Const(Raw("wz", DType.Int8, perColumn ? [Columns] : [], new byte[scales.Length]))
            .Const(Floats("ys", [], 0.113f)).Const(Raw("yz", type, [], (byte)(type == DType.UInt8 ? 125 : 2)));
        Check(model, "QGemm", Bytes(random, type, 3, K));
    }

    private static Tensor Bytes(Random random, DType type, params long[] shape)
    {
        var tensor = new Tensor(type, new Shape(shape));
        random.NextBytes(tensor.Bytes);
        return tensor;
    }

    private static void Check(ModelProto model, string layer, Tensor input)
    {
        OrtComparison.Check(model, 0, 1, [input]);
        Graph graph = OnnxImporter.Import(model, null);
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        Assert.Contains(graph.Nodes, n => n.Is(layer, "edgelite"));
    }
}
