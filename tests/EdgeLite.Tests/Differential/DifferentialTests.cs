using Google.Protobuf;
using Microsoft.ML.OnnxRuntime;

namespace EdgeLite.Tests.Differential;

/// <summary>
/// Random models of many operators, run in every way (<see cref="DifferentialRun"/>). EDGELITE_FUZZ=1000-1999 takes other numbers than every day's.
/// What fails is made smaller and left in artifacts/differential, and so is a model that ends the process.
/// </summary>
public class DifferentialTests
{
    private static readonly string s_folder = Path.Combine(SharedData.Root, "artifacts", "differential");

    [Fact]
    public void Random_models_compute_what_they_do_in_onnx_runtime()
    {
        (int first, int last) = LongTests.Seeds ?? (0, LongTests.Wanted ? 399 : 19);
        int compared = 0, refused = 0;
        var failures = new List<string>();
        Directory.CreateDirectory(s_folder);
        for (int seed = first; seed <= last; seed++)
        {
            var graph = new RandomGraph(seed, isWide: true);
            if (graph.Computed.Count == 0) continue;
            string[] outputs = graph.ChooseOutputs();
            bool isFree = seed % 4 == 1;
            string running = Path.Combine(s_folder, $"running-{seed}.onnx");
            File.WriteAllBytes(running, graph.Model(outputs, isFree).ToByteArray());
            (bool isRefused, string? failed, string? failure) = Try(graph, outputs, isFree, null);
            if (isRefused) refused++;
            else compared++;
            if (failed != null) failures.Add($"seed {seed}, {failed}{(isFree ? ", free dimensions" : "")}: {Shrink(graph, outputs, isFree, failed, failure!, seed)}");
            File.Delete(running);
        }
        Assert.True(failures.Count == 0, $"{failures.Count} of {compared} models ({refused} refused by ONNX Runtime):\n{string.Join('\n', failures)}");
        Assert.True(compared >= (last - first + 1) / 2, $"only {compared} of {last - first + 1} models could be compared");
    }

    /// <summary>Runs the checks, or the one that is named.</summary>
    private static (bool IsRefused, string? Check, string? Failure) Try(RandomGraph graph, string[] outputs, bool isFree, string? only)
    {
        DifferentialRun run;
        try
        {
            run = new DifferentialRun(graph, outputs, isFree);
        }
        catch (OnnxRuntimeException)
        {
            return (true, null, null);
        }
        foreach (var (name, check) in DifferentialRun.Checks)
        {
            if (only != null && only != name) continue;
            try
            {
                check(run);
            }
            catch (Exception e)
            {
                return (false, name, $"{e.GetType().Name}: {e.Message}{(e is EdgeLiteException or Xunit.Sdk.XunitException ? "" : e.StackTrace)}");
            }
        }
        return (false, null, null);
    }

    /// <summary>The smallest part of a model that fails in the same check: the first value that is wrong, from the last inputs that leave it so.</summary>
    private static string Shrink(RandomGraph graph, string[] outputs, bool isFree, string check, string failure, int seed)
    {
        foreach (string value in graph.Computed)
            if (Try(graph, [value], isFree, check).Failure is { } smaller)
            {
                (outputs, failure) = ([value], smaller);
                break;
            }
        foreach (string value in graph.Computed.Reverse())
        {
            if (outputs.Contains(value) || !graph.Cut(value, true)) continue;
            if (Try(graph, outputs, isFree, check).Failure is { } smaller) failure = smaller;
            else graph.Cut(value, false);
        }
        File.WriteAllBytes(Path.Combine(s_folder, $"seed-{seed}.onnx"), graph.Model(outputs, isFree).ToByteArray());
        return $"{failure}\n{graph.Describe(outputs)}";
    }
}
