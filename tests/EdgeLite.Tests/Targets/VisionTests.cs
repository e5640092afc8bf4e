using EdgeLite.Vision;

namespace EdgeLite.Tests.Targets;

/// <summary>Pictures and the decoding of faces that the samples share.</summary>
public class VisionTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_wide_picture_lies_in_the_middle_between_black_bars(bool channelsLast)
    {
        var picture = new Picture(8, 4, [.. Enumerable.Range(0, 32).SelectMany(_ => new byte[] { 255, 0, 51 })]);
        using var target = new Tensor(DType.Float32, channelsLast ? new Shape(1, 4, 4, 3) : new Shape(1, 3, 4, 4));
        Placement placement = picture.FitInto(target, -1, 1);
        Assert.Equal(new Placement(0.5, 0, 1), placement);
        for (int y = 0; y < 4; y++)
        {
            for (int x = 0; x < 4; x++)
            {
                float[] pixel = [.. Enumerable.Range(0, 3).Select(c => target.Span<float>()[channelsLast ? (y * 4 + x) * 3 + c : c * 16 + y * 4 + x])];
                float[] expected = y is 0 or 3 ? [-1, -1, -1] : [1, -1, -0.6f];
                for (int c = 0; c < 3; c++) Assert.Equal(expected[c], pixel[c], 5);
            }
        }
    }

    [Fact]
    public void Anchors_are_the_centres_of_the_cells()
    {
        (float X, float Y)[] anchors = FaceDetector.Anchors([(16, 2), (8, 6)]);
        Assert.Equal(896, anchors.Length);
        Assert.Equal((0.03125f, 0.03125f), anchors[1]);
        Assert.Equal((0.09375f, 0.03125f), anchors[2]);
        Assert.Equal((0.9375f, 0.9375f), anchors[^1]);
    }

    [Fact]
    public void A_face_is_decoded_from_its_anchor_and_neighbours_become_one()
    {
        (float X, float Y)[] anchors = FaceDetector.Anchors([(16, 2)]);
        var scores = new float[512];
        Array.Fill(scores, -20);
        var boxes = new float[512 * 16];
        // Cell (5, 3) of a 128 pixel input: centre 44, 28. Both of its anchors see the face, and a far one sees another.
        int at = (3 * 16 + 5) * 2;
        (scores[at], scores[at + 1], scores[0]) = (2, 1, float.NaN);
        new float[] { 1, -2, 20, 30, -5, -6 }.CopyTo(boxes, at * 16);
        new float[] { 1, -2, 20, 30, -5, -6 }.CopyTo(boxes, (at + 1) * 16);
        scores[^1] = 5;
        new float[] { 0, 0, 10, 10 }.CopyTo(boxes, 511 * 16);
        var found = new List<Face>();
        FaceDetector.Decode(scores, boxes, anchors, 128, 0.5f, found);
        Assert.Equal(3, found.Count);
        List<Face> faces = FaceDetector.Merge(found);
        Assert.Equal(2, faces.Count);
        Assert.Equal(0.993307f, faces[0].Score, 5);
        Assert.Equal(0.880797f, faces[1].Score, 5);
        float[] expected = [35, 11, 55, 41, 39, 22];
        float[] actual = [faces[1].Left, faces[1].Top, faces[1].Right, faces[1].Bottom, faces[1].Points[0].X, faces[1].Points[0].Y];
        for (int i = 0; i < expected.Length; i++) Assert.Equal(expected[i], actual[i], 4);
    }

    [Fact]
    public void Overlap_is_intersection_over_union()
    {
        Face Box(float left, float top, float right, float bottom) => new(1, left, top, right, bottom, []);
        Assert.Equal(1, FaceDetector.Overlap(Box(0, 0, 2, 2), Box(0, 0, 2, 2)));
        Assert.Equal(1f / 7, FaceDetector.Overlap(Box(0, 0, 2, 2), Box(1, 1, 3, 3)), 6);
        Assert.Equal(0, FaceDetector.Overlap(Box(0, 0, 1, 1), Box(1, 0, 2, 1)));
    }

    [Fact]
    public void A_model_that_is_no_face_network_is_refused()
    {
        using Model model = Model.Load(Converter.Writer.ModelWriter.ToBytes(Classifier()));
        using Session session = model.CreateSession();
        Assert.Contains("no BlazeFace", Assert.Throws<EdgeLiteException>(() => new FaceDetector(session)).Message);
    }

    private static Converter.Ir.Graph Classifier()
    {
        var graph = new Converter.Ir.Graph("c");
        graph.AddOutput(graph.Add("Relu", "y", [graph.AddInput("x", new TensorType(DType.Float32, new Shape(1, 3, 4, 4)))]));
        Converter.Ir.ShapeInference.Run(graph);
        return graph;
    }
}
