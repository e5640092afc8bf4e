using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

public class QuantizerTests
{
    private const string SmallNet = """
        graph "net" {
          input %x : float32[1,3,16,16]
          const %w1 : float32[8,3,3,3] = seeded(1, -0.4, 0.4)
          const %b1 : float32[8] = seeded(2, -0.2, 0.2)
          const %dw : float32[8,1,3,3] = seeded(3, -0.5, 0.5)
          const %w2 : float32[8,8,1,1] = seeded(4, -0.5, 0.5)
          const %b2 : float32[8] = seeded(5, -0.3, 0.3)
          const %w3 : float32[12,8,3,3] = seeded(6, -0.3, 0.3)
          const %zero : float32[] = 0
          const %six : float32[] = 6
          const %shape : int64[2] = [1, -1]
          const %fw : float32[20,10] = seeded(7, -0.5, 0.5)
          const %fb : float32[10] = seeded(8, -0.2, 0.2)
          %c1 = Conv(%x, %w1, %b1) {pads=[1,1,1,1]}
          %r1 = Relu(%c1)
          %c2 = Conv(%r1, %dw) {pads=[1,1,1,1], group=8}
          %r2 = Clip(%c2, %zero, %six)
          %c3 = Conv(%r2, %w2, %b2)
          %a1 = Add(%c3, %r1)
          %p1 = MaxPool(%a1) {kernel_shape=[2,2], strides=[2,2]}
          %c4 = Conv(%p1, %w3) {pads=[1,1,1,1]}
          %h4 = HardSwish(%c4)
          %cat = Concat(%h4, %p1) {axis=1}
          %g = GlobalAveragePool(%cat)
          %flat = Reshape(%g, %shape)
          %fc = Gemm(%flat, %fw, %fb)
          %y = Softmax(%fc)
          output %fc
          output %y
        }
        """;

    private static Graph Parse(string body) => GraphText.Parse("graph \"g\" {\n" + body + "\n}");

    private static QuantizationResult Quantize(Graph graph, QuantizationOptions? options = null) =>
        Quantizer.Int8(graph, new Waves(graph, 6), options ?? new QuantizationOptions());

    private static ProofReport Compare(Graph source, Graph converted, QuantizationResult? result = null) =>
        Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(converted), new Waves(source, 4), 4, result?.Parameters);

    private static int Count(Graph graph, string op, string domain = "") => graph.Nodes.Count(n => n.Is(op, domain));

    /// <summary>The parameters of the QuantizeLinear that stores the value of this source name.</summary>
    private static TensorQuantization Of(QuantizationResult result, string name) => result.Parameters[name];

    [Theory]
    [InlineData(RangeMethod.MinMax)]
    [InlineData(RangeMethod.Percentile)]
    [InlineData(RangeMethod.MeanSquaredError)]
    public void A_small_network_stays_close_to_float_before_and_after_lowering(RangeMethod method)
    {
        Graph source = GraphText.Parse(SmallNet), graph = GraphText.Parse(SmallNet);
        PassList.Optimize(graph);
        QuantizationResult result = Quantize(graph, new QuantizationOptions { Method = method });
        GraphVerifier.Verify(graph);
        // No layer follows the Softmax.
        Assert.Equal("Softmax 'y'", Assert.Single(result.KeptFloat).Node);
        Assert.Equal(["fc", "y"], graph.Outputs.Select(o => o.Name));
        Assert.All(graph.Outputs, o => Assert.Equal(DType.Float32, o.DType));
        ProofReport proof = Compare(source, graph);
        Assert.True(proof.WorstOutputSqnr > 25, $"worst output {proof.WorstOutputSqnr:F1} dB");
        Assert.True(proof.WorstOutputSqnr < 80, "int8 cannot be this exact");
        Assert.True(proof.Layers.Count >= 10, $"{proof.Layers.Count} layers compared");

        CpuLowering.Run(graph);
        proof = Compare(source, graph, result);
        Assert.True(proof.WorstOutputSqnr > 25, $"worst lowered output {proof.WorstOutputSqnr:F1} dB");
        Assert.True(proof.Layers.Count >= 3, $"{proof.Layers.Count} lowered layers compared");
        Assert.True(proof.Layers[0].Sqnr > 20, $"worst lowered layer {proof.Layers[0].Name} {proof.Layers[0].Sqnr:F1} dB");
        Assert.Equal((3, 1, 1, 1, 0), (Count(graph, "QConv", "edgelite"), Count(graph, "QDepthwiseConv", "edgelite"), Count(graph, "QAdd", "edgelite"),
            Count(graph, "QGemm", "edgelite"), Count(graph, "QSoftmax", "edgelite")));
        Assert.Equal(1, Count(graph, "QuantizeLinear"));
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Conv" or "Gemm" or "Relu" or "Clip" or "HardSwish");
    }

    /// <summary>Layers, sums, products, tables and means between int16 tensors have integer forms; a file of them runs as the graph does.</summary>
    [Fact]
    public void Activations_of_16_bits_are_much_closer()
    {
        Graph source = GraphText.Parse(SmallNet), narrow = GraphText.Parse(SmallNet), wide = GraphText.Parse(SmallNet);
        foreach (Graph g in new[] { narrow, wide }) PassList.Optimize(g);
        Quantize(narrow);
        QuantizationResult result = Quantize(wide, new QuantizationOptions { Activations = DType.Int16 });
        Assert.Equal(new TensorQuantization(Of(result, "x").Scale, 0, DType.Int16), Of(result, "x"));
        double eight = Compare(source, narrow).WorstOutputSqnr, sixteen = Compare(source, wide).WorstOutputSqnr;
        Assert.True(sixteen > eight + 5, $"int8 {eight:F1} dB, int16x8 {sixteen:F1} dB");

        CpuLowering.Run(wide);
        Assert.Equal((3, 1, 1, 1, 1, 1), (Count(wide, "QConv", "edgelite"), Count(wide, "QDepthwiseConv", "edgelite"), Count(wide, "QAdd", "edgelite"),
            Count(wide, "QGemm", "edgelite"), Count(wide, "Lut", "edgelite"), Count(wide, "QMean", "edgelite")));
        Assert.All(wide.Nodes.Where(n => n.Is("QConv", "edgelite")), n => Assert.Equal((DType.Int16, DType.Int64), (n.Inputs[0]!.DType, n.Inputs[2]!.DType)));
        ProofReport proof = Compare(source, wide, result);
        Assert.True(proof.WorstOutputSqnr > sixteen - 1, $"{sixteen:F1} dB, lowered {proof.WorstOutputSqnr:F1} dB");
        Assert.True(proof.Layers.Count >= 3, $"{proof.Layers.Count} lowered layers compared");
    }

    [Fact]
    public void Quantizing_twice_gives_the_same_graph()
    {
        Graph a = GraphText.Parse(SmallNet), b = GraphText.Parse(SmallNet);
        Quantize(a);
        Quantize(b);
        Assert.Equal(GraphText.Dump(a), GraphText.Dump(b));
        Assert.Contains("quantized already", Assert.Throws<EdgeLiteException>(() => Quantize(a)).Message);
    }

    [Fact]
    public void Scales_are_what_the_samples_say()
    {
        Graph g = Parse("""
            input %x : float32[1,2]
            const %w : float32[2,2] = [1.27, 0, 0.5, -2.54]
            const %b : float32[2] = [0.5, -0.25]
            %y = Gemm(%x, %w, %b)
            output %y
            """);
        // x in [-1, 1.55]: scale 0.01, zero -28. y: (1.27 + 0.775 + 0.5, -3.937 - 0.25) and (-1.27 + 0.5 - 0.5, 2.54 - 0.25).
        var data = new Given([Tensor.FromArray<float>([1, 1.55f], new Shape(1, 2))], [Tensor.FromArray<float>([-1, -1], new Shape(1, 2))]);
        QuantizationResult r = Quantizer.Int8(g, data, new QuantizationOptions { Method = RangeMethod.MinMax });
        Assert.Equal(0.01, Of(r, "x").Scale, 6);
        Assert.Equal(-28, Of(r, "x").ZeroPoint);
        Assert.Equal((2.545 + 4.187) / 255, Of(r, "y").Scale, 6);
        Assert.Equal((int)Math.Round(-128 + 4.187 / ((2.545 + 4.187) / 255)), Of(r, "y").ZeroPoint);
        Node gemm = g.Nodes.Single(n => n.Is("Gemm"));
        Node w = gemm.Inputs[1]!.Producer!, b = gemm.Inputs[2]!.Producer!;
        Assert.Equal([127, 0, 50, -127], w.Inputs[0]!.Constant!.ToInt64Array());
        Assert.Equal([0.01f, 0.02f], w.Inputs[1]!.Constant!.ToArray<float>());
        Assert.Equal(1, w.Attributes.Int("axis", -1));
        Assert.Equal([5000, -1250], b.Inputs[0]!.Constant!.ToInt64Array());
        Assert.Equal(DType.Int32, b.Inputs[0]!.DType);
        Assert.Equal(4, r.QuantizedNodes + g.Nodes.Count(n => n.Is("DequantizeLinear")) - 1);
    }

    [Fact]
    public void Fixed_and_shared_parameters()
    {
        Graph g = Parse("""
            input %x : float32[1,4,8,8]
            const %w : float32[4,4,1,1] = seeded(1)
            const %shape : int64[2] = [1,-1]
            %c = Conv(%x, %w)
            %m = MaxPool(%c) {kernel_shape=[2,2], strides=[2,2]}
            %a = AveragePool(%m) {kernel_shape=[2,2], strides=[2,2]}
            %t = Transpose(%a) {perm=[0,2,3,1]}
            %s = Sigmoid(%t)
            %f = Reshape(%s, %shape)
            output %f
            """);
        QuantizationResult r = Quantize(g, new QuantizationOptions { Int8IO = true });
        foreach (string name in (string[])["m", "a", "t"]) Assert.Equal(Of(r, "c"), Of(r, name));
        Assert.Equal(new TensorQuantization(1f / 256, -128), Of(r, "s"));
        Assert.Equal(Of(r, "s"), Of(r, "f"));
        CpuLowering.Run(g);
        Assert.Single(g.Nodes, n => n.Is("Lut", "edgelite"));
        Assert.Single(g.Nodes, n => n.Is("QAveragePool", "edgelite"));
    }

    [Fact]
    public void Parts_of_a_Concat_share_a_scale_unless_one_would_lose_too_much()
    {
        Graph g = Parse("""
            input %x : float32[1,2,8,8]
            const %w1 : float32[2,2,1,1] = [1, 0, 0, 1]
            const %w2 : float32[2,2,1,1] = [2, 0, 0, 2]
            const %w3 : float32[2,2,1,1] = [0.01, 0, 0, 0.01]
            %a = Conv(%x, %w1)
            %b = Conv(%x, %w2)
            %c = Conv(%x, %w3)
            %y = Concat(%a, %b, %c) {axis=1}
            output %y
            """);
        QuantizationResult r = Quantize(g, new QuantizationOptions { Int8IO = true });
        Assert.Equal(Of(r, "y"), Of(r, "a"));
        Assert.Equal(Of(r, "y"), Of(r, "b"));
        Assert.True(Of(r, "c").Scale * 50 < Of(r, "y").Scale);
        CpuLowering.Run(g);
        Assert.Single(g.Nodes, n => n.Is("Requantize", "edgelite"));
    }

    [Fact]
    public void A_product_takes_its_bias_and_clamp_in()
    {
        Graph g = Parse("""
            input %x : float32[4,16]
            const %w : float32[16,8] = seeded(1)
            const %b : float32[8] = seeded(2)
            %m = MatMul(%x, %w)
            %a = Add(%m, %b)
            %r = Relu(%a)
            output %r
            """);
        QuantizationResult r = Quantize(g);
        Assert.Equal(["x", "r"], r.Parameters.Keys);
        Assert.Equal(-128, Of(r, "r").ZeroPoint);
        CpuLowering.Run(g);
        Assert.Equal("QuantizeLinear QGemm DequantizeLinear", string.Join(' ', g.Nodes.Select(n => n.OpType)));
    }

    /// <summary>As models with channels last are imported: a Transpose stands between a layer and its clamp.</summary>
    [Theory]
    [InlineData(DType.Int8)]
    [InlineData(DType.Int16)]
    public void A_layer_takes_its_clamp_in_across_a_Transpose(DType activations)
    {
        const string text = """
            graph "g" {
              input %x : float32[1,10,10,3]
              const %w1 : float32[8,3,3,3] = seeded(1, -0.4, 0.4)
              const %w2 : float32[8,1,3,3] = seeded(2, -0.5, 0.5)
              const %zero : float32[] = 0
              const %most : float32[] = 0.5
              %x1 = Transpose(%x) {perm=[0,3,1,2]}
              %c1 = Conv(%x1, %w1)
              %t1 = Transpose(%c1) {perm=[0,2,3,1]}
              %r1 = Clip "kept" (%t1, %zero, %most)
              %x2 = Transpose(%r1) {perm=[0,3,1,2]}
              %c2 = Conv(%x2, %w2) {group=8}
              %t2 = Transpose(%c2) {perm=[0,2,3,1]}
              %y = Relu(%t2)
              output %y
            }
            """;
        Graph source = GraphText.Parse(text), graph = GraphText.Parse(text), kept = GraphText.Parse(text);
        QuantizationResult result = Quantize(graph, new QuantizationOptions { Activations = activations });
        Assert.Equal(("y", new Shape(1, 6, 6, 8)), (graph.Outputs[0].Name, graph.Outputs[0].Shape));
        CpuLowering.Run(graph);
        Assert.Equal(["QuantizeLinear", "QConv", "QDepthwiseConv", "DequantizeLinear"], graph.Nodes.Select(n => n.OpType));
        ProofReport proof = Compare(source, graph, result);
        Assert.True(proof.WorstOutputSqnr > 25, $"{proof.WorstOutputSqnr:F1} dB");
        Assert.Contains(proof.Layers, l => l.Name == "r1");

        result = Quantize(kept, new QuantizationOptions { Activations = activations, KeepFloat = ["kept"] });
        Assert.Contains("Clip 'kept'", result.KeptFloat.Select(k => k.Node));
    }

    [Fact]
    public void Nodes_can_be_kept_float()
    {
        Graph g = GraphText.Parse(SmallNet);
        QuantizationResult r = Quantize(g, new QuantizationOptions { KeepFloat = ["c4", "Softmax", "f*"] });
        Assert.Equal(["Concat 'cat'", "Conv 'c4'", "Gemm 'fc'", "HardSwish 'h4'", "Reshape 'flat'", "Softmax 'y'"],
            r.KeptFloat.Select(k => k.Node).Where(n => !n.StartsWith("Concat", StringComparison.Ordinal)).Append("Concat 'cat'").Order(StringComparer.Ordinal));
        Assert.Contains("'c4'", r.KeptFloat.Single(k => k.Node.Contains("c4")).Reason);
        Node conv = g.Nodes.Single(n => n.Outputs[0]!.Name == "c4");
        Assert.NotNull(conv.Inputs[1]!.Constant);
        // It reads what the integer layers before it stored.
        Assert.True(conv.Inputs[0]!.Producer!.Is("DequantizeLinear"));
        Assert.Contains("'nothing'", Assert.Throws<EdgeLiteException>(() => Quantize(GraphText.Parse(SmallNet), new QuantizationOptions { KeepFloat = ["nothing"] })).Message);
    }

    [Fact]
    public void Inputs_and_outputs_become_int8_when_asked_for()
    {
        Graph source = GraphText.Parse(SmallNet), g = GraphText.Parse(SmallNet);
        QuantizationResult r = Quantize(g, new QuantizationOptions { Int8IO = true });
        Assert.All(g.Inputs.Concat(g.Outputs), v => Assert.Equal(DType.Int8, v.DType));
        Assert.Equal(["x", "fc", "y"], g.Inputs.Concat(g.Outputs).Select(v => v.Name));
        Assert.Equal("0.00390625 -128", g.Metadata["quantization.y"]);
        Assert.True(Compare(source, g).WorstOutputSqnr > 25);
        CpuLowering.Run(g);
        GraphVerifier.Verify(g);
        Assert.DoesNotContain(g.Nodes, n => n.OpType is "QuantizeLinear" or "DequantizeLinear");
        Assert.True(Compare(source, g, r).WorstOutputSqnr > 25);
    }

    [Fact]
    public void A_value_that_is_not_finite_stays_float()
    {
        Graph g = Parse("""
            input %x : float32[1,4]
            const %w : float32[4,4] = seeded(1)
            const %big : float32[4,4] = [3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38, 3e38]
            %a = MatMul(%x, %w)
            %b = MatMul(%x, %big)
            output %a
            output %b
            """);
        QuantizationResult r = Quantize(g);
        KeptFloat kept = Assert.Single(r.KeptFloat);
        Assert.Contains("'b' held NaN or infinity", kept.Reason);
        Assert.Equal(["x", "a"], r.Parameters.Keys);
    }

    private const string Imbalanced = """
        input %x : float32[1,4,12,12]
        const %dw : float32[4,1,3,3] = seeded(1, 0.1, 0.3)
        const %gain : float32[4,1,1,1] = [1, 0.02, 8, 0.2]
        const %b : float32[4] = [0.1, 0.001, 0.5, -0.02]
        const %pw : float32[8,4,1,1] = [1, 40, 0.1, 4, -1, 50, 0.1, 5, 2, 30, -0.1, 6, 1, -50, 0.2, 5, 1, 40, 0.1, -4, 1, 60, 0.1, 5, -2, 30, 0.1, 6, 1, 50, 0.1, 5]
        %w = Mul(%dw, %gain)
        %d = Conv(%x, %w, %b) {group=4}
        %p = Conv(%d, %pw)
        output %p
        """;

    [Fact]
    public void Channels_between_layers_are_equalized()
    {
        Graph source = Parse(Imbalanced), same = Parse(Imbalanced);
        PassList.Optimize(same);
        Assert.Equal(2, same.Nodes.Count);
        var runner = new InterpreterRunner(same);
        Assert.Equal(1, ChannelEqualization.Run(same, _ => true, onValue => runner.Run(new Waves(source, 1).Load(0), onValue)));
        GraphVerifier.Verify(same);
        Assert.InRange(Compare(source, same).WorstOutputSqnr, 110, 200);
        Assert.Equal(0, ChannelEqualization.Run(same, n => n.Name != "p", onValue => Assert.Fail("nothing is to be observed")));

        Assert.True(Quality(true) > Quality(false) + 6, $"equalized {Quality(true):F1} dB, not {Quality(false):F1} dB");

        double Quality(bool equalize)
        {
            Graph graph = Parse(Imbalanced);
            PassList.Optimize(graph);
            Quantize(graph, new QuantizationOptions { EqualizeChannels = equalize });
            return Compare(source, graph).WorstOutputSqnr;
        }
    }

    [Fact]
    public void Bias_makes_up_for_rounded_weights()
    {
        // 1.27 sets the scale 0.01; 0.1249 is stored as 0.12. Both inputs are 2 on average.
        Graph g = Parse("""
            input %x : float32[1,2]
            const %w : float32[2,1] = [1.27, 0.1249]
            const %b : float32[1] = [0.5]
            %y = Gemm(%x, %w, %b)
            output %y
            """);
        var data = new Given([Tensor.FromArray<float>([1, 2.55f], new Shape(1, 2))], [Tensor.FromArray<float>([3, 1.45f], new Shape(1, 2))]);
        Quantizer.Int8(g, data, new QuantizationOptions { Method = RangeMethod.MinMax });
        Node b = g.Nodes.Single(n => n.Is("Gemm")).Inputs[2]!.Producer!;
        Assert.Equal(0.5 + 0.0049 * 2, b.Inputs[0]!.Constant!.GetInt64(0) * b.Inputs[1]!.Constant!.GetDouble(0), 3);
    }

    [Fact]
    public void Large_constants_become_float16()
    {
        Graph source = GraphText.Parse(SmallNet), g = GraphText.Parse(SmallNet);
        HalfResult r = Quantizer.Half(g, DType.Float16);
        GraphVerifier.Verify(g);
        // Of all constants only w3 (864 elements) has more than 256.
        Assert.Equal((1, 864 * 4, 864 * 2), (r.Constants, r.BytesBefore, r.BytesAfter));
        Assert.Equal(1, Count(g, "Cast"));
        Node cast = g.Nodes.Single(n => n.Is("Cast"));
        Assert.Equal(DType.Float32, cast.Output.DType);
        Tensor w = source.Find("w3")!.Constant!, half = cast.Inputs[0]!.Constant!;
        Assert.Equal(DType.Float16, half.DType);
        for (long i = 0; i < w.Count; i++)
            Assert.True(Math.Abs(w.GetDouble(i) - half.GetDouble(i)) <= Math.Max(Math.Abs(w.GetDouble(i)) / 2048, Math.ScaleB(1, -25)), $"element {i}");
        ProofReport proof = Compare(source, g);
        Assert.InRange(proof.WorstOutputSqnr, 60, 200);

        Graph large = Parse("""
            input %x : float32[300]
            const %w : float32[300] = seeded(1, 70000, 80000)
            %y = Add(%x, %w)
            output %y
            """);
        Assert.Equal(["w"], Quantizer.Half(large, DType.Float16).TooLarge);
        Assert.Equal(0, Count(large, "Cast"));
    }

    [Fact]
    public void Bfloat16_keeps_numbers_beyond_float16_and_runs()
    {
        Graph source = GraphText.Parse(SmallNet), g = GraphText.Parse(SmallNet);
        Assert.Equal((1, 864 * 4, 864 * 2), Quantizer.Half(g, DType.BFloat16) is var r ? (r.Constants, r.BytesBefore, r.BytesAfter) : default);
        Tensor w = source.Find("w3")!.Constant!, stored = g.Nodes.Single(n => n.Is("Cast")).Inputs[0]!.Constant!;
        Assert.Equal(DType.BFloat16, stored.DType);
        for (long i = 0; i < w.Count; i++) Assert.True(Math.Abs(w.GetDouble(i) - stored.GetDouble(i)) <= Math.Abs(w.GetDouble(i)) / 256, $"element {i}");
        Assert.InRange(Proof.Compare(new InterpreterRunner(source), new EdgeLite.Converter.NativeRunner(g), new Waves(source, 4), 4).WorstOutputSqnr, 42, 200);

        Graph large = Parse("""
            input %x : float32[300]
            const %w : float32[300] = seeded(1, 70000, 80000)
            %y = Add(%x, %w)
            output %y
            """);
        Assert.Empty(Quantizer.Half(large, DType.BFloat16).TooLarge);
    }

    /// <summary>Inputs that move together: what one weight loses another can make up for.</summary>
    [Theory]
    [InlineData("Conv", "input %x : float32[1,12,9,9]\n const %w : float32[16,12,3,3] = seeded(4)\n %y = Conv(%x, %w) {pads=[1,1,1,1], strides=[2,2]}")]
    [InlineData("Conv", "input %x : float32[1,12,9,9]\n const %w : float32[12,1,3,3] = seeded(4)\n %y = Conv(%x, %w) {group=12, pads=[1,1,1,1]}")]
    [InlineData("Conv", "input %x : float32[1,12,40]\n const %w : float32[8,6,5] = seeded(4)\n %y = Conv(%x, %w) {group=2}")]
    [InlineData("MatMul", "input %x : float32[20,64]\n const %w : float32[64,24] = seeded(4)\n %y = MatMul(%x, %w)")]
    [InlineData("Gemm", "input %x : float32[20,64]\n const %w : float32[24,64] = seeded(4)\n %y = Gemm(%x, %w) {transB=1}")]
    public void Adaptive_rounding_loses_less_of_a_layers_result(string layer, string text)
    {
        Graph g = Parse(text + "\n output %y");
        Node node = g.Nodes.Single(n => n.Is(layer));
        Tensor w = node.Inputs[1]!.Constant!;
        int axis = layer == "MatMul" ? 1 : 0;
        float[] scales = [.. ChannelWeights.Largest(w, axis).Select(most => most / 127)];
        var samples = new Waves(g, 60);
        var rounding = new AdaptiveRounding();
        for (int s = 0; s < 40; s++) rounding.Add(node, samples.Load(s)[0]);
        double nearest = Error(ChannelWeights.Quantize(w, axis, scales)), adaptive = Error(rounding.Round(node, w, axis, scales)!);
        Assert.True(adaptive < 0.5 * nearest, $"noise {nearest:g3} rounded to nearest, {adaptive:g3} adaptively");

        // On samples that the rounding has not seen.
        double Error(Tensor stored)
        {
            Graph rounded = GraphCopy.Of(g);
            Tensor target = rounded.Nodes.Single(n => n.Is(layer)).Inputs[1]!.Constant!.Clone();
            long inner = target.Shape.Product(axis + 1, target.Shape.Rank);
            for (long i = 0; i < target.Count; i++) target.SetDouble(i, scales[i / inner % scales.Length] * (double)stored.GetInt64(i));
            rounded.SetInput(rounded.Nodes.Single(n => n.Is(layer)), 1, rounded.AddConstant("rounded", target));
            double noise = 0;
            for (int s = 40; s < 60; s++)
            {
                Tensor a = new GraphInterpreter(g).Run([.. samples.Load(s)])[0], b = new GraphInterpreter(rounded).Run([.. samples.Load(s)])[0];
                for (long i = 0; i < a.Count; i++) noise += Math.Pow(a.GetDouble(i) - b.GetDouble(i), 2);
            }
            return noise;
        }
    }
}
