using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>The layers of SSD (prior_box_layer.cpp, detection_output_layer.cpp and bbox_util.cpp of its Caffe).</summary>
internal static class CaffeDetection
{
    /// <summary>[1, 2, boxes * 4]: the boxes of every place of the map, as parts of the picture, then their variances.</summary>
    [Caffe("PriorBox", Notes = "sizes of map and picture must be known")]
    private static void PriorBox(CaffeLayer l)
    {
        PriorBoxParameter p = l.Parameter.PriorBoxParam ?? throw l.Damaged("prior_box_param is missing");
        Shape map = l.Bottom().Shape, picture = l.Bottom(1).Shape;
        if (map is not { IsRanked: true, Rank: 4 } || picture is not { IsRanked: true, Rank: 4 } || map[2] < 0 || map[3] < 0) throw l.InputError("the size of the map must be known");
        double height = p.HasImgH ? p.ImgH : p.HasImgSize ? p.ImgSize : picture[2], width = p.HasImgW ? p.ImgW : p.HasImgSize ? p.ImgSize : picture[3];
        double stepH = p.HasStepH ? p.StepH : p.HasStep ? p.Step : height / map[2], stepW = p.HasStepW ? p.StepW : p.HasStep ? p.Step : width / map[3];
        if (!(height > 0 && width > 0)) throw l.InputError("the size of the picture must be known");
        if (p.MinSize.Count == 0 || p.MaxSize.Count > 0 && p.MaxSize.Count != p.MinSize.Count) throw l.Error($"{p.MinSize.Count} least and {p.MaxSize.Count} largest sizes");
        var ratios = new List<double> { 1 };
        foreach (float ratio in p.AspectRatio)
        {
            if (ratios.Any(r => Math.Abs(r - ratio) < 1e-6)) continue;
            ratios.Add(ratio);
            if (p.Flip) ratios.Add(1 / ratio);
        }
        var sizes = new List<(double W, double H)>();
        for (int s = 0; s < p.MinSize.Count; s++)
        {
            double least = p.MinSize[s];
            sizes.Add((least, least));
            if (p.MaxSize.Count > 0) sizes.Add((Math.Sqrt(least * p.MaxSize[s]), Math.Sqrt(least * p.MaxSize[s])));
            sizes.AddRange(ratios.Skip(1).Select(r => (least * Math.Sqrt(r), least / Math.Sqrt(r))));
        }
        long count = checked(map[2] * map[3] * sizes.Count);
        if (count > 1 << 24) throw l.InputError($"{count} boxes are too many");
        var boxes = new Tensor(DType.Float32, new Shape(1, 2, count * 4));
        long at = 0;
        for (long y = 0; y < map[2]; y++)
            for (long x = 0; x < map[3]; x++)
                foreach ((double w, double h) in sizes)
                {
                    double cx = (x + p.Offset) * stepW, cy = (y + p.Offset) * stepH;
                    foreach (double edge in (double[])[(cx - w / 2) / width, (cy - h / 2) / height, (cx + w / 2) / width, (cy + h / 2) / height])
                    {
                        boxes.SetDouble(at, p.Clip ? Math.Clamp(edge, 0, 1) : edge);
                        boxes.SetDouble(count * 4 + at, p.Variance.Count == 0 ? 0.1 : p.Variance[p.Variance.Count == 1 ? 0 : (int)(at % 4)]);
                        at++;
                    }
                }
        l.SetTop(0, l.Constant("boxes", boxes));
    }

    /// <summary>(offsets [1, boxes * 4], scores [1, boxes * classes], priors) -> [1, 1, n, 7]: picture, class, score, box; by class, then score.</summary>
    [Caffe("DetectionOutput", Notes = "one picture; nothing found is no row, where Caffe gives one of -1", Limits = "share_location false, nms_param.eta other than 1, a background other than class 0 or -1")]
    private static void DetectionOutput(CaffeLayer l)
    {
        DetectionOutputParameter p = l.Parameter.DetectionOutputParam ?? throw l.Damaged("detection_output_param is missing");
        NonMaximumSuppressionParameter nms = p.NmsParam ?? new NonMaximumSuppressionParameter();
        if (!p.ShareLocation || nms.Eta != 1 || p.BackgroundLabelId > 0) throw l.Error("share_location false, eta other than 1 and a background other than class 0 are not supported");
        Value priors = l.Reshape(l.Bottom(2), 2, -1, 4);
        long classes = p.NumClasses, first = p.BackgroundLabelId == 0 ? 1 : 0, count = l.Bottom(2).Shape is { IsKnown: true } known ? known.Count / 8 : -1;
        Value Part(Value x, long axis, long from, long to) => l.Emit("Slice", [x, l.Ints(from), l.Ints(to), l.Ints(axis)]);
        Value boxes = Decode(l, p, Part, l.Reshape(l.Bottom(), -1, 4), l.Reshape(Part(priors, 0, 0, 1), -1, 4), l.Reshape(Part(priors, 0, 1, 2), -1, 4));

        Value scores = Part(l.Transpose(l.Reshape(l.Bottom(1), 1, -1, classes), 0, 2, 1), 1, first, classes);
        float least = p.HasConfidenceThreshold ? p.ConfidenceThreshold : float.MinValue;
        Value candidates = scores;
        if (nms.TopK > 0 && (count < 0 || nms.TopK < count))
        {
            if (count < 0) throw l.InputError("the number of boxes must be known");
            Value best = l.EmitMany("TopK", 2, [scores, l.Ints(nms.TopK)], ("axis", -1))[0];
            candidates = l.Emit("Where", [l.Emit("GreaterOrEqual", [scores, Part(best, 2, nms.TopK - 1, nms.TopK)]), scores, l.Scalar(float.MinValue)]);
        }
        Value chosen = l.Emit("NonMaxSuppression", [l.Emit("Unsqueeze", [boxes, l.Ints(0)]), candidates, l.Ints(count > 0 ? count : int.MaxValue), l.Scalar(nms.NmsThreshold), l.Scalar(least)]);
        Value found = l.Emit("GatherND", [scores, chosen]);
        if (p.KeepTopK > 0)
        {
            Value kept = l.Emit("Min", [l.Emit("Shape", [found]), l.Ints(p.KeepTopK)]);
            Value order = l.EmitMany("TopK", 2, [found, kept], ("axis", 0))[1];
            Value ascending = l.EmitMany("TopK", 2, [order, kept], ("axis", 0), ("largest", 0))[0];
            (chosen, found) = (l.Emit("Gather", [chosen, ascending], ("axis", 0)), l.Emit("Gather", [found, ascending], ("axis", 0)));
        }
        Value label = l.Emit("Add", [l.Cast(Part(chosen, 1, 1, 2), DType.Float32), l.Scalar(first)]), picture = l.Cast(Part(chosen, 1, 0, 1), DType.Float32);
        Value box = l.Emit("Gather", [boxes, l.Reshape(Part(chosen, 1, 2, 3), -1)], ("axis", 0));
        Value rows = l.Emit("Concat", [picture, label, l.Reshape(found, -1, 1), box], ("axis", 1));
        l.SetTop(0, l.Emit("Unsqueeze", [rows, l.Ints(0, 1)]));
    }

    /// <summary>Boxes (left, top, right, bottom) from what the network predicts against the priors, by code_type.</summary>
    private static Value Decode(CaffeLayer l, DetectionOutputParameter p, Func<Value, long, long, long, Value> part, Value offsets, Value priors, Value variances)
    {
        if (!p.VarianceEncodedInTarget) offsets = l.Emit("Mul", [offsets, variances]);
        if (p.CodeType == PriorBoxParameter.Types.CodeType.Corner) return l.Emit("Add", [priors, offsets]);
        Value low = part(priors, 1, 0, 2), high = part(priors, 1, 2, 4), size = l.Emit("Sub", [high, low]);
        Value a = part(offsets, 1, 0, 2), b = part(offsets, 1, 2, 4);
        if (p.CodeType == PriorBoxParameter.Types.CodeType.CornerSize)
            return l.Emit("Concat", [l.Emit("Add", [low, l.Emit("Mul", [a, size])]), l.Emit("Add", [high, l.Emit("Mul", [b, size])])], ("axis", 1));
        Value centre = l.Emit("Add", [l.Emit("Mul", [l.Emit("Add", [low, high]), l.Scalar(0.5f)]), l.Emit("Mul", [a, size])]);
        Value half = l.Emit("Mul", [l.Emit("Mul", [l.Emit("Exp", [b]), size]), l.Scalar(0.5f)]);
        return l.Emit("Concat", [l.Emit("Sub", [centre, half]), l.Emit("Add", [centre, half])], ("axis", 1));
    }
}
