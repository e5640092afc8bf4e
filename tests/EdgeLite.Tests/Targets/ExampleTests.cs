using System.Runtime.InteropServices;

namespace EdgeLite.Tests.Targets;

/// <summary>The programs that the README shows are those in tests/examples, and they work.</summary>
public sealed class ExampleTests(CApiModels models) : IClassFixture<CApiModels>
{
    private static readonly float[] s_input = [.. Enumerable.Range(0, 6).Select(i => i == 4 ? 9f : i)];

    [Fact]
    public void The_CSharp_example_finds_the_largest()
    {
        var output = new StringWriter();
        Examples.Classify.Run(models.PathOf("classes"), MemoryMarshal.AsBytes(s_input.AsSpan()), output);
        Assert.Equal("class 4, score 9" + Environment.NewLine, output.ToString());
    }

    [ArtifactFact("libedgelite.so", "gcc")]
    public void The_C_example_finds_the_largest()
    {
        string library = Path.GetDirectoryName(Artifacts.PathOf(Artifacts.Host, "libedgelite.so"))!, program = Path.Combine(models.Folder, "classify");
        ChildProcess.Succeed("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O1", "-o", program, Path.Combine(SharedData.Root, "tests/examples/classify.c"),
            $"-I{Path.Combine(SharedData.Root, "targets/libedgelite/include")}", $"-L{library}", "-ledgelite", $"-Wl,-rpath,{library}");
        string input = Path.Combine(models.Folder, "input.bin");
        File.WriteAllBytes(input, MemoryMarshal.AsBytes(s_input.AsSpan()).ToArray());
        Assert.Equal("class 4, score 9\n", ChildProcess.Succeed("sh", "-c", $"'{program}' '{models.PathOf("classes")}' < '{input}'"));
        ChildProcess.Outcome none = ChildProcess.Run("sh", ["-c", $"'{program}' '{models.PathOf("classes")}' < /dev/null"]);
        Assert.Equal((1, "the input takes 24 bytes\n"), (none.ExitCode, none.Errors));
    }

    [Theory]
    [InlineData("tests/examples/classify.c")]
    [InlineData("tests/examples/Classify.cs")]
    public void The_README_shows_the_examples_as_they_are(string file) =>
        Assert.Contains(File.ReadAllText(Path.Combine(SharedData.Root, file)), File.ReadAllText(Path.Combine(SharedData.Root, "README.md")));
}
