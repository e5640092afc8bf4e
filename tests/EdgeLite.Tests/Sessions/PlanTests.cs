using EdgeLite.Format;
using EdgeLite.Sessions;

namespace EdgeLite.Tests.Sessions;

/// <summary>Stored arena plans of the collection, checked from the file alone: no value is overwritten while it is still wanted, and
/// the arena ends where the last value ends.</summary>
public class PlanTests
{
    public static TheoryData<string> Models() => [.. ConvertedModels.All];

    [SharedTheory("zoo")]
    [MemberData(nameof(Models))]
    public void Values_that_are_still_wanted_are_never_overwritten(string model)
    {
        using Model loaded = ConvertedModels.Load(model);
        GraphDefinition graph = loaded.Graphs[0];
        if (graph.ArenaBytes < 0)
        {
            // No plan is stored exactly where the inputs leave shapes open.
            using Session session = loaded.CreateSession(new SessionOptions { Threads = 1 });
            Assert.True(!session.IsPrepared || !session.IsStatic, "the shapes are known, yet the file holds no plan");
            return;
        }
        TypedGraph typed = TypedGraph.Create(graph, TypedGraph.CreateOperators(graph), [.. graph.Inputs.Select(v => graph.Values[v].DefaultType)]);
        var planned = new HashSet<int>();
        int[] content = [.. Enumerable.Range(0, graph.Values.Length)]; // a view has the content of its source
        int[] lastUse = new int[graph.Values.Length];
        foreach (int v in graph.Inputs) planned.Add(v);
        for (int n = 0; n < graph.Nodes.Length; n++)
        {
            if (typed.IsFolded[n]) continue;
            NodeDefinition node = graph.Nodes[n];
            foreach (int v in node.Inputs.Where(v => v >= 0)) lastUse[v] = n;
            foreach (int v in node.Outputs.Where(v => v >= 0)) planned.Add(v);
            if (typed.Operators[n].IsView && Start(node.Outputs[0]) == Start(node.Inputs[0])) content[node.Outputs[0]] = content[node.Inputs[0]];
        }
        foreach (int v in graph.Outputs.Concat(graph.Inputs)) lastUse[v] = graph.Nodes.Length;
        planned.RemoveWhere(v => typed.Constants[v] != null);

        Assert.All(planned, v => Assert.True(Start(v) >= 0 && Start(v) % 64 == 0, $"value '{graph.Values[v].Name}' lies at {Start(v)}"));
        long end = planned.Count == 0 ? 0 : planned.Max(v => (End(v) + 63) / 64 * 64);
        Assert.Equal(end, graph.ArenaBytes);

        var alive = new HashSet<int>(graph.Inputs);
        for (int n = 0; n < graph.Nodes.Length; n++)
        {
            if (typed.IsFolded[n]) continue;
            NodeDefinition node = graph.Nodes[n];
            foreach (int output in node.Outputs.Where(v => v >= 0))
                foreach (int v in alive)
                {
                    if (v == output || content[v] == content[output] || Start(v) >= End(output) || Start(output) >= End(v)) continue;
                    int input = Array.IndexOf(node.Inputs, v);
                    bool replaced = input >= 0 && lastUse[v] == n && Start(v) == Start(output) && typed.Operators[n].CanRunInPlace(input);
                    Assert.True(replaced, $"{node} writes '{graph.Values[output].Name}' over '{graph.Values[v].Name}', wanted until step {lastUse[v]} ({n} now)");
                }
            alive.UnionWith(node.Outputs.Where(planned.Contains));
            alive.RemoveWhere(v => lastUse[v] <= n);
        }

        long Start(int v) => graph.Values[v].ArenaOffset;
        long End(int v) => Start(v) + typed.Types[v].ByteLength;
    }
}
