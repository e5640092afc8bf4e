using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>
/// MediaPipe's custom operators of networks that look again at a part of a picture, the face mesh with attention among them
/// (mediapipe/util/tflite/operations, version 2). A transform is a matrix [1, 4, 4] from places of the part to places of the picture; x and y come first.
/// </summary>
internal static class Landmarks
{
    /// <summary>
    /// The transform of the upright rectangle around some landmarks, which are turned so that the line from the left one to the right one has the
    /// target's angle: shift(center) rotate scale(factor * size / output size) shift(-output size / 2).
    /// </summary>
    [TfliteCustom("Landmarks2TransformMatrix", Limits = "version 1")]
    private static void TransformMatrix(TfliteNode n)
    {
        var o = new TfliteFlexMap(n);
        float width = o.Whole("output_width"), height = o.Whole("output_height"), target = (float)o.Number("target_rotation_radians", 0);
        long[] subset = o.Wholes("subset_idxs");
        if (width <= 0 || height <= 0 || subset.Length == 0) throw n.Damaged($"an output of {width} x {height} around {subset.Length} landmarks");
        Value landmarks = n.Emit("Slice", [n.Reshape(n.Real(0), -1, 3), n.Ints(0), n.Ints(2), n.Ints(1)]);
        Value Pick(params long[] indices) => n.Emit("Gather", [landmarks, n.Ints(indices)], ("axis", 0));

        // cos and sin of target - atan2(dy, dx), which is 0 where both are.
        Value line = n.Emit("Sub", [Pick(o.Whole("right_rotation_idx")), Pick(o.Whole("left_rotation_idx"))]), length = n.Emit("ReduceL2", [line, n.Ints(1)]);
        Value unit = n.Emit("Where", [n.Emit("Equal", [length, n.Scalar(0)]), n.Constant("ahead", Tensor.FromArray<float>([1, 0], new Shape(1, 2))), n.Emit("Div", [line, length])]);
        (float c, float s) = (MathF.Cos(target), MathF.Sin(target));
        // Of a row of points p the turned ones are p * turn; turn is [[cos, sin], [-sin, cos]] of the angle.
        Value turn = n.Reshape(n.Emit("MatMul", [unit, n.Constant("turned", Tensor.FromArray<float>([c, s, -s, c, s, -c, c, s], new Shape(2, 4)))]), 2, 2);
        Value points = n.Emit("MatMul", [Pick(subset), turn]);
        Value most = n.Emit("ReduceMax", [points, n.Ints(0)]), least = n.Emit("ReduceMin", [points, n.Ints(0)]);
        Value middle = n.Emit("MatMul", [n.Emit("Mul", [n.Emit("Add", [most, least]), n.Scalar(0.5f)]), n.Transpose(turn, 1, 0)]);

        Value Pair(string name, double x, double y) => n.Constant(name, Tensor.FromArray<float>([(float)x, (float)y], new Shape(1, 2)));
        Value linear = n.Emit("Mul", [turn, n.Emit("Mul", [n.Emit("Sub", [most, least]), Pair("scale", o.Number("scale_x") / width, o.Number("scale_y") / height)])]);
        Value shift = n.Emit("Add", [middle, n.Emit("MatMul", [Pair("center", -width / 2, -height / 2), n.Transpose(linear, 1, 0)])]);
        Value upper = n.Emit("Concat", [linear, n.Constant("zeros", Tensor.FromArray<float>([0, 0], new Shape(2, 1))), n.Reshape(shift, 2, 1)], ("axis", 1));
        Value lower = n.Constant("lower", Tensor.FromArray<float>([0, 0, 1, 0, 0, 0, 0, 1], new Shape(2, 4)));
        n.SetReal(0, n.Reshape(n.Emit("Concat", [upper, lower], ("axis", 0)), 1, 4, 4));
    }

    /// <summary>Inputs: landmarks [1, count, 2 or 3], transform. A third coordinate stays.</summary>
    [TfliteCustom("TransformLandmarks", Limits = "version 1")]
    private static void TransformLandmarks(TfliteNode n)
    {
        if (n.Input(0).Dims is not [1, _, var dimensions and (2 or 3)]) throw n.Error($"landmarks in a tensor [{string.Join(", ", n.Input(0).Dims ?? [])}] are not supported, expected [1, count, 2 or 3]");
        Value place = n.Emit("Slice", [n.Real(0), n.Ints(0), n.Ints(2), n.Ints(2)]);
        Value moved = n.Emit("Add", [n.Emit("MatMul", [place, n.Transpose(Part(n, 0, 2), 0, 2, 1)]), n.Transpose(Part(n, 3, 4), 0, 2, 1)]);
        n.SetReal(0, dimensions == 2 ? moved : n.Emit("Concat", [moved, n.Emit("Slice", [n.Real(0), n.Ints(2), n.Ints(3), n.Ints(2)])], ("axis", 2)));
    }

    /// <summary>Inputs: tensor [1, h, w, c], transform. Pixels have their centers at halves; places outside the picture give 0.</summary>
    [TfliteCustom("TransformTensorBilinear", Limits = "version 1")]
    private static void TransformTensor(TfliteNode n)
    {
        var o = new TfliteFlexMap(n);
        int height = o.Whole("output_height"), width = o.Whole("output_width");
        if (n.Input(0).Dims is not [1, var h, var w, _] || h < 2 || w < 2) throw n.Error($"a tensor [{string.Join(", ", n.Input(0).Dims ?? [])}] is not supported, expected one of known size, at least 2 x 2");
        if (height < 1 || width < 1 || (long)height * width > 1 << 24) throw n.Damaged($"an output of {width} x {height}");
        var places = new float[4 * height * width];
        for (int y = 0, i = 0; y < height; y++)
            for (int x = 0; x < width; x++, i++) (places[i], places[i + height * width], places[i + 3 * height * width]) = (x + 0.5f, y + 0.5f, 1);
        Value from = n.Emit("MatMul", [n.Emit("Slice", [n.Real(1), n.Ints(0), n.Ints(2), n.Ints(1)]), n.Constant("places", Tensor.FromArray<float>(places, new Shape(4, height * width)))]);
        from = n.Emit("Sub", [n.Transpose(from, 0, 2, 1), n.Scalar(0.5f)]);
        Value inside = n.Emit("And", [n.Emit("GreaterOrEqual", [from, n.Scalar(0)]), n.Emit("LessOrEqual", [from, Pair(w - 1, h - 1)])]);
        // GridSample counts from -1 to 1; a place far outside gets nothing from any pixel.
        Value grid = n.Emit("Sub", [n.Emit("Mul", [from, Pair(2f / (w - 1), 2f / (h - 1))]), n.Scalar(1)]);
        grid = n.Emit("Where", [inside, n.Emit("Clip", [grid, n.Scalar(-1), n.Scalar(1)]), n.Scalar(-9)]);
        n.SetRealChannelsFirst(0, n.Emit("GridSample", [n.RealChannelsFirst(0), n.Reshape(grid, 1, height, width, 2)], ("align_corners", 1)));

        Value Pair(float x, float y) => n.Constant("size", Tensor.FromArray<float>([x, y], new Shape(1, 1, 2)));
    }

    /// <summary>Columns of the first two rows of a transform.</summary>
    private static Value Part(TfliteNode n, long first, long end) => n.Emit("Slice", [n.Real(1), n.Ints(0, first), n.Ints(2, end), n.Ints(1, 2)]);
}
