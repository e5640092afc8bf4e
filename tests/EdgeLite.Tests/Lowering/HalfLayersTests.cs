using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Lowering;

/// <summary>Layers in float16: which nodes of a lowered graph they are, and that reference loops and kernels compute what the float32 model does.</summary>
public class HalfLayersTests
{
    /// <summary>Lowered, halved, and run by the reference loops and by a session; signal to noise of both in dB against the original.</summary>
    private static Graph Halve(string body, string operators, double decibels, int weights, params string[] tooLarge)
    {
        string text = "graph \"g\" {\n" + body + "\n}";
        Graph original = GraphText.Parse(text), graph = GraphText.Parse(text);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        HalfResult result = HalfLayers.Run(graph);
        Assert.Equal(operators, Equivalence.Operators(graph));
        Assert.Equal(weights, result.Constants);
        Assert.Equal(tooLarge, result.TooLarge);
        Assert.Equal(result.BytesBefore, 2 * result.BytesAfter);
        Assert.Equal(original.Outputs.Select(o => (o.Name, o.DType)), graph.Outputs.Select(o => (o.Name, o.DType)));

        Tensor[] inputs = [.. original.Inputs.Select(Equivalence.Random)];
        Tensor[] expected = [.. new GraphInterpreter(original).Run(inputs).Select(t => t.Clone())];
        Tensor[] reference = new GraphInterpreter(graph).Run(inputs);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(session.Input(i));
        session.Run();
        for (int o = 0; o < expected.Length; o++)
        {
            Assert.InRange(Decibels(expected[o], reference[o]), decibels, double.PositiveInfinity);
            Assert.InRange(Decibels(expected[o], session.Output(o)), decibels, double.PositiveInfinity);
        }
        Assert.DoesNotContain(session.Steps(), s => s.Kernel == "reference");
        return graph;
    }

    private static double Decibels(Tensor expected, Tensor actual)
    {
        double signal = 0, noise = 0;
        for (long i = 0; i < expected.Count; i++)
        {
            signal += expected.GetDouble(i) * expected.GetDouble(i);
            noise += Math.Pow(expected.GetDouble(i) - actual.GetDouble(i), 2);
        }
        return 10 * Math.Log10(signal / noise);
    }

    [Fact]
    public void A_network_is_float16_between_its_ends()
    {
        Graph g = Halve("""
            input %x : float32[1,3,9,8]
            const %w1 : float32[20,3,3,3] = seeded(1)
            const %b1 : float32[20] = seeded(2)
            const %w2 : float32[20,1,3,3] = seeded(3)
            const %w3 : float32[20,20,1,1] = seeded(4)
            const %w4 : float32[20,7] = seeded(5)
            const %slope : float32[20,1,1] = seeded(6)
            %a = Conv(%x, %w1, %b1) {pads=[1,1,1,1], strides=[2,1]}
            %b = HardSwish(%a)
            %c = Conv(%b, %w2) {pads=[1,1,1,1], group=20}
            %d = PRelu(%c, %slope)
            %e = Conv(%d, %w3)
            %f = Add(%e, %b)
            %s = GlobalAveragePool(%f)
            %t = Conv(%s, %w3)
            %u = Sigmoid(%t)
            %v = Mul(%f, %u)
            %p = MaxPool(%v) {kernel_shape=[2,2]}
            %q = AveragePool(%v) {kernel_shape=[2,2]}
            %m = Concat(%p, %q) {axis=2}
            %g = GlobalAveragePool(%m)
            %h = Flatten(%g)
            %y = Gemm(%h, %w4)
            output %y
            """, "Transpose Cast edgelite.Conv edgelite.DepthwiseConv edgelite.Conv GlobalAveragePool edgelite.Conv Mul MaxPool AveragePool Concat GlobalAveragePool Reshape edgelite.Gemm Cast", 55, 4);
        Node depthwise = g.Nodes.Single(n => n.OpType == "DepthwiseConv"), first = g.Nodes.First(n => n.OpType == "Conv");
        Assert.Equal(DType.Float16, depthwise.Input(1)!.DType);
        Assert.Equal(DType.Float32, depthwise.Input(4)!.DType); // slopes, and biases, stay
        Assert.Equal(DType.Float32, first.Input(2)!.DType);
        Assert.Equal(DType.Float16, first.Output.DType);
    }

    [Fact]
    public void What_is_only_moved_stays_float16()
    {
        Halve("""
            input %x : float32[6,8]
            const %w1 : float32[8,8] = seeded(1)
            const %w2 : float32[8,5] = seeded(2)
            const %rows : int64[4] = [5,0,0,2]
            const %shape : int64[3] = [3,4,8]
            %a = MatMul(%x, %w1)
            %b = Gather(%a, %rows)
            %c = Expand(%b, %shape)
            %y = MatMul(%c, %w2)
            output %y
            """, "Cast edgelite.Gemm Gather Expand edgelite.Gemm Cast", 55, 2);
    }

    [Fact]
    public void What_has_no_kernel_of_float16_gets_float32_once()
    {
        Halve("""
            input %x : float32[1,4,6,6]
            const %w1 : float32[8,4,3,3] = seeded(1)
            const %w2 : float32[8,8,1,1] = seeded(2)
            %a = Conv(%x, %w1)
            %b = Softmax(%a) {axis=1}
            %c = LogSoftmax(%a) {axis=1}
            %d = Add(%b, %c)
            %e = Conv(%d, %w2)
            output %a
            output %e
            """, "Transpose Cast edgelite.Conv Transpose Cast Softmax LogSoftmax Add Cast edgelite.Conv Transpose Cast Cast", 55, 2);
    }

    [Fact]
    public void A_layer_with_a_weight_beyond_float16_stays_as_it_is()
    {
        Halve("""
            input %x : float32[2,30]
            const %w : float32[30,20] = seeded(1, 70000, 80000)
            const %v : float32[20,5] = seeded(2)
            %a = Gemm(%x, %w)
            %b = Mul(%a, %a)
            %c = Gemm(%x, %x) {transB=1}
            output %b
            output %c
            """, "edgelite.Gemm Mul Gemm", 100, 0, "w.packed");
    }

    [Fact]
    public void A_layer_refuses_operands_of_different_types()
    {
        Assert.Contains("input 1 has type float32, expected float16", Assert.Throws<EdgeLiteException>(() => GraphText.Parse("""
            graph "g" {
            input %x : float16[2,3]
            const %w : float32[48] = seeded(1)
            %y = edgelite.Gemm(%x, %w) {out_features=5}
            output %y
            }
            """)).Message);
    }
}
