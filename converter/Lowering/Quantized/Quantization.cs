using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>Scale and zero point of a tensor of 8 or 16 bits as a whole: real = Scale * (stored - Zero).</summary>
internal readonly record struct Quantization(DType Type, float Scale, int Zero)
{
    /// <summary>The zero point once a tensor of 8 bits is int8.</summary>
    public int Zero8 => Type == DType.UInt8 ? Zero - 128 : Zero;

    public bool IsWide => Type == DType.Int16;

    /// <summary>The type that integer operators compute on.</summary>
    public DType Signed => IsWide ? DType.Int16 : DType.Int8;

    /// <summary>Parameters of a QuantizeLinear or DequantizeLinear that has constant ones for the whole tensor, 8 bits wide or int16 around zero. A scale that is
    /// infinite, as calibration makes of masks with -inf, has no integer form.</summary>
    public static Quantization? Of(Node? node) => OfAny(node) is ({ Type: DType.Int8 or DType.UInt8 } or { Type: DType.Int16, Zero: 0 }) and { } q ? q : null;

    /// <summary>As <see cref="Of"/>, 8 or 16 bits wide.</summary>
    public static Quantization? OfAny(Node? node)
    {
        if (node == null || node.Domain.Length > 0 || node.OpType is not ("QuantizeLinear" or "DequantizeLinear")) return null;
        DType type = node.OpType == "QuantizeLinear" ? node.Output.DType : node.Inputs[0]!.DType;
        if (type is not (DType.Int8 or DType.UInt8 or DType.Int16 or DType.UInt16)) return null;
        if (node.Input(1) is not { DType: DType.Float32 } || !Match.Scalar(node.Input(1), out double scale) || !(scale > 0 && double.IsFinite(scale))) return null;
        double zero = 0;
        if (node.Input(2) != null && !Match.Scalar(node.Input(2), out zero)) return null;
        return new Quantization(type, (float)scale, (int)zero);
    }

    /// <summary>The stored value and its parameters when <paramref name="value"/> is dequantized.</summary>
    public static (Value Stored, Quantization Q)? Dequantized(Value? value) =>
        Match.Producer(value, "DequantizeLinear") is { } node && Of(node) is { } q ? (node.Inputs[0]!, q) : null;
}

/// <summary>Constant weights of a quantized layer as int8 around zero, with one scale per output channel.</summary>
internal sealed record QuantizedWeights(string Name, Tensor Stored, float[] Scales)
{
    /// <summary>Reads a DequantizeLinear of a constant: int8 with zero point 0, or uint8 with zero point 128; one scale, or one for each
    /// index of <paramref name="axis"/>. Null for anything else.</summary>
    public static QuantizedWeights? Of(Value? value, int axis)
    {
        if (Match.Producer(value, "DequantizeLinear") is not { } node || node.Inputs[0]?.Constant is not { } stored) return null;
        if (stored.DType is not (DType.Int8 or DType.UInt8) || node.Attributes.Int("block_size", 0) != 0) return null;
        if (node.Input(1)?.Constant is not { DType: DType.Float32 } scales) return null;
        long channels = stored.Shape[axis];
        if (scales.Count != 1 && (scales.Count != channels || Match.Axis(node.Attributes.Int("axis", 1), stored.Shape.Rank) != axis)) return null;
        int wanted = stored.DType == DType.UInt8 ? 128 : 0;
        if (node.Input(2) is { } zero)
        {
            if (zero.Constant is not { } zeros) return null;
            for (long i = 0; i < zeros.Count; i++)
                if (zeros.GetInt64(i) != wanted) return null;
        }
        else if (wanted != 0) return null;
        var perChannel = new float[channels];
        for (int c = 0; c < channels; c++) perChannel[c] = (float)scales.GetDouble(scales.Count == 1 ? 0 : c);
        return new QuantizedWeights(node.Inputs[0]!.Name, stored.DType == DType.UInt8 ? ToInt8(stored) : stored, perChannel);
    }

    /// <summary>Sum of the weights of each index of <paramref name="axis"/>.</summary>
    public int[] Sums(int axis)
    {
        var sums = new int[Stored.Shape[axis]];
        long inner = Stored.Shape.Product(axis + 1, Stored.Shape.Rank);
        for (long i = 0; i < Stored.Count; i++) sums[i / inner % sums.Length] += (int)Stored.GetInt64(i);
        return sums;
    }

    /// <summary>The least and the greatest sum of each index of <paramref name="axis"/>, bias included, that int8 inputs can give.</summary>
    public (long Low, long High)[] Reach(int axis, int xZero, int[]? bias)
    {
        var reach = new (long Low, long High)[Stored.Shape[axis]];
        if (bias != null)
            for (int c = 0; c < reach.Length; c++) reach[c] = (bias[c], bias[c]);
        long inner = Stored.Shape.Product(axis + 1, Stored.Shape.Rank);
        for (long i = 0; i < Stored.Count; i++)
        {
            long w = Stored.GetInt64(i), least = w * (sbyte.MinValue - xZero), most = w * (sbyte.MaxValue - xZero);
            ref (long Low, long High) sum = ref reach[i / inner % reach.Length];
            sum = (sum.Low + Math.Min(least, most), sum.High + Math.Max(least, most));
        }
        return reach;
    }

    public static Tensor ToInt8(Tensor unsigned)
    {
        var signed = new Tensor(DType.Int8, unsigned.Shape);
        for (long i = 0; i < signed.Count; i++) signed.SetInt64(i, unsigned.GetInt64(i) - 128);
        return signed;
    }

    /// <summary>
    /// The int32 bias of scale xScale * Scales[c]. Accepts a DequantizeLinear of int32, whose numbers are taken as they are when
    /// the scales agree as far as TFLite demands (kernel_util.cc: difference at most 0.02 of the output scale), and a float constant.
    /// False when there is a bias of another kind.
    /// </summary>
    public bool TryBias(Value? bias, float xScale, float yScale, out int[]? result)
    {
        result = null;
        if (bias == null) return true;
        var values = new int[Scales.Length];
        Tensor? stored = bias.Constant, scales = null;
        if (stored == null && Match.Producer(bias, "DequantizeLinear") is { } node && node.Inputs[0]?.Constant is { DType: DType.Int32 or DType.Int8 or DType.UInt8 } integers)
        {
            stored = integers;
            scales = node.Input(1)?.Constant;
            if (scales == null || node.Input(2) is { } zero && !(zero.Constant is { } zeros && Enumerable.Range(0, (int)zeros.Count).All(i => zeros.GetInt64(i) == 0))) return false;
        }
        if (stored == null || stored.Count != Scales.Length && stored.Count != 1 || scales != null && scales.Count != 1 && scales.Count != Scales.Length) return false;
        if (scales == null && !stored.DType.IsFloat()) return false;
        for (int c = 0; c < values.Length; c++)
        {
            double product = (double)xScale * Scales[c];
            double number = stored.GetDouble(stored.Count == 1 ? 0 : c);
            if (scales != null)
            {
                double scale = scales.GetDouble(scales.Count == 1 ? 0 : c);
                if (Math.Abs(product - scale) / yScale <= 0.02 && Math.Abs(product - scale) <= 1e-3 * product)
                {
                    values[c] = (int)number;
                    continue;
                }
                number *= scale;
            }
            double rounded = Math.Round(number / product, MidpointRounding.AwayFromZero);
            if (!(Math.Abs(rounded) <= int.MaxValue)) return false;
            values[c] = (int)rounded;
        }
        result = values;
        return true;
    }
}

/// <summary>Edits that quantized patterns share.</summary>
internal static class QuantizedEdit
{
    /// <summary>The tensor in a signed type: itself, or where it is uint8 a shifted constant, or through a table of x - 128.</summary>
    public static Value ToSigned(Graph graph, Node before, Value x)
    {
        if (x.DType is DType.Int8 or DType.Int16) return x;
        if (x.Constant is { } constant) return graph.AddConstant(x.Name + ".s8", QuantizedWeights.ToInt8(constant));
        return Rewrite.Insert(graph, before, "Lut", x.Name + ".s8", [x, Shift(graph, DType.Int8)], null, "edgelite");
    }

    /// <summary>A signed result in the type that the model has there.</summary>
    public static Value FromSigned(Graph graph, Node before, Value y, DType type) =>
        type is DType.Int8 or DType.Int16 ? y : Rewrite.Insert(graph, before, "Lut", y.Name + ".u8", [y, Shift(graph, DType.UInt8)], null, "edgelite");

    // Entry i: value i becomes i - 128 in int8; value i - 128 becomes i in uint8. The bits are the same: i xor 128, and i.
    private static Value Shift(Graph graph, DType to)
    {
        var table = new Tensor(to, new Shape(256));
        for (int i = 0; i < 256; i++) table.SetInt64(i, to == DType.Int8 ? i - 128 : i);
        return graph.AddConstant(to == DType.Int8 ? "shift.s8" : "shift.u8", table);
    }

    public static Value Int32s(Graph graph, string hint, int[] values) => graph.AddConstant(hint, Tensor.FromArray<int>(values, new Shape(values.Length)));

    /// <summary>A signed tensor in one scale and zero point to the same type in another; itself where they are the same.</summary>
    public static Value Requantize(Graph graph, Node before, Value x, Quantization from, Quantization to)
    {
        if (from.Scale == to.Scale && from.Zero8 == to.Zero8) return x;
        FixedMultiplier m = FixedPoint.Quantize((double)from.Scale / to.Scale);
        AttributeSet attributes = AttributeSet.Of(("x_zero_point", (long)from.Zero8), ("y_zero_point", (long)to.Zero8), ("multiplier", (long)m.Value), ("shift", (long)m.Shift));
        if (to.IsWide) (attributes["y_min"], attributes["y_max"]) = ((long)short.MinValue, (long)short.MaxValue);
        return Rewrite.Insert(graph, before, "Requantize", x.Name + ".requantized", [x], attributes, "edgelite");
    }
}
