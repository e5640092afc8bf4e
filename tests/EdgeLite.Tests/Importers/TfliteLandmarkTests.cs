using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using static EdgeLite.Tests.Importers.TfliteCustomMakers;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>MediaPipe's custom operators on transforms, against plain loops after what mediapipe/util/tflite/operations describes: no interpreter at
/// hand has them.</summary>
public class TfliteLandmarkTests
{
    private const int Count = 9, Size = 7;

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.8)]
    public void Part_of_a_picture_is_cut_out_around_landmarks_and_its_own_are_put_back(double target)
    {
        int[] subset = [1, 4, 5, 7];
        (int left, int right, int width, int height, float factorX, float factorY) = (2, 6, 5, 4, 1.5f, 1.25f);
        var file = new TfliteFileBuilder { Version = 2 };
        int marks = file.Tensor("marks", Float32, [1, Count, 3]), picture = file.Tensor("picture", Float32, [1, Size, Size, 2]), own = file.Tensor("own", Float32, [1, 3, 2]);
        int matrix = file.Tensor("matrix", Float32, [1, 4, 4]), part = file.Tensor("part", Float32, [1, height, width, 2]), back = file.Tensor("back", Float32, [1, 3, 2]), deep = file.Tensor("deep", Float32, [1, Count, 3]);
        file.CustomOp("Landmarks2TransformMatrix", [marks], [matrix], FlexMap(("left_rotation_idx", left), ("output_height", height), ("output_width", width),
            ("right_rotation_idx", right), ("scale_x", factorX), ("scale_y", factorY), ("subset_idxs", subset), ("target_rotation_radians", (float)target)));
        file.CustomOp("TransformTensorBilinear", [picture, matrix], [part], FlexMap(("output_height", height), ("output_width", width)));
        file.CustomOp("TransformLandmarks", [own, matrix], [back], []);
        file.CustomOp("TransformLandmarks", [marks, matrix], [deep], []);
        file.Border([marks, picture, own], [matrix, part, back, deep]);

        var random = new Random(5);
        Tensor Noise(double scale, params long[] shape)
        {
            var t = new Tensor(DType.Float32, new Shape(shape));
            for (long i = 0; i < t.Count; i++) t.SetDouble(i, random.NextDouble() * scale);
            return t;
        }
        Tensor m = Noise(Size - 1, 1, Count, 3), p = Noise(1, 1, Size, Size, 2), o = Noise(4, 1, 3, 2);
        double X(int i) => m.GetDouble(3 * i);
        double Y(int i) => m.GetDouble(3 * i + 1);

        double angle = target - Math.Atan2(Y(right) - Y(left), X(right) - X(left)), c = Math.Cos(angle), s = Math.Sin(angle);
        (double X, double Y)[] turned = [.. subset.Select(i => (c * X(i) - s * Y(i), s * X(i) + c * Y(i)))];
        double sizeX = turned.Max(t => t.X) - turned.Min(t => t.X), sizeY = turned.Max(t => t.Y) - turned.Min(t => t.Y);
        double middleX = (turned.Max(t => t.X) + turned.Min(t => t.X)) / 2, middleY = (turned.Max(t => t.Y) + turned.Min(t => t.Y)) / 2;
        // From a place of the part: to its center, scaled, turned back, to the center of the rectangle.
        (double X, double Y) Place(double x, double y)
        {
            double u = (x - width / 2.0) * factorX * sizeX / width + middleX, v = (y - height / 2.0) * factorY * sizeY / height + middleY;
            return (c * u + s * v, -s * u + c * v);
        }
        (double X, double Y) zero = Place(0, 0), one = Place(1, 0), down = Place(0, 1);
        double[] expected = [one.X - zero.X, down.X - zero.X, 0, zero.X, one.Y - zero.Y, down.Y - zero.Y, 0, zero.Y, 0, 0, 1, 0, 0, 0, 0, 1];
        var cut = new double[height * width * 2];
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                for (int k = 0; k < 2; k++) cut[(y * width + x) * 2 + k] = Pixel(p, Place(x + 0.5, y + 0.5), k);
        Assert.Contains(cut, v => v == 0);
        Assert.Contains(cut, v => v > 0.1);
        double[] moved = [.. Enumerable.Range(0, 3).Select(i => Place(o.GetDouble(2 * i), o.GetDouble(2 * i + 1))).SelectMany(q => new[] { q.X, q.Y })];
        double[] movedDeep = [.. Enumerable.Range(0, Count).SelectMany(i => Place(X(i), Y(i)) is var q ? new[] { q.X, q.Y, m.GetDouble(3 * i + 2) } : [])];

        Graph graph = TfliteImporter.Import(file.Finish(), "test");
        Compare([expected, cut, moved, movedDeep], new GraphInterpreter(graph).Run(m, p, o));
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        session.SetInput(0, m);
        session.SetInput(1, p);
        session.SetInput(2, o);
        session.Run();
        Compare([expected, cut, moved, movedDeep], [.. Enumerable.Range(0, 4).Select(session.Output)]);
    }

    /// <summary>Between the centers of pixels, which are at halves; nothing outside those of the border.</summary>
    private static double Pixel(Tensor picture, (double X, double Y) at, int channel)
    {
        (double x, double y) = (at.X - 0.5, at.Y - 0.5);
        if (x < 0 || y < 0 || x > Size - 1 || y > Size - 1) return 0;
        double sum = 0;
        for (int dy = 0; dy < 2; dy++)
            for (int dx = 0; dx < 2; dx++)
                if ((int)x + dx is < Size and var column && (int)y + dy is < Size and var row)
                    sum += picture.GetDouble((row * Size + column) * 2 + channel) * (1 - Math.Abs(x - column)) * (1 - Math.Abs(y - row));
        return sum;
    }

    private static void Compare(double[][] expected, Tensor[] got)
    {
        for (int k = 0; k < expected.Length; k++)
        {
            Assert.Equal(expected[k].Length, got[k].Count);
            for (int i = 0; i < expected[k].Length; i++) Assert.True(Math.Abs(expected[k][i] - got[k].GetDouble(i)) < 1e-4, $"output {k} [{i}]: expected {expected[k][i]}, got {got[k].GetDouble(i)}");
        }
    }

    /// <summary>Damaged options are refused by what is wrong with them, whatever byte it is.</summary>
    [Fact]
    public void Damaged_options_are_refused()
    {
        byte[] sound = FlexMap(("output_height", 4), ("output_width", 5));
        for (int at = 0; at < sound.Length; at++)
            foreach (byte value in new byte[] { 0, 1, 36, 127, 255 })
            {
                byte[] damaged = [.. sound];
                damaged[at] = value;
                var file = new TfliteFileBuilder { Version = 2 };
                int x = file.Tensor("x", Float32, [1, 4, 4, 1]), t = file.Tensor("t", Float32, [1, 4, 4]), y = file.Tensor("y", Float32, [1, 4, 5, 1]);
                file.CustomOp("TransformTensorBilinear", [x, t], [y], damaged);
                file.Border([x, t], [y]);
                try
                {
                    TfliteImporter.Import(file.Finish(), "test");
                }
                catch (EdgeLiteException e)
                {
                    Assert.Contains("'y'", e.Message, StringComparison.Ordinal);
                }
            }
    }
}
