using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Quantizing;
using EdgeLite.Tests.Sessions;

namespace EdgeLite.Tests.Targets;

/// <summary>One model file gives the same integers on every instruction set, and floats that differ by rounding alone. Each set is a
/// process of its own, as the choice is made once in a process.</summary>
public sealed class InstructionSetTests : IDisposable
{
    private const string Integer = "tflite/tiny_vww_int8", Float = "onnx/blazeface_front", Small = "tflite/tiny_resnet8_fp32";

    private static readonly string[] s_sets = OperatingSystemIsArm ? ["scalar", "neon", "neonfp16", "neondot", "neoni8mm"] : ["scalar", "avx2", "avxvnni", "avx512", "avx512vnni", "avx512vbmi"];

    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-isa-").FullName;

    private static bool OperatingSystemIsArm => Artifacts.Host == "linux-arm64";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SharedTheory("zoo")]
    [InlineData(Integer, true)]
    [InlineData(Small, true)]
    [InlineData(Float, false)]
    public void Every_instruction_set_gives_the_same(string model, bool exact)
    {
        string[] arguments = Prepare(model, exact);
        Tensor[] expected = Run("dotnet", "scalar", [Path.Combine(AppContext.BaseDirectory, "edgelite-run.dll"), .. arguments]);
        foreach (string set in s_sets.Skip(1))
            Compare(expected, Run("dotnet", set, [Path.Combine(AppContext.BaseDirectory, "edgelite-run.dll"), .. arguments]), exact, set);
    }

    /// <summary>Hard numbers for every static integer layer: all sets give the bits of the reference loops in C#.</summary>
    [Theory]
    [InlineData(1, DType.Int8)]
    [InlineData(2, DType.Int8)]
    [InlineData(3, DType.Int8)]
    [InlineData(5, DType.Int16)]
    [InlineData(6, DType.Int16)]
    public void Every_integer_layer_gives_the_bits_of_the_reference_loops(int seed, DType type)
    {
        (string[] arguments, Tensor[] expected) = PrepareAdversarial(seed, type);
        foreach (string set in s_sets)
            Compare(expected, Run("dotnet", set, [Path.Combine(AppContext.BaseDirectory, "edgelite-run.dll"), .. arguments]), exact: true, set);
    }

    [RidFact("linux-arm64", "edgelite-run", "qemu-aarch64")]
    public void Every_integer_layer_gives_the_bits_of_the_reference_loops_on_Arm()
    {
        foreach (DType type in new[] { DType.Int8, DType.Int16 })
        {
            (string[] arguments, Tensor[] expected) = PrepareAdversarial(4, type);
            foreach (string set in new[] { "scalar", "neon", "neondot", "neoni8mm" })
                Compare(expected, Run("qemu-aarch64", set, ["-cpu", "max", "-L", "/usr/aarch64-linux-gnu", Artifacts.PathOf("linux-arm64", "edgelite-run"), .. arguments]), exact: true, set);
        }
    }

    [RidFact("linux-arm64", "edgelite-run", "qemu-aarch64", shared: "zoo")]
    public void Arm_gives_the_same_as_x64()
    {
        foreach ((string model, bool exact) in new[] { (Integer, true), (Small, true), (Float, false) })
        {
            string[] arguments = Prepare(model, exact);
            Tensor[] expected = Run("dotnet", "avx512vnni", [Path.Combine(AppContext.BaseDirectory, "edgelite-run.dll"), .. arguments]);
            foreach (string set in new[] { "neon", "neondot", "neoni8mm" })
                Compare(expected, Run("qemu-aarch64", set, ["-cpu", "max", "-L", "/usr/aarch64-linux-gnu", Artifacts.PathOf("linux-arm64", "edgelite-run"), .. arguments]), exact, set);
        }
    }

    /// <summary>Writes the model (a float one is quantized where exact results are asked for) and an input of noise.</summary>
    private string[] Prepare(string name, bool exact)
    {
        byte[] bytes = exact && name == Small ? Quantized(name) : ConvertedModels.Bytes(name);
        File.WriteAllBytes(Path.Combine(_folder, "model.edgl"), bytes);
        using Model model = Model.Load(bytes, name);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Equal(1, session.InputCount);
        Assert.Equal(exact, session.OutputType(0).DType == DType.Int8);
        SeededFill.Fill(session.Input(0), 11);
        NpyFile.Write(Path.Combine(_folder, "in.npy"), session.Input(0));
        return ["run", Path.Combine(_folder, "model.edgl"), "--in", Path.Combine(_folder, "in.npy"), "--threads", "2", "--out", Path.Combine(_folder, "out")];
    }

    /// <summary>Writes the model and its input; the outputs are those of the reference loops, in the order of their files.</summary>
    private (string[] Arguments, Tensor[] Expected) PrepareAdversarial(int seed, DType type)
    {
        byte[] bytes = AdversarialIntegers.Model(seed, type);
        Tensor input = AdversarialIntegers.Input(seed, type);
        File.WriteAllBytes(Path.Combine(_folder, "model.edgl"), bytes);
        NpyFile.Write(Path.Combine(_folder, "in.npy"), input);
        using Model model = Model.Load(bytes, "adversarial");
        using Session session = model.CreateSession(new SessionOptions { Device = "reference" });
        input.CopyTo(session.Input(0));
        session.Run();
        Tensor[] expected = [.. Enumerable.Range(0, session.OutputCount).OrderBy(i => session.OutputName(i) + ".npy", StringComparer.Ordinal).Select(i => session.Output(i).Clone())];
        return (["run", Path.Combine(_folder, "model.edgl"), "--in", Path.Combine(_folder, "in.npy"), "--threads", "2", "--out", Path.Combine(_folder, "out")], expected);
    }

    private static byte[] Quantized(string name)
    {
        Graph graph = EdgeLite.Converter.Pipeline.Import(ConvertedModels.SourceOf(name), new() { Shapes = new Dictionary<string, Shape> { [""] = new(1, 32, 32, 3) } }).Graph;
        PassList.Optimize(graph);
        Quantizer.Int8(graph, new Waves(graph, 2), new QuantizationOptions { Int8IO = true });
        ShapeInference.Run(graph);
        CpuLowering.Run(graph);
        return ModelWriter.ToBytes(graph);
    }

    private Tensor[] Run(string program, string set, string[] arguments)
    {
        string results = Path.Combine(_folder, "out");
        if (Directory.Exists(results)) Directory.Delete(results, recursive: true);
        var outcome = ChildProcess.Run(program, arguments, null, ("EDGELITE_MAX_ISA", set));
        Assert.True(outcome.ExitCode == 0, $"{set}: {outcome.Output}\n{outcome.Errors}");
        return [.. Directory.GetFiles(results).Order(StringComparer.Ordinal).Select(f => NpyFile.Read(f))];
    }

    private static void Compare(Tensor[] expected, Tensor[] got, bool exact, string set)
    {
        Assert.NotEmpty(expected);
        Assert.Equal(expected.Length, got.Length);
        for (int k = 0; k < expected.Length; k++)
        {
            double largest = Enumerable.Range(0, (int)expected[k].Count).Max(i => Math.Abs(expected[k].GetDouble(i)));
            Assert.True(largest > 0, "the output is zero throughout");
            Assert.Equal(expected[k].Shape, got[k].Shape);
            TensorAssert.Close(expected[k], got[k], 0, exact ? 0 : 1e-4 * largest, $"{set}, output {k}");
        }
    }
}
