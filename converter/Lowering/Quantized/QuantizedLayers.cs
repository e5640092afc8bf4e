using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// DequantizeLinear -> layer (-> Relu or Clip) -> QuantizeLinear becomes one integer layer: QConv, QDepthwiseConv,
/// QConvTranspose, QGemm. Weights are constant int8 around zero, scales per layer or per output channel, the bias int32 in
/// the product's scale. Between int16 tensors it is the same with a bias of 64 bits (not for transposed convolutions). Arithmetic is
/// TFLite's, bit for bit.
/// </summary>
public sealed class QuantizedLayers : IGraphPass
{
    public string Name => "quantized-layers";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("QuantizeLinear") || Quantization.Of(node) is not { } y) continue;
            if (Clamp.Before(graph, node) is not { } clamp || clamp.Producer is not { Domain: "" } op) continue;
            changed |= op.OpType switch
            {
                "Conv" or "ConvTranspose" => Convolution(graph, node, op, y, clamp),
                "MatMul" => Dense(graph, node, op.Inputs[0], op.Inputs[1], false, null, y, clamp),
                "Add" => BiasedMatMul(graph, node, op, y, clamp),
                "Gemm" => Gemm(graph, node, op, y, clamp),
                _ => false,
            };
        }
        return changed;
    }

    private static bool Convolution(Graph graph, Node quantize, Node op, Quantization y, Clamp clamp)
    {
        if (Quantization.Dequantized(op.Inputs[0]) is not var (stored, x) || x.IsWide != y.IsWide || x.IsWide && op.OpType == "ConvTranspose") return false;
        int axis = op.OpType == "Conv" ? 0 : 1;
        if (Match.Producer(op.Inputs[1], "DequantizeLinear")?.Inputs[0]?.Constant is not { } raw) return false;
        if (ConvGeometry.Of(op, raw.Shape) is not { } geometry || geometry.IsTranspose && geometry.Groups > 1) return false;
        if (QuantizedWeights.Of(op.Inputs[1], axis) is not { } w || !w.TryBias(op.Input(2), x.Scale, y.Scale, out int[]? bias)) return false;

        Value entered = ChannelsLast.Enter(graph, quantize, QuantizedEdit.ToSigned(graph, quantize, stored), geometry.SpatialRank);
        (entered, geometry, Tensor weights) = JoinedPixels.Join(graph, quantize, entered, geometry, w.Stored);
        AttributeSet attributes = geometry.Attributes();
        SetZeros(attributes, x, y, clamp);
        Value packed = WeightPacker.Pack(graph, w.Name, weights, geometry.Packing, geometry.Groups);
        Value result = Rewrite.Insert(graph, quantize, "Q" + geometry.OpType, op.Output.Name + ".q",
            [entered, packed, .. Constants(graph, op.Output.Name, w, axis, bias, x, y, clamp, "Q" + geometry.OpType)], attributes, "edgelite");
        result.SourceName = quantize.Output.SourceName ?? quantize.Output.Name;
        result = ChannelsLast.Leave(graph, quantize, result, geometry.SpatialRank, op.Output.Name + ".q.nchw");
        Rewrite.Replace(graph, quantize.Output, QuantizedEdit.FromSigned(graph, quantize, result, y.Type), keepName: true);
        return true;
    }

    private static bool BiasedMatMul(Graph graph, Node quantize, Node add, Quantization y, Clamp clamp)
    {
        for (int i = 0; i < 2; i++)
        {
            if (Match.Producer(add.Inputs[i], "MatMul") is not { } matmul || Match.SoleConsumer(graph, matmul.Output) != add) continue;
            Value bias = add.Inputs[1 - i]!;
            if (bias.Shape is not { IsKnown: true } shape || shape.Rank < 1 || shape.Count != shape[shape.Rank - 1]) continue;
            if (Dense(graph, quantize, matmul.Inputs[0], matmul.Inputs[1], false, bias, y, clamp)) return true;
        }
        return false;
    }

    private static bool Gemm(Graph graph, Node quantize, Node op, Quantization y, Clamp clamp)
    {
        AttributeSet a = op.Attributes;
        if (a.Float("alpha", 1) != 1 || a.Int("transA", 0) != 0 || op.Input(2) != null && a.Float("beta", 1) != 1) return false;
        return Dense(graph, quantize, op.Inputs[0], op.Inputs[1], a.Int("transB", 0) != 0, op.Input(2), y, clamp);
    }

    private static bool Dense(Graph graph, Node quantize, Value? a, Value? b, bool transposed, Value? c, Quantization y, Clamp clamp)
    {
        if (Quantization.Dequantized(a) is not var (stored, x) || b is not { Shape: { IsKnown: true, Rank: 2 } } || stored.Shape is not { IsRanked: true, Rank: >= 1 } || x.IsWide != y.IsWide) return false;
        int axis = transposed ? 0 : 1;
        if (QuantizedWeights.Of(b, axis) is not { } w || !w.TryBias(c, x.Scale, y.Scale, out int[]? bias)) return false;
        AttributeSet attributes = AttributeSet.Of(("out_features", (long)w.Scales.Length));
        SetZeros(attributes, x, y, clamp);
        Value packed = WeightPacker.Pack(graph, w.Name, w.Stored, transposed ? Packing.GemmTransposed : Packing.Gemm);
        Value result = Rewrite.Insert(graph, quantize, "QGemm", quantize.Output.Name + ".q",
            [QuantizedEdit.ToSigned(graph, quantize, stored), packed, .. Constants(graph, quantize.Output.Name, w, axis, bias, x, y, clamp, "QGemm")], attributes, "edgelite");
        Rewrite.Replace(graph, quantize.Output, QuantizedEdit.FromSigned(graph, quantize, result, y.Type), keepName: true);
        return true;
    }

    /// <summary>B, WSum, Multiplier, Shift, and Near where float32 is proven to round as the operator's rule.</summary>
    private static Value?[] Constants(Graph graph, string name, QuantizedWeights w, int axis, int[]? bias, Quantization x, Quantization y, Clamp clamp, string op)
    {
        int[] sums = w.Sums(axis);
        // Sums of int16 products have 64 bits, and so has what they start from; a layer without bias says so by zeros.
        Value? start = x.IsWide ? graph.AddConstant(name + ".bias", Tensor.FromArray<long>([.. (bias ?? new int[sums.Length]).Select(b => (long)b)], new Shape(sums.Length)))
            : bias == null ? null : QuantizedEdit.Int32s(graph, name + ".bias", bias);
        FixedMultiplier[] m = ShortFactor.Restore([.. w.Scales.Select(s => FixedPoint.QuantizeProduct(x.Scale, s, y.Scale))]);
        Value?[] constants =
        [
            start,
            QuantizedEdit.Int32s(graph, name + ".wsum", sums),
            QuantizedEdit.Int32s(graph, name + ".multiplier", [.. m.Select(f => f.Value)]),
            QuantizedEdit.Int32s(graph, name + ".shift", [.. m.Select(f => f.Shift)]),
        ];
        bool once = op != "QDepthwiseConv";
        if (x.IsWide || op == "QConvTranspose" || !once && y.Zero8 != sbyte.MinValue || clamp.Range(y) != FixedPoint.TypeRange(DType.Int8)) return constants;
        return ProvenRounding.Of(m, w.Reach(axis, x.Zero8, bias), y.Zero8, once) is { } near ? [.. constants, QuantizedEdit.Int32s(graph, name + ".near", near)] : constants;
    }

    private static void SetZeros(AttributeSet attributes, Quantization x, Quantization y, Clamp clamp)
    {
        (int min, int max) = clamp.Range(y);
        attributes["x_zero_point"] = (long)x.Zero8;
        attributes["y_zero_point"] = (long)y.Zero8;
        attributes["y_min"] = (long)min;
        attributes["y_max"] = (long)max;
    }
}

/// <summary>What stands between a layer and its QuantizeLinear: nothing, or a Relu or Clip. <see cref="Producer"/> computes the
/// value before it.</summary>
internal readonly record struct Clamp(Node? Producer, float Low, float High)
{
    /// <summary>Null when the values on the way have other readers.</summary>
    public static Clamp? Before(Graph graph, Node quantize)
    {
        Value x = quantize.Inputs[0]!;
        if (Match.SoleConsumer(graph, x) == null) return null;
        if (x.Producer is { Domain: "", OpType: "Relu" or "Clip" } act && KernelFusion.Activation(act, act.Inputs[0]!) is { Kind: "clamp" } clamp
            && Match.SoleConsumer(graph, act.Inputs[0]!) != null && act.Inputs[0]!.Producer is { OpType: not "DequantizeLinear" } before)
            return new Clamp(before, clamp.A, clamp.B);
        return new Clamp(x.Producer, float.NegativeInfinity, float.PositiveInfinity);
    }

    /// <summary>The clamp in stored signed numbers.</summary>
    public (int Min, int Max) Range(Quantization y) => FixedPoint.Range(y.Signed, y.Scale, y.Zero8, Low, High);
}
