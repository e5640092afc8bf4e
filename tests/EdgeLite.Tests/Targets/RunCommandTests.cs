using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Targets;

/// <summary>What <c>edgelite-run</c> says when it cannot do what it is asked: the file, and why in the words of the system.</summary>
public sealed class RunCommandTests(CApiModels models) : IClassFixture<CApiModels>
{
    private const string Program = "edgelite-run";

    private string In(string file) => Path.Combine(models.Folder, file);

    private string Refused(params string[] arguments)
    {
        ChildProcess.Outcome outcome = ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), arguments);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("", outcome.Output);
        Assert.DoesNotContain("_", outcome.Errors.Replace(models.Folder, "", StringComparison.Ordinal)); // names of the base library's texts
        return Assert.Single(outcome.Errors.TrimEnd().Split('\n'));
    }

    [ArtifactFact(Program)]
    public void Files_that_cannot_be_used_are_named_with_the_reason()
    {
        string model = models.PathOf("classes"), input = In("x.npy"), outputs = In("out");
        NpyFile.Write(input, new Tensor(DType.Float32, new Shape(1, 6)));
        Assert.Equal(0, ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), ["run", model, "--in", input, "--out", outputs]).ExitCode);
        Assert.Contains($"There is no file '{In("no.npy")}'", Refused("run", model, "--in", In("no.npy"), "--out", outputs));
        Assert.Contains($"'{models.Folder}' cannot be read: it is a folder", Refused("run", model, "--in", models.Folder, "--out", outputs));
        Assert.Contains($"'{models.Folder}' is a folder, not a model", Refused("run", models.Folder, "--in", input, "--out", outputs));
        Assert.Contains($"--out '{input}' is a file", Refused("run", model, "--in", input, "--out", input));
        Assert.Contains("is given twice", Refused("run", model, "--in", input, "--in", input, "--out", outputs));
        Assert.Contains($"There is no file '{In("no.pem")}'", Refused("verify", model, "--key", In("no.pem")));
    }

    [ArtifactFact(Program)]
    public void A_misspelt_option_is_unknown_wherever_it_stands()
    {
        string model = models.PathOf("classes");
        Assert.Contains("unknown option --rusn;", Refused("bench", model, "--rusn", "3"));
        Assert.Contains("unknown option --jsno;", Refused("bench", model, "--runs", "0", "--jsno"));
        Assert.Contains("option --runs needs a value;", Refused("bench", model, "--runs"));
    }

    [ArtifactFact(Program)]
    public void What_is_empty_is_said()
    {
        string model = models.PathOf("classes");
        foreach (string[] arguments in new string[][] { ["bench", ""], ["run", model, "--in", "", "--out", In("out")], ["run", model, "--in", In("x.npy"), "--out", ""], ["bench", model, "--key", ""] })
            Assert.Contains("an argument is empty;", string.Concat(Refused(arguments).Split(", as that of a variable which is not set")));
        Assert.Contains("option --in needs a value;", Refused("bench", model, "--in="));
        Assert.Contains("--in 'x=' names no file;", Refused("run", model, "--in", "x=", "--out", In("out")));
    }

    /// <summary>A limit for the size of files stands for a full disk.</summary>
    [ArtifactFact(Program, "sh")]
    public void A_result_that_does_not_fit_leaves_no_file_and_not_less_than_there_was()
    {
        string input = In("long.npy"), outputs = Directory.CreateDirectory(In("full")).FullName;
        NpyFile.Write(input, new Tensor(DType.Float32, new Shape(4, 4096)));
        string[] Arguments(string limit) => ["-c", $"trap '' XFSZ; {limit}exec \"$0\" run \"$1\" --in \"$2\" --out \"$3\"", Artifacts.PathOf(Artifacts.Host, Program), models.PathOf("free"), input, outputs];
        ChildProcess.Outcome full = ChildProcess.Run("sh", Arguments("ulimit -f 8; "));
        Assert.Equal((1, ""), (full.ExitCode, full.Output));
        Assert.Equal($"edgelite-run: '{Path.Combine(outputs, "y.npy")}' cannot be written: the file is too large.\n", full.Errors);
        Assert.Empty(Directory.GetFileSystemEntries(outputs));
        Assert.Equal(0, ChildProcess.Run("sh", Arguments("")).ExitCode);
        byte[] whole = File.ReadAllBytes(Assert.Single(Directory.GetFiles(outputs)));
        Assert.Equal(1, ChildProcess.Run("sh", Arguments("ulimit -f 8; ")).ExitCode);
        Assert.Equal(whole, File.ReadAllBytes(Assert.Single(Directory.GetFiles(outputs))));
    }

    [ArtifactFact(Program)]
    public void Every_output_gets_a_file_of_its_own()
    {
        var graph = new Graph("outputs");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(1, 6)));
        graph.AddOutput(graph.Add("Relu", "a/b", [x]));
        graph.AddOutput(graph.Add("Neg", "a_b", [x]));
        graph.AddOutput(graph.Add("Abs", new string('n', 300), [x]));
        ShapeInference.Run(graph);
        ModelWriter.Write(graph, In("outputs.edgl"));
        NpyFile.Write(In("six.npy"), Tensor.FromArray<float>([1, -2, 3, -4, 5, -6], new Shape(1, 6)));
        ChildProcess.Succeed(Artifacts.PathOf(Artifacts.Host, Program), "run", In("outputs.edgl"), "--in", In("six.npy"), "--out", In("of its own"));
        float[] Values(string file) => NpyFile.Read(Path.Combine(In("of its own"), file)).Span<float>().ToArray();
        Assert.Equal([1, 0, 3, 0, 5, 0], Values("a_b.npy"));
        Assert.Equal([-1, 2, -3, 4, -5, 6], Values("a_b_.npy"));
        Assert.Equal([1, 2, 3, 4, 5, 6], Values(new string('n', 200) + ".npy"));
    }

    /// <summary>Names of steps and values break no line of a table, and add none.</summary>
    [ArtifactFact(Program)]
    public void A_step_is_one_line_whatever_its_name_is()
    {
        var graph = new Graph("names");
        Value x = graph.AddInput("x\n1", new TensorType(DType.Float32, new Shape(1, 6)));
        graph.AddOutput(graph.Add("Relu", "y\n  0.0   0.0%\tforged\u2028\u001b[2J", [x]));
        ShapeInference.Run(graph);
        ModelWriter.Write(graph, In("names.edgl"));
        string[] lines = ChildProcess.Succeed(Artifacts.PathOf(Artifacts.Host, Program), "profile", In("names.edgl"), "--runs", "1").Split('\n');
        Assert.Contains("Relu", lines[1]);
        Assert.EndsWith(@"y\n  0.0   0.0%\tforged\u2028\u001b[2J", lines[1]);
        Assert.Equal("", lines[2]);
        Assert.Contains(@"it has: x\n1.", Refused("bench", In("names.edgl"), "--shape", "z=1x6"));
    }

    /// <summary>A pipe that takes nothing at first, for a writer that does not wait.</summary>
    [ArtifactFact(Program, "python3")]
    public void Nothing_is_lost_in_a_pipe_that_is_full()
    {
        const string Script = """
            import os, subprocess, sys, time
            read, write = os.pipe()
            os.set_blocking(write, False)
            taken = 0
            try:
                while True: taken += os.write(write, b"x" * 4096)
            except BlockingIOError: pass
            child = subprocess.Popen([sys.argv[1], "bench", "nowhere"], stderr=write)
            time.sleep(0.3)
            os.close(write)
            while taken > 0: taken -= len(os.read(read, min(taken, 65536)))
            sys.stdout.write(os.read(read, 65536).decode())
            sys.exit(child.wait() != 1)
            """;
        Assert.Equal("edgelite-run: There is no file 'nowhere'.\n", ChildProcess.Succeed("python3", "-c", Script, Artifacts.PathOf(Artifacts.Host, Program)));
    }

    [ArtifactFact(Program)]
    public void Doctor_shows_what_a_processor_without_vectors_gets_and_refuses_sets_that_there_are_not()
    {
        ChildProcess.Outcome scalar = ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), ["doctor"], null, ("EDGELITE_MAX_ISA", "scalar"));
        Assert.True(scalar.ExitCode == 0, scalar.Errors);
        Assert.Contains("capped by EDGELITE_MAX_ISA=scalar", scalar.Output);
        Assert.Contains(" conv_f32 ", scalar.Output);
        ChildProcess.Outcome unknown = ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), ["doctor"], null, ("EDGELITE_MAX_ISA", "avx3"));
        Assert.Equal(1, unknown.ExitCode);
        Assert.Contains("EDGELITE_MAX_ISA is 'avx3'", unknown.Errors);
        Assert.Contains("scalar, avx2, ", unknown.Errors);
    }

    [ArtifactFact(Program)]
    public void Help_is_at_every_command()
    {
        foreach (string command in new[] { "run", "bench", "profile", "tune", "selftest", "verify", "doctor" })
            foreach (string option in new[] { "--help", "-h" })
            {
                ChildProcess.Outcome outcome = ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), [command, option]);
                Assert.Equal(0, outcome.ExitCode);
                Assert.Contains($"edgelite-run {command}", outcome.Output);
            }
    }
}
