using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>GPT-2's form: (input_ids[n][s], position_ids[n][s], attention_mask[n][past + s], past_i[2][n][heads][past][size]..) to (logits[n][s][vocabulary],
/// present_i..). Padding is in front of a prompt; it is masked, and positions count without it. Attribute init_decoder has a graph of its own for
/// the first step.</summary>
internal sealed class GptDecoder : Decoder
{
    private readonly Graph? _init;

    /// <param name="node">the search, whose input 0 is the prompt[samples][s]</param>
    /// <param name="mask">its input with the attention mask, if it is given</param>
    /// <param name="repeat">makes rows of samples those of the search</param>
    public GptDecoder(NodeDraft node, int mask, Func<Value, Value> repeat)
        : base(node)
    {
        _init = Subgraph(node, "init_decoder");
        if (InputsOf(Step) < 4 || InputsOf(Step) != Step.Outputs.Count + 2)
            throw node.Unsupported($"a decoder of {InputsOf(Step)} inputs and {Step.Outputs.Count} outputs is not supported; expected input_ids, position_ids, attention_mask and past_i.., and logits and present_i..");
        Value ids = node.Required(0);
        Value counts = node.Input(mask) is { } given ? node.Emit("Cast", [given], ("to", (long)DType.Bool))
            : node.Emit("Not", [node.Emit("Equal", [Int64(ids), node.Int("pad", node.Attributes["pad_token_id"].Int)])]);
        Value ones = node.Emit("Cast", [counts], ("to", (long)DType.Int32));
        Value places = node.Emit("Sub", [node.Emit("CumSum", [ones, node.Int("axis", 1)]), node.Constant("one", Tensor.FromScalar(1))]);
        places = node.Emit("Where", [counts, places, node.Constant("first", Tensor.FromScalar(0))]);
        Prompt = repeat(Int64(ids));
        Value rows = node.Emit("Shape", [Prompt], ("start", 0), ("end", 1));
        First = [node.Emit("Cast", [Prompt], ("to", (long)DType.Int32)), repeat(places), repeat(ones), .. Enumerable.Range(3, InputsOf(Step) - 3).Select(i => Empty(Step.Inputs[i], rows, 1, 3))];
        if (_init != null) FirstOutputs = Evaluate(new DraftBuilder(node), _init, First);
    }

    public override Value[] First { get; }

    public override Value[]? FirstOutputs { get; }

    public override Value Prompt { get; }

    public override TensorType[] Types
    {
        get
        {
            var free = new TensorType(DType.Int32, new Shape(Shape.Unknown, Shape.Unknown));
            return [free, free, free, .. Enumerable.Range(3, First.Length - 3).Select(i => Step.Inputs[i].Type)];
        }
    }

    public override Value[] Run(DraftBuilder b, IReadOnlyList<Value> values) => Evaluate(b, Step, values);

    public override Value[] Next(DraftBuilder b, IReadOnlyList<Value> values, IReadOnlyList<Value> outputs, Value sequence, Value? rows)
    {
        Value one = b.Constant("one", Tensor.FromArray<int>([1], new Shape(1, 1)));
        Value places = b.Emit("Add", [b.Emit("ReduceMax", [values[1], b.Ints(1)], ("keepdims", 1)), one]);
        Value mask = b.Emit("Pad", [values[2], b.Ints(0, 0, 0, 1), b.Constant("seen", Tensor.FromScalar(1))]);
        return [LastToken(b, sequence), places, mask, .. outputs.Skip(1).Select(present => rows == null ? present : b.Emit("Gather", [present, rows], ("axis", 1)))];
    }

    private Value Int64(Value ids) => Node.Emit("Cast", [ids], ("to", (long)DType.Int64));
}
