using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>One model that a search tried: which layers stay float, what it costs and how good it is.</summary>
/// <param name="Observer">how ranges were taken</param>
/// <param name="FloatLayers">layers kept in float</param>
/// <param name="WeightBytes">bytes of the weights of all layers</param>
/// <param name="Sqnr">lowest SQNR of the outputs on held-back samples, dB</param>
/// <param name="Score">what the budget measured; the SQNR where it is that</param>
/// <param name="Meets">within the budget</param>
public sealed record BudgetTrial(RangeMethod Observer, int FloatLayers, long WeightBytes, double Sqnr, double Score, bool Meets);

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
/// Finds the smallest mixture of int8 and float layers within a budget. First every observer with all layers in int8; if the best is
/// outside of the budget, each layer alone in int8, once, which gives its share of the noise. Layers return to float in the order of
/// noise for each byte that they save, and the fewest that suffice are found by doubling and halving their number; of those, the ones
/// that are not needed once the last is float go back to int8. Each trial
/// runs on the native kernels, on samples that calibration does not see.
/// </summary>
public sealed class BudgetSearch
{
    private static readonly RangeMethod[] s_observers = [RangeMethod.Percentile, RangeMethod.MinMax, RangeMethod.MeanSquaredError];

    private readonly Graph _graph;
    private readonly QuantizationOptions _options;
    private readonly IProgress<QuantizationProgress>? _progress;
    private readonly Observations _seen;
    private readonly OutputNoise _noise;
    private readonly Node[] _layers;
    private readonly List<BudgetTrial> _trials = [];

    /// <summary>Samples that a trial runs on.</summary>
    public const int MaxHeldBack = 16;

    /// <summary>Layers that are tried in int8 again at the end.</summary>
    private const int MaxReturned = 16;

    private BudgetSearch(Graph graph, ICalibrationData data, QuantizationOptions options, IProgress<QuantizationProgress>? progress)
    {
        _graph = graph;
        _options = options;
        _progress = progress;
        (ICalibrationData calibration, ICalibrationData heldBack) = SplitSamples.Of(data, Math.Min(data.Count, options.MaxSamples), MaxHeldBack);
        _seen = Quantizer.Calibrate(graph, calibration, options, progress);
        _layers = [.. graph.Nodes.Where(n => !options.IsKeptFloat(n) && QuantizationRoles.Of(n).Role == QuantizationRole.Layer)];
        if (_layers.Length == 0) throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{graph.Name}' has no layer with an int8 form.");
        _noise = new OutputNoise(graph, heldBack, options);
        if (!_noise.IsMeasurable) throw new EdgeLiteException(Status.InvalidGraph, $"Graph '{graph.Name}' has no float32 output whose error could be measured.");
    }

    /// <summary>Quantizes <paramref name="graph"/> in place.</summary>
    /// <param name="graph">optimised, float</param>
    /// <param name="data">a fourth of the samples, at most <see cref="MaxHeldBack"/>, is held back for measuring</param>
    /// <param name="options">observer and percentile are chosen by the search</param>
    /// <param name="minSqnr">lowest SQNR of an output, dB; not used where <paramref name="score"/> is given</param>
    /// <param name="score">measures a quantized graph, which it may change; higher is better</param>
    /// <param name="minScore">the least score that will do</param>
    /// <param name="progress">called before each step</param>
    public static BudgetResult Run(Graph graph, ICalibrationData data, QuantizationOptions options, double minSqnr,
        Func<Graph, double>? score = null, double minScore = 0, IProgress<QuantizationProgress>? progress = null)
    {
        if (options.Int8IO) throw new EdgeLiteException(Status.InvalidArgument, "A search under a budget measures float inputs and outputs; leave int8 inputs and outputs out.");
        var search = new BudgetSearch(graph, data, options, progress);
        (QuantizationOptions chosen, LayerSensitivity[] sensitivity) = search.Choose((g, sqnr) => score == null ? sqnr : score(g), score == null ? minSqnr : minScore);
        return new BudgetResult(Quantizer.Apply(graph, search._seen, chosen, progress), search._trials, sensitivity);
    }

    private (QuantizationOptions, LayerSensitivity[]) Choose(Func<Graph, double, double> score, double budget)
    {
        QuantizationOptions best = _options;
        BudgetTrial? first = null;
        foreach (RangeMethod observer in s_observers)
        {
            QuantizationOptions options = _options with { Method = observer };
            BudgetTrial trial = Try(options, score, budget);
            if (first == null || trial.Score > first.Score) (first, best) = (trial, options);
            if (trial.Meets) return (options, []);
        }
        LayerSensitivity[] sensitivity = Sensitivity(best);
        // Few layers first, doubled until they suffice; then the least number between.
        int enough = 1, few = 0;
        while (!Try(Keep(enough), score, budget).Meets)
        {
            if (enough == sensitivity.Length)
                throw new EdgeLiteException(Status.InvalidArgument, $"With every layer of '{_graph.Name}' in float the budget of {budget:G4} is still not met ({_trials[^1].Score:G4}).");
            few = enough;
            enough = Math.Min(2 * enough, sensitivity.Length);
        }
        while (enough - few > 1)
        {
            int middle = (few + enough) / 2;
            if (Try(Keep(middle), score, budget).Meets) enough = middle;
            else few = middle;
        }
        // With the last one in float some before it may be int8 after all.
        QuantizationOptions chosen = Keep(enough);
        foreach (LayerSensitivity layer in sensitivity.Take(enough - 1).Reverse().Take(MaxReturned))
        {
            QuantizationOptions smaller = best with { FloatLayers = chosen.FloatLayers.Where(n => n != layer.Layer).ToHashSet() };
            if (Try(smaller, score, budget).Meets) chosen = smaller;
        }
        return (chosen, sensitivity);

        QuantizationOptions Keep(int count) => best with { FloatLayers = sensitivity.Take(count).Select(s => s.Layer).ToHashSet() };
    }

    /// <summary>Each layer alone in int8; the one that makes most noise for each byte that it saves first.</summary>
    private LayerSensitivity[] Sensitivity(QuantizationOptions options)
    {
        var result = new LayerSensitivity[_layers.Length];
        HashSet<string> all = [.. _layers.Select(l => l.Output.Name)];
        for (int i = 0; i < _layers.Length; i++)
        {
            _progress?.Report(new("sensitivity", i, _layers.Length));
            string name = _layers[i].Output.Name;
            (_, double sqnr) = _noise.Of(_seen, options with { FloatLayers = all.Where(n => n != name).ToHashSet() });
            result[i] = new LayerSensitivity(name, sqnr, 3 * _layers[i].Inputs[1]!.Constant!.Count);
        }
        _progress?.Report(new("sensitivity", _layers.Length, _layers.Length));
        return [.. result.OrderByDescending(s => Math.Pow(10, -s.Sqnr / 10) / s.SavedBytes).ThenBy(s => s.Layer, StringComparer.Ordinal)];
    }

    private BudgetTrial Try(QuantizationOptions options, Func<Graph, double, double> score, double budget)
    {
        _progress?.Report(new("search", _trials.Count, _trials.Count + 1));
        (Graph graph, double sqnr) = _noise.Of(_seen, options);
        long bytes = _layers.Sum(l => l.Inputs[1]!.Constant!.Count * (options.FloatLayers.Contains(l.Output.Name) ? 4 : 1));
        double value = score(graph, sqnr);
        var trial = new BudgetTrial(options.Method, options.FloatLayers.Count, bytes, sqnr, value, value >= budget);
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
