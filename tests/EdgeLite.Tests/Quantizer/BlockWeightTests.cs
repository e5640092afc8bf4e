using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Quantizing;

public class BlockWeightTests
{
    private const string Text = """
        graph "g" {
          input %x : float32[3,100]
          const %w1 : float32[100,40] = seeded(1)
          const %w2 : float32[50,40] = seeded(2)
          const %b2 : float32[50] = seeded(3)
          const %w3 : float32[50,4] = seeded(4)
          %h = MatMul(%x, %w1)
          %r = Relu(%h)
          %d = Gemm(%r, %w2, %b2) {transB=1}
          %y = MatMul(%d, %w3)
          output %y
        }
        """;

    // Uniform numbers rounded to 2^bits levels over their range: 6.02 dB a bit; a symmetric range and its trials lose less than 1.5 dB.
    [Theory]
    [InlineData(8, 32, false, 46.5)]
    [InlineData(8, 128, true, 46.5)]
    [InlineData(4, 32, false, 22.5)]
    [InlineData(4, 64, true, 22.5)]
    [InlineData(3, 32, false, 16.5)]
    [InlineData(3, 32, true, 16.5)]
    [InlineData(2, 32, false, 9)]
    [InlineData(2, 32, true, 10)]
    public void Dense_layers_compute_on_packed_weights(int bits, int block, bool asymmetric, double decibels)
    {
        Graph source = GraphText.Parse(Text), graph = GraphText.Parse(Text);
        PassList.Optimize(graph);
        BlockWeightResult result = Quantizer.Weights(graph, new BlockWeightOptions { Bits = bits, BlockSize = block, IsAsymmetric = asymmetric });
        Assert.Equal(2, result.Layers); // the third has 200 weights
        Tensor[] inputs = [.. source.Inputs.Select(Equivalence.Random)];
        var interpreter = new GraphInterpreter(graph);
        Value unpacked = graph.Nodes.First(n => n.OpType == "MatMul").Inputs[1]!;
        Tensor weights = source.Find("w1")!.Constant!, stored = weights;
        interpreter.AfterNode = node => stored = node.Outputs.Contains(unpacked) ? interpreter[unpacked].Clone() : stored;
        Tensor rounded = interpreter.Run(inputs)[0];
        CpuLowering.Run(graph);
        Assert.Equal("edgelite.BlockGemm Relu edgelite.BlockGemm edgelite.Gemm", Equivalence.Operators(graph));
        Assert.All(graph.Nodes.Where(n => n.OpType == "BlockGemm"), n => Assert.Equal(bits, n.Attributes.Int("bits", 0)));
        Tensor lowered = new GraphInterpreter(graph).Run(inputs)[0];
        Equivalence.Same(rounded, lowered, 1e-4, 0, "lowered");
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session session = model.CreateSession(new SessionOptions { Threads = 2, Device = "cpu" });
        inputs[0].CopyTo(session.Input(0));
        session.Run();
        Equivalence.Same(rounded, session.Output(0), 1e-4, 0, "native");
        Assert.True(Sqnr(weights, stored) > decibels, $"{Sqnr(weights, stored)} dB");
    }

    [Fact]
    public void Dynamic_layers_compute_in_integers_and_give_the_bits_of_the_graph()
    {
        Graph source = GraphText.Parse(Text), graph = GraphText.Parse(Text);
        PassList.Optimize(graph);
        Assert.Equal(2, Quantizer.Dynamic(graph).Layers);
        Tensor[] inputs = [.. source.Inputs.Select(Equivalence.Random)];
        Tensor real = new GraphInterpreter(source).Run(inputs)[0];
        graph.SetOutput(0, graph.Nodes.First(n => n.Is("Add")).Output);
        Tensor whole = new GraphInterpreter(graph).Run(inputs)[0];
        CpuLowering.Run(graph);
        Assert.Equal("edgelite.BlockGemm Relu edgelite.BlockGemm", Equivalence.Operators(graph));
        Assert.Equal(whole.Bytes.ToArray(), new GraphInterpreter(graph).Run(inputs)[0].Bytes.ToArray());
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session session = model.CreateSession(new SessionOptions { Threads = 2, Device = "cpu" });
        inputs[0].CopyTo(session.Input(0));
        session.Run();
        Assert.Equal(whole.Bytes.ToArray(), session.Output(0).Bytes.ToArray());
    }

    [Theory]
    [InlineData("uint8", "", "")]
    [InlineData("int8", "const %z : int8[] = -7", "%z")]
    [InlineData("uint8", "const %z : uint8[20] = seeded(9, 0, 255)", "%z")]
    public void Dynamic_pattern_of_other_converters_is_one_layer(string type, string declaration, string zero)
    {
        string text = $$"""
            graph "g" {
              input %x : float32[2,5,36]
              const %w : {{type}}[36,20] = seeded(1, {{(type == "int8" ? "-128, 127" : "0, 255")}})
              {{declaration}}
              const %s : float32[20] = seeded(2, 0.01, 0.02)
              %q, %xs, %xz = DynamicQuantizeLinear(%x)
              %p = MatMulInteger(%q, %w, %xz{{(zero.Length > 0 ? ", " + zero : "")}})
              %c = Cast(%p) {to=1}
              %f = Mul(%s, %xs)
              %y = Mul(%f, %c)
              output %y
            }
            """;
        Graph source = GraphText.Parse(text), graph = GraphText.Parse(text);
        Tensor[] inputs = [.. source.Inputs.Select(Equivalence.Random)];
        Tensor expected = new GraphInterpreter(source).Run(inputs)[0];
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        Assert.Equal("edgelite.BlockGemm", Equivalence.Operators(graph));
        Assert.Equal(expected.Bytes.ToArray(), new GraphInterpreter(graph).Run(inputs)[0].Bytes.ToArray());
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session session = model.CreateSession(new SessionOptions { Device = "cpu" });
        inputs[0].CopyTo(session.Input(0));
        session.Run();
        Assert.Equal(expected.Bytes.ToArray(), session.Output(0).Bytes.ToArray());
    }

    [Fact]
    public void Gptq_is_closer_where_inputs_are_correlated()
    {
        var samples = new Correlated(24);
        double nearest = Mean(null), gptq = Mean(samples);
        Assert.True(gptq > nearest + 1, $"{nearest} dB to nearest, {gptq} dB with GPTQ");

        double Mean(ICalibrationData? calibration)
        {
            Graph source = GraphText.Parse(Text), graph = GraphText.Parse(Text);
            Quantizer.Weights(graph, new BlockWeightOptions { Bits = 4, Calibration = calibration, MaxSamples = 16 });
            double sum = 0;
            for (int i = 16; i < 24; i++) // held back
                sum += Sqnr(new GraphInterpreter(source).Run([.. samples.Load(i)])[0], new GraphInterpreter(graph).Run([.. samples.Load(i)])[0]) / 8;
            return sum;
        }
    }

    private static double Sqnr(Tensor real, Tensor rounded)
    {
        double signal = 0, noise = 0;
        for (long i = 0; i < real.Count; i++)
        {
            signal += real.GetDouble(i) * real.GetDouble(i);
            noise += Math.Pow(real.GetDouble(i) - rounded.GetDouble(i), 2);
        }
        return 10 * Math.Log10(signal / noise);
    }

    /// <summary>Rows that are mixtures of ten patterns, with a little noise.</summary>
    private sealed class Correlated(int count) : ICalibrationData
    {
        public int Count => count;

        public string Describe(int index) => $"mixture {index}";

        public IReadOnlyList<Tensor> Load(int index)
        {
            var patterns = new Random(1);
            var random = new Random(100 + index);
            var x = new float[300];
            for (int p = 0; p < 10; p++)
            {
                double[] parts = [random.NextDouble() - 0.5, random.NextDouble() - 0.5, random.NextDouble() - 0.5];
                for (int i = 0; i < 100; i++)
                {
                    double v = patterns.NextDouble() - 0.5;
                    for (int r = 0; r < 3; r++) x[r * 100 + i] += (float)(v * parts[r]);
                }
            }
            for (int i = 0; i < x.Length; i++) x[i] += (float)(0.01 * random.NextDouble());
            return [Tensor.FromArray<float>(x, new Shape(3, 100))];
        }
    }
}
