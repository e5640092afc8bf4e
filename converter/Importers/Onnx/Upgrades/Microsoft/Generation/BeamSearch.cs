using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>
/// Beam search around a decoder (GPT-2) or an encoder and a decoder (T5, Whisper), as a loop. Each of k beams of a sample is a sequence with the sum of its
/// logarithmic probabilities; of the 2k best continuations of all beams, those that end among the first k become hypotheses, scored by sum /
/// length^length_penalty, of which the k best are kept; the first k others are the next beams. A sample is done when it has k hypotheses
/// and (unless early_stopping is enough) no beam can beat the worst. Beams that are left at max_length are hypotheses, too. Inputs: input_ids, max_length,
/// min_length?, num_beams, num_return_sequences, length_penalty?, repetition_penalty?, vocab_mask?, prefix_vocab_mask?, attention_mask?;
/// outputs: sequences[samples][returned][max_length], sequences_scores[samples][returned]?, scores[max_length - prompt][samples][k][vocabulary]?: what the
/// continuations of all steps had, zeros where there was none.
/// </summary>
[Upgrades("BeamSearch", "WhisperBeamSearch", Domain = "com.microsoft")]
internal sealed class BeamSearch : OperatorUpgrade
{
    private const float None = float.NegativeInfinity;

    /// <summary>Numbers of the search as values of the graph around the loop: int64 scalars, int64 [1] where a shape needs them, float32.</summary>
    private sealed record Settings(Value Longest, Value Beams, Value Penalty, Value Samples, long End, long Pad, bool IsEarly);

    public override void Apply(NodeDraft node)
    {
        for (int i = 3; i < node.HasOutput.Length; i++)
            if (node.IsWanted(i)) throw node.Unsupported($"output {i} is not supported; sequences, sequences_scores and scores are");
        for (int i = 11; i < node.Inputs.Count - node.Captures; i++)
            if (node.Input(i) is { } rule && rule.Constant is not { Count: 1, DType: DType.Int32 }) throw node.Unsupported($"input {i} (rules for time stamps, heads to show, temperature) is not supported");
            else if (node.Input(i)?.Constant?.GetInt64(0) is not (null or 0)) throw node.Unsupported($"input {i} is supported as a constant 0 only");
        Value beams = node.Emit("Reshape", [Int64(node, node.Required(3)), node.Ints("one", 1)]);
        Value Repeated(Value x) => Repeat(node, x, beams);
        Decoder decoder = node.Attributes.Int("model_type", node.OpType == "BeamSearch" ? 0 : 2) switch
        {
            0 => new GptDecoder(node, 9, Repeated),
            1 or 2 => new EncoderDecoder(node, 9, Repeated),
            var type => throw node.Unsupported($"model_type {type} is not supported; 0 (GPT-2), 1 (T5) and 2 (Whisper) are"),
        };
        var scores = new TokenScores(node, 6, Repeated);
        Value one = node.Constant("one", Tensor.FromScalar(1f));
        Value penalty = node.Input(5) is { } given ? TokenScores.Scalar(node, given, DType.Float32) : one;
        Value samples = node.Emit("Div", [node.Emit("Shape", [decoder.Prompt], ("start", 0), ("end", 1)), beams]);
        var settings = new Settings(TokenScores.Scalar(node, node.Required(1), DType.Int64), beams, penalty, samples, node.Attributes["eos_token_id"].Int, node.Attributes["pad_token_id"].Int, node.Attributes.Int("early_stopping", 0) != 0);

        // Only the first beam of a sample counts at first: all are the same.
        Value first = node.Emit("Equal", [node.Emit("Range", [node.Int("zero", 0), node.Emit("Squeeze", [beams]), node.Int("step", 1)]), node.Int("first", 0)]);
        Value both = node.Emit("Concat", [samples, beams], ("axis", 0));
        Value sums = node.Emit("Expand", [node.Emit("Where", [first, node.Constant("zero", Tensor.FromScalar(0f)), node.Constant("unlikely", Tensor.FromScalar(-1e9f))]), both]);
        Value nothing = node.Emit("Expand", [node.Constant("none", Tensor.FromScalar(None)), both]);
        Value empty = node.Emit("Expand", [node.Int("pad", settings.Pad), node.Emit("Concat", [both, node.Emit("Reshape", [settings.Longest, node.Ints("one", 1)])], ("axis", 0))]);
        Value notDone = node.Emit("ConstantOfShape", [samples], ("value", new Tensor(DType.Bool, new Shape(1))));
        Value[] state = [decoder.Prompt, sums, nothing, empty, notDone, .. decoder.First];
        Value? again = null, continuations = null;
        if (decoder.FirstOutputs is { } outputs) (again, state, continuations) = Step(new DraftBuilder(node), settings, decoder, scores, outputs, state, node.Int("step", 0));

        Shape rows = new(Shape.Unknown, Shape.Unknown);
        var body = new LoopBody(node, [new(DType.Int64, rows), new(DType.Float32, rows), new(DType.Float32, rows), new(DType.Int64, Shape.OfRank(3)), new(DType.Bool, new Shape(Shape.Unknown)), .. decoder.Types]);
        Value step = again == null ? body.Iteration : body.Emit("Add", [body.Iteration, body.Int(1)]);
        (Value goesOn, Value[] next, Value total) = Step(body, settings, decoder, scores, decoder.Run(body, body.Carried[State..]), body.Carried, step);
        bool isWanted = node.IsWanted(2);
        state = body.Close(null, again, state, goesOn, next, isWanted ? [total] : []);
        (Value found, Value hypotheses) = Finish(node, settings, state);
        node.Results = [hypotheses, found, isWanted ? Continuations(node, settings, decoder.Prompt, continuations, state[^1]) : null];
    }

    /// <summary>Those of the first step, if it stood before the loop, those of the loop's, and zeros up to max_length.</summary>
    private static Value Continuations(NodeDraft node, Settings s, Value prompt, Value? first, Value all)
    {
        if (first != null) all = node.Emit("Concat", [node.Emit("Unsqueeze", [first, node.Ints("axis", 0)]), all], ("axis", 0));
        Value given = node.Emit("Add", [node.Emit("Shape", [prompt], ("start", 1), ("end", 2)), node.Emit("Shape", [all], ("start", 0), ("end", 1))]);
        Value missing = node.Emit("Sub", [node.Emit("Reshape", [s.Longest, node.Ints("one", 1)]), given]);
        return node.Emit("Pad", [all, node.Emit("Concat", [node.Ints("none", 0, 0, 0, 0), missing, node.Ints("none", 0, 0, 0)], ("axis", 0))]);
    }

    /// <summary>How many values of the state come before those of the decoder: sequences[n][length], sums[samples][k], scores of hypotheses[samples][k],
    /// hypotheses[samples][k][max_length], done[samples].</summary>
    private const int State = 5;

    private static (Value GoesOn, Value[] State, Value Continuations) Step(DraftBuilder b, Settings s, Decoder decoder, TokenScores scores, Value[] outputs, Value[] state, Value step)
    {
        (Value sequence, Value sums, Value found, Value hypotheses, Value done) = (state[0], state[1], state[2], state[3], state[4]);
        Value samples = b.Capture(s.Samples), beams = b.Capture(s.Beams), k = b.Emit("Squeeze", [beams]), last = b.Ints(-1);
        Value doneRow = b.Emit("Unsqueeze", [done, last]);
        Value length = b.Emit("Shape", [sequence], ("start", 1), ("end", 2));

        // The 2k best continuations of each sample, best first.
        Value logits = b.Cast(b.Emit("Gather", [outputs[0], b.Int(-1)], ("axis", 1)), DType.Float32);
        Value vocabulary = b.Emit("Shape", [logits], ("start", 1), ("end", 2));
        Value likely = scores.Process(b, b.Emit("LogSoftmax", [logits], ("axis", -1)), sequence, step);
        Value total = b.Emit("Add", [b.Emit("Reshape", [likely, b.Emit("Concat", [samples, beams, vocabulary], ("axis", 0))]), b.Emit("Unsqueeze", [sums, last])]);
        Value twice = b.Emit("Mul", [beams, b.Ints(2)]);
        Value[] best = b.EmitMany("TopK", 2, [b.Emit("Reshape", [total, b.Emit("Concat", [samples, last], ("axis", 0))]), twice], ("axis", 1));
        Value beam = b.Emit("Div", [best[1], vocabulary]), token = b.Emit("Mod", [best[1], vocabulary]);
        Value order = b.Emit("Range", [b.Int(0), b.Emit("Squeeze", [twice]), b.Int(1)]), ends = b.Emit("Equal", [token, b.Int(s.End)]);

        // Those that end.
        Value weight = b.Emit("Pow", [b.Cast(length, DType.Float32), b.Capture(s.Penalty)]);
        Value counts = b.Emit("And", [b.Emit("And", [ends, b.Emit("Less", [order, k])]), b.Emit("Not", [doneRow])]);
        Value score = b.Emit("Where", [counts, b.Emit("Div", [best[0], weight]), b.Scalar(None)]);
        Value pads = b.Emit("Concat", [b.Ints(0, 0, 0, 0, 0), b.Emit("Sub", [b.Emit("Reshape", [b.Capture(s.Longest), b.Ints(1)]), length])], ("axis", 0));
        Value own = b.Emit("Pad", [b.Emit("Reshape", [sequence, b.Emit("Concat", [samples, beams, last], ("axis", 0))]), pads, b.Int(s.Pad)]);
        (found, hypotheses) = Best(b, b.Emit("Concat", [found, score], ("axis", 1)), b.Emit("Concat", [hypotheses, Rows(b, own, beam)], ("axis", 1)), beams);
        Value worst = b.Emit("ReduceMin", [found, b.Ints(1)], ("keepdims", 0)), full = b.Emit("Greater", [worst, b.Scalar(None)]);
        if (!s.IsEarly) full = b.Emit("And", [full, b.Emit("GreaterOrEqual", [worst, b.Emit("Div", [b.Emit("ReduceMax", [best[0], b.Ints(1)], ("keepdims", 0)), weight])])]);
        Value nowDone = b.Emit("Or", [done, full]);

        // Those that go on: of each sample the first k that do not end; of samples that are done anything.
        Value place = b.Emit("Where", [ends, b.Emit("Add", [order, twice]), order]);
        Value chosen = b.EmitMany("TopK", 2, [place, beams], ("axis", 1), ("largest", 0))[1];
        Value Chosen(Value x, Value otherwise) => b.Emit("Where", [doneRow, otherwise, b.Emit("GatherElements", [x, chosen], ("axis", 1))]);
        Value zero = b.Int(0), rows = b.Emit("Add", [Chosen(beam, zero), b.Emit("Unsqueeze", [b.Emit("Mul", [b.Emit("Range", [zero, b.Emit("Squeeze", [samples]), b.Int(1)]), beams]), last])]);
        rows = b.Emit("Reshape", [rows, last]);
        Value tokens = b.Emit("Reshape", [Chosen(token, b.Int(s.Pad)), b.Ints(-1, 1)]);
        sequence = b.Emit("Concat", [b.Emit("Gather", [sequence, rows]), tokens], ("axis", 1));
        Value all = b.Cast(b.Emit("ReduceMin", [b.Cast(nowDone, DType.Int32)], ("keepdims", 0)), DType.Bool);
        Value isShort = b.Emit("Less", [b.Emit("Squeeze", [b.Emit("Shape", [sequence], ("start", 1), ("end", 2))]), b.Capture(s.Longest)]);
        return (b.Emit("And", [isShort, b.Emit("Not", [all])]),
            [sequence, Chosen(best[0], b.Scalar(0)), found, hypotheses, nowDone, .. decoder.Next(b, state[State..], outputs, sequence, rows)], total);
    }

    /// <summary>What is left of the beams of samples that are not done are hypotheses, too; then the best of all.</summary>
    private static (Value Scores, Value Hypotheses) Finish(NodeDraft node, Settings s, Value[] state)
    {
        var b = new DraftBuilder(node);
        Value last = b.Ints(-1), length = b.Emit("Shape", [state[0]], ("start", 1), ("end", 2));
        Value score = b.Emit("Div", [state[1], b.Emit("Pow", [b.Cast(length, DType.Float32), s.Penalty])]);
        score = b.Emit("Where", [b.Emit("Unsqueeze", [state[4], last]), b.Scalar(None), score]);
        Value pads = b.Emit("Concat", [b.Ints(0, 0, 0, 0, 0), b.Emit("Sub", [b.Emit("Reshape", [s.Longest, b.Ints(1)]), length])], ("axis", 0));
        Value own = b.Emit("Pad", [b.Emit("Reshape", [state[0], b.Emit("Concat", [s.Samples, s.Beams, last], ("axis", 0))]), pads, b.Int(s.Pad)]);
        Value returned = node.Emit("Reshape", [Int64(node, node.Required(4)), node.Ints("one", 1)]);
        (Value found, Value hypotheses) = Best(b, b.Emit("Concat", [state[2], score], ("axis", 1)), b.Emit("Concat", [state[3], own], ("axis", 1)), returned);
        return (found, b.Cast(hypotheses, DType.Int32));
    }

    /// <summary>The best of some hypotheses with their scores[samples][m], [samples][m][max_length].</summary>
    private static (Value Scores, Value Hypotheses) Best(DraftBuilder b, Value scores, Value hypotheses, Value count)
    {
        Value[] best = b.EmitMany("TopK", 2, [scores, count], ("axis", 1));
        return (best[0], Rows(b, hypotheses, best[1]));
    }

    /// <summary>[samples][r][..] of x[samples][m][..] at index[samples][r].</summary>
    private static Value Rows(DraftBuilder b, Value x, Value index)
    {
        Value shape = b.Emit("Concat", [b.Emit("Shape", [index]), b.Emit("Shape", [x], ("start", 2), ("end", 3))], ("axis", 0));
        return b.Emit("GatherElements", [x, b.Emit("Expand", [b.Emit("Unsqueeze", [index, b.Ints(2)]), shape])], ("axis", 1));
    }

    /// <summary>Each row of [samples][..] <paramref name="times"/> times behind each other.</summary>
    private static Value Repeat(NodeDraft node, Value x, Value times)
    {
        Value rest = node.Emit("Shape", [x], ("start", 1));
        Value wide = node.Emit("Expand", [node.Emit("Unsqueeze", [x, node.Ints("axis", 1)]), node.Emit("Concat", [node.Emit("Shape", [x], ("start", 0), ("end", 1)), times, rest], ("axis", 0))]);
        return node.Emit("Reshape", [wide, node.Emit("Concat", [node.Ints("rows", -1), rest], ("axis", 0))]);
    }

    private static Value Int64(NodeDraft node, Value x) => node.Emit("Cast", [x], ("to", (long)DType.Int64));
}
