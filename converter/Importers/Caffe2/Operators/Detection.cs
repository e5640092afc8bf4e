using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2.Operators;

/// <summary>
/// What Detectron's networks propose and choose (caffe2/operators/generate_proposals_op.cc, bbox_transform_op.cc, box_with_nms_limit_op.cc,
/// collect_and_distribute_fpn_rpn_proposals_op.cc), for one picture. A box of left, top, right, bottom holds the pixels of both edges where
/// legacy_plus_one is set, as it is by default.
/// </summary>
internal static class Detection
{
    /// <summary>Logarithm of the largest factor by which a box grows.</summary>
    private static readonly double s_largest = Math.Log(1000.0 / 16);

    private static double Edge(Caffe2Operator o) => o.Int("legacy_plus_one", 1) != 0 ? 1 : 0;

    private static void RefuseRotated(Caffe2Operator o)
    {
        if (o.Int("rotated", 0) != 0) throw o.Error("rotated boxes are not supported");
    }

    private static Value[] Split(Caffe2Operator o, Value x, int parts, int axis) => o.EmitMany("Split", parts, [x], ("axis", axis), ("num_outputs", parts));
    private static Value Add(Caffe2Operator o, Value a, Value b) => o.Emit("Add", [a, b]);
    private static Value Sub(Caffe2Operator o, Value a, Value b) => o.Emit("Sub", [a, b]);
    private static Value Mul(Caffe2Operator o, Value a, Value b) => o.Emit("Mul", [a, b]);

    /// <summary>Both edges along an axis after a box has been moved and scaled, inside the picture.</summary>
    private static (Value From, Value To) Moved(Caffe2Operator o, Value from, Value to, Value shift, Value scale, Value size)
    {
        double edge = Edge(o), cut = o.Has("correct_transform_coords") ? o.Int("correct_transform_coords", 0) : edge;
        Value length = Add(o, Sub(o, to, from), o.Scalar(edge)), middle = Add(o, from, Mul(o, length, o.Scalar(0.5)));
        middle = Add(o, Mul(o, shift, length), middle);
        Value half = Mul(o, Mul(o, o.Emit("Exp", [o.Emit("Min", [scale, o.Scalar(s_largest)])]), length), o.Scalar(0.5)), last = Sub(o, size, o.Scalar(edge));
        return (Inside(Sub(o, middle, half)), Inside(Sub(o, Add(o, middle, half), o.Scalar(cut))));

        Value Inside(Value x) => o.Emit("Max", [o.Emit("Min", [x, last]), o.Scalar(0)]);
    }

    private static Value AsSuppressed(Caffe2Operator o, Value boxes) => Add(o, boxes, o.Constant("edge", Tensor.FromArray<float>([0, 0, (float)Edge(o), (float)Edge(o)], new Shape(4))));

    private static Value Number(Caffe2Operator o, string role, double value) => o.Constant(role, Tensor.FromArray<float>([(float)value], new Shape(1)));

    private static Value Column(Caffe2Operator o, Value x, int column) => o.Emit("Gather", [x, o.Constant("column", Tensor.FromScalar((long)column))], ("axis", 1));

    private static Value Rows(Caffe2Operator o, Value x) => o.Emit("Shape", [x], ("start", 0), ("end", 1));

    private static Value AtMost(Caffe2Operator o, Value count, long most) => most > 0 ? o.Emit("Min", [count, o.Ints(most)]) : count;

    private static Value WithPicture(Caffe2Operator o, Value boxes) => o.Emit("Pad", [boxes, o.Ints(0, 1, 0, 0)]);

    /// <summary>(scores [1, A, H, W], deltas [1, 4 A, H, W], [height, width, scale], anchors [A, 4]) -> regions [R, 5] (0, left, top, right, bottom) and
    /// their scores.</summary>
    [Caffe2("GenerateProposals", "GenerateProposalsCPP", Notes = "one picture", Limits = "rotated boxes")]
    private static void GenerateProposals(Caffe2Operator o)
    {
        RefuseRotated(o);
        Value scores = o.Input(), anchors = o.Input(3);
        if (o.RankOf(scores) != 4 || scores.Shape[0] > 1 || !anchors.Shape.IsKnown || anchors.Shape.Rank != 2 || anchors.Shape[1] != 4) throw o.InputError($"scores {scores.Shape} and anchors {anchors.Shape} are not those of one picture and upright boxes");
        long count = anchors.Shape[0];
        double stride = 1 / o.Float("spatial_scale", 1.0 / 16), edge = Edge(o);
        Value[] sides = [.. Split(o, anchors, 4, 1).Select(s => o.Reshape(s, 1, 1, count))], picture = Split(o, o.Reshape(o.Input(2), 3), 3, 0);
        // [H, W, A] each
        Value[] deltas = [.. Split(o, o.Transpose(o.Reshape(o.Input(1), count, 4, 0, 0), 2, 3, 0, 1), 4, 3).Select(d => o.Emit("Squeeze", [d, o.Ints(3)]))];
        Value Places(int axis, params long[] shape) // 0, stride, 2 stride ..
        {
            Value size = o.Emit("Squeeze", [o.Emit("Shape", [scores], ("start", axis), ("end", axis + 1)), o.Ints(0)]);
            Value all = o.Emit("Range", [o.Constant("zero", Tensor.FromScalar(0L)), size, o.Constant("one", Tensor.FromScalar(1L))]);
            return o.Reshape(Mul(o, o.Cast(all, DType.Float32), o.Scalar(stride)), shape);
        }
        Value x = Places(3, 1, -1, 1), y = Places(2, -1, 1, 1);
        (Value left, Value right) = Moved(o, Add(o, sides[0], x), Add(o, sides[2], x), deltas[0], deltas[2], picture[1]);
        (Value top, Value bottom) = Moved(o, Add(o, sides[1], y), Add(o, sides[3], y), deltas[1], deltas[3], picture[0]);
        Value boxes = o.Emit("Concat", [.. new[] { left, top, right, bottom }.Select(v => o.Reshape(v, -1, 1))], ("axis", 1)), flat = o.Reshape(o.Transpose(scores, 0, 2, 3, 1), -1);
        Value[] best = o.EmitMany("TopK", 2, [flat, AtMost(o, Rows(o, flat), o.Int("pre_nms_topN", 6000))], ("axis", 0));
        boxes = o.Emit("Gather", [boxes, best[1]], ("axis", 0));

        Value least = Mul(o, picture[2], o.Scalar(o.Float("min_size", 16)));
        Value Fits(int from, int to, Value size)
        {
            Value a = Column(o, boxes, from), length = Add(o, Sub(o, Column(o, boxes, to), a), o.Scalar(edge));
            return o.Emit("And", [o.Emit("GreaterOrEqual", [length, least]), o.Emit("Less", [Add(o, a, Mul(o, length, o.Scalar(0.5))), size])]);
        }
        Value fits = o.Emit("And", [Fits(0, 2, picture[1]), Fits(1, 3, picture[0])]);
        boxes = o.Emit("Compress", [boxes, fits], ("axis", 0));
        Value probabilities = o.Emit("Compress", [best[0], fits], ("axis", 0));
        long after = o.Int("post_nms_topN", 300);
        Value chosen = o.Emit("NonMaxSuppression", [o.Emit("Unsqueeze", [AsSuppressed(o, boxes), o.Ints(0)]), o.Reshape(probabilities, 1, 1, -1), o.Ints(after > 0 ? after : int.MaxValue), Number(o, "overlap", o.Float("nms_thresh", 0.7))]);
        Value at = Column(o, chosen, 2);
        o.SetOutput(0, WithPicture(o, o.Emit("Gather", [boxes, at], ("axis", 0))));
        o.SetOutput(1, o.Emit("Gather", [probabilities, at], ("axis", 0)));
    }

    /// <summary>(regions [R, 4 or 5], deltas [R, 4 K], [height, width, scale]) -> boxes [R, 4 K], how many there are</summary>
    [Caffe2("BBoxTransform", Notes = "one picture", Limits = "rotated boxes")]
    private static void BoxTransform(Caffe2Operator o)
    {
        RefuseRotated(o);
        Value regions = o.Input(), deltas = o.Input(1);
        if (o.RankOf(regions) != 2 || regions.Shape[1] is not (4 or 5) || o.RankOf(deltas) != 2 || deltas.Shape[1] <= 0 || deltas.Shape[1] % 4 != 0) throw o.InputError($"regions {regions.Shape} and deltas {deltas.Shape} do not fit together");
        if (o.Input(2).Shape is { IsKnown: true, Count: not 3 }) throw o.InputError("several pictures are not supported");
        float[] weights = o.Floats("weights") ?? [1, 1, 1, 1];
        if (weights.Length != 4) throw o.Damaged($"it has {weights.Length} weights");
        Value[] picture = Split(o, o.Reshape(o.Input(2), 3), 3, 0);
        int first = (int)regions.Shape[1] - 4;
        Value[] sides = [.. Enumerable.Range(first, 4).Select(k => o.Emit("Div", [o.Emit("Slice", [regions, o.Ints(k), o.Ints(k + 1), o.Ints(1)]), picture[2]]))]; // [R, 1]
        Value[] moves = [.. Split(o, o.Reshape(deltas, -1, deltas.Shape[1] / 4, 4), 4, 2).Select((d, k) => o.Emit("Div", [o.Emit("Squeeze", [d, o.Ints(2)]), o.Scalar(weights[k])]))]; // [R, K]
        Value Size(int k) => o.Emit("Floor", [Add(o, o.Emit("Div", [picture[k], picture[2]]), o.Scalar(0.5))]);
        (Value left, Value right) = Moved(o, sides[0], sides[2], moves[0], moves[2], Size(1));
        (Value top, Value bottom) = Moved(o, sides[1], sides[3], moves[1], moves[3], Size(0));
        Value boxes = o.Reshape(o.Emit("Concat", [.. new[] { left, top, right, bottom }.Select(v => o.Emit("Unsqueeze", [v, o.Ints(2)]))], ("axis", 2)), -1, deltas.Shape[1]);
        o.SetOutput(0, o.Int("apply_scale", 1) != 0 ? Mul(o, boxes, picture[2]) : boxes);
        o.SetOutput(1, o.Cast(Rows(o, regions), DType.Float32));
    }

    /// <summary>
    /// (scores [R, C], boxes [R, 4 C]) -> scores [n], boxes [n, 4] and classes [n] of those that overlap no better one of their class too much,
    /// class by class, at most detections_per_im; how many there are; which rows they are.
    /// </summary>
    [Caffe2("BoxWithNMSLimit", Notes = "one picture", Limits = "rotated boxes, soft_nms_enabled, numbers of rows by class")]
    private static void BoxWithNmsLimit(Caffe2Operator o)
    {
        RefuseRotated(o);
        if (o.Int("soft_nms_enabled", 0) != 0) throw o.Error("soft_nms_enabled is not supported");
        if (o.OutputCount > 5) throw o.Error("numbers of rows by class are not supported");
        if (o.InputCount > 2 && o.Input(2).Shape is { IsKnown: true, Count: not 1 }) throw o.InputError("several pictures are not supported");
        Value scores = o.Input(), boxes = o.Input(1);
        if (o.RankOf(scores) > 2) scores = o.Emit("Flatten", [scores], ("axis", 1));
        if (o.RankOf(boxes) > 2) boxes = o.Emit("Flatten", [boxes], ("axis", 1));
        long classes = scores.Shape[1];
        bool isAgnostic = o.Int("cls_agnostic_bbox_reg", 0) != 0, hasBackground = o.Int("input_boxes_include_bg_cls", 1) != 0;
        if (classes < 2 || boxes.Shape[1] != (isAgnostic ? 4 : hasBackground ? 4 * classes : 4 * (classes - 1))) throw o.InputError($"scores {scores.Shape} and boxes {boxes.Shape} do not fit together");
        // Without a background among the boxes, its scores are the last ones.
        scores = o.Transpose(o.Emit("Slice", [scores, o.Ints(hasBackground ? 1 : 0), o.Ints(hasBackground ? classes : classes - 1), o.Ints(1)]), 1, 0); // [C - 1, R]
        boxes = o.Transpose(o.Reshape(boxes, 0, -1, 4), 1, 0, 2);
        if (isAgnostic) boxes = o.Emit("Expand", [boxes, o.Ints(classes - 1, 1, 1)]);
        else if (hasBackground) boxes = o.Emit("Slice", [boxes, o.Ints(1), o.Ints(classes), o.Ints(0)]); // [C - 1, R, 4]
        long most = o.Int("detections_per_im", 100);
        Value chosen = o.Emit("NonMaxSuppression", [AsSuppressed(o, boxes), o.Emit("Unsqueeze", [scores, o.Ints(1)]), o.Ints(most > 0 ? most : int.MaxValue), Number(o, "overlap", o.Float("nms", 0.3)), Number(o, "least", o.Float("score_thresh", 0.05))]);
        Value at = o.Emit("Gather", [chosen, o.Ints(0, 2)], ("axis", 1)), kept = o.Emit("GatherND", [scores, at]);
        if (most > 0)
        {
            // The best ones, in the order that they had.
            Value best = o.EmitMany("TopK", 2, [kept, AtMost(o, Rows(o, kept), most)], ("axis", 0))[1];
            Value order = o.EmitMany("TopK", 2, [best, Rows(o, best)], ("axis", 0), ("largest", 0))[0];
            at = o.Emit("Gather", [at, order], ("axis", 0));
            kept = o.Emit("Gather", [kept, order], ("axis", 0));
        }
        o.SetOutput(0, kept);
        o.SetOutput(1, o.Emit("GatherND", [boxes, at]));
        o.SetOutput(2, o.Cast(Add(o, Column(o, at, 0), o.Constant("first", Tensor.FromScalar(o.Int("output_classes_include_bg_cls", 1) != 0 ? 1L : 0L))), DType.Float32));
        o.SetOutput(3, o.Cast(Rows(o, kept), DType.Float32));
        o.SetOutput(4, o.Cast(Column(o, at, 1), DType.Int32));
    }

    /// <summary>(regions and scores of each level of a pyramid) -> the best regions; those of each level that their size suits; where each of the
    /// regions lies among those of all levels.</summary>
    [Caffe2("CollectAndDistributeFpnRpnProposals", "CollectRpnProposals", "DistributeFpnProposals")]
    private static void Distribute(Caffe2Operator o)
    {
        Value regions = o.Input();
        int output = 0;
        if (o.Type != "DistributeFpnProposals")
        {
            int levels = (int)(o.Int("rpn_max_level", 6) - o.Int("rpn_min_level", 2)) + 1;
            if (levels < 1 || o.InputCount != 2 * levels) throw o.Damaged($"it has {o.InputCount} inputs for {levels} levels");
            Value[] all = o.Inputs;
            Value scores = o.Emit("Concat", [.. all[levels..].Select(s => o.Reshape(s, -1))], ("axis", 0));
            Value best = o.EmitMany("TopK", 2, [scores, AtMost(o, Rows(o, scores), o.Int("rpn_post_nms_topN", 2000))], ("axis", 0))[1];
            regions = o.Emit("Gather", [o.Emit("Concat", all[..levels], ("axis", 0)), best], ("axis", 0));
            o.SetOutput(output++, regions);
            if (o.Type == "CollectRpnProposals") return;
        }
        long first = o.Int("roi_min_level", 2), last = o.Int("roi_max_level", 5);
        if (last < first || o.OutputCount != output + last - first + 2) throw o.Damaged($"it has {o.OutputCount} outputs for levels {first} to {last}");
        Value Length(int from, int to) => Add(o, Sub(o, Column(o, regions, to), Column(o, regions, from)), o.Scalar(Edge(o)));
        Value size = o.Emit("Sqrt", [Mul(o, Length(1, 3), Length(2, 4))]);
        Value exact = o.Emit("Div", [o.Emit("Log", [Add(o, o.Emit("Div", [size, o.Scalar(o.Float("roi_canonical_scale", 224))]), o.Scalar(1e-6))]), o.Scalar(Math.Log(2))]);
        Value level = o.Emit("Clip", [o.Emit("Floor", [Add(o, exact, o.Scalar(o.Float("roi_canonical_level", 4)))]), o.Scalar(first), o.Scalar(last)]);
        var places = new List<Value>();
        for (long k = first; k <= last; k++)
        {
            Value isHere = o.Emit("Equal", [level, o.Scalar(k)]);
            o.SetOutput(output++, o.Emit("Compress", [regions, isHere], ("axis", 0)));
            places.Add(o.Reshape(o.Emit("NonZero", [isHere]), -1));
        }
        Value order = o.Emit("Concat", [.. places], ("axis", 0));
        o.SetOutput(output, o.Cast(o.EmitMany("TopK", 2, [order, Rows(o, order)], ("axis", 0), ("largest", 0))[1], DType.Int32));
    }

    [Caffe2("BatchPermutation")] private static void BatchPermutation(Caffe2Operator o) => o.SetOutput(0, o.Emit("Gather", [o.Input(), o.Input(1)], ("axis", 0)));
}
