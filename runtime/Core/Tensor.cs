using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace EdgeLite.Core;

/// <summary>
/// A dense, row-major tensor: a type, a shape, and memory that it owns or points into (arena, mapped file, caller's buffer).
/// Strings are the only elements held as managed objects. Element access through <see cref="GetDouble"/> and
/// <see cref="GetInt64"/> serves the reference loops: one obvious path for every type.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    private bool _owns;

    /// <summary>A tensor over memory that somebody else keeps alive.</summary>
    public Tensor(DType dtype, Shape shape, void* data)
    {
        DType = dtype;
        Shape = shape;
        Data = (byte*)data;
    }

    /// <summary>A zero-filled tensor that owns its memory (64-byte aligned).</summary>
    public Tensor(DType dtype, Shape shape)
    {
        DType = dtype;
        Shape = shape;
        if (dtype == DType.String)
        {
            Strings = new string[shape.Count];
            Array.Fill(Strings, "");
            return;
        }
        long bytes = dtype.ByteLength(shape.Count);
        Data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        NativeMemory.Clear(Data, (nuint)bytes);
        _owns = true;
    }

    ~Tensor() => Dispose();

    public DType DType { get; private set; }
    public Shape Shape { get; private set; }

    /// <summary>First byte; null for strings and for a tensor that is not placed yet.</summary>
    public byte* Data { get; set; }

    /// <summary>The elements of a string tensor, otherwise null.</summary>
    public string[]? Strings { get; private set; }

    public long Count => Shape.Count;
    public long ByteLength => DType.ByteLength(Shape.Count);

    public static Tensor FromArray<T>(ReadOnlySpan<T> values, Shape shape) where T : unmanaged
    {
        var tensor = new Tensor(DTypeOf<T>(), shape);
        if (values.Length != shape.Count)
            throw new EdgeLiteException(Status.InvalidShape, $"{values.Length} values do not fill shape {shape}.");
        values.CopyTo(tensor.Span<T>());
        return tensor;
    }

    public static Tensor FromScalar<T>(T value) where T : unmanaged => FromArray<T>([value], Shape.Scalar);

    public static Tensor FromStrings(string[] values, Shape shape)
    {
        if (values.Length != shape.Count)
            throw new EdgeLiteException(Status.InvalidShape, $"{values.Length} strings do not fill shape {shape}.");
        return new Tensor(DType.String, shape, null) { Strings = values };
    }

    public static DType DTypeOf<T>() where T : unmanaged =>
        typeof(T) == typeof(float) ? DType.Float32 :
        typeof(T) == typeof(double) ? DType.Float64 :
        typeof(T) == typeof(Half) ? DType.Float16 :
        typeof(T) == typeof(sbyte) ? DType.Int8 :
        typeof(T) == typeof(byte) ? DType.UInt8 :
        typeof(T) == typeof(short) ? DType.Int16 :
        typeof(T) == typeof(ushort) ? DType.UInt16 :
        typeof(T) == typeof(int) ? DType.Int32 :
        typeof(T) == typeof(uint) ? DType.UInt32 :
        typeof(T) == typeof(long) ? DType.Int64 :
        typeof(T) == typeof(ulong) ? DType.UInt64 :
        typeof(T) == typeof(bool) ? DType.Bool :
        throw new EdgeLiteException(Status.InvalidType, $"No element type corresponds to {typeof(T).Name}.");

    /// <summary>The elements as <typeparamref name="T"/>, whose size must be that of the element type.</summary>
    public Span<T> Span<T>() where T : unmanaged
    {
        if (sizeof(T) != DType.Size()) ThrowSize(sizeof(T));
        return new Span<T>(Data, checked((int)Count));
    }

    public Span<byte> Bytes => new(Data, checked((int)ByteLength));

    /// <summary>Points the tensor at other memory or gives it another type and shape; memory that it owned is freed.</summary>
    public void Reset(DType dtype, Shape shape, void* data, string[]? strings = null)
    {
        Free();
        DType = dtype;
        Shape = shape;
        Data = (byte*)data;
        Strings = strings;
    }

    /// <summary>The same memory under another shape of the same number of elements.</summary>
    public Tensor Reshaped(Shape shape)
    {
        if (shape.Count != Count) throw new EdgeLiteException(Status.InvalidShape, $"Shape {shape} does not have the {Count} elements of {Shape}.");
        return new Tensor(DType, shape, Data) { Strings = Strings };
    }

    public Tensor Clone()
    {
        if (Strings != null) return FromStrings((string[])Strings.Clone(), Shape);
        var copy = new Tensor(DType, Shape);
        CopyTo(copy);
        return copy;
    }

    public void CopyTo(Tensor target)
    {
        if (target.DType != DType || target.Count != Count)
            throw new EdgeLiteException(Status.InvalidShape, $"Cannot copy {DType.Name()}{Shape} to {target.DType.Name()}{target.Shape}.");
        if (Strings != null) Strings.CopyTo(target.Strings!, 0);
        else Buffer.MemoryCopy(Data, target.Data, target.ByteLength, ByteLength);
    }

    /// <summary>Element <paramref name="i"/> as double; exact for every type up to 53 bits.</summary>
    public double GetDouble(long i) => DType switch
    {
        DType.Float32 => ((float*)Data)[i],
        DType.Float64 => ((double*)Data)[i],
        DType.Float16 => (double)((Half*)Data)[i],
        DType.BFloat16 => BitConverter.Int32BitsToSingle(((ushort*)Data)[i] << 16),
        DType.UInt64 => ((ulong*)Data)[i],
        DType.Float8E4M3FN or DType.Float8E4M3FNUZ or DType.Float8E5M2 or DType.Float8E5M2FNUZ or DType.Float8E8M0 =>
            SmallFloat.ToSingle(DType, Data[i]),
        DType.Float4E2M1 => SmallFloat.ToSingle(DType, Nibble(i)),
        _ => GetInt64(i),
    };

    /// <summary>Stores <paramref name="value"/>: floats round to nearest even, integers truncate toward zero and wrap.</summary>
    public void SetDouble(long i, double value)
    {
        switch (DType)
        {
            case DType.Float32: ((float*)Data)[i] = (float)value; break;
            case DType.Float64: ((double*)Data)[i] = value; break;
            case DType.Float16: ((Half*)Data)[i] = (Half)value; break;
            case DType.BFloat16: ((ushort*)Data)[i] = SmallFloat.ToBFloat16(value); break;
            case DType.UInt64: ((ulong*)Data)[i] = value < 0 ? (ulong)(long)value : (ulong)value; break;
            case DType.Bool: Data[i] = value != 0 ? (byte)1 : (byte)0; break;
            case DType.Float8E4M3FN or DType.Float8E4M3FNUZ or DType.Float8E5M2 or DType.Float8E5M2FNUZ or DType.Float8E8M0:
                Data[i] = SmallFloat.FromSingle(DType, (float)value, saturate: true); break;
            case DType.Float4E2M1: SetNibble(i, SmallFloat.FromSingle(DType, (float)value, saturate: true)); break;
            default: SetInt64(i, (long)value); break;
        }
    }

    /// <summary>Element <paramref name="i"/> of an integer or bool tensor (uint64 reinterpreted); floats truncate.</summary>
    public long GetInt64(long i) => DType switch
    {
        DType.Int64 or DType.UInt64 => ((long*)Data)[i],
        DType.Int32 => ((int*)Data)[i],
        DType.UInt32 => ((uint*)Data)[i],
        DType.Int16 => ((short*)Data)[i],
        DType.UInt16 => ((ushort*)Data)[i],
        DType.Int8 => ((sbyte*)Data)[i],
        DType.UInt8 or DType.Bool => Data[i],
        DType.UInt4 => Nibble(i),
        DType.Int4 => (sbyte)(Nibble(i) << 4) >> 4,
        DType.UInt2 => Data[i >> 2] >> (int)(i & 3) * 2 & 3,
        DType.Int2 => (sbyte)((Data[i >> 2] >> (int)(i & 3) * 2 & 3) << 6) >> 6,
        DType.String or DType.Complex64 or DType.Complex128 or DType.Undefined => ThrowType(),
        _ => (long)GetDouble(i),
    };

    /// <summary>Stores the low bits of <paramref name="value"/>.</summary>
    public void SetInt64(long i, long value)
    {
        switch (DType)
        {
            case DType.Int64 or DType.UInt64: ((long*)Data)[i] = value; break;
            case DType.Int32 or DType.UInt32: ((int*)Data)[i] = (int)value; break;
            case DType.Int16 or DType.UInt16: ((short*)Data)[i] = (short)value; break;
            case DType.Int8 or DType.UInt8: Data[i] = (byte)value; break;
            case DType.Bool: Data[i] = value != 0 ? (byte)1 : (byte)0; break;
            case DType.UInt4 or DType.Int4: SetNibble(i, (byte)value); break;
            case DType.UInt2 or DType.Int2:
                int shift = (int)(i & 3) * 2;
                Data[i >> 2] = (byte)(Data[i >> 2] & ~(3 << shift) | ((int)value & 3) << shift);
                break;
            case DType.String or DType.Complex64 or DType.Complex128 or DType.Undefined: ThrowType(); break;
            default: SetDouble(i, value); break;
        }
    }

    /// <summary>All elements of a small integer tensor: shapes, axes, pads.</summary>
    public long[] ToInt64Array()
    {
        var values = new long[Count];
        for (int i = 0; i < values.Length; i++) values[i] = GetInt64(i);
        return values;
    }

    public override string ToString() => $"{DType.Name()}{Shape}";

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (!_owns) return;
        NativeMemory.AlignedFree(Data);
        Data = null;
        _owns = false;
    }

    private byte Nibble(long i) => (byte)(Data[i >> 1] >> (int)(i & 1) * 4 & 15);

    private void SetNibble(long i, byte value)
    {
        int shift = (int)(i & 1) * 4;
        Data[i >> 1] = (byte)(Data[i >> 1] & ~(15 << shift) | (value & 15) << shift);
    }

    [DoesNotReturn]
    private long ThrowType() => throw new EdgeLiteException(Status.InvalidType, $"A {DType.Name()} tensor was read as numbers.");

    [DoesNotReturn]
    private void ThrowSize(int size) =>
        throw new EdgeLiteException(Status.InvalidType, $"A {DType.Name()} tensor was read as elements of {size} bytes.");
}
