using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>How com.microsoft's Sampling draws a token: scores are divided by a temperature, and of the likeliest words
/// those stay that have the probability top_p together (arXiv 1904.09751); others have filter_value. Attribute custom says from which end
/// probabilities are added up: from the most likely one, or from the least likely one, which goes while the sum is at most 1 - top_p.</summary>
internal sealed class NucleusSampling
{
    private readonly float _temperature, _top, _filter;
    private readonly long _least;
    private readonly bool _fromTop;
    private readonly (string, AttributeValue)[] _drawing;

    public NucleusSampling(NodeDraft node)
    {
        AttributeSet a = node.Attributes;
        (_temperature, _top, _filter) = (a.Float("temperature", 1), a.Float("top_p", 0), a.Float("filter_value", -1e20f));
        _least = a.Int("min_tokens_to_keep", 0);
        _fromTop = a.Int("custom", 0) != 0;
        // Where ONNX Runtime computes it on the processor, all penalties go to the first word.
        if (node.Input(7) != null && a.Float("presence_penalty", 0) != 0) throw node.Unsupported("a penalty on words that presence_mask names is not supported");
        _drawing = [("sample_size", 1), ("dtype", (long)DType.Int64)];
        if (node.Input(8) is { } seed) _drawing = [.. _drawing, ("seed", (float)(seed.Constant?.GetInt64(0) ?? throw node.Unsupported("a seed that the model computes is not supported")))];
    }

    /// <summary>The scores[n][vocabulary] of words to draw from.</summary>
    public Value Filter(DraftBuilder b, Value scores)
    {
        if (_temperature > 0) scores = b.Emit("Div", [scores, b.Scalar(_temperature)]);
        Value words = b.Emit("Shape", [scores], ("start", 1), ("end", 2));
        Value[] sorted = b.EmitMany("TopK", 2, [scores, words], ("axis", 1), ("largest", _fromTop ? 1 : 0));
        Value sums = b.Emit("CumSum", [b.Emit("Softmax", [sorted[0]], ("axis", 1)), b.Int(1)], ("exclusive", _fromTop ? 1 : 0));
        Value place = b.Emit("Range", [b.Int(0), b.Emit("Squeeze", [words]), b.Int(1)]);
        Value goes = _fromTop ? b.Emit("And", [b.Emit("Greater", [sums, b.Scalar(_top)]), b.Emit("Greater", [place, b.Int(0)])])
            : b.Emit("And", [b.Emit("LessOrEqual", [sums, b.Scalar(1 - _top)]), b.Emit("Or", [b.Emit("Less", [place, b.Emit("Sub", [words, b.Int(_least)])]), b.Emit("Equal", [place, b.Int(0)])])]);
        return b.Emit("ScatterElements", [scores, sorted[1], b.Emit("Where", [goes, b.Scalar(_filter), sorted[0]])], ("axis", 1));
    }

    /// <summary>A word [n] of each row by its probability.</summary>
    public Value Draw(DraftBuilder b, Value scores) => b.Emit("Squeeze", [b.EmitMany("Multinomial", 1, [scores], _drawing)[0], b.Ints(1)]);
}
