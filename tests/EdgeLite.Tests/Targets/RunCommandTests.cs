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
