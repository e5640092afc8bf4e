using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>The end of SSD and EfficientDet networks as TensorFlow's object detection API writes them (tensorflow/lite/kernels/detection_postprocess.cc).</summary>
internal static class DetectionPostProcess
{
    /// <summary>
    /// Inputs: boxes [1, N, 4..] (y, x, h, w against their anchors), scores [1, N, classes, the background before them where there is one more],
    /// anchors [N, 4] (y, x, h, w). Outputs: boxes [1, M, 4] (top, left, bottom, right), classes [1, M], scores [1, M], zeros behind them, and the number of boxes [1].
    /// </summary>
    [TfliteCustom("TFLite_Detection_PostProcess")]
    private static void Detections(TfliteNode n)
    {
        var o = new TfliteFlexMap(n);
        int most = o.Whole("max_detections"), perBox = o.Whole("max_classes_per_detection"), classes = o.Whole("num_classes");
        if (n.Input(1).Dims is not [1, _, var given] || given < classes || classes < 1 || perBox < 1 || most < 1) throw n.Damaged($"{most} detections of {classes} classes from scores [{string.Join(", ", n.Input(1).Dims ?? [])}]");
        long length = (long)most * perBox;
        perBox = Math.Min(perBox, classes);
        bool everyClass = o.Number("use_regular_nms", 0) != 0;
        Value overlap = n.Scalar((float)o.Number("nms_iou_threshold"));
        // Scores at the threshold count, which ONNX leaves out.
        Value least = n.Scalar(MathF.BitDecrement((float)o.Number("nms_score_threshold")));

        Value Columns(Value x, long axis, long from, long to) => n.Emit("Slice", [x, n.Ints(from), n.Ints(to), n.Ints(axis)]);
        Value Pair(double y, double x) => n.Constant("scale", Tensor.FromArray<float>([(float)y, (float)x], new Shape(2)));
        Value anchors = n.Real(2), codes = n.Real(0), place = Columns(anchors, 1, 0, 2), size = Columns(anchors, 1, 2, 4);
        Value middle = n.Emit("Add", [n.Emit("Mul", [n.Emit("Div", [Columns(codes, 2, 0, 2), Pair(o.Number("y_scale"), o.Number("x_scale"))]), size]), place]);
        Value half = n.Emit("Mul", [n.Emit("Mul", [n.Emit("Exp", [n.Emit("Div", [Columns(codes, 2, 2, 4), Pair(o.Number("h_scale"), o.Number("w_scale"))])]), n.Scalar(0.5f)]), size]);
        Value boxes = n.Emit("Concat", [n.Emit("Sub", [middle, half]), n.Emit("Add", [middle, half])], ("axis", 2));
        Value scores = given == classes ? n.Real(1) : Columns(n.Real(1), 2, given - classes, given);

        Value which, kinds, values, count;
        if (everyClass)
        {
            // Suppressed class by class, then the best of all.
            Value found = n.Emit("NonMaxSuppression", [boxes, n.Transpose(scores, 0, 2, 1), n.Int(o.Whole("detections_per_class", 100)), overlap, least]);
            Value kind = n.Reshape(Columns(found, 1, 1, 2), -1), box = n.Reshape(Columns(found, 1, 2, 3), -1);
            Value score = n.Emit("GatherND", [n.Emit("Squeeze", [scores, n.Ints(0)]), n.Emit("Concat", [Columns(found, 1, 2, 3), Columns(found, 1, 1, 2)], ("axis", 1))]);
            Value[] best = n.EmitMany("TopK", 2, [score, n.Emit("Min", [n.Emit("Shape", [score]), n.Ints(most)])]);
            (which, kinds, values) = (n.Emit("Gather", [box, best[1]], ("axis", 0)), n.Emit("Gather", [kind, best[1]], ("axis", 0)), best[0]);
            count = n.Emit("Shape", [values]);
        }
        else
        {
            // Suppressed by the best score of each box, which then counts with its best classes.
            Value[] best = n.EmitMany("TopK", 2, [scores, n.Ints(perBox)]);
            Value found = n.Emit("NonMaxSuppression", [boxes, n.Transpose(Columns(best[0], 2, 0, 1), 0, 2, 1), n.Int(most), overlap, least]);
            Value box = n.Reshape(Columns(found, 1, 2, 3), -1);
            Value Of(Value x) => n.Reshape(n.Emit("Gather", [x, box], ("axis", 1)), -1);
            which = perBox == 1 ? box : n.Reshape(n.Emit("Tile", [n.Emit("Unsqueeze", [box, n.Ints(1)]), n.Ints(1, perBox)]), -1);
            (kinds, values) = (Of(best[1]), Of(best[0]));
            count = n.Emit("Shape", [box]);
        }
        Value rest = n.Emit("Sub", [n.Ints(length), n.Emit("Shape", [values])]), missing = n.Emit("Concat", [n.Ints(0), rest], ("axis", 0));
        Value Filled(Value x) => n.Reshape(n.Emit("Pad", [x, missing]), 1, length);
        Value rows = n.Emit("Concat", [n.Ints(0, 0), rest, n.Ints(0)], ("axis", 0));
        n.SetReal(0, n.Reshape(n.Emit("Pad", [n.Emit("Gather", [n.Emit("Squeeze", [boxes, n.Ints(0)]), which], ("axis", 0)), rows]), 1, length, 4));
        n.SetReal(1, Filled(n.Cast(kinds, DType.Float32)));
        n.SetReal(2, Filled(values));
        n.SetReal(3, n.Cast(count, DType.Float32));
    }
}
