using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Passes;

/// <summary>Runs a graph before and after a change on the same random inputs and compares every output.</summary>
internal static class Equivalence
{
    /// <summary>Parses <paramref name="text"/>, applies <paramref name="change"/> and returns the changed graph, once its outputs agree
    /// with those of the graph as parsed: floats within <paramref name="tolerance"/> relative to the largest magnitude,
    /// integers within <paramref name="steps"/>.</summary>
    public static Graph Check(string text, Action<Graph> change, double tolerance = 1e-5, int steps = 0)
    {
        Graph graph = GraphText.Parse(text);
        Check(graph, GraphText.Parse(text), change, tolerance, steps);
        return graph;
    }

    public static void Check(Graph graph, Graph original, Action<Graph> change, double tolerance = 1e-5, int steps = 0, Func<Value, int, Tensor>? input = null)
    {
        Tensor[] inputs = [.. original.Inputs.Select((v, i) => input?.Invoke(v, i) ?? Random(v, i))];
        Tensor[] expected = new GraphInterpreter(original).Run(inputs);
        change(graph);
        GraphVerifier.Verify(graph);
        Assert.Equal(original.Inputs.Select(v => $"{v.Name} {v.Type}"), graph.Inputs.Select(v => $"{v.Name} {v.Type}"));
        Assert.Equal(original.Outputs.Select(v => v.Name), graph.Outputs.Select(v => v.Name));
        Tensor[] actual = new GraphInterpreter(graph).Run(inputs);
        for (int o = 0; o < expected.Length; o++) Same(expected[o], actual[o], tolerance, steps, original.Outputs[o].Name);
    }

    public static Tensor Random(Value value, int seed)
    {
        Shape shape = value.Shape;
        for (int i = 0; i < shape.Rank; i++)
            if (shape[i] < 0) shape = shape.With(i, 3);
        var tensor = new Tensor(value.DType, shape);
        SeededFill.Fill(tensor, (ulong)(100 + seed));
        return tensor;
    }

    public static void Same(Tensor expected, Tensor actual, double tolerance, int steps, string name)
    {
        Assert.Equal(expected.ToString(), actual.ToString());
        double largest = 0;
        for (long i = 0; i < expected.Count; i++)
            if (double.IsFinite(expected.GetDouble(i))) largest = Math.Max(largest, Math.Abs(expected.GetDouble(i)));
        for (long i = 0; i < expected.Count; i++)
        {
            double e = expected.GetDouble(i), a = actual.GetDouble(i);
            bool equal = expected.DType.IsFloat() ? e.Equals(a) || Math.Abs(e - a) <= tolerance * largest : Math.Abs(e - a) <= steps;
            Assert.True(equal, $"{name}[{i}]: expected {e}, got {a}");
        }
    }

    /// <summary>The operators of a graph in order, with their domain.</summary>
    public static string Operators(Graph graph) => string.Join(' ', graph.Nodes.Select(n => n.OperatorName));

    public static Node Only(Graph graph, string opType, string domain = "") => Assert.Single(graph.Nodes, n => n.Is(opType, domain));
}
