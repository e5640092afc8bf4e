using EdgeLite.Converter;
using static EdgeLite.Tests.Importers.TensorFlowControlFlowTests;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators of TensorFlow that no graph of the collection has; results by hand from TensorFlow's documentation.</summary>
public class TensorFlowRarerTests
{
    /// <summary>The result of the last node for x, of its sizes.</summary>
    private static float[] Run(float[] x, long[] dims, params string[] nodes) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "graph.pbtxt");
        string sizes = $"shape {{ {string.Concat(dims.Select(d => $"dim {{ size: {d} }} "))}}}";
        File.WriteAllText(path, GraphOf([Input("x").Replace("shape { }", sizes, StringComparison.Ordinal), .. nodes]));
        Tensor y = ImportedRun.Run(Pipeline.Import(path, new ConversionOptions()).Graph, Tensor.FromArray<float>(x, new Shape(dims)))[0];
        return Enumerable.Range(0, (int)y.Count).Select(i => MathF.Round((float)y.GetDouble(i), 5)).ToArray();
    });

    private static string Ints(string name, params int[] values) =>
        Const(name, "DT_INT32", $"tensor_shape {{ dim {{ size: {values.Length} }} }} {string.Concat(values.Select(v => $"int_val: {v} "))}");

    /// <summary>1 2 3 4 has the spectrum 10, -2 + 2i, -2; with 4 zeros more, 8 numbers.</summary>
    [Fact]
    public void Spectra()
    {
        string fft = Node("f", "RFFT", "x n");
        Assert.Equal([10, 2.82843f, 2], Run([1, 2, 3, 4], [1, 4], Ints("n", 4), fft, Node("y", "ComplexAbs", "f")));
        Assert.Equal([10, -2, -2], Run([1, 2, 3, 4], [1, 4], Ints("n", 4), fft, Node("y", "Real", "f")));
        Assert.Equal([0, -2, 0], Run([1, 2, 3, 4], [1, 4], Ints("n", 4), fft, Node("c", "Conj", "f"), Node("y", "Imag", "c")));
        Assert.Equal([3, 1], Run([1, 2, 3, 4], [1, 4], Ints("n", 2), fft, Node("y", "ComplexAbs", "f")));
        Assert.Equal([1, 2, 3, 4], Run([1, 2, 3, 4], [1, 4], Node("z", "Sub", "x x"), Node("c", "Complex", "x z"), Node("f", "FFT", "c"), Node("i", "IFFT", "f"), Node("y", "Real", "i")));
    }

    [Fact]
    public void Diagonals_of_the_newer_versions()
    {
        string[] none = [Ints("k", 0), Ints("r", -1), Float("p", 0)];
        Assert.Equal([1, 0, 0, 2], Run([1, 2], [1, 2], [.. none, Node("y", "MatrixDiagV3", "x k r r p")]));
        Assert.Equal([1, 4], Run([1, 2, 3, 4], [1, 2, 2], [.. none, Node("y", "MatrixDiagPartV3", "x k p")]));
        Assert.Equal([1, 2, 3, 1], Run([1, 2, 3, 4], [2, 2], [Ints("k", 0), Const("d", "DT_FLOAT", "tensor_shape { dim { size: 2 } } float_val: 1"), Node("y", "MatrixSetDiagV3", "x d k")]));
        Assert.Contains("other than the main one", Assert.Throws<EdgeLiteException>(() => Run([1, 2], [1, 2], [Ints("k", 1), Ints("r", -1), Float("p", 0), Node("y", "MatrixDiagV3", "x k r r p")])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Numbers_fall_into_bins()
    {
        Assert.Equal([0, 1, 2, 2], Run([-1, 0, 1.5f, 9], [4], Node("y", "Bucketize", "x", "attr { key: 'boundaries' value { list { f: 0 f: 1.5 } } }")));
        string sorted = Const("s", "DT_FLOAT", "tensor_shape { dim { size: 1 } dim { size: 3 } } float_val: 1 float_val: 2 float_val: 2");
        Assert.Equal([0, 1, 3], Run([1, 2, 3], [1, 3], sorted, Node("y", "LowerBound", "s x")));
        Assert.Equal([1, 3, 3], Run([1, 2, 3], [1, 3], sorted, Node("y", "UpperBound", "s x")));
    }

    /// <summary>Signed, 8 bits, [-1, 2]: 127 / 2 is the smaller scale, so a step is 2 / 127 and the range -128 steps to 2.</summary>
    [Fact]
    public void Quantized_and_back()
    {
        string[] range = [Float("a", -1), Float("b", 2), Ints("bits", 8)];
        float step = 2f / 127;
        Assert.Equal([.. new[] { -64 * step, 0, 32 * step, 2, -128 * step }.Select(v => MathF.Round(v, 5))], Run([-1.01f, 0.001f, 0.5f, 5, -9], [5], [.. range, Node("y", "QuantizeAndDequantizeV3", "x a b bits")]));
    }

    [Fact]
    public void Variables_are_there_and_prints_pass_on() =>
        Assert.Equal([3, 3], Run([3, 3], [2], Node("v", "VarHandleOp", "", Type("dtype", "DT_FLOAT")), Node("i", "VarIsInitializedOp", "v"), Node("p", "Print", "x"), Node("y", "GuaranteeConst", "p"), Node("last", "SelectV2", "i y x")));
}
