using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>Runs a float graph on the native kernels and shows all its float32 values: a copy of the graph, in which each of them is an
/// output so that no fusion hides it, is lowered and run by a session. What calibration of large networks needs. For results alone the
/// graph is lowered as it would be for a device, quantized ones too.</summary>
public sealed class NativeRunner : IGraphRunner
{
    private readonly Value[] _shown;
    private readonly int _outputs;
    private readonly Model _model;
    private readonly Session _session;

    public NativeRunner(Graph graph, bool showValues = true)
    {
        Graph = graph;
        _outputs = graph.Outputs.Count;
        Graph copy = GraphCopy.Of(graph);
        _shown = !showValues ? [] : [.. graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => v.DType == DType.Float32)];
        foreach (Value value in _shown) copy.AddOutput(copy.Find(value.Name)!);
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
        for (int i = 0; i < inputs.Count; i++) onValue?.Invoke(Graph.Inputs[i], inputs[i]);
        for (int k = 0; k < _shown.Length; k++) onValue?.Invoke(_shown[k], _session.Output(_outputs + k));
        return [.. Enumerable.Range(0, _outputs).Select(_session.Output)];
    }

    public void Dispose()
    {
        _session.Dispose();
        _model.Dispose();
    }
}
