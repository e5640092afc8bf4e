using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Makes a float graph smaller: int8 by calibration, or weights of fewer bits.</summary>
public static class Quantizer
{
    /// <summary>Ranges of channels need fewer samples than those of tensors.</summary>
    private const int EqualizationSamples = 16;

    /// <summary>
    /// Quantizes <paramref name="graph"/> in place after training: activations int8 with one scale and zero point a tensor or a group of channels, or int16 around
    /// zero (<see cref="QuantizationOptions.Activations"/>), weights int8 around zero with a scale for each output channel, biases int32. The graph keeps ONNX operators, with QuantizeLinear and
    /// DequantizeLinear around them; the lowering makes integer layers of them. Run it on an optimised graph with inferred types;
    /// subgraphs of control flow stay float. Method: Jacob et al., "Quantization and Training of Neural Networks for Efficient
    /// Integer-Arithmetic-Only Inference", 2018, and Krishnamoorthi, arXiv 1806.08342.
    /// </summary>
    public static QuantizationResult Int8(Graph graph, ICalibrationData data, QuantizationOptions options, IProgress<QuantizationProgress>? progress = null)
    {
        Observations seen = Calibrate(graph, data, options, progress);
        double sqnr = double.NaN;
        // int16 has steps enough for the smallest and the largest number.
        if (options.Method == RangeMethod.Best) (options, sqnr) = options.Activations == DType.Int16 ? (options with { Method = RangeMethod.MinMax }, sqnr) : ObserverChoice.Choose(graph, data, seen, options, progress);
        return Apply(graph, seen, options, progress) with { Sqnr = sqnr };
    }

    /// <summary>True where the source's framework quantized activations already; <see cref="Int8"/> refuses such a graph, whose own scales are
    /// the better ones.</summary>
    public static bool IsQuantized(Graph graph) => graph.Nodes.Any(n => n.OpType == "QuantizeLinear");

    /// <summary>Orders clamps and equalises channels in place, and observes every value on the samples.</summary>
    internal static Observations Calibrate(Graph graph, ICalibrationData data, QuantizationOptions options, IProgress<QuantizationProgress>? progress)
    {
        if (graph.Nodes.FirstOrDefault(n => n.OpType == "QuantizeLinear") is { } quantized)
            throw new EdgeLiteException(Status.InvalidArgument, $"Graph '{graph.Name}' is quantized already ({quantized}); convert it without int8 quantization.");
        int samples = Math.Min(data.Count, options.MaxSamples);
        if (samples < 1) throw new EdgeLiteException(Status.InvalidArgument, "int8 quantization needs at least one sample of calibration data.");
        ClampOrder.Run(graph, node => !options.IsKeptFloat(node));
        if (options.EqualizeChannels) ChannelEqualization.Run(graph, node => !options.IsKeptFloat(node), onValue => Show("equalize", onValue));
        if (options is { GroupsActivations: true, Activations: DType.Int8 }) ChannelGroups.Run(graph, node => !options.IsKeptFloat(node), onValue => Show("group channels", onValue));
        if (options.SmoothNormalizations) SmoothScaling.Run(graph, node => !options.IsKeptFloat(node), onValue => Show("smooth", onValue));
        var means = new ChannelMeans();
        AdaptiveRounding? rounding = options.RoundAdaptively ? new AdaptiveRounding() : null;
        return new Observations(Observe(graph, data, samples, options, means, rounding, progress), means, rounding, samples);

        void Show(string stage, Action<Value, Tensor> onValue)
        {
            using IGraphRunner runner = options.Runner(graph);
            int few = Math.Min(samples, EqualizationSamples);
            for (int i = 0; i < few; i++)
            {
                progress?.Report(new(stage, i, few));
                runner.Run(data.Load(i), onValue);
            }
        }
    }

    /// <summary>Quantizes the graph in place by what was observed on it.</summary>
    internal static QuantizationResult Apply(Graph graph, Observations seen, QuantizationOptions options, IProgress<QuantizationProgress>? progress = null)
    {
        var plan = new QuantizationPlan(graph, seen.Ranges, options);
        int active = plan.Active.Count() + graph.Nodes.Count(n => options.FormOf(n) is LayerForm.EightBits or LayerForm.FourBits);
        (Node Node, KeptFloat Kept)[] kept = [.. plan.KeptFloat()];
        progress?.Report(new("quantize", 0, 1));
        ChannelMeans means = options.CorrectBias ? seen.Means : new ChannelMeans();
        AdaptiveRounding? rounding = options.RoundAdaptively ? seen.Rounding : null;
        var insertion = new QdqInsertion(graph, plan, means, rounding);
        insertion.Run();
        Dictionary<string, TensorQuantization> parameters = insertion.ParametersByName;
        if (options.Forms.Values.Contains(LayerForm.SixteenBits))
        {
            // Between layers of int16 values are what they were, or what is dequantized from int8.
            var ranges = new Dictionary<Value, RangeObserver>(seen.Ranges);
            foreach ((Value value, (_, Value real)) in insertion.Pairs) ranges[real] = ranges[value];
            var wide = new QuantizationPlan(graph, ranges, options with { Activations = DType.Int16, Method = RangeMethod.MinMax }, plan);
            HashSet<Node> added = [.. wide.Active];
            kept = [.. kept.Where(k => !added.Contains(k.Node))];
            active += added.Count;
            var second = new QdqInsertion(graph, wide, means, rounding);
            second.Run();
            foreach ((string name, TensorQuantization q) in second.ParametersByName) parameters[name] = q;
        }
        foreach (Node node in graph.Nodes.ToArray())
            if (options.FormOf(node) is { } form and (LayerForm.EightBits or LayerForm.FourBits)) BlockWeights.Replace(graph, node, new BlockWeightOptions { Bits = form == LayerForm.FourBits ? 4 : 8 });
        EmbeddingTables.Run(graph, node => !options.IsKeptFloat(node));
        if (options.Int8IO) NarrowEnds(graph, plan, insertion);
        GraphVerifier.Verify(graph);
        progress?.Report(new("quantize", 1, 1));
        return new QuantizationResult { Graph = graph, Parameters = parameters, QuantizedNodes = active, KeptFloat = [.. kept.Select(k => k.Kept)], Samples = seen.Samples, Method = options.Method, Percentile = options.Percentile };
    }

    /// <summary>Stores float32 constants of more than 256 elements as float16 or bfloat16 with a Cast to float32 behind, subgraphs included.
    /// Constants with numbers beyond the type (65504 for float16) stay.</summary>
    public static HalfResult Half(Graph graph, DType type) => HalfWeights.Run(graph, type);

    /// <summary>The type of 16 bits in which a model's weights are, or null where it has none such: <see cref="Passes.HalfPromotion"/> makes float32 of
    /// them, to be computed with.</summary>
    public static DType? HalfType(Graph graph) => graph.Values.FirstOrDefault(v => v.Constant is { DType: DType.Float16 or DType.BFloat16, Count: > HalfWeights.MinElements })?.DType;

    /// <summary>Stores again in 16 bits what came so: float32 constants, as in <see cref="Half"/>, of which no number changes.</summary>
    public static HalfResult HalfAgain(Graph graph, DType type) => HalfWeights.Run(graph, type, onlyExact: true);

    /// <summary>Stores the matrices of recurrent layers, which compute in float, as int8 with a scale for each unit of each gate. Run it on a
    /// lowered graph.</summary>
    /// <param name="graph">lowered; changed in place</param>
    /// <param name="keepFloat">names and operator types of layers that are left, as <see cref="QuantizationOptions.KeepFloat"/></param>
    /// <returns>matrices stored so</returns>
    public static int StoreRecurrent(Graph graph, IReadOnlyList<string>? keepFloat = null) => RecurrentWeights.Run(graph, keepFloat ?? []);

    /// <summary>Stores matrices of MatMul and Gemm in 2, 3, 4 or 8 bits, in blocks with scales of their own; activations stay float. Run it on
    /// an optimised graph with inferred types.</summary>
    public static BlockWeightResult Weights(Graph graph, BlockWeightOptions options, IProgress<QuantizationProgress>? progress = null) => BlockWeights.Run(graph, options, progress);

    /// <summary>Makes products with constant matrices integer ones: weights int8, the other operand rounded while the model runs.</summary>
    public static DynamicResult Dynamic(Graph graph, IReadOnlyList<string>? keepFloat = null) => DynamicWeights.Run(graph, keepFloat ?? []);

    /// <summary>The range of every float32 value that can become int8.</summary>
    private static Dictionary<Value, RangeObserver> Observe(Graph graph, ICalibrationData data, int samples, QuantizationOptions options, ChannelMeans means,
        AdaptiveRounding? rounding, IProgress<QuantizationProgress>? progress)
    {
        var observed = new Dictionary<Value, RangeObserver>();
        foreach (Node node in graph.Nodes)
        {
            if (QuantizationRoles.Of(node).Role == QuantizationRole.Float) continue;
            foreach (Value? value in node.Inputs.Concat(node.Outputs))
                if (QuantizationRoles.IsActivation(value)) observed.TryAdd(value!, new RangeObserver());
        }
        foreach (Value input in graph.Inputs)
            if (QuantizationRoles.IsActivation(input)) observed.TryAdd(input, new RangeObserver());
        ILookup<Value, Node> layers = graph.Nodes.Where(n => QuantizationRoles.Of(n).Role == QuantizationRole.Layer).ToLookup(n => n.Inputs[0]!);
        using IGraphRunner runner = options.Runner(graph);
        for (int i = 0; i < samples; i++)
        {
            progress?.Report(new("calibrate", i, samples));
            runner.Run(data.Load(i), (value, tensor) =>
            {
                if (tensor.DType != DType.Float32 || !observed.TryGetValue(value, out RangeObserver? observer)) return;
                observer.Observe(tensor.Span<float>());
                // Readers of one kind see the same means.
                foreach (Node layer in layers[value].DistinctBy(l => l.OpType is "Conv" or "ConvTranspose")) means.Add(layer, tensor);
                if (rounding == null) return;
                foreach (Node layer in layers[value]) rounding.Add(layer, tensor);
            });
        }
        progress?.Report(new("calibrate", samples, samples));
        return observed;
    }

    /// <summary>Inputs and outputs whose values are quantized become integers; their parameters go to the metadata as
    /// <c>quantization.NAME = SCALE ZERO_POINT</c>.</summary>
    private static void NarrowEnds(Graph graph, QuantizationPlan plan, QdqInsertion insertion)
    {
        foreach ((Value value, (Value stored, Value real)) in insertion.Pairs)
        {
            int output = graph.Outputs.ToList().IndexOf(real);
            TensorQuantization p = plan.Parameters[value];
            if (value.Producer == null)
            {
                string name = value.Name;
                // The input itself holds integers from now on; what quantized it goes.
                Node quantize = stored.Producer!;
                graph.SetInput(real.Producer!, 0, value);
                for (int i = 0; i < graph.Outputs.Count; i++)
                    if (graph.Outputs[i] == stored) graph.SetOutput(i, value);
                graph.Remove(quantize);
                value.Type = new TensorType(p.Type, value.Shape);
                Note(name, p);
            }
            else if (output >= 0)
            {
                string name = real.Name;
                for (int i = 0; i < graph.Outputs.Count; i++)
                    if (graph.Outputs[i] == real) graph.SetOutput(i, stored);
                if (real.Consumers.Count == 0) graph.Remove(real.Producer!);
                else graph.Rename(real, graph.FreshName(name + ".dequantized"));
                graph.Rename(stored, name);
                Note(name, p);
            }
        }
        foreach (Value constant in graph.Values.Where(v => v.IsConstant && v.Consumers.Count == 0 && !graph.Outputs.Contains(v)).ToArray()) graph.Remove(constant);

        void Note(string name, TensorQuantization p) =>
            graph.Metadata["quantization." + name] = string.Create(CultureInfo.InvariantCulture, $"{p.Scale:R} {p.ZeroPoint}");
    }
}

/// <summary>What calibration saw of a graph's values.</summary>
internal sealed record Observations(Dictionary<Value, RangeObserver> Ranges, ChannelMeans Means, AdaptiveRounding? Rounding, int Samples)
{
    /// <summary>The same of a copy of the graph, whose values have the same names.</summary>
    public Observations Of(Graph copy) => new(Ranges.ToDictionary(pair => copy.Find(pair.Key.Name)!, pair => pair.Value), Means.Of(copy), Rounding, Samples);
}
