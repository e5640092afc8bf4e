using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Vertices of a ComputationGraph that are no layers (org.deeplearning4j.nn.conf.graph).</summary>
internal static class Vertices
{
    [Dl4j("MergeVertex")]
    private static Dl4jTensor Merge(Dl4jLayer l)
    {
        if (l.Inputs.Length == 1) return l.Input;
        long axis = l.Config.Int("mergeAxis", 1);
        return l.Result(l.Emit("Concat", [.. l.Inputs.Select(i => i.Value)], ("axis", l.Input.IsRows ? 2 : axis)));
    }

    [Dl4j("ElementWiseVertex")]
    private static Dl4jTensor ElementWise(Dl4jLayer l)
    {
        Value[] values = [.. l.Inputs.Select(i => i.Value)];
        Value Fold(string op) => values.Aggregate((a, b) => l.Emit(op, [a, b]));
        return l.Result(l.Config.Text("op", "Add") switch
        {
            "Add" => Fold("Add"),
            "Subtract" when values.Length == 2 => Fold("Sub"),
            "Product" => Fold("Mul"),
            "Average" => l.Emit("Mul", [Fold("Add"), l.Scalar(1.0 / values.Length)]),
            "Max" => Fold("Max"),
            "Min" => Fold("Min"),
            var other => throw l.Error($"op '{other}' of {values.Length} inputs has no conversion"),
        });
    }

    /// <summary>Features or channels from..to, the last one included.</summary>
    [Dl4j("SubsetVertex")]
    private static Dl4jTensor Subset(Dl4jLayer l) =>
        l.Result(l.Emit("Slice", [l.X, l.Ints(l.Config.Int("from")), l.Ints(checked(l.Config.Int("to") + 1)), l.Ints(l.Input.IsRows ? 2 : 1)]));

    [Dl4j("LastTimeStepVertex")]
    private static Dl4jTensor LastTimeStep(Dl4jLayer l)
    {
        l.RequireRank(3, "[batch, features, steps]");
        return l.Result(l.Emit("Gather", [l.X, l.Constant("last", Tensor.FromScalar(-1L))], ("axis", 2)));
    }

    [Dl4j("ReverseTimeSeriesVertex")]
    private static Dl4jTensor Reverse(Dl4jLayer l) => l.Result(l.Emit("Slice", [l.X, l.Ints(-1), l.Ints(long.MinValue), l.Ints(2), l.Ints(-1)]));

    /// <summary>[batch, features] at every step of the input named.</summary>
    [Dl4j("DuplicateToTimeSeriesVertex")]
    private static Dl4jTensor Duplicate(Dl4jLayer l)
    {
        string name = l.Config.Text("inputName", "");
        Dl4jTensor series = l.Vertex(name) ?? throw l.Damaged($"its series '{name}' is not computed before it");
        if (l.RankOf(series.Value) != 3) throw l.InputError($"its series '{name}' has shape {series.Value.Shape}, expected [batch, features, steps]");
        Value steps = l.Emit("Shape", [series.Value], ("start", 2), ("end", 3)), size = l.Emit("Concat", [l.Ints(1, 1), steps], ("axis", 0));
        return l.Result(l.Emit("Expand", [l.Emit("Unsqueeze", [l.X, l.Ints(2)]), size]));
    }

    [Dl4j("StackVertex")] private static Dl4jTensor Stack(Dl4jLayer l) => l.Result(l.Emit("Concat", [.. l.Inputs.Select(i => i.Value)], ("axis", 0)));

    [Dl4j("UnstackVertex")]
    private static Dl4jTensor Unstack(Dl4jLayer l)
    {
        long size = l.Config.Int("stackSize"), from = l.Config.Int("from");
        if (size is < 1 or > 1024 || from < 0 || from >= size) throw l.Damaged($"part {from} of {size}");
        return l.Result(l.EmitMany("Split", (int)size, [l.X], ("axis", 0), ("num_outputs", size))[from]);
    }

    [Dl4j("ScaleVertex")] private static Dl4jTensor Scale(Dl4jLayer l) => l.Result(l.Emit("Mul", [l.X, l.Scalar(l.Config.Real("scaleFactor", 1))]));
    [Dl4j("ShiftVertex")] private static Dl4jTensor Shift(Dl4jLayer l) => l.Result(l.Emit("Add", [l.X, l.Scalar(l.Config.Real("shiftFactor", 0))]));

    /// <summary>x over its Euclidean length, which is eps at least; over all axes but the batch unless told.</summary>
    [Dl4j("L2NormalizeVertex")]
    private static Dl4jTensor L2Normalize(Dl4jLayer l)
    {
        long[] axes = l.Config.Ints("dimension") is { Length: > 0 } given ? given : [.. Enumerable.Range(1, l.Rank - 1).Select(d => (long)d)];
        Value length = l.Emit("ReduceL2", [l.X, l.Ints(axes)], ("keepdims", 1));
        return l.Result(l.Emit("Div", [l.X, l.Emit("Max", [length, l.Scalar(l.Config.Real("eps", 1e-8))])]));
    }

    /// <summary>The Euclidean distance of two inputs, [batch, 1].</summary>
    [Dl4j("L2Vertex")]
    private static Dl4jTensor L2(Dl4jLayer l)
    {
        if (l.Inputs.Length != 2) throw l.Damaged($"it has {l.Inputs.Length} inputs, expected 2");
        Value difference = l.Emit("Sub", [l.X, l.Inputs[1].Value]);
        if (l.RankOf(difference) > 2) difference = l.Emit("Flatten", [difference], ("axis", 1));
        return l.Result(l.Emit("ReduceL2", [difference, l.Ints(1)], ("keepdims", 1)));
    }

    [Dl4j("ReshapeVertex", Limits = "Fortran order")]
    private static Dl4jTensor Reshape(Dl4jLayer l)
    {
        if (l.Config.Text("reshapeOrder", "c") != "c") throw l.Error("a reshape in Fortran order has no conversion");
        return l.Result(l.Reshape(l.X, l.Config.Ints("newShape") ?? throw l.Damaged("it has no newShape")));
    }

    [Dl4j("PreprocessorVertex")] private static Dl4jTensor Preprocess(Dl4jLayer l) => l.Convert(l.Config.Inner("preProcessor"), l.Name, l.Inputs);
    [Dl4j("FrozenVertex")] private static Dl4jTensor Frozen(Dl4jLayer l) => l.Convert(l.Config.Inner("underlying"), l.Name, l.Inputs);

    /// <summary>Without the first row and the first column.</summary>
    [Dl4j("PoolHelperVertex")] private static Dl4jTensor PoolHelper(Dl4jLayer l) => l.Result(l.Emit("Slice", [l.X, l.Ints(1, 1), l.Ints(long.MaxValue, long.MaxValue), l.Ints(2, 3)]));
}
