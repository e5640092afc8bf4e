using EdgeLite.Tests.Importers;
using Microsoft.ML.OnnxRuntime;

namespace EdgeLite.Tests.Differential;

/// <summary>Random models of several operators against ONNX Runtime: passes and lowering keep what a model means.</summary>
public class RandomGraphTests
{
    private const int GraphsPerTest = 40;

    /// <summary>The environment variable EDGELITE_RANDOM_GRAPHS asks for more groups of 40 models, from a first seed on: "first count".</summary>
    private static readonly int[] s_range = Environment.GetEnvironmentVariable("EDGELITE_RANDOM_GRAPHS")?.Split(' ').Select(int.Parse).ToArray() ?? [0, 12];

    public static TheoryData<int> Groups => [.. Enumerable.Range(s_range[0], s_range[1])];

    [Theory]
    [MemberData(nameof(Groups))]
    public void Agrees_with_onnx_runtime(int group)
    {
        int compared = 0;
        var failures = new List<string>();
        for (int seed = group * GraphsPerTest; seed < (group + 1) * GraphsPerTest; seed++)
        {
            var graph = new RandomGraph(seed);
            if (graph.Computed.Count == 0) continue;
            string[] outputs = graph.ChooseOutputs();
            bool free = seed % 2 == 1;
            if (Failure(graph, outputs, free, ref compared) is not { } failure) continue;
            // The smallest part that fails as well says more.
            foreach (string value in graph.Computed)
                if (Failure(graph, [value], free, ref compared) is { } smaller)
                {
                    (outputs, failure) = ([value], smaller);
                    break;
                }
            failures.Add($"seed {seed}{(free ? ", free dimensions" : "")}: {failure}\n{graph.Describe(outputs)}");
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= GraphsPerTest * 2 / 3, $"only {compared} of {GraphsPerTest} models could be compared");
    }

    private static string? Failure(RandomGraph graph, string[] outputs, bool free, ref int compared)
    {
        try
        {
            OrtComparison.Check(graph.Model(outputs, free), graph.Tolerance, graph.Steps, graph.Inputs(outputs));
            compared++;
            return null;
        }
        catch (OnnxRuntimeException e)
        {
            return Environment.GetEnvironmentVariable("EDGELITE_RANDOM_REFUSED") == null ? null : e.Message;
        }
        catch (Exception e)
        {
            return $"{e.GetType().Name}: {e.Message}{(e is EdgeLiteException or Xunit.Sdk.XunitException ? "" : e.StackTrace)}";
        }
    }
}
