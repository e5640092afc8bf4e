namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Why builtin operators have no conversion; with those that are marked with <see cref="TfliteAttribute"/> they are all there are.</summary>
internal static class TfliteRefusals
{
    private static readonly Dictionary<TfliteOp, string> s_reasons = new()
    {
        [TfliteOp.LSH_PROJECTION] = "it hashes raw bytes of its input with FarmHash; compute it in the application and make its result an input",
        [TfliteOp.SKIP_GRAM] = "it takes a sentence to pieces; do so in the application and make the pieces an input",
        [TfliteOp.CONCAT_EMBEDDINGS] = "TFLite's interpreter has no kernel for it either",
        [TfliteOp.DELEGATE] = "it is made inside the interpreter and is in no file",
        [TfliteOp.STABLEHLO_CUSTOM_CALL] = "its code is not in the file; convert the model to TFLite's own operators",
        [TfliteOp.STABLEHLO_RNG_BIT_GENERATOR] = "its bits are those of a generator's state; make them an input",
        [TfliteOp.PLACEHOLDER_FOR_GREATER_OP_CODES] = "it is a mark for codes above 127, no operator",
    };

    /// <summary>The reason of an operator without conversion.</summary>
    public static string? Find(TfliteOp op) => s_reasons.GetValueOrDefault(op);
}
