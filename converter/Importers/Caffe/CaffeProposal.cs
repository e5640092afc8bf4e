using System.Globalization;
using System.Text.RegularExpressions;
using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>
/// The layer of py-faster-rcnn that proposes regions (lib/rpn/proposal_layer.py, generate_anchors.py; fast_rcnn/bbox_transform.py), and its form in C++
/// (proposal_layer.cpp of PVANet and OpenVINO).
/// </summary>
internal static partial class CaffeProposal
{
    /// <summary>What it does: of the best boxes (as many as Before) those that overlap a better one by less than Overlap, at most After, none below
    /// LeastSize pixels. The defaults are those of py-faster-rcnn's configuration for tests.</summary>
    private sealed record Settings(double Stride, double[] Scales)
    {
        public double[] Ratios { get; init; } = [0.5, 1, 2];
        public double BaseSize { get; init; } = 16;
        public double LeastSize { get; init; } = 16;
        public long Before { get; init; } = 6000;
        public long After { get; init; } = 300;
        public double Overlap { get; init; } = 0.7;
    }

    /// <summary>(scores [1, 2 A, H, W], deltas [1, 4 A, H, W], [height, width, scale] of the picture) -> regions [R, 5] (0, left, top, right,
    /// bottom), and their scores.</summary>
    [Caffe("Python: ProposalLayer", Notes = "of py-faster-rcnn, with its settings for tests (6000 boxes, 300 regions, overlap 0.7, 16 pixels); the size of the map must be known", Limits = "settings other than feat_stride and scales")]
    private static void PythonProposal(CaffeLayer l) => Proposal(l, OfPython(l));

    [Caffe("Proposal", Notes = "the same in C++; the size of the map must be known")]
    private static void NativeProposal(CaffeLayer l)
    {
        ProposalParameter p = l.Parameter.ProposalParam ?? new ProposalParameter();
        var settings = new Settings(p.FeatStride, p.Scale.Count == 0 ? [8, 16, 32] : [.. p.Scale]) { BaseSize = p.BaseSize, LeastSize = p.MinSize, Before = p.PreNmsTopn, After = p.PostNmsTopn, Overlap = p.NmsThresh };
        if (p.Ratio.Count > 0) settings = settings with { Ratios = [.. p.Ratio] };
        double[] sizes = [settings.Stride, settings.BaseSize, settings.Before, settings.After, .. settings.Scales, .. settings.Ratios];
        if (sizes.Any(v => !(v > 0) || v > 1 << 20)) throw l.Damaged("proposal_param has a number that is not above 0");
        Proposal(l, settings);
    }

    private static void Proposal(CaffeLayer l, Settings s)
    {
        Shape map = l.Bottom().Shape;
        if (map is not { IsRanked: true, Rank: 4 } || map[2] <= 0 || map[3] <= 0) throw l.InputError($"the scores have the shape {map}, whose height and width must be known");
        double[][] anchors = [.. Anchors(s)];
        long n = checked(map[2] * map[3] * anchors.Length);
        if (n > 1 << 22) throw l.InputError($"{n} boxes are too many");
        if (map[1] != 2 * anchors.Length) throw l.InputError($"the scores have {map[1]} channels, expected {2 * anchors.Length} for {anchors.Length} anchors");

        Value scores = l.Reshape(l.Transpose(l.Emit("Slice", [l.Bottom(), l.Ints(anchors.Length), l.Ints(2 * anchors.Length), l.Ints(1)]), 0, 2, 3, 1), n);
        Value[] deltas = l.EmitMany("Split", 4, [l.Reshape(l.Transpose(l.Bottom(1), 0, 2, 3, 1), n, 4)], ("axis", 1), ("num_outputs", 4));
        Value[] picture = l.EmitMany("Split", 3, [l.Reshape(l.Bottom(2), 3)], ("axis", 0), ("num_outputs", 3));
        Value least = l.Emit("Mul", [picture[2], l.Scalar(s.LeastSize)]);
        (Value left, Value right, Value wide) = Edges(0, picture[1]);
        (Value top, Value bottom, Value high) = Edges(1, picture[0]);

        // Scores are not below 0; boxes that are too small get one that is.
        Value counts = l.Reshape(l.Emit("And", [wide, high]), n);
        Value[] best = l.EmitMany("TopK", 2, [l.Emit("Where", [counts, scores, l.Scalar(-1)]), l.Ints(Math.Min(s.Before, n))], ("axis", 0));
        Value boxes = l.Emit("Gather", [l.Emit("Concat", [left, top, right, bottom], ("axis", 1)), best[1]], ("axis", 0));
        // A box holds the pixels of both edges.
        Value areas = l.Emit("Add", [boxes, l.Constant("edge", Tensor.FromArray<float>([0, 0, 1, 1], new Shape(4)))]);
        Value chosen = l.Emit("NonMaxSuppression", [l.Emit("Unsqueeze", [areas, l.Ints(0)]), l.Reshape(best[0], 1, 1, -1), l.Ints(s.After), l.Constant("overlap", Tensor.FromArray<float>([(float)s.Overlap], new Shape(1))), l.Constant("least", Tensor.FromArray<float>([-0.5f], new Shape(1)))]);
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
                double shift = s.Stride * (axis == 0 ? place % map[3] : place / map[3]), whole = a[axis + 2] - a[axis] + 1;
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

    /// <summary>Boxes (left, top, right, bottom) around the first place: for each ratio of height to width a base of the size of a square, in every scale.</summary>
    private static IEnumerable<double[]> Anchors(Settings s)
    {
        double middle = 0.5 * (s.BaseSize - 1);
        foreach (double ratio in s.Ratios)
        {
            double width = Math.Round(Math.Sqrt(s.BaseSize * s.BaseSize / ratio)), height = Math.Round(width * ratio);
            foreach (double scale in s.Scales)
            {
                double x = 0.5 * (width * scale - 1), y = 0.5 * (height * scale - 1);
                yield return [middle - x, middle - y, middle + x, middle + y];
            }
        }
    }

    private static Settings OfPython(CaffeLayer l)
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
        return stride > 0 ? new(stride, scales) : throw l.Damaged($"param_str '{text}' does not give feat_stride");
    }

    /// <summary>'feat_stride': 16 and 'scales': [8, 16, 32], in Python's or YAML's form.</summary>
    [GeneratedRegex("""['"]?(\w+)['"]?\s*:\s*([\[(][\d., ]*[\])]|[\d.]+)""")]
    private static partial Regex Setting();
}
