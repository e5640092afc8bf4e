using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Cntk;
using EdgeLite.Converter.Importers.Cntk.Proto;
using EdgeLite.Converter.Ir;
using Google.Protobuf;

namespace EdgeLite.Tests.Importers;

/// <summary>Writes models of CNTK version 2: values of its dictionaries, and networks of them.</summary>
internal static class CntkFile
{
    public static T In<T>(byte[] file, Func<string, T> use)
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, file);
            return use(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static DictionaryValue S(string text) => new() { ValueType = 6, StringValue = text };
    public static DictionaryValue N(ulong number) => new() { ValueType = 3, SizeTValue = number };
    public static DictionaryValue I(int number) => new() { ValueType = 2, IntValue = number };
    public static DictionaryValue Sh(params ulong[] dims) => new() { ValueType = 7, NdShapeValue = new NDShape { ShapeDim = { dims } } };
    public static DictionaryValue A(int axis) => new() { ValueType = 8, AxisValue = new Axis { StaticAxisIdx = axis } };
    public static DictionaryValue V(params DictionaryValue[] values) => new() { ValueType = 9, VectorValue = new Vector { Value = { values } } };
    public static DictionaryValue D(params (string Key, DictionaryValue Value)[] items)
    {
        var d = new Dictionary { Version = 2 };
        foreach ((string key, DictionaryValue value) in items) d.Data[key] = value;
        return new() { ValueType = 10, DictionaryValue_ = d };
    }

    /// <summary>One function of input x and, where given, parameter w.</summary>
    public static byte[] Net(CntkOp op, ulong[] inputShape, (ulong[] Shape, float[] Values)? w, string[] operands, params (string, DictionaryValue)[] attributes) =>
        Net(inputShape, w, D(("uid", S("f")), ("op", N((ulong)op)), ("inputs", V([.. operands.Select(S)])), ("attributes", D(attributes))));

    /// <summary>A network of these functions, the last of which is "f".</summary>
    public static byte[] Net(ulong[] inputShape, (ulong[] Shape, float[] Values)? w, params DictionaryValue[] functions)
    {
        List<DictionaryValue> variables = [Input("x", inputShape)];
        if (w is { } p) variables.Add(Parameter("w", p.Shape, p.Values));
        return Net("f", [.. variables], functions);
    }

    public static byte[] Net(string root, DictionaryValue[] variables, DictionaryValue[] functions) =>
        D(("type", S("CompositeFunction")), ("root", S(root)), ("primitive_functions", V(functions)), ("inputs", V(variables))).DictionaryValue_.ToByteArray();

    /// <summary>An input with a batch, or with a sequence and a batch.</summary>
    public static DictionaryValue Input(string uid, ulong[] shape, bool isSequence = false)
    {
        DictionaryValue Dynamic(int at, string name) => new() { ValueType = 8, AxisValue = new Axis { StaticAxisIdx = at, Name = name } };
        DictionaryValue batch = Dynamic(int.MaxValue, "defaultBatchAxis");
        return D(("uid", S(uid)), ("kind", N(0)), ("name", S(uid)), ("shape", Sh(shape)), ("dynamic_axis", isSequence ? V(Dynamic(int.MaxValue, "defaultDynamicAxis"), batch) : V(batch)));
    }

    public static DictionaryValue Parameter(string uid, ulong[] shape, params float[] values) =>
        D(("uid", S(uid)), ("kind", N(2)), ("shape", Sh(shape)), ("value", new DictionaryValue { ValueType = 11, NdArrayViewValue = new NDArrayView { DataType = 1, Shape = new NDShape { ShapeDim = { shape } }, FloatValues = new NDArrayView.Types.FloatValues { Value = { values } } } }));

    public static DictionaryValue Placeholder(string uid) => D(("uid", S(uid)), ("kind", N(4)), ("shape", Sh(ulong.MaxValue - 1)));

    /// <summary>A function whose operands are named "a b"; those of functions are their first results.</summary>
    public static DictionaryValue Function(string uid, CntkOp op, string operands, params (string, DictionaryValue)[] attributes) =>
        D(("uid", S(uid)), ("op", N((ulong)op)), ("inputs", V([.. operands.Split(' ').Select(S)])), ("attributes", D(attributes)));

    /// <summary>A block over a composite whose placeholders stand for the arguments.</summary>
    public static DictionaryValue Block(string uid, string root, params (string Placeholder, string Argument)[] arguments) =>
        D(("uid", S(uid)), ("op", N((ulong)CntkOp.Block)), ("inputs", V([.. arguments.Select(a => S(a.Argument))])), ("attributes", D()), ("block_function_composite", D(("root", S(root)))),
            ("block_function_composite_arguments_map_keys", V([.. arguments.Select(a => S(a.Placeholder))])), ("block_function_composite_arguments_map_values", V([.. arguments.Select(a => S(a.Argument))])));

    /// <summary>The result of a network of one input, 0, 1, 2 ...</summary>
    public static Tensor Run(byte[] file, params long[] dims)
    {
        var x = new Tensor(DType.Float32, new Shape(dims));
        for (long i = 0; i < x.Count; i++) x.SetDouble(i, i);
        return Run(file, x);
    }

    public static Tensor Run(byte[] file, params Tensor[] inputs)
    {
        return In(file, path =>
        {
            (Graph graph, string format) = Pipeline.Import(path, new ConversionOptions());
            Assert.Equal("CNTK", format);
            return ImportedRun.Run(graph, inputs)[0];
        });
    }
}
