using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// Functions between DequantizeLinear and QuantizeLinear of int16, bit for bit what TFLite's interpreter gives. Sigmoid and Tanh: with a
/// scale of 2^-12 (Tanh: or 2^-11) gemmlowp's fixed-point functions, with another one a table of 256 values of the sigmoid that is
/// interpolated (tensorflow/lite/kernels/internal/reference/integer_ops/{logistic,tanh}.h). Softmax: tables of exp and 1/(1+x) (internal/reference/softmax.h, SoftmaxInt16). Their results have the scale 2^-15. Abs and clamps are one requantization,
/// as is another scale; LeakyRelu is two.
/// </summary>
public sealed class SixteenBitFunctions : IGraphPass
{
    /// <summary>Values of an int16 number: the entries of a Lut.</summary>
    private const int Values = 1 << 16;

    /// <summary>Of TFLite's interpolated tables.</summary>
    private const int Steps = Lut.Knots - 1;

    /// <summary>What softmax's table of exp reaches down to.</summary>
    private const double LowestExponent = -10;

    private const float FunctionScale = 1f / 32768;

    public string Name => "sixteen-bit-functions";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("QuantizeLinear") || Quantization.OfAny(node) is not { } y || node.Inputs[0]!.Producer is not { Domain: "" } op) continue;
            bool isSymmetric = y is { Type: DType.Int16, Zero: 0 } && Match.SoleConsumer(graph, node.Inputs[0]!) != null;
            Value? result = op.OpType switch
            {
                "DequantizeLinear" => Again(graph, node, op, y),
                _ when !isSymmetric => null,
                "Sigmoid" when y.Scale == FunctionScale => Table(graph, node, op, LogisticTable),
                "Tanh" when y.Scale == FunctionScale => Table(graph, node, op, TanhTable),
                "Softmax" when y.Scale == FunctionScale => Softmax(graph, node, op),
                "Abs" or "Relu" or "Clip" or "LeakyRelu" => Piecewise(graph, node, op, y),
                _ => null,
            };
            if (result == null) continue;
            Rewrite.Replace(graph, node.Output, result, keepName: true);
            changed = true;
        }
        return changed;
    }

    /// <summary>Integers of another scale, of which one side has 16 bits (kernels/quantize.cc).</summary>
    private static Value? Again(Graph graph, Node before, Node dequantize, Quantization y)
    {
        if (Quantization.OfAny(dequantize) is not { } x || x.Type != DType.Int16 && y.Type != DType.Int16 || dequantize.Inputs[0]!.IsConstant) return null;
        return Requantize(graph, before, dequantize.Inputs[0]!, x.Zero, (double)x.Scale / y.Scale, y, FixedPoint.TypeRange(y.Type));
    }

    private static Value Requantize(Graph graph, Node before, Value x, int zero, double factor, Quantization y, (int Min, int Max) range)
    {
        FixedMultiplier m = FixedPoint.Quantize(factor);
        return Rewrite.Insert(graph, before, "Requantize", x.Name + ".requantized", [x], AttributeSet.Of(("x_zero_point", (long)zero), ("y_zero_point", (long)y.Zero),
            ("multiplier", (long)m.Value), ("shift", (long)m.Shift), ("y_min", (long)range.Min), ("y_max", (long)range.Max), ("to", (long)y.Type)), "edgelite");
    }

    private static (Value Stored, float Scale)? Symmetric(Value? value) =>
        Match.Producer(value, "DequantizeLinear") is { } node && Quantization.OfAny(node) is { Type: DType.Int16, Zero: 0 } q && !node.Inputs[0]!.IsConstant ? (node.Inputs[0]!, q.Scale) : null;

    private static Value? Table(Graph graph, Node before, Node op, Func<float, Tensor?> entries)
    {
        if (Symmetric(op.Inputs[0]) is not var (stored, scale) || entries(scale) is not { } table) return null;
        return Rewrite.Insert(graph, before, "Lut", before.Output.Name, [stored, graph.AddConstant(before.Output.Name + ".table", table)], null, "edgelite");
    }

    /// <summary>Over the last axis; a factor (TFLite's beta) may stand before it.</summary>
    private static Value? Softmax(Graph graph, Node before, Node op)
    {
        Value x = op.Inputs[0]!;
        double beta = 1;
        if (Match.Producer(x, "Mul") is { } scaled && Match.OtherInput(scaled, v => Match.Scalar(v, out beta)) is { } unscaled) x = unscaled;
        if (Symmetric(x) is not var (stored, scale) || !stored.Shape.IsRanked || stored.Shape.Rank == 0) return null;
        if (Match.Axis(op.Attributes.Int("axis", -1), stored.Shape.Rank) != stored.Shape.Rank - 1) return null;
        double factor = scale * (float)beta / (-LowestExponent / (Values - 1)); // the first product in float32, as kernels/activations.cc computes it
        if (!(factor is > 0 and < 1 << 14)) return null; // differences have 17 bits
        FixedMultiplier m = FixedPoint.Quantize(factor);
        Value Constant(string name, Tensor table) => graph.AddConstant($"{before.Output.Name}.{name}", table);
        return Rewrite.Insert(graph, before, "QSoftmax", before.Output.Name,
            [stored, Constant("exp", Interpolated(Math.Exp, LowestExponent, 0)), Constant("reciprocal", Interpolated(v => 1 / (1 + v), 0, 1))],
            AttributeSet.Of(("input_multiplier", (long)m.Value), ("input_left_shift", (long)m.Shift), ("diff_min", 0L)), "edgelite");
    }

    /// <summary>Functions of straight pieces: each is requantized (kernels/{activations,elementwise}.cc).</summary>
    private static Value? Piecewise(Graph graph, Node before, Node op, Quantization y)
    {
        if (Symmetric(op.Inputs[0]) is not var (x, scale)) return null;
        (int, int) whole = FixedPoint.TypeRange(DType.Int16);
        if (op.OpType == "Abs")
        {
            Value wide = Rewrite.Insert(graph, before, "Cast", x.Name + ".wide", [x], AttributeSet.Of(("to", (long)DType.Int32)));
            return To(Rewrite.Insert(graph, before, "Abs", x.Name + ".abs", [wide]), scale, whole);
        }
        switch (KernelFusion.Activation(op, op.Inputs[0]!))
        {
            case { Kind: "clamp" } clamp:
                return To(x, scale, FixedPoint.Range(DType.Int16, y.Scale, 0, clamp.A, clamp.B));
            case { Kind: "leaky_relu", A: >= 0 } leaky:
                Value zero = graph.AddConstant("zero", new Tensor(DType.Int16, Shape.Scalar)), above = To(Insert("Max", x, zero), scale, whole);
                return Insert("Add", above, To(Insert("Min", x, zero), scale * leaky.A, whole));
            default:
                return null;
        }

        Value Insert(string op, Value a, Value b) => Rewrite.Insert(graph, before, op, $"{x.Name}.{op}", [a, b]);

        Value To(Value value, float from, (int, int) range) => Requantize(graph, before, value, 0, from / y.Scale, y, range);
    }

    /// <summary>1 / (1 + exp(-x)) of every int16 number of that scale.</summary>
    private static Tensor? LogisticTable(float scale)
    {
        if (scale == 1f / 4096) return Entries(x => new FixedFunctions(16).Logistic(x, 3));
        if (ToTwelfths(scale) is not { } toTwelfths) return null;
        int[] sigmoid = SigmoidTable();
        return Entries(x =>
        {
            int at = toTwelfths(x), magnitude = Math.Abs(at), i = magnitude >> 9;
            int result = i >= 255 ? 0x7fff << 10 : (sigmoid[i] << 9) + (magnitude & 0x1ff) * (sigmoid[i + 1] - sigmoid[i]);
            return (at >= 0 ? result + (1 << 9) : (1 << 25) - result + (1 << 9) - 1) >> 10;
        });
    }

    /// <summary>2 sigmoid(2x) - 1 of every int16 number of that scale.</summary>
    private static Tensor? TanhTable(float scale)
    {
        if (scale is 1f / 4096 or 1f / 2048)
            return Entries(x => new FixedFunctions(16).Tanh(scale == 1f / 4096 ? x : Math.Clamp(2 * x, short.MinValue, short.MaxValue), 3));
        if (ToTwelfths(scale) is not { } toTwelfths) return null;
        int[] sigmoid = SigmoidTable();
        return Entries(x =>
        {
            int at = toTwelfths(x), magnitude = Math.Abs(at), i = magnitude >> 8;
            int result = i >= 255 ? 0xffff << 8 : (sigmoid[i] << 8) + (magnitude & 0xff) * (sigmoid[i + 1] - sigmoid[i]);
            return (at >= 0 ? result - (1 << 23) + (1 << 7) : -result + (1 << 23) + (1 << 7) - 1) >> 8;
        });
    }

    private static Tensor Entries(Func<int, int> function)
    {
        var table = new Tensor(DType.Int16, new Shape(Values));
        for (int i = 0; i < Values; i++) table.SetInt64(i, function(i + short.MinValue));
        return table;
    }

    /// <summary>Brings a number to the scale 1 / (3 * 4096) by a multiplier of 15 bits; null where it is too large for one.</summary>
    private static Func<int, int>? ToTwelfths(float scale)
    {
        double multiplier = scale * 4096.0 * 3.0;
        if (multiplier >= short.MaxValue) return null;
        int shift = 0;
        for (; multiplier <= short.MaxValue / 2.0 && shift <= 30; shift++) multiplier *= 2;
        int factor = (int)multiplier, round = shift > 0 ? 1 << shift - 1 : 0;
        return x => x * factor + round >> shift;
    }

    /// <summary>sigmoid(i / 24) in Q0.16, each entry raised by half of what linear interpolation misses in the middle of its step.</summary>
    private static int[] SigmoidTable()
    {
        static double Sigmoid(double i) => 65536 / (1 + Math.Exp(-i / 24));
        int[] table = [.. Enumerable.Range(0, 256).Select(i => (int)Math.Round(Sigmoid(i) - ((Sigmoid(i) + Sigmoid(i + 1)) / 2 - Sigmoid(i + 0.5)) / 2))];
        table[255] = ushort.MaxValue;
        return table;
    }

    /// <summary>A function over [low, high] in Q0.15, each entry corrected by half the error in the middle of its step (internal/common.h, gen_lut).</summary>
    private static Tensor Interpolated(Func<double, double> function, double low, double high)
    {
        static double Round(double v) => Math.Round(v, MidpointRounding.AwayFromZero);
        double At(double step) => function(low + step * ((high - low) / Steps)) * 32768;
        var table = new Tensor(DType.Int16, new Shape(Steps + 1));
        for (int i = 0; i <= Steps; i++)
        {
            double sample = Round(At(i)), error = i == Steps ? 0 : Round((At(i + 1) + sample) / 2) - Round(At(i + 0.5));
            table.SetInt64(i, (long)Math.Clamp(sample - Round(error / 2), short.MinValue, short.MaxValue));
        }
        return table;
    }
}
