using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Activations with a scale for each group of channels: the scale of a tensor times a power of two for each channel, channels of one power
/// being a group. Powers of two pass exactly through the float model: what holds v[c] holds v[c] / s[c] from then on, s[c] going into
/// the weights of the convolutions before and behind. Through operators that a factor passes (Relu, pooling, means, sums, gates) a whole
/// region of values takes one s. A function that it does not pass (HardSwish, Sigmoid, ...) gets a Mul by s before it and one by
/// 1 / s' behind, which the lowering makes one table for each pair of groups of. So integer layers compute as ever, with one
/// scale a tensor. Before depthwise convolutions and functions s[c] takes all of the range; before dense ones sqrt(range / weights), as in
/// <see cref="ChannelEqualization"/>.
/// </summary>
internal static class ChannelGroups
{
    /// <summary>Most groups: powers 0 to MaxGroups - 1.</summary>
    public const int MaxGroups = 6;

    /// <summary>Functions of one element behind which and before which a table may have factors.</summary>
    private static readonly HashSet<string> s_functions = ["HardSwish", "HardSigmoid", "Sigmoid", "Tanh", "Swish", "Gelu", "Elu", "Selu", "Celu", "Softplus", "Mish", "Clip"];

    private static readonly HashSet<string> s_passing = ["Relu", "LeakyRelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean", "Resize", "Identity"];

    /// <summary>Values that share their factors, and what absorbs them.</summary>
    private sealed class Region
    {
        public List<Value> Values { get; } = [];
        public bool IsFixed { get; set; }
        public float[] Largest { get; set; } = [];
    }

    /// <summary>True for the factors of a Mul that this writes: [1,C,1,1] or [1,C,1], powers of two, few of them.</summary>
    public static bool IsFactor(Value? value)
    {
        if (value?.Constant is not { DType: DType.Float32, Shape.Rank: 3 or 4 } t || t.Count < 2 || t.Count != t.Shape[1]) return false;
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
            if (!regions.TryGetValue(value, out Region? region) || tensor.Shape.Rank < 3) return;
            if (region.Largest.Length == 0) region.Largest = new float[tensor.Shape[1]];
            int inner = (int)tensor.Shape.Product(2, tensor.Shape.Rank);
            ReadOnlySpan<float> data = tensor.Span<float>();
            for (int i = 0; i < data.Length; i++)
            {
                ref float at = ref region.Largest[i / inner % region.Largest.Length];
                at = Math.Max(at, Math.Abs(data[i]));
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
        foreach (Value value in graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>())
            if (value is { DType: DType.Float32, Shape: { IsRanked: true, Rank: 3 or 4 } shape } && shape[1] > 1) regions[value] = new Region { Values = { value } };
        foreach (Node node in graph.Nodes)
            foreach (Value operand in Passed(node, isFree))
            {
                if (!regions.TryGetValue(operand, out Region? from) || !regions.TryGetValue(node.Output, out Region? to))
                {
                    foreach (Value end in new[] { operand, node.Output })
                        if (regions.TryGetValue(end, out Region? open)) open.IsFixed = true;
                    continue;
                }
                if (from == to) continue;
                from.Values.AddRange(to.Values);
                from.IsFixed |= to.IsFixed;
                foreach (Value value in to.Values) regions[value] = from;
            }
        foreach ((Value value, Region region) in regions)
            if (graph.Outputs.Contains(value) || !IsSource(value.Producer!, value, isFree) || value.Consumers.Count == 0 || value.Consumers.Any(c => !IsSink(c, value, isFree))) region.IsFixed = true;
        return regions.Where(pair => !pair.Value.IsFixed && pair.Value.Values.Any(v => IsConv(v.Producer!, isFree) || IsFunction(v.Producer!, isFree))).ToDictionary();
    }

    private static bool IsSource(Node producer, Value value, Func<Node, bool> isFree) =>
        IsConv(producer, isFree) || IsFunction(producer, isFree) || Passed(producer, isFree).Count > 0;

    private static bool IsSink(Node consumer, Value value, Func<Node, bool> isFree) =>
        IsConv(consumer, isFree) && consumer.Inputs.Count(i => i == value) == 1 && consumer.Inputs[0] == value || IsFunction(consumer, isFree) || Passed(consumer, isFree).Contains(value);

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
        if (s_passing.Contains(node.OpType))
        {
            // The mean must keep the channels where they are.
            bool keeps = node.OpType != "ReduceMean" || node.Attributes.Int("keepdims", 1) != 0;
            return keeps && x is { IsConstant: false } && x.Shape.IsRanked && x.Shape.Rank == node.Output.Shape.Rank && x.Shape[1] == node.Output.Shape[1] ? [x] : [];
        }
        if (node.OpType is "Add" or "Sub" && role == QuantizationRole.Arithmetic && node.Inputs.All(i => i is { IsConstant: false } && i.Shape == node.Output.Shape)) return [node.Inputs[0]!, node.Inputs[1]!];
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
        double[] w = RelativeWeights(region);
        var s = new double[region.Largest.Length];
        for (int c = 0; c < s.Length; c++)
        {
            double range = region.Largest[c] / most, factor = double.IsNaN(w[c]) ? range : Math.Sqrt(range / w[c]);
            s[c] = region.Largest[c] == 0 || !(factor > 0) || double.IsInfinity(factor) ? 1 : factor;
        }
        // The scale of the tensor is that of the channel which needs the largest; a power rounded up never cuts off.
        double largest = s.Zip(region.Largest, (factor, a) => a / most / factor).Max();
        for (int c = 0; c < s.Length; c++) s[c] = Math.ScaleB(1, (int)Math.Clamp(Math.Ceiling(Math.Log2(Math.Min(1, s[c] * largest)) - 1e-9), 1 - MaxGroups, 0));
        return s.All(f => f == 1) ? null : s;
    }

    /// <summary>For each channel the largest weight that dense convolutions have for it, relative to that of their output channel; NaN where there is
    /// no dense one.</summary>
    private static double[] RelativeWeights(Region region)
    {
        var result = new double[region.Largest.Length];
        Array.Fill(result, double.NaN);
        foreach (Value value in region.Values)
            foreach (Node conv in value.Consumers.Where(c => c.Is("Conv") && c.Inputs[0] == value && c.Inputs[1]!.Shape[1] > 1))
            {
                Tensor weights = conv.Inputs[1]!.Constant!;
                long each = weights.Shape[1], inner = weights.Shape.Product(2, weights.Shape.Rank), row = each * inner, perGroup = weights.Shape[0] / conv.Attributes.Int("group", 1);
                ReadOnlySpan<float> w = weights.Span<float>();
                for (int o = 0; o < weights.Shape[0]; o++)
                {
                    ReadOnlySpan<float> values = w.Slice((int)(o * row), (int)row);
                    double most = 0;
                    foreach (float v in values) most = Math.Max(most, Math.Abs(v));
                    if (most == 0) continue;
                    for (int i = 0; i < values.Length; i++)
                    {
                        ref double at = ref result[o / perGroup * each + i / inner];
                        at = double.IsNaN(at) ? Math.Abs(values[i]) / most : Math.Max(at, Math.Abs(values[i]) / most);
                    }
                }
            }
        return result;
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
                    graph.SetInput(reader, 0, graph.Add("Mul", value.Name + ".real", [value, Constant(graph, value, s, f => f)], before: reader));
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
                Value divided = graph.Add("Mul", value.Name + ".grouped", [value, Constant(graph, value, s, f => 1 / f)]);
                graph.ReplaceUses(value, divided);
                graph.SetInput(divided.Producer!, 0, value);
                continue;
            }
            value.SourceName = null;
            graph.Rename(value, graph.FreshName(value.Name + ".grouped"));
        }
        graph.Sort();
    }

    private static Value Constant(Graph graph, Value value, double[] s, Func<double, double> of) => graph.AddConstant(graph.FreshName(value.Name + ".factors"),
        Tensor.FromArray<float>([.. s.Select(f => (float)of(f))], value.Shape.Rank == 4 ? new Shape(1, s.Length, 1, 1) : new Shape(1, s.Length, 1)));
}
