using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>Runs a written model through the runtime, on the kernels that a device would use, and shows its values under the names of
/// the lowered graph that it was written from.</summary>
public sealed class SessionRunner : IGraphRunner
{
    private readonly Model _model;
    private readonly Session _session;

    /// <param name="graph">the graph that <paramref name="model"/> was written from</param>
    /// <param name="model">outlives the runner</param>
    public SessionRunner(Graph graph, Model model)
    {
        Graph = graph;
        _model = model;
        _session = model.CreateSession();
    }

    public Graph Graph { get; }

    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<Value, Tensor>? onValue = null)
    {
        for (int i = 0; i < inputs.Count; i++)
            if (!inputs[i].IsList) _session.Resize(i, inputs[i].DType, inputs[i].Shape);
        for (int i = 0; i < inputs.Count; i++) _session.SetInput(i, inputs[i]);
        if (onValue == null) _session.Run();
        else
            _session.RunShowing((name, tensor) =>
            {
                if (Graph.Find(name) is { } value) onValue(value, tensor);
            });
        return [.. Enumerable.Range(0, _session.OutputCount).Select(_session.Output)];
    }

    /// <summary>What each step costs here on one thread: shortest of some runs on the inputs of the last one. Empty when shapes depend on values.</summary>
    public IReadOnlyList<StepCost> MeasureSteps()
    {
        if (!_session.IsStatic) return [];
        using Session session = _model.CreateSession(new SessionOptions { Threads = 1 });
        for (int i = 0; i < session.InputCount; i++)
        {
            Tensor input = _session.Input(i);
            session.Resize(i, input.DType, input.Shape);
            input.CopyTo(session.Input(i));
        }
        var weights = Graph.Nodes.GroupBy(n => n.Name).ToDictionary(g => g.Key, g => g.Sum(n => n.Inputs.Sum(v => v?.Constant?.ByteLength ?? 0)));
        // Of a node with several steps the first one has the weights.
        return [.. session.Profile(MeasuringRuns).Select(s => new StepCost(s.Operator, s.Node, s.Kernel, weights.Remove(s.Node, out long bytes) ? bytes : 0, s.Microseconds))];
    }

    private const int MeasuringRuns = 10;

    public void Dispose() => _session.Dispose();
}
