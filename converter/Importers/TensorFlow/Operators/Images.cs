using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Resizing, cropping, colours, and choosing boxes.</summary>
internal static class Images
{
    /// <summary>Positions: output i is at (i + 0.5) * scale - 0.5 with half_pixel_centers, i * (in - 1) / (out - 1) with align_corners,
    /// i * scale otherwise. Nearest takes floor(position), of half pixels floor((i + 0.5) * scale); with align_corners it rounds.</summary>
    [TensorFlow("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic")]
    private static void Resize(TfNode n)
    {
        bool nearest = n.Op == "ResizeNearestNeighbor", half = n.Bool("half_pixel_centers"), corners = n.Bool("align_corners");
        Value input = n.In(0);
        Value x = n.ToChannelsFirst(nearest || input.DType.IsFloat() ? input : n.Cast(input, DType.Float32));
        if (n.Op == "ResizeBicubic" && x.Shape[2] > 0 && x.Shape[3] > 0 && n.ConstantInts(1) is { } known)
        {
            Value rows = n.Emit("MatMul", [n.Const(Cubic(x.Shape[2], known[0], corners, half)), n.Cast(x, DType.Float32)]);
            n.Set(n.ToChannelsLast(n.Emit("MatMul", [rows, Dense.Swapped(n, n.Const(Cubic(x.Shape[3], known[1], corners, half)))])));
            return;
        }
        Value sizes = n.Concat(0, n.Slice(n.ShapeOf(x), 0, 0, 2), n.Int64(1));
        string mode = nearest ? "nearest" : n.Op == "ResizeBilinear" ? "linear" : "cubic";
        string transform = corners ? "align_corners" : !half ? "asymmetric" : nearest ? "half_pixel" : "half_pixel";
        string rounding = corners ? "round_prefer_ceil" : half ? "round_prefer_ceil" : "floor";
        Value y = nearest
            ? n.Emit("Resize", [x, null, null, sizes], ("mode", mode), ("coordinate_transformation_mode", transform), ("nearest_mode", rounding))
            : mode == "cubic"
                ? n.Emit("Resize", [x, null, null, sizes], ("mode", mode), ("coordinate_transformation_mode", transform), ("cubic_coeff_a", half ? -0.5f : -0.75f), ("exclude_outside", half ? 1 : 0))
                : n.Emit("Resize", [x, null, null, sizes], ("mode", mode), ("coordinate_transformation_mode", transform));
        y = n.ToChannelsLast(y);
        n.Set(nearest || y.DType == DType.Float32 ? y : n.Cast(y, DType.Float32));
    }

    /// <summary>
    /// [out, in] weights of the cubic of Keys (1981), a = -0.5 for half pixels, -0.75 otherwise, taken at positions rounded to 1/1024
    /// (tensorflow/core/kernels/image/resize_bicubic_op.cc). Outside pixels repeat the border; with half pixels they count nothing.
    /// </summary>
    private static Tensor Cubic(long from, long to, bool corners, bool half)
    {
        const int Steps = 1024;
        double a = half ? -0.5 : -0.75;
        var weights = new Tensor(DType.Float32, new Shape(to, from));
        float scale = corners && to > 1 ? (from - 1) / (float)(to - 1) : from / (float)to;
        Span<double> part = stackalloc double[4];
        for (long i = 0; i < to; i++)
        {
            float position = half ? (i + 0.5f) * scale - 0.5f : i * scale;
            long at = (long)MathF.Floor(position);
            double x = Math.Round((position - at) * Steps) / Steps;
            (part[0], part[1], part[2], part[3]) = (Far(x + 1), Near(x), Near(1 - x), Far(2 - x));
            double sum = 0;
            for (int k = 0; k < 4; k++)
            {
                bool isOutside = at - 1 + k < 0 || at - 1 + k >= from;
                if (half && isOutside) part[k] = 0;
                sum += part[k];
            }
            for (int k = 0; k < 4; k++)
            {
                long target = i * from + Math.Clamp(at - 1 + k, 0, from - 1);
                weights.SetDouble(target, weights.GetDouble(target) + (half && sum != 0 ? part[k] / sum : part[k]));
            }
        }
        return weights;

        double Near(double x) => ((a + 2) * x - (a + 3)) * x * x + 1;
        double Far(double x) => ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
    }

    /// <summary>Each output pixel is the mean of the area of the input that it covers: a matrix product along each axis.</summary>
    [TensorFlow("ResizeArea")]
    private static void ResizeArea(TfNode n)
    {
        Value x = n.Cast(n.In(0), DType.Float32);
        long[] size = n.RequiredInts(1, "the size");
        bool corners = n.Bool("align_corners");
        long height = x.Shape[1], width = x.Shape[2];
        if (height < 0 || width < 0) throw n.InputError("the size of the input must be known");
        Value y = n.Emit("MatMul", [n.Const(Cover(height, size[0], corners)), n.ToChannelsFirst(x)]);
        n.Set(n.ToChannelsLast(n.Emit("MatMul", [y, Dense.Swapped(n, n.Const(Cover(width, size[1], corners)))])));
    }

    /// <summary>[out, in]: how much of each input pixel lies in an output pixel; pixels past the border repeat the last one.</summary>
    private static Tensor Cover(long from, long to, bool corners)
    {
        var weights = new Tensor(DType.Float32, new Shape(to, from));
        double scale = corners && to > 1 ? (double)(from - 1) / (to - 1) : (double)from / to;
        for (long i = 0; i < to; i++)
        {
            double start = i * scale, end = (i + 1) * scale;
            for (long k = (long)Math.Floor(start); k < (long)Math.Ceiling(end); k++)
            {
                double part = Math.Min(end, k + 1) - Math.Max(start, k);
                long at = i * from + Math.Clamp(k, 0, from - 1);
                weights.SetDouble(at, weights.GetDouble(at) + part / scale);
            }
        }
        return weights;
    }

    /// <summary>Boxes [n, 4] of (y1, x1, y2, x2) in parts of the image, each resized; ONNX's Resize with a region crops one.</summary>
    [TensorFlow("CropAndResize")]
    private static void CropAndResize(TfNode n)
    {
        Value x = n.In(0), boxes = n.In(1);
        long[] size = n.RequiredInts(3, "the crop size");
        if (boxes.Constant is not { } known || n.ConstantInts(2) is not { } images) throw n.InputError("boxes that are computed by the model are not supported");
        string method = n.String("method", "bilinear");
        var crops = new List<Value?>();
        for (int i = 0; i < images.Length; i++)
        {
            Value image = n.Slice(n.ToChannelsFirst(n.Cast(x, DType.Float32)), 0, images[i], images[i] + 1);
            float[] roi = [0, 0, (float)known.GetDouble(4 * i), (float)known.GetDouble(4 * i + 1), 1, 1, (float)known.GetDouble(4 * i + 2), (float)known.GetDouble(4 * i + 3)];
            Value sizes = n.Concat(0, n.Slice(n.ShapeOf(image), 0, 0, 2), n.Vector(size));
            crops.Add(n.Emit("Resize", [image, n.Const(Tensor.FromArray<float>(roi, new Shape(8))), null, sizes], ("mode", method == "nearest" ? "nearest" : "linear"),
                ("coordinate_transformation_mode", "tf_crop_and_resize"), ("extrapolation_value", n.Float("extrapolation_value")), ("nearest_mode", "round_prefer_ceil")));
        }
        n.Set(n.ToChannelsLast(n.Concat(0, [.. crops])));
    }

    /// <summary>(x - mean) * factor + mean, of each image and channel.</summary>
    [TensorFlow("AdjustContrastv2")]
    private static void AdjustContrast(TfNode n)
    {
        Value x = n.In(0), mean = n.Reduce("ReduceMean", x, true, -3, -2);
        n.Set(n.Add(n.Mul(n.Sub(x, mean), n.Cast(n.In(1), x.DType)), mean));
    }

    [TensorFlow("RGBToHSV")]
    private static void RgbToHsv(TfNode n) => n.Set(ToHsv(n, n.In(0)));

    [TensorFlow("HSVToRGB")]
    private static void HsvToRgb(TfNode n) => n.Set(ToRgb(n, Channel(n, n.In(0), 0), Channel(n, n.In(0), 1), Channel(n, n.In(0), 2)));

    /// <summary>Smallest and largest channel stay, also where they are negative.</summary>
    [TensorFlow("AdjustHue")]
    private static void AdjustHue(TfNode n)
    {
        Value hsv = ToHsv(n, n.In(0)), hue = n.Add(Channel(n, hsv, 0), n.Cast(n.In(1), hsv.DType));
        Value least = n.Reduce("ReduceMin", n.In(0), true, -1), range = n.Sub(n.Reduce("ReduceMax", n.In(0), true, -1), least);
        n.Set(n.Add(least, n.Mul(range, Weights(n, n.Sub(hue, n.Emit("Floor", [hue]))))));
    }

    [TensorFlow("AdjustSaturation")]
    private static void AdjustSaturation(TfNode n)
    {
        Value hsv = ToHsv(n, n.In(0)), saturation = n.Mul(Channel(n, hsv, 1), n.Cast(n.In(1), hsv.DType));
        saturation = n.Emit("Min", [n.Emit("Max", [saturation, n.Number(hsv, 0)]), n.Number(hsv, 1)]);
        n.Set(ToRgb(n, Channel(n, hsv, 0), saturation, Channel(n, hsv, 2)));
    }

    private static Value Channel(TfNode n, Value x, long i) => n.Slice(x, -1, i, i == 2 ? long.MaxValue : i + 1);

    /// <summary>Hue in [0, 1), saturation, value (Smith 1978).</summary>
    private static Value ToHsv(TfNode n, Value x)
    {
        Value r = Channel(n, x, 0), g = Channel(n, x, 1), b = Channel(n, x, 2), zero = n.Number(x, 0);
        Value value = n.Reduce("ReduceMax", x, true, -1), range = n.Sub(value, n.Reduce("ReduceMin", x, true, -1));
        Value saturation = n.Where(n.Emit("Greater", [value, zero]), n.Div(range, n.Emit("Max", [value, n.Number(x, 1e-30)])), zero);
        Value norm = n.Div(n.Number(x, 1.0 / 6), n.Where(n.Emit("Equal", [range, zero]), n.Number(x, 1), range));
        Value hue = n.Where(n.Emit("Equal", [r, value]), n.Mul(n.Sub(g, b), norm),
            n.Where(n.Emit("Equal", [g, value]), n.Add(n.Mul(n.Sub(b, r), norm), n.Number(x, 2.0 / 6)), n.Add(n.Mul(n.Sub(r, g), norm), n.Number(x, 4.0 / 6))));
        hue = n.Where(n.Emit("Greater", [range, zero]), hue, zero);
        hue = n.Where(n.Emit("Less", [hue, zero]), n.Add(hue, n.Number(x, 1)), hue);
        return n.Concat(-1, hue, saturation, value);
    }

    /// <summary>Each colour is value * (1 - saturation + saturation * its weight).</summary>
    private static Value ToRgb(TfNode n, Value hue, Value saturation, Value value) =>
        n.Mul(n.Add(n.Sub(n.Number(hue, 1), saturation), n.Mul(saturation, Weights(n, hue))), value);

    /// <summary>How much of red, green and blue is in a hue: 1 near the colour, 0 far from it, linear between.</summary>
    private static Value Weights(TfNode n, Value hue)
    {
        Value six = n.Mul(hue, n.Number(hue, 6)), one = n.Number(hue, 1);
        Value r = n.Sub(n.Emit("Abs", [n.Sub(six, n.Number(hue, 3))]), one);
        Value g = n.Sub(n.Number(hue, 2), n.Emit("Abs", [n.Sub(six, n.Number(hue, 2))]));
        Value b = n.Sub(n.Number(hue, 2), n.Emit("Abs", [n.Sub(six, n.Number(hue, 4))]));
        return n.Emit("Min", [n.Emit("Max", [n.Concat(-1, r, g, b), n.Number(hue, 0)]), one]);
    }

    /// <summary>The boxes that remain, best first, all of one class.</summary>
    [TensorFlow("NonMaxSuppression", "NonMaxSuppressionV2", "NonMaxSuppressionV3", "NonMaxSuppressionV4", "NonMaxSuppressionV5", Limits = "soft_nms_sigma other than 0")]
    private static void NonMaxSuppression(TfNode n)
    {
        Value boxes = n.In(0), scores = n.In(1), limit = n.Reshape(n.Int64(2), 1);
        int version = n.Op[^1] is >= '2' and <= '5' ? n.Op[^1] - '0' : 1;
        if (version == 5 && n.HasInput(5) && !(n.In(5).Constant is { } sigma && sigma.GetDouble(0) == 0)) throw n.Error("a soft_nms_sigma other than 0 is not supported");
        Value overlap = version == 1 ? n.Const(Tensor.FromArray<float>([n.Float("iou_threshold", 0.5f)], new Shape(1))) : n.Reshape(n.Cast(n.In(3), DType.Float32), 1);
        Value? least = version >= 3 ? n.Reshape(n.Cast(n.In(4), DType.Float32), 1) : null;
        Value[] inputs = [n.Unsqueeze(n.Cast(boxes, DType.Float32), 0), n.Unsqueeze(n.Cast(scores, DType.Float32), 0, 1), limit, overlap];
        Value chosen = n.Emit("NonMaxSuppression", least == null ? inputs : [.. inputs, least]);
        Value indices = n.Squeeze(n.Slice(chosen, 1, 2, 3), 1);
        Value count = n.Emit("Gather", [n.ShapeOf(indices), n.Scalar(DType.Int64, 0)], ("axis", 0));
        Value? best = version == 5 ? n.Emit("Gather", [scores, indices], ("axis", 0)) : null;
        if (version >= 4 && n.Bool("pad_to_max_output_size"))
        {
            Value rest = n.Concat(0, n.Vector(0), n.Sub(limit, n.Reshape(count, 1)));
            indices = n.Emit("Pad", [indices, rest]);
            if (best != null) best = n.Emit("Pad", [best, rest]);
        }
        n.Set(0, n.Cast(indices, DType.Int32));
        if (version == 4) n.Set(1, n.Cast(count, DType.Int32));
        if (version != 5) return;
        n.Set(1, best!);
        n.Set(2, n.Cast(count, DType.Int32));
    }

    /// <summary>
    /// boxes [batch, n, q, 4] (q is 1 or the number of classes), scores [batch, n, classes]: suppression within each class, then the
    /// best of all classes of an image, zeros after them.
    /// </summary>
    [TensorFlow("CombinedNonMaxSuppression", Limits = "several images, boxes of each class")]
    private static void Combined(TfNode n)
    {
        Value boxes = n.In(0), scores = n.In(1);
        long perClass = n.RequiredInts(2, "max_output_size_per_class")[0], total = n.RequiredInts(3, "max_total_size")[0];
        if (boxes.Shape[0] is not 1 || boxes.Shape[2] != 1) throw n.InputError("only one image and boxes that all classes share are supported");
        if (n.Bool("pad_per_class") && scores.Shape[2] > 0) total = Math.Min(total, perClass * scores.Shape[2]);
        Value corners = n.Squeeze(boxes, 2), byClass = n.Transpose(scores, 0, 2, 1);
        Value chosen = n.Emit("NonMaxSuppression", [corners, byClass, n.Vector(perClass), n.Reshape(n.In(4), 1), n.Reshape(n.In(5), 1)]);
        Value values = n.Emit("GatherND", [byClass, chosen]);
        Value found = n.Emit("Shape", [values]), kept = n.Emit("Min", [found, n.Vector(total)]);
        Value[] best = n.EmitMany("TopK", 2, [values, kept], ("axis", 0));
        Value rows = n.Emit("Gather", [chosen, best[1]], ("axis", 0));
        Value box = n.Emit("Gather", [n.Squeeze(corners, 0), n.Squeeze(n.Slice(rows, 1, 2, 3), 1)], ("axis", 0));
        if (n.Bool("clip_boxes", true)) box = n.Emit("Clip", [box, n.Number(box, 0), n.Number(box, 1)]);
        Value rest = n.Sub(n.Vector(total), kept);
        Value classes = n.Cast(n.Squeeze(n.Slice(rows, 1, 1, 2), 1), DType.Float32);
        n.Set(0, n.Reshape(n.Emit("Pad", [box, n.Concat(0, n.Vector(0, 0), rest, n.Vector(0))]), 1, total, 4));
        n.Set(1, n.Reshape(n.Emit("Pad", [best[0], n.Concat(0, n.Vector(0), rest)]), 1, total));
        n.Set(2, n.Reshape(n.Emit("Pad", [classes, n.Concat(0, n.Vector(0), rest)]), 1, total));
        n.Set(3, n.Cast(kept, DType.Int32));
    }
}
