using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Quantizing;

public class SmoothScalingTests
{
    /// <summary>As in a transformer: a few channels of a normalization are far larger than the others, and two layers read it.</summary>
    private static Graph Network()
    {
        Graph graph = GraphText.Parse("""
            graph "g" {
              input %x : float32[1,12,48]
              const %scale : float32[48] = seeded(1, 0.5, 1.5)
              const %bias : float32[48] = seeded(2, -0.1, 0.1)
              const %w1 : float32[48,40] = seeded(3)
              const %w2 : float32[48,40] = seeded(4)
              const %w3 : float32[40,16] = seeded(5)
              %n = LayerNormalization(%x, %scale, %bias) {axis=-1}
              %a = MatMul(%n, %w1)
              %b = MatMul(%n, %w2)
              %c = Add(%a, %b)
              %r = Relu(%c)
              %y = MatMul(%r, %w3)
              output %y
            }
            """);
        Tensor scale = graph.Find("scale")!.Constant!, w1 = graph.Find("w1")!.Constant!, w2 = graph.Find("w2")!.Constant!;
        foreach (int channel in (int[])[5, 17])
        {
            scale.SetDouble(channel, 60);
            for (int j = 0; j < 40; j++)
            {
                w1.SetDouble(channel * 40 + j, w1.GetDouble(channel * 40 + j) / 60);
                w2.SetDouble(channel * 40 + j, w2.GetDouble(channel * 40 + j) / 60);
            }
        }
        return graph;
    }

    [Fact]
    public void Outlying_channels_go_into_the_weights()
    {
        double plain = Sqnr(false), smooth = Sqnr(true);
        Assert.True(smooth > plain + 10, $"{plain:F1} dB without, {smooth:F1} dB with");
    }

    [Fact]
    public void The_float_model_computes_the_same()
    {
        Graph source = Network(), graph = Network();
        Tensor[] inputs = [.. source.Inputs.Select(Equivalence.Random)];
        int count = SmoothScaling.Run(graph, _ => true, onValue => new InterpreterRunner(graph).Run(inputs, onValue));
        Assert.Equal(1, count);
        Equivalence.Same(new GraphInterpreter(source).Run(inputs)[0], new GraphInterpreter(graph).Run(inputs)[0], 1e-5, 0, "y");
    }

    private static double Sqnr(bool smooth)
    {
        Graph source = Network(), graph = Network();
        var samples = new Given([.. Enumerable.Range(0, 12).Select(i => new[] { Equivalence.Random(source.Inputs[0], i) })]);
        PassList.Optimize(graph);
        Quantizer.Int8(graph, samples, new QuantizationOptions { SmoothNormalizations = smooth });
        double signal = 0, noise = 0;
        for (int s = 20; s < 26; s++)
        {
            Tensor x = Equivalence.Random(source.Inputs[0], s);
            Tensor a = new GraphInterpreter(source).Run([x])[0], b = new GraphInterpreter(graph).Run([x])[0];
            for (long i = 0; i < a.Count; i++)
            {
                signal += a.GetDouble(i) * a.GetDouble(i);
                noise += Math.Pow(a.GetDouble(i) - b.GetDouble(i), 2);
            }
        }
        return 10 * Math.Log10(signal / noise);
    }
}
