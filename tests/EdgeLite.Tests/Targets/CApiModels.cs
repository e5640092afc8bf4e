using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Ops;

namespace EdgeLite.Tests.Targets;

/// <summary>The model files that the tests of the C API use, described in tests/capi/test_capi.c, and that of the examples, "classes": six floats.</summary>
public sealed class CApiModels : IDisposable
{
    public CApiModels()
    {
        Folder = Directory.CreateTempSubdirectory("edgelite-capi-").FullName;
        ModelWriter.Write(Sums(), PathOf("sums"));
        ModelWriter.Write(Free(), PathOf("free"));
        ModelWriter.Write(Batch(), PathOf("batch"));
        ModelWriter.Write(Heavy(), PathOf("heavy"));
        ModelWriter.Write(Custom(), PathOf("custom"));
        ModelWriter.Write(State(), PathOf("state"));
        ModelWriter.Write(Classes(), PathOf("classes"));
        WriteTested();
        WriteSigned();
        byte[] bytes = ModelWriter.ToBytes(Sums());
        bytes[FileHeader.Size + 40] ^= 0x55;
        File.WriteAllBytes(PathOf("damaged"), bytes);
    }

    public string Folder { get; }

    public string PublicKeyPath => Path.Combine(Folder, "key.pub.pem");

    public string PathOf(string model) => Path.Combine(Folder, model + ".edgl");

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void WriteTested()
    {
        foreach (string name in new[] { "tested", "failing" })
        {
            ModelWriter.Write(State(), PathOf(name));
            SelfTestSample[] samples = SelfTestSamples.MakeOfNoise(PathOf(name), State(), 3);
            if (name == "failing") samples[0].Outputs[0].Constant!.Span<float>()[1] += 0.5f;
            SealWriter.Seal(PathOf(name), samples);
        }
    }

    private void WriteSigned()
    {
        SigningKey key = SigningKey.Generate();
        File.WriteAllText(PublicKeyPath, key.ToPublicPem());
        ModelWriter.Write(Sums(), PathOf("signed"));
        SealWriter.Seal(PathOf("signed"), key);
    }

    private static Graph Sums()
    {
        var graph = new Graph("sums");
        Value a = graph.AddInput("a", new TensorType(DType.Float32, new Shape(2, 3)));
        Value b = graph.AddInput("b", new TensorType(DType.Float32, new Shape(2, 3)));
        Value sum = graph.Add("Add", "sum", [a, b]);
        Value product = graph.Add("Mul", "product", [a, b]);
        graph.AddOutput(sum);
        graph.AddOutput(product);
        graph.Metadata["author"] = "tests";
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph Classes()
    {
        var graph = new Graph("classes");
        graph.AddOutput(graph.Add("Relu", "y", [graph.AddInput("x", new TensorType(DType.Float32, new Shape(1, 6)))]));
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph Free()
    {
        var graph = new Graph("free");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(4, graph.SymbolDim("length"))));
        graph.AddOutput(graph.Add("Relu", "y", [x]));
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph Batch()
    {
        var graph = new Graph("batch");
        graph.AddOutput(graph.Add("Relu", "y", [graph.AddInput("x", new TensorType(DType.Float32, new Shape(graph.SymbolDim("n"), 4)))]));
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph Custom()
    {
        var graph = new Graph("custom");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(2, 3)));
        Value y = graph.NewValue("y", default), above = graph.NewValue("above", default);
        var attributes = new AttributeSet { ["factor"] = 2.5f, ["limits"] = new float[] { 3, 9 }, ["mode"] = "greater" };
        graph.AddNode("com.example", "Above", "above_node", [x], [y, above], attributes);
        graph.AddOutput(y);
        graph.AddOutput(graph.Add("Relu", "positive", [above]));
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph State()
    {
        var graph = new Graph("state");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(3))), h = graph.AddInput("h", new TensorType(DType.Float32, new Shape(3)));
        graph.AddOutput(graph.Add("Add", "y", [h, x]));
        graph.AddOutput(graph.Add("Add", "next", [h, x]));
        graph.Metadata[StateBinding.MetadataKey] = "h=next";
        ShapeInference.Run(graph);
        return graph;
    }

    private static Graph Heavy()
    {
        var graph = new Graph("heavy");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(256, 256)));
        Value h = x;
        for (int i = 0; i < 8; i++) h = graph.Add("MatMul", $"h{i}", [h, x]);
        graph.AddOutput(h);
        ShapeInference.Run(graph);
        return graph;
    }
}
