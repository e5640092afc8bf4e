using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Runs one graph on samples and shows every value on the way: what calibration and the proof are built on.</summary>
public interface IGraphRunner : IDisposable
{
    /// <summary>The graph whose values are shown.</summary>
    Graph Graph { get; }

    /// <summary>
    /// Runs the graph. <paramref name="onValue"/> is called once for each input and each float32 value computed at the top level (for
    /// constants never, for others perhaps); the tensor is valid during the call only. Returns the outputs in the graph's order, valid
    /// until the next run.
    /// </summary>
    IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<Value, Tensor>? onValue = null);
}

/// <summary>Runs a graph by the operators' reference loops.</summary>
public sealed class InterpreterRunner(Graph graph) : IGraphRunner
{
    public Graph Graph => graph;

    public void Dispose()
    {
    }

    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<Value, Tensor>? onValue = null)
    {
        var interpreter = new GraphInterpreter(graph);
        if (onValue != null)
        {
            for (int i = 0; i < Math.Min(inputs.Count, graph.Inputs.Count); i++) onValue(graph.Inputs[i], inputs[i]);
            interpreter.AfterNode = node =>
            {
                foreach (Value? output in node.Outputs)
                    if (output != null) onValue(output, interpreter[output]);
            };
        }
        return interpreter.Run([.. inputs]);
    }
}
