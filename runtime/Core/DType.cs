namespace EdgeLite.Core;

/// <summary>Element types. The numbers are those of ONNX's <c>TensorProto.DataType</c>, and are stored in model files.</summary>
public enum DType : byte
{
    Undefined = 0,
    Float32 = 1,
    UInt8 = 2,
    Int8 = 3,
    UInt16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Float64 = 11,
    UInt32 = 12,
    UInt64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    BFloat16 = 16,
    Float8E4M3FN = 17,
    Float8E4M3FNUZ = 18,
    Float8E5M2 = 19,
    Float8E5M2FNUZ = 20,
    UInt4 = 21,
    Int4 = 22,
    Float4E2M1 = 23,
    Float8E8M0 = 24,
    UInt2 = 25,
    Int2 = 26,
}

public static class DTypes
{
    /// <summary>Bits of one element; sub-byte types are packed, first element in the low bits. 0 for strings.</summary>
    public static int Bits(this DType type) => type switch
    {
        DType.Float64 or DType.Int64 or DType.UInt64 or DType.Complex64 => 64,
        DType.Complex128 => 128,
        DType.Float32 or DType.Int32 or DType.UInt32 => 32,
        DType.Float16 or DType.BFloat16 or DType.Int16 or DType.UInt16 => 16,
        DType.UInt8 or DType.Int8 or DType.Bool => 8,
        DType.Float8E4M3FN or DType.Float8E4M3FNUZ or DType.Float8E5M2 or DType.Float8E5M2FNUZ or DType.Float8E8M0 => 8,
        DType.UInt4 or DType.Int4 or DType.Float4E2M1 => 4,
        DType.UInt2 or DType.Int2 => 2,
        _ => 0,
    };

    /// <summary>Bytes of one element; 0 for strings and for sub-byte types (use <see cref="ByteLength"/>).</summary>
    public static int Size(this DType type) => type.Bits() / 8;

    /// <summary>Bytes that <paramref name="count"/> packed elements take.</summary>
    public static long ByteLength(this DType type, long count) => (checked(count * type.Bits()) + 7) / 8;

    public static bool IsFloat(this DType type) => type is DType.Float32 or DType.Float64 or DType.Float16 or DType.BFloat16
        or DType.Float8E4M3FN or DType.Float8E4M3FNUZ or DType.Float8E5M2 or DType.Float8E5M2FNUZ or DType.Float8E8M0
        or DType.Float4E2M1;

    public static bool IsInteger(this DType type) => type.IsSigned() || type.IsUnsigned();

    public static bool IsSigned(this DType type) =>
        type is DType.Int8 or DType.Int16 or DType.Int32 or DType.Int64 or DType.Int4 or DType.Int2;

    public static bool IsUnsigned(this DType type) =>
        type is DType.UInt8 or DType.UInt16 or DType.UInt32 or DType.UInt64 or DType.UInt4 or DType.UInt2;

    public static bool IsComplex(this DType type) => type is DType.Complex64 or DType.Complex128;

    /// <summary>The name used in text forms and messages: <c>float32</c>, <c>int8</c>, <c>bool</c> ...</summary>
    public static string Name(this DType type) => type switch
    {
        DType.Float8E4M3FN => "float8e4m3fn",
        DType.Float8E4M3FNUZ => "float8e4m3fnuz",
        DType.Float8E5M2 => "float8e5m2",
        DType.Float8E5M2FNUZ => "float8e5m2fnuz",
        DType.Float8E8M0 => "float8e8m0",
        DType.Float4E2M1 => "float4e2m1",
        DType.Float32 => "float32",
        DType.UInt8 => "uint8",
        DType.Int8 => "int8",
        DType.UInt16 => "uint16",
        DType.Int16 => "int16",
        DType.Int32 => "int32",
        DType.Int64 => "int64",
        DType.String => "string",
        DType.Bool => "bool",
        DType.Float16 => "float16",
        DType.Float64 => "float64",
        DType.UInt32 => "uint32",
        DType.UInt64 => "uint64",
        DType.Complex64 => "complex64",
        DType.Complex128 => "complex128",
        DType.BFloat16 => "bfloat16",
        DType.UInt4 => "uint4",
        DType.Int4 => "int4",
        DType.UInt2 => "uint2",
        DType.Int2 => "int2",
        _ => "undefined",
    };

    /// <summary>The inverse of <see cref="Name"/>; <see cref="DType.Undefined"/> for an unknown name.</summary>
    public static DType Parse(ReadOnlySpan<char> name)
    {
        for (var type = DType.Float32; type <= DType.Int2; type++)
            if (name.SequenceEqual(type.Name())) return type;
        return DType.Undefined;
    }
}
