using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Quantizing;

public class ChannelGroupTests
{
    /// <summary>As MobileNetV3 begins: channels of the first convolution differ much, a HardSwish is behind it, and what it gives goes into a
    /// depthwise convolution and a sum. A gate of one number a channel multiplies the next. With <paramref name="isLast"/> the HardSwish and a
    /// Mul by a number stand between Transposes to channels last and back, as TensorFlow has them.</summary>
    private static Graph Network(bool isLast = false)
    {
        string swish = isLast ? "%at = Transpose(%a) {perm=[0,2,3,1]} %ht = HardSwish(%at) %hm = Mul(%ht, %half) %h = Transpose(%hm) {perm=[0,3,1,2]}" : "%h = HardSwish(%a)";
        Graph graph = GraphText.Parse("""
            graph "g" {
              input %x : float32[1,3,12,10]
              const %w1 : float32[24,3,3,3] = seeded(1, -0.4, 0.4)
              const %b1 : float32[24] = seeded(2, -0.1, 0.3)
              const %w2 : float32[24,1,3,3] = seeded(3)
              const %w3 : float32[24,24,1,1] = seeded(4, -0.3, 0.3)
              const %b3 : float32[24] = seeded(5, -0.1, 0.3)
              const %w4 : float32[24,24,1,1] = seeded(6)
              const %w5 : float32[10,24,1,1] = seeded(7)
              const %half : float32[] = 0.5
              %a = Conv(%x, %w1, %b1) {pads=[1,1,1,1]}
              SWISH
              %d = Conv(%h, %w2) {pads=[1,1,1,1], group=24}
              %r = Relu(%d)
              %p = Conv(%r, %w3, %b3)
              %s = Add(%p, %h)
              %m = GlobalAveragePool(%s)
              %t = Conv(%m, %w4)
              %g = HardSigmoid(%t)
              %e = Mul(%s, %g)
              %y = Conv(%e, %w5)
              output %y
            }
            """.Replace("SWISH", swish));
        Tensor w1 = graph.Find("w1")!.Constant!, b1 = graph.Find("b1")!.Constant!, w2 = graph.Find("w2")!.Constant!;
        for (int c = 0; c < 24; c++)
        {
            double size = c == 5 ? 40 : c % 3 == 0 ? 1 : 4;
            for (int i = 0; i < 27; i++) w1.SetDouble(c * 27 + i, w1.GetDouble(c * 27 + i) * size);
            b1.SetDouble(c, b1.GetDouble(c) * size);
            // Small channels count as much as large ones.
            for (int i = 0; i < 9; i++) w2.SetDouble(c * 9 + i, w2.GetDouble(c * 9 + i) / size);
        }
        return graph;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_float_model_computes_the_same(bool isLast)
    {
        Graph source = Network(isLast), graph = Network(isLast);
        PassList.Optimize(graph);
        Tensor[] inputs = [.. source.Inputs.Select(Equivalence.Random)];
        int count = ChannelGroups.Run(graph, _ => true, onValue => new InterpreterRunner(graph).Run(inputs, onValue));
        Assert.True(count >= 4, $"{count} values grouped");
        Assert.True(graph.Nodes.Count(n => n.Is("Mul") && ChannelGroups.FactorAxis(n.Input(1)) != null) >= 2);
        Equivalence.Same(new GraphInterpreter(source).Run(inputs)[0], new GraphInterpreter(graph).Run(inputs)[0], 1e-5, 0, "y");
    }

    [Fact]
    public void What_is_kept_float_is_left()
    {
        Graph graph = Network();
        PassList.Optimize(graph);
        int before = graph.Nodes.Count;
        Assert.Equal(0, ChannelGroups.Run(graph, n => !n.Is("Conv") && !n.Is("HardSwish"), _ => Assert.Fail("nothing is to be observed")));
        Assert.Equal(before, graph.Nodes.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Channels_that_differ_lose_less_by_a_scale_a_group(bool isLast)
    {
        (double plain, _) = Sqnr(false, isLast);
        (double grouped, Graph graph) = Sqnr(true, isLast);
        Assert.True(grouped > plain + 6, $"{plain:F1} dB without, {grouped:F1} dB with");
        // Integer steps alone, and one table for each pair of groups.
        Node[] tables = [.. graph.Nodes.Where(n => n.OpType == "GroupedLut")];
        Assert.NotEmpty(tables);
        Assert.All(tables, n => Assert.InRange(n.Inputs[1]!.Shape[0], 2, ChannelGroups.MaxGroups * ChannelGroups.MaxGroups));
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "HardSwish" or "Conv" or "DepthwiseConv");
    }

    private static (double Sqnr, Graph Lowered) Sqnr(bool groups, bool isLast)
    {
        Graph source = Network(isLast), graph = Network(isLast);
        PassList.Optimize(graph);
        Quantizer.Int8(graph, new Given([.. Enumerable.Range(0, 12).Select(i => new[] { Equivalence.Random(source.Inputs[0], i) })]), new QuantizationOptions { GroupsActivations = groups });
        Graph lowered = GraphCopy.Of(graph);
        ShapeInference.Run(lowered);
        CpuLowering.Run(lowered);
        using Model model = Model.Load(ModelWriter.ToBytes(lowered));
        using Session session = model.CreateSession();
        double signal = 0, noise = 0;
        for (int s = 20; s < 26; s++)
        {
            Tensor x = Equivalence.Random(source.Inputs[0], s);
            x.CopyTo(session.Input(0));
            session.Run();
            Tensor a = new GraphInterpreter(source).Run([x])[0], b = session.Output(0), c = new GraphInterpreter(lowered).Run([x])[0];
            Equivalence.Same(c, b, 0, 0, "native");
            for (long i = 0; i < a.Count; i++)
            {
                signal += a.GetDouble(i) * a.GetDouble(i);
                noise += Math.Pow(a.GetDouble(i) - b.GetDouble(i), 2);
            }
        }
        return (10 * Math.Log10(signal / noise), lowered);
    }
}
