using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Finds PRelu and LeakyRelu that were written as a sum of two halves: relu(x) + a * min(x, 0). The second half comes as min(x, 0), -relu(-x) or
/// (x - |x|) / 2, with its factors and signs in any order; constants in it make the slope. <see cref="ActivationRecognition"/> comes before: of minima
/// with a number it has made Clip.
/// </summary>
public sealed class PReluRecognition : IGraphPass
{
    public string Name => "prelu-recognition";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("Add") && !node.Is("Sub") || node.Output.DType != DType.Float32 || graph.Find(node.Output.Name)?.Producer != node) continue;
            changed |= Halves(graph, node, 0) || node.Is("Add") && Halves(graph, node, 1);
        }
        return changed;
    }

    /// <summary>Whether the input at <paramref name="at"/> is relu(x) and the other one falls with x below 0, or rises, in proportion.</summary>
    private static bool Halves(Graph graph, Node node, int at)
    {
        if (Match.Producer(node.Inputs[at], "Relu") is not { } relu || relu.Inputs[0] is not { } x || !Match.SameShape(x.Shape, node.Output.Shape)) return false;
        if (Slope(node.Inputs[1 - at]!, x) is not var (scale, factor)) return false;
        if (node.Is("Sub")) scale = -scale;
        Value y;
        if (factor == null) y = Rewrite.Insert(graph, node, "LeakyRelu", node.Output.Name, [x], AttributeSet.Of(("alpha", (float)scale)));
        else
        {
            if (factor.Shape.Rank > x.Shape.Rank) return false;
            float[] slopes = factor.Constant!.ToArray<float>();
            for (int i = 0; i < slopes.Length; i++) slopes[i] = (float)(slopes[i] * scale);
            Value slope = graph.AddConstant(node.Output.Name + ".slope", Tensor.FromArray<float>(slopes, factor.Shape));
            y = Rewrite.Insert(graph, node, "PRelu", node.Output.Name, [x, slope]);
        }
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    /// <summary>What <paramref name="value"/> is as a multiple of min(x, 0): a number, and at most one constant of more elements; null where it is none.</summary>
    private static (double Scale, Value? Factor)? Slope(Value value, Value x)
    {
        if (value.Producer is not { Domain: "" } node || node.Inputs.Count == 0 || node.Inputs[0] is not { } first) return null;
        switch (node.OpType)
        {
            case "Relu":
                return Match.Producer(first, "Neg") is { } negated && negated.Inputs[0] == x ? (-1, null) : null;
            case "Clip":
                return first == x && node.Input(1) == null && Match.IsScalar(node.Input(2), 0) ? (1, null) : null;
            case "Sub":
                if (first == x && IsMagnitude(node.Inputs[1])) return (2, null);
                return node.Inputs[1] == x && IsMagnitude(first) ? (-2, null) : null;
            case "Neg":
                return Slope(first, x) is var (scale, factor) ? (-scale, factor) : null;
            case "Mul":
                for (int i = 0; i < 2; i++)
                {
                    if (node.Inputs[1 - i] is not { Constant.DType: DType.Float32 } constant || Slope(node.Inputs[i]!, x) is not var (inner, other)) continue;
                    if (Match.Scalar(constant, out double number)) return (inner * number, other);
                    return other == null ? (inner, constant) : null;
                }
                return null;
            default:
                return null;
        }

        bool IsMagnitude(Value? v) => Match.Producer(v, "Abs") is { } abs && abs.Inputs[0] == x;
    }
}
