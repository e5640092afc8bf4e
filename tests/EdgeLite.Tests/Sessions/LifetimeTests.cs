using System.Runtime.CompilerServices;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops;

namespace EdgeLite.Tests.Sessions;

/// <summary>Models, sessions and tensors that are used after, before or beside what they were made for.</summary>
public class LifetimeTests
{
    private static Model Dense(int rows = 2)
    {
        var graph = new Graph("dense");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(rows, 3)));
        Value w = graph.AddConstant("w", Tensor.FromArray<float>([1, 2, 3, 4, 5, 6], new Shape(3, 2)));
        graph.AddOutput(graph.Add("MatMul", "y", [x, w]));
        ShapeInference.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    [Fact]
    public void A_session_outlives_its_model()
    {
        Model model = Dense();
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        model.Dispose();
        model.Dispose();
        for (int run = 0; run < 100; run++)
        {
            session.Input(0).Span<float>().Fill(1);
            session.Run();
            Assert.Equal([9, 12, 9, 12], session.Output(0).ToArray<float>());
        }
        Assert.Throws<ObjectDisposedException>(() => model.CreateSession());
        Assert.Throws<ObjectDisposedException>(() => model.ContentHash);
        Assert.Throws<ObjectDisposedException>(() => model.Metadata);
    }

    [Fact]
    public void What_belonged_to_a_session_ends_with_it()
    {
        using Model model = Dense();
        Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        session.Run();
        Tensor y = session.Output(0);
        Assert.Equal(4, y.Span<float>().Length);
        session.Dispose();
        session.Dispose();
        Assert.Contains("its session was disposed", Assert.Throws<EdgeLiteException>(() => y.Span<float>()[0]).Message);
        Assert.Throws<EdgeLiteException>(() => y.Bytes[0]);
        Assert.Throws<EdgeLiteException>(() => y.GetDouble(0));
        Assert.Throws<ObjectDisposedException>(session.Run);
        Assert.Throws<ObjectDisposedException>(() => session.Input(0));
        Assert.Throws<ObjectDisposedException>(() => session.Resize(0, new Shape(2, 3)));
    }

    [Fact]
    public void A_tensor_of_a_session_keeps_it()
    {
        using Model model = Dense();
        (Tensor x, Tensor y) = Run(model);
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
        Assert.Equal([1, 1, 1, 1, 1, 1], x.ToArray<float>());
        Assert.Equal([9, 12, 9, 12], y.ToArray<float>());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (Tensor, Tensor) Run(Model model)
        {
            Session session = model.CreateSession(new SessionOptions { Threads = 1 });
            session.Input(0).Span<float>().Fill(1);
            session.Run();
            return (session.Input(0), session.Output(0));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public void A_number_of_threads_that_cannot_be_is_refused(int threads)
    {
        using Model model = Dense();
        Assert.Contains($"{threads} threads", Assert.Throws<EdgeLiteException>(() => model.CreateSession(new SessionOptions { Threads = threads })).Message);
    }

    private sealed class Wait : CustomOperator
    {
        public static readonly ManualResetEventSlim Begun = new(), Go = new();

        public override void Infer(InferContext context) => context.SetOutput(0, context.Input(0));

        public override void Compute(ComputeContext context)
        {
            Begun.Set();
            Go.Wait();
            context.Input(0).CopyTo(context.Output(0));
        }
    }

    /// <summary>A model whose run begins and waits for <see cref="Wait.Go"/>.</summary>
    private static Model Waiting()
    {
        Wait.Begun.Reset();
        Wait.Go.Reset();
        OperatorTable.Register("test.lifetime", "Wait", "X", "Y", () => new Wait());
        var graph = new Graph("waits");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(4))), y = graph.NewValue("y", default);
        graph.AddNode("test.lifetime", "Wait", "wait", [x], [y]);
        graph.AddOutput(y);
        ShapeInference.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph));
    }

    [Fact]
    public async Task A_second_run_of_a_session_is_refused_while_one_is_going_on()
    {
        using Model model = Waiting();
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Task first = Task.Run(session.Run);
        Wait.Begun.Wait();
        Assert.Equal(Status.InvalidState, Assert.Throws<EdgeLiteException>(session.Run).Status);
        Wait.Go.Set();
        await first;
        session.Run();
    }

    /// <summary>The memory goes with the run, not under it.</summary>
    [Fact]
    public async Task A_session_that_is_disposed_while_it_runs_ends_with_its_run()
    {
        Model model = Waiting();
        Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        Tensor x = session.Input(0);
        Task run = Task.Run(session.Run);
        Wait.Begun.Wait();
        model.Dispose();
        session.Dispose();
        session.Dispose();
        Assert.Throws<ObjectDisposedException>(session.Run);
        x.Span<float>().Fill(1); // is there still
        Wait.Go.Set();
        await run;
        Assert.Contains("its session was disposed", Assert.Throws<EdgeLiteException>(() => x.Span<float>()[0]).Message);
        Assert.Throws<ObjectDisposedException>(session.Run);
    }

    /// <summary>A batch of nothing, as a filter before it may leave: no kernel divides by it.</summary>
    [Fact]
    public void A_batch_of_0_gives_outputs_without_elements()
    {
        var graph = new Graph("empty");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(graph.SymbolDim("n"), 3, 8, 8)));
        Value w = graph.AddConstant("w", new Tensor(DType.Float32, new Shape(16, 3, 3, 3)));
        Value pooled = graph.Add("GlobalAveragePool", "pooled", [graph.Add("Relu", "r", [graph.Add("Conv", "c", [x, w])])]);
        graph.AddOutput(graph.Add("Softmax", "y", [graph.Add("Flatten", "f", [pooled])]));
        ShapeInference.Run(graph);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        CheckEmpty(model, new Shape(0, 3, 8, 8));
    }

    [SharedFact("zoo")]
    public void A_batch_of_0_in_integers_gives_outputs_without_elements()
    {
        using Model model = ConvertedModels.Load("tflite/tflm_hello_world_int8");
        CheckEmpty(model, new Shape(0, 1));
    }

    private static void CheckEmpty(Model model, Shape input)
    {
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        session.Resize(0, input);
        session.Run();
        Assert.Equal(0, session.Output(0).Shape[0]);
        Assert.Empty(session.Output(0).Bytes.ToArray());
        session.Resize(0, input.With(0, 2));
        session.Run();
        Assert.Equal(2, session.Output(0).Shape[0]);
    }
}
