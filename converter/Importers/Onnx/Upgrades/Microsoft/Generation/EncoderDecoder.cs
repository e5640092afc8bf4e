using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>
/// T5's form. The encoder (encoder_input_ids[b][e], encoder_attention_mask[b][e]) gives present_key_cross_i, present_value_cross_i..; or, with
/// decoder_input_ids[b][1] too, logits, encoder_hidden_states, present_key_self_i, present_value_self_i.., then those. The decoder maps
/// (input_ids[n][1 or all], encoder_attention_mask, encoder_hidden_states?, past_key_self_i, past_value_self_i.., those of the encoder..) to (logits,
/// present_key_self_i, present_value_self_i..). Sequences begin with decoder_start_token_id. Whisper (model_type 2) has no masks and
/// encoder_input_features in place of ids, takes the first step in the encoder's graph, and may be given decoder_input_ids to begin with.
/// </summary>
internal sealed class EncoderDecoder : Decoder
{
    private readonly Value[] _fixed, _cross;
    private readonly int _layers;

    public EncoderDecoder(NodeDraft node, int mask, Func<Value, Value> repeat)
        : base(node)
    {
        Graph encoder = Subgraph(node, "encoder") ?? throw node.Error("attribute 'encoder' is missing");
        bool isWhisper = node.Attributes.Int("model_type", 2) == 2, isOld = isWhisper || InputsOf(encoder) == 3;
        int before = isWhisper ? 1 : 2, shown = isOld ? 2 : 0, kinds = isOld ? 4 : 2;
        bool hasHidden = InputsOf(Step) > before && Step.Inputs[before].Name == "encoder_hidden_states";
        if (hasHidden) before++;
        _layers = (Step.Outputs.Count - 1) / 2;
        if (InputsOf(encoder) is not (2 or 3) || hasHidden && !isOld || isWhisper && InputsOf(encoder) != 2 || InputsOf(Step) != before + 4 * _layers || encoder.Outputs.Count != shown + kinds * _layers)
            throw node.Unsupported($"an encoder of {InputsOf(encoder)} inputs and {encoder.Outputs.Count} outputs with a decoder of {InputsOf(Step)} inputs and {Step.Outputs.Count} outputs is not supported; their caches must grow and be 2 and 2 for each layer");
        Value ids = node.Required(0), samples = node.Emit("Shape", [ids], ("start", 0), ("end", 1));
        Value first = isWhisper && node.Input(10) is { } begin ? Int64(node, begin) : Start(node, samples), firstIds = node.Emit("Cast", [first], ("to", (long)DType.Int32));
        Value? seen = isWhisper ? null : node.Input(mask) ?? Unpadded(node, Int64(node, ids));
        Value[] encoded = Evaluate(new DraftBuilder(node), encoder, seen == null ? [ids, firstIds] : isOld ? [ids, seen, firstIds] : [ids, seen]);

        Value[] repeated = [.. encoded.Select(repeat)];
        Prompt = repeat(first);
        _fixed = [.. seen != null ? [repeat(seen)] : Array.Empty<Value>(), .. hasHidden ? [repeated[1]] : Array.Empty<Value>()];
        _cross = repeated[^(2 * _layers)..];
        Value rows = node.Emit("Shape", [Prompt], ("start", 0), ("end", 1));
        Value[] own = isOld ? repeated[shown..(shown + 2 * _layers)] : [.. Enumerable.Range(before, 2 * _layers).Select(i => Empty(Step.Inputs[i], rows, 0, 2))];
        First = [node.Emit("Cast", [Prompt], ("to", (long)DType.Int32)), .. own];
        if (isOld) FirstOutputs = [repeated[0], .. own];
    }

    public override Value[] First { get; }

    public override Value[]? FirstOutputs { get; }

    public override Value Prompt { get; }

    public override TensorType[] Types =>
        [new(DType.Int32, new Shape(Shape.Unknown, Shape.Unknown)), .. Enumerable.Range(1 + _fixed.Length, 2 * _layers).Select(i => Step.Inputs[i].Type)];

    public override Value[] Run(DraftBuilder b, IReadOnlyList<Value> values) =>
        Evaluate(b, Step, [values[0], .. _fixed.Select(b.Capture), .. values.Skip(1), .. _cross.Select(b.Capture)]);

    public override Value[] Next(DraftBuilder b, IReadOnlyList<Value> values, IReadOnlyList<Value> outputs, Value sequence, Value? rows)
    {
        bool takesOne = Step.Inputs[0].Shape is { IsRanked: true, Rank: 2 } shape && shape[1] == 1;
        Value ids = takesOne ? LastToken(b, sequence) : b.Cast(sequence, DType.Int32);
        return [ids, .. outputs.Skip(1).Select(present => rows == null ? present : b.Emit("Gather", [present, rows]))];
    }

    /// <summary>[samples][1]: the token that every sequence begins with.</summary>
    private static Value Start(NodeDraft node, Value samples)
    {
        long start = node.Attributes.Int("decoder_start_token_id", -1);
        if (start < 0) throw node.Unsupported($"decoder_start_token_id is {start}; the first token must be given");
        return node.Emit("Expand", [node.Int("start", start), node.Emit("Concat", [samples, node.Ints("one", 1)], ("axis", 0))]);
    }

    private static Value Int64(NodeDraft node, Value ids) => node.Emit("Cast", [ids], ("to", (long)DType.Int64));

    /// <summary>int32 [b][e]: 0 for padding in front; padding behind is the end of a sentence.</summary>
    private static Value Unpadded(NodeDraft node, Value words)
    {
        Value isWord = node.Emit("Not", [node.Emit("Equal", [words, node.Int("pad", node.Attributes["pad_token_id"].Int)])]);
        Value sofar = node.Emit("CumSum", [node.Emit("Cast", [isWord], ("to", (long)DType.Int32)), node.Int("axis", 1)]);
        return node.Emit("Min", [sofar, node.Constant("one", Tensor.FromScalar(1))]);
    }
}
