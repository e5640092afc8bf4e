using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Region proposals of py-faster-rcnn against its algorithm in plain loops.</summary>
public class CaffeProposalTests
{
    private const int Height = 3, Width = 4, Stride = 16;

    /// <summary>What generate_anchors.py documents for its defaults.</summary>
    private static readonly double[][] s_anchors =
    [
        [-84, -40, 99, 55], [-176, -88, 191, 103], [-360, -184, 375, 199], [-56, -56, 71, 71], [-120, -120, 135, 135], [-248, -248, 263, 263], [-36, -80, 51, 95], [-80, -168, 95, 183], [-168, -344, 183, 359],
    ];

    private static string Net(string parameters) => Layer($"type: 'Python' python_param {{ module: 'rpn.proposal_layer' layer: 'ProposalLayer' param_str: \"{parameters}\" }}");

    private static string Layer(string type) => $$"""
        layer { name: 's' type: 'Input' top: 's' input_param { shape { dim: 1 dim: 18 dim: {{Height}} dim: {{Width}} } } }
        layer { name: 'd' type: 'Input' top: 'd' input_param { shape { dim: 1 dim: 36 dim: {{Height}} dim: {{Width}} } } }
        layer { name: 'i' type: 'Input' top: 'i' input_param { shape { dim: 1 dim: 3 } } }
        layer { name: 'p' bottom: 's' bottom: 'd' bottom: 'i' top: 'rois' top: 'scores' {{type}} }
        """;

    private static Tensor[] Run(string parameters, params Tensor[] inputs) => RunNet(Net(parameters), inputs);

    private static Tensor[] RunNet(string net, Tensor[] inputs) => TemporaryFolder.Use(folder =>
    {
        File.WriteAllText(Path.Combine(folder, "net.prototxt"), net);
        File.WriteAllBytes(Path.Combine(folder, "net.caffemodel"), new NetParameter { Name = "net", Layer = { new LayerParameter { Name = "p", Type = "Python" } } }.ToByteArray());
        Graph graph = Pipeline.Import(folder, new ConversionOptions { Shapes = inputs.Select((x, k) => (x, k)).ToDictionary(p => ((string[])["s", "d", "i"])[p.k], p => p.x.Shape) }).Graph;
        return ImportedRun.Run(graph, inputs);
    });

    [Theory]
    [InlineData("'feat_stride': 16")]
    [InlineData("{'feat_stride': 16, 'scales': [8, 16, 32]}")]
    public void Regions_are_those_of_the_algorithm(string parameters)
    {
        var random = new Random(5);
        Tensor scores = Random(random, 0, 1, 1, 18, Height, Width), deltas = Random(random, -0.6, 0.6, 1, 36, Height, Width), picture = Tensor.FromArray<float>([480, 640, 1], new Shape(1, 3));
        Compare(Expected(scores, deltas, picture), Run(parameters, scores, deltas, picture));
    }

    /// <summary>With the numbers that py-faster-rcnn has, and with others.</summary>
    [Theory]
    [InlineData("", 6000, 300, 0.7, 16)]
    [InlineData("proposal_param { feat_stride: 16 base_size: 16 min_size: 60 ratio: 0.5 ratio: 1 ratio: 2 scale: 8 scale: 16 scale: 32 pre_nms_topn: 50 post_nms_topn: 14 nms_thresh: 0.6 }", 50, 14, 0.6, 60)]
    public void The_layer_in_CPlusPlus_says_its_settings(string parameters, int before, int after, double overlap, double least)
    {
        var random = new Random(6);
        Tensor scores = Random(random, 0, 1, 1, 18, Height, Width), deltas = Random(random, -0.6, 0.6, 1, 36, Height, Width), picture = Tensor.FromArray<float>([480, 640, 1], new Shape(1, 3));
        Compare(Expected(scores, deltas, picture, before, after, overlap, least), RunNet(Layer($"type: 'Proposal' {parameters}"), [scores, deltas, picture]));
    }

    private static void Compare(List<(double[] Box, double Score)> expected, Tensor[] y)
    {
        Assert.Equal(new Shape(expected.Count, 5), y[0].Shape);
        Assert.InRange(expected.Count, 10, 100);
        for (int r = 0; r < expected.Count; r++)
        {
            Assert.Equal(0, y[0].GetDouble(r * 5));
            for (int k = 0; k < 4; k++) Assert.InRange(y[0].GetDouble(r * 5 + 1 + k) - expected[r].Box[k], -1e-3, 1e-3);
            Assert.Equal(expected[r].Score, y[1].GetDouble(r), 5);
        }
    }

    private static Tensor Random(Random random, double from, double to, params long[] dims)
    {
        var x = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < x.Count; i++) x.SetDouble(i, from + random.NextDouble() * (to - from));
        return x;
    }

    private static List<(double[] Box, double Score)> Expected(Tensor scores, Tensor deltas, Tensor picture, int before = 6000, int after = 300, double overlap = 0.7, double least = 16)
    {
        const int places = Height * Width;
        double h = picture.GetDouble(0), w = picture.GetDouble(1);
        least *= picture.GetDouble(2);
        var all = new List<(double[] Box, double Score)>();
        for (int p = 0; p < places; p++)
            for (int a = 0; a < 9; a++)
            {
                double Delta(int k) => deltas.GetDouble((a * 4 + k) * places + p);
                double dx = p % Width * Stride, dy = p / Width * Stride, aw = s_anchors[a][2] - s_anchors[a][0] + 1, ah = s_anchors[a][3] - s_anchors[a][1] + 1;
                double cx = s_anchors[a][0] + dx + aw / 2 + Delta(0) * aw, cy = s_anchors[a][1] + dy + ah / 2 + Delta(1) * ah, pw = Math.Exp(Delta(2)) * aw, ph = Math.Exp(Delta(3)) * ah;
                double[] box = [Math.Clamp(cx - pw / 2, 0, w - 1), Math.Clamp(cy - ph / 2, 0, h - 1), Math.Clamp(cx + pw / 2, 0, w - 1), Math.Clamp(cy + ph / 2, 0, h - 1)];
                if (box[2] - box[0] + 1 >= least && box[3] - box[1] + 1 >= least) all.Add((box, scores.GetDouble((9 + a) * places + p)));
            }
        var kept = new List<(double[] Box, double Score)>();
        foreach (var candidate in all.OrderByDescending(c => c.Score).Take(before))
            if (kept.Count < after && kept.All(k => Overlap(k.Box, candidate.Box) <= overlap)) kept.Add(candidate);
        return kept;
    }

    private static double Overlap(double[] a, double[] b)
    {
        double Area(double[] x) => (x[2] - x[0] + 1) * (x[3] - x[1] + 1);
        double w = Math.Max(0, Math.Min(a[2], b[2]) - Math.Max(a[0], b[0]) + 1), h = Math.Max(0, Math.Min(a[3], b[3]) - Math.Max(a[1], b[1]) + 1);
        return w * h / (Area(a) + Area(b) - w * h);
    }

    [Theory]
    [InlineData("'feat_stride': 16, 'ratios': [1, 2]", "setting 'ratios'")]
    [InlineData("", "does not give feat_stride")]
    public void Other_settings_are_refused(string parameters, string words) => Assert.Contains(words, Assert.Throws<EdgeLiteException>(() => Run(parameters,
        new Tensor(DType.Float32, new Shape(1, 18, Height, Width)), new Tensor(DType.Float32, new Shape(1, 36, Height, Width)), new Tensor(DType.Float32, new Shape(1, 3)))).Message, StringComparison.Ordinal);
}
