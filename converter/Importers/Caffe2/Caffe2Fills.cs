using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2;

/// <summary>Operators that make tensors from their arguments alone (caffe2/operators/filler_op.h, given_tensor_fill_op.h).</summary>
internal static class Caffe2Fills
{
    /// <summary>More than any weight has; a file that asks for more is damaged.</summary>
    private const long MostElements = 1L << 29;

    [Caffe2("GivenTensorFill", Notes = "weights")] private static void Given(Caffe2Operator o) => Fill(o, o.Floats("values") ?? []);

    [Caffe2("GivenTensorDoubleFill")] private static void GivenDouble(Caffe2Operator o) => Fill(o, [.. (o.Floats("values") ?? []).Select(v => (double)v)]);

    [Caffe2("GivenTensorIntFill")] private static void GivenInt(Caffe2Operator o) => Fill(o, [.. (o.Ints("values") ?? []).Select(v => checked((int)v))]);

    [Caffe2("GivenTensorInt64Fill")] private static void GivenInt64(Caffe2Operator o) => Fill(o, o.Ints("values") ?? []);

    [Caffe2("GivenTensorBoolFill")] private static void GivenBool(Caffe2Operator o) => Fill(o, [.. (o.Ints("values") ?? []).Select(v => v != 0)]);

    [Caffe2("GivenTensorByteStringToUInt8Fill")] private static void GivenBytes(Caffe2Operator o) => Fill(o, o.Bytes("values") ?? []);

    [Caffe2("ConstantFill", Notes = "also in the shape of its input or as its input says")]
    private static void Constant(Caffe2Operator o)
    {
        DType type = Caffe2Types.Of(o, "dtype", DType.Float32);
        if (!type.IsFloat() && !type.IsInteger() && type != DType.Bool) throw o.Error($"it fills with {type}");
        if (o.InputCount == 0)
        {
            var tensor = new Tensor(type, ShapeOf(o));
            Set(o, tensor);
            o.SetOutput(0, o.Constant("value", tensor));
            return;
        }
        if (o.Ints("extra_shape") is { Length: > 0 }) throw o.Error("extra_shape is not supported");
        var value = new Tensor(type, new Shape(1));
        Set(o, value);
        o.SetOutput(0, o.Emit("ConstantOfShape", [o.Int("input_as_shape", 0) != 0 ? o.Cast(o.Input(), DType.Int64) : o.Emit("Shape", [o.Input()])], ("value", value)));
    }

    private static void Set(Caffe2Operator o, Tensor tensor)
    {
        double value = o.Float("value", 0);
        for (long i = 0; value != 0 && i < tensor.Count; i++)
        {
            if (tensor.DType.IsFloat()) tensor.SetDouble(i, value);
            else tensor.SetInt64(i, (long)value);
        }
    }

    private static void Fill<T>(Caffe2Operator o, T[] values) where T : unmanaged
    {
        Shape shape = ShapeOf(o);
        if (shape.Count != values.Length) throw o.Damaged($"it gives {values.Length} values for {shape}");
        o.SetOutput(0, o.Constant("value", Tensor.FromArray<T>(values, shape)));
    }

    private static Shape ShapeOf(Caffe2Operator o)
    {
        long[] dims = o.Ints("shape") ?? [];
        long count = 1;
        foreach (long d in dims)
            if (d < 0 || d > MostElements || (count *= Math.Max(d, 1)) > MostElements) throw o.Damaged($"a tensor of [{string.Join(", ", dims)}] is not sensible");
        return new Shape(dims);
    }
}

/// <summary>Caffe2's numbers of element types (TensorProto.DataType).</summary>
internal static class Caffe2Types
{
    public static DType Of(Caffe2Operator o, string argument, DType otherwise)
    {
        if (!o.Has(argument)) return otherwise;
        return (o.Text(argument, "").ToUpperInvariant(), o.Int(argument, 0)) switch
        {
            ("FLOAT", _) or ("", 1) => DType.Float32,
            ("INT32" or "INT", _) or ("", 2) => DType.Int32,
            ("BYTE" or "UINT8", _) or ("", 3 or 6) => DType.UInt8,
            ("BOOL", _) or ("", 5) => DType.Bool,
            ("INT8", _) or ("", 7) => DType.Int8,
            ("UINT16", _) or ("", 8) => DType.UInt16,
            ("INT16", _) or ("", 9) => DType.Int16,
            ("INT64", _) or ("", 10) => DType.Int64,
            ("FLOAT16", _) or ("", 12) => DType.Float16,
            ("DOUBLE", _) or ("", 13) => DType.Float64,
            var (text, number) => throw o.Error($"element type {(text.Length > 0 ? text : number)} is not supported"),
        };
    }
}
