using System.Buffers.Binary;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;

namespace EdgeLite.Tests.Sessions;

public sealed class SelfTestTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void Several_inputs_and_outputs_pass_where_they_are_computed(string device)
    {
        var graph = new Graph("several");
        Value a = graph.AddInput("a", new TensorType(DType.Float32, new Shape(2, 3))), b = graph.AddInput("b", new TensorType(DType.Int8, new Shape(3)));
        graph.AddOutput(graph.Add("Sigmoid", "s", [a]));
        graph.AddOutput(graph.Add("Add", "d", [b, b]));
        using Model model = WithSelfTest(graph, 2);
        SelfTestResult[] results = model.SelfTest(new SessionOptions { Device = device });
        Assert.Equal(["s", "d", "s", "d"], results.Select(r => r.Output));
        Assert.Equal([0, 0, 1, 1], results.Select(r => r.Sample));
        Assert.All(results, r => Assert.True(r.Passed, r.ToString()));
        Assert.Equal([80, 0, 80, 0], results.Select(r => r.MinSqnr));
        Assert.True(results[1].IsExact);
        // A limit of the caller is for floats.
        Assert.Equal([40, 0, 40, 0], model.SelfTest(null, 40).Select(r => r.MinSqnr));
    }

    [Fact]
    public void A_state_goes_from_sample_to_sample()
    {
        var graph = new Graph("counter");
        Value x = graph.AddInput("x", new TensorType(DType.Int32, new Shape(2))), h = graph.AddInput("h", new TensorType(DType.Int32, new Shape(2)));
        graph.AddOutput(graph.Add("Add", "next", [h, x]));
        graph.Metadata[StateBinding.MetadataKey] = "h=next";
        Write(graph);
        SelfTestSample[] samples = SelfTestSamples.MakeOfNoise(_path, graph, 4);
        int[] sum = [0, 0];
        foreach (SelfTestSample sample in samples)
        {
            Assert.Null(sample.Inputs[1].Constant);
            for (int i = 0; i < 2; i++) Assert.Equal(sum[i] += sample.Inputs[0].Constant!.Span<int>()[i], sample.Outputs[0].Constant!.Span<int>()[i]);
        }
        Assert.True(sum[0] + sum[1] > 1);
        SealWriter.Seal(_path, samples);
        using Model model = Model.Load(_path);
        Assert.All(model.SelfTest(), r => Assert.True(r.IsExact));
    }

    [Fact]
    public void Free_dimensions_get_a_size_that_the_model_takes()
    {
        var graph = new Graph("free");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(graph.SymbolDim("n"), graph.SymbolDim("length"))));
        Value blocks = graph.Add("Reshape", "blocks", [x, graph.AddConstant("shape", Tensor.FromArray<long>([1, 256, -1], new Shape(3)))]);
        graph.AddOutput(graph.Add("Relu", "y", [blocks]));
        using Model model = WithSelfTest(graph, 1);
        SelfTestResult result = Assert.Single(model.SelfTest());
        Assert.True(result.IsExact);
        Assert.Equal(new Shape(1, 256, 1), result.Actual.Shape); // 64 would not do
    }

    [Fact]
    public void Another_weight_fails_and_the_message_says_by_how_much()
    {
        var graph = new Graph("product");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(1, 64)));
        var weights = new float[64 * 8];
        for (int i = 0; i < weights.Length; i++) weights[i] = MathF.Sin(i);
        graph.AddOutput(graph.Add("MatMul", "y", [x, graph.AddConstant("w", Tensor.FromArray<float>(weights, new Shape(64, 8)))]));
        ShapeInference.Run(graph);
        File.WriteAllBytes(_path, ModelWriter.ToBytes(graph, pack: false));
        SealWriter.Seal(_path, SelfTestSamples.MakeOfNoise(_path, graph, 1));
        byte[] bytes = File.ReadAllBytes(_path);
        FileHeader header = FileHeader.Read(bytes, bytes.Length, "product");
        Span<byte> weight = bytes.AsSpan((int)header.DataOffset + 4 * 77, 4);
        BinaryPrimitives.WriteSingleLittleEndian(weight, BinaryPrimitives.ReadSingleLittleEndian(weight) + 0.25f);
        using Model model = Model.Load(bytes);
        SelfTestResult result = Assert.Single(model.SelfTest());
        Assert.False(result.Passed);
        Assert.InRange(result.Sqnr, 0, 60);
        Assert.Contains("at least 80.0 dB expected", result.ToString());
    }

    [Fact]
    public void Random_numbers_cannot_be_tested()
    {
        var graph = new Graph("random");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(64)));
        graph.AddOutput(graph.Add("RandomUniformLike", "y", [x]));
        Write(graph);
        Assert.Contains("random", Assert.Throws<EdgeLiteException>(() => SelfTestSamples.MakeOfNoise(_path, graph, 1)).Message);
    }

    [Fact]
    public void A_file_without_says_how_to_get_one()
    {
        using Model model = Model.Load(ModelWriter.ToBytes(Small()));
        Assert.False(model.HasSelfTest);
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => model.SelfTest());
        Assert.Equal(Status.NotFound, e.Status);
        Assert.Contains("--self-test", e.Message);
    }

    [Fact]
    public void Sealing_again_replaces_the_self_test_or_keeps_it()
    {
        using (Model model = WithSelfTest(Small(), 2)) Assert.Equal(2, model.SelfTest().Length);
        long length = new FileInfo(_path).Length;
        SealWriter.Seal(_path);
        Assert.Equal(length, new FileInfo(_path).Length);
        using (Model model = Model.Load(_path)) Assert.Equal(2, model.SelfTest().Length);
        SealWriter.Seal(_path, SelfTestSamples.MakeOfNoise(_path, Small(), 1));
        using (Model model = Model.Load(_path)) Assert.Single(model.SelfTest());
        Assert.True(new FileInfo(_path).Length < length);
    }

    [Fact]
    public void Tuning_and_self_test_are_in_one_file()
    {
        var tuning = new Tuning("414fd0b0 scalar 4", "a board");
        tuning.Add(new TunedCall(7, "conv_f32/neon", "of another model"));
        using (Model model = WithSelfTest(Small(), 2)) model.Save(_path, tuning);
        for (int round = 0; round < 2; round++) // sealed without a hash, then with one
        {
            using Model tuned = Model.Load(_path);
            Assert.Equal("conv_f32/neon", Assert.Single(Assert.Single(tuned.Tunings).Choices).Kernel);
            Assert.Equal(2, tuned.SelfTest().Count(r => r.Passed));
            Assert.Equal(round == 0, tuned.ContentHash == null);
            if (round == 0) Assert.Equal(Status.NotFound, Assert.Throws<EdgeLiteException>(() => Model.Load(_path, new LoadOptions { CheckHash = true })).Status);
            SealWriter.Seal(_path);
        }
        using (Model tuned = Model.Load(_path, new LoadOptions { CheckHash = true })) tuned.Save(_path);
        using (Model untuned = Model.Load(_path))
        {
            Assert.Empty(untuned.Tunings);
            Assert.Equal(2, untuned.SelfTest().Count(r => r.Passed));
        }
        SealWriter.Seal(_path, SigningKey.Generate());
        using Model signed = Model.Load(_path);
        Assert.Equal(Status.InvalidState, Assert.Throws<EdgeLiteException>(() => signed.Save(_path, tuning)).Status);
    }

    [Fact]
    public void Damage_is_one_clear_error()
    {
        WithSelfTest(Small(), 2).Dispose();
        byte[] good = File.ReadAllBytes(_path);
        Assert.True(FileSeal.TryFind(good, out FileSeal seal));
        int start = (int)seal.SelfTestOffset, length = (int)seal.SelfTestLength, end = good.Length - FileSeal.Size;
        int tables = 16 + (int)BinaryPrimitives.ReadInt64LittleEndian(good.AsSpan(start));
        var random = new Random(1);
        int refused = 0;
        for (int i = 0; i < tables; i++)
            for (int round = 0; round < 4; round++)
            {
                byte[] bad = [.. good];
                bad[start + i] = (byte)random.Next(256);
                if (Refused(bad)) refused++;
            }
        Assert.True(refused > tables);
        // Offset and length in the seal.
        foreach (int field in new[] { 16, 24 })
            foreach (long value in new[] { -1, 1, 63, 64, end - 64, end, end + 64, length - 64, length + 64, long.MaxValue, long.MinValue, 1L << 62 })
            {
                byte[] bad = [.. good];
                BinaryPrimitives.WriteInt64LittleEndian(bad.AsSpan(end + field), value);
                Assert.True(Refused(bad) || value == start, $"{field}: {value}");
            }

        static bool Refused(byte[] bytes)
        {
            using Model model = Model.Load(bytes);
            try
            {
                foreach (SelfTestResult result in model.SelfTest()) Assert.NotEmpty(result.ToString());
                return false;
            }
            catch (EdgeLiteException e)
            {
                Assert.NotEqual(Status.Internal, e.Status);
                return true;
            }
        }
    }

    [Fact]
    public void A_plain_load_leaves_the_self_test_on_the_disk()
    {
        var graph = new Graph("large");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(1 << 20)));
        graph.AddOutput(graph.Add("Relu", "y", [x]));
        WithSelfTest(graph, 2).Dispose();
        using Model model = Model.Load(_path);
        using (Session session = model.CreateSession()) session.Run();
        Assert.InRange(Resident(), 1, 300); // of 16 MB
        model.SelfTest();
        Assert.InRange(Resident(), 8000, 20000);
    }

    /// <summary>kB of the mapped file that this process has touched.</summary>
    private long Resident()
    {
        string[] lines = File.ReadAllLines("/proc/self/smaps");
        int at = Array.FindIndex(lines, l => l.EndsWith(_path, StringComparison.Ordinal));
        string rss = lines.Skip(at).First(l => l.StartsWith("Rss:", StringComparison.Ordinal));
        return long.Parse(rss.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static Graph Small()
    {
        var graph = new Graph("small");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(2, 3)));
        graph.AddOutput(graph.Add("Tanh", "y", [x]));
        ShapeInference.Run(graph);
        return graph;
    }

    private void Write(Graph graph)
    {
        ShapeInference.Run(graph);
        ModelWriter.Write(graph, _path);
    }

    private Model WithSelfTest(Graph graph, int samples)
    {
        Write(graph);
        SealWriter.Seal(_path, SelfTestSamples.MakeOfNoise(_path, graph, samples));
        return Model.Load(_path);
    }
}
