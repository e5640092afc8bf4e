using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Importers;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Targets;

/// <summary>The runner of ONNX backend tests as a command, on a folder of three tests: one that passes, one whose data is wrong, one that a list leaves out.</summary>
public class ConformanceCommandTests
{
    private static readonly string s_program = Path.Combine(SharedData.Root, "tests/Conformance/bin", Directory.GetParent(AppContext.BaseDirectory.TrimEnd('/'))!.Name, "net10.0/conformance.dll");

    [Theory]
    [InlineData("--jobs", "1")]
    [InlineData("--session", "--device", "cpu")]
    public void Every_test_is_a_line_and_counts_for_its_operator_and_suite(params string[] options) => TemporaryFolder.Use(folder =>
    {
        string known = Suite(folder);
        ChildProcess.Outcome outcome = ChildProcess.Run("dotnet", [s_program, folder, "--known", known, .. options]);
        Assert.Equal(1, outcome.ExitCode);
        string[] lines = outcome.Output.Split('\n');
        Assert.Contains("PASS suite/test_relu", lines);
        Assert.Contains(lines, l => l.StartsWith("FAIL suite/test_sigmoid: ", StringComparison.Ordinal));
        Assert.Contains("SKIP suite/test_tanh: its data is older", lines);
        foreach ((string name, int pass, int fail, int skip) in new[] { ("Relu", 1, 0, 0), ("Sigmoid", 0, 1, 0), ("Tanh", 0, 0, 1), ("suite", 1, 1, 1), ("all", 1, 1, 1) })
            Assert.Contains(lines, l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries).SequenceEqual([name, $"{pass}", $"{fail}", $"{skip}"]));
    });

    [Fact]
    public void A_script_reads_the_same_as_one_document() => TemporaryFolder.Use(folder =>
    {
        string known = Suite(folder);
        ChildProcess.Outcome outcome = ChildProcess.Run("dotnet", [s_program, folder, "--known", known, "--json"]);
        Assert.Equal(1, outcome.ExitCode);
        using JsonDocument document = JsonDocument.Parse(outcome.Output);
        JsonElement root = document.RootElement;
        Assert.Equal(["pass", "fail", "skip"], root.GetProperty("tests").EnumerateArray().OrderBy(t => t.GetProperty("name").GetString(), StringComparer.Ordinal).Select(t => t.GetProperty("outcome").GetString()));
        Assert.Equal(1, root.GetProperty("operators").GetProperty("Sigmoid").GetProperty("fail").GetInt32());
        Assert.Equal(1, root.GetProperty("suites").GetProperty("suite").GetProperty("skip").GetInt32());
        Assert.Equal(1, root.GetProperty("total").GetProperty("pass").GetInt32());
    });

    [Fact]
    public void Only_what_is_asked_for_is_run() => TemporaryFolder.Use(folder =>
    {
        string known = Suite(folder);
        ChildProcess.Outcome outcome = ChildProcess.Run("dotnet", [s_program, folder, "--known", known, "--filter", "relu"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.DoesNotContain("sigmoid", outcome.Output);
        outcome = ChildProcess.Run("dotnet", [s_program, folder, "--filter", "nothing"]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("no test was found", outcome.Errors);
    });

    /// <summary>Writes the tests; gives the list of those that are known.</summary>
    private static string Suite(string folder)
    {
        foreach ((string op, float[] expected) in new[] { ("Relu", new float[] { 0, 2 }), ("Sigmoid", [0.5f, 0.5f]), ("Tanh", [7, 7]) })
        {
            string test = Path.Combine(folder, "suite", "test_" + op.ToLowerInvariant()), data = Path.Combine(test, "test_data_set_0");
            Directory.CreateDirectory(data);
            ModelProto model = Model(20, Node(op, "x", "y")).In("x", DType.Float32, 2);
            model.Graph.Output.Add(Info("y", DType.Float32, 2));
            File.WriteAllBytes(Path.Combine(test, "model.onnx"), model.ToByteArray());
            File.WriteAllBytes(Path.Combine(data, "input_0.pb"), Floats("x", [2], -1, 2).ToByteArray());
            File.WriteAllBytes(Path.Combine(data, "output_0.pb"), Floats("y", [2], expected).ToByteArray());
        }
        string known = Path.Combine(folder, "known.tsv");
        File.WriteAllText(known, "suite/test_tanh\tskip\tits data is older\n");
        return known;
    }
}
