using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Finds activations that an exporter wrote out:
/// x * sigmoid(x) = Swish; clip(x + 3, 0, 6) / 6 = HardSigmoid; x * hardsigmoid(x) = HardSwish; min and max against scalars = Clip;
/// 0.5 x (1 + erf(x / sqrt 2)) = Gelu; 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = Gelu of approximate "tanh";
/// x * tanh(softplus(x)) = Mish; max(x, a x) = LeakyRelu; exp(x - max x) / sum = Softmax. Factors may come in any
/// order. 1/6 may have been stored as float16; what it differs by stays a factor.
/// </summary>
public sealed class ActivationRecognition : IGraphPass
{
    public string Name => "activation-recognition";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0 || node.Outputs.Count != 1 || node.Outputs[0] is not { } output || output.DType != DType.Float32) continue;
            if (graph.Find(output.Name)?.Producer != node) continue;
            changed |= node.OpType switch
            {
                "Mul" => Gated(graph, node) || Gelu(graph, node) || HardSigmoid(graph, node),
                "Div" => HardSigmoid(graph, node) || DividedGate(graph, node) || Softmax(graph, node),
                "Max" when LeakyMaximum(graph, node) => true,
                "Relu" or "Clip" or "Min" or "Max" => Clip(graph, node),
                _ => false,
            };
        }
        return changed;
    }

    private static bool Become(Graph graph, Node node, string opType, Value x, params ReadOnlySpan<(string, AttributeValue)> attributes)
    {
        // A number of more dimensions than x gives the result as many.
        if (!Match.SameRank(x, node.Output)) return false;
        Value y = Rewrite.Insert(graph, node, opType, node.Output.Name, [x], AttributeSet.Of(attributes));
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    /// <summary>x * gate(x).</summary>
    private static bool Gated(Graph graph, Node mul)
    {
        for (int i = 0; i < 2; i++)
        {
            Value x = mul.Inputs[i]!;
            if (mul.Inputs[1 - i]!.Producer is not { Domain: "" } gate) continue;
            if (gate.Is("Sigmoid") && gate.Inputs[0] == x) return Become(graph, mul, "Swish", x);
            if (gate.Is("HardSigmoid") && gate.Inputs[0] == x && IsSixth(gate.Attributes.Float("alpha", 0.2f)) && gate.Attributes.Float("beta", 0.5f) == 0.5f)
                return Become(graph, mul, "HardSwish", x);
            if (gate.Is("Tanh") && Match.Producer(gate.Inputs[0], "Softplus") is { } softplus && softplus.Inputs[0] == x) return Become(graph, mul, "Mish", x);
            // (x * clip(x + 3, 0, 6)) * (1/6)
            if (NearSixth(x, out double sixth) && gate.Is("Mul") && ThreeShifted(gate) is { } swished) return BecomeSixth(graph, mul, "HardSwish", swished, sixth);
            // (x * (1/6)) * clip(x + 3, 0, 6)
            if (gate.Is("Mul") && Relu6OfPlus3(x) is { } base6 && Match.OtherInput(gate, v => NearSixth(v, out sixth)) == base6)
                return BecomeSixth(graph, mul, "HardSwish", base6, sixth);
        }
        return false;
    }

    /// <summary>(x * clip(x + 3, 0, 6)) / 6.</summary>
    private static bool DividedGate(Graph graph, Node div) =>
        Match.IsScalar(div.Inputs[1], 6) && Match.Producer(div.Inputs[0], "Mul") is { } mul && ThreeShifted(mul) is { } x && Become(graph, div, "HardSwish", x);

    /// <summary>x where <paramref name="mul"/> is x * clip(x + 3, 0, 6).</summary>
    private static Value? ThreeShifted(Node mul)
    {
        for (int i = 0; i < 2; i++)
            if (Relu6OfPlus3(mul.Inputs[i]) is { } x && mul.Inputs[1 - i] == x) return x;
        return null;
    }

    private static Value? Relu6OfPlus3(Value? value)
    {
        if (Match.Producer(value, "Clip") is not { } clip || !Match.IsScalar(clip.Input(1), 0) || !Match.IsScalar(clip.Input(2), 6)) return null;
        return Match.Producer(clip.Inputs[0], "Add") is { } add ? Match.OtherInput(add, v => Match.IsScalar(v, 3)) : null;
    }

    /// <summary>clip(x + 3, 0, 6) / 6, or times 1/6.</summary>
    private static bool HardSigmoid(Graph graph, Node node)
    {
        double sixth = 1.0 / 6;
        Value? clipped = node.OpType == "Div" ? Match.IsScalar(node.Inputs[1], 6) ? node.Inputs[0] : null : Match.OtherInput(node, v => NearSixth(v, out sixth));
        return Relu6OfPlus3(clipped) is { } x && BecomeSixth(graph, node, "HardSigmoid", x, sixth, ("alpha", 1f / 6), ("beta", 0.5f));
    }

    /// <summary>1/6 as float32 or as float16 has it.</summary>
    private static bool NearSixth(Value? value, out double sixth) => Match.Scalar(value, out sixth) && Math.Abs(sixth - 1.0 / 6) < 1.0 / 6 / 2048;

    /// <summary>An activation that holds the factor 1/6, times what <paramref name="sixth"/> is more or less.</summary>
    private static bool BecomeSixth(Graph graph, Node node, string opType, Value x, double sixth, params ReadOnlySpan<(string, AttributeValue)> attributes)
    {
        if (Math.Abs(sixth * 6 - 1) < 1e-6) return Become(graph, node, opType, x, attributes);
        if (!Match.SameRank(x, node.Output)) return false;
        Value y = Rewrite.Insert(graph, node, opType, node.Output.Name, [x], AttributeSet.Of(attributes));
        Value factor = graph.AddConstant(node.Output.Name + ".sixth", Tensor.FromScalar((float)(sixth * 6)));
        Rewrite.Replace(graph, node.Output, Rewrite.Insert(graph, node, "Mul", node.Output.Name, [y, factor]), keepName: true);
        return true;
    }

    /// <summary>Relu followed by a minimum, a maximum followed by a minimum and so on: one Clip.</summary>
    private static bool Clip(Graph graph, Node node)
    {
        if (Bounds(node) is not var (x, low, high)) return false;
        if (x.Producer is not { } first || Bounds(first) is not var (source, firstLow, firstHigh) || Match.SoleConsumer(graph, x) != node)
        {
            if (node.OpType is "Relu" or "Clip") return false;
            (source, firstLow, firstHigh) = (x, double.NegativeInfinity, double.PositiveInfinity);
        }
        // clamp(clamp(x, l1, h1), l2, h2) is a clamp to the ends of the first one clamped by the second.
        double min = Math.Min(Math.Max(firstLow, low), high), max = Math.Min(Math.Max(firstHigh, low), high);
        if (min > max || firstLow > firstHigh || low > high) return false;
        if (double.IsPositiveInfinity(max) && min == 0) return node.OpType != "Relu" && Become(graph, node, "Relu", source);
        Value?[] inputs =
        [
            source,
            double.IsNegativeInfinity(min) ? null : graph.AddConstant(node.Output.Name + ".min", Tensor.FromScalar((float)min)),
            double.IsPositiveInfinity(max) ? null : graph.AddConstant(node.Output.Name + ".max", Tensor.FromScalar((float)max)),
        ];
        Value y = Rewrite.Insert(graph, node, "Clip", node.Output.Name, inputs);
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    private static (Value X, double Low, double High)? Bounds(Node node)
    {
        if (node.Domain.Length > 0 || node.Output.DType != DType.Float32) return null;
        switch (node.OpType)
        {
            case "Relu":
                return (node.Inputs[0]!, 0, double.PositiveInfinity);
            case "Clip":
                double low = double.NegativeInfinity, high = double.PositiveInfinity;
                if (node.Input(1) != null && !Match.Scalar(node.Input(1), out low) || node.Input(2) != null && !Match.Scalar(node.Input(2), out high)) return null;
                return (node.Inputs[0]!, low, high);
            case "Min" or "Max" when node.Inputs.Count == 2:
                for (int i = 0; i < 2; i++)
                    if (Match.Scalar(node.Inputs[i], out double bound) && node.Inputs[1 - i] is { IsConstant: false } x && Match.SameShape(x.Shape, node.Output.Shape))
                        return node.OpType == "Max" ? (x, bound, double.PositiveInfinity) : (x, double.NegativeInfinity, bound);
                return null;
            default:
                return null;
        }
    }

    /// <summary>max(x, a x) with a number a above 0 and up to 1.</summary>
    private static bool LeakyMaximum(Graph graph, Node max)
    {
        if (max.Inputs.Count != 2) return false;
        for (int i = 0; i < 2; i++)
        {
            if (max.Inputs[i] is not { } x || Match.Producer(max.Inputs[1 - i], "Mul") is not { } mul) continue;
            double slope = 0;
            if (Match.OtherInput(mul, v => Match.Scalar(v, out slope)) == x && slope is > 0 and <= 1) return Become(graph, max, "LeakyRelu", x, ("alpha", (float)slope));
        }
        return false;
    }

    /// <summary>exp(x - max x) / sum exp(x - max x), both over the same one axis that stays.</summary>
    private static bool Softmax(Graph graph, Node div)
    {
        if (Match.Producer(div.Inputs[0], "Exp") is not { } exp || Match.Producer(exp.Inputs[0], "Sub") is not { } sub || sub.Inputs[0] is not { } x) return false;
        if (OneAxis(Match.Producer(div.Inputs[1], "ReduceSum"), exp.Output) is not { } axis || OneAxis(Match.Producer(sub.Inputs[1], "ReduceMax"), x) != axis) return false;
        return Become(graph, div, "Softmax", x, ("axis", (long)axis));

        static int? OneAxis(Node? reduce, Value of) =>
            reduce != null && reduce.Inputs[0] == of && of.Shape.IsRanked && reduce.Attributes.Int("keepdims", 1) == 1 && Match.Ints(reduce.Input(1)) is [long axis]
                ? Match.Axis(axis, of.Shape.Rank) : null;
    }

    /// <summary>A product of 0.5, x and 1 + erf(..) or 1 + tanh(..), however it is bracketed.</summary>
    private static bool Gelu(Graph graph, Node mul)
    {
        var factors = new List<Value>();
        double scale = 1;
        Collect(mul, 0);
        var others = new List<Value>();
        foreach (Value factor in factors)
        {
            if (Match.Scalar(factor, out double s)) scale *= s;
            else others.Add(factor);
        }
        if (Math.Abs(scale - 0.5) > 1e-6 || others.Count != 2) return false;
        for (int i = 0; i < 2; i++)
        {
            if (Match.Producer(others[i], "Add") is not { } add || Match.OtherInput(add, v => Match.IsScalar(v, 1)) is not { Producer: { } gate }) continue;
            Value x = others[1 - i];
            if (gate.Is("Erf") && IsScaled(gate.Inputs[0], x, Math.Sqrt(0.5))) return Become(graph, mul, "Gelu", x);
            if (gate.Is("Tanh") && IsTanhArgument(gate.Inputs[0], x)) return Become(graph, mul, "Gelu", x, ("approximate", "tanh"));
        }
        return false;

        void Collect(Node node, int depth)
        {
            foreach (Value? input in node.Inputs)
                if (depth < 2 && Match.Producer(input, "Mul") is { } inner && Match.SoleConsumer(graph, input!) != null) Collect(inner, depth + 1);
                else if (depth < 2 && Match.Producer(input, "Div") is { } div && Match.Scalar(div.Inputs[1], out double d) && d == 2 && Match.SoleConsumer(graph, input!) != null)
                {
                    scale /= 2;
                    factors.Add(div.Inputs[0]!);
                }
                else factors.Add(input!);
        }
    }

    private static bool IsSixth(float value) => Math.Abs(value - 1f / 6) < 1e-5;

    /// <summary>value = x * factor, or x / (1 / factor).</summary>
    private static bool IsScaled(Value? value, Value x, double factor) =>
        Match.Producer(value, "Mul") is { } mul && Match.OtherInput(mul, v => Near(v, factor)) == x
        || Match.Producer(value, "Div") is { } div && div.Inputs[0] == x && Near(div.Inputs[1], 1 / factor);

    /// <summary>sqrt(2/pi) * (x + 0.044715 x^3).</summary>
    private static bool IsTanhArgument(Value? value, Value x)
    {
        if (Match.Producer(value, "Mul") is not { } mul) return false;
        if (Match.OtherInput(mul, v => Near(v, Math.Sqrt(2 / Math.PI))) is not { } inner) return false;
        if (Match.Producer(inner, "Add") is not { } add || Match.OtherInput(add, v => v == x) is not { } cubic) return false;
        return Match.Producer(cubic, "Mul") is { } scaled && Match.OtherInput(scaled, v => Near(v, 0.044715)) is { } cube && IsCube(cube, x);
    }

    private static bool IsCube(Value value, Value x)
    {
        if (Match.Producer(value, "Pow") is { } pow) return pow.Inputs[0] == x && Match.IsScalar(pow.Inputs[1], 3);
        return Match.Producer(value, "Mul") is { } mul && Match.OtherInput(mul, v => v == x) is { } square
            && Match.Producer(square, "Mul") is { } squared && squared.Inputs[0] == x && squared.Inputs[1] == x;
    }

    private static bool Near(Value? value, double expected) => Match.Scalar(value, out double s) && Math.Abs(s - expected) < 1e-4 * Math.Abs(expected);
}
