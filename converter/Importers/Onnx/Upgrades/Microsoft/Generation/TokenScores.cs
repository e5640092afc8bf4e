using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>What the searches of com.microsoft do to the scores[n][vocabulary] of the next token, in this order: a penalty on words that are there already
/// (arXiv 1909.05858), no n-gram twice, words that are not allowed, those not allowed first, and no end before a length.</summary>
internal sealed class TokenScores
{
    private readonly long _ngram, _end;
    private readonly Value? _penalty, _vocabulary, _prefix, _least;

    /// <param name="node">the search</param>
    /// <param name="penalty">input of the repetition penalty; two masks follow it</param>
    /// <param name="beams">how often each row of the prefix mask is repeated; null: once</param>
    public TokenScores(NodeDraft node, int penalty, Func<Value, Value>? beams)
    {
        _end = node.Attributes["eos_token_id"].Int;
        _ngram = node.Attributes.Int("no_repeat_ngram_size", 0);
        if (_ngram is < 0 or > 64) throw node.Unsupported($"no_repeat_ngram_size {_ngram} is not supported; 0 to 64 is");
        if (node.Input(2) is { } least && !IsAll(least, 0)) _least = Scalar(node, least, DType.Int64);
        if (node.Input(penalty) is { } factor && !IsAll(factor, 1)) _penalty = Scalar(node, factor, DType.Float32);
        if (node.Input(penalty + 1) is { } words) _vocabulary = node.Emit("Cast", [words], ("to", (long)DType.Bool));
        if (node.Input(penalty + 2) is { } prefix)
        {
            _prefix = node.Emit("Cast", [prefix], ("to", (long)DType.Bool));
            if (beams != null) _prefix = beams(_prefix);
        }
    }

    /// <summary>The one number of a tensor.</summary>
    public static Value Scalar(NodeDraft node, Value x, DType type) =>
        node.Emit("Reshape", [node.Emit("Cast", [x], ("to", (long)type)), node.Constant("scalar", new Tensor(DType.Int64, new Shape(0)))]);

    /// <param name="b">where the step is emitted</param>
    /// <param name="scores">[n][vocabulary]</param>
    /// <param name="sequence">[n][length] of int64: the words so far</param>
    /// <param name="step">number of the step, int64</param>
    public Value Process(DraftBuilder b, Value scores, Value sequence, Value step)
    {
        Value lowest = b.Scalar(float.MinValue);
        if (_penalty != null)
        {
            Value factor = b.Capture(_penalty);
            Value punished = b.Emit("Where", [b.Emit("Less", [scores, b.Scalar(0)]), b.Emit("Mul", [scores, factor]), b.Emit("Div", [scores, factor])]);
            scores = b.Emit("Where", [Present(b, scores, sequence, null), punished, scores]);
        }
        if (_ngram > 0) scores = WithoutRepeats(b, scores, sequence, _ngram, float.MinValue);
        if (_vocabulary != null) scores = b.Emit("Where", [b.Capture(_vocabulary), scores, lowest]);
        if (_prefix != null) scores = b.Emit("Where", [b.Emit("Or", [b.Capture(_prefix), b.Emit("Greater", [step, b.Int(0)])]), scores, lowest]);
        if (_least != null)
        {
            Value words = b.Emit("Range", [b.Int(0), b.Emit("Squeeze", [b.Emit("Shape", [scores], ("start", 1), ("end", 2))]), b.Int(1)]);
            Value isShort = b.Emit("Less", [b.Emit("Squeeze", [b.Emit("Shape", [sequence], ("start", 1), ("end", 2))]), b.Capture(_least)]);
            scores = b.Emit("Where", [b.Emit("And", [b.Emit("Equal", [words, b.Int(_end)]), isShort]), lowest, scores]);
        }
        return scores;
    }

    /// <summary>The scores with what would make an n-gram of the sequence a second time as <paramref name="never"/>.</summary>
    public static Value WithoutRepeats(DraftBuilder b, Value scores, Value sequence, long ngram, float never) =>
        b.Emit("Where", [Present(b, scores, Part(b, sequence, ngram - 1, null), ngram == 1 ? null : Repeats(b, sequence, ngram)), b.Scalar(never), scores]);

    /// <summary>[n][vocabulary]: the words of <paramref name="words"/>[n][m], those alone where <paramref name="counts"/>[n][m] says so.</summary>
    private static Value Present(DraftBuilder b, Value scores, Value words, Value? counts)
    {
        Value none = b.Emit("ConstantOfShape", [b.Emit("Shape", [scores])], ("value", new Tensor(DType.Int32, new Shape(1))));
        Value ones = counts != null ? b.Cast(counts, DType.Int32) : b.Emit("ConstantOfShape", [b.Emit("Shape", [words])], ("value", Tensor.FromArray<int>([1], new Shape(1))));
        return b.Cast(b.Emit("ScatterElements", [none, words, ones], ("axis", 1), ("reduction", "max")), DType.Bool);
    }

    /// <summary>[n][length - ngram + 1]: where the words before the last one of an n-gram are the last ones of the sequence.</summary>
    private static Value Repeats(DraftBuilder b, Value sequence, long ngram)
    {
        Value? all = null;
        for (long k = 0; k < ngram - 1; k++)
        {
            long last = k - ngram + 1;
            Value same = b.Emit("Equal", [Part(b, sequence, k, last), Part(b, sequence, last, last == -1 ? null : last + 1)]);
            all = all == null ? same : b.Emit("And", [all, same]);
        }
        return all!;
    }

    private static Value Part(DraftBuilder b, Value sequence, long start, long? end) => b.Emit("Slice", [sequence, b.Ints(start), b.Ints(end ?? long.MaxValue), b.Ints(1)]);

    private static bool IsAll(Value x, double value) => x.Constant is { Count: 1 } t && t.GetDouble(0) == value;
}
