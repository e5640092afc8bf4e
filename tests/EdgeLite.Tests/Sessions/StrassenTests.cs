using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Importers;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Sessions;

/// <summary>Dense layers of many rows go by Strassen's multiplication; what comes out is what ONNX Runtime gives.</summary>
public class StrassenTests() : SeededTests(6900)
{
    /// <summary>The feed-forward part of a transformer: bias and GELU, then bias and a residual; and rows and columns that are left over.</summary>
    [Theory]
    [InlineData(96, 384, 512)]
    [InlineData(107, 404, 771)]
    public void Two_dense_layers(int rows, int width, int hidden)
    {
        ModelProto model = Model(20, Node("MatMul", "x w1", "a"), Node("Add", "a b1", "b"), Node("Gelu", "b", "c"), Node("MatMul", "c w2", "d"), Node("Add", "d b2", "e"), Node("Add", "e x", "y"))
            .In("x", DType.Float32, 1, rows, width).Const(Weights("w1", width, hidden)).Const(Weights("b1", hidden)).Const(Weights("w2", hidden, width)).Const(Weights("b2", width)).Out("y");
        OrtComparison.Check(model, 1e-5, Random(1, rows, width));
    }

    private TensorProto Weights(string name, params long[] shape)
    {
        Tensor values = Random(shape);
        return Floats(name, shape, [.. Enumerable.Range(0, (int)values.Count).Select(i => 0.05f * (float)values.GetDouble(i))]);
    }
}
