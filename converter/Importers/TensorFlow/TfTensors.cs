using System.Text;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Element types, shapes and constants of TensorFlow in ours.</summary>
internal static class TfTensors
{
    private const long LargestFill = 1L << 30;
    private const int Reference = 100; // DT_FLOAT_REF = DT_FLOAT + 100, and so on

    /// <summary>Quantized types are the integers that they are stored as; resources and variants have no element type.</summary>
    public static DType Type(DataType type) => ((int)type > Reference ? type - Reference : type) switch
    {
        DataType.DtFloat => DType.Float32,
        DataType.DtDouble => DType.Float64,
        DataType.DtInt32 or DataType.DtQint32 => DType.Int32,
        DataType.DtUint8 or DataType.DtQuint8 => DType.UInt8,
        DataType.DtInt16 or DataType.DtQint16 => DType.Int16,
        DataType.DtInt8 or DataType.DtQint8 => DType.Int8,
        DataType.DtString => DType.String,
        DataType.DtComplex64 => DType.Complex64,
        DataType.DtComplex128 => DType.Complex128,
        DataType.DtInt64 => DType.Int64,
        DataType.DtBool => DType.Bool,
        DataType.DtBfloat16 => DType.BFloat16,
        DataType.DtUint16 or DataType.DtQuint16 => DType.UInt16,
        DataType.DtHalf => DType.Float16,
        DataType.DtUint32 => DType.UInt32,
        DataType.DtUint64 => DType.UInt64,
        _ => DType.Undefined,
    };

    /// <summary>Unknown dimensions are -1; null when the number of dimensions is unknown.</summary>
    public static long[]? Dims(TensorShapeProto? shape)
    {
        if (shape == null || shape.UnknownRank) return null;
        if (shape.Dim.Count > Shape.MaxRank) throw new EdgeLiteException(Status.Unsupported, $"A TensorFlow tensor has {shape.Dim.Count} dimensions; at most {Shape.MaxRank} are supported.");
        return [.. shape.Dim.Select(d => Math.Max(d.Size, -1))];
    }

    /// <summary>A constant: raw content, or a list of values of which the last one fills the rest.</summary>
    public static Tensor Read(TensorProto proto, string name)
    {
        DType type = Type(proto.Dtype);
        if (type == DType.Undefined) throw new EdgeLiteException(Status.Unsupported, $"The constant '{name}' is of type {proto.Dtype}, which is not supported.");
        long[] dims = Dims(proto.TensorShape) ?? [];
        if (dims.Any(d => d < 0)) throw Damaged(name, "has an unknown dimension");
        var shape = new Shape(dims);
        long count = shape.Count;
        if (type.ByteLength(count) > int.MaxValue) throw Damaged(name, $"has {count} elements");
        if (type == DType.String)
        {
            if (count > LargestFill / 64) throw Damaged(name, $"has {count} strings");
            return Tensor.FromStrings([.. Filled(proto.StringVal.Count, count, i => Encoding.UTF8.GetString(proto.StringVal[i].Span), "")], shape);
        }
        if (!proto.TensorContent.IsEmpty)
        {
            if (proto.TensorContent.Length != type.ByteLength(count)) throw Damaged(name, $"of shape {shape} has {proto.TensorContent.Length} bytes");
            var raw = new Tensor(type, shape);
            proto.TensorContent.Span.CopyTo(raw.Bytes);
            return raw;
        }
        if (count > LargestFill / 8) throw Damaged(name, $"is a fill of {count} elements");
        var tensor = new Tensor(type, shape);
        switch (type)
        {
            case DType.Float32: Fill(tensor, proto.FloatVal.Count, (t, i, k) => t.Span<float>()[i] = proto.FloatVal[k]); break;
            case DType.Float64: Fill(tensor, proto.DoubleVal.Count, (t, i, k) => t.Span<double>()[i] = proto.DoubleVal[k]); break;
            case DType.Int64: Fill(tensor, proto.Int64Val.Count, (t, i, k) => t.Span<long>()[i] = proto.Int64Val[k]); break;
            case DType.Bool: Fill(tensor, proto.BoolVal.Count, (t, i, k) => t.SetInt64(i, proto.BoolVal[k] ? 1 : 0)); break;
            case DType.Float16 or DType.BFloat16: Fill(tensor, proto.HalfVal.Count, (t, i, k) => BitConverter.TryWriteBytes(t.Bytes.Slice(2 * i, 2), (ushort)proto.HalfVal[k])); break;
            case DType.UInt32: Fill(tensor, proto.Uint32Val.Count, (t, i, k) => t.SetInt64(i, proto.Uint32Val[k])); break;
            case DType.UInt64: Fill(tensor, proto.Uint64Val.Count, (t, i, k) => t.Span<ulong>()[i] = proto.Uint64Val[k]); break;
            case DType.Complex64: Fill(tensor, proto.ScomplexVal.Count / 2, (t, i, k) => Pair(t, 8 * i, BitConverter.GetBytes(proto.ScomplexVal[2 * k]), BitConverter.GetBytes(proto.ScomplexVal[2 * k + 1]))); break;
            case DType.Complex128: Fill(tensor, proto.DcomplexVal.Count / 2, (t, i, k) => Pair(t, 16 * i, BitConverter.GetBytes(proto.DcomplexVal[2 * k]), BitConverter.GetBytes(proto.DcomplexVal[2 * k + 1]))); break;
            default: Fill(tensor, proto.IntVal.Count, (t, i, k) => t.SetInt64(i, proto.IntVal[k])); break;
        }
        return tensor;
    }

    private static void Pair(Tensor tensor, int at, byte[] real, byte[] imaginary)
    {
        real.CopyTo(tensor.Bytes[at..]);
        imaginary.CopyTo(tensor.Bytes[(at + real.Length)..]);
    }

    private static void Fill(Tensor tensor, int given, Action<Tensor, int, int> set)
    {
        if (given == 0) tensor.Bytes.Clear();
        else for (int i = 0; i < tensor.Count; i++) set(tensor, i, Math.Min(i, given - 1));
    }

    private static IEnumerable<T> Filled<T>(int given, long count, Func<int, T> value, T otherwise)
    {
        for (long i = 0; i < count; i++) yield return given == 0 ? otherwise : value((int)Math.Min(i, given - 1));
    }

    private static EdgeLiteException Damaged(string name, string what) => new(Status.Corrupt, $"The TensorFlow file is damaged: constant '{name}' {what}.");
}
