using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Tests.Importers;
using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Sessions;

/// <summary>States that get longer with each run: caches of keys and values.</summary>
public class GrowingStateTests
{
    /// <summary>now = past with x behind; y = its sum; count = the length of past, which shape arithmetic must not freeze.</summary>
    private static Model Cache(params long[] declared)
    {
        ModelProto proto = Model(21, Node("Concat", "past x", "now", Attr("axis", 1L)), Node("ReduceSum", "now", "y", Attr("keepdims", 0L)),
                Node("Shape", "past", "count", Attr("start", 1L)))
            .In("past", DType.Float32, declared).In("x", DType.Float32, 1, -2).Out("y", "now", "count");
        return WithStates(proto, "past=now", lowered: false);
    }

    private static Model WithStates(ModelProto proto, string states, bool lowered = true)
    {
        Graph graph = OnnxImporter.Import(proto, null);
        graph.Metadata[StateBinding.MetadataKey] = states;
        ShapeInference.Run(graph);
        if (lowered)
        {
            Pipeline.Optimize(graph, new ConversionOptions());
            Pipeline.Lower(graph, new ConversionOptions());
        }
        return EdgeLite.Model.Load(ModelWriter.ToBytes(graph));
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void A_cache_grows_with_each_run(string device)
    {
        using Model model = Cache(1, -1);
        using Session session = model.CreateSession(new SessionOptions { Device = device, Threads = 1 }), branch = model.CreateSession(new SessionOptions { Device = device, Threads = 1 });
        session.Resize(session.FindInput("past"), new Shape(1, 0));
        var all = new List<float>();
        Step(session, all, 5);
        branch.Resize(branch.FindInput("past"), new Shape(1, 2));
        branch.SetInput(branch.FindInput("x"), Tensor.FromArray<float>([0], new Shape(1, 1)));
        branch.Run();
        branch.CopyStateFrom(session);
        Step(branch, [.. all], 3);
        Step(session, all, 2);

        session.ResetState();
        Assert.Equal(new Shape(1, 0), session.Input("past").Shape);
        Step(session, [], 3);
        session.SetInput(session.FindInput("past"), Tensor.FromArray<float>([7, 8], new Shape(1, 2)));
        Step(session, [7, 8], 2);
        session.ResetState();
        Step(session, [0, 0], 1);

        static void Step(Session session, List<float> all, int steps)
        {
            for (int i = 1; i <= steps; i++)
            {
                // One new entry, or two.
                float[] x = i % 3 == 0 ? [all.Count + 1, -i] : [all.Count + 1];
                session.SetInput(session.FindInput("x"), Tensor.FromArray<float>(x, new Shape(1, x.Length)));
                session.Run();
                Assert.Equal(all.Count, session.Output("count").GetInt64(0));
                all.AddRange(x);
                Assert.Equal(all, session.Output("now").ToArray<float>());
                Assert.Equal(all, session.Input("past").ToArray<float>());
                Assert.Equal(all.Sum(), session.Output("y").Span<float>()[0]);
            }
        }
    }

    [Fact]
    public void A_cache_of_fixed_size_does_not_grow()
    {
        using Model model = Cache(1, 3);
        using Session session = model.CreateSession();
        Assert.Contains("must keep its type", Assert.Throws<EdgeLiteException>(() => session.SetInput(session.FindInput("x"), Tensor.FromArray<float>([1], new Shape(1, 1)))).Message);
    }

    /// <summary>A prompt of four tokens and five single ones through grouped-query attention with a rotation, the cache kept by the session;
    /// ONNX Runtime gets its cache by hand.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Attention_decodes_token_by_token(int threads)
    {
        const int Heads = 4, KeyHeads = 2, D = 16;
        ModelProto proto = Contrib("GroupQueryAttention", "q k v pk pv lengths total cos sin", "y keys values", Attr("num_heads", Heads), Attr("kv_num_heads", KeyHeads), Attr("do_rotary", 1L))
            .In("q", DType.Float32, 1, -1, Heads * D).In("k", DType.Float32, 1, -1, KeyHeads * D).In("v", DType.Float32, 1, -1, KeyHeads * D)
            .In("pk", DType.Float32, 1, KeyHeads, -2, D).In("pv", DType.Float32, 1, KeyHeads, -2, D).In("lengths", DType.Int32, 1).In("total", DType.Int32)
            .Const(Table("cos", Math.Cos)).Const(Table("sin", Math.Sin)).Out("y", "keys", "values");
        using var ort = new InferenceSession(proto.ToByteArray());
        using Model model = WithStates(proto, "pk=keys\npv=values");
        using Session session = model.CreateSession(new SessionOptions { Threads = threads });
        var random = new Random(5);
        Tensor pastKeys = Random(random, 1, KeyHeads, 0, D), pastValues = Random(random, 1, KeyHeads, 0, D);
        session.Resize(session.FindInput("pk"), pastKeys.Shape);
        session.Resize(session.FindInput("pv"), pastValues.Shape);
        int total = 0;
        foreach (int count in new[] { 4, 1, 1, 1, 1, 1 })
        {
            total += count;
            var given = new Dictionary<string, Tensor>
            {
                ["q"] = Random(random, 1, count, Heads * D),
                ["k"] = Random(random, 1, count, KeyHeads * D),
                ["v"] = Random(random, 1, count, KeyHeads * D),
                ["lengths"] = Tensor.FromArray<int>([total - 1], new Shape(1)),
                ["total"] = Tensor.FromScalar(total),
            };
            foreach (var (name, value) in given) session.Resize(session.FindInput(name), value.Shape);
            foreach (var (name, value) in given) session.SetInput(session.FindInput(name), value);
            session.Run();
            using var expected = ort.Run([.. given.Select(p => OrtComparison.Named(p.Key, p.Value)), OrtComparison.Named("pk", pastKeys), OrtComparison.Named("pv", pastValues)]);
            pastKeys = OrtComparison.Read(expected.First(v => v.Name == "keys"));
            pastValues = OrtComparison.Read(expected.First(v => v.Name == "values"));
            TensorAssert.Close(OrtComparison.Read(expected.First(v => v.Name == "y")), session.Output("y"), 1e-4, 1e-5, $"y of token {total}");
            TensorAssert.Close(pastKeys, session.Input("pk"), 1e-4, 1e-5, $"keys of token {total}");
            TensorAssert.Close(pastValues, session.Output("values"), 0, 0, $"values of token {total}");
        }

        TensorProto Table(string name, Func<double, double> f) =>
            Floats(name, [16, D / 2], [.. Enumerable.Range(0, 16 * D / 2).Select(i => (float)f(i / (D / 2) * Math.Pow(10000, -2.0 * (i % (D / 2)) / D)))]);
    }

    /// <summary>900 tokens through two layers of attention: what a token costs follows the length of the cache, not its square, and memory stays
    /// what caches and one copy of each need.</summary>
    [Fact]
    public void A_long_cache_costs_no_more_than_its_length()
    {
        const int Heads = 4, D = 32, Tokens = 900, Window = 100;
        var nodes = new List<NodeProto>();
        foreach (int layer in new[] { 0, 1 })
            nodes.Add(Node("Attention", $"x{layer} x0 x0 - pk{layer} pv{layer}", $"x{layer + 1} keys{layer} values{layer}", Attr("is_causal", 1L)));
        ModelProto proto = Model(24, [.. nodes]).In("x0", DType.Float32, 1, Heads, 1, D);
        foreach (string name in new[] { "pk0", "pv0", "pk1", "pv1" }) proto = proto.In(name, DType.Float32, 1, Heads, -2, D);
        using Model model = WithStates(proto.Out("x2", "keys0", "values0", "keys1", "values1"), "pk0=keys0\npv0=values0\npk1=keys1\npv1=values1");
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        foreach (string name in new[] { "pk0", "pv0", "pk1", "pv1" }) session.Resize(session.FindInput(name), new Shape(1, Heads, 0, D));
        var random = new Random(8);
        var fastest = new double[Tokens / Window];
        var managed = new long[Tokens / Window];
        Array.Fill(fastest, double.MaxValue);
        long residentAtFirst = 0;
        for (int token = 0; token < Tokens; token++)
        {
            session.SetInput(session.FindInput("x0"), Random(random, 1, Heads, 1, D));
            long before = GC.GetAllocatedBytesForCurrentThread(), start = System.Diagnostics.Stopwatch.GetTimestamp();
            session.Run();
            double seconds = System.Diagnostics.Stopwatch.GetElapsedTime(start).TotalSeconds;
            fastest[token / Window] = Math.Min(fastest[token / Window], seconds);
            managed[token / Window] = Math.Max(managed[token / Window], GC.GetAllocatedBytesForCurrentThread() - before);
            if (token == Window) residentAtFirst = Environment.WorkingSet;
        }
        Assert.Equal(new Shape(1, Heads, Tokens, D), session.Input("pv1").Shape);
        // Eight times as long a cache: a quadratic cost would be 64 times as much.
        Assert.True(fastest[^1] < 16 * fastest[0], $"a token takes {fastest[^1] * 1e6:F0} us at the end, {fastest[0] * 1e6:F0} us at the beginning");
        Assert.True(managed[^1] <= managed[1] + 4096, $"a run allocates {managed[^1]} managed bytes at the end, {managed[1]} before");
        long caches = 4L * Heads * Tokens * D * sizeof(float);
        Assert.True(Environment.WorkingSet - residentAtFirst < 4 * caches + (16 << 20), $"{Environment.WorkingSet - residentAtFirst} bytes more are resident, caches have {caches}");
    }

    /// <summary>A cache of a fixed number of places, of which the first count: each token is written into the state's own memory, where a
    /// cache that grows is copied.</summary>
    [Theory]
    [InlineData("cpu", 1)]
    [InlineData("cpu", 2)]
    [InlineData("reference", 1)]
    [InlineData("cuda", 1)]
    public void A_cache_of_fixed_size_is_written_where_it_lies(string device, int threads)
    {
        const int Heads = 4, KeyHeads = 2, D = 16, Places = 40;
        ModelProto proto = Model(24, Node("TensorScatter", "pk k at", "keys"), Node("TensorScatter", "pv v at", "values"), Node("Attention", "q keys values - - - valid", "y", Attr("is_causal", 1L)))
            .In("q", DType.Float32, 1, Heads, 1, D).In("k", DType.Float32, 1, KeyHeads, 1, D).In("v", DType.Float32, 1, KeyHeads, 1, D)
            .In("pk", DType.Float32, 1, KeyHeads, Places, D).In("pv", DType.Float32, 1, KeyHeads, Places, D).In("at", DType.Int64, 1).In("valid", DType.Int64, 1).Out("y", "keys", "values");
        using var ort = new InferenceSession(proto.ToByteArray());
        using Model model = WithStates(proto, "pk=keys\npv=values");
        using Session session = model.CreateSession(new SessionOptions { Threads = threads, Device = device == "cuda" ? CudaRun.Device : device });
        const int CacheBytes = 2 * KeyHeads * Places * D * sizeof(float);
        if (device == "cpu") Assert.InRange(session.ArenaBytes, CacheBytes, CacheBytes + 2048);
        var random = new Random(6);
        Tensor pastKeys = new(DType.Float32, new Shape(1, KeyHeads, Places, D)), pastValues = new(DType.Float32, new Shape(1, KeyHeads, Places, D));
        for (int token = 0; token < 5; token++)
        {
            var given = new Dictionary<string, Tensor>
            {
                ["q"] = Random(random, 1, Heads, 1, D),
                ["k"] = Random(random, 1, KeyHeads, 1, D),
                ["v"] = Random(random, 1, KeyHeads, 1, D),
                ["at"] = Tensor.FromArray<long>([token], new Shape(1)),
                ["valid"] = Tensor.FromArray<long>([token + 1], new Shape(1)),
            };
            foreach (var (name, value) in given) session.SetInput(session.FindInput(name), value);
            session.Run();
            using var expected = ort.Run([.. given.Select(p => OrtComparison.Named(p.Key, p.Value)), OrtComparison.Named("pk", pastKeys), OrtComparison.Named("pv", pastValues)]);
            pastKeys = OrtComparison.Read(expected.First(v => v.Name == "keys"));
            pastValues = OrtComparison.Read(expected.First(v => v.Name == "values"));
            TensorAssert.Close(OrtComparison.Read(expected.First(v => v.Name == "y")), session.Output("y"), 1e-4, 1e-5, $"y of token {token}");
            TensorAssert.Close(pastKeys, session.Input("pk"), 0, 0, $"keys of token {token}");
            TensorAssert.Close(pastValues, session.Output("values"), 0, 0, $"values of token {token}");
        }
        session.SetInput(session.FindInput("at"), Tensor.FromArray<long>([Places], new Shape(1)));
        Assert.Contains("leaves a cache of 40", Assert.Throws<EdgeLiteException>(session.Run).Message);
        TensorAssert.Close(pastKeys, session.Input("pk"), 0, 0, "keys after a refused token");
    }

    private static Tensor Random(Random random, params long[] shape)
    {
        var tensor = new Tensor(DType.Float32, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, 2 * random.NextDouble() - 1);
        return tensor;
    }
}
