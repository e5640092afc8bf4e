using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Builds graphs of random weights in the operators that onnxruntime's transformer optimizer writes.</summary>
internal sealed class TransformerGraph(string name, int seed)
{
    private readonly Random _random = new(seed);

    public GraphProto Proto { get; } = new() { Name = name };

    public TransformerGraph In(string name, DType type, params long[] dims)
    {
        Proto.Input.Add(Info(name, type, dims));
        return this;
    }

    public TransformerGraph Out(string name, params long[] dims)
    {
        Proto.Output.Add(Info(name, DType.Float32, dims));
        return this;
    }

    public string Add(string op, string inputs, string outputs, params AttributeProto[] attributes)
    {
        Proto.Node.Add(Node(op, inputs, outputs, attributes));
        return outputs.Split(' ')[0];
    }

    public string Fused(string op, string inputs, string outputs, params AttributeProto[] attributes)
    {
        Add(op, inputs, outputs, attributes);
        Proto.Node[^1].Domain = "com.microsoft";
        return outputs.Split(' ')[0];
    }

    /// <summary>Weights around <paramref name="middle"/>; the name of the initializer.</summary>
    public string Weights(string name, long[] dims, float spread, float middle = 0)
    {
        long count = dims.Aggregate(1L, (a, b) => a * b);
        Proto.Initializer.Add(Floats(name, dims, [.. Enumerable.Range(0, (int)count).Select(_ => middle + spread * (float)(2 * _random.NextDouble() - 1))]));
        return name;
    }

    public string Ints(string name, params long[] values)
    {
        Proto.Initializer.Add(Raw(name, DType.Int64, [values.Length], [.. values.SelectMany(BitConverter.GetBytes)]));
        return name;
    }

    /// <summary>x[..][inputs] times weights[inputs][outputs].</summary>
    public string Product(string x, string name, int inputs, int outputs) => Add("MatMul", $"{x} {Weights(name + ".weight", [inputs, outputs], 1.7f / MathF.Sqrt(inputs))}", name);

    /// <summary>A graph as a model of its own.</summary>
    public static ModelProto Model(GraphProto graph)
    {
        ModelProto model = OnnxModels.Model(17);
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "com.microsoft", Version = 1 });
        model.Graph = graph;
        return model;
    }
}
