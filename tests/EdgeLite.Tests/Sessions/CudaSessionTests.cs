using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Devices.Cuda;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Sessions;

/// <summary>Sessions on the device cuda: what runs where, what is copied, that a run allocates nothing, shapes, errors.</summary>
[Collection(nameof(CudaAlone))]
public class CudaSessionTests
{
    /// <summary>Convolution on the GPU, CumSum on the processor, an addition on the GPU again.</summary>
    private const string Mixed = """
        input %x : float32[1,8,9,7]
        const %w : float32[8,8,3,3] = seeded(1)
        const %axis : int64[] = 3
        %a = Conv(%x, %w) {pads=[1,1,1,1]}
        %b = CumSum(%a, %axis)
        %y = Add(%b, %a)
        output %y
        """;

    private const string Whole = """
        input %x : float32[N,8,9,7]
        const %w : float32[8,8,3,3] = seeded(1)
        %a = Conv(%x, %w) {pads=[1,1,1,1]}
        %b = Relu(%a)
        %y = Add(%b, %x)
        output %y
        """;

    public static TheoryData<string> Devices => [.. new[] { CudaRun.Device, CudaRun.SharedMemoryDevice }.Distinct()];

    private static Model Make(string body)
    {
        Graph graph = GraphText.Parse("graph \"g\" {\n" + body + "\n}");
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        return Model.Load(ModelWriter.ToBytes(graph), "g");
    }

    private static Session Compare(Model model, string device, SessionOptions? options = null, long batch = 0)
    {
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1 });
        Session actual = model.CreateSession((options ?? new SessionOptions { Threads = 1 }) with { Device = device });
        if (batch > 0)
        {
            expected.Resize(0, new Shape(batch, 8, 9, 7));
            actual.Resize(0, new Shape(batch, 8, 9, 7));
        }
        SeededFill.Fill(expected.Input(0), 3);
        expected.Input(0).CopyTo(actual.Input(0));
        expected.Run();
        actual.Run();
        Equivalence.Same(expected.Output(0), actual.Output(0), 2e-6, 0, device);
        return actual;
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void An_operator_without_a_kernel_runs_on_the_processor_between_copies(string device)
    {
        using Model model = Make(Mixed);
        using Session session = Compare(model, device);
        string[] kernels = [.. session.Profile(2).Select(s => s.Kernel)];
        Assert.Contains("reference", kernels);
        Assert.Contains("binary_f32_dense/cuda", kernels);
        int copies = kernels.Count(k => k.StartsWith("copy/", StringComparison.Ordinal));
        Assert.Equal(device == CudaRun.Device ? 4 : 0, copies);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void A_run_allocates_nothing(string device)
    {
        using Model model = Make(Mixed);
        using Session session = Compare(model, device);
        long allocated = long.MaxValue;
        for (int attempt = 0; attempt < 5 && allocated > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < 20; i++) session.Run();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }
        Assert.Equal(0, allocated);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Every_value_can_be_kept(string device)
    {
        using Model model = Make(Mixed);
        using Session session = Compare(model, device, new SessionOptions { Threads = 1, KeepAllValues = true });
        using Session expected = model.CreateSession(new SessionOptions { Threads = 1, KeepAllValues = true });
        SeededFill.Fill(expected.Input(0), 3);
        expected.Run();
        var kept = session.Values().ToDictionary(v => v.Name, v => v.Tensor);
        Assert.True(kept.Count > 4);
        foreach ((string name, Tensor tensor) in expected.Values()) Equivalence.Same(tensor, kept[name], 2e-6, 0, name);
    }

    [Theory]
    [MemberData(nameof(Devices))]
    public void Another_shape_is_planned_anew(string device)
    {
        using Model model = Make(Whole);
        foreach (long batch in new long[] { 1, 5, 2 })
            using (Session session = Compare(model, device, batch: batch))
                Assert.Equal(batch, session.Output(0).Shape[0]);
    }

    [Fact]
    public void Sessions_of_one_model_share_its_constants_and_give_them_back()
    {
        using Model model = Make(Whole);
        CudaDevice device = CudaDevice.Open(0);
        long before = device.ConstantBytes;
        using (Session first = Compare(model, CudaRun.Device))
        {
            long one = device.ConstantBytes;
            Assert.True(one >= before + 8 * 8 * 9 * 4);
            using Session second = Compare(model, CudaRun.Device);
            Assert.Equal(one, device.ConstantBytes);
        }
        Assert.Equal(before, device.ConstantBytes);
    }

    /// <summary>A detector whose result has as many rows as there are boxes: the network runs on the GPU, NonMaxSuppression behind it on the processor.</summary>
    [Theory]
    [MemberData(nameof(Devices))]
    public void What_comes_before_a_shape_that_depends_on_values_runs_on_the_GPU(string device)
    {
        using Model model = Make("""
            input %x : float32[1,8,9,7]
            const %w : float32[6,8,3,3] = seeded(1)
            const %one : int64[1] = [1]
            const %boxes_shape : int64[3] = [1,63,4]
            const %scores_shape : int64[3] = [1,2,63]
            const %split : int64[2] = [4,2]
            const %most : int64[] = 5
            const %overlap : float32[] = 0.4
            %a = Conv(%x, %w) {pads=[1,1,1,1]}
            %b, %s = Split(%a, %split) {axis=1}
            %c = Transpose(%b) {perm=[0,2,3,1]}
            %boxes = Reshape(%c, %boxes_shape)
            %scores = Reshape(%s, %scores_shape)
            %p = Sigmoid(%scores)
            %chosen = NonMaxSuppression(%boxes, %p, %most, %overlap)
            %y = Cast(%chosen) {to=1}
            output %y
            output %p
            """);
        CudaDevice opened = CudaDevice.Open(device[^1] - '0');
        long before = opened.ConstantBytes;
        using (Session session = Compare(model, device))
        {
            Assert.True(opened.ConstantBytes >= before + 6 * 8 * 9 * 4, "The weights are not on the GPU.");
            Assert.InRange(session.Output(0).Shape[0], 2, 10);
            Assert.False(session.IsStatic);
            for (int i = 0; i < 3; i++) session.Run();
        }
        Assert.Equal(before, opened.ConstantBytes);
    }

    [Fact]
    public void Sessions_run_in_parallel()
    {
        using Model model = Make(Mixed);
        Parallel.For(0, 4, i =>
        {
            using Session session = Compare(model, i % 2 == 0 ? CudaRun.Device : CudaRun.SharedMemoryDevice);
            for (int k = 0; k < 5; k++) session.Run();
        });
    }

    [Fact]
    public void A_device_that_is_not_there_is_named()
    {
        using Model model = Make(Whole);
        string Message(string device) => Assert.Throws<EdgeLiteException>(() => model.CreateSession(new SessionOptions { Device = device })).Message;
        Assert.Contains("cuda:99", Message("cuda:99"));
        Assert.Contains("auto", Message("gpu"));
        Assert.Contains("auto", Message("cuda:x"));
        using Session automatic = model.CreateSession(new SessionOptions { Device = "auto", Threads = 1 });
        Assert.Equal("cuda:0", automatic.Device);
        Assert.Contains("compute capability", CudaDevice.Describe()[0]);
    }

    [Fact]
    public void A_batch_is_split_over_devices()
    {
        using Model model = Make(Whole);
        string[] devices = CudaRun.IsEmulated ? ["cuda:0", "cuda:1", "cuda:2", "cpu"] : ["cuda:0", "cpu"];
        using var runner = new BatchRunner(model, devices, new SessionOptions { Threads = 1 });
        using Session whole = model.CreateSession(new SessionOptions { Threads = 1 });
        foreach (long batch in new long[] { 7, 2, 9 }) // less than the devices, too
        {
            using var x = new Tensor(DType.Float32, new Shape(batch, 8, 9, 7));
            SeededFill.Fill(x, (ulong)batch);
            whole.Resize(0, x.Shape);
            whole.SetInput(0, x);
            whole.Run();
            Equivalence.Same(whole.Output(0), Assert.Single(runner.Run(x)), 2e-6, 0, $"batch {batch}");
        }
        using Model fixedBatch = Make(Mixed);
        Assert.Contains("free batch", Assert.Throws<EdgeLiteException>(() => new BatchRunner(fixedBatch, devices)).Message);
        using var wrong = new Tensor(DType.Float32, new Shape(2, 8, 9, 6));
        Assert.Matches("^(cuda:|cpu).*\\[N,8,9,7\\]", Assert.Throws<EdgeLiteException>(() => runner.Run(wrong)).Message);
    }
}

/// <summary>Counts what a device holds, which tests beside would change.</summary>
[CollectionDefinition(nameof(CudaAlone), DisableParallelization = true)]
public sealed class CudaAlone;
