using System.Runtime.InteropServices;
using System.Text;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Core;
using Google.Protobuf.Collections;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>
/// Turns TensorProto and SparseTensorProto into tensors: raw bytes, typed fields or a file beside the model. The storage rules
/// (which typed field holds which element type, packing of 4- and 2-bit elements) are those of the comments of TensorProto in
/// the ONNX specification. What a tensor claims is checked against the data that is there before memory is taken.
/// </summary>
public static class OnnxTensor
{
    private const int MaxSparseElements = 1 << 28;

    /// <param name="proto">The tensor.</param>
    /// <param name="folder">Where external data may be read from; null when the model did not come from a file.</param>
    public static Tensor Read(TensorProto proto, string? folder)
    {
        DType type = ElementType(proto.DataType, proto.Name);
        Shape shape = ShapeOf(proto.Dims, proto.Name);
        long count = CountOf(shape, proto.Name);
        if (proto.Segment != null) throw Bad(proto.Name, Status.Unsupported, "tensors stored in segments are not supported");
        if (proto.DataLocation == TensorProto.Types.DataLocation.External) return ExternalData.Read(proto, type, shape, folder);
        if (type == DType.String)
        {
            Expect(proto.Name, proto.StringData.Count, count, "strings");
            return Tensor.FromStrings([.. proto.StringData.Select(s => s.ToStringUtf8())], shape);
        }
        if (proto.HasRawData && (proto.RawData.Length > 0 || count == 0))
        {
            long bytes = type.ByteLength(count);
            Expect(proto.Name, proto.RawData.Length, bytes, "bytes of raw data");
            var tensor = new Tensor(type, shape);
            proto.RawData.Span.CopyTo(tensor.Bytes);
            if (!BitConverter.IsLittleEndian) throw Bad(proto.Name, Status.Unsupported, "conversion runs on little-endian machines only");
            return tensor;
        }
        return ReadTyped(proto, type, shape, count);
    }

    /// <summary>The dense form of a tensor given by its non-zero values; indices are linear ([n]) or coordinates ([n, rank]).</summary>
    public static Tensor ReadSparse(SparseTensorProto proto, string? folder)
    {
        string name = proto.Values?.Name ?? "";
        if (proto.Values == null || proto.Indices == null) throw Bad(name, Status.Corrupt, "a sparse tensor lacks values or indices");
        Tensor values = Read(proto.Values, folder), indices = Read(proto.Indices, folder);
        Shape shape = ShapeOf(proto.Dims, name);
        long count = CountOf(shape, name);
        if (count > MaxSparseElements) throw Bad(name, Status.Unsupported, $"a sparse tensor of {count} elements is too large to be made dense");
        if (values.DType == DType.String) throw Bad(name, Status.Unsupported, "sparse strings are not supported");
        if (indices.DType != DType.Int64) throw Bad(name, Status.Corrupt, "indices of a sparse tensor must be int64");
        int rank = shape.Rank;
        bool linear = indices.Shape.Rank == 1;
        long expected = linear ? values.Count : values.Count * rank;
        Expect(name, indices.Count, expected, "indices");
        var dense = new Tensor(values.DType, shape);
        for (long i = 0, n = values.Count; i < n; i++)
        {
            long place = 0;
            if (linear) place = indices.GetInt64(i);
            else
                for (int axis = 0; axis < rank; axis++)
                {
                    long at = indices.GetInt64(i * rank + axis);
                    if (at < 0 || at >= shape[axis]) throw Bad(name, Status.Corrupt, $"index {at} is outside dimension {axis} of {shape}");
                    place = place * shape[axis] + at;
                }
            if (place < 0 || place >= count) throw Bad(name, Status.Corrupt, $"index {place} is outside a tensor of {count} elements");
            CopyElement(values, i, dense, place);
        }
        return dense;
    }

    /// <summary>Checks an element type number of the file.</summary>
    public static DType ElementType(int number, string name)
    {
        if (number == 0) throw Bad(name, Status.Corrupt, "it has no element type");
        return number is > 0 and <= (int)DType.Int2 ? (DType)number
            : throw Bad(name, Status.Unsupported, $"element type number {number} is not known");
    }

    private static unsafe void CopyElement(Tensor from, long i, Tensor to, long j)
    {
        int size = from.DType.Size();
        if (size > 0) Buffer.MemoryCopy(from.Data + i * size, to.Data + j * size, size, size);
        else if (from.DType.IsInteger()) to.SetInt64(j, from.GetInt64(i));
        else to.SetDouble(j, from.GetDouble(i));
    }

    private static Tensor ReadTyped(TensorProto proto, DType type, Shape shape, long count)
    {
        switch (type)
        {
            case DType.Float32: return Fill(proto.FloatData, proto.Name, type, shape, count);
            case DType.Complex64: return Fill(proto.FloatData, proto.Name, type, shape, 2 * count);
            case DType.Float64: return Fill(proto.DoubleData, proto.Name, type, shape, count);
            case DType.Complex128: return Fill(proto.DoubleData, proto.Name, type, shape, 2 * count);
            case DType.Int64: return Fill(proto.Int64Data, proto.Name, type, shape, count);
            case DType.UInt64: return Fill(proto.Uint64Data, proto.Name, type, shape, count);
            case DType.Int32: return Fill(proto.Int32Data, proto.Name, type, shape, count);
            case DType.UInt32:
                Expect(proto.Name, proto.Uint64Data.Count, count, "values");
                var wide = new Tensor(type, shape);
                for (int i = 0; i < count; i++) wide.SetInt64(i, (long)proto.Uint64Data[i]);
                return wide;
        }
        // Everything narrower is in int32_data: one element each, or for 4- and 2-bit types one packed byte each.
        int size = Math.Max(1, type.Size());
        long cells = type.ByteLength(count) / size;
        Expect(proto.Name, proto.Int32Data.Count, cells, "values");
        var tensor = new Tensor(type, shape);
        Span<byte> bytes = tensor.Bytes;
        for (int i = 0; i < cells; i++)
        {
            int value = proto.Int32Data[i];
            if (size == 1) bytes[i] = (byte)value;
            else MemoryMarshal.Write(bytes[(2 * i)..], (ushort)value);
        }
        return tensor;
    }

    private static Tensor Fill<T>(RepeatedField<T> values, string name, DType type, Shape shape, long count) where T : unmanaged
    {
        Expect(name, values.Count, count, "values");
        var tensor = new Tensor(type, shape);
        Span<T> target = MemoryMarshal.Cast<byte, T>(tensor.Bytes);
        for (int i = 0; i < target.Length; i++) target[i] = values[i];
        return tensor;
    }

    private static Shape ShapeOf(RepeatedField<long> dims, string name)
    {
        foreach (long dim in dims)
            if (dim < 0) throw Bad(name, Status.Corrupt, $"it has the dimension {dim}");
        if (dims.Count > Shape.MaxRank) throw Bad(name, Status.Unsupported, $"it has {dims.Count} dimensions; at most {Shape.MaxRank} are supported");
        return new Shape([.. dims]);
    }

    private static long CountOf(Shape shape, string name)
    {
        try
        {
            return shape.Count;
        }
        catch (EdgeLiteException)
        {
            throw Bad(name, Status.Corrupt, $"shape {shape} is too large");
        }
    }

    private static void Expect(string name, long got, long expected, string what)
    {
        if (got != expected) throw Bad(name, Status.Corrupt, $"its shape needs {expected} {what}, {got} are there");
    }

    internal static EdgeLiteException Bad(string name, Status status, string what) => new(status, $"Tensor '{Clean(name)}': {what}.");

    /// <summary>A name as it may stand in a message: damaged files hold names of any length and content.</summary>
    internal static string Clean(string name)
    {
        var text = new StringBuilder();
        foreach (char c in name.AsSpan(0, Math.Min(name.Length, 120))) text.Append(char.IsControl(c) ? '?' : c);
        return text.ToString();
    }
}
