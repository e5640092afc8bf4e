using System.Globalization;
using System.Text;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Sessions;

/// <summary>Choices of kernels in a model file: they take effect where they were measured and nowhere else, and never change a result.</summary>
public class TuningTests
{
    private const string Remark = "a machine of tests";

    /// <summary>A 3x3 convolution that goes by Winograd's filtering unless another form is chosen, then one that has no other form.</summary>
    private static byte[] TwoConvolutions()
    {
        float[] Weights(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => (float)Math.Sin(i * 0.7 + seed))];
        Graph graph = OnnxImporter.Import(Model(17, Node("Conv", "x w", "h", Attr("pads", 1L, 1, 1, 1)), Node("Conv", "h v", "y"))
            .In("x", DType.Float32, 1, 16, 12, 12).Const(Floats("w", [32, 16, 3, 3], Weights(32 * 16 * 9, 1))).Const(Floats("v", [8, 32, 1, 1], Weights(8 * 32, 2))).Out("y"), null);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        return ModelWriter.ToBytes(graph);
    }

    private static Session Open(Model model, int threads = 1, string device = "cpu")
    {
        Session session = model.CreateSession(new SessionOptions { Threads = threads, Device = device });
        for (int i = 0; i < session.InputCount; i++)
            for (long k = 0; k < session.Input(i).Count; k++) session.Input(i).SetDouble(k, ((k * 37 + i) % 101 - 50) / (session.Input(i).DType == DType.Float32 ? 50.0 : 1));
        return session;
    }

    private static byte[] With(byte[] model, params Tuning[] tunings)
    {
        string path = Path.GetTempFileName();
        try
        {
            using (Model loaded = Model.Load(model)) loaded.Save(path, tunings);
            return File.ReadAllBytes(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static Tuning Choose(string machine, params (ulong Call, string Kernel)[] choices)
    {
        var tuning = new Tuning(machine, Remark);
        foreach ((ulong call, string kernel) in choices) tuning.Add(new TunedCall(call, kernel, "for a test"));
        return tuning;
    }

    private static string[] Kernels(Session session) => [.. session.Steps().Select(s => s.Kernel)];

    [Fact]
    public void A_choice_takes_effect_on_the_machine_and_threads_that_it_was_measured_with()
    {
        byte[] plain = TwoConvolutions();
        using Model usual = Model.Load(plain);
        using Session usualSession = Open(usual);
        string isa = CpuKernels.ChosenIsa("conv_f32")!;
        if (isa == "scalar") return; // no other form there
        Assert.Equal("", usualSession.TuningNote);
        Assert.Equal([$"conv_f32/{isa}", $"conv_f32/{isa}"], Kernels(usualSession).Where(k => k.StartsWith("conv_f32", StringComparison.Ordinal)));
        ulong[] convolutions = [.. usualSession.Calls().Zip(Kernels(usualSession)).Where(c => c.Second.StartsWith("conv_f32", StringComparison.Ordinal)).Select(c => c.First)];
        Tuning two = Choose(CpuKernels.Machine(2), (convolutions[0], $"conv_f32__direct/{isa}/1"));
        Tuning one = Choose(CpuKernels.Machine(1), (convolutions[0], $"conv_f32__direct/{isa}"), (convolutions[1], $"conv_f32__direct/{isa}"));

        using Model model = Model.Load(With(plain, two, one));
        Assert.Equal([two.Machine, one.Machine], model.Tunings.Select(t => t.Machine));
        using Session session = Open(model), onTwo = Open(model, 2), onThree = Open(model, 3), reference = Open(model, 1, "reference");
        Assert.True(session.IsTuned && onTwo.IsTuned);
        Assert.Contains(Remark, session.TuningNote);
        // The second convolution has no Winograd form, so no direct one either: its choice is passed over.
        Assert.Equal([$"conv_f32__direct/{isa}", $"conv_f32/{isa}"], Kernels(session).Where(k => k.StartsWith("conv_f32", StringComparison.Ordinal)));
        Assert.Equal([$"conv_f32__direct/{isa}/1", $"conv_f32/{isa}"], Kernels(onTwo).Where(k => k.StartsWith("conv_f32", StringComparison.Ordinal)));
        Assert.False(onThree.IsTuned);
        Assert.Contains("not in use", onThree.TuningNote);
        Assert.Contains(CpuKernels.Machine(3), onThree.TuningNote);
        Assert.Equal(Kernels(usualSession), Kernels(onThree));
        Assert.Equal("", reference.TuningNote);
        usualSession.Run();
        foreach (Session other in new[] { session, onTwo, onThree, reference })
        {
            other.Run();
            TensorAssert.Close(usualSession.Output(0), other.Output(0), 1e-4, 1e-3, other.TuningNote);
        }
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) onTwo.Run();
        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
    }

    /// <summary>A product goes by Strassen's multiplication, whose sums are rounded otherwise, unless the ordinary one is chosen.</summary>
    [Fact]
    public void A_large_product_may_go_without_Strassens_multiplication()
    {
        float[] weights = [.. Enumerable.Range(0, 384 * 256).Select(i => (float)Math.Sin(i * 0.7))];
        Graph graph = OnnxImporter.Import(Model(17, Node("MatMul", "x w", "y")).In("x", DType.Float32, 96, 384).Const(Floats("w", [384, 256], weights)).Out("y"), null);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        byte[] plain = ModelWriter.ToBytes(graph);
        using Model usual = Model.Load(plain);
        using Session usualSession = Open(usual), onThree = Open(usual, 3);
        string isa = CpuKernels.ChosenIsa("gemm_f32")!;
        if (isa == "scalar") return; // no other form there
        using Model model = Model.Load(With(plain, Choose(CpuKernels.Machine(1), (usualSession.Calls()[0], $"gemm_f32__direct/{isa}"))));
        using Session direct = Open(model), reference = Open(model, 1, "reference");
        Assert.Equal([$"gemm_f32/{isa}"], Kernels(usualSession));
        Assert.Equal([$"gemm_f32__direct/{isa}"], Kernels(direct));
        foreach (Session session in new[] { usualSession, onThree, direct, reference }) session.Run();
        Assert.Equal(ConvertedModels.Outputs(usualSession), ConvertedModels.Outputs(onThree));
        Assert.NotEqual(ConvertedModels.Outputs(usualSession), ConvertedModels.Outputs(direct));
        foreach (Session session in new[] { usualSession, direct }) TensorAssert.Close(reference.Output(0), session.Output(0), 1e-4, 1e-5, session.TuningNote);
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10; i++) usualSession.Run();
        Assert.Equal(allocated, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Choices_of_another_machine_or_another_kernel_are_passed_over()
    {
        byte[] plain = TwoConvolutions();
        using Model usual = Model.Load(plain);
        using Session usualSession = Open(usual);
        usualSession.Run();
        string here = CpuKernels.Machine(1);
        string[] words = here.Split(' ');
        ulong call = usualSession.Calls()[^1];
        foreach (string machine in new[] { $"ffffffff {words[1]} 1", $"{words[0]} {words[1]},more 1", $"{words[0]} {words[1]} 2" })
        {
            using Model model = Model.Load(With(plain, Choose(machine, (call, "conv_f32/scalar"))));
            using Session session = Open(model);
            Assert.False(session.IsTuned);
            Assert.Contains(machine, session.TuningNote);
        }
        string isa = CpuKernels.ChosenIsa("conv_f32")!;
        foreach (string kernel in new[] { "conv_f32/mmx", $"qconv_s8/{isa}", $"conv_f3/{isa}", $"conv_f32__direct__/{isa}", "conv_f32", "/", "/1", $"dwconv_f32/{isa}/1", "edgelite" })
        {
            using Model model = Model.Load(With(plain, Choose(here, [.. usualSession.Calls().Distinct().Select(c => (c, kernel))])));
            using Session session = Open(model);
            Assert.Equal(Kernels(usualSession), Kernels(session));
            session.Run();
            Assert.Equal(ConvertedModels.Outputs(usualSession), ConvertedModels.Outputs(session));
        }
    }

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8")]
    [InlineData("tflite/tiny_resnet8_int8")]
    public void Whatever_is_chosen_integers_stay_the_same_bits(string name)
    {
        byte[] plain = ConvertedModels.Bytes(name);
        using Model usual = Model.Load(plain);
        using Session usualSession = Open(usual, 2);
        usualSession.Run();
        TuningResult measured = usualSession.Tune(5, Remark);
        ulong[] calls = usualSession.Calls();
        string[] kernels = Kernels(usualSession);
        int most = measured.Steps.Max(s => s.Ways.Length);
        Assert.True(most > 1);
        for (int way = 0; way < most; way++)
        {
            // Every step that has so many ways goes the same one.
            var choices = new List<(ulong, string)>();
            for (int i = 0, step = 0; i < calls.Length; i++)
            {
                if (Array.IndexOf(calls, calls[i]) != i) continue;
                StepTuning tuned = measured.Steps[step++];
                choices.Add((calls[i], tuned.Ways[Math.Min(way, tuned.Ways.Length - 1)].Kernel));
            }
            using Model model = Model.Load(With(plain, Choose(CpuKernels.Machine(2), [.. choices])));
            using Session session = Open(model, 2);
            Dictionary<ulong, string> chosen = choices.ToDictionary(c => c.Item1, c => c.Item2);
            Assert.Equal(calls, session.Calls());
            Assert.Equal(calls.Select(c => chosen[c]), Kernels(session).Where(k => k != "reference"));
            session.Run();
            Assert.Equal(ConvertedModels.Outputs(usualSession), ConvertedModels.Outputs(session));
        }
        Assert.Equal(kernels, Kernels(usualSession)); // measuring changes nothing
    }

    [Fact]
    public void What_is_measured_is_named_and_only_what_is_clearly_faster_is_chosen()
    {
        using Model model = Model.Load(TwoConvolutions());
        using Session session = Open(model, 2);
        TuningResult result = session.Tune(7, Remark);
        Assert.Equal(session.Calls().Distinct().Count(), result.Steps.Length);
        string isa = CpuKernels.ChosenIsa("conv_f32")!;
        StepTuning convolution = result.Steps.First(s => s.Operator == "edgelite.Conv");
        Assert.Equal($"conv_f32/{isa}", convolution.Ways[0].Kernel);
        Assert.Contains($"conv_f32/{isa}/1", convolution.Ways.Select(w => w.Kernel));
        if (isa != "scalar") Assert.Contains($"conv_f32__direct/{isa}", convolution.Ways.Select(w => w.Kernel));
        Assert.DoesNotContain(convolution.Ways, w => w.Kernel.EndsWith("/scalar", StringComparison.Ordinal) && isa != "scalar");
        Assert.All(result.Steps, s => Assert.All(s.Ways, w => Assert.True(w.Microseconds >= 0)));
        Assert.All(result.Steps.Where(s => s.Chosen != 0), s => Assert.True(s.Ways[s.Chosen].Microseconds <= 0.97 * s.Ways[0].Microseconds));
        Assert.Equal(result.Steps.Count(s => s.Chosen != 0), result.Tuning.Choices.Count);
        Assert.True(result.After <= result.Before);
        Assert.Equal(CpuKernels.Machine(2), result.Tuning.Machine);
        Assert.All(session.Tune(5, Remark, triesOneThread: false).Steps, s => Assert.DoesNotContain(s.Ways, w => w.Kernel.EndsWith("/1", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_session_on_another_device_or_without_a_plan_is_not_measured()
    {
        using Model model = Model.Load(TwoConvolutions());
        using Session reference = Open(model, 1, "reference");
        Assert.Equal(Status.Unsupported, Assert.Throws<EdgeLiteException>(() => reference.Tune(5, Remark)).Status);
    }

    [Fact]
    public void Text_and_back()
    {
        Tuning[] tunings = [Choose("0a scalar,neon 4", (1, "conv_f32/neon/1"), (ulong.MaxValue, "x")), Choose("0b scalar 1")];
        byte[] text = Tuning.ToText(tunings);
        Assert.Equal(text, Tuning.ToText(Tuning.Parse(text, "test")));
        Assert.Equal("conv_f32/neon/1", Tuning.Parse(text, "test")[0].Find(1));
        Assert.Null(Tuning.Parse(text, "test")[0].Find(2));
        // Tables may be put together, commented and carried through other systems.
        byte[] both = Encoding.UTF8.GetBytes("# two tables\r\n\r\n" + Encoding.UTF8.GetString(text).Replace("\n", "\r\n", StringComparison.Ordinal) + Encoding.UTF8.GetString(text));
        Assert.Equal(4, Tuning.Parse(both, "test").Length);
        // FNV-1a of "a", a zero and no bytes: af63dc4c8601ec8c times the prime, modulo 2^64.
        Assert.Equal(unchecked(0xaf63dc4c8601ec8cUL * 1099511628211), Tuning.CallOf("a", []));
    }

    [Theory]
    [InlineData("", "line 1")]
    [InlineData("# nothing", "line 1")]
    [InlineData("edgelite tuning 2\n", "line 1")]
    [InlineData("machine 0a scalar 1 x\n", "line 1")]
    [InlineData("edgelite tuning 1\nmachine 0a scalar\n", "line 2")]
    [InlineData("edgelite tuning 1\n0123456789abcdef conv_f32/avx2\n", "line 2")]
    [InlineData("edgelite tuning 1\nmachine 0a scalar 1\n0123456789abcde conv_f32/avx2\n", "line 3")]
    [InlineData("edgelite tuning 1\nmachine 0a scalar 1\n0123456789abcdeg conv_f32/avx2\n", "line 3")]
    [InlineData("edgelite tuning 1\nmachine 0a scalar 1\n0123456789abcdef\n", "line 3")]
    [InlineData("edgelite tuning 1\nmachine 0a scalar 1\n+123456789abcdef x\n", "line 3")]
    public void A_tuning_that_is_none_is_refused(string text, string where)
    {
        // Of a model file it is the last section.
        byte[] model = TwoConvolutions();
        byte[] bad = [.. model, .. Encoding.UTF8.GetBytes(text)];
        (FileHeader.Read(model, model.Length, "model") with { FileLength = bad.Length, TuningOffset = model.Length }).Write(bad);
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => Model.Load(bad));
        Assert.Equal(Status.Corrupt, e.Status);
        Assert.Contains(where, e.Message);
    }

    [Fact]
    public void A_section_that_leaves_the_file_or_is_too_large_is_refused()
    {
        byte[] model = TwoConvolutions();
        FileHeader header = FileHeader.Read(model, model.Length, "model");
        foreach (long offset in new[] { 1, 63, model.Length + 1, -1, long.MinValue, long.MaxValue })
        {
            byte[] bad = [.. model];
            (header with { TuningOffset = offset }).Write(bad);
            Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => Model.Load(bad)).Status);
        }
        byte[] large = new byte[model.Length + Tuning.MaxBytes + 1];
        model.CopyTo(large, 0);
        large.AsSpan(model.Length).Fill((byte)'\n');
        (header with { FileLength = large.Length, TuningOffset = model.Length }).Write(large);
        Assert.Contains("at most", Assert.Throws<EdgeLiteException>(() => Model.Load(large)).Message);
    }

    [Fact]
    public void A_tuning_with_wrong_bytes_is_refused_or_changes_no_result()
    {
        byte[] plain = TwoConvolutions();
        using Model usual = Model.Load(plain);
        using Session usualSession = Open(usual);
        usualSession.Run();
        string isa = CpuKernels.ChosenIsa("conv_f32")!;
        byte[] good = With(plain, Choose(CpuKernels.Machine(1), [.. usualSession.Calls().Select(c => (c, $"conv_f32__direct/{isa}"))]));
        var random = new Random(3);
        int refused = 0;
        for (int round = 0; round < 400; round++)
        {
            byte[] bad = [.. good];
            for (int change = random.Next(1, 4); change > 0; change--) bad[random.Next(plain.Length, bad.Length)] = (byte)random.Next(256);
            try
            {
                using Model model = Model.Load(bad);
                using Session session = Open(model);
                session.Run();
                TensorAssert.Close(usualSession.Output(0), session.Output(0), 1e-4, 1e-3, session.TuningNote);
            }
            catch (EdgeLiteException e)
            {
                Assert.Equal(Status.Corrupt, e.Status);
                refused++;
            }
        }
        Assert.InRange(refused, 20, 380);
    }

    [Fact]
    public void Files_of_before_and_without_choices_stay_valid()
    {
        byte[] model = TwoConvolutions();
        byte[] old = [.. model];
        (FileHeader.Read(model, model.Length, "model") with { Minor = 1 }).Write(old);
        using (Model loaded = Model.Load(old)) Assert.Empty(loaded.Tunings);
        byte[] tuned = With(old, Choose(CpuKernels.Machine(1), (7, "conv_f32/avx2")));
        using (Model loaded = Model.Load(tuned))
        {
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{FileHeader.Read(model, model.Length, "model").Major}.{FileHeader.CurrentMinor}"), loaded.FormatVersion);
            Assert.Single(loaded.Tunings);
        }
        Assert.Equal(model, With(tuned)); // and back
    }
}
