using System.Globalization;
using System.Text.RegularExpressions;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>
/// The layer of py-faster-rcnn that proposes regions (lib/rpn/proposal_layer.py, generate_anchors.py; fast_rcnn/bbox_transform.py), with what its
/// configuration says for tests: of the 6000 best boxes those that overlap a better one by less than 0.7, at most 300, none below 16 pixels.
/// </summary>
internal static partial class CaffeProposal
{
    private const long Before = 6000, After = 300;
    private const double Overlap = 0.7, LeastSize = 16;
    private const int BaseSize = 16;
    private static readonly double[] s_ratios = [0.5, 1, 2];

    /// <summary>(scores [1, 2 A, H, W], deltas [1, 4 A, H, W], [height, width, scale] of the picture) -> regions [R, 5] (0, left, top, right,
    /// bottom), and their scores.</summary>
    [Caffe("Python: ProposalLayer", Notes = "of py-faster-rcnn, with its settings for tests (6000 boxes, 300 regions, overlap 0.7, 16 pixels); the size of the map must be known", Limits = "settings other than feat_stride and scales")]
    private static void Proposal(CaffeLayer l)
    {
        (double stride, double[] scales) = Settings(l);
        Shape map = l.Bottom().Shape;
        if (map is not { IsRanked: true, Rank: 4 } || map[2] <= 0 || map[3] <= 0) throw l.InputError($"the scores have the shape {map}, whose height and width must be known");
        double[][] anchors = [.. Anchors(scales)];
        long n = checked(map[2] * map[3] * anchors.Length);
        if (n > 1 << 22) throw l.InputError($"{n} boxes are too many");
        if (map[1] != 2 * anchors.Length) throw l.InputError($"the scores have {map[1]} channels, expected {2 * anchors.Length} for {anchors.Length} anchors");

        Value scores = l.Reshape(l.Transpose(l.Emit("Slice", [l.Bottom(), l.Ints(anchors.Length), l.Ints(2 * anchors.Length), l.Ints(1)]), 0, 2, 3, 1), n);
        Value[] deltas = l.EmitMany("Split", 4, [l.Reshape(l.Transpose(l.Bottom(1), 0, 2, 3, 1), n, 4)], ("axis", 1), ("num_outputs", 4));
        Value[] picture = l.EmitMany("Split", 3, [l.Reshape(l.Bottom(2), 3)], ("axis", 0), ("num_outputs", 3));
        Value least = l.Emit("Mul", [picture[2], l.Scalar(LeastSize)]);
        (Value left, Value right, Value wide) = Edges(0, picture[1]);
        (Value top, Value bottom, Value high) = Edges(1, picture[0]);

        // Scores are not below 0; boxes that are too small get one that is.
        Value counts = l.Reshape(l.Emit("And", [wide, high]), n);
        Value[] best = l.EmitMany("TopK", 2, [l.Emit("Where", [counts, scores, l.Scalar(-1)]), l.Ints(Math.Min(Before, n))], ("axis", 0));
        Value boxes = l.Emit("Gather", [l.Emit("Concat", [left, top, right, bottom], ("axis", 1)), best[1]], ("axis", 0));
        // A box holds the pixels of both edges.
        Value areas = l.Emit("Add", [boxes, l.Constant("edge", Tensor.FromArray<float>([0, 0, 1, 1], new Shape(4)))]);
        Value chosen = l.Emit("NonMaxSuppression", [l.Emit("Unsqueeze", [areas, l.Ints(0)]), l.Reshape(best[0], 1, 1, -1), l.Ints(After), l.Constant("overlap", Tensor.FromArray<float>([(float)Overlap], new Shape(1))), l.Constant("least", Tensor.FromArray<float>([-0.5f], new Shape(1)))]);
        Value at = l.Emit("Gather", [chosen, l.Constant("box", Tensor.FromScalar(2L))], ("axis", 1));
        l.SetTop(0, l.Emit("Pad", [l.Emit("Gather", [boxes, at], ("axis", 0)), l.Ints(0, 1, 0, 0)]));
        l.SetTop(1, l.Reshape(l.Emit("Gather", [best[0], at], ("axis", 0)), -1, 1));

        // Both edges of all boxes along an axis (0: x), inside the picture, and whether they are far enough from each other: [n, 1] each.
        (Value From, Value To, Value IsLarge) Edges(int axis, Value size)
        {
            Tensor length = new(DType.Float32, new Shape(n, 1)), centre = new(DType.Float32, new Shape(n, 1));
            for (long i = 0; i < n; i++)
            {
                long place = i / anchors.Length;
                double[] a = anchors[i % anchors.Length];
                double shift = stride * (axis == 0 ? place % map[3] : place / map[3]), whole = a[axis + 2] - a[axis] + 1;
                length.SetDouble(i, whole);
                centre.SetDouble(i, a[axis] + shift + 0.5 * whole);
            }
            Value lengths = l.Constant($"length{axis}", length);
            Value middle = l.Emit("Add", [l.Emit("Mul", [deltas[axis], lengths]), l.Constant($"centre{axis}", centre)]);
            Value half = l.Emit("Mul", [l.Emit("Mul", [l.Emit("Exp", [deltas[axis + 2]]), lengths]), l.Scalar(0.5)]), last = l.Emit("Sub", [size, l.Scalar(1)]);
            Value from = Inside(l.Emit("Sub", [middle, half])), to = Inside(l.Emit("Add", [middle, half]));
            return (from, to, l.Emit("GreaterOrEqual", [l.Emit("Add", [l.Emit("Sub", [to, from]), l.Scalar(1)]), least]));

            Value Inside(Value edge) => l.Emit("Max", [l.Emit("Min", [edge, last]), l.Scalar(0)]);
        }
    }

    /// <summary>Boxes (left, top, right, bottom) around the first place: for each ratio of height to width a base of about 16 x 16 pixels, in every scale.</summary>
    private static IEnumerable<double[]> Anchors(double[] scales)
    {
        const double middle = 0.5 * (BaseSize - 1);
        foreach (double ratio in s_ratios)
        {
            double width = Math.Round(Math.Sqrt(BaseSize * BaseSize / ratio)), height = Math.Round(width * ratio);
            foreach (double scale in scales)
            {
                double x = 0.5 * (width * scale - 1), y = 0.5 * (height * scale - 1);
                yield return [middle - x, middle - y, middle + x, middle + y];
            }
        }
    }

    private static (double Stride, double[] Scales) Settings(CaffeLayer l)
    {
        string text = l.Parameter.PythonParam?.ParamStr ?? "";
        double stride = 0;
        double[] scales = [8, 16, 32];
        foreach (Match m in Setting().Matches(text))
        {
            double[] values = [.. m.Groups[2].Value.Split([',', ' ', '[', ']', '(', ')'], StringSplitOptions.RemoveEmptyEntries).Select(v => double.Parse(v, CultureInfo.InvariantCulture))];
            if (values.Length == 0 || values.Min() <= 0 || values.Max() > 1 << 16) throw l.Damaged($"param_str '{text}' gives no sensible {m.Groups[1].Value}");
            if (m.Groups[1].Value == "feat_stride") stride = values[0];
            else if (m.Groups[1].Value == "scales") scales = values;
            else throw l.Error($"setting '{m.Groups[1].Value}' of param_str has no conversion");
        }
        return stride > 0 ? (stride, scales) : throw l.Damaged($"param_str '{text}' does not give feat_stride");
    }

    /// <summary>'feat_stride': 16 and 'scales': [8, 16, 32], in Python's or YAML's form.</summary>
    [GeneratedRegex("""['"]?(\w+)['"]?\s*:\s*([\[(][\d., ]*[\])]|[\d.]+)""")]
    private static partial Regex Setting();
}
