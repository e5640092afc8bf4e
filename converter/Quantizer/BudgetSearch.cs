using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>One model that a search tried: which layers stay float, what it costs and how good it is.</summary>
/// <param name="Observer">how ranges were taken</param>
/// <param name="Repairs">repairs besides those that are on anyway, as their options are called</param>
/// <param name="FloatLayers">layers kept in float</param>
/// <param name="WeightBytes">bytes of the weights of all layers</param>
/// <param name="Sqnr">lowest SQNR of the outputs on held-back samples, dB</param>
/// <param name="Score">what the budget measured; the SQNR where it is that</param>
/// <param name="Meets">within the budget</param>
public sealed record BudgetTrial(RangeMethod Observer, string Repairs, int FloatLayers, long WeightBytes, double Sqnr, double Score, bool Meets);

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
/// Finds the smallest mixture of int8 and float layers within a budget. First all layers in int8, with repairs in the order of their cost:
/// every observer, then weights rounded adaptively, then normalizations smoothed where there are such, then activations in int16 where the
/// caller allows it. If the best of these is outside of the budget, each layer alone in int8, once, which gives its share of the noise.
/// Layers return to float in the order of noise for each byte that they save, and the fewest that suffice are found by doubling and
/// halving their number; of those, the ones that are not needed once the last is float go back to int8. Each trial runs on the native
/// kernels, on samples that calibration does not see.
/// </summary>
public sealed class BudgetSearch
{
    private readonly Graph _source;
    private readonly ICalibrationData _calibration, _heldBack;
    private readonly IProgress<QuantizationProgress>? _progress;
    private readonly Func<Graph, double, double> _score;
    private readonly double _budget;
    private readonly List<BudgetTrial> _trials = [];

    /// <summary>Samples that a trial runs on.</summary>
    public const int MaxHeldBack = 16;

    /// <summary>Layers that are tried in int8 again at the end.</summary>
    private const int MaxReturned = 16;

    /// <summary>A float copy of the graph with its repairs, calibrated.</summary>
    private sealed record Repaired(Graph Graph, Observations Seen, OutputNoise Noise, Node[] Layers);

    private BudgetSearch(Graph graph, ICalibrationData data, QuantizationOptions options, Func<Graph, double, double> score, double budget, IProgress<QuantizationProgress>? progress)
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
        var search = new BudgetSearch(graph, data, options, (g, sqnr) => score == null ? sqnr : score(g), score == null ? minSqnr : minScore, progress);
        return search.Choose(options);
    }

    private BudgetResult Choose(QuantizationOptions asked)
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
                : best is { } known ? [(known.Options.Method, known.Options.Percentile)] : ObserverChoice.Candidates;
            foreach ((RangeMethod method, double percentile) in observers)
            {
                QuantizationOptions options = repairs with { Method = method, Percentile = percentile };
                BudgetTrial trial = Try(repaired, options);
                if (first == null || trial.Score > first.Score) (first, best) = (trial, (repaired, options));
                if (trial.Meets) return Finish(repaired, options, []);
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
        if (asked.Activations == DType.Int16 || !asked.TriesInt16) yield break;
        yield return asked with { Activations = DType.Int16 };
        if (!asked.RoundAdaptively) yield return asked with { RoundAdaptively = true, Activations = DType.Int16 };
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

    /// <summary>Returns layers to float until the budget is met.</summary>
    private BudgetResult Mix(Repaired repaired, QuantizationOptions best)
    {
        LayerSensitivity[] sensitivity = Sensitivity(repaired, best);
        // Few layers first, doubled until they suffice; then the least number between.
        int enough = 1, few = 0;
        while (!Try(repaired, Keep(enough)).Meets)
        {
            if (enough == sensitivity.Length)
                throw new EdgeLiteException(Status.InvalidArgument, $"With every layer of '{_source.Name}' in float the budget of {_budget:G4} is still not met ({_trials[^1].Score:G4}).");
            few = enough;
            enough = Math.Min(2 * enough, sensitivity.Length);
        }
        while (enough - few > 1)
        {
            int middle = (few + enough) / 2;
            if (Try(repaired, Keep(middle)).Meets) enough = middle;
            else few = middle;
        }
        // With the last one in float some before it may be int8 after all.
        QuantizationOptions chosen = Keep(enough);
        foreach (LayerSensitivity layer in sensitivity.Take(enough - 1).Reverse().Take(MaxReturned))
        {
            QuantizationOptions smaller = best with { FloatLayers = chosen.FloatLayers.Where(n => n != layer.Layer).ToHashSet() };
            if (Try(repaired, smaller).Meets) chosen = smaller;
        }
        return Finish(repaired, chosen, sensitivity);

        QuantizationOptions Keep(int count) => best with { FloatLayers = sensitivity.Take(count).Select(s => s.Layer).ToHashSet() };
    }

    /// <summary>Each layer alone in int8; the one that makes most noise for each byte that it saves first.</summary>
    private LayerSensitivity[] Sensitivity(Repaired repaired, QuantizationOptions options)
    {
        Node[] layers = repaired.Layers;
        var result = new LayerSensitivity[layers.Length];
        HashSet<string> all = [.. layers.Select(l => l.Output.Name)];
        for (int i = 0; i < layers.Length; i++)
        {
            _progress?.Report(new("sensitivity", i, layers.Length));
            string name = layers[i].Output.Name;
            (_, double sqnr) = repaired.Noise.Of(repaired.Seen, options with { FloatLayers = all.Where(n => n != name).ToHashSet() });
            result[i] = new LayerSensitivity(name, sqnr, (FloatBytes(options) - 1) * layers[i].Inputs[1]!.Constant!.Count);
        }
        _progress?.Report(new("sensitivity", layers.Length, layers.Length));
        return [.. result.OrderByDescending(s => Math.Pow(10, -s.Sqnr / 10) / s.SavedBytes).ThenBy(s => s.Layer, StringComparer.Ordinal)];
    }

    private static int FloatBytes(QuantizationOptions options) => options.HalvesFloatWeights ? 2 : 4;

    private BudgetTrial Try(Repaired repaired, QuantizationOptions options)
    {
        _progress?.Report(new("search", _trials.Count, _trials.Count + 1));
        (Graph graph, double sqnr) = repaired.Noise.Of(repaired.Seen, options);
        long bytes = repaired.Layers.Sum(l => l.Inputs[1]!.Constant!.Count * (options.FloatLayers.Contains(l.Output.Name) ? FloatBytes(options) : 1));
        double value = _score(graph, sqnr);
        string repairs = (options.Activations == DType.Int16 ? " int16" : "") + (options.RoundAdaptively ? " adaptive-rounding" : "") + (options.SmoothNormalizations ? " smooth" : "");
        var trial = new BudgetTrial(options.Method, repairs.TrimStart(), options.FloatLayers.Count, bytes, sqnr, value, value >= _budget);
        _trials.Add(trial);
        return trial;
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
