using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// d = x - mean(x); y = d / sqrt(mean(d^2) + epsilon) * scale + bias, the mean over the last axis, is LayerNormalization, and without the
/// subtraction and the bias RMSNormalization. The division may be a product with a reciprocal, the square a Pow or a product; scale and bias are
/// constants of the last dimension.
/// </summary>
public sealed class LayerNormRecognition : IGraphPass
{
    public string Name => "layer-norm-recognition";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
            if (node.Is("Div") || node.Is("Mul"))
                if (graph.Find(node.Output.Name)?.Producer == node) changed |= TryFold(graph, node);
        return changed;
    }

    private static bool TryFold(Graph graph, Node div)
    {
        if (div.Output.DType != DType.Float32 || Quotient(div) is not var (d, root) || !d.Shape.IsRanked) return false;
        int rank = d.Shape.Rank;
        if (Match.Producer(root, "Sqrt") is not { } sqrt || Match.Producer(sqrt.Inputs[0], "Add") is not { } add) return false;
        double epsilon = 0;
        if (Match.OtherInput(add, v => Match.Scalar(v, out epsilon)) is not { } variance || !IsMean(variance, rank, out Value? square)) return false;
        // An epsilon of more dimensions than x gives the result as many; so do scale and bias below.
        if (!IsSquare(square, d) || !Match.SameRank(d, div.Output)) return false;
        bool isCentered = Match.Producer(d, "Sub") is { } sub && IsMean(sub.Inputs[1], rank, out Value? mean) && mean == sub.Inputs[0];
        Value x = isCentered ? d.Producer!.Inputs[0]! : d;

        long size = x.Shape[rank - 1];
        if (size <= 0) return false;
        Node last = div;
        Value? scale = null, bias = null;
        if (Match.SoleConsumer(graph, last.Output) is { } mul && mul.Is("Mul") && Match.OtherInput(mul, v => IsVector(v, size)) is { } scaled && scaled == last.Output && Match.SameRank(x, mul.Output))
        {
            scale = mul.Inputs[0] == scaled ? mul.Inputs[1] : mul.Inputs[0];
            last = mul;
            if (isCentered && Match.SoleConsumer(graph, last.Output) is { } plus && plus.Is("Add") && Match.OtherInput(plus, v => IsVector(v, size)) is { } shifted && shifted == last.Output && Match.SameRank(x, plus.Output))
            {
                bias = plus.Inputs[0] == shifted ? plus.Inputs[1] : plus.Inputs[0];
                last = plus;
            }
        }
        if (scale == null)
        {
            var ones = new float[size];
            Array.Fill(ones, 1);
            scale = Rewrite.Floats(graph, div.Output.Name + ".ones", ones);
        }
        else scale = Flat(graph, scale, size);
        Value y = Rewrite.Insert(graph, last, isCentered ? "LayerNormalization" : "RMSNormalization", last.Output.Name, bias == null ? [x, scale] : [x, scale, Flat(graph, bias, size)],
            AttributeSet.Of(("axis", -1L), ("epsilon", (float)epsilon)));
        Rewrite.Replace(graph, last.Output, y, keepName: true);
        return true;
    }

    /// <summary>(a, b) of a / b, a * (1 / b) and a * Reciprocal(b).</summary>
    private static (Value Of, Value By)? Quotient(Node node)
    {
        if (node.OpType == "Div") return (node.Inputs[0]!, node.Inputs[1]!);
        for (int i = 0; i < 2; i++)
            if (node.Inputs[i]?.Producer is { Domain: "" } inverse && (inverse.OpType == "Reciprocal" || inverse.OpType == "Div" && Match.IsScalar(inverse.Inputs[0], 1)))
                return (node.Inputs[1 - i]!, inverse.Inputs[inverse.OpType == "Div" ? 1 : 0]!);
        return null;
    }

    private static Value Flat(Graph graph, Value v, long size) =>
        v.Shape.Rank == 1 ? v : graph.AddConstant(v.Name + ".1d", v.Constant!.Reshaped(new Shape(size)).Clone());

    /// <summary>A constant that holds one number for each index of the last axis.</summary>
    private static bool IsVector(Value v, long size) =>
        v.Constant is { DType: DType.Float32 } c && c.Shape.Rank >= 1 && c.Count == size && c.Shape[c.Shape.Rank - 1] == size;

    private static bool IsMean(Value? value, int rank, out Value? of)
    {
        of = null;
        if (Match.Producer(value, "ReduceMean") is not { } mean || mean.Attributes.Int("keepdims", 1) == 0) return false;
        if (Match.Ints(mean.Input(1)) is not [var axis] || Match.Axis(axis, rank) != rank - 1) return false;
        of = mean.Inputs[0];
        return true;
    }

    private static bool IsSquare(Value? value, Value of) =>
        Match.Producer(value, "Pow") is { } pow && pow.Inputs[0] == of && Match.IsScalar(pow.Inputs[1], 2)
        || Match.Producer(value, "Mul") is { } mul && mul.Inputs[0] == of && mul.Inputs[1] == of;
}
