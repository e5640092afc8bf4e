using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2.Operators;

/// <summary>Operators that move, cut and join.</summary>
internal static class Shapes
{
    [Caffe2("Copy", "CopyCPUToGPU", "CopyGPUToCPU", "CopyFromCPUInput", "EnsureCPUOutput", "EnsureDense", "StopGradient", "Alias", "Dropout", Notes = "what it is given")]
    private static void Same(Caffe2Operator o) => o.SetOutput(0, o.Input());

    [Caffe2("Cast")] private static void Cast(Caffe2Operator o) => o.SetOutput(0, o.Cast(o.Input(), Caffe2Types.Of(o, "to", DType.Float32)));

    /// <summary>Along C of the order where no axis is given; the second result is the sizes of the parts.</summary>
    [Caffe2("Concat", "DepthConcat", "Append")]
    private static void Concat(Caffe2Operator o)
    {
        Value[] parts = o.Inputs;
        bool isStack = o.Has("axis") && o.Int("add_axis", 0) != 0;
        long axis = Along(o, parts[0], isStack ? 1 : 0);
        if (isStack) parts = [.. parts.Select(p => o.Emit("Unsqueeze", [p, o.Ints(axis)]))];
        o.SetOutput(0, o.Emit("Concat", [.. parts], ("axis", axis)));
        if (o.OutputCount < 2) return;
        if (parts.All(p => p.Shape.IsRanked && p.Shape[(int)axis] >= 0)) o.SetOutput(1, o.Constant("sizes", Tensor.FromArray<int>([.. parts.Select(p => (int)p.Shape[(int)axis])], new Shape(parts.Length))));
        else o.SetOutput(1, o.Cast(o.Emit("Concat", [.. parts.Select(p => o.Emit("Shape", [p], ("start", axis), ("end", axis + 1)))], ("axis", 0)), DType.Int32));
    }

    [Caffe2("Split")]
    private static void Split(Caffe2Operator o)
    {
        Value x = o.Input();
        long axis = Along(o, x, 0);
        int count = o.OutputCount;
        Value[] parts = o.InputCount > 1 ? o.EmitMany("Split", count, [x, o.Cast(o.Input(1), DType.Int64)], ("axis", axis))
            : o.Ints("split") is { Length: > 0 } sizes ? sizes.Length == count ? o.EmitMany("Split", count, [x, o.Ints(sizes)], ("axis", axis)) : throw o.Damaged($"{sizes.Length} sizes for {count} results")
            : o.EmitMany("Split", count, [x], ("axis", axis), ("num_outputs", count));
        for (int i = 0; i < count; i++) o.SetOutput(i, parts[i]);
    }

    private static long Along(Caffe2Operator o, Value x, int more)
    {
        long axis = o.Has("axis") ? o.Int("axis", 1) : o.IsChannelsLast ? 3 : 1;
        if (axis < 0) axis += o.RankOf(x) + more;
        return axis >= 0 && (!x.Shape.IsRanked || axis < x.Shape.Rank + more) ? axis : throw o.InputError($"axis {axis} is outside {x.Shape}");
    }

    /// <summary>0 copies a size, -1 is what remains; the second result is the shape before.</summary>
    [Caffe2("Reshape")]
    private static void Reshape(Caffe2Operator o)
    {
        Value x = o.Input(), shape = o.InputCount > 1 ? o.Cast(o.Input(1), DType.Int64) : o.Ints(o.Ints("shape") ?? throw o.Damaged("shape is missing"));
        if (o.OutputCount > 1) o.SetOutput(1, o.Emit("Shape", [x]));
        o.SetOutput(0, o.Emit("Reshape", [x, shape]));
    }

    [Caffe2("ResizeLike")] private static void ResizeLike(Caffe2Operator o) => o.SetOutput(0, o.Emit("Reshape", [o.Input(), o.Emit("Shape", [o.Input(1)])]));
    [Caffe2("Flatten")] private static void Flatten(Caffe2Operator o) => o.SetOutput(0, o.Emit("Flatten", [o.Input()], ("axis", o.Int("axis", 1))));
    [Caffe2("FlattenToVec")] private static void FlattenToVec(Caffe2Operator o) => o.SetOutput(0, o.Reshape(o.Input(), -1));

    [Caffe2("Transpose")]
    private static void Transpose(Caffe2Operator o) => o.SetOutput(0, o.Ints("axes") is { Length: > 0 } axes ? o.Transpose(o.Input(), axes) : o.Emit("Transpose", [o.Input()]));

    [Caffe2("Squeeze")] private static void Squeeze(Caffe2Operator o) => o.SetOutput(0, o.Emit("Squeeze", [o.Input(), o.Ints(o.Ints("dims") ?? [])]));
    [Caffe2("ExpandDims")] private static void ExpandDims(Caffe2Operator o) => o.SetOutput(0, o.Emit("Unsqueeze", [o.Input(), o.Ints(o.Ints("dims") ?? [])]));

    /// <summary>Numbers below zero count from one beyond the end: -1 is the end itself.</summary>
    [Caffe2("Slice")]
    private static void Slice(Caffe2Operator o)
    {
        long[] starts = Given("starts", 1), ends = Given("ends", 2);
        if (starts.Length != ends.Length) throw o.Damaged($"{starts.Length} starts and {ends.Length} ends");
        o.SetOutput(0, o.Emit("Slice", [o.Input(), o.Ints([.. starts.Select(FromEnd)]), o.Ints([.. ends.Select(FromEnd)]), o.Ints([.. Enumerable.Range(0, starts.Length).Select(d => (long)d)])]));

        static long FromEnd(long v) => v == -1 ? long.MaxValue : v < 0 ? v + 1 : v;
        long[] Given(string name, int input) => o.InputCount > input ? o.Input(input).Constant?.ToInt64Array() ?? throw o.Damaged($"{name} are not constant") : o.Ints(name) ?? throw o.Error($"{name} are missing");
    }

    [Caffe2("Gather")] private static void Gather(Caffe2Operator o) => o.SetOutput(0, o.Emit("Gather", [o.Input(), o.Input(1)], ("axis", o.Int("axis", 0))));
    [Caffe2("BatchGather")] private static void BatchGather(Caffe2Operator o) => o.SetOutput(0, o.Emit("Gather", [o.Input(), o.Input(1)], ("axis", 1)));

    [Caffe2("Tile", Limits = "tiles as an input")]
    private static void Tile(Caffe2Operator o)
    {
        if (o.InputCount > 1) throw o.Error("tiles as an input are not supported");
        int rank = o.RankOf(o.Input()), axis = o.Axis(o.Input(), o.Int("axis", 0));
        long tiles = o.Int("tiles", 1);
        o.SetOutput(0, o.Emit("Tile", [o.Input(), o.Ints([.. Enumerable.Range(0, rank).Select(d => d == axis ? tiles : 1)])]));
    }

    [Caffe2("Shape")]
    private static void ShapeOf(Caffe2Operator o)
    {
        Value shape = o.Emit("Shape", [o.Input()]);
        o.SetOutput(0, o.Ints("axes") is { Length: > 0 } axes ? o.Emit("Gather", [shape, o.Ints(axes)]) : shape);
    }

    [Caffe2("Size")] private static void Size(Caffe2Operator o) => o.SetOutput(0, o.Emit("Size", [o.Input()]));
    [Caffe2("Expand")] private static void Expand(Caffe2Operator o) => o.SetOutput(0, o.Emit("Expand", [o.Input(), o.InputCount > 1 ? o.Cast(o.Input(1), DType.Int64) : o.Ints(o.Ints("shape") ?? [])]));
}
