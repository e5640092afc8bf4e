using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Layers go back to float until a budget is met, no more of them than it needs.</summary>
public class BudgetSearchTests
{
    [SharedFact("zoo/tflite")]
    public void A_higher_budget_costs_more_bytes_and_is_met_on_other_samples()
    {
        BudgetResult none = Search(10), wide = Search(25), some = Search(48), most = Search(55);
        Assert.Empty(none.Sensitivity);
        Assert.All(none.Trials.Concat(wide.Trials), t => Assert.Equal(0, t.FloatLayers));
        // Some layers are enough, between int16 and not float.
        Assert.Contains(wide.Trials, t => t is { Meets: true, SixteenBitLayers: > 0 and < 10 });
        Assert.Equal([DType.Int8, DType.Int16], wide.Quantization.Parameters.Values.Select(q => q.Type).Distinct().Order());
        Assert.Equal((none.Quantization.QuantizedNodes, none.Quantization.KeptFloat.Count), (wide.Quantization.QuantizedNodes, wide.Quantization.KeptFloat.Count));
        BudgetResult mixed = Search(25, triesInt16: false);
        Assert.True(mixed.Trials[^1] is { SixteenBitLayers: > 0, FloatLayers: 0 } or { SixteenBitLayers: 0, FloatLayers: > 0 } && Least(mixed) >= Least(wide));
        Assert.Equal(10, some.Sensitivity.Count);
        Assert.True(Least(none) == Least(wide) && Least(wide) < Least(some) && Least(some) < Least(most), $"{Least(none)} {Least(wide)} {Least(some)} {Least(most)}");
        Assert.InRange(most.Quantization.QuantizedNodes, 1, some.Quantization.QuantizedNodes - 1);
        Assert.Contains(some.Quantization.KeptFloat, k => k.Reason == "the budget needs it");

        // Of the trials that are shown, each larger one is better.
        Assert.Equal(most.Pareto.Select(t => t.Score).Order(), most.Pareto.Select(t => t.Score));

        Graph source = Resnet();
        ProofReport proof = Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(some.Quantization.Graph), Crops(8, 9), 8);
        Assert.True(proof.WorstOutputSqnr > 21, $"{proof.WorstOutputSqnr:F1} dB");
    }

    [SharedFact("zoo/tflite")]
    public void A_score_stands_for_the_error_and_one_that_is_never_reached_is_an_error()
    {
        Graph graph = Resnet();
        PassList.Optimize(graph);
        int asked = 0;
        BudgetResult result = BudgetSearch.Run(graph, Crops(8, 3), new QuantizationOptions(), double.PositiveInfinity,
            g => ++asked > 0 ? g.Nodes.Count(n => n.OpType == "Conv" && n.Inputs[1]!.IsConstant) : 0, 3);
        Assert.Equal(result.Trials.Count, asked);
        Assert.Equal(3, result.Quantization.Graph.Nodes.Count(n => n.OpType == "Conv" && n.Inputs[1]!.IsConstant));

        Graph again = Resnet();
        PassList.Optimize(again);
        var error = Assert.Throws<EdgeLiteException>(() => BudgetSearch.Run(again, Crops(8, 3), new QuantizationOptions(), 0, _ => 0, 1));
        Assert.Contains("every layer", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Layers between int16 and layers between int8, as the interpreter of the quantized graph has them and as kernels do: integer layers of both types.</summary>
    [SharedFact("zoo/tflite")]
    public void Layers_of_int16_among_layers_of_int8_compute_in_integers()
    {
        BudgetResult found = Search(25);
        Graph graph = found.Quantization.Graph, lowered = GraphCopy.Of(graph);
        CpuLowering.Run(lowered);
        DType[] types = [.. lowered.Nodes.Where(n => n.OpType is "QConv" or "QGemm").Select(n => n.Inputs[0]!.DType)];
        Assert.Equal(10, types.Length);
        Assert.Equal([DType.Int8, DType.Int16], types.Distinct().Order());
        using var native = new NativeRunner(graph, showValues: false);
        ProofReport proof = Proof.Compare(new InterpreterRunner(graph), native, Crops(8, 9), 8);
        Assert.True(proof.WorstOutputSqnr > 30, $"{proof.WorstOutputSqnr:F1} dB");
    }

    /// <summary>Half of the inputs are a hundred times as large as the others: one scale is too coarse for these, but a scale for each 32 is not.</summary>
    [Fact]
    public void A_dense_layer_that_one_scale_is_too_coarse_for_stays_in_integers()
    {
        const double Budget = 30;
        Graph graph = GraphText.Parse("""
            graph "g" {
              input %x : float32[16,64]
              const %w : float32[64,48] = seeded(1)
              const %v : float32[48,32] = seeded(2)
              %h = MatMul(%x, %w)
              %r = Relu(%h)
              %y = MatMul(%r, %v)
              output %y
            }
            """);
        PassList.Optimize(graph);
        foreach (ref float w in graph.Find("w")!.Constant!.Span<float>()[(32 * 48)..]) w /= 100;
        Given samples = new([.. Enumerable.Range(0, 12).Select(i =>
        {
            var x = new Tensor(DType.Float32, new Shape(16, 64));
            SeededFill.Fill(x, (ulong)i);
            for (int row = 0; row < 16; row++)
                foreach (ref float v in x.Span<float>().Slice(row * 64 + 32, 32)) v *= 100;
            return new[] { x };
        })]);
        BudgetResult found = BudgetSearch.Run(graph, samples, new QuantizationOptions(), Budget);
        BudgetTrial chosen = found.Trials.Where(t => t.Meets).MinBy(t => t.WeightBytes)!;
        Assert.True(chosen is { FloatLayers: 0, EightBitLayers: 1, FourBitLayers: 0 }, chosen.ToString());
        Node layer = Assert.Single(found.Quantization.Graph.Nodes, n => n.OpType == "BlockGemm");
        Assert.Equal((8, 1), (layer.Attributes.Int("bits", 0), layer.Attributes.Int("int8", 0)));
        Assert.Equal(2, found.Quantization.QuantizedNodes);
        Assert.DoesNotContain(found.Quantization.KeptFloat, k => k.Node.Contains("MatMul", StringComparison.Ordinal));
    }

    /// <summary>The first layer's channels reach from 1 to 1000, and no factor passes the Softsign behind, nor has it tables in groups: in int8 the small ones are lost. The second layer loses nothing.</summary>
    [Theory]
    [InlineData(BudgetSearch.PlainSqnr, false, 1)]
    [InlineData(BudgetSearch.PlainSqnr, true, 0)]
    [InlineData(0, false, 0)]
    public void Plain_int8_leaves_the_layer_in_float_that_its_outputs_cannot_bear(double least, bool int8Io, int kept)
    {
        Graph source = Parse(), graph = Parse();
        Given samples = new([.. Enumerable.Range(0, 12).Select(i => new[] { Equivalence.Random(source.Inputs[0], i) })]);
        BudgetResult found = BudgetSearch.Int8(graph, samples, new QuantizationOptions { Int8IO = int8Io }, least);
        Assert.Equal(kept, found.Quantization.KeptFloat.Count(k => k.Reason == "the budget needs it"));
        Assert.Equal(kept > 0, found.Trials.Count > 0);
        if (int8Io) return;
        ProofReport proof = Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(found.Quantization.Graph), samples, 12);
        Assert.True(proof.WorstOutputSqnr > BudgetSearch.PlainSqnr == kept > 0, $"{proof.WorstOutputSqnr:F1} dB");

        static Graph Parse()
        {
            Graph parsed = GraphText.Parse("""
                graph "g" {
                  input %x : float32[1,8,12,12]
                  const %w : float32[16,8,3,3] = seeded(1)
                  const %v : float32[8,16,3,3] = seeded(2)
                  %a = Conv(%x, %w) {pads=[1,1,1,1]}
                  %s = Softsign(%a)
                  %y = Conv(%s, %v) {pads=[1,1,1,1]}
                  output %y
                }
                """);
            PassList.Optimize(parsed);
            foreach (ref float w in parsed.Find("w")!.Constant!.Span<float>()[..(8 * 9)]) w *= 1000;
            return parsed;
        }
    }

    /// <summary>Every output is behind a choice: the heat map that is chosen from is what noise is measured on, by which a coarse first layer is found.</summary>
    [Fact]
    public void Noise_of_what_a_choice_reads_counts_where_all_outputs_are_behind_it()
    {
        Graph graph = GraphText.Parse("""
            graph "g" {
              input %x : float32[1,8,12,12]
              const %w : float32[4,8,3,3] = seeded(1)
              const %shape : int64[2] = [4, 144]
              const %zero : float32[] = [0]
              %heat = Conv(%x, %w) {pads=[1,1,1,1]}
              %flat = Reshape(%heat, %shape)
              %best = ArgMax(%flat) {axis=1}
              %number = Cast(%best) {to=1}
              output %number
            }
            """);
        PassList.Optimize(graph);
        Given samples = new([.. Enumerable.Range(0, 8).Select(i => new[] { Equivalence.Random(graph.Inputs[0], i) })]);
        QuantizationResult result = Quantizer.Int8(graph, samples, new QuantizationOptions());
        Assert.InRange(result.Sqnr, 25, 60);
    }

    /// <summary>MLPerf Tiny's anomaly detector: ten dense layers.</summary>
    [SharedFact("zoo/tflite")]
    public void Weights_of_4_bits_are_taken_where_small_counts_and_the_budget_lets()
    {
        const double Budget = 24;
        Graph source = Import(), graph = Import();
        PassList.Optimize(graph);
        BudgetResult found = BudgetSearch.Run(graph, new LogMelWindows(Sound("yes"), 0.1, 0.3, 1, 3), new QuantizationOptions { TriesFourBits = true }, Budget);
        BudgetTrial chosen = found.Trials.Where(t => t.Meets).MinBy(t => t.WeightBytes)!, whole = found.Trials[0];
        Assert.True(chosen is { FloatLayers: 0, FourBitLayers: > 2 } && chosen.WeightBytes < 0.8 * whole.WeightBytes, chosen.ToString());
        Assert.All(found.Trials, t => Assert.InRange(t.Milliseconds, 1e-6, 1000));
        Assert.Equal(chosen.FourBitLayers, found.Quantization.Graph.Nodes.Count(n => n.OpType == "BlockGemm" && n.Attributes.Int("bits", 0) == 4));
        ProofReport proof = Proof.Compare(new InterpreterRunner(source), new InterpreterRunner(found.Quantization.Graph), new LogMelWindows(Sound("no"), 0.2, 1, 2), 20);
        Assert.True(proof.WorstOutputSqnr > Budget - 4, $"{proof.WorstOutputSqnr:F1} dB");

        static Graph Import() => TfliteImporter.Import(Path.Combine(SharedData.Folder!, "zoo/tflite/tiny_ad01_fp32/model.tflite"));
    }

    [Theory]
    [InlineData(3, 3, 3)]
    [InlineData(8, 6, 2)]
    [InlineData(100, 84, 16)]
    public void Held_back_samples_are_not_calibrated_with(int count, int calibration, int heldBack)
    {
        Tensor[][] all = [.. Enumerable.Range(0, count).Select(i => new[] { Tensor.FromScalar((float)i) })];
        (ICalibrationData a, ICalibrationData b) = SplitSamples.Of(new Given(all), count, 16);
        Assert.Equal((calibration, heldBack), (a.Count, b.Count));
        if (count < 4) return;
        Assert.Empty(Numbers(a).Intersect(Numbers(b)));

        static IEnumerable<double> Numbers(ICalibrationData data) => Enumerable.Range(0, data.Count).Select(i => data.Load(i)[0].GetDouble(0));
    }

    private static BudgetResult Search(double decibels, bool triesInt16 = true)
    {
        Graph graph = Resnet();
        PassList.Optimize(graph);
        BudgetResult result = BudgetSearch.Run(graph, Crops(24, 5), new QuantizationOptions { TriesInt16 = triesInt16 }, decibels);
        Assert.Contains(result.Trials, t => t.Meets && t.Sqnr >= decibels);
        return result;
    }

    private static long Least(BudgetResult result) => result.Trials.Where(t => t.Meets).Min(t => t.WeightBytes);

    private static Graph Resnet() => TfliteImporter.Import(Path.Combine(SharedData.Folder!, "zoo/tflite/tiny_resnet8_fp32/model.tflite"));

    private static string Sound(string word) => Path.Combine(SharedData.Folder!, $"zoo/media/{word}_1000ms.wav");

    private static PhotoCrops Crops(int count, int seed) =>
        new([.. new[] { "cat.jpg", "coffee.jpg", "image2.jpg", "street_image1.jpg" }.Select(n => Path.Combine(SharedData.Folder!, "zoo/media", n))], count, 32, 1, seed);
}
