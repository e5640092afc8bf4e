using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>Sums, extremes, sorting.</summary>
internal static class Reductions
{
    [Torch("mean", OnParts = true)] private static object? Mean(TorchCall c) => Reduce(c, "ReduceMean", Typed(c, c.Tensor(0)));

    [Torch("sum", OnParts = true)]
    private static object? Sum(TorchCall c)
    {
        if (c.Arg(0) is TorchList { Items: var items } && items.All(TorchCall.IsNumber))
            return items.Aggregate((object?)0L, (a, b) => c.Interpreter.Apply("add", [a, b], []));
        return Reduce(c, "ReduceSum", Counted(c));
    }

    [Torch("prod")] private static object? Prod(TorchCall c) => Reduce(c, "ReduceProd", Counted(c));

    /// <summary>The input in the type that argument dtype asks for.</summary>
    private static Value Typed(TorchCall c, Value x) => c.Option("dtype") is long n ? c.Cast(x, TorchArchive.ScalarType(n)) : x;

    /// <summary>The same; without the argument integers and truth values become int64.</summary>
    private static Value Counted(TorchCall c) => c.Option("dtype") is null && !c.Tensor(0).DType.IsFloat() ? c.Cast(c.Tensor(0), DType.Int64) : Typed(c, c.Tensor(0));

    [Torch("amax")] private static object? Amax(TorchCall c) => Reduce(c, "ReduceMax", c.Tensor(0));
    [Torch("amin")] private static object? Amin(TorchCall c) => Reduce(c, "ReduceMin", c.Tensor(0));
    [Torch("logsumexp")] private static object? LogSumExp(TorchCall c) => Reduce(c, "ReduceLogSumExp", c.Tensor(0));

    /// <summary>(input, dim = all, keepdim = False)</summary>
    private static TorchBox Reduce(TorchCall c, string opType, Value x)
    {
        bool all = c.Arg(1) is null || c.Items(1).Count == 0;
        Value?[] inputs = all ? [x] : [x, c.IntTensor(c.Ints(1))];
        return TorchCall.Box(c.Emit(opType, inputs, ("keepdims", !all && c.Bool(2, false) ? 1 : 0)));
    }

    [Torch("max")] private static object? Max(TorchCall c) => Extreme(c, "Max", "ReduceMax", "ArgMax", Math.Max);
    [Torch("min")] private static object? Min(TorchCall c) => Extreme(c, "Min", "ReduceMin", "ArgMin", Math.Min);
    [Torch("maximum")] private static object? Maximum(TorchCall c) => Elementwise(c, "Max");
    [Torch("minimum")] private static object? Minimum(TorchCall c) => Elementwise(c, "Min");
    [Torch("prim.max")] private static object? PrimMax(TorchCall c) => Extreme(c, "Max", "ReduceMax", "ArgMax", Math.Max);
    [Torch("prim.min")] private static object? PrimMin(TorchCall c) => Extreme(c, "Min", "ReduceMin", "ArgMin", Math.Min);

    private static TorchBox Elementwise(TorchCall c, string opType)
    {
        (Value a, Value b, _) = Arithmetic.Promote(c, c.Arg(0), c.Arg(1));
        return TorchCall.Box(c.Emit(opType, [a, b]));
    }

    /// <summary>max(x), max(x, other), max(x, dim, keepdim) -> (values, indices); on numbers and lists of numbers as in Python.</summary>
    private static object? Extreme(TorchCall c, string opType, string reduce, string arg, Func<double, double, double> known)
    {
        if (c.Arg(0) is TorchList l) return l.Items.Aggregate((a, b) => Two(c, a, b, opType, known));
        if (TorchCall.IsNumber(c.Arg(0))) return Two(c, c.Arg(0), c.Arg(1), opType, known);
        Value x = c.Tensor(0);
        if (c.Arg(1) is TorchBox) return Elementwise(c, opType);
        if (c.Arg(1) is null) return TorchCall.Box(c.Emit(reduce, [x], ("keepdims", 0)));
        int keep = c.Bool(2, false) ? 1 : 0;
        return new TorchTuple([TorchCall.Box(c.Emit(reduce, [x, c.IntTensor(c.Int(1))], ("keepdims", keep))), TorchCall.Box(c.Emit(arg, [x], ("axis", c.Int(1)), ("keepdims", keep)))]);
    }

    private static object? Two(TorchCall c, object? a, object? b, string opType, Func<double, double, double> known)
    {
        if (a is long x && b is long y) return opType == "Max" ? Math.Max(x, y) : Math.Min(x, y);
        ScalarKind kind = TorchInterpreter.KindOf(a) == ScalarKind.Float || TorchInterpreter.KindOf(b) == ScalarKind.Float ? ScalarKind.Float : ScalarKind.Int;
        (a, b) = (c.Interpreter.ToScalar(a, kind), c.Interpreter.ToScalar(b, kind));
        if (a is double p && b is double q) return known(p, q);
        return new TorchScalar(c.Emit(opType, [c.Interpreter.ScalarValue(a, kind), c.Interpreter.ScalarValue(b, kind)]), kind);
    }

    [Torch("argmax")] private static object? ArgMax(TorchCall c) => Arg(c, "ArgMax");
    [Torch("argmin")] private static object? ArgMin(TorchCall c) => Arg(c, "ArgMin");

    private static TorchBox Arg(TorchCall c, string opType)
    {
        Value x = c.Tensor(0);
        if (!c.IsNone(1)) return TorchCall.Box(c.Emit(opType, [x], ("axis", c.Int(1)), ("keepdims", c.Bool(2, false) ? 1 : 0)));
        return TorchCall.Box(c.Emit(opType, [c.Reshape(x, -1)], ("axis", 0), ("keepdims", 0)));
    }

    /// <summary>(input, unbiased) or (input, dim, unbiased or correction, keepdim)</summary>
    [Torch("var")] private static object? Var(TorchCall c) => TorchCall.Box(Variance(c));
    [Torch("std")] private static object? Std(TorchCall c) => TorchCall.Box(c.Emit("Sqrt", [Variance(c)]));

    private static Value Variance(TorchCall c)
    {
        Value x = c.Tensor(0);
        int rank = c.Rank(x);
        bool all = c.Arg(1) is null or bool;
        long[] axes = all ? [.. Enumerable.Range(0, rank).Select(d => (long)d)] : c.Ints(1);
        object? given = all ? c.Arg(1) : c.Arg(2);
        double correction = (given ?? c.Option("correction") ?? c.Option("unbiased")) switch { null => 1, bool b => b ? 1 : 0, long n => n, double f => f, _ => throw c.Error("its correction is not known") };
        int keep = (c.Option("keepdim") as bool? ?? (!all && c.Bool(3, false))) ? 1 : 0;
        Value d = c.Emit("Sub", [x, c.Emit("ReduceMean", [x, c.IntTensor(axes)], ("keepdims", 1))]);
        Value square = c.Emit("Mul", [d, d]);
        if (correction == 0) return c.Emit("ReduceMean", [square, c.IntTensor(axes)], ("keepdims", keep));
        Value sum = c.Emit("ReduceSum", [square, c.IntTensor(axes)], ("keepdims", keep));
        object? count = 1L;
        foreach (long a in axes) count = c.Interpreter.Apply("mul", [count, c.Size(x, c.Axis(a, rank))], []);
        count = c.Interpreter.Apply("sub", [c.Interpreter.ToScalar(count, ScalarKind.Float), correction], []);
        return c.Emit("Div", [sum, c.Interpreter.ScalarLike(count, x.DType)]);
    }

    /// <summary>(input, p, dim, keepdim)</summary>
    [Torch("norm", "linalg_vector_norm")]
    private static object? Norm(TorchCall c)
    {
        Value x = Typed(c, c.Tensor(0));
        double p = c.Arg(1) is null ? 2 : c.Number(1, 2);
        bool all = c.Arg(2) is null || c.Items(2).Count == 0;
        Value Reduced(string opType, Value of) => c.Emit(opType, all ? [of] : [of, c.IntTensor(c.Ints(2))], ("keepdims", !all && c.Bool(3, false) ? 1 : 0));
        return TorchCall.Box(p switch
        {
            0 => Reduced("ReduceSum", c.Cast(c.Cast(x, DType.Bool), x.DType)),
            1 => Reduced("ReduceL1", x),
            2 => Reduced("ReduceL2", x),
            double.PositiveInfinity => Reduced("ReduceMax", c.Emit("Abs", [x])),
            double.NegativeInfinity => Reduced("ReduceMin", c.Emit("Abs", [x])),
            _ => c.Emit("Pow", [Reduced("ReduceSum", c.Emit("Pow", [c.Emit("Abs", [x]), c.Scalar(x.DType, p)])), c.Scalar(x.DType, 1 / p)]),
        });
    }

    [Torch("cumsum", OnParts = true)] private static object? CumSum(TorchCall c) => Cumulative(c, "CumSum");
    [Torch("cumprod")] private static object? CumProd(TorchCall c) => Cumulative(c, "CumProd");

    /// <summary>(input, dim, *, dtype): integers and truth values are counted in int64.</summary>
    private static TorchBox Cumulative(TorchCall c, string opType)
    {
        Value x = c.Tensor(0);
        DType type = (c.Arg(2) ?? c.Option("dtype")) is long n ? TorchArchive.ScalarType(n) : x.DType.IsFloat() ? x.DType : DType.Int64;
        return TorchCall.Box(c.Emit(opType, [c.Cast(x, type), c.Interpreter.ScalarValue(c.Int(1), ScalarKind.Int)]));
    }

    /// <summary>(input, sorted, return_inverse, return_counts) -> (values, inverse, counts) of the flattened tensor; always sorted.</summary>
    [Torch("_unique2", "_unique", Notes = "NaN counts once, where PyTorch lists each")]
    private static object? Unique(TorchCall c)
    {
        Value x = c.Tensor(0);
        Value[] r = c.EmitMany("Unique", 4, [x], ("sorted", 1));
        return new TorchTuple([TorchCall.Box(r[0]), TorchCall.Box(c.Emit("Reshape", [r[2], c.Emit("Shape", [x])])), TorchCall.Box(r[3])]);
    }

    /// <summary>(input, k, dim, largest, sorted)</summary>
    [Torch("topk", Notes = "of equal elements the first, which PyTorch leaves open")]
    private static object? TopK(TorchCall c)
    {
        Value[] r = c.EmitMany("TopK", 2, [c.Tensor(0), c.SizeTensor([c.Arg(1)])], ("axis", c.Int(2, -1)), ("largest", c.Bool(3, true) ? 1 : 0));
        return new TorchTuple([TorchCall.Box(r[0]), TorchCall.Box(r[1])]);
    }

    /// <summary>(input, dim, descending), or (input, *, stable, dim, descending); equal elements keep their order either way.</summary>
    [Torch("sort")]
    private static object? Sort(TorchCall c)
    {
        Value x = c.Tensor(0);
        c.Option("stable");
        int axis = c.Axis(c.Known(c.Arg(1, "dim") ?? -1L, "dim"), c.Rank(x));
        Value[] r = c.EmitMany("TopK", 2, [x, c.SizeTensor([c.Size(x, axis)])], ("axis", axis), ("largest", c.Arg(2, "descending") is true ? 1 : 0));
        return new TorchTuple([TorchCall.Box(r[0]), TorchCall.Box(r[1])]);
    }

    [Torch("any")] private static object? Any(TorchCall c) => c.Arg(0) is TorchList l ? OfList(c, l, "__or__", false) : Truth(c, "ReduceMax");
    [Torch("all")] private static object? All(TorchCall c) => c.Arg(0) is TorchList l ? OfList(c, l, "__and__", true) : Truth(c, "ReduceMin");

    /// <summary>Python's all and any of a list of numbers.</summary>
    private static object? OfList(TorchCall c, TorchList list, string op, object? result)
    {
        foreach (object? item in list.Items) result = c.Interpreter.Apply(op, [result, c.Interpreter.ToScalar(item, ScalarKind.Bool)], []);
        return result;
    }

    private static TorchBox Truth(TorchCall c, string opType)
    {
        Value x = c.Cast(c.Cast(c.Tensor(0), DType.Bool), DType.Int32);
        bool all = c.IsNone(1);
        return TorchCall.Box(c.Cast(c.Emit(opType, all ? [x] : [x, c.IntTensor(c.Ints(1))], ("keepdims", !all && c.Bool(2, false) ? 1 : 0)), DType.Bool));
    }
}
