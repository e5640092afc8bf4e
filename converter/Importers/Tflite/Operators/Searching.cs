using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Suppression of overlapping boxes, look-ups by key, buckets, random numbers.</summary>
internal static class Searching
{
    /// <summary>Inputs: boxes [n][4], scores [n], most boxes, overlap, score. Outputs of fixed length, 0 behind the valid ones: indices,
    /// number (V5: scores between them). V5's sigma other than 0 lowers scores instead of suppressing, which ONNX does not have.</summary>
    [Tflite(TfliteOp.NON_MAX_SUPPRESSION_V4), Tflite(TfliteOp.NON_MAX_SUPPRESSION_V5, Limits = "soft suppression")]
    private static void NonMaxSuppression(TfliteNode n)
    {
        bool hasScores = n.Op == TfliteOp.NON_MAX_SUPPRESSION_V5;
        if (hasScores && n.Constant(5) == null) throw n.InputError("a computed sigma of the suppression is not supported");
        else if (hasScores && n.Constant(5)!.GetDouble(0) != 0) throw n.Error($"soft suppression (sigma {n.Constant(5)!.GetDouble(0)}) is not supported");
        Value most = n.Reshape(n.Int64(2), 1);
        Value found = n.Emit("NonMaxSuppression", [n.Emit("Unsqueeze", [n.Real(0), n.Ints(0)]), n.Emit("Unsqueeze", [n.Real(1), n.Ints(0, 1)]), most, n.Reshape(n.Real(3), 1), n.Reshape(n.Real(4), 1)]);
        Value indices = n.Emit("Squeeze", [n.Emit("Slice", [found, n.Ints(2), n.Ints(3), n.Ints(1)]), n.Ints(1)]);
        Value count = n.Emit("Shape", [indices]), missing = n.Emit("Concat", [n.Ints(0), n.Emit("Sub", [most, count])], ("axis", 0));
        n.SetRaw(0, n.Emit("Pad", [n.Cast(indices, DType.Int32), missing]));
        if (hasScores) n.SetReal(1, n.Emit("Pad", [n.Emit("Gather", [n.Real(1), indices], ("axis", 0)), missing]));
        n.SetRaw(hasScores ? 2 : 1, n.Cast(n.Emit("Squeeze", [count]), DType.Int32));
    }

    /// <summary>Inputs: keys sought [k], keys there are [n] (sorted), values [n]...; a key that is missing gives zeros, and 0 as its hit.</summary>
    [Tflite(TfliteOp.HASHTABLE_LOOKUP, Limits = "texts as values")]
    private static void HashtableLookup(TfliteNode n)
    {
        if (n.Input(2).DType is DType.String or DType.Undefined) throw n.Error("values that are strings are not supported");
        Value same = n.Cast(n.Emit("Equal", [n.Emit("Unsqueeze", [n.Raw(0), n.Ints(1)]), n.Raw(1)]), DType.Int32);
        Value hits = n.Emit("ReduceMax", [same, n.Ints(1)], ("keepdims", 0));
        Value rows = n.Emit("Gather", [n.Raw(2), n.Emit("ArgMax", [same], ("axis", 1), ("keepdims", 0))], ("axis", 0));
        Value mask = n.Cast(hits, DType.Bool);
        if (n.Input(2).Rank > 1) mask = n.Emit("Unsqueeze", [mask, n.Ints([.. Enumerable.Range(1, n.Input(2).Rank - 1).Select(d => (long)d)])]);
        n.SetRaw(0, n.Emit("Where", [mask, rows, n.Scalar(n.Output(0).DType, 0)]));
        n.SetRaw(1, n.Cast(hits, n.Output(1).DType));
    }

    /// <summary>The number of boundaries that are not above a number.</summary>
    [Tflite(TfliteOp.BUCKETIZE, Limits = "types other than float, int32 and int64")]
    private static void Bucketize(TfliteNode n)
    {
        float[] boundaries = n.Options.Scalars<float>(TfliteOption.Bucketize.Boundaries).ToArray();
        DType type = n.Input(0).DType;
        Value numbers = type.IsFloat() || type is DType.Int32 or DType.Int64 ? n.Cast(n.Raw(0), type == DType.Float32 ? type : DType.Float64) : throw n.Error($"{type.Name()} is not supported");
        Value limits = n.Constant("boundaries", Tensor.FromArray<float>(boundaries, new Shape(boundaries.Length)));
        if (type != DType.Float32) limits = n.Cast(limits, DType.Float64);
        Value above = n.Cast(n.Emit("GreaterOrEqual", [n.Emit("Unsqueeze", [numbers, n.Ints(-1)]), limits]), DType.Int32);
        n.SetRaw(0, n.Emit("ReduceSum", [above, n.Ints(-1)], ("keepdims", 0)));
    }

    /// <summary>Numbers of the distribution; which ones is not defined.</summary>
    [Tflite(TfliteOp.RANDOM_UNIFORM), Tflite(TfliteOp.RANDOM_STANDARD_NORMAL)]
    private static void Random(TfliteNode n)
    {
        Value zeros = n.Emit("ConstantOfShape", [n.Int64(0)]);
        n.SetRaw(0, n.Emit(n.Op == TfliteOp.RANDOM_UNIFORM ? "RandomUniformLike" : "RandomNormalLike", [zeros], ("dtype", (long)n.Output(0).DType)));
    }

    /// <summary>Classes drawn by their unnormalized log-probabilities [batch][classes].</summary>
    [Tflite(TfliteOp.MULTINOMIAL)]
    private static void Multinomial(TfliteNode n) =>
        n.SetRaw(0, n.Emit("Multinomial", [n.Emit("LogSoftmax", [n.Real(0)], ("axis", -1))], ("sample_size", n.RequiredInts(1, "the number of samples")[0]), ("dtype", (long)n.Output(0).DType)));
}
