using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace EdgeLite.Tests.Importers;

/// <summary>Whole models in the operators of onnxruntime's transformer optimizer, step by step what ONNX Runtime gives: by the reference loops and, converted,
/// in a session.</summary>
public class OptimizedTransformerTests() : SeededTests(700)
{
    /// <summary>A prompt with padding in front of one sample, then single tokens.</summary>
    [Fact]
    public void Gpt2_with_its_past_in_one_tensor()
    {
        var gpt = new GptModel();
        using var steps = new Steps(gpt.Whole(), gpt.Whole());
        var caches = new Dictionary<string, Tensor>();
        for (int l = 0; l < gpt.Layers; l++) caches[$"past_{l}"] = new Tensor(DType.Float32, new Shape(2, 2, gpt.Heads, 0, gpt.HeadSize));
        int total = 0;
        foreach (int count in new[] { 5, 1, 1, 2, 1, 1 })
        {
            int before = total;
            total += count;
            var inputs = new Dictionary<string, Tensor>(caches)
            {
                ["input_ids"] = Ints(2, count, (b, i) => (7 * (before + i) + 13 * b + 3) % gpt.Vocabulary),
                ["position_ids"] = Ints(2, count, (b, i) => Math.Max(before + i - 2 * b, 0)),
                ["attention_mask"] = Ints(2, total, (b, i) => b == 1 && i < 2 ? 0 : 1),
            };
            // A query that sees padding alone has scores of -10,000, whose softmax in float32 has three decimals.
            Dictionary<string, Tensor> outputs = steps.Next(inputs, $"{total} tokens", 3e-3);
            for (int l = 0; l < gpt.Layers; l++) caches[$"past_{l}"] = outputs[$"present_{l}"];
        }
    }

    /// <summary>An encoder, then a decoder whose caches grow, with RelativePositionBias here and its nodes in ONNX Runtime.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void T5_with_biases_of_relative_positions(bool spelled)
    {
        const int Encoded = 9;
        var theirs = new T5Model();
        T5Model ours = theirs with { IsSpelled = spelled };
        Tensor mask = Ints(2, Encoded, (b, i) => b == 1 && i > 6 ? 0 : 1);
        Dictionary<string, Tensor> encoded;
        using (var encoder = new Steps(TransformerGraph.Model(theirs.Encoder()), TransformerGraph.Model(ours.Encoder())))
            encoded = encoder.Next(new() { ["encoder_input_ids"] = Ints(2, Encoded, (b, i) => (5 * i + 11 * b + 2) % theirs.Vocabulary), ["encoder_attention_mask"] = mask }, "the encoder");
        using var decoder = new Steps(TransformerGraph.Model(theirs.Decoder()), TransformerGraph.Model(ours.Decoder()));
        var caches = encoded.ToDictionary(e => e.Key.Replace("present", "past"), e => e.Value);
        for (int l = 0; l < theirs.Layers; l++)
            foreach (string what in new[] { "key", "value" }) caches[$"past_{what}_self_{l}"] = new Tensor(DType.Float32, new Shape(2, theirs.Heads, 0, theirs.Hidden / theirs.Heads));
        for (int step = 0; step < 12; step++)
        {
            int at = step;
            var inputs = new Dictionary<string, Tensor>(caches) { ["input_ids"] = Ints(2, 1, (b, _) => (9 * at + 4 * b + 1) % theirs.Vocabulary), ["encoder_attention_mask"] = mask };
            foreach (var (name, value) in decoder.Next(inputs, $"token {step}"))
                if (name != "logits") caches[name.Replace("present", "past")] = value;
        }
    }

    [Fact]
    public void Whisper_with_a_cache_of_all_places()
    {
        var whisper = new WhisperModel();
        using var steps = new Steps(TransformerGraph.Model(whisper.MaskedDecoder()), TransformerGraph.Model(whisper.MaskedDecoder()));
        Dictionary<string, Tensor> caches = Caches(whisper, 2, empty: true);
        for (int step = 0; step < whisper.Places; step++)
        {
            int at = step;
            var inputs = new Dictionary<string, Tensor>(caches) { ["input_ids"] = Ints(2, 1, (b, _) => (9 * at + 4 * b + 1) % whisper.Vocabulary), ["past_sequence_length"] = Tensor.FromArray<int>([step], new Shape(1)) };
            foreach (var (name, value) in steps.Next(inputs, $"token {step}"))
                if (name != "logits") caches[name.Replace("present", "past")] = value;
        }
    }

    /// <summary>Sound to the first tokens, then a decoder whose caches grow.</summary>
    [Fact]
    public void Whisper_with_caches_that_grow()
    {
        var whisper = new WhisperModel();
        Dictionary<string, Tensor> caches;
        using (var encoder = new Steps(TransformerGraph.Model(whisper.Encoder()), TransformerGraph.Model(whisper.Encoder())))
            caches = encoder.Next(new() { ["encoder_input_ids"] = Random(2, whisper.Features, whisper.Encoded), ["decoder_input_ids"] = Ints(2, 3, (b, i) => 5 * i + b) }, "the encoder").Where(o => o.Key.StartsWith("present", StringComparison.Ordinal)).ToDictionary(o => o.Key.Replace("present", "past"), o => o.Value);
        using var decoder = new Steps(TransformerGraph.Model(whisper.Decoder()), TransformerGraph.Model(whisper.Decoder()));
        for (int step = 0; step < 10; step++)
        {
            int at = step;
            foreach (var (name, value) in decoder.Next(new(caches) { ["input_ids"] = Ints(2, 1, (b, _) => (9 * at + 4 * b + 1) % whisper.Vocabulary) }, $"token {step}"))
                if (name != "logits") caches[name.Replace("present", "past")] = value;
        }
    }

    /// <summary>Two samples of three beams whose entries lie in each other's caches: as if those had been gathered before.</summary>
    [Fact]
    public void Whisper_with_beams_in_shared_caches()
    {
        const int Past = 7, Beams = 3, Rows = 2 * Beams;
        var plain = new WhisperModel();
        WhisperModel shared = plain with { HasBeams = true };
        Dictionary<string, Tensor> caches = Caches(plain, Rows, empty: false);
        var random = new Random(4);
        Tensor from = new(DType.Int32, new Shape(2, Beams, plain.Places));
        for (int i = 0; i < from.Count; i++) from.SetInt64(i, random.Next(Beams));
        var inputs = new Dictionary<string, Tensor>(caches) { ["input_ids"] = Ints(Rows, 1, (b, _) => 5 * b + 1), ["past_sequence_length"] = Tensor.FromArray<int>([Past], new Shape(1)) };
        var gathered = new Dictionary<string, Tensor>(inputs);
        long row = plain.HeadSize, perRow = plain.Heads * plain.Places;
        foreach (string name in caches.Keys.Where(n => n.Contains("self", StringComparison.Ordinal)))
        {
            Tensor own = caches[name].Clone();
            for (int b = 0; b < Rows; b++)
                for (int h = 0; h < plain.Heads; h++)
                    for (int t = 0; t < Past; t++)
                        for (int d = 0; d < row; d++)
                            own.SetDouble((b * perRow + h * plain.Places + t) * row + d, caches[name].GetDouble(((b / Beams * Beams + from.GetInt64(b * plain.Places + t)) * perRow + h * plain.Places + t) * row + d));
            gathered[name] = own;
        }
        using var expected = new Steps(TransformerGraph.Model(plain.MaskedDecoder()), TransformerGraph.Model(plain.MaskedDecoder()));
        Tensor logits = expected.Next(gathered, "gathered")["logits"];
        inputs["beam_width"] = Tensor.FromArray<int>([Beams], new Shape(1));
        inputs["cache_indirection"] = from;
        Graph graph = OnnxImporter.Import(TransformerGraph.Model(shared.MaskedDecoder()), null);
        Tensor[] got = new GraphInterpreter(graph).Run([.. graph.Inputs.Select(i => inputs[i.Name])]);
        TensorAssert.Close(logits, got[0], 1e-4, 1e-5, "logits");
    }

    private Dictionary<string, Tensor> Caches(WhisperModel whisper, int rows, bool empty)
    {
        var caches = new Dictionary<string, Tensor>();
        for (int l = 0; l < whisper.Layers; l++)
            foreach (string what in new[] { "key", "value" })
            {
                caches[$"past_{what}_self_{l}"] = empty ? new Tensor(DType.Float32, new Shape(rows, whisper.Heads, whisper.Places, whisper.HeadSize)) : Random(rows, whisper.Heads, whisper.Places, whisper.HeadSize);
                caches[$"past_{what}_cross_{l}"] = Random(rows, whisper.Heads, whisper.Encoded, whisper.HeadSize);
            }
        return caches;
    }

    private static Tensor Ints(int rows, int columns, Func<int, int, int> value) =>
        Tensor.FromArray<int>([.. Enumerable.Range(0, rows * columns).Select(i => value(i / columns, i % columns))], new Shape(rows, columns));

    /// <summary>A model in ONNX Runtime, in the interpreter and in a session, fed the same from step to step.</summary>
    private sealed class Steps : IDisposable
    {
        private readonly InferenceSession _ort;
        private readonly GraphInterpreter _interpreter;
        private readonly Graph _graph;
        private readonly Model _model;
        private readonly Session _session;

        public Steps(ModelProto theirs, ModelProto ours)
        {
            _ort = new InferenceSession(theirs.ToByteArray());
            _graph = OnnxImporter.Import(ours, null);
            Assert.Empty(ShapeInference.FindUnknownOperators(_graph));
            _interpreter = new GraphInterpreter(_graph);
            Graph lowered = OnnxImporter.Import(ours, null);
            ShapeInference.Run(lowered);
            Pipeline.Optimize(lowered, new ConversionOptions());
            Pipeline.Lower(lowered, new ConversionOptions());
            _model = Model.Load(ModelWriter.ToBytes(lowered));
            _session = _model.CreateSession(new EdgeLite.SessionOptions { Threads = 1 });
        }

        /// <summary>The outputs of ONNX Runtime, after the others have been compared with them.</summary>
        public Dictionary<string, Tensor> Next(Dictionary<string, Tensor> inputs, string where, double tolerance = 1e-4)
        {
            using var results = _ort.Run([.. inputs.Select(i => OrtComparison.Named(i.Key, i.Value))]);
            var expected = results.ToDictionary(r => r.Name, OrtComparison.Read);
            Tensor[] got = _interpreter.Run([.. _graph.Inputs.Select(i => inputs[i.Name])]);
            for (int i = 0; i < got.Length; i++) TensorAssert.Close(expected[_graph.Outputs[i].Name], got[i], tolerance, tolerance, $"{_graph.Outputs[i].Name} of {where}, interpreter");
            foreach (var (name, value) in inputs) _session.Resize(_session.FindInput(name), value.Shape);
            foreach (var (name, value) in inputs) _session.SetInput(_session.FindInput(name), value);
            _session.Run();
            foreach (var (name, value) in expected) TensorAssert.Close(value, _session.Output(name), tolerance, tolerance, $"{name} of {where}, session");
            return expected;
        }

        public void Dispose()
        {
            _session.Dispose();
            _model.Dispose();
            _ort.Dispose();
        }
    }
}
