using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Quantizing;

public class EmbeddingTableTests
{
    private static Graph Network() => GraphText.Parse("""
        graph "g" {
          input %ids : int64[1,6]
          const %table : float32[300,64] = seeded(1)
          const %w : float32[64,64] = seeded(2)
          %e = Gather(%table, %ids)
          %y = MatMul(%e, %w)
          output %y
          output %e
        }
        """);

    private static Tensor Ids(int sample) => Tensor.FromArray<long>([0, 299, 7, sample, -1, 150], new Shape(1, 6));

    [Theory]
    [InlineData("int8")]
    [InlineData("int8-weights")]
    [InlineData("dynamic")]
    public void Rows_of_a_table_are_int8_with_a_scale_each(string scheme)
    {
        Graph source = Network(), graph = Network();
        // Rows of any size keep their share, one of nothing stays nothing.
        foreach (Graph g in new[] { source, graph })
            for (int i = 0; i < 64; i++)
            {
                g.Find("table")!.Constant!.SetDouble(7 * 64 + i, g.Find("table")!.Constant!.GetDouble(7 * 64 + i) * 1000);
                g.Find("table")!.Constant!.SetDouble(i, 0);
            }
        PassList.Optimize(graph);
        if (scheme == "int8") Quantizer.Int8(graph, new Given([Ids(3)], [Ids(4)]), new QuantizationOptions());
        else if (scheme == "dynamic") Quantizer.Dynamic(graph);
        else Quantizer.Weights(graph, new BlockWeightOptions { Bits = 8 });
        ShapeInference.Run(graph);
        CpuLowering.Run(graph);
        Assert.DoesNotContain(graph.Values, v => v.Constant is { DType: DType.Float32, Count: >= 300 * 64 });
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession();
        Ids(5).CopyTo(session.Input(0));
        session.Run();
        Tensor expected = new GraphInterpreter(source).Run([Ids(5)])[1], rows = session.Output("e");
        for (int r = 0; r < 6; r++)
        {
            double most = Enumerable.Range(0, 64).Max(i => Math.Abs(expected.GetDouble(r * 64 + i)));
            for (int i = 0; i < 64; i++) Assert.InRange(rows.GetDouble(r * 64 + i) - expected.GetDouble(r * 64 + i), -most / 253, most / 253);
        }
    }

    [Fact]
    public void A_table_that_others_read_too_is_left()
    {
        Graph graph = Network();
        Assert.Equal(0, EmbeddingTables.Run(graph, _ => false));
        graph.AddOutput(graph.Find("table")!);
        Assert.Equal(0, EmbeddingTables.Run(graph, _ => true));
    }
}
