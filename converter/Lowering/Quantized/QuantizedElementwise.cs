using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>Add, Sub, Mul, pooling, means and Softmax between DequantizeLinear and QuantizeLinear become integer operators.</summary>
public sealed class QuantizedElementwise : IGraphPass
{
    public string Name => "quantized-elementwise";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("QuantizeLinear") || Quantization.Of(node) is not { } y) continue;
            if (Clamp.Before(graph, node) is not { } clamp || clamp.Producer is not { Domain: "" } op) continue;
            bool isClamped = !float.IsInfinity(clamp.Low) || !float.IsInfinity(clamp.High);
            Value? result = op.OpType switch
            {
                "Add" or "Sub" => Sum(graph, node, op, y, clamp),
                "Mul" => Product(graph, node, op, y, clamp),
                "AveragePool" => AveragePool(graph, node, op, y, clamp),
                "GlobalAveragePool" when !isClamped => Mean(graph, node, op, y),
                "ReduceMean" when !isClamped => Mean(graph, node, op, y),
                "Softmax" when !isClamped => Softmax(graph, node, op, y),
                "Concat" when !isClamped => Concat(graph, node, op, y),
                _ => null,
            };
            if (result == null) continue;
            Rewrite.Replace(graph, node.Output, QuantizedEdit.FromSigned(graph, node, result, y.Type), keepName: true);
            changed = true;
        }
        return changed;
    }

    private static Value? Sum(Graph graph, Node before, Node op, Quantization y, Clamp clamp)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (a, qa) || Quantization.Dequantized(op.Inputs[1]) is not var (b, qb)) return null;
        if (qa.IsWide != y.IsWide || qb.IsWide != y.IsWide) return null;
        AddScaling scaling = FixedPoint.ForAdd(qa.Scale, qb.Scale, y.Scale, y.IsWide ? 15 : 20);
        AttributeSet attributes = Binary(qa, qb, y, clamp, scaling.Y);
        attributes["left_shift"] = (long)scaling.LeftShift;
        attributes["a_multiplier"] = (long)scaling.A.Value;
        attributes["a_shift"] = (long)scaling.A.Shift;
        attributes["b_multiplier"] = (long)scaling.B.Value;
        attributes["b_shift"] = (long)scaling.B.Shift;
        return Rewrite.Insert(graph, before, "Q" + op.OpType, op.Output.Name + ".q",
            [QuantizedEdit.ToSigned(graph, before, a), QuantizedEdit.ToSigned(graph, before, b)], attributes, "edgelite");
    }

    private static Value? Product(Graph graph, Node before, Node op, Quantization y, Clamp clamp)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (a, qa) || Quantization.Dequantized(op.Inputs[1]) is not var (b, qb)) return null;
        if (qa.IsWide != y.IsWide || qb.IsWide != y.IsWide) return null;
        // In float32, as kernels/mul.cc computes it.
        float factor = qa.Scale * qb.Scale / y.Scale;
        return Rewrite.Insert(graph, before, "QMul", op.Output.Name + ".q",
            [QuantizedEdit.ToSigned(graph, before, a), QuantizedEdit.ToSigned(graph, before, b)], Binary(qa, qb, y, clamp, FixedPoint.Quantize(factor)), "edgelite");
    }

    private static AttributeSet Binary(Quantization a, Quantization b, Quantization y, Clamp clamp, FixedMultiplier m)
    {
        (int min, int max) = clamp.Range(y);
        return AttributeSet.Of(("a_offset", (long)-a.Zero8), ("b_offset", (long)-b.Zero8), ("y_offset", (long)y.Zero8),
            ("y_multiplier", (long)m.Value), ("y_shift", (long)m.Shift), ("y_min", (long)min), ("y_max", (long)max));
    }

    /// <summary>Only where input and output have the same parameters, as TFLite demands.</summary>
    private static Value? AveragePool(Graph graph, Node before, Node op, Quantization y, Clamp clamp)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (stored, x) || stored.Shape is not { IsRanked: true, Rank: 4 }) return null;
        AttributeSet a = op.Attributes;
        if (x.IsWide || y.IsWide) return null;
        if (x.Scale != y.Scale || x.Zero8 != y.Zero8 || a.Int("channels_last", 0) != 0 || a.Ints("kernel_shape") is not { Length: 2 } kernel) return null;
        if (a.Int("ceil_mode", 0) != 0 || a.Ints("dilations") is { } dilations && dilations.Any(d => d != 1)) return null;
        long[] strides = a.Ints("strides") ?? [1, 1];
        string auto = a.String("auto_pad", "NOTSET");
        long[]? pads = auto is "SAME_UPPER" or "SAME_LOWER" ? ConvGeometry.SamePads(stored.Shape, kernel, strides, [1, 1], auto == "SAME_UPPER")
            : auto == "VALID" ? [0, 0, 0, 0] : a.Ints("pads") ?? [0, 0, 0, 0];
        if (pads == null || a.Int("count_include_pad", 0) != 0 && pads.Any(p => p != 0)) return null;
        (int min, int max) = clamp.Range(y);
        Value entered = ChannelsLast.Enter(graph, before, QuantizedEdit.ToSigned(graph, before, stored), 2);
        Value pooled = Rewrite.Insert(graph, before, "QAveragePool", op.Output.Name + ".q", [entered], AttributeSet.Of(
            ("kernel_shape", kernel), ("strides", strides), ("pads", pads), ("y_min", (long)min), ("y_max", (long)max)), "edgelite");
        pooled.SourceName = before.Output.SourceName ?? before.Output.Name;
        return ChannelsLast.Leave(graph, before, pooled, 2, op.Output.Name + ".q.nchw");
    }

    /// <summary>The mean over height and width of NCHW, or of NHWC where the axes say so; the result keeps the operator's shape.</summary>
    private static Value? Mean(Graph graph, Node before, Node op, Quantization y)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (stored, x) || stored.Shape is not { IsRanked: true, Rank: 4 } shape) return null;
        bool last = op.Attributes.Int("channels_last", 0) != 0, keep = true;
        if (op.OpType == "ReduceMean")
        {
            if (Match.Ints(op.Input(1)) is not { Length: 2 } axes) return null;
            int[] sorted = [.. axes.Select(a => Match.Axis(a, 4)).Order()];
            if (sorted is not ([1, 2] or [2, 3])) return null;
            last = sorted[0] == 1;
            keep = op.Attributes.Int("keepdims", 1) != 0;
        }
        long height = shape[last ? 1 : 2], width = shape[last ? 2 : 3];
        if (height <= 0 || width <= 0 || x.IsWide != y.IsWide || x.IsWide && height * width >= 1 << 15) return null;
        FixedMultiplier m = FixedPoint.QuantizeMean(x.Scale, y.Scale, height * width);
        Value q = QuantizedEdit.ToSigned(graph, before, stored);
        if (!last) q = ChannelsLast.Enter(graph, before, q, 2);
        Value mean = Rewrite.Insert(graph, before, "QMean", op.Output.Name + ".q", [q], AttributeSet.Of(
            ("x_zero_point", (long)x.Zero8), ("y_zero_point", (long)y.Zero8), ("multiplier", (long)m.Value), ("shift", (long)m.Shift)), "edgelite");
        return keep ? Rewrite.Insert(graph, before, "Unsqueeze", op.Output.Name + ".q.4d", [mean, Rewrite.Ints(graph, "axes", last ? [1, 2] : [2, 3])]) : mean;
    }

    private static Value? Softmax(Graph graph, Node before, Node op, Quantization y)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (stored, x) || !stored.Shape.IsRanked) return null;
        if (x.IsWide || y.Scale != 1f / 256 || y.Zero8 != -128 || Match.Axis(op.Attributes.Int("axis", -1), stored.Shape.Rank) != stored.Shape.Rank - 1) return null;
        if (x.Scale is < 1f / (1 << 26) or >= 16) return null; // beyond what the multiplier can say
        SoftmaxScaling s = FixedPoint.ForSoftmax(x.Scale);
        return Rewrite.Insert(graph, before, "QSoftmax", op.Output.Name + ".q", [QuantizedEdit.ToSigned(graph, before, stored)], AttributeSet.Of(
            ("input_multiplier", (long)s.Multiplier), ("input_left_shift", (long)s.LeftShift), ("diff_min", (long)s.DiffMin)), "edgelite");
    }

    /// <summary>Each part is brought to the result's scale.</summary>
    private static Value? Concat(Graph graph, Node before, Node op, Quantization y)
    {
        var parts = new List<Value?>();
        if (op.Inputs.Any(i => Quantization.Dequantized(i) is not var (_, part) || part.IsWide != y.IsWide)) return null;
        foreach (Value? input in op.Inputs)
        {
            (Value stored, Quantization x) = Quantization.Dequantized(input)!.Value;
            parts.Add(QuantizedEdit.Requantize(graph, before, QuantizedEdit.ToSigned(graph, before, stored), x, y));
        }
        return Rewrite.Insert(graph, before, "Concat", op.Output.Name + ".q", parts.ToArray(), op.Attributes.Clone());
    }
}
