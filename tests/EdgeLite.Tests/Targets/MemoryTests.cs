using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Sessions;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Targets;

/// <summary>What the device program takes of the machine's memory.</summary>
public sealed class MemoryTests(ITestOutputHelper output) : IDisposable
{
    private const string Program = "edgelite-run";
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-memory-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [ArtifactFact(Program, shared: "zoo")]
    public void Resident_memory_is_weights_arena_and_at_most_4_MB()
    {
        var graph = new Graph("idle");
        graph.AddOutput(graph.Add("Relu", "y", [graph.AddInput("x", new TensorType(DType.Float32, new Shape(1)))]));
        ShapeInference.Run(graph);
        long idle = Bench("idle", ModelWriter.ToBytes(graph)).Resident;
        foreach (string model in new[] { "onnx/blazeface_front", "tflite/tiny_vww_int8" })
        {
            (long resident, long planned) = Bench(model, ConvertedModels.Bytes(model));
            output.WriteLine($"{model}: {resident / 1024} kB at the peak, {idle / 1024} kB idle; weights, arena and scratch {planned / 1024} kB");
            Assert.True(resident - idle <= planned + (4 << 20), $"{model}: {resident - idle} bytes above an idle process; weights, arena and scratch are {planned}");
        }
    }

    /// <summary>Around 150 MB what malloc gives the threads of .NET would just fit, and leave nothing.</summary>
    [ArtifactFact(Program, shared: "zoo")]
    public void A_limit_of_100_MB_of_address_space_is_enough()
    {
        string path = Path.Combine(_folder, "model.edgl");
        File.WriteAllBytes(path, ConvertedModels.Bytes("tflite/tiny_vww_int8"));
        foreach (int kilobytes in new[] { 100_000, 150_000, 150_000, 150_000, 150_000, 150_000, 160_000, 200_000 })
            ChildProcess.Succeed("sh", "-c", $"ulimit -v {kilobytes} && exec \"$0\" bench \"$1\" --threads 2 --runs 3", Artifacts.PathOf(Artifacts.Host, Program), path);
    }

    /// <summary>Doctor reads more memory than this limit leaves.</summary>
    [ArtifactFact(Program)]
    public void Memory_that_is_not_there_is_said()
    {
        ChildProcess.Outcome outcome = ChildProcess.Run("sh", ["-c", "ulimit -v 100000 && exec \"$0\" doctor", Artifacts.PathOf(Artifacts.Host, Program)]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("not enough memory", outcome.Errors);
    }

    [ArtifactFact(Program, "sh")]
    public void Address_space_that_does_not_do_to_start_is_said()
    {
        foreach (int kilobytes in new[] { 20_000, 45_000, 70_000, 99_999 })
        {
            ChildProcess.Outcome outcome = ChildProcess.Run("sh", ["-c", $"ulimit -v {kilobytes} && exec \"$0\" --version", Artifacts.PathOf(Artifacts.Host, Program)]);
            Assert.Equal(new ChildProcess.Outcome(1, "", $"edgelite-run: address space is limited to {kilobytes} kB (ulimit -v); to start takes 100000, and the model comes on top.\n"), outcome);
        }
    }

    private (long Resident, long Planned) Bench(string name, byte[] bytes)
    {
        string path = Path.Combine(_folder, "model.edgl");
        File.WriteAllBytes(path, bytes);
        using JsonDocument json = JsonDocument.Parse(ChildProcess.Succeed(Artifacts.PathOf(Artifacts.Host, Program), "bench", path, "--threads", "2", "--runs", "20", "--json"));
        long Number(string property) => json.RootElement.GetProperty(property).GetInt64();
        Assert.True(json.RootElement.GetProperty("managed_bytes_per_run").GetDouble() == 0, $"{name} allocates in a run");
        return (Number("peak_rss_kb") * 1024, Number("weight_bytes") + Number("arena_bytes") + Number("scratch_bytes"));
    }
}
