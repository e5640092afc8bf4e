using EdgeLite.Converter;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>The operators of Detectron's networks against loops over boxes, as its Python code describes them.</summary>
public class Caffe2DetectionTests
{
    private const int A = 3, H = 4, W = 5;
    private static readonly float[] s_anchors = [-22, -10, 37, 25, -8, -8, 23, 23, -3, -20, 18, 35];

    private static Tensor Noise(int seed, double from, double to, params long[] dims)
    {
        var random = new Random(seed);
        var x = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < x.Count; i++) x.SetDouble(i, from + random.NextDouble() * (to - from));
        return x;
    }

    private static Tensor[] Run(string ops, params (string Name, Tensor Value)[] inputs) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "predict_net.pbtxt"), ops);
        File.WriteAllText(Path.Combine(folder, "init_net.pbtxt"), "name: 'init' op { output: 'nothing' type: 'ConstantFill' arg { name: 'shape' ints: 1 } }");
        Graph graph = Pipeline.Import(folder, new ConversionOptions { Shapes = inputs.ToDictionary(i => i.Name, i => i.Value.Shape) }).Graph;
        return ImportedRun.Run(graph, [.. graph.Inputs.Select(g => inputs.First(i => i.Name == g.Name).Value)]);
    });

    private static string Op(string type, string inputs, string outputs, string arguments) =>
        $"name: 'net' op {{ type: '{type}' {string.Concat(inputs.Split(' ').Select(i => $"input: '{i}' "))}{string.Concat(outputs.Split(' ').Select(o => $"output: '{o}' "))}{arguments} }} {string.Concat(inputs.Split(' ').Select(i => $"external_input: '{i}' "))}{string.Concat(outputs.Split(' ').Select(o => $"external_output: '{o}' "))}";

    private static string Arg(string name, double f) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"arg {{ name: '{name}' f: {f} }} ");

    private static string Int(string name, long i) => $"arg {{ name: '{name}' i: {i} }} ";

    private static double[] Moved(double[] box, double[] delta, double height, double width, double edge)
    {
        double w = box[2] - box[0] + edge, h = box[3] - box[1] + edge, x = box[0] + w / 2 + delta[0] * w, y = box[1] + h / 2 + delta[1] * h, limit = Math.Log(1000.0 / 16);
        double nw = w * Math.Exp(Math.Min(delta[2], limit)), nh = h * Math.Exp(Math.Min(delta[3], limit));
        return [Math.Clamp(x - nw / 2, 0, width - edge), Math.Clamp(y - nh / 2, 0, height - edge), Math.Clamp(x + nw / 2 - edge, 0, width - edge), Math.Clamp(y + nh / 2 - edge, 0, height - edge)];
    }

    private static double Overlap(double[] a, double[] b, double edge)
    {
        double Area(double[] x) => (x[2] - x[0] + edge) * (x[3] - x[1] + edge);
        double common = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]) + edge) * Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]) + edge);
        return common / (Area(a) + Area(b) - common);
    }

    /// <summary>Those that overlap no better one by more than the threshold, best first.</summary>
    private static List<(double[] Box, double Score, int Row)> Suppressed(IEnumerable<(double[] Box, double Score, int Row)> boxes, double threshold, double edge)
    {
        var kept = new List<(double[] Box, double Score, int Row)>();
        foreach (var b in boxes.OrderByDescending(b => b.Score))
            if (kept.All(k => Overlap(k.Box, b.Box, edge) <= threshold)) kept.Add(b);
        return kept;
    }

    private static void Rows(IReadOnlyList<double[]> expected, Tensor got)
    {
        Assert.Equal(new Shape(expected.Count, expected[0].Length), got.Shape);
        for (int r = 0; r < expected.Count; r++)
            for (int k = 0; k < expected[r].Length; k++) Assert.InRange(got.GetDouble(r * expected[r].Length + k) - expected[r][k], -2e-4, 2e-4);
    }

    [Theory]
    [InlineData(1, 40, 12)]
    [InlineData(0, 1000, 300)]
    public void Regions_are_proposed(int edge, int before, int after)
    {
        Tensor scores = Noise(1, 0, 1, 1, A, H, W), deltas = Noise(2, -0.7, 0.7, 1, 4 * A, H, W), picture = Tensor.FromArray<float>([60, 70, 1.5f], new Shape(1, 3)), anchors = Tensor.FromArray<float>(s_anchors, new Shape(A, 4));
        deltas.SetDouble(2 * H * W, 9); // larger than any box may become
        Tensor[] y = Run(Op("GenerateProposals", "s d i a", "rois probs", Arg("spatial_scale", 1 / 16.0) + Int("pre_nms_topN", before) + Int("post_nms_topN", after) + Arg("nms_thresh", 0.5) + Arg("min_size", 6) + Int("legacy_plus_one", edge)),
            ("s", scores), ("d", deltas), ("i", picture), ("a", anchors));
        var all = new List<(double[] Box, double Score, int Row)>();
        for (int h = 0; h < H; h++)
            for (int w = 0; w < W; w++)
                for (int a = 0; a < A; a++)
                {
                    double[] anchor = [.. Enumerable.Range(0, 4).Select(k => s_anchors[a * 4 + k] + 16.0 * (k % 2 == 0 ? w : h))];
                    all.Add((Moved(anchor, [.. Enumerable.Range(0, 4).Select(k => deltas.GetDouble((a * 4 + k) * H * W + h * W + w))], 60, 70, edge), scores.GetDouble((a * H + h) * W + w), 0));
                }
        var few = all.OrderByDescending(b => b.Score).Take(before).Where(b => b.Box is var x && x[2] - x[0] + edge >= 9 && x[3] - x[1] + edge >= 9 && x[0] + (x[2] - x[0] + edge) / 2 < 70 && x[1] + (x[3] - x[1] + edge) / 2 < 60);
        var expected = Suppressed(few, 0.5, edge).Take(after).ToList();
        Assert.InRange(expected.Count, 8, 40);
        Rows([.. expected.Select(e => new[] { 0, e.Box[0], e.Box[1], e.Box[2], e.Box[3] })], y[0]);
        for (int r = 0; r < expected.Count; r++) Assert.Equal(expected[r].Score, y[1].GetDouble(r), 5);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0)]
    public void Boxes_are_moved_for_each_class(int scaled)
    {
        Tensor regions = Tensor.FromArray<float>([0, 2, 4, 30, 50, 0, 10, 20, 44, 33], new Shape(2, 5)), deltas = Noise(3, -3, 3, 2, 12), picture = Tensor.FromArray<float>([61, 71, 2], new Shape(1, 3));
        Tensor[] y = Run(Op("BBoxTransform", "r d i", "b n", "arg { name: 'weights' floats: 10 floats: 10 floats: 5 floats: 5 } " + Int("apply_scale", scaled) + Int("correct_transform_coords", 1)), ("r", regions), ("d", deltas), ("i", picture));
        double[] weights = [10, 10, 5, 5];
        Rows([.. Enumerable.Range(0, 2).Select(r => Enumerable.Range(0, 3).SelectMany(c => Moved([.. Enumerable.Range(0, 4).Select(k => regions.GetDouble(r * 5 + 1 + k) / 2)],
            [.. Enumerable.Range(0, 4).Select(k => deltas.GetDouble(r * 12 + c * 4 + k) / weights[k])], 31, 36, 1).Select(v => v * (scaled == 1 ? 2 : 1))).ToArray())], y[0]);
        Assert.Equal([2f], y[1].ToArray<float>());
    }

    [Theory]
    [InlineData(1, 6)]
    [InlineData(1, 0)]
    [InlineData(0, 5)]
    public void The_best_boxes_of_all_classes_are_kept(int background, int most)
    {
        const int R = 12, Classes = 4;
        Tensor scores = Noise(4, 0, 1, R, Classes), corners = Noise(5, 0, 30, R, 4 * (Classes - 1 + background));
        var boxes = corners.Clone();
        for (long i = 0; i < boxes.Count; i += 4) (boxes.Span<float>()[(int)i + 2], boxes.Span<float>()[(int)i + 3]) = ((float)corners.GetDouble(i) + 20, (float)corners.GetDouble(i + 1) + 15);
        Tensor[] y = Run(Op("BoxWithNMSLimit", "s b", "scores boxes classes splits keeps", Arg("score_thresh", 0.3) + Arg("nms", 0.4) + Int("detections_per_im", most) + Int("input_boxes_include_bg_cls", background) + Int("output_classes_include_bg_cls", background)), ("s", scores), ("b", boxes));
        var expected = new List<(double[] Box, double Score, int Row, int Class)>();
        for (int c = 1; c < Classes; c++)
            expected.AddRange(Suppressed(Enumerable.Range(0, R).Select(r => (Enumerable.Range(0, 4).Select(k => boxes.GetDouble(r * boxes.Shape[1] + (c - 1 + background) * 4 + k)).ToArray(), scores.GetDouble(r * Classes + c - 1 + background), r)).Where(b => b.Item2 > 0.3), 0.4, 1)
                .Select(b => (b.Box, b.Score, b.Row, c - 1 + background)));
        Assert.True(expected.Count > 6);
        if (most > 0) expected = [.. expected.OrderByDescending(e => e.Score).Take(most).OrderBy(e => e.Class).ThenByDescending(e => e.Score)];
        Assert.Equal(expected.Select(e => (float)e.Score), y[0].ToArray<float>());
        Rows([.. expected.Select(e => e.Box)], y[1]);
        Assert.Equal(expected.Select(e => (float)e.Class), y[2].ToArray<float>());
        Assert.Equal([(float)expected.Count], y[3].ToArray<float>());
        Assert.Equal(expected.Select(e => e.Row), y[4].ToArray<int>());
    }

    /// <summary>Two levels in, three levels out; the last output brings what the levels make of their regions into the order of all regions.</summary>
    [Fact]
    public void Regions_go_to_the_level_of_their_size()
    {
        Tensor a = Tensor.FromArray<float>([0, 0, 0, 30, 30, 0, 5, 5, 400, 300, 0, 1, 1, 100, 120], new Shape(3, 5)), b = Tensor.FromArray<float>([0, 0, 0, 223, 223, 0, 9, 9, 20, 20], new Shape(2, 5));
        Tensor[] y = Run(Op("CollectAndDistributeFpnRpnProposals", "a b sa sb", "rois r2 r3 r4 back",
            Int("rpn_min_level", 2) + Int("rpn_max_level", 3) + Int("roi_min_level", 2) + Int("roi_max_level", 4) + Int("rpn_post_nms_topN", 4)),
            ("a", a), ("b", b), ("sa", Tensor.FromArray<float>([0.4f, 0.9f, 0.5f], new Shape(3))), ("sb", Tensor.FromArray<float>([0.8f, 0.1f], new Shape(2))));
        // By score: a1 (396 x 296: level 4), b0 (224 x 224: level 4, as 1e-6 is added), a2 (100 x 120: level 2), a0 (31 x 31: level 2)
        double[][] Of(params (Tensor From, int Row)[] rows) => [.. rows.Select(r => Enumerable.Range(0, 5).Select(k => r.From.GetDouble(r.Row * 5 + k)).ToArray())];
        Rows(Of((a, 1), (b, 0), (a, 2), (a, 0)), y[0]);
        Rows(Of((a, 2), (a, 0)), y[1]);
        Assert.Equal(new Shape(0, 5), y[2].Shape);
        Rows(Of((a, 1), (b, 0)), y[3]);
        Assert.Equal([2, 3, 0, 1], y[4].ToArray<int>());
    }

    [Fact]
    public void Settings_without_a_conversion_are_refused()
    {
        Tensor scores = Noise(4, 0, 1, 3, 2), boxes = Noise(5, 0, 9, 3, 8);
        Assert.Contains("soft_nms", Assert.Throws<EdgeLiteException>(() => Run(Op("BoxWithNMSLimit", "s b", "x y z", Int("soft_nms_enabled", 1)), ("s", scores), ("b", boxes))).Message, StringComparison.Ordinal);
        Assert.Contains("rotated", Assert.Throws<EdgeLiteException>(() => Run(Op("BoxWithNMSLimit", "s b", "x y z", Int("rotated", 1)), ("s", scores), ("b", boxes))).Message, StringComparison.Ordinal);
    }
}
