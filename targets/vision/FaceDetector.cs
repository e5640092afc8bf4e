using EdgeLite.Core;

namespace EdgeLite.Vision;

/// <summary>A face in pixels of the picture. Points: right eye, left eye, nose, mouth, right ear, left ear (as the face sees them).</summary>
internal sealed record Face(float Score, float Left, float Top, float Right, float Bottom, (float X, float Y)[] Points);

/// <summary>
/// Finds faces with a BlazeFace network (Bazarevsky et al. 2019, arXiv:1907.05047; MediaPipe face detection, short and full range).
/// The network gives for each anchor a score and 16 numbers: offset of the centre, width, height, offsets of six points, in
/// pixels of its input. Anchors are the centres of the cells of square grids, several at one place.
/// </summary>
internal sealed class FaceDetector
{
    private const int Numbers = 16;

    /// <summary>Grids by the number of anchors: cells in a row, anchors in a cell.</summary>
    private static readonly Dictionary<long, (int Cells, int PerCell)[]> s_grids = new()
    {
        [512] = [(16, 2)],
        [384] = [(8, 6)],
        [896] = [(16, 2), (8, 6)],
        [2304] = [(48, 1)],
    };

    private readonly Session _session;
    private readonly float _size;
    private readonly List<(int Scores, int Boxes, (float X, float Y)[] Anchors)> _heads = [];

    public FaceDetector(Session session)
    {
        _session = session;
        Shape shape = session.Input(0).Shape;
        _size = shape.Rank == 4 ? shape[2] : throw Unsuitable($"its input is {session.Input(0)}");
        for (int o = 0; o < session.OutputCount; o++)
        {
            Shape boxes = session.OutputType(o).Shape;
            if (!boxes.IsKnown || boxes.Rank != 3 || boxes[2] != Numbers) continue;
            int scores = Enumerable.Range(0, session.OutputCount).FirstOrDefault(s => session.OutputType(s).Shape is { IsKnown: true, Rank: 3 } t && t[1] == boxes[1] && t[2] == 1, -1);
            if (scores < 0 || !s_grids.TryGetValue(boxes[1], out (int, int)[]? grids)) throw Unsuitable($"output '{session.OutputName(o)}' has {boxes[1]} anchors");
            _heads.Add((scores, o, Anchors(grids)));
        }
        if (_heads.Count == 0) throw Unsuitable($"no output has {Numbers} numbers for each anchor");
    }

    /// <summary>Faces whose score (0..1) is at least <paramref name="threshold"/>, best first.</summary>
    public List<Face> Find(Picture picture, float threshold = 0.6f)
    {
        Placement placement = picture.FitInto(_session.Input(0), -1, 1);
        _session.Run();
        var candidates = new List<Face>();
        foreach ((int scores, int boxes, (float X, float Y)[] anchors) in _heads)
            Decode(_session.Output(scores).Span<float>(), _session.Output(boxes).Span<float>(), anchors, _size, threshold, candidates);
        return [.. Merge(candidates).Select(f => ToPicture(f, placement))];
    }

    /// <summary>Centres of all cells, 0..1, in the order of the network's output.</summary>
    internal static (float X, float Y)[] Anchors((int Cells, int PerCell)[] grids)
    {
        var anchors = new List<(float, float)>();
        foreach ((int cells, int perCell) in grids)
            for (int cell = 0; cell < cells * cells; cell++)
                for (int i = 0; i < perCell; i++)
                    anchors.Add(((cell % cells + 0.5f) / cells, (cell / cells + 0.5f) / cells));
        return [.. anchors];
    }

    /// <summary>Adds the candidates of one output in pixels of the network's input; scores are logits.</summary>
    internal static void Decode(ReadOnlySpan<float> scores, ReadOnlySpan<float> boxes, (float X, float Y)[] anchors, float size, float threshold, List<Face> to)
    {
        for (int a = 0; a < anchors.Length; a++)
        {
            float score = 1 / (1 + MathF.Exp(-scores[a]));
            // A NaN is no face.
            if (!(score >= threshold)) continue;
            ReadOnlySpan<float> box = boxes.Slice(a * Numbers, Numbers);
            float x = anchors[a].X * size, y = anchors[a].Y * size;
            var points = new (float, float)[6];
            for (int p = 0; p < points.Length; p++) points[p] = (x + box[4 + 2 * p], y + box[5 + 2 * p]);
            to.Add(new Face(score, x + box[0] - box[2] / 2, y + box[1] - box[3] / 2, x + box[0] + box[2] / 2, y + box[1] + box[3] / 2, points));
        }
    }

    /// <summary>Candidates that overlap (intersection over union above 0.3) with a better one become one face, the mean of
    /// all weighted by their scores: this is steadier from frame to frame than keeping the best one.</summary>
    internal static List<Face> Merge(List<Face> candidates)
    {
        List<Face> left = [.. candidates.OrderByDescending(f => f.Score)];
        var faces = new List<Face>();
        while (left.Count > 0)
        {
            Face best = left[0];
            List<Face> group = [.. left.Where(f => ReferenceEquals(f, best) || Overlap(f, best) > 0.3f)];
            left.RemoveAll(group.Contains);
            float sum = group.Sum(f => f.Score);
            float Mean(Func<Face, float> part) => group.Sum(f => f.Score * part(f)) / sum;
            faces.Add(new Face(best.Score, Mean(f => f.Left), Mean(f => f.Top), Mean(f => f.Right), Mean(f => f.Bottom),
                [.. Enumerable.Range(0, best.Points.Length).Select(p => (Mean(f => f.Points[p].X), Mean(f => f.Points[p].Y)))]));
        }
        return faces;
    }

    /// <summary>Intersection over union.</summary>
    internal static float Overlap(Face a, Face b)
    {
        float width = MathF.Min(a.Right, b.Right) - MathF.Max(a.Left, b.Left), height = MathF.Min(a.Bottom, b.Bottom) - MathF.Max(a.Top, b.Top);
        if (width <= 0 || height <= 0) return 0;
        float both = width * height;
        return both / ((a.Right - a.Left) * (a.Bottom - a.Top) + (b.Right - b.Left) * (b.Bottom - b.Top) - both);
    }

    private static Face ToPicture(Face face, Placement placement)
    {
        float X(float x) => (float)((x - placement.Left) / placement.Scale);
        float Y(float y) => (float)((y - placement.Top) / placement.Scale);
        return new Face(face.Score, X(face.Left), Y(face.Top), X(face.Right), Y(face.Bottom), [.. face.Points.Select(p => (X(p.X), Y(p.Y)))]);
    }

    private static EdgeLiteException Unsuitable(string why) => new(Status.Unsupported, $"The model is no BlazeFace network: {why}.");
}
