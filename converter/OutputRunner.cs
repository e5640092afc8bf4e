using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>Runs a lowered copy of a graph on the native kernels; shows its outputs only.</summary>
internal sealed class OutputRunner : IGraphRunner
{
    private readonly Model _model;
    private readonly Session _session;

    public OutputRunner(Graph graph)
    {
        Graph = graph;
        Graph copy = GraphCopy.Of(graph);
        CpuLowering.Run(copy);
        _model = Model.Load(ModelWriter.ToBytes(copy), graph.Name);
        _session = _model.CreateSession();
    }

    public Graph Graph { get; }

    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<Value, Tensor>? onValue = null)
    {
        for (int i = 0; i < inputs.Count; i++) _session.Resize(i, inputs[i].DType, inputs[i].Shape);
        for (int i = 0; i < inputs.Count; i++) inputs[i].CopyTo(_session.Input(i));
        _session.Run();
        return [.. Enumerable.Range(0, _session.OutputCount).Select(_session.Output)];
    }

    public void Dispose()
    {
        _session.Dispose();
        _model.Dispose();
    }
}
