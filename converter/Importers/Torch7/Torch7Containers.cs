using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Modules made of modules, and those that work on tables.</summary>
internal static class Torch7Containers
{
    [Torch7("Sequential", "SpatialLPPooling")]
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
        return m.Emit("Concat", parts, ("axis", m.Dimension(m.Int("dimension"), m.RankOf(parts[0]))));
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

    [Torch7("Identity", "Dropout", "SpatialDropout", "VolumetricDropout", "Contiguous", "Copy", "WhiteNoise", "GradientReversal")] private static object Same(Torch7Module m) => m.Input;

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
