using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Format;

/// <summary>
/// A table of a FlatBuffers file, read where it lies. Every access is checked against the bounds of the file; an offset or a
/// length that leaves them throws <see cref="EdgeLiteException"/> with <see cref="Status.Truncated"/> (past the end) or
/// <see cref="Status.Corrupt"/> (contradictory). Offsets only point forward, so no file can make a reader loop.
/// Fields are numbered in the order of the schema, a union counting as two (its type, then its table).
/// Layout: FlatBuffers "Internals" (https://flatbuffers.dev/internals), little-endian.
/// </summary>
public readonly ref struct FlatTable
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly int _table;
    private readonly int _tableSize;
    private readonly int _vtable;
    private readonly int _vtableSize;

    private FlatTable(ReadOnlySpan<byte> data, int table)
    {
        _data = data;
        _table = table;
        long vtable = table - (long)ReadInt32(data, table);
        if (vtable < 4 || vtable > data.Length - 4) throw Corrupt($"the table at {table} names {vtable} as its field list");
        _vtable = (int)vtable;
        _vtableSize = BinaryPrimitives.ReadUInt16LittleEndian(data[_vtable..]);
        _tableSize = BinaryPrimitives.ReadUInt16LittleEndian(data[(_vtable + 2)..]);
        if (_vtableSize < 4 || (_vtableSize & 1) != 0) throw Corrupt($"the field list at {_vtable} has a size of {_vtableSize}");
        if (_vtable + (long)_vtableSize > data.Length) throw Truncated(_vtable, _vtableSize);
        if (_tableSize < 4) throw Corrupt($"the table at {table} has a size of {_tableSize}");
        if (table + (long)_tableSize > data.Length) throw Truncated(table, _tableSize);
    }

    /// <summary>The root table. With <paramref name="identifier"/> given (4 bytes), a file that does not carry it is refused as
    /// <see cref="Status.NotAModel"/>.</summary>
    public static FlatTable Root(ReadOnlySpan<byte> data, ReadOnlySpan<byte> identifier = default)
    {
        if (data.Length < 8) throw Truncated(0, 8);
        if (!identifier.IsEmpty && !data.Slice(4, identifier.Length).SequenceEqual(identifier))
            throw new EdgeLiteException(Status.NotAModel, $"The file does not carry the identifier '{Encoding.ASCII.GetString(identifier)}'.");
        return new FlatTable(data, Follow(data, 0));
    }

    /// <summary>Where in the file this table lies, for messages.</summary>
    public int Position => _table;

    /// <summary>True when the file stores the field; an absent scalar has its default value, an absent object is none.</summary>
    public bool Has(int field) => Find(field) != 0;

    public bool Bool(int field, bool otherwise = false) => Scalar(field, (byte)(otherwise ? 1 : 0)) != 0;
    public sbyte Int8(int field, sbyte otherwise = 0) => Scalar(field, otherwise);
    public byte UInt8(int field, byte otherwise = 0) => Scalar(field, otherwise);
    public short Int16(int field, short otherwise = 0) => Scalar(field, otherwise);
    public ushort UInt16(int field, ushort otherwise = 0) => Scalar(field, otherwise);
    public int Int32(int field, int otherwise = 0) => Scalar(field, otherwise);
    public uint UInt32(int field, uint otherwise = 0) => Scalar(field, otherwise);
    public long Int64(int field, long otherwise = 0) => Scalar(field, otherwise);
    public ulong UInt64(int field, ulong otherwise = 0) => Scalar(field, otherwise);
    public float Float32(int field, float otherwise = 0) => Scalar(field, otherwise);
    public double Float64(int field, double otherwise = 0) => Scalar(field, otherwise);

    /// <summary>A struct (or any scalar type of that size) stored inside the table; empty when absent.</summary>
    public ReadOnlySpan<byte> Struct(int field, int size)
    {
        int offset = Find(field);
        return offset == 0 ? default : Inside(field, offset, size);
    }

    /// <summary>A struct that a field points to, as unions hold them.</summary>
    public ReadOnlySpan<byte> Pointed(int field, int size)
    {
        int at = Target(field);
        if (at == 0) throw Corrupt($"the table at {_table} lacks its required field {field}");
        return size <= _data.Length - at ? _data.Slice(at, size) : throw Truncated(at, size);
    }

    /// <summary>A table that the field points to; false when absent.</summary>
    public bool TryTable(int field, out FlatTable table)
    {
        int at = Target(field);
        table = at == 0 ? default : new FlatTable(_data, at);
        return at != 0;
    }

    /// <summary>A table that must be there.</summary>
    public FlatTable Table(int field) =>
        TryTable(field, out FlatTable table) ? table : throw Corrupt($"the table at {_table} lacks its required field {field}");

    /// <summary>The string of a field (UTF-8); null when absent.</summary>
    public string? String(int field)
    {
        int at = Target(field);
        return at == 0 ? null : Encoding.UTF8.GetString(VectorBytes(_data, at, 1, out _));
    }

    /// <summary>A vector of 1-byte elements, where it lies; empty when absent.</summary>
    public ReadOnlySpan<byte> Bytes(int field)
    {
        int at = Target(field);
        return at == 0 ? default : VectorBytes(_data, at, 1, out _);
    }

    /// <summary>A vector of scalars, where it lies. The elements may be unaligned if the file is not well formed in that
    /// respect, which the supported processors read all the same.</summary>
    public ReadOnlySpan<T> Scalars<T>(int field) where T : unmanaged
    {
        int at = Target(field);
        return at == 0 ? default : MemoryMarshal.Cast<byte, T>(VectorBytes(_data, at, Unsafe.SizeOf<T>(), out _));
    }

    /// <summary>A vector of tables, strings or unions' tables; empty when absent.</summary>
    public FlatVector Vector(int field) => Structs(field, 4);

    /// <summary>A vector of structs of <paramref name="elementSize"/> bytes; empty when absent.</summary>
    public FlatVector Structs(int field, int elementSize)
    {
        int at = Target(field);
        if (at == 0) return default;
        VectorBytes(_data, at, elementSize, out int count);
        return new FlatVector(_data, at + 4, count, elementSize);
    }

    internal static FlatTable At(ReadOnlySpan<byte> data, int offsetPosition) => new(data, Follow(data, offsetPosition));

    internal static ReadOnlySpan<byte> VectorBytes(ReadOnlySpan<byte> data, int at, int elementSize, out int count)
    {
        uint length = (uint)ReadInt32(data, at);
        long bytes = (long)length * elementSize;
        if (bytes > data.Length - at - 4) throw Truncated(at + 4, bytes);
        count = (int)length;
        return data.Slice(at + 4, (int)bytes);
    }

    /// <summary>Where the offset stored at <paramref name="position"/> points to; at least 4 bytes lie there.</summary>
    internal static int Follow(ReadOnlySpan<byte> data, int position)
    {
        uint offset = (uint)ReadInt32(data, position);
        if (offset == 0) throw Corrupt($"the offset at {position} is 0");
        long target = position + (long)offset;
        if (target > data.Length - 4) throw Truncated(target, 4);
        return (int)target;
    }

    private T Scalar<T>(int field, T otherwise) where T : unmanaged
    {
        int offset = Find(field);
        return offset == 0 ? otherwise : MemoryMarshal.Read<T>(Inside(field, offset, Unsafe.SizeOf<T>()));
    }

    private ReadOnlySpan<byte> Inside(int field, int offset, int size)
    {
        if (offset + size > _tableSize) throw Corrupt($"field {field} of the table at {_table} leaves the table");
        return _data.Slice(_table + offset, size);
    }

    /// <summary>Offset of a field within the table, 0 when absent. A default-constructed table has no fields.</summary>
    private int Find(int field)
    {
        int entry = 4 + 2 * field;
        if (entry + 2 > _vtableSize) return 0;
        int offset = BinaryPrimitives.ReadUInt16LittleEndian(_data[(_vtable + entry)..]);
        if (offset != 0 && (offset < 4 || offset >= _tableSize)) throw Corrupt($"field {field} of the table at {_table} leaves the table");
        return offset;
    }

    private int Target(int field)
    {
        int offset = Find(field);
        if (offset == 0) return 0;
        Inside(field, offset, 4);
        return Follow(_data, _table + offset);
    }

    private static int ReadInt32(ReadOnlySpan<byte> data, int position)
    {
        if ((uint)position > (uint)data.Length || data.Length - position < 4) throw Truncated(position, 4);
        return BinaryPrimitives.ReadInt32LittleEndian(data[position..]);
    }

    private static EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"The file is damaged: {what}.");

    private static EdgeLiteException Truncated(long position, long bytes) =>
        new(Status.Truncated, $"The file is damaged or cut off: {bytes} bytes were expected at {position}, past its end.");

    [DoesNotReturn]
    internal static void ThrowIndex(int index, int count) =>
        throw new EdgeLiteException(Status.Corrupt, $"The file is damaged: element {index} of a list of {count} was referred to.");
}

/// <summary>A vector of tables, strings or structs of a FlatBuffers file, its bounds checked already.</summary>
public readonly ref struct FlatVector
{
    private readonly ReadOnlySpan<byte> _data;
    private readonly int _start;
    private readonly int _elementSize;

    internal FlatVector(ReadOnlySpan<byte> data, int start, int count, int elementSize)
    {
        _data = data;
        _start = start;
        Count = count;
        _elementSize = elementSize;
    }

    public int Count { get; }

    /// <summary>The i-th table; an index outside the vector is reported as damage, since indices come from files too.</summary>
    public FlatTable Table(long i) => FlatTable.At(_data, Element(i));

    public string String(long i) => Encoding.UTF8.GetString(FlatTable.VectorBytes(_data, FlatTable.Follow(_data, Element(i)), 1, out _));

    public ReadOnlySpan<byte> Struct(long i) => _data.Slice(Element(i), _elementSize);

    private int Element(long i)
    {
        if ((ulong)i >= (ulong)Count) FlatTable.ThrowIndex((int)Math.Clamp(i, int.MinValue, int.MaxValue), Count);
        return _start + (int)i * _elementSize;
    }
}
