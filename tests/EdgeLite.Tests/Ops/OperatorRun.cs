using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Tests.Ops;

/// <summary>Runs one operator's reference loop, and its shape rule, on given inputs.</summary>
internal static class OperatorRun
{
    public static Tensor[] Run(string opType, Tensor?[] inputs, AttributeSet? attributes = null, int outputs = 1, string domain = "")
    {
        var graph = new Graph("one");
        Value?[] values = [.. inputs.Select((t, i) => t == null ? null : graph.AddInput($"x{i}", new TensorType(t.DType, t.Shape)))];
        Value[] results = [.. Enumerable.Range(0, outputs).Select(i => graph.NewValue($"y{i}", default))];
        graph.AddNode(domain, opType, "node", values, results, attributes);
        foreach (Value result in results) graph.AddOutput(result);
        return new GraphInterpreter(graph).Run([.. inputs.OfType<Tensor>()]);
    }

    /// <summary>Types of the outputs for inputs of which only some values are known.</summary>
    public static TensorType Infer(string opType, (TensorType Type, Tensor? Value)[] inputs, AttributeSet? attributes = null, string domain = "")
    {
        Operator op = OperatorTable.Find(domain, opType)!.Create();
        op.Bind(new AttributeReader(attributes ?? new AttributeSet(), opType));
        var context = new InferContext();
        context.Reset(opType, inputs.Length, 1);
        for (int i = 0; i < inputs.Length; i++) context.SetInput(i, inputs[i].Type, inputs[i].Value);
        op.Infer(context);
        return context.Output(0);
    }

    public static Tensor T<T>(Shape shape, params T[] values) where T : unmanaged => Tensor.FromArray<T>(values, shape);
    public static Tensor V<T>(params T[] values) where T : unmanaged => Tensor.FromArray<T>(values, new Shape(values.Length));

    public static AttributeSet Attributes(params (string Name, AttributeValue Value)[] items)
    {
        var set = new AttributeSet();
        foreach ((string name, AttributeValue value) in items) set[name] = value;
        return set;
    }
}
