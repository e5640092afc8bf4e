using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>The searches of com.microsoft around decoders of random weights, as onnxruntime's convert_generation writes them, token by token what ONNX
/// Runtime gives.</summary>
public class GenerationSearchTests
{
    private const int Pad = 0;

    public static TheoryData<string> Greedy => ["plain", "ends", "padded prompts", "attention mask", "least length", "repetition", "n-grams", "1-grams", "masks", "first step apart"];

    [Theory]
    [MemberData(nameof(Greedy))]
    public void GreedySearch(string kind)
    {
        var gpt = new GptModel();
        int[] prompt = kind is "padded prompts" or "attention mask" ? [Pad, Pad, 7, 23, Pad, 4, 17, 8] : [5, 9, 33, 12, 41, 2, 28, 19];
        long end = 1;
        if (kind is "ends" or "least length") (gpt, end) = WithEnd(prompt);
        List<AttributeProto> attributes = [Attr("decoder", gpt.Graph("decoder")), Attr("eos_token_id", end), Attr("pad_token_id", (long)Pad), Attr("model_type", 0L), Attr("no_repeat_ngram_size", kind switch { "n-grams" => 2L, "1-grams" => 1L, _ => 0L })];
        if (kind == "first step apart") attributes.Add(Attr("init_decoder", gpt.Graph("init")));
        string[] inputs = ["ids", "longest", kind == "least length" ? "least" : "-", "penalty", "-", "-", "-"];
        if (kind == "masks") (inputs[4], inputs[5]) = ("words", "prefix");
        if (kind == "attention mask") inputs[6] = "mask";
        ModelProto model = Contrib("GreedySearch", string.Join(' ', inputs), "sequences", [.. attributes]).In("ids", DType.Int32, 2, 4).Out("sequences")
            .Const(Raw("longest", DType.Int32, [1], BitConverter.GetBytes(16))).Const(Raw("least", DType.Int32, [1], BitConverter.GetBytes(11))).Const(Floats("penalty", [1], kind == "repetition" ? 1.8f : 1));
        List<Tensor> given = [Tensor.FromArray<int>(prompt, new Shape(2, 4))];
        if (kind == "masks") model.Const(Mask("words", [gpt.Vocabulary], 3)).Const(Mask("prefix", [2, gpt.Vocabulary], 5));
        if (kind == "attention mask")
        {
            model.In("mask", DType.Int32, 2, 4);
            given.Add(Tensor.FromArray<int>([0, 0, 1, 1, 0, 1, 1, 1], new Shape(2, 4)));
        }
        Trim(model);
        OrtComparison.Check(model, 0, [.. given]);
    }

    /// <summary>Where one word is left to draw, words are those of ONNX Runtime.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Sampling_of_one_word(bool fromTop) => OrtComparison.Check(Trim(Drawing(new GptModel(), 1e-4f, fromTop, 1, 1.7f, 16, "sequences")), 0, [Tensor.FromArray<int>([5, 9, 33, 12, 41, 2, 28, 19], new Shape(2, 4))]);

    /// <summary>Where several are left, in plain loops: the scores that are drawn from, which ONNX Runtime does not give.</summary>
    [Theory]
    [InlineData(0.6f, true, 1, 1f)]
    [InlineData(0.6f, false, 1, 1f)]
    [InlineData(0.9f, false, 1, 1.7f)]
    [InlineData(0.3f, false, 25, 1f)]
    public void Sampling_of_several_words(float top, bool fromTop, int least, float temperature)
    {
        var gpt = new GptModel();
        Tensor ids = Tensor.FromArray<int>([5, 9, 33, 12, 41, 2, 28, 19], new Shape(2, 4)), places = Tensor.FromArray<int>([0, 1, 2, 3, 0, 1, 2, 3], new Shape(2, 4)), ones = Tensor.FromArray<int>([1, 1, 1, 1, 1, 1, 1, 1], new Shape(2, 4));
        Tensor logits = Run(gpt.Whole(), [ids, places, ones, .. Enumerable.Range(0, gpt.Layers).Select(_ => new Tensor(DType.Float32, new Shape(2, 2, gpt.Heads, 0, gpt.HeadSize)))])[0];
        Tensor got = Run(Drawing(gpt, top, fromTop, least, temperature, 5, "sequences scores").Out("scores"), ids)[0];
        int left = 0;
        for (int n = 0; n < 2; n++)
        {
            double[] scores = [.. Enumerable.Range(0, gpt.Vocabulary).Select(w => logits.GetDouble((n * 4 + 3) * gpt.Vocabulary + w) / temperature)];
            double all = scores.Sum(Math.Exp), sum = 0;
            int[] order = [.. Enumerable.Range(0, scores.Length).OrderBy(w => fromTop ? -scores[w] : scores[w])];
            for (int k = 0; k < order.Length; k++)
            {
                bool goes = fromTop && k > 0 && sum > top;
                sum += Math.Exp(scores[order[k]]) / all;
                goes |= !fromTop && sum <= 1 - top && k < order.Length - least;
                Assert.Equal(goes ? -900 : scores[order[k]], got.GetDouble(n * gpt.Vocabulary + order[k]), 1e-4);
                left += goes ? 0 : 1;
            }
        }
        Assert.InRange(left, 4, 2 * gpt.Vocabulary - 4);
    }

    private static ModelProto Drawing(GptModel gpt, float top, bool fromTop, long least, float temperature, int longest, string outputs)
    {
        AttributeProto[] attributes =
        [
            Attr("decoder", gpt.Graph("decoder")), Attr("eos_token_id", 1L), Attr("pad_token_id", (long)Pad), Attr("model_type", 0L), Attr("vocab_size", (long)gpt.Vocabulary), Attr("top_p", top), Attr("custom", fromTop ? 1L : 0),
            Attr("min_tokens_to_keep", least), Attr("temperature", temperature), Attr("filter_value", -900f),
        ];
        ModelProto model = Contrib("Sampling", "ids longest - - - - - - seed", outputs, attributes).In("ids", DType.Int32, 2, 4).Const(Raw("longest", DType.Int32, [1], BitConverter.GetBytes(longest))).Const(Raw("seed", DType.Int32, [1], BitConverter.GetBytes(7)));
        return outputs == "sequences" ? model.Out("sequences") : model;
    }

    public static TheoryData<string> Beams => ["plain", "one beam", "ends", "ends, early", "ends, length penalty", "least length", "padded prompts", "attention mask", "repetition", "n-grams", "masks", "first step apart"];

    [Theory]
    [MemberData(nameof(Beams))]
    public void BeamSearch_of_a_decoder(string kind)
    {
        var gpt = new GptModel();
        int[] prompt = kind is "padded prompts" or "attention mask" ? [Pad, Pad, 7, 23, Pad, 4, 17, 8] : [5, 9, 33, 12, 41, 2, 28, 19];
        List<AttributeProto> attributes = [Attr("decoder", gpt.Graph("decoder")), Attr("model_type", 0L)];
        if (kind == "first step apart") attributes.Add(Attr("init_decoder", gpt.Graph("init")));
        Check(kind, prompt, gpt.Vocabulary, attributes);
    }

    [Theory]
    [InlineData("plain", false, true)]
    [InlineData("plain", true, true)]
    [InlineData("ends", false, true)]
    [InlineData("ends, length penalty", true, true)]
    [InlineData("attention mask", false, true)]
    [InlineData("padded prompts", true, true)]
    public void BeamSearch_of_an_encoder_and_a_decoder(string kind, bool old, bool spelled)
    {
        var t5 = new T5Model { IsOld = old, IsSpelled = spelled };
        int[] prompt = kind is "padded prompts" or "attention mask" ? [Pad, Pad, 7, 23, 9, 4, 17, Pad] : [5, 9, 33, 12, 41, 2, 28, 19];
        Check(kind, prompt, t5.Vocabulary, [Attr("encoder", t5.Encoder()), Attr("decoder", t5.Decoder()), Attr("model_type", 1L), Attr("decoder_start_token_id", 3L)]);
    }

    [Theory]
    [InlineData("BeamSearch", "plain")]
    [InlineData("BeamSearch", "prompt")]
    [InlineData("WhisperBeamSearch", "ends, prompt")]
    public void BeamSearch_of_Whisper(string op, string kind)
    {
        var whisper = new WhisperModel();
        Check(kind, [], whisper.Vocabulary, [Attr("encoder", whisper.Encoder()), Attr("decoder", whisper.Decoder()), Attr("model_type", 2L), Attr("decoder_start_token_id", 3L)], op);
    }

    private static void Check(string kind, int[] prompt, int vocabulary, List<AttributeProto> attributes, string op = "BeamSearch")
    {
        bool ends = kind.StartsWith("ends", StringComparison.Ordinal) || kind == "least length";
        string[] inputs = ["ids", "longest", "least", "beams", "returned", "length", "penalty", "-", "-", "-", "-"];
        if (kind.EndsWith("prompt", StringComparison.Ordinal)) inputs[10] = "first";
        if (kind == "masks") (inputs[7], inputs[8]) = ("words", "prefix");
        if (ends) inputs[7] = "few"; // so that the word that ends is likely at times
        if (kind == "attention mask") inputs[9] = "mask";
        foreach (long end in ends ? new long[] { 11, 25, 40 } : [1])
        {
            AttributeProto[] all = [.. attributes, Attr("eos_token_id", end), Attr("pad_token_id", (long)Pad), Attr("early_stopping", kind == "ends, early" ? 1L : 0), Attr("no_repeat_ngram_size", kind == "n-grams" ? 2L : 0)];
            ModelProto model = Contrib(op, string.Join(' ', inputs), ends ? "sequences scores" : "sequences scores all", all).Out(ends ? ["sequences", "scores"] : ["sequences", "scores", "all"])
                .Const(Raw("longest", DType.Int32, [1], BitConverter.GetBytes(14))).Const(Raw("least", DType.Int32, [1], BitConverter.GetBytes(kind == "least length" ? 9 : 0))).Const(Raw("beams", DType.Int32, [1], BitConverter.GetBytes(kind == "one beam" ? 1 : 4)))
                .Const(Raw("returned", DType.Int32, [1], BitConverter.GetBytes(kind == "one beam" ? 1 : 3))).Const(Floats("length", [1], kind == "ends, length penalty" ? -0.7f : 1)).Const(Floats("penalty", [1], kind == "repetition" ? 1.8f : 1));
            if (ends) model.Const(Few("few", vocabulary, (int)end));
            if (kind == "masks") model.Const(Mask("words", [vocabulary], 3)).Const(Mask("prefix", [2, vocabulary], 5));
            List<Tensor> given = [prompt.Length > 0 ? Tensor.FromArray<int>(prompt, new Shape(2, 4)) : Sound()];
            model.In("ids", given[0].DType, given[0].Shape.AsSpan().ToArray());
            if (inputs[10] == "first")
            {
                model.In("first", DType.Int32, 2, 3);
                given.Add(Tensor.FromArray<int>([3, 17, 22, 3, 31, 8], new Shape(2, 3)));
            }
            if (kind == "attention mask")
            {
                model.In("mask", DType.Int32, 2, 4);
                given.Add(Tensor.FromArray<int>([0, 0, 1, 1, 0, 1, 1, 1], new Shape(2, 4)));
            }
            Trim(model);
            OrtComparison.Check(model, 1e-4, 0, [.. given]);
        }
    }

    private static Tensor Sound()
    {
        var random = new Random(9);
        var sound = new Tensor(DType.Float32, new Shape(2, 10, 6));
        for (long i = 0; i < sound.Count; i++) sound.SetDouble(i, 2 * random.NextDouble() - 1);
        return sound;
    }

    /// <summary>A decoder, and a word that greedy decoding comes to after a few steps in the first sample, not in the second.</summary>
    private static (GptModel Gpt, long End) WithEnd(int[] prompt)
    {
        for (int seed = 21; ; seed++)
        {
            var gpt = new GptModel { Seed = seed };
            ModelProto model = Contrib("GreedySearch", "ids longest", "sequences", Attr("decoder", gpt.Graph("decoder")), Attr("eos_token_id", -1L), Attr("pad_token_id", (long)Pad)).In("ids", DType.Int32, 2, 4).Out("sequences")
                .Const(Raw("longest", DType.Int32, [1], BitConverter.GetBytes(16)));
            int[] words = Run(Trim(model), Tensor.FromArray<int>(prompt, new Shape(2, 4)))[0].ToArray<int>();
            int[] apart = [.. words[6..13].Where(w => !words[20..].Contains(w) && !words[4..6].Contains(w))];
            if (apart.Length > 0) return (gpt, apart[0]);
        }
    }

    /// <summary>Twelve words are allowed, the one that ends among them.</summary>
    private static TensorProto Few(string name, int count, int end) =>
        Raw(name, DType.Int32, [count], [.. Enumerable.Range(0, count).SelectMany(i => BitConverter.GetBytes(i % 5 == 2 || i == end ? 1 : 0))]);

    private static TensorProto Mask(string name, long[] dims, int every) =>
        Raw(name, DType.Int32, dims, [.. Enumerable.Range(0, (int)dims.Aggregate(1L, (a, b) => a * b)).SelectMany(i => BitConverter.GetBytes(i % every == 0 ? 0 : 1))]);

    /// <summary>Initializers that no node reads go, and the operator set is that of the decoders.</summary>
    private static ModelProto Trim(ModelProto model)
    {
        foreach (TensorProto unused in model.Graph.Initializer.Where(t => !model.Graph.Node[0].Input.Contains(t.Name)).ToArray()) model.Graph.Initializer.Remove(unused);
        model.OpsetImport[0].Version = 17;
        bool isBeam = model.Graph.Output.Count > 1;
        model.Graph.Output[0] = isBeam ? Info("sequences", DType.Int32, -1, -2, -3) : Info("sequences", DType.Int32, -1, -2);
        if (isBeam) model.Graph.Output[1] = Info("scores", DType.Float32, -1, -2);
        return model;
    }
}
