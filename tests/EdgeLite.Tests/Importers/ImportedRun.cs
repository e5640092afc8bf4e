using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Importers;

/// <summary>Runs an imported graph by the reference loops, and, simplified, lowered, written and loaded, as a session; both must agree.</summary>
internal static class ImportedRun
{
    /// <summary>The results of the reference loops. The graph is used up.</summary>
    public static Tensor[] Run(Graph graph, params Tensor[] inputs)
    {
        Tensor[] expected = [.. new GraphInterpreter(graph).Run(inputs).Select(t => t.IsList ? t : t.Clone())];
        var options = new ConversionOptions();
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), graph.Name);
        using var runner = new SessionRunner(graph, model);
        IReadOnlyList<Tensor> actual = runner.Run(inputs);
        Assert.Equal(expected.Length, actual.Count);
        for (int i = 0; i < expected.Length; i++)
        {
            if (expected[i].IsList) continue;
            Assert.True(expected[i].DType == actual[i].DType, $"session, output {i}: expected {expected[i]}, got {actual[i]}");
            if (expected[i].Strings is { } texts) Assert.Equal(texts, actual[i].Strings);
            else if (!expected[i].DType.IsComplex()) TensorAssert.Close(expected[i], actual[i], 1e-4, 1e-5 * Math.Max(1, Largest(expected[i])), $"session, output {i}");
        }
        return expected;
    }

    /// <summary>The largest absolute value that is finite.</summary>
    public static double Largest(Tensor tensor)
    {
        double largest = 0;
        for (long i = 0; i < tensor.Count; i++)
            if (double.IsFinite(tensor.GetDouble(i))) largest = Math.Max(largest, Math.Abs(tensor.GetDouble(i)));
        return largest;
    }
}
