using System.Buffers.Binary;
using System.Text;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>
/// The options of a custom operator: a map of FlexBuffers (google.github.io/flatbuffers/flexbuffers.html), which is read from its end. A value is a
/// number, or the distance back to where it lies; a vector has its length before it, a map the place and the width of its keys before that.
/// </summary>
internal readonly ref struct TfliteFlexMap
{
    private const int Int = 1, UInt = 2, Float = 3, IndirectInt = 6, IndirectUInt = 7, IndirectFloat = 8, Map = 9, IntVector = 11, UIntVector = 12, Bool = 26;

    private readonly ReadOnlySpan<byte> _data;
    private readonly TfliteNode _node;
    private readonly int _at, _width, _count, _keys, _keyWidth;

    public TfliteFlexMap(TfliteNode node)
    {
        _node = node;
        _data = node.Scope.Model.CustomOptions(node.Operator);
        if (_data.Length < 3) throw node.Damaged("its options are no map");
        int packed = _data[^2];
        if (packed >> 2 != Map) throw node.Damaged("its options are no map");
        _width = 1 << (packed & 3);
        _at = Back(_data.Length - 2 - _data[^1], _data[^1]);
        _count = Length(_at - _width, _width);
        _keyWidth = Length(_at - 2 * _width, _width);
        _keys = Back(_at - 3 * _width, _width);
    }

    public bool Has(string key) => Find(key) >= 0;

    /// <summary>A number; without one of that name, another one or an error.</summary>
    public double Number(string key, double? otherwise = null)
    {
        int i = Find(key);
        if (i < 0) return otherwise ?? throw _node.Error($"its options lack '{key}': another version of it than the one that is known");
        (int type, int width, int at) = Entry(i);
        return type switch
        {
            Int or Bool => Signed(at, _width),
            UInt => Unsigned(at, _width),
            Float => Real(at, _width),
            IndirectInt => Signed(Back(at, _width), width),
            IndirectUInt => Unsigned(Back(at, _width), width),
            IndirectFloat => Real(Back(at, _width), width),
            _ => throw _node.Damaged($"option '{key}' is no number"),
        };
    }

    public int Whole(string key, int? otherwise = null) => Number(key, otherwise) is >= int.MinValue and <= int.MaxValue and var number ? (int)number : throw _node.Damaged($"option '{key}' is no integer");

    public long[] Wholes(string key)
    {
        int i = Find(key);
        if (i < 0) throw _node.Error($"its options lack '{key}': another version of it than the one that is known");
        (int type, int width, int at) = Entry(i);
        if (type is not (IntVector or UIntVector)) throw _node.Damaged($"option '{key}' is no list of integers");
        int first = Back(at, _width), count = Length(first - width, width);
        var numbers = new long[count];
        for (int k = 0; k < count; k++) numbers[k] = type == IntVector ? Signed(first + k * width, width) : (long)Unsigned(first + k * width, width);
        return numbers;
    }

    /// <summary>Types stand behind the values, a byte each.</summary>
    private (int Type, int Width, int At) Entry(int i)
    {
        byte packed = Bytes(_at + _count * _width + i, 1)[0];
        return (packed >> 2, 1 << (packed & 3), _at + i * _width);
    }

    private int Find(string key)
    {
        for (int i = 0; i < _count; i++)
        {
            ReadOnlySpan<byte> name = _data[Back(_keys + i * _keyWidth, _keyWidth)..];
            int end = name.IndexOf((byte)0);
            if (end >= 0 && Encoding.UTF8.GetString(name[..end]) == key) return i;
        }
        return -1;
    }

    /// <summary>A number that counts what lies in the options.</summary>
    private int Length(int at, int width) => Unsigned(at, width) is var n && n <= (ulong)_data.Length ? (int)n : throw _node.Damaged($"its options have {n} entries");

    private int Back(int at, int width)
    {
        ulong distance = Unsigned(at, width);
        return distance <= (ulong)at ? at - (int)distance : throw _node.Damaged("its options point outside themselves");
    }

    private ulong Unsigned(int at, int width)
    {
        ReadOnlySpan<byte> b = Bytes(at, width);
        return width switch { 1 => b[0], 2 => BinaryPrimitives.ReadUInt16LittleEndian(b), 4 => BinaryPrimitives.ReadUInt32LittleEndian(b), 8 => BinaryPrimitives.ReadUInt64LittleEndian(b), _ => throw _node.Damaged($"its options have numbers of {width} bytes") };
    }

    private long Signed(int at, int width)
    {
        int unused = 64 - 8 * width;
        return (long)(Unsigned(at, width) << unused) >> unused;
    }

    private double Real(int at, int width)
    {
        ReadOnlySpan<byte> b = Bytes(at, width);
        return width switch { 2 => (double)BinaryPrimitives.ReadHalfLittleEndian(b), 4 => BinaryPrimitives.ReadSingleLittleEndian(b), 8 => BinaryPrimitives.ReadDoubleLittleEndian(b), _ => throw _node.Damaged($"its options have floats of {width} bytes") };
    }

    private ReadOnlySpan<byte> Bytes(int at, int count) =>
        at >= 0 && count >= 0 && at <= _data.Length - count ? _data.Slice(at, count) : throw _node.Damaged("its options point outside themselves");
}
