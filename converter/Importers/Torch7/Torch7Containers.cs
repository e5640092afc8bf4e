using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Modules made of modules, and those that work on tables.</summary>
internal static class Torch7Containers
{
    /// <summary>Wrappers hold the one module that they stand for.</summary>
    [Torch7("Sequential", "SpatialLPPooling", "Decorator", "Inception", "DontCast", "GPU", "NaN", "Profile", "Serial")]
    private static object Sequential(Torch7Module m)
    {
        object value = m.Input;
        int i = 0;
        foreach (LuaObject child in m.Children) value = m.Convert(child, value, ++i);
        return value;
    }

    [Torch7("ConcatTable")] private static object ConcatTable(Torch7Module m) => m.Children.Select((c, i) => m.Convert(c, m.Input, i + 1)).ToArray();

    [Torch7("ParallelTable")]
    private static object ParallelTable(Torch7Module m)
    {
        object[] table = m.Table;
        LuaObject[] children = m.Children;
        if (table.Length < children.Length) throw m.InputError($"{table.Length} inputs for {children.Length} modules");
        return children.Select((c, i) => m.Convert(c, table[i], i + 1)).ToArray();
    }

    [Torch7("MapTable")] private static object MapTable(Torch7Module m) => m.Table.Select((t, i) => m.Convert(m.Children[0], t, i + 1)).ToArray();

    [Torch7("Concat")]
    private static object Concat(Torch7Module m)
    {
        Value[] parts = [.. m.Children.Select((c, i) => (Value)m.Convert(c, m.Input, i + 1))];
        if (parts.Length == 0) throw m.Damaged("it has no modules");
        return m.Emit("Concat", parts, ("axis", m.Dimension(m.Int("dimension"), m.RankOf(parts[0]))));
    }

    /// <summary>Concat of maps of several sizes, the smaller ones in the middle of zeros.</summary>
    [Torch7("DepthConcat")]
    private static object DepthConcat(Torch7Module m)
    {
        Value[] parts = [.. m.Children.Select((c, i) => (Value)m.Convert(c, m.Input, i + 1))];
        if (parts.Length == 0) throw m.Damaged("it has no modules");
        int rank = m.RankOf(parts[0]), along = m.Dimension(m.Int("dimension"), rank);
        if (parts.Any(p => m.RankOf(p) != rank)) throw m.InputError("its parts differ in the number of dimensions");
        for (int axis = 0; axis < rank; axis++)
        {
            if (axis == along || parts.All(p => p.Shape[axis] == parts[0].Shape[axis])) continue;
            if (parts.Any(p => p.Shape[axis] < 0)) throw m.InputError($"dimension {axis + 1} of its parts must be known; give the inputs a size with --shape");
            long largest = parts.Max(p => p.Shape[axis]);
            for (int i = 0; i < parts.Length; i++)
            {
                long missing = largest - parts[i].Shape[axis];
                if (missing == 0) continue;
                long[] pads = new long[2 * rank];
                (pads[axis], pads[rank + axis]) = (missing / 2, missing - missing / 2);
                parts[i] = m.Emit("Pad", [parts[i], m.Ints(pads)]);
            }
        }
        return m.Emit("Concat", parts, ("axis", along));
    }

    /// <summary>A module for each slice of a dimension; their results are joined.</summary>
    [Torch7("Parallel")]
    private static object Parallel(Torch7Module m)
    {
        int axis = m.Dimension(m.Int("inputDimension"), m.RankOf(m.X));
        Value[] parts = [.. m.Children.Select((c, i) => (Value)m.Convert(c, m.Emit("Gather", [m.X, m.Constant("index", Core.Tensor.FromScalar((long)i))], ("axis", axis)), i + 1))];
        return m.Emit("Concat", parts, ("axis", m.Dimension(m.Int("outputDimension"), m.RankOf(parts[0]))));
    }

    [Torch7("JoinTable")]
    private static object JoinTable(Torch7Module m) => m.Emit("Concat", m.Tensors, ("axis", m.Dimension(m.Int("dimension"), m.RankOf(m.Tensors[0]), m.Int("nInputDims", 0))));

    [Torch7("CAddTable")] private static object CAddTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Add", [a, b]));
    [Torch7("CMulTable")] private static object CMulTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Mul", [a, b]));
    [Torch7("CMaxTable")] private static object CMaxTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Max", [a, b]));
    [Torch7("CMinTable")] private static object CMinTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Min", [a, b]));
    [Torch7("CSubTable")] private static object CSubTable(Torch7Module m) => m.Emit("Sub", [m.Tensors[0], m.Tensors[1]]);
    [Torch7("CDivTable")] private static object CDivTable(Torch7Module m) => m.Emit("Div", [m.Tensors[0], m.Tensors[1]]);

    [Torch7("SelectTable")]
    private static object SelectTable(Torch7Module m)
    {
        long i = m.Int("index");
        return m.Table[i < 0 ? m.Table.Length + i : i - 1];
    }

    [Torch7("NarrowTable")] private static object NarrowTable(Torch7Module m) => m.Table.Skip((int)m.Int("offset") - 1).Take((int)m.Int("length", 1)).ToArray();
    [Torch7("FlattenTable")] private static object FlattenTable(Torch7Module m) => Torch7Module.Flat(m.Input).ToArray<object>();

    [Torch7("SplitTable", Limits = "a free size of what it splits")]
    private static object SplitTable(Torch7Module m)
    {
        int axis = m.Dimension(m.Int("dimension"), m.RankOf(m.X), m.Int("nInputDims", 0));
        long n = m.X.Shape[axis];
        if (n is < 0 or > 4096) throw m.InputError("the size that it splits must be known (at most 4096)");
        return Enumerable.Range(0, (int)n).Select(i => (object)m.Emit("Gather", [m.X, m.Constant("index", Core.Tensor.FromScalar((long)i))], ("axis", axis))).ToArray();
    }

    [Torch7("Identity", "Dropout", "SpatialDropout", "VolumetricDropout", "Contiguous", "Copy", "WhiteNoise", "GradientReversal", "L1Penalty", "PrintSize", "TotalVariation", "ZeroGrad")] private static object Same(Torch7Module m) => m.Input;

    [Torch7("DotProduct")] private static object DotProduct(Torch7Module m) => Sum(m, m.Emit("Mul", [m.Tensors[0], m.Tensors[1]]));

    /// <summary>The product of two vectors over their lengths, 1e-12 added to each square.</summary>
    [Torch7("CosineDistance")]
    private static object CosineDistance(Torch7Module m)
    {
        Value a = m.Tensors[0], b = m.Tensors[1];
        Value Square(Value x) => m.Emit("Add", [Sum(m, m.Emit("Mul", [x, x])), m.Scalar(1e-12)]);
        return m.Emit("Div", [Sum(m, m.Emit("Mul", [a, b])), m.Emit("Sqrt", [m.Emit("Mul", [Square(a), Square(b)])])]);
    }

    [Torch7("PairwiseDistance", Limits = "norms other than 1 and 2")]
    private static object PairwiseDistance(Torch7Module m)
    {
        string opType = m.Number("norm", 2) switch { 1 => "ReduceL1", 2 => "ReduceL2", var other => throw m.Error($"norm {other} has no conversion") };
        return m.Emit(opType, [m.Emit("Sub", [m.Tensors[0], m.Tensors[1]]), m.Ints(-1)], ("keepdims", m.RankOf(m.Tensors[0]) == 1 ? 1 : 0));
    }

    /// <summary>Over the last dimension; of two vectors without a batch a tensor of one element.</summary>
    private static Value Sum(Torch7Module m, Value x) => m.Emit("ReduceSum", [x, m.Ints(-1)], ("keepdims", m.RankOf(x) == 1 ? 1 : 0));

    /// <summary>x1 W_k x2 + bias_k.</summary>
    [Torch7("Bilinear")]
    private static object Bilinear(Torch7Module m)
    {
        Value y = m.Emit("Einsum", [m.Tensors[0], m.Weight("weight", m.SizesOf("weight")), m.Tensors[1]], ("equation", "ni,kij,nj->nk"));
        return m.Has("bias") ? m.Emit("Add", [y, m.Weight("bias", m.CountOf("bias"))]) : y;
    }

    [Torch7("MV")]
    private static object Mv(Torch7Module m)
    {
        Value a = m.Tensors[0], v = m.Emit("Unsqueeze", [m.Tensors[1], m.Ints(-1)]);
        return m.Emit("Squeeze", [m.Emit("MatMul", [m.Bool("trans", false) ? Swap(m, a) : a, v]), m.Ints(-1)]);
    }

    [Torch7("MM")]
    private static object Mm(Torch7Module m)
    {
        Value a = m.Tensors[0], b = m.Tensors[1];
        return m.Emit("MatMul", [m.Bool("transA", false) ? Swap(m, a) : a, m.Bool("transB", false) ? Swap(m, b) : b]);
    }

    private static Value Swap(Torch7Module m, Value x)
    {
        int r = m.RankOf(x);
        return m.Emit("Transpose", [x], ("perm", (long[])[.. Enumerable.Range(0, r - 2).Select(d => (long)d), r - 1, r - 2]));
    }
}
