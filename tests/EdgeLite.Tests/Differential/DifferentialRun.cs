using System.Runtime.InteropServices;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Importers;
using EdgeLite.Tests.Quantizing;

namespace EdgeLite.Tests.Differential;

/// <summary>
/// One model in every way that EdgeLite has to run it. By the reference loops and in sessions with each instruction set, with one thread and with
/// several, it must compute what ONNX Runtime computes; a session that has run, also at other sizes, gives the same bits again. Quantized and in
/// float16 it must compute what the reference loops make of the same graph before it is lowered, and integers are the same bits everywhere.
/// </summary>
internal sealed class DifferentialRun
{
    private static readonly (string Isa, int Threads)[] s_ways = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.Arm64
        ? [("scalar", 1), ("neon", 3), ("", 1), ("", 2)]
        : [("scalar", 1), ("avx2", 3), ("avxvnni", 1), ("avx512", 2), ("avx512vnni", 1), ("", 1), ("", 4)];

    private readonly ModelProto _model;
    private readonly Tensor[] _inputs, _expected;
    private readonly double[] _allowed;
    private readonly bool _isFree, _isSmooth;
    private readonly Random _choices;

    /// <summary>Throws OnnxRuntimeException where ONNX Runtime refuses the model.</summary>
    public DifferentialRun(RandomGraph graph, string[] outputs, bool isFree)
    {
        _model = graph.Model(outputs, isFree);
        _inputs = graph.Inputs(outputs);
        _isFree = isFree;
        _choices = new Random(graph.Seed);
        _isSmooth = graph.IsSmooth(outputs);
        _expected = OrtComparison.Expected(_model, _inputs);
        _allowed = [.. outputs.Select((name, k) => !_expected[k].DType.IsFloat() ? graph.Steps : graph.Tolerance * Math.Max(OrtComparison.Largest(_expected[k]), graph.IsQuantized ? 1 : 0.02 * graph.Magnitude(name)))];
    }

    /// <summary>What may be checked of every model, by name.</summary>
    public static IReadOnlyList<(string Name, Action<DifferentialRun> Check)> Checks { get; } =
    [
        ("float32", r => r.CheckFloat()),
        ("half", r => r.CheckLowered(graph => HalfLayers.Run(graph), 0.02, 30)),
        ("fp16", r => r.CheckLowered(graph => Quantizer.Half(graph, r.One(DType.Float16, DType.BFloat16)), 1e-3, 60)),
        ("int8", r => r.CheckInt8()),
        ("dynamic", r => r.CheckWeights(graph => Quantizer.Dynamic(graph), 0.1, 20)),
        ("weights", r => r.CheckWeights(graph => Quantizer.Weights(graph, new BlockWeightOptions { Bits = r.One(2, 3, 4, 8), IsAsymmetric = r.One(false, true) }), 1e-3, 50)),
    ];

    private Graph Import()
    {
        Graph graph = OnnxImporter.Import(_model, null);
        ShapeInference.Run(graph);
        return graph;
    }

    private static byte[] Lowered(Graph graph)
    {
        Pipeline.Lower(graph, new ConversionOptions());
        return ModelWriter.ToBytes(graph);
    }

    private void CheckFloat()
    {
        Graph graph = Import();
        OrtComparison.Compare("interpreter", _expected, new GraphInterpreter(graph).Run(_inputs), _allowed);
        Pipeline.Optimize(graph, new ConversionOptions());
        byte[] file = Lowered(graph);
        Tensor[]? others = null, expectedOfOthers = null;
        if (_isFree) (others, expectedOfOthers) = AtOtherSizes();
        RunEverywhere(file, others, (where, run, got) =>
        {
            if (run != 1 || others == null) OrtComparison.Compare(where, _expected, got, _allowed);
            else OrtComparison.Compare(where + " at other sizes", expectedOfOthers!, got, Allowed(expectedOfOthers!));
        });
    }

    /// <summary>One size of free dimensions larger, where ONNX Runtime takes it.</summary>
    private (Tensor[]?, Tensor[]?) AtOtherSizes()
    {
        foreach (long size in _inputs.SelectMany(t => t.Shape.AsSpan().ToArray()).Where(d => d > 0).Distinct().Take(4))
        {
            Tensor[] others = [.. _inputs.Select(t => Stretched(t, size, size + 1 + size % 3))];
            try
            {
                Tensor[] expected = OrtComparison.Expected(_model, others);
                OrtComparison.Compare("interpreter at other sizes", expected, new GraphInterpreter(Import()).Run(others), Allowed(expected));
                return (others, expected);
            }
            catch (Exception e) when (e is Microsoft.ML.OnnxRuntime.OnnxRuntimeException or EdgeLiteException { Status: Status.InvalidShape })
            {
                // Constants of the model may suit its own sizes alone.
            }
        }
        return (null, null);
    }

    private double[] Allowed(Tensor[] expected) => [.. _allowed.Select((a, k) => expected[k].DType.IsFloat() ? Math.Max(a, 1e-4 * OrtComparison.Largest(expected[k])) : a)];

    private static Tensor Stretched(Tensor t, long from, long to)
    {
        var other = new Tensor(t.DType, new Shape([.. t.Shape.AsSpan().ToArray().Select(d => d == from ? to : d)]));
        for (int i = 0; i < other.Bytes.Length; i++) other.Bytes[i] = t.Bytes[i % t.Bytes.Length];
        return other;
    }

    private T One<T>(params ReadOnlySpan<T> choices) => choices[_choices.Next(choices.Length)];

    private void CheckLowered(Action<Graph> change, double tolerance, double decibels)
    {
        Graph graph = Import();
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        change(graph);
        CompareWithLoops(graph, ModelWriter.ToBytes(graph), tolerance, decibels);
    }

    private void CheckInt8()
    {
        Graph graph = Import();
        Pipeline.Optimize(graph, new ConversionOptions());
        if (!CanBeQuantized(graph)) return;
        var options = new QuantizationOptions
        {
            Activations = One(DType.Int8, DType.Int8, DType.Int16),
            Method = One(RangeMethod.MinMax, RangeMethod.MinMax, RangeMethod.MeanSquaredError, RangeMethod.Percentile),
            EqualizeChannels = One(true, false),
            SmoothNormalizations = One(true, false),
            GroupsActivations = One(true, false),
            RoundAdaptively = One(true, false, false),
        };
        graph = Quantizer.Int8(graph, new Given(_inputs), options).Graph;
        ShapeInference.Run(graph);
        bool isWide = options.Activations == DType.Int16;
        // On the samples that ranges are from, rounding to 16 bits makes little noise, a mistake makes another result. In int8 twenty layers keep a few dB.
        if (_isSmooth && isWide) CheckNoise($"quantized with {options}", _expected, new GraphInterpreter(graph).Run(_inputs), 25);
        CompareWithLoops(graph, null, isWide ? 0.01 : 0.1, isWide ? 40 : 16);
    }

    private void CheckWeights(Action<Graph> quantize, double tolerance, double decibels)
    {
        Graph graph = Import();
        Pipeline.Optimize(graph, new ConversionOptions());
        if (!CanBeQuantized(graph)) return;
        quantize(graph);
        ShapeInference.Run(graph);
        CompareWithLoops(graph, null, tolerance, decibels);
    }

    private bool CanBeQuantized(Graph graph) => !Quantizer.IsQuantized(graph) && graph.Inputs.Count > 0 && graph.Values.All(v => v.Type.IsKnown) && _inputs.All(t => t.Count > 0);

    /// <summary>A lowered graph's file, or the graph lowered, by the reference loops against the graph before, and by kernels against these loops.</summary>
    /// <param name="graph">not lowered, or that of the file</param>
    /// <param name="file">null: to be lowered here</param>
    /// <param name="tolerance">what kernels may differ by, in proportion to the largest number</param>
    /// <param name="decibels">least ratio of what the graph computes to what lowering changes: ties are rounded in more than one way</param>
    private void CompareWithLoops(Graph graph, byte[]? file, double tolerance, double decibels)
    {
        Tensor[] before = [.. new GraphInterpreter(graph).Run(_inputs).Select(t => t.Clone())];
        file ??= Lowered(graph);
        Tensor[] loops = [.. SessionRun.Run(file, "reference", 1, [Plain(_inputs)])[0].Select(AsTensor)];
        if (_isSmooth) CheckNoise("lowered", before, loops, decibels);
        double[] allowed = [.. loops.Select((t, k) => !_isSmooth ? double.PositiveInfinity : t.DType.IsFloat() ? Math.Max(_allowed[k], tolerance * OrtComparison.Largest(t)) : 2)];
        RunEverywhere(file, null, (where, _, got) => OrtComparison.Compare(where, loops, got, allowed));
    }

    private static void CheckNoise(string what, Tensor[] expected, Tensor[] got, double decibels)
    {
        for (int k = 0; k < got.Length; k++)
        {
            Assert.Equal(expected[k].ToString(), got[k].ToString());
            double signal = 0, noise = 0;
            for (long i = 0; i < got[k].Count && got[k].DType.IsFloat(); i++)
            {
                signal += Math.Pow(expected[k].GetDouble(i), 2);
                noise += Math.Pow(expected[k].GetDouble(i) - got[k].GetDouble(i), 2);
            }
            // What cancels in a sum leaves a few numbers with more noise than many.
            Assert.True(noise <= signal * Math.Pow(10, -decibels / 10) || got[k].Count < 16, $"{what}, output {k}: {10 * Math.Log10(signal / noise):F1} dB");
        }
    }

    /// <summary>Kernels of integers, and what moves, rounds to and from them.</summary>
    private static bool IsExact(string kernel) =>
        kernel.Contains("s8", StringComparison.Ordinal) || kernel.Contains("s16", StringComparison.Ordinal) || kernel.Contains("u8", StringComparison.Ordinal) || kernel.StartsWith("copy", StringComparison.Ordinal) || kernel.StartsWith("transpose", StringComparison.Ordinal) || kernel == "view";

    /// <param name="file">an .edgl file</param>
    /// <param name="others">inputs of other sizes for a run in between</param>
    /// <param name="compare">gets the way, the number of the run and its outputs</param>
    private void RunEverywhere(byte[] file, Tensor[]? others, Action<string, int, Tensor[]> compare)
    {
        (int, long[], byte[])[] inputs = Plain(_inputs);
        bool isExact = !_isFree && SessionRun.Kernels(file) is { Length: > 0 } kernels && kernels.All(IsExact);
        var loops = isExact ? SessionRun.Run(file, "reference", 1, [inputs])[0] : null;
        foreach ((string isa, int threads) in s_ways)
        {
            string where = $"session, {(isa.Length > 0 ? isa : "best set")}, {threads} threads";
            var runs = InstructionSet.AtMost(isa).Run(file, "cpu", threads, others == null ? [inputs, inputs] : [inputs, Plain(others), inputs]);
            for (int k = 0; isExact && k < loops!.Length; k++) Assert.True(loops[k].Bytes.AsSpan().SequenceEqual(runs[0][k].Bytes), $"{where}, output {k}: other bits than by the reference loops");
            for (int run = 0; run < runs.Length; run++) compare(where, run, [.. runs[run].Select(AsTensor)]);
            for (int k = 0; k < runs[0].Length; k++) Assert.True(runs[0][k].Bytes.AsSpan().SequenceEqual(runs[^1][k].Bytes), $"{where}, output {k}: another result when it runs again");
        }
    }

    private static (int, long[], byte[])[] Plain(Tensor[] tensors) => [.. tensors.Select(t => ((int)t.DType, t.Shape.AsSpan().ToArray(), t.Bytes.ToArray()))];

    private static Tensor AsTensor((int Type, long[] Shape, byte[] Bytes) plain)
    {
        var tensor = new Tensor((DType)plain.Type, new Shape(plain.Shape));
        plain.Bytes.CopyTo(tensor.Bytes);
        return tensor;
    }
}
