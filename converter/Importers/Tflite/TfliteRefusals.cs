namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Why builtin operators have no conversion; with those that are marked with <see cref="TfliteAttribute"/> they are all there are.</summary>
internal static class TfliteRefusals
{
    private const string Strings = "it works on strings or hashes of them, which stay in the application";

    private static readonly Dictionary<TfliteOp, string> s_reasons = new()
    {
        [TfliteOp.LSH_PROJECTION] = Strings,
        [TfliteOp.SKIP_GRAM] = Strings,
        [TfliteOp.HASHTABLE] = Strings,
        [TfliteOp.HASHTABLE_FIND] = Strings,
        [TfliteOp.HASHTABLE_IMPORT] = Strings,
        [TfliteOp.HASHTABLE_SIZE] = Strings,
        [TfliteOp.CONCAT_EMBEDDINGS] = "TFLite's interpreter has no kernel for it either",
        [TfliteOp.DELEGATE] = "it is made inside the interpreter and is in no file",
        [TfliteOp.PLACEHOLDER_FOR_GREATER_OP_CODES] = "it is a mark for codes above 127, no operator",
    };

    private const string StableHlo = "it is StableHLO's; convert the model to TFLite's own operators (without the option that keeps StableHLO)";

    /// <summary>The reason of an operator without conversion.</summary>
    public static string? Find(TfliteOp op) => s_reasons.GetValueOrDefault(op) ?? (op.ToString().StartsWith("STABLEHLO_", StringComparison.Ordinal) ? StableHlo : null);
}
