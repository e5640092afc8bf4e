using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>One model that a search tried: which layers stay float, what it costs and how good it is.</summary>
/// <param name="Observer">how ranges were taken</param>
/// <param name="Repairs">repairs besides those that are on anyway, as their options are called</param>
/// <param name="FloatLayers">layers kept in float</param>
/// <param name="SixteenBitLayers">layers between tensors of int16, where the others are between tensors of int8</param>
/// <param name="EightBitLayers">dense layers with weights of 8 bits and an input rounded to int8 as the model runs, both in blocks</param>
/// <param name="FourBitLayers">the same with weights of 4 bits</param>
/// <param name="WeightBytes">bytes of the weights of all layers</param>
/// <param name="Milliseconds">the fastest run on a held-back sample, on this machine and one thread</param>
/// <param name="Sqnr">lowest SQNR of the outputs on held-back samples, dB</param>
/// <param name="Score">what the budget measured; the SQNR where it is that</param>
/// <param name="Meets">within the budget</param>
public sealed record BudgetTrial(RangeMethod Observer, string Repairs, int FloatLayers, int SixteenBitLayers, int EightBitLayers, int FourBitLayers, long WeightBytes, double Milliseconds, double Sqnr, double Score, bool Meets);

/// <summary>A layer and how much of the output's noise it makes alone.</summary>
/// <param name="Layer">name of its result</param>
/// <param name="Sqnr">at the outputs when this layer alone is int8, dB</param>
/// <param name="SavedBytes">what int8 weights save</param>
public sealed record LayerSensitivity(string Layer, double Sqnr, long SavedBytes);

/// <summary>What a search found.</summary>
public sealed record BudgetResult(QuantizationResult Quantization, IReadOnlyList<BudgetTrial> Trials, IReadOnlyList<LayerSensitivity> Sensitivity)
{
    /// <summary>Trials of which no other one is both smaller and better, smallest first.</summary>
    public IReadOnlyList<BudgetTrial> Pareto =>
        [.. Trials.Where(t => !Trials.Any(o => o != t && o.WeightBytes <= t.WeightBytes && o.Score >= t.Score && (o.WeightBytes < t.WeightBytes || o.Score > t.Score)))
            .DistinctBy(t => (t.WeightBytes, t.Score)).OrderBy(t => t.WeightBytes)];
}

/// <summary>
/// Finds the smallest mixture of forms of layers within a budget. First all layers in int8, with repairs in the order of their cost:
/// every observer, then weights rounded adaptively, then normalizations smoothed where there are such, then activations in groups of channels.
/// If the best of these is outside of the budget, each layer alone in int8, once, which gives its share of the noise.
/// Layers leave it in the order of noise for each byte that they save, or of noise alone, and the fewest that suffice are found by doubling and
/// halving their number; of those, the ones that are not needed once the last has left come back. Dense layers leave to int8 in blocks,
/// rounded as the model runs, where that is enough, else, as all others, to float, from where as many as the budget lets go to int8 in blocks. Others leave to
/// activations of int16 where that is enough and the model is measured to be faster so than in float, or the caller wants the smallest.
/// Where the caller allows it, as many dense layers as the budget lets get weights of 4 bits at the end, those first that lose least by it
/// for each byte. Each trial runs on the native
/// kernels, on samples that calibration does not see.
/// </summary>
public sealed class BudgetSearch
{
    private readonly Graph _source;
    private readonly ICalibrationData _calibration, _heldBack;
    private readonly IProgress<QuantizationProgress>? _progress;
    private readonly Func<Graph, double>? _score;
    private readonly double _budget;
    private readonly List<BudgetTrial> _trials = [];

    /// <summary>Samples that a trial runs on.</summary>
    public const int MaxHeldBack = 16;

    /// <summary>Layers that are tried in int8 again at the end.</summary>
    private const int MaxReturned = 16;

    /// <summary>Held-back samples that each layer alone is measured on.</summary>
    private const int SensitivitySamples = 4;

    /// <summary>The least SQNR at the outputs that <see cref="Int8"/> keeps unless told otherwise, dB.</summary>
    public const double PlainSqnr = 18;

    /// <summary>A float copy of the graph with its repairs, calibrated.</summary>
    private sealed record Repaired(Graph Graph, Observations Seen, OutputNoise Noise, Node[] Layers);

    private BudgetSearch(Graph graph, ICalibrationData data, QuantizationOptions options, Func<Graph, double>? score, double budget, IProgress<QuantizationProgress>? progress)
    {
        _source = graph;
        _progress = progress;
        _score = score;
        _budget = budget;
        (_calibration, _heldBack) = SplitSamples.Of(data, Math.Min(data.Count, options.MaxSamples), MaxHeldBack);
    }

    /// <summary>Quantizes a copy of <paramref name="graph"/>.</summary>
    /// <param name="graph">optimised, float; stays as it is</param>
    /// <param name="data">a fourth of the samples, at most <see cref="MaxHeldBack"/>, is held back for measuring</param>
    /// <param name="options">observer and percentile are chosen by the search, which adds repairs that are not switched on</param>
    /// <param name="minSqnr">lowest SQNR of an output, dB; not used where <paramref name="score"/> is given</param>
    /// <param name="score">measures a quantized graph, which it may change; higher is better</param>
    /// <param name="minScore">the least score that will do</param>
    /// <param name="progress">called before each step</param>
    public static BudgetResult Run(Graph graph, ICalibrationData data, QuantizationOptions options, double minSqnr,
        Func<Graph, double>? score = null, double minScore = 0, IProgress<QuantizationProgress>? progress = null)
    {
        if (options.Int8IO) throw new EdgeLiteException(Status.InvalidArgument, "A search under a budget measures float inputs and outputs; leave int8 inputs and outputs out.");
        var search = new BudgetSearch(graph, data, options, score, score == null ? minSqnr : minScore, progress);
        return search.Choose(options)
            ?? throw new EdgeLiteException(Status.InvalidArgument, $"With every layer of '{graph.Name}' in float the budget of {search._budget:G4} is still not met ({search._trials[^1].Score:G4}).");
    }

    /// <summary>
    /// Quantizes all layers, as <see cref="Quantizer.Int8"/> does, where the outputs keep <paramref name="minSqnr"/> on calibration samples. Otherwise finds what keeps it
    /// with the fewest layers out of int8; where nothing does, all layers are quantized after all. Nothing is measured, and all are, with int8 inputs
    /// and outputs, with int16 and with an observer that was asked for.
    /// </summary>
    /// <param name="graph">optimised, float; not to be used afterwards</param>
    /// <param name="data">samples, as for <see cref="Quantizer.Int8"/>, and for a search as for <see cref="Run"/></param>
    /// <param name="options">as for <see cref="Quantizer.Int8"/></param>
    /// <param name="minSqnr">lowest SQNR of an output, dB</param>
    /// <param name="progress">called before each step</param>
    public static BudgetResult Int8(Graph graph, ICalibrationData data, QuantizationOptions options, double minSqnr = PlainSqnr, IProgress<QuantizationProgress>? progress = null)
    {
        Graph source = GraphCopy.Of(graph);
        QuantizationResult whole = Quantizer.Int8(graph, data, options, progress);
        if (options.Int8IO || whole.QuantizedNodes == 0 || double.IsNaN(whole.Sqnr) || whole.Sqnr >= minSqnr) return new BudgetResult(whole, [], []);
        options = options with { Method = whole.Method, Percentile = whole.Percentile, HalvesFloatWeights = true, LeavesFewest = true };
        return new BudgetSearch(source, data, options, null, minSqnr, progress).Choose(options) ?? new BudgetResult(whole, [], []);
    }

    /// <summary>Null where the budget is not met with every layer in float.</summary>
    private BudgetResult? Choose(QuantizationOptions asked)
    {
        (Repaired Graph, QuantizationOptions Options)? best = null;
        BudgetTrial? first = null;
        var calibrated = new Dictionary<QuantizationOptions, Repaired>();
        foreach (QuantizationOptions repairs in Repairs(asked))
        {
            // Observations are the same for every type of activations.
            if (!calibrated.TryGetValue(repairs with { Activations = asked.Activations }, out Repaired? repaired))
                calibrated[repairs with { Activations = asked.Activations }] = repaired = Repair(repairs);
            // What was the best observer before is so with one more repair. int16 has steps enough for all numbers.
            (RangeMethod, double)[] observers = repairs.Activations == DType.Int16 ? [(RangeMethod.MinMax, 100)]
                : best is { } known ? [(known.Options.Method, known.Options.Percentile)]
                : asked.Method != RangeMethod.Best ? [(asked.Method, asked.Percentile)] : ObserverChoice.Candidates;
            foreach ((RangeMethod method, double percentile) in observers)
            {
                QuantizationOptions options = repairs with { Method = method, Percentile = percentile };
                BudgetTrial trial = Try(repaired, options);
                if (first == null || trial.Score > first.Score) (first, best) = (trial, (repaired, options));
                if (trial.Meets) return Finish(repaired, Smaller(repaired, options), []);
            }
        }
        return Mix(best!.Value.Graph, best.Value.Options);
    }

    /// <summary>What is tried on all layers, the cheapest first.</summary>
    private IEnumerable<QuantizationOptions> Repairs(QuantizationOptions asked)
    {
        yield return asked;
        if (!asked.RoundAdaptively) yield return asked with { RoundAdaptively = true };
        if (!asked.SmoothNormalizations && SmoothScaling.Applies(_source)) yield return asked with { SmoothNormalizations = true };
        if (asked.Activations == DType.Int8 && !asked.GroupsActivations && ChannelGroups.Applies(_source)) yield return asked with { GroupsActivations = true };
    }

    private Repaired Repair(QuantizationOptions options)
    {
        Graph copy = GraphCopy.Of(_source);
        Observations seen = Quantizer.Calibrate(copy, _calibration, options, _progress);
        Node[] layers = [.. copy.Nodes.Where(n => !options.IsKeptFloat(n) && QuantizationRoles.Of(n).Role == QuantizationRole.Layer)];
        if (layers.Length == 0) throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{copy.Name}' has no layer with an int8 form.");
        var noise = new OutputNoise(copy, _heldBack, options);
        if (!noise.IsMeasurable) throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{copy.Name}' has no float32 output whose error could be measured.");
        return new Repaired(copy, seen, noise, layers);
    }

    private BudgetResult Finish(Repaired repaired, QuantizationOptions options, LayerSensitivity[] sensitivity) =>
        new(Quantizer.Apply(repaired.Graph, repaired.Seen, options, _progress), _trials, sensitivity);

    /// <summary>Takes layers out of static integers until the budget is met.</summary>
    private BudgetResult? Mix(Repaired repaired, QuantizationOptions best)
    {
        LayerSensitivity[] sensitivity = Sensitivity(repaired, best);
        Node[] dense = [.. repaired.Layers.Where(DenseWeights.IsLayer)];
        QuantizationOptions? chosen = null;
        if (PrefersInt16(repaired, best))
        {
            chosen = Fewest(repaired, best, [.. sensitivity.OrderBy(s => s.Sqnr)], LayerForm.SixteenBits, dense.Length > 0 ? LayerForm.EightBits : LayerForm.SixteenBits);
            // What all layers in int16 do not reach, int16 and float may.
            if (chosen == null) return Mix(repaired, best with { Activations = DType.Int16, Method = RangeMethod.MinMax });
        }
        if (chosen == null && dense.Length > 0) chosen = Fewest(repaired, best, sensitivity, LayerForm.Float, LayerForm.EightBits);
        if (chosen == null)
        {
            chosen = Fewest(repaired, best, sensitivity, LayerForm.Float, LayerForm.Float);
            if (chosen == null) return null;
            chosen = AsMany(repaired, chosen, LayerForm.EightBits, [.. dense.Where(l => chosen.FormOf(l) == LayerForm.Float)]);
        }
        return Finish(repaired, Smaller(repaired, chosen), sensitivity);
    }

    /// <summary>Whether layers leave int8 to int16 before they leave to float: where the model runs faster so here, or small counts.</summary>
    private bool PrefersInt16(Repaired repaired, QuantizationOptions best)
    {
        if (best.Activations == DType.Int16) return false;
        return best.TriesInt16 || Milliseconds(LayerForm.SixteenBits) < Milliseconds(LayerForm.Float);

        double Milliseconds(LayerForm form) => repaired.Noise.Of(repaired.Seen, best with { Forms = repaired.Layers.ToDictionary(l => l.Output.Name, _ => form) }).Milliseconds;
    }

    /// <summary>The options with the fewest layers that must leave static integers; null where the budget is not met with all of them gone.</summary>
    /// <param name="repaired">the graph</param>
    /// <param name="best">options of all layers in integers</param>
    /// <param name="sensitivity">the order in which layers leave</param>
    /// <param name="form">what a layer becomes</param>
    /// <param name="dense">what a dense layer becomes</param>
    private QuantizationOptions? Fewest(Repaired repaired, QuantizationOptions best, LayerSensitivity[] sensitivity, LayerForm form, LayerForm dense)
    {
        HashSet<string> denseLayers = [.. repaired.Layers.Where(DenseWeights.IsLayer).Select(l => l.Output.Name)];
        if ((form, dense) != (LayerForm.Float, LayerForm.Float) && !Try(repaired, Keep(sensitivity.Length)).Meets) return null;
        // Few layers first, doubled until they suffice; then the least number between.
        int enough = 1, few = 0;
        while (!Try(repaired, Keep(enough)).Meets)
        {
            if (enough == sensitivity.Length) return null;
            few = enough;
            enough = Math.Min(2 * enough, sensitivity.Length);
        }
        while (enough - few > 1)
        {
            int middle = (few + enough) / 2;
            if (Try(repaired, Keep(middle)).Meets) enough = middle;
            else few = middle;
        }
        // With the last one gone some before it may be static after all.
        QuantizationOptions chosen = Keep(enough);
        foreach (LayerSensitivity layer in sensitivity.Take(enough - 1).Reverse().Take(MaxReturned))
        {
            QuantizationOptions smaller = best with { Forms = chosen.Forms.Where(f => f.Key != layer.Layer).ToDictionary() };
            if (Try(repaired, smaller).Meets) chosen = smaller;
        }
        return chosen;

        QuantizationOptions Keep(int count) => best with { Forms = sensitivity.Take(count).ToDictionary(s => s.Layer, s => denseLayers.Contains(s.Layer) ? dense : form) };
    }

    /// <summary>Weights of 4 bits in as many dense layers as the budget lets, where they are wanted.</summary>
    private QuantizationOptions Smaller(Repaired repaired, QuantizationOptions chosen) =>
        chosen.TriesFourBits ? AsMany(repaired, chosen, LayerForm.FourBits, [.. repaired.Layers.Where(DenseWeights.IsLayer)]) : chosen;

    /// <summary>Gives a form to as many of the layers as the budget lets, those first that alone make least noise for each byte that they save.</summary>
    private QuantizationOptions AsMany(Repaired repaired, QuantizationOptions chosen, LayerForm form, Node[] layers)
    {
        var noise = new Dictionary<string, double>();
        foreach (Node layer in layers)
        {
            _progress?.Report(new("sensitivity", noise.Count, layers.Length));
            QuantizationOptions alone = chosen with { Forms = repaired.Layers.ToDictionary(l => l.Output.Name, l => l == layer ? form : LayerForm.Float) };
            (double sqnr, _) = repaired.Noise.Of(repaired.Seen, alone);
            noise[layer.Output.Name] = Math.Pow(10, -sqnr / 10) / (Bytes(layer, chosen) - Bytes(layer, alone));
        }
        string[] order = [.. noise.OrderBy(n => n.Value).ThenBy(n => n.Key, StringComparer.Ordinal).Select(n => n.Key)];
        // All of them, else the largest number between.
        int most = 0, tooMany = order.Length + 1;
        for (int next = order.Length; next > most && next < tooMany; next = (most + tooMany) / 2)
            if (Try(repaired, First(next)).Meets) most = next;
            else tooMany = next;
        return First(most);

        QuantizationOptions First(int count)
        {
            var forms = chosen.Forms.ToDictionary();
            foreach (string layer in order.Take(count)) forms[layer] = form;
            return chosen with { Forms = forms };
        }
    }

    /// <summary>Each layer alone in static integers; the one that makes most noise first, or most noise for each byte that it saves.</summary>
    private LayerSensitivity[] Sensitivity(Repaired repaired, QuantizationOptions options)
    {
        Node[] layers = repaired.Layers;
        OutputNoise noise = _heldBack.Count <= SensitivitySamples ? repaired.Noise : new OutputNoise(repaired.Graph, SplitSamples.Evenly(_heldBack, _heldBack.Count, SensitivitySamples), options);
        var result = new LayerSensitivity[layers.Length];
        HashSet<string> all = [.. layers.Select(l => l.Output.Name)];
        for (int i = 0; i < layers.Length; i++)
        {
            _progress?.Report(new("sensitivity", i, layers.Length));
            string name = layers[i].Output.Name;
            (double sqnr, _) = noise.Of(repaired.Seen, options with { Forms = all.Where(n => n != name).ToDictionary(n => n, _ => LayerForm.Float) });
            result[i] = new LayerSensitivity(name, sqnr, (FloatBytes(options) - 1) * layers[i].Inputs[1]!.Constant!.Count);
        }
        _progress?.Report(new("sensitivity", layers.Length, layers.Length));
        return [.. result.OrderByDescending(s => Math.Pow(10, -s.Sqnr / 10) / (options.LeavesFewest ? 1 : s.SavedBytes)).ThenBy(s => s.Layer, StringComparer.Ordinal)];
    }

    private static int FloatBytes(QuantizationOptions options) => options.HalvesFloatWeights ? 2 : 4;

    /// <summary>Bytes of a layer's weights; in blocks, with the float16 scale of each 32.</summary>
    private static long Bytes(Node layer, QuantizationOptions options)
    {
        long count = layer.Inputs[1]!.Constant!.Count;
        return options.FormOf(layer) switch
        {
            LayerForm.Float => count * FloatBytes(options),
            LayerForm.FourBits => count / 2 + count / 16,
            LayerForm.EightBits => count + count / 16,
            _ => count,
        };
    }

    private BudgetTrial Try(Repaired repaired, QuantizationOptions options)
    {
        _progress?.Report(new("search", _trials.Count, _trials.Count + 1));
        (double sqnr, double milliseconds) = repaired.Noise.Of(repaired.Seen, options);
        double value = _score == null ? sqnr : _score(repaired.Noise.Quantized(repaired.Seen, options));
        string repairs = (options.Activations == DType.Int16 ? " int16" : "") + (options.RoundAdaptively ? " adaptive-rounding" : "") + (options.SmoothNormalizations ? " smooth" : "") + (options.GroupsActivations ? " channel-groups" : "");
        var trial = new BudgetTrial(options.Method, repairs.TrimStart(), Count(LayerForm.Float), Count(LayerForm.SixteenBits), Count(LayerForm.EightBits), Count(LayerForm.FourBits),
            repaired.Layers.Sum(l => Bytes(l, options)), milliseconds, sqnr, value, value >= _budget);
        _trials.Add(trial);
        return trial;

        int Count(LayerForm form) => options.Forms.Values.Count(f => f == form);
    }
}

/// <summary>Some of the samples.</summary>
public sealed class SplitSamples : ICalibrationData
{
    private readonly ICalibrationData _all;
    private readonly int[] _indices;

    private SplitSamples(ICalibrationData all, int[] indices)
    {
        _all = all;
        _indices = indices;
    }

    /// <summary>The first <paramref name="count"/> samples: every fourth, at most <paramref name="maxHeldBack"/>, held back, the rest for
    /// calibration. Fewer than four serve both.</summary>
    public static (ICalibrationData Calibration, ICalibrationData HeldBack) Of(ICalibrationData all, int count, int maxHeldBack)
    {
        int[] every = [.. Enumerable.Range(0, count)];
        if (count < 4) return (new SplitSamples(all, every), new SplitSamples(all, every));
        int[] apart = [.. every.Where(i => i % 4 == 3).Take(maxHeldBack)];
        return (new SplitSamples(all, [.. every.Except(apart)]), new SplitSamples(all, apart));
    }

    /// <summary>At most <paramref name="most"/> of the first <paramref name="count"/> samples, evenly.</summary>
    public static ICalibrationData Evenly(ICalibrationData all, int count, int most)
    {
        int few = Math.Min(most, count);
        return new SplitSamples(all, [.. Enumerable.Range(0, few).Select(i => i * count / few)]);
    }

    public int Count => _indices.Length;

    public string Describe(int index) => _all.Describe(_indices[index]);

    public IReadOnlyList<Tensor> Load(int index) => _all.Load(_indices[index]);
}
