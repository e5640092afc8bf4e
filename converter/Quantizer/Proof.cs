using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Compares a converted model with its source on samples, at the outputs and value by value.</summary>
public static class Proof
{
    /// <summary>
    /// Runs both graphs on the first <paramref name="maxSamples"/> samples. Values are matched by the name that they have in the source
    /// model (<see cref="Value.SourceName"/>, else the name), the last one computed where several hold it. A match may have its channels
    /// last or dimensions of 1 more or less; where both layouts fit a shape, the nearer one counts.
    /// </summary>
    /// <param name="source">the model as imported</param>
    /// <param name="converted">any later form of it: optimised, quantized, lowered</param>
    /// <param name="samples">inputs of the source model</param>
    /// <param name="maxSamples">how many of them to use</param>
    /// <param name="parameters">of int8 values, by source name (<see cref="QuantizationResult.Parameters"/>); int8 values without are compared
    /// only where the source has int8 too</param>
    /// <param name="progress">called before each sample and at the end</param>
    public static ProofReport Compare(IGraphRunner source, IGraphRunner converted, ICalibrationData samples, int maxSamples = 4,
        IReadOnlyDictionary<string, TensorQuantization>? parameters = null, IProgress<QuantizationProgress>? progress = null)
    {
        Graph from = source.Graph, to = converted.Graph;
        if (from.Inputs.Count != to.Inputs.Count || from.Outputs.Count != to.Outputs.Count)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Inputs and outputs are {from.Inputs.Count} and {from.Outputs.Count} in the source model, {to.Inputs.Count} and {to.Outputs.Count} in the converted one: it was made from another model.");
        Dictionary<string, TensorQuantization> known = WithEnds(to, parameters);
        int count = Math.Min(Math.Max(maxSamples, 1), samples.Count);
        Dictionary<string, Value> holders = LastByKey(to), sources = LastByKey(from);
        var layers = new Dictionary<string, Pair>();
        var outputs = new Pair?[from.Outputs.Count];
        var each = new List<SampleComparison>();
        for (int s = 0; s < count; s++)
        {
            progress?.Report(new("compare", s, count));
            IReadOnlyList<Tensor> inputs = samples.Load(s);
            // The converted model's values are kept, which are the smaller ones where they are integers; each goes when the source has it.
            var kept = new Dictionary<string, Tensor>();
            IReadOnlyList<Tensor> actual = converted.Run(Fit(inputs, to, known), (value, tensor) =>
            {
                if (holders.GetValueOrDefault(Key(value)) == value && sources.ContainsKey(Key(value))) kept[Key(value)] = tensor.Clone();
            });
            IReadOnlyList<Tensor> expected = source.Run(inputs, (value, a) =>
            {
                if (sources.GetValueOrDefault(Key(value)) != value || !kept.Remove(Key(value), out Tensor? b)) return;
                using (b)
                {
                    if (!a.DType.IsFloat()) return;
                    if (!layers.TryGetValue(Key(value), out Pair? pair)) layers[Key(value)] = pair = new Pair(a.Shape);
                    pair.Add(a, b, Stored(Key(value), b, a));
                }
            });
            foreach (Tensor unmatched in kept.Values) unmatched.Dispose();
            double worst = double.PositiveInfinity;
            for (int i = 0; i < outputs.Length; i++)
            {
                int at = IndexOf(to, from.Outputs[i].Name, i);
                if (expected[i].DType == DType.String || expected[i].DType.IsComplex()) continue;
                outputs[i] ??= new Pair(expected[i].Shape);
                if (!outputs[i]!.Add(expected[i], actual[at], Stored(to.Outputs[at].Name, actual[at], expected[i])))
                    throw new EdgeLiteException(Status.RuntimeFailure, $"Output '{from.Outputs[i].Name}' is {expected[i]} in the source model and {actual[at]} in the converted one.");
                worst = Math.Min(worst, outputs[i]!.Best!.LastSqnr);
            }
            each.Add(new(samples.Describe(s), worst));
        }
        progress?.Report(new("compare", count, count));
        return Report();

        TensorQuantization? Stored(string key, Tensor b, Tensor a) =>
            b.DType is (DType.Int8 or DType.Int16) && a.DType.IsFloat() && known.TryGetValue(key, out TensorQuantization q) && q.Type == b.DType ? q : null;

        ProofReport Report()
        {
            var compared = new List<ValueComparison>();
            int order = 0, unmatched = 0;
            foreach (Node node in from.Nodes)
            {
                foreach (Value? value in node.Outputs)
                {
                    if (value is not { DType: DType.Float32 }) continue;
                    if (layers.TryGetValue(Key(value), out Pair? pair) && pair.Best is { } best) compared.Add(best.Result(value.Name, node.OpType, pair.Shape, order));
                    else unmatched++;
                }
                order++;
            }
            return new ProofReport
            {
                Model = from.Name,
                Samples = count,
                EachSample = each,
                Outputs = [.. outputs.Select((p, i) => p?.Best?.Result(from.Outputs[i].Name, from.Outputs[i].Producer?.OpType ?? "", p.Shape, i)).OfType<ValueComparison>()],
                Layers = [.. compared.OrderBy(c => c.Sqnr).ThenBy(c => c.Order)],
                SourceValuesWithoutMatch = unmatched,
            };
        }
    }

    /// <summary>The last value computed under each key.</summary>
    private static Dictionary<string, Value> LastByKey(Graph graph)
    {
        Dictionary<string, Value> last = [];
        foreach (Node node in graph.Nodes)
            foreach (Value? value in node.Outputs)
                if (value != null) last[Key(value)] = value;
        return last;
    }

    private static string Key(Value value) => value.SourceName ?? value.Name;

    private static int IndexOf(Graph graph, string output, int otherwise)
    {
        for (int i = 0; i < graph.Outputs.Count; i++)
            if (graph.Outputs[i].Name == output) return i;
        return otherwise;
    }

    /// <summary>Parameters of integer inputs and outputs are in the metadata.</summary>
    internal static Dictionary<string, TensorQuantization> WithEnds(Graph graph, IReadOnlyDictionary<string, TensorQuantization>? parameters)
    {
        var all = new Dictionary<string, TensorQuantization>(parameters ?? new Dictionary<string, TensorQuantization>());
        foreach (Value value in graph.Inputs.Concat(graph.Outputs))
        {
            if (!graph.Metadata.TryGetValue("quantization." + value.Name, out string? text)) continue;
            string[] parts = text.Split(' ');
            if (parts.Length == 2 && float.TryParse(parts[0], NumberStyles.Float, CultureInfo.InvariantCulture, out float scale)
                && int.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int zero)) all[value.Name] = new(scale, zero, value.DType);
        }
        return all;
    }

    /// <summary>Float samples for int8 and int16 inputs are quantized.</summary>
    internal static Tensor[] Fit(IReadOnlyList<Tensor> inputs, Graph graph, Dictionary<string, TensorQuantization> parameters)
    {
        var fitted = new Tensor[inputs.Count];
        for (int i = 0; i < fitted.Length; i++)
        {
            fitted[i] = inputs[i];
            Value input = graph.Inputs[i];
            if (input.DType == inputs[i].DType) continue;
            if (!inputs[i].DType.IsFloat() || !parameters.TryGetValue(input.Name, out TensorQuantization q) || q.Type != input.DType)
                throw new EdgeLiteException(Status.InvalidType, $"Input '{input.Name}' is {input.DType.Name()} in the converted model, the sample is {inputs[i].DType.Name()}.");
            fitted[i] = new Tensor(q.Type, inputs[i].Shape);
            for (long k = 0; k < fitted[i].Count; k++) fitted[i].SetInt64(k, q.Quantize(inputs[i].GetDouble(k)));
        }
        return fitted;
    }

    /// <summary>The sums of one value in the layouts that its shapes allow.</summary>
    private sealed class Pair(Shape shape)
    {
        private ComparisonSums? _same, _channelsLast;

        public Shape Shape => shape;

        public ComparisonSums? Best => _same == null ? _channelsLast : _channelsLast == null || _same.Sqnr >= _channelsLast.Sqnr ? _same : _channelsLast;

        /// <summary>False when the shapes or types cannot be compared.</summary>
        public bool Add(Tensor a, Tensor b, TensorQuantization? q)
        {
            if (a.Count != b.Count || b.DType == DType.String || b.DType.IsComplex() || a.DType.IsFloat() && !b.DType.IsFloat() && q == null) return false;
            bool isSame = Squeezed(a.Shape).SequenceEqual(Squeezed(b.Shape));
            ChannelsLastOrder? last = a.Shape.Rank >= 3 && Squeezed(ChannelsLast(a.Shape)).SequenceEqual(Squeezed(b.Shape)) ? new(a.Shape[1], a.Shape.Product(2, a.Shape.Rank)) : null;
            if (isSame) (_same ??= new ComparisonSums()).Add(a, b, null, q);
            if (last != null && (_channelsLast != null || !isSame || _same!.Elements == a.Count)) (_channelsLast ??= new ComparisonSums()).Add(a, b, last, q);
            return isSame || last != null;
        }

        private static long[] Squeezed(Shape s) => [.. s.AsSpan().ToArray().Where(d => d != 1)];

        private static Shape ChannelsLast(Shape s) => new([s[0], .. s.AsSpan()[2..], s[1]]);
    }
}
