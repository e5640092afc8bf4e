using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>Decoding around a decoder of GPT-2's form: a loop that takes the likeliest token, or draws one of the likely ones (<see cref="NucleusSampling"/>),
/// until every sequence has ended or has max_length tokens; ended ones are padded. Inputs: input_ids[samples][s], max_length, min_length?,
/// repetition_penalty?, vocab_mask?, prefix_vocab_mask?, attention_mask?, of Sampling presence_mask? (not read) and seed?; outputs: sequences[samples][max_length], of
/// Sampling filtered_logits[samples][vocabulary]? of the last step.</summary>
[Upgrades("GreedySearch", "Sampling", Domain = "com.microsoft")]
internal sealed class GreedySearch : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Attributes.Int("model_type", 0) != 0) throw node.Unsupported("model_type is not 0 (GPT-2), the only one that it has");
        long end = node.Attributes["eos_token_id"].Int, pad = node.Attributes["pad_token_id"].Int;
        var decoder = new GptDecoder(node, 6, x => x);
        var scores = new TokenScores(node, 3, null);
        NucleusSampling? sampling = node.OpType == "Sampling" ? new NucleusSampling(node) : null;
        Value longest = TokenScores.Scalar(node, node.Required(1), DType.Int64);
        Value rows = node.Emit("Shape", [decoder.Prompt], ("start", 0), ("end", 1));
        Value[] state = [decoder.Prompt, node.Emit("ConstantOfShape", [rows], ("value", new Tensor(DType.Bool, new Shape(1)))), .. decoder.First];
        Value? again = null;
        bool shows = node.IsWanted(1);
        if (shows && decoder.FirstOutputs != null) throw node.Unsupported("output 1 together with init_decoder is not supported");
        if (decoder.FirstOutputs is { } outputs) (again, state, _) = Step(new DraftBuilder(node), outputs, state, node.Int("step", 0));

        var body = new LoopBody(node, [new(DType.Int64, new Shape(Shape.Unknown, Shape.Unknown)), new(DType.Bool, new Shape(Shape.Unknown)), .. decoder.Types]);
        Value step = again == null ? body.Iteration : body.Emit("Add", [body.Iteration, body.Int(1)]);
        (Value goesOn, Value[] next, Value likely) = Step(body, decoder.Run(body, body.Carried[2..]), body.Carried, step);
        Value[] last = body.Close(null, again, state, goesOn, next, shows ? [likely] : []);
        Value sequence = last[0];

        Value missing = node.Emit("Sub", [longest, node.Emit("Squeeze", [node.Emit("Shape", [sequence], ("start", 1), ("end", 2))])]);
        Value pads = node.Emit("Concat", [node.Ints("none", 0, 0, 0), node.Emit("Reshape", [missing, node.Ints("one", 1)])], ("axis", 0));
        node.Results = [node.Emit("Cast", [node.Emit("Pad", [sequence, pads, node.Int("pad", pad)])], ("to", (long)DType.Int32)), shows ? node.Emit("Gather", [last[^1], node.Int("last", -1)]) : null];

        // State: sequence[n][length], whether each has ended, then the values of the decoder.
        (Value GoesOn, Value[] State, Value Scores) Step(DraftBuilder b, Value[] outputs, Value[] state, Value step)
        {
            Value last = b.Emit("Gather", [outputs[0], b.Int(-1)], ("axis", 1));
            Value likely = scores.Process(b, b.Cast(last, DType.Float32), state[0], step);
            if (sampling != null) likely = sampling.Filter(b, likely);
            Value token = sampling != null ? sampling.Draw(b, likely) : b.Emit("ArgMax", [likely], ("axis", 1), ("keepdims", 0));
            Value ended = b.Emit("Or", [state[1], b.Emit("Equal", [token, b.Int(end)])]);
            token = b.Emit("Where", [ended, b.Int(pad), token]);
            Value sequence = b.Emit("Concat", [state[0], b.Emit("Unsqueeze", [token, b.Ints(1)])], ("axis", 1));
            Value length = b.Emit("Squeeze", [b.Emit("Shape", [sequence], ("start", 1), ("end", 2))]);
            Value all = b.Cast(b.Emit("ReduceMin", [b.Cast(ended, DType.Int32)], ("keepdims", 0)), DType.Bool);
            Value goesOn = b.Emit("And", [b.Emit("Less", [length, b.Capture(longest)]), b.Emit("Not", [all])]);
            return (goesOn, [sequence, ended, .. decoder.Next(b, state[2..], outputs, sequence, null)], likely);
        }
    }
}
