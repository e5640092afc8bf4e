using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>What the attention operators of com.microsoft add to the scores: 0 for keys that count, mask_filter_value for padding (so that a
/// query whose keys are all padding still gives their mean), and a bias on top.</summary>
internal static class AttentionMask
{
    /// <param name="node">the attention node</param>
    /// <param name="mask">1 for keys that count in [b][t] or [b][s][t]; or lengths [b]; or ends, then first places in [2 b]</param>
    /// <param name="bias">[1 or b][1 or heads][s][t], or null</param>
    /// <param name="keys">number of keys t, the past included, as int64 [1]</param>
    /// <param name="batch">number of samples; negative when it is not known</param>
    /// <param name="type">element type of the scores</param>
    public static Value? Of(NodeDraft node, Value? mask, Value? bias, Value keys, long batch, DType type)
    {
        if (mask == null) return bias;
        Value counts;
        switch (mask.Shape.IsRanked ? mask.Shape.Rank : throw node.Error("the rank of the mask is not known"))
        {
            case 1:
                counts = FromLengths(node, mask, keys, batch);
                break;
            case 2 or 3:
                counts = node.Emit("Unsqueeze", [node.Emit("Cast", [mask], ("to", (long)DType.Bool)), mask.Shape.Rank == 2 ? node.Ints("axes", 1, 2) : node.Ints("axes", 1)]);
                break;
            default:
                throw node.Unsupported($"a mask of shape {mask.Shape} is not supported; expected [batch], [2 batch], [batch][keys] or [batch][queries][keys]");
        }
        Value added = node.Emit("Where", [counts, Number(node, type, 0), Number(node, type, node.Attributes.Float("mask_filter_value", -10000))]);
        return bias == null ? added : node.Emit("Add", [added, bias]);
    }

    /// <summary>The scalar in an element type.</summary>
    public static Value Number(NodeDraft node, DType type, double value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        tensor.SetDouble(0, value);
        return node.Constant("number", tensor);
    }

    private static Value FromLengths(NodeDraft node, Value mask, Value keys, long batch)
    {
        Value places = node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [keys]), node.Int("one", 1)]);
        Value given = node.Emit("Cast", [mask], ("to", (long)DType.Int64));
        long count = mask.Shape[0];
        bool hasStarts = batch > 0 && count == 2 * batch;
        if (batch > 0 && count > 0 && count != batch && !hasStarts) throw node.Unsupported($"a mask of shape {mask.Shape} for {batch} samples is not supported");
        Value?[] parts = hasStarts ? node.EmitAll("Split", [given, node.Ints("sizes", batch, batch)], 2, ("axis", 0)) : [given];
        Value counts = node.Emit("Less", [places, Column(node, parts[0]!)]);
        return hasStarts ? node.Emit("And", [counts, node.Emit("GreaterOrEqual", [places, Column(node, parts[1]!)])]) : counts;
    }

    private static Value Column(NodeDraft node, Value perSample) => node.Emit("Unsqueeze", [perSample, node.Ints("axes", 1, 2, 3)]);
}
