using System.Diagnostics;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Sessions;

/// <summary>What sessions promise beside right results.</summary>
public class SessionTests(ITestOutputHelper output)
{
    private const string Vww = "tflite/tiny_vww_int8", Face = "onnx/blazeface_front", Resnet = "tflite/tiny_resnet8_fp32";

    public static TheoryData<string> AllModels() => [.. ConvertedModels.All];

    /// <summary>Convolutional, dense, recurrent, float, float16 and int8.</summary>
    public static TheoryData<string> Models() =>
        [Vww, Face, Resnet, "tflite/tiny_ad01_int8", "tflite/tiny_ad01_fp32", "tflite/tiny_resnet8_int8", "tflite/mediapipe_face_short_fp16", "tflite/tflm_mnist_lstm_fp32", "onnx/ppocr_cls_mobile_v2"];

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Values_are_shown_as_they_are_when_each_has_memory_of_its_own(string model)
    {
        using Model loaded = ConvertedModels.Load(model);
        using Session keeping = loaded.CreateSession(new SessionOptions { Threads = 1, KeepAllValues = true }), showing = loaded.CreateSession(new SessionOptions { Threads = 1 });
        ConvertedModels.Fill(keeping, model);
        ConvertedModels.Fill(showing, model);
        keeping.Run();
        var kept = keeping.Values().ToDictionary(v => v.Name, v => v.Tensor);
        for (int i = 0; i < keeping.InputCount; i++) kept.Remove(keeping.InputName(i)); // these are not computed
        var shown = new HashSet<string>();
        showing.RunShowing((name, tensor) =>
        {
            shown.Add(name);
            if (kept.TryGetValue(name, out Tensor? value)) TensorAssert.Close(value, tensor, 0, 0, name);
        });
        Assert.True(kept.Count > 0 && shown.IsSupersetOf(kept.Keys), string.Join(", ", kept.Keys.Except(shown)));
    }

    [Fact]
    public void Inputs_must_agree_in_the_sizes_that_the_model_names_alike()
    {
        Graph graph = GraphText.Parse("""
            graph "g" {
              input %x : float32[n,length]
              input %mask : float32[n,length]
              %y : float32[n,length] = Relu(%x)
              %z : float32[n,length] = Relu(%mask)
              output %y
              output %z
            }
            """);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        using Session session = model.CreateSession();
        session.Resize(0, new Shape(2, 5));
        session.Resize(1, new Shape(2, 7));
        EdgeLiteException refused = Assert.Throws<EdgeLiteException>(session.Run);
        Assert.Equal(Status.InvalidShape, refused.Status);
        Assert.StartsWith("Dimension 'length' is 5 in input 'x' [2,5] and 7 in 'mask' [2,7]", refused.Message);
        session.SetInput(1, new Tensor(DType.Float32, new Shape(2, 5)));
        session.Run();
        Assert.Equal(new Shape(2, 5), session.Output(1).Shape);
    }

    [SharedTheory("zoo")]
    [MemberData(nameof(AllModels))]
    public void A_run_of_a_static_plan_allocates_nothing(string model)
    {
        using Model loaded = ConvertedModels.Load(model);
        using Session session = loaded.CreateSession(new SessionOptions { Threads = 2 });
        ConvertedModels.Fill(session, model);
        if (!session.IsStatic)
        {
            output.WriteLine("shapes depend on values: the plan is dynamic and may allocate");
            return;
        }
        session.Run();
        session.Run();
        // A collection, begun by any thread, closes this thread's piece of the heap and counts its rest as allocated. A run that allocates
        // does so every time: measure again.
        long allocated;
        int runs, attempts = 0;
        do
        {
            long start = Stopwatch.GetTimestamp(), before = GC.GetAllocatedBytesForCurrentThread();
            for (runs = 0; runs < 100 && (runs < 3 || Stopwatch.GetElapsedTime(start).TotalMilliseconds < 300); runs++) session.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        while (allocated != 0 && ++attempts < 5);
        string[] loops = [.. session.Profile(1).Where(p => p.Kernel == "reference").Select(p => p.Operator).Distinct()];
        Assert.True(allocated == 0, $"{allocated} bytes in {runs} runs; operators without a kernel: {string.Join(", ", loops)}");
    }

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void The_number_of_threads_does_not_change_a_bit(string model)
    {
        byte[][]? expected = null;
        using Model loaded = ConvertedModels.Load(model);
        for (int threads = 1; threads <= 4; threads++)
        {
            using Session session = loaded.CreateSession(new SessionOptions { Threads = threads });
            ConvertedModels.Fill(session, model);
            for (int run = 0; run < 5; run++)
            {
                session.Run();
                byte[][] got = ConvertedModels.Outputs(session);
                expected ??= got;
                for (int k = 0; k < got.Length; k++)
                    Assert.True(expected[k].AsSpan().SequenceEqual(got[k]), $"output '{session.OutputName(k)}' on {threads} threads, run {run}");
            }
        }
    }

    /// <summary>Of a chain of steps that do next to nothing; how much longer a long one takes than a short one.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_step_costs_less_than_100_ns_beside_its_work(int threads)
    {
        const int Few = 24, Many = 1024;
        double few = LeastNanoseconds(Few), step = (LeastNanoseconds(Many) - few) / (Many - Few);
        output.WriteLine($"{step:0.0} ns for each step, {few - Few * step:0} ns for a run");
        Assert.True(step < 100, $"{step:0.0} ns for each step");

        double LeastNanoseconds(int steps)
        {
            var graph = new Graph("chain");
            Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(1)));
            for (int i = 0; i < steps; i++) x = graph.Add("Neg", $"x{i}", [x]);
            graph.AddOutput(x);
            ShapeInference.Run(graph);
            using Model model = Model.Load(ModelWriter.ToBytes(graph));
            using Session session = model.CreateSession(new SessionOptions { Threads = threads });
            Assert.Equal(steps, session.Profile(1).Length);
            long least = long.MaxValue;
            for (int run = 0; run < 300; run++)
            {
                long start = Stopwatch.GetTimestamp();
                session.Run();
                least = Math.Min(least, Stopwatch.GetTimestamp() - start);
            }
            return least * 1e9 / Stopwatch.Frequency;
        }
    }

    [SharedTheory("zoo")]
    [InlineData(Vww)]
    [InlineData(Face)]
    [InlineData(Resnet)]
    public void Sessions_of_one_model_run_at_the_same_time(string model)
    {
        const int Sessions = 4;
        using Model loaded = ConvertedModels.Load(model);
        var expected = new byte[Sessions][][];
        using (Session alone = loaded.CreateSession(new SessionOptions { Threads = 1 }))
            for (int s = 0; s < Sessions; s++)
            {
                SeededFill.Fill(alone.Input(0), (ulong)s);
                alone.Run();
                expected[s] = ConvertedModels.Outputs(alone);
            }
        Assert.False(expected[0][0].AsSpan().SequenceEqual(expected[1][0]), "the inputs make no difference");

        var failures = new string?[Sessions];
        using var start = new Barrier(Sessions);
        Thread[] threads = [.. Enumerable.Range(0, Sessions).Select(s => new Thread(() => failures[s] = Check(s)))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.All(failures, Assert.Null);

        string? Check(int s)
        {
            try
            {
                start.SignalAndWait();
                // Sessions come and go while others run.
                for (int round = 0; round < 5; round++)
                {
                    using Session session = loaded.CreateSession(new SessionOptions { Threads = 1 + s % 2 });
                    SeededFill.Fill(session.Input(0), (ulong)s);
                    for (int run = 0; run < 5; run++)
                    {
                        session.Run();
                        byte[][] got = ConvertedModels.Outputs(session);
                        for (int k = 0; k < got.Length; k++)
                            if (!expected[s][k].AsSpan().SequenceEqual(got[k])) return $"session {s}, round {round}, run {run}: output {k} differs";
                    }
                }
                return null;
            }
            catch (Exception e)
            {
                return e.ToString();
            }
        }
    }

    private static Model Sum()
    {
        var graph = new Graph("sum");
        long batch = graph.SymbolDim("batch");
        Value a = graph.AddInput("a", new TensorType(DType.Float32, new Shape(batch, 2)));
        Value b = graph.AddInput("b", new TensorType(DType.Float32, new Shape(batch, 2)));
        graph.AddOutput(graph.Add("Concat", "both", [a, b], new AttributeSet { ["axis"] = 1 }));
        ShapeInference.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    [Fact]
    public void Inputs_that_must_fit_together_are_resized_one_after_the_other()
    {
        using Model model = Sum();
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        for (int batch = 1; batch <= 3; batch++)
        {
            session.Resize(0, new Shape(batch, 2));
            session.Resize(1, new Shape(batch, 2));
            session.Input(0).Span<float>().Fill(1);
            session.Input(1).Span<float>().Fill(2);
            session.Run();
            Assert.Equal(new Shape(batch, 4), session.Output(0).Shape);
            Assert.Equal([1f, 1, 2, 2], session.Output(0).Span<float>()[^4..].ToArray());
        }
    }

    [Fact]
    public void A_refused_shape_leaves_the_session_as_it_was()
    {
        using Model model = Sum();
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        session.Resize(0, new Shape(2, 2));
        session.Resize(1, new Shape(2, 2));
        session.Input(0).Span<float>().Fill(1);
        session.Input(1).Span<float>().Fill(2);

        Assert.Equal(Status.InvalidType, Refused(() => session.Resize(0, DType.Int64, new Shape(2, 2))));
        Assert.Equal(Status.InvalidShape, Refused(() => session.Resize(0, new Shape(2, 3))));
        Assert.Equal(Status.InvalidShape, Refused(() => session.Resize(0, new Shape(2, 2, 1))));
        Assert.Equal(Status.InvalidShape, Refused(() => session.Resize(0, new Shape(-1, 2))));
        Assert.Equal(Status.InvalidShape, Refused(() => session.SetInput(1, new Tensor(DType.Float32, new Shape(5)))));
        Assert.Equal(Status.InvalidArgument, Refused(() => session.Resize(2, new Shape(2, 2))));
        CheckRun();

        session.Resize(0, new Shape(3, 2)); // allowed by itself, but not beside 'b'
        Refused(session.Run);
        CheckRun();
        session.Resize(1, new Shape(4, 2));
        Refused(() => session.Input(0));
        CheckRun();

        void CheckRun()
        {
            Assert.Equal(new TensorType(DType.Float32, new Shape(2, 2)), session.ChosenInputType(0));
            session.Run();
            Assert.Equal(new Shape(2, 4), session.Output(0).Shape);
            Assert.Equal([1f, 1, 2, 2, 1, 1, 2, 2], session.Output(0).ToArray<float>());
        }
    }

    /// <summary>Of memory that was used before.</summary>
    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void Inputs_and_outputs_are_zero_before_the_first_run(string device)
    {
        using Model model = Sum();
        for (int round = 0; round < 20; round++)
        {
            using Session session = model.CreateSession(new SessionOptions { Threads = 1, Device = device });
            session.Resize(0, new Shape(50, 2));
            session.Resize(1, new Shape(50, 2));
            Assert.False(session.Input(0).Bytes.ContainsAnyExcept((byte)0));
            Assert.False(session.Output(0).Bytes.ContainsAnyExcept((byte)0));
            session.Input(0).Span<float>().Fill(1);
            session.Input(1).Span<float>().Fill(2);
            session.Run();
        }
    }

    [Fact]
    public void A_shape_that_the_graph_refuses_is_not_kept()
    {
        var graph = new Graph("halves");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(graph.SymbolDim("n"))));
        graph.AddOutput(graph.Add("Reshape", "y", [x, graph.AddConstant("shape", Tensor.FromArray<long>([2, -1], new Shape(2)))]));
        ShapeInference.Run(graph);
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Refused(() => session.Resize(0, new Shape(5)));
        session.Resize(0, new Shape(6));
        session.Input(0).Span<float>().Fill(4);
        Refused(() => session.Resize(0, new Shape(7)));
        session.Run();
        Assert.Equal(new Shape(2, 3), session.Output(0).Shape);
        Assert.Equal(4, session.Output(0).Span<float>()[5]);
    }

    private static Status Refused(Action action) => Assert.Throws<EdgeLiteException>(action).Status;
}
