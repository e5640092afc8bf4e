using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;
using Option = EdgeLite.Converter.Importers.Tflite.TfliteOption.StableHlo;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>StableHLO's operators with a computation in another subgraph: control flow as it is, folds and orders by the one operator that
/// the subgraph consists of.</summary>
internal static class StableHloBodies
{
    [Tflite(TfliteOp.STABLEHLO_WHILE)]
    private static void While(TfliteNode n) => ControlFlow.Loop(n, n.Options2.Int32(Option.While.Condition), n.Options2.Int32(Option.While.Body));

    /// <summary>One branch by its number; numbers outside mean the last one. A chain of conditions.</summary>
    [Tflite(TfliteOp.STABLEHLO_CASE)]
    private static void Case(TfliteNode n)
    {
        int[] branches = n.Options2.Scalars<int>(Option.Case.Branches).ToArray();
        if (branches.Length == 0) throw n.Damaged("it has no branches");
        Value index = n.Reshape(n.Int64(0), []);
        index = n.Emit("Where", [n.Emit("Less", [index, n.Int(0)]), n.Int(branches.Length - 1), index]);
        Value[] inputs = [index, .. Enumerable.Range(1, n.InputCount - 1).Select(n.Raw)];
        ControlFlow.Finish(n, n.Importer.Choose(n.Graph, branches, 0, inputs, n.OutputCount));
    }

    [Tflite(TfliteOp.STABLEHLO_REDUCE, Limits = "several operands, computations other than sum, product, least, largest, and, or")]
    private static void Reduce(TfliteNode n)
    {
        FlatTable o = n.Options2;
        if (n.InputCount != 2) throw n.Error($"{n.InputCount} inputs; only one operand is supported");
        string function = Function(n, o.Int32(Option.Reduce.Body)) ?? throw n.Error("its computation is not supported");
        (string fold, bool isLogical) = function switch
        {
            "Add" => ("ReduceSum", false),
            "Mul" => ("ReduceProd", false),
            "Max" => ("ReduceMax", false),
            "Min" => ("ReduceMin", false),
            "Or" => ("ReduceMax", true),
            _ => ("ReduceMin", true),
        };
        if (isLogical != (n.Input(0).DType == DType.Bool)) throw n.Error($"{function} over {n.Input(0).DType.Name()} is not supported");
        Value folded = n.Emit(fold, [n.Real(0), n.Ints(o.Scalars<long>(Option.Reduce.Dimensions))], ("keepdims", 0), ("noop_with_empty_axes", 1));
        n.SetReal(0, n.Emit(function, [folded, n.Reshape(n.Real(1), [])]));
    }

    [Tflite(TfliteOp.STABLEHLO_REDUCE_WINDOW, Limits = "several operands, free sizes, computations other than sum, product, least, largest, and, or, windows above 256")]
    private static void ReduceWindow(TfliteNode n)
    {
        FlatTable o = n.Options2;
        if (n.InputCount != 2) throw n.Error($"{n.InputCount} inputs; only one operand is supported");
        string function = Function(n, o.Int32(Option.ReduceWindow.Body)) ?? throw n.Error("its computation is not supported");
        long[] dims = StableHloMovement.Sizes(n, n.Input(0));
        long[] window = Each(Option.ReduceWindow.Window), strides = Each(Option.ReduceWindow.Strides), between = Each(Option.ReduceWindow.BaseDilations), dilations = Each(Option.ReduceWindow.WindowDilations);
        ReadOnlySpan<long> padding = n.Options2.Scalars<long>(Option.ReduceWindow.Padding);
        if (padding.Length != 0 && padding.Length != 2 * dims.Length) throw n.Damaged($"{padding.Length} pads for {dims.Length} dimensions");
        Value initial = n.Reshape(n.Real(1), []), x = Shapes.Dilated(n, n.Real(0), dims, between, initial);
        long[] padded = [.. dims.Select((d, i) => d == 0 ? 0 : (d - 1) * between[i] + 1)];
        if (padding.Length > 0)
        {
            long[] pads = new long[2 * dims.Length];
            for (int d = 0; d < dims.Length; d++)
            {
                (pads[d], pads[dims.Length + d]) = (padding[2 * d], padding[2 * d + 1]);
                padded[d] += padding[2 * d] + padding[2 * d + 1];
            }
            x = n.Emit("Pad", [x, n.Ints(pads), initial]);
        }
        n.SetReal(0, n.Emit(function, [Pooling.Windows(n, x, function, padded, window, strides, dilations), initial]));

        long[] Each(int field)
        {
            long[] values = n.Options2.Scalars<long>(field).ToArray();
            return values.Length == 0 ? [.. dims.Select(_ => 1L)] : values.Length == dims.Length && values.All(v => v >= 1) ? values : throw n.Damaged("its windows do not fit the operand");
        }
    }

    /// <summary>Operands in the order of the first one; a comparison of its elements is the whole comparator.</summary>
    [Tflite(TfliteOp.STABLEHLO_SORT, Limits = "comparators other than one comparison of the first operand's elements")]
    private static void Sort(TfliteNode n)
    {
        FlatTable o = n.Options2;
        TfliteSubgraph comparator = n.Importer.Subgraph(o.Int32(Option.Sort.Comparator));
        if (comparator.Operators is not [var only] || comparator.Outputs is not [var result] || only.Outputs is not [var written] || written != result || only.Inputs is not [var a, var b]
            || comparator.Inputs.Length < 2 || !(a == comparator.Inputs[0] && b == comparator.Inputs[1] || b == comparator.Inputs[0] && a == comparator.Inputs[1]))
            throw n.Error("its comparator is not supported");
        string comparison = only.Op switch
        {
            TfliteOp.LESS or TfliteOp.LESS_EQUAL => "Less",
            TfliteOp.GREATER or TfliteOp.GREATER_EQUAL => "Greater",
            TfliteOp.STABLEHLO_COMPARE when StableHlo.Comparison(n, n.Scope.Model.Options2(only)) is "Less" or "LessOrEqual" => "Less",
            TfliteOp.STABLEHLO_COMPARE when StableHlo.Comparison(n, n.Scope.Model.Options2(only)) is "Greater" or "GreaterOrEqual" => "Greater",
            _ => throw n.Error("its comparator is not supported"),
        };
        int axis = n.Axis(o.Int64(Option.Sort.Dimension), n.Input(0).Rank);
        Value size = n.Emit("Shape", [n.Raw(0)], ("start", axis), ("end", axis + 1));
        bool descends = comparison == "Greater" == (a == comparator.Inputs[0]);
        Value[] sorted = n.EmitMany("TopK", 2, [n.Raw(0), size], AttributeSet.Of(("axis", (long)axis), ("largest", descends ? 1L : 0)));
        n.SetRaw(0, sorted[0]);
        for (int i = 1; i < n.InputCount; i++) n.SetRaw(i, n.Emit("GatherElements", [n.Raw(i), sorted[1]], ("axis", (long)axis)));
    }

    /// <summary>The ONNX operator that a computation of two scalars is; null where it gives the second one. Others are refused.</summary>
    internal static string? Function(TfliteNode n, int subgraph)
    {
        TfliteSubgraph body = n.Importer.Subgraph(subgraph);
        if (body.Inputs is not [var first, var second] || body.Outputs is not [var result]) throw n.Error($"the computation '{body.Name}' is not one of two numbers");
        if (body.Operators.Length == 0 && result == second) return null;
        if (body.Operators is not [var only] || only.Outputs is not [var written] || written != result || !only.Inputs.Order().SequenceEqual(new[] { first, second }.Order()))
            throw n.Error($"the computation '{body.Name}' is not supported: it is not a single operator");
        return only.Op switch
        {
            TfliteOp.ADD or TfliteOp.STABLEHLO_ADD => "Add",
            TfliteOp.MUL or TfliteOp.STABLEHLO_MULTIPLY => "Mul",
            TfliteOp.MAXIMUM or TfliteOp.STABLEHLO_MAXIMUM => "Max",
            TfliteOp.MINIMUM or TfliteOp.STABLEHLO_MINIMUM => "Min",
            TfliteOp.LOGICAL_AND or TfliteOp.STABLEHLO_AND => "And",
            TfliteOp.LOGICAL_OR or TfliteOp.STABLEHLO_OR => "Or",
            var other => throw n.Error($"the computation '{body.Name}' is not supported: it is {other}"),
        };
    }
}
