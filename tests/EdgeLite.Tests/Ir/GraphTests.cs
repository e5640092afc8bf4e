using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Ir;

public class GraphTests
{
    [Fact]
    public void A_graph_runs_with_reference_loops_and_keeps_output_names_when_a_node_is_bypassed()
    {
        var graph = new Graph("g");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(2, 2)));
        Value a = graph.Add("Relu", "a", [x]);
        Value b = graph.Add("Relu", "b", [a]);
        graph.AddOutput(b);
        ShapeInference.Run(graph);
        GraphVerifier.Verify(graph);
        Assert.Equal("float32[2,2]", b.Type.ToString());

        graph.ReplaceUses(b, a);
        graph.Remove(b.Producer!);
        GraphVerifier.Verify(graph);
        Assert.Equal("b", graph.Outputs[0].Name);

        Tensor[] y = new GraphInterpreter(graph).Run(Tensor.FromArray<float>([-1, 2, float.NaN, 0], new Shape(2, 2)));
        Assert.Equal([0, 2, float.NaN, 0], y[0].ToArray<float>());
    }
}
