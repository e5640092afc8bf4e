using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Modules made of modules, and those that work on tables.</summary>
internal static class Torch7Containers
{
    /// <summary>Wrappers hold the one module that they stand for.</summary>
    [Torch7("Sequential", "SpatialLPPooling", "Decorator", "Inception", "DontCast", "GPU", "LayerNormalization", "Maxout", "NaN", "Profile", "Serial")]
    private static object Sequential(Torch7Module m)
    {
        object value = m.Input;
        int i = 0;
        foreach (LuaObject child in m.Children) value = m.Convert(child, value, ++i);
        return value;
    }

    /// <summary>The module inside, whose weight the file leaves out: each row v of a matrix becomes g v / sqrt(|v|^2 + 1e-4), rows being the dimension outputDim of
    /// the weight, which in v comes first.</summary>
    [Torch7("WeightNorm")]
    private static object WeightNorm(Torch7Module m)
    {
        long[] rows = m.SizesOf("v"), sizes = m.Sizes("weightSize");
        int first = (int)m.Int("outputDim", 1) - 1;
        if (rows is not [var count, var each] || first < 0 || first >= sizes.Length || sizes[first] != count || new Core.Shape(sizes).Count != count * each) throw m.Damaged("its weight does not fit v");
        Core.Tensor v = m.Weights("v", rows), g = m.Weights("g", count);
        var scaled = new double[count * each];
        for (long o = 0; o < count; o++)
        {
            double square = 1e-4;
            for (long i = 0; i < each; i++) square += v.GetDouble(o * each + i) * v.GetDouble(o * each + i);
            for (long i = 0; i < each; i++) scaled[o * each + i] = v.GetDouble(o * each + i) * g.GetDouble(o) / Math.Sqrt(square);
        }
        long[] strides = new long[sizes.Length];
        long step = 1;
        for (int d = sizes.Length - 1; d >= 0; d--)
        {
            if (d == first) continue;
            strides[d] = step;
            step *= sizes[d];
        }
        strides[first] = step;
        LuaObject inside = m.Children is [var only] ? only : throw m.Damaged("it has not one module");
        if (inside.Content is not LuaTable fields) throw m.Damaged("its module has no fields");
        fields.Items["weight"] = new LuaTensor(sizes, strides, 1) { Storage = new LuaStorage(Core.DType.Float32, scaled) };
        return m.Convert(inside, m.Input, 1);
    }

    /// <summary>relu(x) and relu(-x) side by side.</summary>
    [Torch7("CReLU")]
    private static object CRelu(Torch7Module m) => m.Emit("Relu", [m.Emit("Concat", [m.X, m.Emit("Neg", [m.X])], ("axis", m.RankOf(m.X) == m.Int("nInputDims") + 1 ? 1 : 0))]);

    /// <summary>All dimensions before the last nInputDim - 1 are one for the module inside.</summary>
    [Torch7("Bottle", Limits = "a module that changes the number of dimensions")]
    private static object Bottle(Torch7Module m)
    {
        int inner = (int)m.Int("nInputDim", 2);
        if (m.Int("nOutputDim", inner) != inner) throw m.Error("a module that changes the number of dimensions is not supported");
        int joined = m.RankOf(m.X) - inner + 1;
        if (joined <= 1) return m.Convert(m.Children[0], m.Input, 1);
        Value flat = m.Emit("Reshape", [m.X, m.Emit("Concat", [m.Ints(-1), m.Sizes(m.X, joined, joined + inner - 1)], ("axis", 0))]);
        var y = (Value)m.Convert(m.Children[0], flat, 1);
        return m.Emit("Reshape", [y, m.Emit("Concat", [m.Sizes(m.X, 0, joined), m.Sizes(y, 1, inner)], ("axis", 0))]);
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

    [Torch7("CAddTable")] private static object CAddTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Add", [a, Like(m, a, b)]));
    [Torch7("CMulTable")] private static object CMulTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Mul", [a, Like(m, a, b)]));
    [Torch7("CMaxTable")] private static object CMaxTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Max", [a, Like(m, a, b)]));
    [Torch7("CMinTable")] private static object CMinTable(Torch7Module m) => m.Tensors.Aggregate((a, b) => m.Emit("Min", [a, Like(m, a, b)]));
    [Torch7("CSubTable")] private static object CSubTable(Torch7Module m) => m.Emit("Sub", [m.Tensors[0], Like(m, m.Tensors[0], m.Tensors[1])]);
    [Torch7("CDivTable")] private static object CDivTable(Torch7Module m) => m.Emit("Div", [m.Tensors[0], Like(m, m.Tensors[0], m.Tensors[1])]);

    /// <summary>Torch takes two tensors of as many elements number by number in their order, whatever their shapes.</summary>
    private static Value Like(Torch7Module m, Value a, Value b) => a.Shape.IsKnown && b.Shape.IsKnown && a.Shape != b.Shape && a.Shape.Count == b.Shape.Count ? m.Reshape(b, a.Shape.AsSpan()) : b;

    [Torch7("SelectTable")]
    private static object SelectTable(Torch7Module m)
    {
        long i = m.Int("index");
        return m.Table[i < 0 ? m.Table.Length + i : i - 1];
    }

    [Torch7("NarrowTable")] private static object NarrowTable(Torch7Module m) => m.Table.Skip((int)m.Int("offset") - 1).Take((int)m.Int("length", 1)).ToArray();
    [Torch7("FlattenTable")] private static object FlattenTable(Torch7Module m) => Torch7Module.Flat(m.Input).ToArray<object>();

    [Torch7("ZipTable")]
    private static object ZipTable(Torch7Module m)
    {
        object[][] rows = [.. m.Table.Select(t => t as object[] ?? throw m.InputError("its table holds tensors; tables were expected"))];
        return Enumerable.Range(0, rows.Max(r => r.Length)).Select(j => (object)rows.Where(r => j < r.Length).Select(r => r[j]).ToArray()).ToArray();
    }

    [Torch7("ZipTableOneToMany")] private static object ZipTableOneToMany(Torch7Module m) => Second(m).Select(t => (object)new[] { m.Table[0], t }).ToArray();
    [Torch7("CAddTensorTable")] private static object CAddTensorTable(Torch7Module m) => Second(m).Select(t => (object)m.Emit("Add", [(Value)t, (Value)m.Table[0]])).ToArray();

    private static object[] Second(Torch7Module m) => m.Table is [_, object[] many] ? many : throw m.InputError("its input is not a tensor and a table");

    /// <summary>The sum of experts, each times its column of the gate; experts are a table, or a tensor along a dimension.</summary>
    [Torch7("MixtureTable")]
    private static object MixtureTable(Torch7Module m)
    {
        if (m.Table is not [Value gate, var experts]) throw m.InputError("its input is not a gate and experts");
        int batch = m.RankOf(gate) - 1;
        if (experts is Value all)
        {
            int axis = m.Dimension(m.Int("dim", batch + 1), m.RankOf(all));
            long[] sizes = [.. Enumerable.Repeat(1L, m.RankOf(all))];
            if (batch > 0) sizes[0] = 0;
            sizes[axis] = -1;
            return m.Emit("ReduceSum", [m.Emit("Mul", [all, m.Reshape(gate, sizes)]), m.Ints(axis)], ("keepdims", 0));
        }
        Value[] terms = [.. ((object[])experts).Select((e, i) =>
        {
            Value column = m.Emit("Slice", [gate, m.Ints(i), m.Ints(i + 1), m.Ints(batch)]);
            long[] sizes = [.. Enumerable.Repeat(1L, m.RankOf((Value)e))];
            if (batch > 0) sizes[0] = 0;
            return m.Emit("Mul", [(Value)e, m.Reshape(column, sizes)]);
        })];
        return terms.Aggregate((a, b) => m.Emit("Add", [a, b]));
    }

    /// <summary>Indices count from 1.</summary>
    [Torch7("Index")]
    private static object Index(Torch7Module m) => m.Emit("Gather", [m.Tensors[0], m.Emit("Sub", [m.Cast(m.Tensors[1], Core.DType.Int64), m.Constant("one", Core.Tensor.FromScalar(1L))])], ("axis", m.Dimension(m.Int("dimension"), m.RankOf(m.Tensors[0]))));

    [Torch7("SplitTable", Limits = "a free size of what it splits")]
    private static object SplitTable(Torch7Module m)
    {
        int axis = m.Dimension(m.Int("dimension"), m.RankOf(m.X), m.Int("nInputDims", 0));
        long n = m.X.Shape[axis];
        if (n is < 0 or > 4096) throw m.InputError("the size that it splits must be known (at most 4096)");
        return Enumerable.Range(0, (int)n).Select(i => (object)m.Emit("Gather", [m.X, m.Constant("index", Core.Tensor.FromScalar((long)i))], ("axis", axis))).ToArray();
    }

    /// <summary>Dropout of the second version scales in training, all others when they are evaluated.</summary>
    [Torch7("Dropout", "SpatialDropout", "VolumetricDropout")]
    private static object Dropout(Torch7Module m) => m.Bool("v2", false) || m.Number("p", 0.5) <= 0 ? m.Input : m.Emit("Mul", [m.X, m.Scalar(1 - m.Number("p", 0.5))]);

    [Torch7("Identity", "Contiguous", "Copy", "WhiteNoise", "GradientReversal", "L1Penalty", "PrintSize", "TotalVariation", "ZeroGrad")] private static object Same(Torch7Module m) => m.Input;

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
