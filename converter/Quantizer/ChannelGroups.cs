using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Activations with a scale for each group of channels: the scale of a tensor times a power of two for each channel, channels of one power
/// being a group. Powers of two pass exactly through the float model: what holds v[c] holds v[c] / s[c] from then on, s[c] going into
/// the weights of the convolutions before and behind. Through operators that a factor passes (Relu, pooling, means, sums, gates) a whole
/// region of values takes one s. A function that it does not pass (HardSwish, Sigmoid, ...) gets a Mul by s before it and one by
/// 1 / s' behind, which the lowering makes one table for each pair of groups of. So integer layers compute as ever, with one
/// scale a tensor. Before depthwise convolutions and functions s[c] takes all of the range. Before dense ones small weights would pay for it, so
/// there s[c] = range^a / weights^(1-a), the a of 0 (no groups) to 1 with the least noise that rounding activations and weights is to
/// make in their results (the migration strength of SmoothQuant, chosen for each region).
/// </summary>
internal static class ChannelGroups
{
    /// <summary>Most groups: powers 0 to MaxGroups - 1.</summary>
    public const int MaxGroups = 6;

    /// <summary>Strengths that are compared, besides 0.</summary>
    private const int Strengths = 4;

    /// <summary>Functions of one element behind which and before which a table may have factors.</summary>
    private static readonly HashSet<string> s_functions = ["HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "Swish", "Gelu", "Elu", "Selu", "Celu", "Softplus", "Mish", "Clip"];

    private static readonly HashSet<string> s_passing = ["Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "Resize", "Identity", "Transpose"];

    /// <summary>Values that share their factors, and what absorbs them.</summary>
    private sealed class Region
    {
        public List<Value> Values { get; } = [];

        /// <summary>Where each of them has its channels: channels last behind a Transpose.</summary>
        public Dictionary<Value, int> Axes { get; } = [];
        public bool IsFixed { get; set; }
        public float[] Largest { get; set; } = [];

        public float Lowest { get; set; }
        public Dictionary<Value, Power> Powers { get; } = [];

        /// <summary>Steps of activations against the largest: int8 has 255 of them for both signs.</summary>
        public double Steps => Lowest < -0.1 * Largest.Max() ? 127.5 : 255;
    }

    /// <summary>Mean squares of channels.</summary>
    private sealed class Power(int channels)
    {
        private readonly double[] _sums = new double[channels];
        private readonly long[] _counts = new long[channels];

        public void Add(int channel, double squares, int count)
        {
            _sums[channel] += squares;
            _counts[channel] += count;
        }

        public double[] Means => [.. _sums.Select((s, c) => s / Math.Max(1, _counts[c]))];
    }

    /// <summary>A dense convolution that reads a region: the largest |weight| and the sum of squares of each input channel for each output
    /// channel, [out][in], and the mean squares of what it reads, times taps.</summary>
    private sealed record Sink(double[][] Largest, double[][] Squares, double[] Input);

    /// <summary>The axis of the factors of a Mul that this writes: one for each channel, [1,C,1,1] or [1,1,1,C], powers of two, few of them. Null for
    /// anything else.</summary>
    public static int? FactorAxis(Value? value)
    {
        if (value?.Constant is not { DType: DType.Float32, Shape.Rank: 3 or 4 } t || t.Count < 2) return null;
        int axis = t.Shape[1] == t.Count ? 1 : t.Shape.Rank - 1;
        return t.Shape[axis] == t.Count && ArePowers(t) ? axis : null;
    }

    private static bool ArePowers(Tensor t)
    {
        var seen = new HashSet<double>();
        for (long i = 0; i < t.Count; i++)
        {
            double v = t.GetDouble(i);
            if (!(v > 0) || Math.ScaleB(1, Math.ILogB(v)) != v) return false;
            seen.Add(v);
        }
        return seen.Count <= MaxGroups;
    }

    /// <summary>True where some value could be grouped.</summary>
    public static bool Applies(Graph graph) => Find(graph, _ => true).Count > 0;

    /// <summary>Rescales weights and inserts factors in place; returns the number of values whose channels are in groups now. They get new names.</summary>
    /// <param name="graph">float, optimised</param>
    /// <param name="isFree">false for nodes to be left as they are</param>
    /// <param name="observe">runs samples and shows every value</param>
    public static int Run(Graph graph, Func<Node, bool> isFree, Action<Action<Value, Tensor>> observe)
    {
        Dictionary<Value, Region> regions = Find(graph, isFree);
        if (regions.Count == 0) return 0;
        observe((value, tensor) =>
        {
            if (!regions.TryGetValue(value, out Region? region)) return;
            int axis = region.Axes[value], inner = (int)tensor.Shape.Product(axis + 1, tensor.Shape.Rank);
            if (region.Largest.Length == 0) region.Largest = new float[tensor.Shape[axis]];
            if (!region.Powers.TryGetValue(value, out Power? power)) region.Powers[value] = power = new Power(region.Largest.Length);
            ReadOnlySpan<float> data = tensor.Span<float>();
            for (int from = 0; from < data.Length; from += inner)
            {
                int channel = from / inner % region.Largest.Length;
                double sum = 0;
                foreach (float v in data.Slice(from, inner))
                {
                    region.Largest[channel] = Math.Max(region.Largest[channel], Math.Abs(v));
                    region.Lowest = Math.Min(region.Lowest, v);
                    sum += v * v;
                }
                power.Add(channel, sum, inner);
            }
        });
        int count = 0;
        foreach (Region region in regions.Values.Distinct().ToArray())
        {
            if (Factors(region) is not { } s) continue;
            Rescale(graph, region, s);
            count += region.Values.Count;
        }
        ShapeInference.Run(graph);
        GraphVerifier.Verify(graph);
        return count;
    }

    private static Dictionary<Value, Region> Find(Graph graph, Func<Node, bool> isFree)
    {
        var regions = new Dictionary<Value, Region>();
        foreach (Node node in graph.Nodes)
        {
            if (ChannelAxis(node, regions, isFree) is not { } axis || node.Output.Shape is not { IsRanked: true, Rank: 3 or 4 } shape || shape[axis] < 2) continue;
            var region = new Region { Values = { node.Output }, Axes = { [node.Output] = axis } };
            regions[node.Output] = region;
            foreach (Value operand in Passed(node, isFree))
            {
                Region from = regions[operand];
                if (from == region) continue;
                region.Values.AddRange(from.Values);
                region.IsFixed |= from.IsFixed;
                foreach ((Value value, int where) in from.Axes)
                {
                    region.Axes[value] = where;
                    regions[value] = region;
                }
            }
        }
        foreach ((Value value, Region region) in regions)
            if (graph.Outputs.Contains(value) || value.Consumers.Count == 0 || value.Consumers.Any(c => !IsSink(c, value, region.Axes[value], regions, isFree))) region.IsFixed = true;
        return regions.Where(pair => !pair.Value.IsFixed && pair.Value.Values.Any(v => IsConv(v.Producer!, isFree) || IsFunction(v.Producer!, isFree))).ToDictionary();
    }

    /// <summary>Where the result of a node has the channels that a factor can belong to; null where it has none that are known.</summary>
    private static int? ChannelAxis(Node node, Dictionary<Value, Region> regions, Func<Node, bool> isFree)
    {
        if (IsConv(node, isFree)) return 1;
        IReadOnlyList<Value> operands = IsFunction(node, isFree) ? [node.Inputs[0]!] : Passed(node, isFree);
        int? axis = null;
        foreach (Value operand in operands)
        {
            if (!regions.TryGetValue(operand, out Region? region) || axis != null && axis != region.Axes[operand]) return null;
            axis = region.Axes[operand];
        }
        if (axis is not { } at) return null;
        switch (node.OpType)
        {
            case "Transpose":
                int to = Array.IndexOf(Match.Permutation(node)!, at);
                return to == 1 || to == node.Output.Shape.Rank - 1 ? to : null;
            case "ReduceMean":
                return node.Attributes.Int("keepdims", 1) != 0 && Match.Ints(node.Input(1)) is { } axes && !axes.Any(a => Match.Axis(a, node.Inputs[0]!.Shape.Rank) == at) ? at : null;
            case "MaxPool" or "AveragePool" or "GlobalAveragePool" or "GlobalMaxPool" or "Resize":
                return at == 1 && node.Attributes.Int("channels_last", 0) == 0 && node.Output.Shape[1] == node.Inputs[0]!.Shape[1] ? at : null;
            default:
                return at;
        }
    }

    private static bool IsSink(Node consumer, Value value, int axis, Dictionary<Value, Region> regions, Func<Node, bool> isFree)
    {
        if (IsConv(consumer, isFree)) return axis == 1 && consumer.Inputs[0] == value && consumer.Inputs.Count(i => i == value) == 1;
        return IsFunction(consumer, isFree) || Passed(consumer, isFree).Contains(value) && regions.ContainsKey(consumer.Output);
    }

    private static bool IsConv(Node node, Func<Node, bool> isFree) => node.Is("Conv") && isFree(node) && QuantizationRoles.Of(node).Role == QuantizationRole.Layer;

    private static bool IsFunction(Node node, Func<Node, bool> isFree) => node.Domain.Length == 0 && s_functions.Contains(node.OpType) && isFree(node)
        && QuantizationRoles.Of(node).Role == QuantizationRole.Table && !IsClampOfLayer(node, isFree);

    // A layer takes in the clamp behind it; a table in between would cost more than its groups gain.
    private static bool IsClampOfLayer(Node node, Func<Node, bool> isFree) => node.Is("Clip") && node.Inputs[0]?.Producer is { } before && IsConv(before, isFree);

    /// <summary>The operands whose factors go through <paramref name="node"/> to its result.</summary>
    private static IReadOnlyList<Value> Passed(Node node, Func<Node, bool> isFree)
    {
        if (node.Domain.Length > 0 || !isFree(node) || node.Outputs.Count(o => o != null) != 1 || node.Output.DType != DType.Float32) return [];
        QuantizationRole role = QuantizationRoles.Of(node).Role;
        if (role == QuantizationRole.Float) return [];
        Value? x = node.Input(0);
        if (s_passing.Contains(node.OpType)) return x is { IsConstant: false, Shape.IsRanked: true } && x.Shape.Rank == node.Output.Shape.Rank ? [x] : [];
        if (node.OpType is "Add" or "Sub" && role == QuantizationRole.Arithmetic && node.Inputs.All(i => i is { IsConstant: false } && i.Shape == node.Output.Shape)) return [node.Inputs[0]!, node.Inputs[1]!];
        if (node.OpType == "Mul" && role == QuantizationRole.Table && FactorAxis(node.Input(1)) == null) return [.. node.Inputs.Where(i => i is { IsConstant: false }).OfType<Value>()];
        if (node.OpType == "Mul" && role == QuantizationRole.Arithmetic)
        {
            // The gate, one number a channel, keeps its own scale.
            Value[] whole = [.. node.Inputs.Where(i => i is { IsConstant: false } && i.Shape == node.Output.Shape && node.Inputs.Count(o => o == i) == 1).OfType<Value>()];
            if (whole.Length == 1) return whole;
        }
        return [];
    }

    /// <summary>Powers of two, the largest 1; null where all are.</summary>
    private static double[]? Factors(Region region)
    {
        double most = region.Largest.Length == 0 ? 0 : region.Largest.Max();
        if (!(most > 0) || !double.IsFinite(most)) return null;
        Sink[] sinks = [.. Sinks(region)];
        double[] best = Powers(region, sinks, sinks.Length == 0 ? 1 : 0);
        double least = Noise(region, sinks, best);
        for (int step = 1; step <= Strengths && sinks.Length > 0; step++)
        {
            double[] s = Powers(region, sinks, step / (double)Strengths);
            double noise = Noise(region, sinks, s);
            if (noise < least) (least, best) = (noise, s);
        }
        return best.All(f => f == 1) ? null : best;
    }

    /// <summary>range^strength / weights^(1 - strength), rounded up to powers of two; of strength 0 all 1.</summary>
    private static double[] Powers(Region region, Sink[] sinks, double strength)
    {
        double most = region.Largest.Max();
        var s = new double[region.Largest.Length];
        for (int c = 0; c < s.Length; c++)
        {
            double range = region.Largest[c] / most, w = sinks.Length == 0 ? 1 : sinks.Max(k => k.Largest.Max(row => row.Max() == 0 ? 0 : row[c] / row.Max()));
            double factor = strength == 0 ? 1 : Math.Pow(range, strength) / Math.Pow(w, 1 - strength);
            s[c] = range == 0 || !(factor > 0) || double.IsInfinity(factor) ? 1 : factor;
        }
        // The scale of the tensor is that of the channel which needs the largest; a power rounded up never cuts off.
        double largest = s.Zip(region.Largest, (factor, a) => a / most / factor).Max();
        return [.. s.Select(f => Math.ScaleB(1, (int)Math.Clamp(Math.Ceiling(Math.Log2(Math.Min(1, f * largest)) - 1e-9), 1 - MaxGroups, 0)))];
    }

    /// <summary>Variance that rounding makes in the results of dense convolutions, but for the twelfth of a squared step: steps of
    /// activations, of the largest v / s, times weights; steps of weights, max |w s| / 127 of each output channel, times activations.</summary>
    private static double Noise(Region region, Sink[] sinks, double[] s)
    {
        double step = region.Largest.Zip(s, (a, f) => a / f).Max() / region.Steps, noise = 0;
        foreach (Sink sink in sinks)
        {
            double input = sink.Input.Zip(s, (x, f) => x / (f * f)).Sum();
            for (int o = 0; o < sink.Largest.Length; o++)
            {
                double weightStep = 0, weights = 0;
                for (int c = 0; c < s.Length; c++)
                {
                    weightStep = Math.Max(weightStep, sink.Largest[o][c] * s[c]);
                    weights += sink.Squares[o][c] * s[c] * s[c];
                }
                noise += step * step * weights + weightStep * weightStep / (127 * 127) * input;
            }
        }
        return noise;
    }

    private static IEnumerable<Sink> Sinks(Region region)
    {
        foreach (Value value in region.Values)
            foreach (Node conv in value.Consumers.Where(c => c.Is("Conv") && c.Inputs[0] == value && c.Inputs[1]!.Shape[1] > 1))
            {
                if (!region.Powers.TryGetValue(value, out Power? power)) continue;
                Tensor weights = conv.Inputs[1]!.Constant!;
                long outs = weights.Shape[0], each = weights.Shape[1], taps = weights.Shape.Product(2, weights.Shape.Rank), perGroup = outs / conv.Attributes.Int("group", 1);
                double[][] largest = new double[outs][], sums = new double[outs][];
                ReadOnlySpan<float> w = weights.Span<float>();
                for (long o = 0; o < outs; o++)
                {
                    largest[o] = new double[region.Largest.Length];
                    sums[o] = new double[region.Largest.Length];
                    for (long i = 0; i < each * taps; i++)
                    {
                        long c = o / perGroup * each + i / taps;
                        double v = w[(int)(o * each * taps + i)];
                        largest[o][c] = Math.Max(largest[o][c], Math.Abs(v));
                        sums[o][c] += v * v;
                    }
                }
                yield return new Sink(largest, sums, [.. power.Means.Select(m => m * taps)]);
            }
    }

    private static void Rescale(Graph graph, Region region, double[] s)
    {
        foreach (Value value in region.Values)
        {
            Node producer = value.Producer!;
            foreach (Node reader in value.Consumers.Distinct().ToArray())
            {
                if (reader.Is("Conv") && reader.Inputs[0] == value)
                {
                    long groups = reader.Attributes.Int("group", 1), each = s.Length / groups;
                    ScaledConstant.Replace(graph, reader, 1, ".grouped", (i, shape) =>
                        s[i / shape.Product(1, shape.Rank) / (shape[0] / groups) * each + i / shape.Product(2, shape.Rank) % shape[1]]);
                }
                else if (s_functions.Contains(reader.OpType))
                {
                    graph.SetInput(reader, 0, graph.Add("Mul", value.Name + ".real", [value, Constant(graph, value, region.Axes[value], s, f => f)], before: reader));
                }
            }
            if (producer.Is("Conv"))
            {
                ScaledConstant.Replace(graph, producer, 1, ".grouped", (i, shape) => 1 / s[i / shape.Product(1, shape.Rank)]);
                if (producer.Input(2) != null) ScaledConstant.Replace(graph, producer, 2, ".grouped", (i, _) => 1 / s[i]);
            }
            else if (s_functions.Contains(producer.OpType))
            {
                // The function keeps its result; what everybody reads is that divided.
                Value divided = graph.Add("Mul", value.Name + ".grouped", [value, Constant(graph, value, region.Axes[value], s, f => 1 / f)]);
                graph.ReplaceUses(value, divided);
                graph.SetInput(divided.Producer!, 0, value);
                continue;
            }
            value.SourceName = null;
            graph.Rename(value, graph.FreshName(value.Name + ".grouped"));
        }
        graph.Sort();
    }

    private static Value Constant(Graph graph, Value value, int axis, double[] s, Func<double, double> of)
    {
        long[] shape = [.. Enumerable.Repeat(1L, value.Shape.Rank)];
        shape[axis] = s.Length;
        return graph.AddConstant(graph.FreshName(value.Name + ".factors"), Tensor.FromArray<float>([.. s.Select(f => (float)of(f))], new Shape(shape)));
    }
}
