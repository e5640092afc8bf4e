using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>
/// Attention whose scores and probabilities pass through graphs of the model, as the nodes of its definition
/// (https://onnx.ai/onnx/operators/onnx_aionnxpreview_FlexAttention.html): with Q[b][hq][l][d], K[b][hk][s][d], V[b][hk][s][e],
/// Y = prob_mod(softmax(score_mod(scale Q K^T))) V. Key head h serves query heads h hq/hk and following. Softmax runs in float32 at
/// least, or in softmax_precision.
/// </summary>
[Upgrades("FlexAttention", Domain = "ai.onnx.preview")]
internal sealed class FlexAttention : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value q = node.Required(0), k = Aligned(node, q, node.Required(1)), v = Aligned(node, q, node.Required(2));
        DType type = node.DType(0);
        if (type == DType.Undefined) throw node.Error("the element type of Q is not known");
        Value root = RootOfScale(node, q);
        Value kt = node.Emit("Transpose", [node.Emit("Mul", [k, root])], ("perm", new long[] { 0, 1, 3, 2 }));
        Value score = node.Emit("MatMul", [node.Emit("Mul", [q, root]), kt]);

        var precision = (DType)node.Attributes.Int("softmax_precision", (long)(type == DType.Float64 ? DType.Float64 : DType.Float32));
        Value prob = node.Emit("Softmax", [Modified(node, "score_mod", As(node, score, type, precision))], ("axis", 3));
        prob = Modified(node, "prob_mod", prob);
        node.Results = [As(node, node.Emit("MatMul", [prob, As(node, v, type, precision)]), precision, type)];
    }

    private static Value As(NodeDraft node, Value x, DType from, DType to) => from == to ? x : node.Emit("Cast", [x], ("to", (long)to));

    /// <summary>Q and K are each multiplied by the square root of scale, 1/sqrt(d) by default: products of large numbers stay small.</summary>
    private static Value RootOfScale(NodeDraft node, Value q)
    {
        if (node.Attributes.Float("scale", 0) is not 0 and float scale) return node.Number("scale", Math.Sqrt(scale));
        if (node.Rank(0) == 4 && q.Shape[3] > 0) return node.Number("scale", Math.Sqrt(1 / Math.Sqrt(q.Shape[3])));
        Value size = node.Emit("Cast", [node.Emit("Shape", [q], ("start", 3), ("end", 4))], ("to", (long)DType.Float32));
        Value root = node.Emit("Sqrt", [node.Emit("Reciprocal", [node.Emit("Sqrt", [size])])]);
        return node.Emit("CastLike", [root, q]);
    }

    /// <summary>Keys or values with each head repeated for the query heads that it serves.</summary>
    private static Value Aligned(NodeDraft node, Value q, Value x)
    {
        bool isKnown = q.Shape.IsRanked && x.Shape.IsRanked && q.Shape[1] > 0 && x.Shape[1] > 0;
        if (isKnown && q.Shape[1] == x.Shape[1]) return x;
        Value one = node.Ints("one", 1, 1);
        Value times = isKnown
            ? node.Ints("repeat", 1, 1, q.Shape[1] / x.Shape[1], 1, 1)
            : node.Emit("Concat", [one, node.Emit("Div", [node.Emit("Shape", [q], ("start", 1), ("end", 2)), node.Emit("Shape", [x], ("start", 1), ("end", 2))]), one], ("axis", 0));
        Value repeated = node.Emit("Expand", [node.Emit("Unsqueeze", [x, node.Ints("axis", 2)]), times]);
        Value shape = node.Emit("Concat", [node.Ints("heads", 0, -1), node.Emit("Shape", [x], ("start", 2))], ("axis", 0));
        return node.Emit("Reshape", [repeated, shape]);
    }

    private static Value Modified(NodeDraft node, string attribute, Value x)
    {
        if (node.Attributes.Find(attribute)?.Graph is not Graph body) return x;
        Value[] inputs = [x, .. node.Inputs.TakeLast(node.Captures).Select(i => i!)];
        if (body.Inputs.Count != inputs.Length || body.Outputs.Count != 1) throw node.Error($"{attribute} must map one tensor to one");
        return node.Inline(body, inputs)[0];
    }
}
