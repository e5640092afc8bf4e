using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>Runs a float graph on the native kernels and shows all its float32 values: a copy of the graph is lowered in which each of them is an
/// output, so that no fusion hides it, and run by a session that shows them as they are computed. What calibration of large networks needs.
/// For results alone the graph is lowered as it would be for a device, quantized ones too.</summary>
public sealed class NativeRunner : IGraphRunner
{
    /// <summary>The values to be shown by what holds them in the lowered copy; several may be one there.</summary>
    private readonly ILookup<string, Value> _shown;
    private readonly (string Name, Tensor Tensor)[] _constants;
    private readonly Model _model;
    private readonly Session _session;

    public NativeRunner(Graph graph, bool showValues = true)
    {
        Graph = graph;
        int outputs = graph.Outputs.Count;
        Graph copy = GraphCopy.Of(graph);
        Value[] shown = !showValues ? [] : [.. graph.Nodes.SelectMany(n => n.Outputs).OfType<Value>().Where(v => v.DType == DType.Float32)];
        foreach (Value value in shown) copy.AddOutput(copy.Find(value.Name)!);
        CpuLowering.Run(copy);
        _shown = shown.Select((value, k) => (Value: value, Holder: copy.Outputs[outputs + k].Name)).ToLookup(s => s.Holder, s => s.Value);
        _constants = [.. copy.Outputs.Skip(outputs).Distinct().Where(v => v.IsConstant).Select(v => (v.Name, v.Constant!))];
        copy.TruncateOutputs(outputs);
        _model = Model.Load(ModelWriter.ToBytes(copy), graph.Name);
        _session = _model.CreateSession();
    }

    public Graph Graph { get; }

    public IReadOnlyList<Tensor> Run(IReadOnlyList<Tensor> inputs, Action<Value, Tensor>? onValue = null)
    {
        for (int i = 0; i < inputs.Count; i++) _session.Resize(i, inputs[i].DType, inputs[i].Shape);
        for (int i = 0; i < inputs.Count; i++) inputs[i].CopyTo(_session.Input(i));
        if (onValue == null)
        {
            _session.Run();
        }
        else
        {
            for (int i = 0; i < inputs.Count; i++)
            {
                onValue(Graph.Inputs[i], inputs[i]);
                Show(Graph.Inputs[i].Name, inputs[i]);
            }
            foreach ((string name, Tensor constant) in _constants) Show(name, constant);
            _session.RunShowing(Show);
        }
        return [.. Enumerable.Range(0, Graph.Outputs.Count).Select(_session.Output)];

        void Show(string name, Tensor tensor)
        {
            foreach (Value value in _shown[name]) onValue!(value, tensor);
        }
    }

    public void Dispose()
    {
        _session.Dispose();
        _model.Dispose();
    }
}
