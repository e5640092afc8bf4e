using System.Diagnostics;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Importers;

namespace EdgeLite.Bench;

/// <summary>One line of the table of speed: milliseconds of one inference, medians of rounds. <paramref name="Failure"/> says why there
/// are none.</summary>
internal sealed record SpeedRow(string Model, int Threads, double? EdgeLiteMs, double? PeerMs, double? Int8Ms, double? PeerInt8Ms, double? Difference, string? Failure)
{
    /// <summary>Whether the model came as int8, so that the first two times are those of int8.</summary>
    public bool IsQuantized { get; init; }

    /// <summary>EdgeLite's time as a part of the peer's.</summary>
    public double? Ratio => EdgeLiteMs / PeerMs;

    public double? Int8Ratio => Int8Ms / PeerInt8Ms;

    public double? Int8Gain => EdgeLiteMs / Int8Ms;
}

/// <summary>The speed of both engines in one process on the same inputs.</summary>
internal static class Speed
{
    /// <summary>Milliseconds of a round.</summary>
    private const double RoundMs = 50;

    public static IEnumerable<SpeedRow> Compare(BenchModel model, string folder, IReadOnlyList<int> threads, int rounds, bool withInt8)
    {
        string path = Path.Combine(folder, model.Name + ".edgl");
        string peer = model.Path.EndsWith(".onnx", StringComparison.Ordinal) ? model.Path : Path.Combine(folder, model.Name + ".onnx");
        string? int8 = null, peerInt8 = null, failure = null;
        Dictionary<string, Tensor> inputs = [];
        try
        {
            inputs = Inputs(Convert(model, path, peer == model.Path ? null : peer), model);
        }
        catch (EdgeLiteException e)
        {
            failure = e.Message;
        }
        if (failure == null && withInt8 && !model.IsQuantized) (int8, peerInt8) = Quantize(model, Path.Combine(folder, model.Name + ".int8"));
        foreach (int count in threads)
            yield return (failure != null ? new SpeedRow(model.Name, count, null, null, null, null, null, failure) : Time(model, path, peer, int8, peerInt8, inputs, count, rounds))
                with { IsQuantized = model.IsQuantized };
    }

    /// <summary>Converts as <c>edgelite convert</c> does, and on the way writes the graph as an ONNX file where one is asked for; returns the
    /// graph that was written.</summary>
    public static Graph Convert(BenchModel model, string path, string? onnx = null)
    {
        var options = new ConversionOptions { Shapes = model.Shapes, Fixed = model.Fixed };
        Graph graph = Pipeline.Import(model.Path, options).Graph;
        Pipeline.Optimize(graph, options);
        if (onnx != null) WritePeer(graph, onnx);
        Pipeline.Lower(graph, options);
        Pipeline.Write(graph, path, options);
        return graph;
    }

    /// <summary>Ranges from noise: the results mean nothing, the time is that of a well calibrated model. The peer gets the same layers
    /// with the same scales, in the form that its kernels are made for (<see cref="PeerQuantization"/>). Null where quantization is not
    /// possible.</summary>
    public static (string? Own, string? Peer) Quantize(BenchModel model, string path)
    {
        try
        {
            var options = new ConversionOptions { Shapes = model.Shapes, Fixed = model.Fixed };
            Graph graph = Pipeline.Import(model.Path, options).Graph;
            Pipeline.Optimize(graph, options);
            QuantizationResult result = Quantizer.Int8(graph, CalibrationData.Open("random:1", graph), new QuantizationOptions { Method = RangeMethod.MinMax });
            if (result.QuantizedNodes == 0) return (null, null);
            ShapeInference.Run(graph);
            string own = path + ".edgl", peer = path + ".onnx";
            WritePeer(graph, peer);
            Pipeline.Lower(graph, options);
            Pipeline.Write(graph, own, options);
            return (own, peer);
        }
        catch (EdgeLiteException e)
        {
            Console.Error.WriteLine($"{model.Name}: no int8: {e.Message}");
            return (null, null);
        }
    }

    private static void WritePeer(Graph graph, string path)
    {
        Graph copy = GraphCopy.Of(graph);
        PeerQuantization.Run(copy);
        OnnxFile.Write(copy, path);
    }

    /// <summary>Seeded uniform numbers in [-1, 1) for float inputs, any for those of 8 bits, the model's whole numbers for the others, fixed ones as they are.
    /// A dimension still free is 1.</summary>
    public static Dictionary<string, Tensor> Inputs(Graph graph, BenchModel model)
    {
        var random = new Random(7);
        var inputs = new Dictionary<string, Tensor>();
        foreach (Value input in graph.Inputs)
        {
            Shape shape = input.Shape;
            for (int d = 0; d < shape.Rank; d++)
                if (shape[d] < 0) shape = shape.With(d, 1);
            var tensor = new Tensor(input.DType, shape);
            for (long i = 0; i < tensor.Count; i++)
            {
                tensor.SetDouble(i, input.DType.IsFloat() ? 2 * random.NextDouble() - 1
                    : input.DType is DType.Int8 or DType.UInt8 ? random.Next(256) - (input.DType == DType.Int8 ? 128 : 0)
                    : model.Integers.GetValueOrDefault(input.Name));
            }
            inputs[input.Name] = tensor;
        }
        foreach ((string name, double value) in model.Fixed) inputs[name] = Tensor.FromScalar((long)value);
        return inputs;
    }

    private static SpeedRow Time(BenchModel model, string path, string peerPath, string? int8, string? peerInt8, Dictionary<string, Tensor> inputs, int threads, int rounds)
    {
        double? difference = null;
        try
        {
            using var own = new EdgeLiteEngine(path, inputs, threads);
            using var peer = new OnnxRuntimeEngine(peerPath, inputs, threads);
            own.Run();
            peer.Run();
            difference = Difference(own, peer, path);
            if (!(difference <= model.Tolerance))
                return new SpeedRow(model.Name, threads, null, null, null, null, difference, FormattableString.Invariant($"results differ by {difference:0.0e+0} of the largest number: no time"));
            using EdgeLiteEngine? quantized = int8 == null ? null : new EdgeLiteEngine(int8, inputs, threads);
            using OnnxRuntimeEngine? peerQuantized = peerInt8 == null ? null : new OnnxRuntimeEngine(peerInt8, inputs, threads);
            double[] ms = Interleave(rounds, threads > 1, quantized == null ? [own, peer] : [own, peer, quantized, peerQuantized!]);
            return new SpeedRow(model.Name, threads, ms[0], ms[1], quantized == null ? null : ms[2], quantized == null ? null : ms[3], difference, null);
        }
        catch (Exception e) when (e is EdgeLiteException or Microsoft.ML.OnnxRuntime.OnnxRuntimeException)
        {
            return new SpeedRow(model.Name, threads, null, null, null, null, difference, e.Message);
        }
    }

    /// <summary>The largest difference of any output, relative to the largest number of that output.</summary>
    private static double Difference(EdgeLiteEngine own, OnnxRuntimeEngine peer, string path)
    {
        using Model model = Model.Load(path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        double worst = 0;
        for (int o = 0; o < session.OutputCount; o++)
        {
            double[] a = own.Output(session.OutputName(o)), b = peer.Output(session.OutputName(o));
            if (a.Length != b.Length)
                throw new EdgeLiteException(Status.InvalidShape, $"Output '{session.OutputName(o)}' has {a.Length} elements, ONNX Runtime's {b.Length}.");
            double largest = b.Length == 0 ? 0 : b.Max(Math.Abs);
            for (int i = 0; i < a.Length; i++)
            {
                double d = a[i] == b[i] ? 0 : Math.Abs(a[i] - b[i]) / Math.Max(largest, 1e-30);
                if (!(d <= worst)) worst = d;
            }
        }
        return worst;
    }

    /// <summary>Median milliseconds of one inference of each engine: rounds in turn (A B C A B C ..), in each as many inferences as take
    /// about 50 ms. An uncounted inference opens each round. Threads of a pool may spin on after an inference; with
    /// <paramref name="pause"/> each round waits until they no longer can.</summary>
    private static double[] Interleave(int rounds, bool pause, IEngine[] engines)
    {
        int[] repetitions = [.. engines.Select(Repetitions)];
        double[][] times = [.. engines.Select(_ => new double[rounds])];
        for (int r = 0; r < rounds; r++)
        {
            for (int e = 0; e < engines.Length; e++)
            {
                if (pause) Thread.Sleep(60);
                engines[e].Run();
                long start = Stopwatch.GetTimestamp();
                for (int i = 0; i < repetitions[e]; i++) engines[e].Run();
                times[e][r] = Stopwatch.GetElapsedTime(start).TotalMilliseconds / repetitions[e];
            }
        }
        return [.. times.Select(Median)];
    }

    private static int Repetitions(IEngine engine)
    {
        for (int i = 0; i < 3; i++) engine.Run();
        long start = Stopwatch.GetTimestamp();
        int n = 0;
        do
        {
            engine.Run();
            n++;
        }
        while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < RoundMs);
        return n;
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return values[values.Length / 2];
    }
}
