using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Devices.Cpu;
using EdgeLite.Format;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Targets;

/// <summary><c>edgelite-run tune</c> and <c>edgelite convert --tuning</c> as people call them.</summary>
public sealed class TuneCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-tune-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string file) => Path.Combine(_folder, file);

    private static ChildProcess.Outcome Call(string program, params string[] arguments) =>
        ChildProcess.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, program), .. arguments]);

    private static ChildProcess.Outcome Device(params string[] arguments) => Call("edgelite-run.dll", arguments);

    /// <summary>A convolution of 3x3 and a sum as an ONNX file, and as a model that <c>edgelite convert</c> made of it.</summary>
    private (string Source, string Model) Convert()
    {
        float[] weights = [.. Enumerable.Range(0, 16 * 16 * 9).Select(i => i % 7 - 3f)];
        ModelProto model = Model(17, Node("Conv", "x w", "c", Attr("pads", 1L, 1, 1, 1)), Node("Add", "c x", "y"))
            .In("x", DType.Float32, 1, 16, 12, 12).Const(Floats("w", [16, 16, 3, 3], weights)).Out("y");
        File.WriteAllBytes(In("source.onnx"), model.ToByteArray());
        Assert.Equal(0, Call("edgelite.dll", "convert", In("source.onnx"), "-o", In("model.edgl"), "--json").ExitCode);
        return (In("source.onnx"), In("model.edgl"));
    }

    private static ulong[] CallsOf(string path)
    {
        using Model model = Model.Load(path);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        return session.Calls();
    }

    [Fact]
    public void Tune_shows_what_it_measured_and_writes_the_choices_where_it_is_told()
    {
        string path = Convert().Model;
        byte[] before = File.ReadAllBytes(path);
        ChildProcess.Outcome outcome = Device("tune", path, "--threads", "2", "--rounds", "5", "--out", In("tuned.edgl"), "--table", In("table"), "--json");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        using JsonDocument json = JsonDocument.Parse(outcome.Output);
        JsonElement root = json.RootElement;
        Assert.Equal((2, CpuKernels.Machine(2)), (root.GetProperty("threads").GetInt32(), root.GetProperty("machine").GetString()));
        JsonElement[] steps = [.. root.GetProperty("steps").EnumerateArray()];
        Assert.All(steps, s => Assert.Contains(s.GetProperty("chosen").GetString(), s.GetProperty("ways").EnumerateArray().Select(w => w.GetProperty("kernel").GetString())));
        int chosen = steps.Count(s => !s.GetProperty("is_usual").GetBoolean());
        Assert.Equal(chosen, root.GetProperty("choices").GetInt32());
        Assert.Equal(before, File.ReadAllBytes(path));
        Assert.Equal(chosen, Tuning.Parse(File.ReadAllBytes(In("table")), "table").Sum(t => t.Choices.Count));
        using (Model tuned = Model.Load(In("tuned.edgl"))) Assert.Equal(chosen, tuned.Tunings.Sum(t => t.Choices.Count));

        // Without --out into the model itself; what another machine measured stays there.
        using (Model model = Model.Load(path)) model.Save(path, new Tuning("ffffffff scalar 8", "another machine"));
        outcome = Device("tune", path, "--threads", "2", "--rounds", "5");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("us a run", outcome.Output);
        Assert.Contains("not in use", outcome.Errors);
        using (Model tuned = Model.Load(path)) Assert.Equal("another machine", tuned.Tunings[^1].Remark);
        Assert.Equal(["model.edgl", "source.onnx", "table", "tuned.edgl"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    /// <summary>Nothing is measured first, which takes minutes on a small device.</summary>
    [Fact]
    public void What_cannot_be_written_is_said_before_the_measuring()
    {
        string path = Convert().Model;
        Assert.Equal(0, Call("edgelite.dll", "keygen", "-o", In("k.pem")).ExitCode);
        Assert.Equal(0, Call("edgelite.dll", "sign", path, "--key", In("k.pem"), "-o", In("signed.edgl")).ExitCode);
        foreach ((string[] arguments, string expected) in (ReadOnlySpan<(string[], string)>)[([In("signed.edgl")], "is signed by key"), ([path, "--out", In("no/m.edgl")], "its folder does not exist"), ([path, "--table", In("no/t")], "its folder does not exist")])
        {
            ChildProcess.Outcome outcome = Device(["tune", .. arguments]);
            Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
            Assert.Contains(expected, outcome.Errors);
        }
        Assert.Empty(Directory.GetFiles(_folder, "*.partial"));
    }

    [Fact]
    public void A_long_measurement_says_how_long_it_will_be()
    {
        string path = Convert().Model;
        // Compiled as it runs, the first one takes longer than the rest.
        ChildProcess.Outcome slow = Device("bench", path, "--device", "reference", "--runs", "400"), quick = Device("bench", path, "--runs", "0");
        Assert.Equal((0, 0), (slow.ExitCode, quick.ExitCode));
        Assert.Contains("measuring for about", slow.Errors);
        Assert.Equal("", quick.Errors);
    }

    [Fact]
    public void A_tuned_model_allocates_nothing_and_one_for_another_machine_says_so()
    {
        string path = Convert().Model;
        var tuning = new Tuning(CpuKernels.Machine(2), "here");
        foreach (ulong call in CallsOf(path).Distinct()) tuning.Add(new TunedCall(call, $"conv_f32__direct/{CpuKernels.ChosenIsa("conv_f32")}/1", ""));
        using (Model model = Model.Load(path)) model.Save(path, tuning);
        ChildProcess.Outcome tuned = Device("bench", path, "--threads", "2", "--runs", "20", "--json");
        Assert.Equal((0, ""), (tuned.ExitCode, tuned.Errors));
        Assert.Contains("\"managed_bytes_per_run\":0}", tuned.Output);

        ChildProcess.Outcome other = Device("bench", path, "--threads", "1", "--runs", "1", "--json");
        Assert.Equal(0, other.ExitCode);
        Assert.Contains("not in use", other.Errors);
        Assert.Contains(CpuKernels.Machine(1), other.Errors);
        if (CpuKernels.ChosenIsa("conv_f32") == "scalar") return;
        Assert.Contains("conv_f32__direct/", Device("profile", path, "--threads", "2", "--json").Output);
        Assert.Contains("kernel conv_f32__direct\n", Call("edgelite.dll", "inspect", path, "--needs").Output);
        Assert.Contains("kernel conv_f32\n", Call("edgelite.dll", "inspect", path, "--needs").Output);
        Assert.Contains("conv_f32__direct", Call("edgelite.dll", "inspect", path, "--json").Output);
    }

    [Fact]
    public void Convert_takes_the_choices_that_are_about_the_model()
    {
        (string source, string path) = Convert();
        ulong call = CallsOf(path).First();
        var first = new Tuning("0a neon 4", "a board");
        first.Add(new TunedCall(call, "conv_f32__direct/neon", "first"));
        first.Add(new TunedCall(~call, "conv_f32__direct/neon", "of another model"));
        var second = new Tuning("0a neon 4", "a board");
        second.Add(new TunedCall(call, "conv_f32/neon/1", "second"));
        File.WriteAllBytes(In("table"), [.. Tuning.ToText([first]), .. Tuning.ToText([second])]);
        foreach (string tables in new[] { In("table"), path })
        {
            ChildProcess.Outcome outcome = Call("edgelite.dll", "convert", source, "-o", In("again.edgl"), "--tuning", tables);
            Assert.True(outcome.ExitCode == 0, outcome.Errors);
            Assert.Contains($"choices of kernels: 1 of {(tables == path ? 1 : 3)}", outcome.Errors);
            using Model again = Model.Load(In("again.edgl"));
            Tuning tuning = Assert.Single(again.Tunings);
            Assert.Equal("conv_f32__direct/neon", tuning.Find(call));
            Assert.Single(tuning.Choices);
            again.Save(path, tuning);
        }
        Assert.Contains("nowhere", Call("edgelite.dll", "convert", source, "-o", In("again.edgl"), "--tuning", In("nowhere")).Errors);
        Assert.Contains("line 1", Call("edgelite.dll", "convert", source, "-o", In("again.edgl"), "--tuning", source).Errors);
        using (Model model = Model.Load(path)) model.Save(path);
        Assert.Contains("holds no choices", Call("edgelite.dll", "convert", source, "-o", In("again.edgl"), "--tuning", path).Errors);
    }

    [Fact]
    public void A_profile_has_choices_for_its_own_instruction_sets_only()
    {
        foreach (EdgeLite.Converter.TargetProfile profile in EdgeLite.Converter.TargetProfile.All)
            foreach (Tuning tuning in profile.Tunings())
            {
                string[] sets = tuning.Machine.Split(' ')[1].Split(',');
                Assert.Contains(profile.InstructionSets[^1], sets);
                Assert.All(tuning.Choices, c => Assert.Contains(c.Kernel.Split('/')[1], sets));
            }
    }
}
