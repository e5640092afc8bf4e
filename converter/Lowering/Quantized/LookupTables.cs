using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// A chain of functions of one element between DequantizeLinear and QuantizeLinear is a table of 256 entries, or between int16 tensors
/// of 513 with straight lines between; so are tables after tables of 8 bits. Entries are computed as TFLite's reference kernels compute the
/// result (tensorflow/lite/kernels/activations.cc, internal/reference/hard_swish): Relu, Clip and LeakyRelu by fixed-point multipliers,
/// HardSwish in 16-bit arithmetic, the rest in float32. Where factors of groups of channels stand in the chain (<see cref="ChannelGroups"/>), there
/// is a table for each group.
/// </summary>
public sealed class LookupTables : IGraphPass
{
    public string Name => "lookup-tables";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Is("QuantizeLinear")) changed |= FromChain(graph, node);
            else if (node.Is("Lut", "edgelite")) changed |= Compose(graph, node);
        }
        return changed;
    }

    private static bool FromChain(Graph graph, Node quantize)
    {
        if (Quantization.Of(quantize) is not { } y) return false;
        var chain = new Stack<Node>();
        Value at = quantize.Inputs[0]!;
        while (at.Producer is { } op && !op.Is("DequantizeLinear"))
        {
            if (Match.SoleConsumer(graph, at) == null && chain.Count == 0 && at.Consumers.Count != 1) return false;
            if (Operand(op) is not { } input) return false;
            if (Match.SoleConsumer(graph, at) == null) return false;
            chain.Push(op);
            at = input;
        }
        if (chain.Count == 0 || Quantization.Dequantized(at) is not var (stored, x)) return false;
        if (stored.IsConstant || x.IsWide != y.IsWide) return false;
        if (chain.Any(HasFactors)) return Grouped(graph, quantize, stored, chain, x, y);
        Tensor table = !x.IsWide && chain.Count == 1 && Integer(chain.Peek(), x, y) is { } exact ? exact : Evaluate(chain, x, y);
        Value result = Rewrite.Insert(graph, quantize, "Lut", quantize.Output.Name, [stored, graph.AddConstant(quantize.Output.Name + ".table", table)], null, "edgelite");
        Rewrite.Replace(graph, quantize.Output, result, keepName: true);
        return true;
    }

    private static bool HasFactors(Node op) => op.Is("Mul") && ChannelGroups.FactorAxis(op.Input(1)) != null;

    /// <summary>Channels of the same factors share a table, [groups][256], and the channels, last, say which.</summary>
    private static bool Grouped(Graph graph, Node quantize, Value stored, Stack<Node> chain, Quantization x, Quantization y)
    {
        if (x.Type != DType.Int8 || y.Type != DType.Int8 || stored.Shape is not { IsRanked: true, Rank: 3 or 4 } shape) return false;
        int axis = ChannelGroups.FactorAxis(chain.First(HasFactors).Inputs[1])!.Value;
        bool isLast = axis != 1;
        if (shape[axis] < 1 || chain.Where(HasFactors).Any(op => ChannelGroups.FactorAxis(op.Inputs[1]) != axis)) return false;
        int channels = (int)shape[axis];
        Tensor[] factors = [.. chain.Where(HasFactors).Select(op => op.Inputs[1]!.Constant!)];
        if (factors.Any(f => f.Count != channels)) return false;
        var numbers = new Dictionary<string, int>();
        var tables = new List<sbyte>();
        var group = new byte[channels];
        for (int c = 0; c < channels; c++)
        {
            string key = string.Join(' ', factors.Select(f => Math.ILogB(f.GetDouble(c))));
            if (!numbers.TryGetValue(key, out int number))
            {
                numbers[key] = number = numbers.Count;
                if (number == byte.MaxValue) return false;
                tables.AddRange(Evaluate(chain, x, y, c).Span<sbyte>());
            }
            group[c] = (byte)number;
        }
        string name = quantize.Output.Name;
        Value entered = isLast ? stored : ChannelsLast.Enter(graph, quantize, stored, shape.Rank - 2);
        Value result = Rewrite.Insert(graph, quantize, "GroupedLut", name + ".q",
        [
            entered, graph.AddConstant(name + ".tables", Tensor.FromArray<sbyte>([.. tables], new Shape(numbers.Count, 256))), graph.AddConstant(name + ".group", Tensor.FromArray<byte>(group, new Shape(channels))),
        ], null, "edgelite");
        result.SourceName = quantize.Output.SourceName ?? name;
        if (!isLast) result = ChannelsLast.Leave(graph, quantize, result, shape.Rank - 2, name + ".q.nchw");
        Rewrite.Replace(graph, quantize.Output, result, keepName: true);
        return true;
    }

    /// <summary>The one input that is not constant, where the operator maps its elements one by one; other operands are scalars.</summary>
    private static Value? Operand(Node op)
    {
        if (op.Domain.Length > 0 || op.Outputs.Count(o => o != null) != 1 || op.Output.DType != DType.Float32) return null;
        if (TransposeRules.IsUnary(op))
            return op.Inputs[0] is { DType: DType.Float32 } x && op.Inputs.Skip(1).All(i => i == null || i.IsConstant) ? x : null;
        if (op.OpType is not ("Add" or "Sub" or "Mul" or "Div" or "Pow" or "Max" or "Min" or "PRelu")) return null;
        Value?[] varying = [.. op.Inputs.Where(i => i is { IsConstant: false })];
        if (varying.Length != 1 || varying[0] is not { DType: DType.Float32 } operand) return null;
        if (HasFactors(op)) return Match.SameShape(operand.Shape, op.Output.Shape) ? operand : null;
        return op.Inputs.All(i => i == operand || Match.Scalar(i, out _)) && Match.SameShape(operand.Shape, op.Output.Shape) ? operand : null;
    }

    /// <summary>Each of the 256 values through the chain, rounded half away from zero. Of int16, every 128th, moved by half of what the middle
    /// of the straight line to the next one would miss (LUTPopulate of TFLite's kernels/internal/common.h). Factors are those of
    /// <paramref name="channel"/>.</summary>
    private static Tensor Evaluate(Stack<Node> chain, Quantization x, Quantization y, int channel = 0)
    {
        (int low, int step, int entries) = x.IsWide ? (short.MinValue, 128, Lut.Knots) : (FixedPoint.TypeRange(x.Type).Min, 1, 256);
        double[] at = Through(i => low + step * i), middle = x.IsWide ? Through(i => low + step * i + step / 2) : [];
        for (int i = 0; i + 1 < middle.Length; i++) middle[i] -= (at[i] + at[i + 1]) / 2;
        (int min, int max) = FixedPoint.TypeRange(y.Type);
        var table = new Tensor(y.Type, new Shape(entries));
        float inverse = 1 / y.Scale;
        for (int i = 0; i < entries; i++)
        {
            double value = at[i] + (i + 1 < middle.Length ? middle[i] / 2 : 0);
            float rounded = MathF.Round((float)value * inverse, MidpointRounding.AwayFromZero) + y.Zero;
            table.SetInt64(i, float.IsNaN(rounded) ? y.Zero : (long)Math.Clamp(rounded, min, max));
        }
        return table;

        double[] Through(Func<int, int> stored)
        {
            var values = new Tensor(DType.Float32, new Shape(entries));
            for (int i = 0; i < entries; i++) values.SetDouble(i, x.Scale * (stored(i) - x.Zero));
            foreach (Node op in chain)
            {
                Value operand = Operand(op)!;
                values = GraphInterpreter.Execute(op, [.. op.Inputs.Select(i => i == operand ? values : Flat(i?.Constant, channel))])[0]!;
            }
            return [.. Enumerable.Range(0, entries).Select(i => values.GetDouble(i))];
        }
    }

    // A scalar operand of shape [1,1,..] would raise the rank.
    private static Tensor? Flat(Tensor? constant, int channel) => constant is { Count: > 1, DType: DType.Float32 } ? Tensor.FromScalar((float)constant.GetDouble(channel))
        : constant is { Count: 1 } && constant.Shape.Rank > 1 ? constant.Reshaped(new Shape(1)) : constant;

    private static Tensor? Integer(Node op, Quantization x, Quantization y)
    {
        KernelFusion.Activated? act = KernelFusion.Activation(op, op.Inputs[0]!);
        switch (act?.Kind)
        {
            case "clamp":
                (int min, int max) = FixedPoint.Range(y.Type, y.Scale, y.Zero, act.Value.A, act.Value.B);
                FixedMultiplier m = FixedPoint.Quantize(x.Scale / y.Scale);
                return Table(x, y, v => Math.Clamp(FixedPoint.Requantize(v, m) + y.Zero, min, max));
            case "leaky_relu":
                FixedMultiplier identity = FixedPoint.Quantize(x.Scale / y.Scale);
                float slope = x.Scale * act.Value.A / y.Scale;
                if (slope < 0) return null;
                FixedMultiplier alpha = FixedPoint.Quantize(slope);
                return Table(x, y, v => FixedPoint.Requantize(v, v >= 0 ? identity : alpha) + y.Zero);
            case "hard_swish":
                return HardSwish(x, y);
            default:
                return null;
        }
    }

    private static Tensor Table(Quantization x, Quantization y, Func<int, int> function)
    {
        int low = x.Type == DType.Int8 ? -128 : 0;
        (int min, int max) = FixedPoint.TypeRange(y.Type);
        var table = new Tensor(y.Type, new Shape(256));
        for (int i = 0; i < 256; i++) table.SetInt64(i, Math.Clamp(function(low + i - x.Zero), min, max));
        return table;
    }

    /// <summary>x * relu6(x + 3) / 6 in 16 bits: the input with 7 more bits, a gate of scale 3/32768 that saturates at +-1.</summary>
    private static Tensor? HardSwish(Quantization x, Quantization y)
    {
        float hires = 1f / 128 * x.Scale;
        FixedMultiplier output = FixedPoint.Quantize(hires / y.Scale), gate = FixedPoint.Quantize(hires / (3f / 32768));
        if (output.Shift > 0) return null;
        int output16 = Narrow(output.Value), gate16 = Narrow(gate.Value);
        return Table(x, y, v =>
        {
            int wide = (short)(v * 128);
            int scaled = DoublingHighMul16(wide, output16, rounding: true);
            int g = wide;
            if (gate.Shift > 0) g = Saturate16((long)g << gate.Shift - 1);
            g = DoublingHighMul16(g, gate16, rounding: true);
            if (gate.Shift > 0) g = Saturate16((long)g << 1);
            if (gate.Shift < 0) g = FixedPoint.RoundingDivideByPot(g, -gate.Shift);
            g = g + (1 << 15) >> 1;
            return FixedPoint.RoundingDivideByPot(DoublingHighMul16(g, scaled, rounding: false), -output.Shift) + y.Zero;
        });
    }

    private static int Narrow(int multiplier) => multiplier >= int.MaxValue - (1 << 15) ? short.MaxValue : multiplier + (1 << 15) >> 16;

    private static int Saturate16(long value) => (int)Math.Clamp(value, short.MinValue, short.MaxValue);

    private static int DoublingHighMul16(int a, int b, bool rounding)
    {
        if (a == b && a == short.MinValue) return short.MaxValue;
        int ab = a * b;
        int nudge = !rounding ? 0 : ab >= 0 ? 1 << 14 : 1 - (1 << 14);
        return (ab + nudge) / (1 << 15);
    }

    /// <summary>table2[table1[x]]; a table that changes nothing goes.</summary>
    private static bool Compose(Graph graph, Node node)
    {
        if (node.Inputs[1]!.Constant is not { } second || node.Inputs[0] is not { } x || x.DType == DType.Int16) return false;
        if (x.DType == second.DType && IsIdentity(second) && !Rewrite.NeedsIdentity(graph, node.Output, x))
        {
            Rewrite.Replace(graph, node.Output, x);
            return true;
        }
        if (Match.Producer(x, "Lut", "edgelite") is not { } before || before.Inputs[1]!.Constant is not { } first) return false;
        var table = new Tensor(second.DType, new Shape(256));
        int offset = first.DType == DType.Int8 ? 128 : 0;
        for (int i = 0; i < 256; i++) table.SetInt64(i, second.GetInt64(first.GetInt64(i) + offset));
        Value y = Rewrite.Insert(graph, node, "Lut", node.Output.Name, [before.Inputs[0], graph.AddConstant(node.Output.Name + ".table", table)], null, "edgelite");
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    private static bool IsIdentity(Tensor table)
    {
        int low = table.DType == DType.Int8 ? -128 : 0;
        for (int i = 0; i < 256; i++)
            if (table.GetInt64(i) != low + i) return false;
        return true;
    }
}
