using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EdgeLite.Core;

/// <summary>
/// A dense, row-major tensor: a type, a shape, and memory: its own, an array that does not move and lives as long as the tensor or a span of it,
/// or that of others (arena, plan, mapped file, caller's buffer).
/// Strings are the only elements held as managed objects. The same class holds the lists that sequences and optional values are
/// (<see cref="IsList"/>): they have <see cref="Elements"/> instead of memory. Element access through <see cref="GetDouble"/> and
/// <see cref="GetInt64"/> serves the reference loops: one obvious path for every type. An index outside the tensor throws: shapes come
/// from files that nobody vouches for.
/// </summary>
public sealed unsafe class Tensor : IDisposable
{
    private const int Alignment = 64;

    /// <summary>What the memory lives with, referred to so that it is not collected: the array that it is, or the session in whose arena it lies.</summary>
    private object? _memory;
    private bool _isNative;
    private Tensor[]? _elements;

    /// <summary>Elements in memory; 0 as long as the shape is not known.</summary>
    private long _placed;

    /// <summary>A tensor over memory that somebody else keeps alive.</summary>
    public Tensor(DType dtype, Shape shape, void* data)
    {
        DType = dtype;
        Shape = shape;
        _placed = shape.IsKnown ? shape.Count : 0;
        Data = (byte*)data;
    }

    /// <summary>A zero-filled tensor that owns its memory (64-byte aligned).</summary>
    public Tensor(DType dtype, Shape shape)
    {
        DType = dtype;
        Shape = shape;
        _placed = shape.Count;
        if (dtype == DType.String)
        {
            Strings = new string[shape.Count];
            Array.Fill(Strings, "");
            return;
        }
        // An array of so many lines may have more bytes than one of bytes may.
        Line[] lines = GC.AllocateArray<Line>(checked((int)(dtype.ByteLength(shape.Count) / Alignment + 2)), pinned: true);
        _memory = lines;
        Data = (byte*)(((nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(lines)) + Alignment - 1) & -Alignment);
    }

    /// <summary>A zero-filled tensor whose memory goes when it is disposed and not before: for plans, which know when that is.</summary>
    internal static Tensor InNativeMemory(DType dtype, Shape shape)
    {
        if (dtype == DType.String) return new Tensor(dtype, shape);
        nuint bytes = (nuint)dtype.ByteLength(shape.Count);
        void* data = NativeMemory.AlignedAlloc(Math.Max(bytes, 1), Alignment);
        NativeMemory.Clear(data, bytes);
        return new Tensor(dtype, shape, data) { _isNative = true };
    }

    private Tensor(TensorType list, Tensor[] elements)
    {
        DType = list.DType;
        Kind = list.Kind;
        _elements = elements;
    }

    /// <summary>A value of the given type: a zero-filled tensor, an empty list, or, where the size is not known, a tensor that is
    /// not placed yet.</summary>
    public static Tensor OfType(TensorType type) =>
        type.IsList ? new Tensor(type, []) : type.IsKnown ? new Tensor(type.DType, type.Shape) : new Tensor(type.DType, Shape.Unranked, null);

    /// <summary>A sequence of copies of <paramref name="tensors"/>, all of type <paramref name="dtype"/>.</summary>
    public static Tensor Sequence(DType dtype, params ReadOnlySpan<Tensor> tensors)
    {
        var sequence = new Tensor(new TensorType(dtype, Shape.Unranked, ValueKind.Sequence), []);
        var elements = new Tensor[tensors.Length];
        for (int i = 0; i < elements.Length; i++) elements[i] = tensors[i].Clone();
        sequence.Elements = elements;
        return sequence;
    }

    /// <summary>An optional value that holds a copy of <paramref name="content"/>, a tensor or a sequence.</summary>
    public static Tensor Optional(Tensor content) => new(content.Type with { Kind = content.Kind | ValueKind.Optional }, [content.Clone()]);

    /// <summary>An optional value that holds nothing; <paramref name="content"/> is the type of what it could hold.</summary>
    public static Tensor None(TensorType content) => new(content with { Kind = content.Kind | ValueKind.Optional }, []);

    public DType DType { get; private set; }
    public Shape Shape { get; private set; }
    public ValueKind Kind { get; private set; }
    public TensorType Type => new(DType, Shape, Kind);

    /// <summary>True for sequences and optional values.</summary>
    public bool IsList => _elements != null;

    /// <summary>What a list holds: the tensors of a sequence, or none or one value of an optional. Elements never change and are
    /// shared between lists; their memory goes when no list holds them any more. A tensor that comes from elsewhere is put in as
    /// its <see cref="Clone"/>.</summary>
    public Tensor[] Elements
    {
        get => _elements ?? throw new EdgeLiteException(Status.InvalidType, $"{this} is no sequence and no optional value.");
        set
        {
            if (_elements == null) throw new EdgeLiteException(Status.InvalidType, $"{this} is no sequence and no optional value.");
            ValueKind content = (Kind & ValueKind.Optional) != 0 ? Kind & ~ValueKind.Optional : ValueKind.Tensor;
            if ((Kind & ValueKind.Optional) != 0 && value.Length > 1)
                throw new EdgeLiteException(Status.InvalidArgument, $"An optional value holds one element at most, got {value.Length}.");
            foreach (Tensor element in value)
                if (element.Kind != content || element.DType != DType)
                    throw new EdgeLiteException(Status.InvalidType, $"A value of type {Type} cannot hold {element.Type}.");
            _elements = value;
        }
    }

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

    public static DType DTypeOf<T>() where T : unmanaged => NumberOf<T>() is var dtype and not DType.Undefined ? dtype
        : throw new EdgeLiteException(Status.InvalidType, "No element type corresponds to this type of .NET.");

    private static DType NumberOf<T>() where T : unmanaged =>
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
        typeof(T) == typeof(bool) ? DType.Bool : DType.Undefined;

    /// <summary>The elements as <typeparamref name="T"/>: the number of .NET that the element type is, an integer of the same width for one of the
    /// other sign, for bool and for the bits of float16, bfloat16 and the float8 types, or a struct of the same size. Anything else is refused; the
    /// bits of any tensor are its <see cref="Bytes"/>. The span keeps the tensor's own memory; an arena goes with its session.</summary>
    public Span<T> Span<T>() where T : unmanaged
    {
        if (sizeof(T) != DType.Size() || !Holds<T>(DType)) ThrowElement(NumberOf<T>(), sizeof(T));
        RequireMemory();
        return Memory<T>(Count);
    }

    /// <summary>A copy of the elements (see <see cref="Span{T}"/>).</summary>
    public T[] ToArray<T>() where T : unmanaged
    {
        T[] copy = Span<T>().ToArray();
        GC.KeepAlive(this); // and with it a session
        return copy;
    }

    /// <summary>Whether elements of <paramref name="dtype"/>, which have the size of <typeparamref name="T"/>, mean the same as its values or are
    /// bits without a number of their own in .NET. One comparison at most for each <typeparamref name="T"/>.</summary>
    private static bool Holds<T>(DType dtype) =>
        typeof(T) == typeof(float) ? dtype == DType.Float32 :
        typeof(T) == typeof(double) ? dtype == DType.Float64 :
        typeof(T) == typeof(Half) ? dtype == DType.Float16 :
        typeof(T) == typeof(bool) ? dtype == DType.Bool :
        typeof(T) == typeof(int) || typeof(T) == typeof(uint) ? dtype is DType.Int32 or DType.UInt32 :
        typeof(T) != typeof(long) && typeof(T) != typeof(ulong) || dtype is DType.Int64 or DType.UInt64;

    /// <summary>The memory as it is, whatever the element type.</summary>
    public Span<byte> Bytes
    {
        get
        {
            RequireMemory();
            return Memory<byte>(ByteLength);
        }
    }

    private void RequireMemory()
    {
        if (Data == null && IsList) ThrowNoNumbers();
        if (Data == null && ByteLength > 0)
            throw new EdgeLiteException(Status.InvalidState, $"The tensor {this} has no memory any more: it was disposed, or its session was disposed or resized.");
    }

    private Span<T> Memory<T>(long count)
    {
        var span = new Span<T>(Data, checked((int)count));
        GC.KeepAlive(this); // the span refers to the array from here on
        return span;
    }

    /// <summary>Points the tensor at other memory or gives it another type and shape; it lets go of what was its own.</summary>
    public void Reset(DType dtype, Shape shape, void* data, string[]? strings = null)
    {
        if (_isNative) NativeMemory.AlignedFree(Data);
        _isNative = false;
        _memory = null;
        DType = dtype;
        Shape = shape;
        _placed = shape.IsKnown && (data != null || strings != null) ? shape.Count : 0;
        Data = (byte*)data;
        Strings = strings;
    }

    /// <summary>The same memory under another shape of the same number of elements.</summary>
    public Tensor Reshaped(Shape shape)
    {
        if (shape.Count != Count) throw new EdgeLiteException(Status.InvalidShape, $"Shape {shape} does not have the {Count} elements of {Shape}.");
        return new Tensor(DType, shape, Data) { Strings = Strings, _memory = _memory };
    }

    /// <summary>Keeps the session in whose arena it lies, and returns it.</summary>
    internal Tensor KeptWith(Session session)
    {
        if (_memory is not Line[]) _memory = session;
        return this;
    }

    /// <summary>A copy that shares nothing that could change: the elements of a list are shared.</summary>
    public Tensor Clone()
    {
        if (_elements != null) return new Tensor(Type, _elements);
        if (Strings != null) return FromStrings((string[])Strings.Clone(), Shape);
        var copy = new Tensor(DType, Shape);
        CopyTo(copy);
        return copy;
    }

    /// <summary>A copy of the numbers as elements of another type: as <see cref="SetDouble"/> stores what <see cref="GetDouble"/> reads.</summary>
    public Tensor ConvertTo(DType dtype)
    {
        var converted = new Tensor(dtype, Shape);
        for (long i = 0, n = Count; i < n; i++) converted.SetDouble(i, GetDouble(i));
        return converted;
    }

    public void CopyTo(Tensor target)
    {
        if (_elements != null)
        {
            if (target.Kind != Kind || target.DType != DType) throw new EdgeLiteException(Status.InvalidType, $"Cannot copy {Type} to {target.Type}.");
            target._elements = _elements;
            return;
        }
        if (target.DType != DType || target.IsList || target.Count != Count)
            throw new EdgeLiteException(Status.InvalidShape, $"Cannot copy {DType.Name()}{Shape} to {target.DType.Name()}{target.Shape}.");
        if (Strings != null)
        {
            Strings.CopyTo(target.Strings!, 0);
            return;
        }
        RequireMemory();
        target.RequireMemory();
        Buffer.MemoryCopy(Data, target.Data, target.ByteLength, ByteLength);
        GC.KeepAlive(this);
        GC.KeepAlive(target);
    }

    /// <summary>Element <paramref name="i"/> as double; exact for every type up to 53 bits.</summary>
    public double GetDouble(long i)
    {
        if ((ulong)i >= (ulong)_placed) ThrowOutside(i);
        double value = DType switch
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
        GC.KeepAlive(this);
        return value;
    }

    /// <summary>Stores <paramref name="value"/>: floats round to nearest even, integers truncate toward zero and wrap.</summary>
    public void SetDouble(long i, double value)
    {
        if ((ulong)i >= (ulong)_placed) ThrowOutside(i);
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
        GC.KeepAlive(this);
    }

    /// <summary>Element <paramref name="i"/> of an integer or bool tensor (uint64 reinterpreted); floats truncate.</summary>
    public long GetInt64(long i)
    {
        if ((ulong)i >= (ulong)_placed) ThrowOutside(i);
        long value = DType switch
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
        GC.KeepAlive(this);
        return value;
    }

    /// <summary>Stores the low bits of <paramref name="value"/>.</summary>
    public void SetInt64(long i, long value)
    {
        if ((ulong)i >= (ulong)_placed) ThrowOutside(i);
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
        GC.KeepAlive(this);
    }

    /// <summary>All elements of a small integer tensor: shapes, axes, pads.</summary>
    public long[] ToInt64Array()
    {
        var values = new long[Count];
        for (int i = 0; i < values.Length; i++) values[i] = GetInt64(i);
        return values;
    }

    public override string ToString() => Type.ToString();

    /// <summary>Lets go of memory that is its own; spans of it keep theirs.</summary>
    public void Dispose()
    {
        if (_isNative || _memory is Line[]) Reset(DType, Shape, null);
    }

    private byte Nibble(long i) => (byte)(Data[i >> 1] >> (int)(i & 1) * 4 & 15);

    private void SetNibble(long i, byte value)
    {
        int shift = (int)(i & 1) * 4;
        Data[i >> 1] = (byte)(Data[i >> 1] & ~(15 << shift) | (value & 15) << shift);
    }

    /// <summary>Throws where <paramref name="count"/> elements from <paramref name="first"/> on are not all there.</summary>
    internal void Require(long first, long count)
    {
        if (first < 0 || count < 0 || first > _placed - count) ThrowOutside(first < 0 ? first : first + count - 1);
    }

    [DoesNotReturn]
    private void ThrowOutside(long i) =>
        throw new EdgeLiteException(Status.InvalidGraph, $"Element {i} of a tensor {this} was asked for, which has {_placed}: shapes of a node do not fit together.");

    [DoesNotReturn]
    private long ThrowType() => throw new EdgeLiteException(Status.InvalidType, $"A {DType.Name()} tensor was read as numbers.");

    [DoesNotReturn]
    private void ThrowNoNumbers() =>
        throw new EdgeLiteException(Status.InvalidType, $"{this} has no numbers: read its {(IsList ? "Elements" : "Strings")}.");

    [DoesNotReturn]
    private void ThrowElement(DType dtype, int size)
    {
        if (DType == DType.String) ThrowNoNumbers();
        throw new EdgeLiteException(Status.InvalidType, $"{this} was asked for as {(dtype == DType.Undefined ? $"elements of {size} bytes" : dtype.Name())}: Span takes the type that the elements have. Their bits are in Bytes.");
    }

    [StructLayout(LayoutKind.Sequential, Size = Alignment)]
    private struct Line;
}
