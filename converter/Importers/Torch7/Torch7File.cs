using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>A Lua table: its entries in the order of the file.</summary>
internal sealed class LuaTable
{
    public Dictionary<object, object?> Items { get; } = [];

    public object? this[string key] => Items.GetValueOrDefault(key);

    /// <summary>Entries 1, 2, 3 ... up to the first that is missing.</summary>
    public IEnumerable<object?> Sequence()
    {
        for (double i = 1; Items.TryGetValue(i, out object? value); i++) yield return value;
    }
}

/// <summary>An object of a Torch class that is no tensor: its fields are a table.</summary>
internal sealed class LuaObject(string type)
{
    public string Type { get; } = type;
    public object? Content { get; set; }
    public object? this[string key] => (Content as LuaTable)?[key];
}

/// <summary>A tensor: a view into a storage, sizes and strides in elements, the offset counted from 1.</summary>
internal sealed class LuaTensor(long[] sizes, long[] strides, long offset)
{
    private const long MaxSize = int.MaxValue;

    private Tensor? _dense;

    public long[] Sizes => sizes;
    public LuaStorage? Storage { get; set; }

    public Tensor Dense => _dense ??= Read();

    private Tensor Read()
    {
        if (sizes.Length > Shape.MaxRank) throw new EdgeLiteException(Status.Unsupported, $"A tensor has {sizes.Length} dimensions; at most {Shape.MaxRank} are supported.");
        double[] from = Storage?.Values ?? [];
        long last = offset - 1;
        for (int d = 0; d < sizes.Length; d++)
        {
            if (sizes[d] is < 0 or > MaxSize || strides[d] is < 0 or > MaxSize) throw Corrupt();
            last += (sizes[d] - 1) * strides[d];
        }
        Shape shape = sizes.Length == 0 ? new Shape(0) : new Shape(sizes);
        long count = shape.Count;
        if (count > 0 && (offset is < 1 or > MaxSize || last >= from.Length || count > Math.Max(from.Length, 1 << 24))) throw Corrupt();
        var tensor = new Tensor(Storage?.Type ?? DType.Float32, shape);
        Span<long> index = stackalloc long[sizes.Length];
        for (long i = 0, at = offset - 1; i < count; i++)
        {
            tensor.SetDouble(i, from[at]);
            for (int d = sizes.Length - 1; d >= 0; d--)
            {
                at += strides[d];
                if (++index[d] < sizes[d]) break;
                at -= strides[d] * sizes[d];
                index[d] = 0;
            }
        }
        return tensor;
    }

    private EdgeLiteException Corrupt() => new(Status.Corrupt, $"A tensor of sizes [{string.Join(",", sizes)}] reaches beyond its storage.");
}

/// <summary>The numbers of a storage, and the type that tensors over it have here (float64 becomes float32).</summary>
internal sealed record LuaStorage(DType Type, double[] Values);

/// <summary>
/// Reads Torch7's serialization (torch7/File.lua), binary (little endian, 64-bit sizes) or ascii: numbers, strings, tables, Torch objects
/// with sharing by index. Functions are read over, never run.
/// </summary>
internal sealed class Torch7File
{
    private const int MaxDepth = 400;
    private readonly byte[] _data;
    private readonly bool _isAscii;
    private readonly Dictionary<long, object> _objects = [];
    private int _at;
    private int _depth;

    private Torch7File(byte[] data, bool isAscii) => (_data, _isAscii) = (data, isAscii);

    /// <summary>The form of a file that begins with a Torch object: "binary", "ascii", or null.</summary>
    public static string? FormOf(ReadOnlySpan<byte> head)
    {
        if (head.Length > 20 && BinaryPrimitives.ReadInt32LittleEndian(head) is 3 or 4)
        {
            // type, index, [version length, "V 1",] class name
            int at = 8;
            if (BinaryPrimitives.ReadInt32LittleEndian(head) == 4 && head.Length > at + 7 && BinaryPrimitives.ReadInt32LittleEndian(head[at..]) == 3 && head[at + 4] == 'V') return "binary";
            // A table: type, index, number of entries, then the first key, a text.
            if (BinaryPrimitives.ReadInt32LittleEndian(head) == 3 && BinaryPrimitives.ReadInt32LittleEndian(head[4..]) == 1 && BinaryPrimitives.ReadInt32LittleEndian(head[8..]) is > 0 and < 10_000
                && BinaryPrimitives.ReadInt32LittleEndian(head[12..]) == 2 && BinaryPrimitives.ReadInt32LittleEndian(head[16..]) is > 0 and < 200 and int key
                && head.Length >= 20 + key && head.Slice(20, key).IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0) return "binary";
            if (BinaryPrimitives.ReadInt32LittleEndian(head) == 4 && head.Length > at + 8 && BinaryPrimitives.ReadInt32LittleEndian(head[at..]) is > 3 and < 200 and int n && head.Length >= at + 4 + n
                && head.Slice(at + 4, n).IndexOf((byte)'.') > 0) return "binary";
        }
        string text = Encoding.Latin1.GetString(head[..Math.Min(head.Length, 64)]);
        string[] lines = text.Split('\n');
        if (lines.Length > 5 && lines[0] == "3" && lines[1] == "1" && lines[3] == "2" && int.TryParse(lines[4], out int length) && lines[5].Length == length) return "ascii";
        return lines.Length > 4 && lines[0].Trim() == "4" && long.TryParse(lines[1].Trim(), out _) && lines[3].StartsWith("V ", StringComparison.Ordinal) ? "ascii" : null;
    }

    public static object? Read(byte[] data, bool isAscii)
    {
        var file = new Torch7File(data, isAscii);
        try
        {
            return file.Object();
        }
        catch (Exception e) when (e is OverflowException or FormatException or ArgumentException or InvalidCastException)
        {
            throw file.Corrupt(e.Message);
        }
    }

    private object? Object()
    {
        if (++_depth > MaxDepth) throw Corrupt("objects nest too deeply");
        try
        {
            int type = Int();
            switch (type)
            {
                case 0: return null;
                case 1: return Number();
                case 2: return Text();
                case 5: return Int() != 0;
                case 3: return Table();
                case 4: return TorchObject();
                case 6 or 7 or 8: return Function(type);
                default: throw Corrupt($"{type} is no type of value");
            }
        }
        finally
        {
            _depth--;
        }
    }

    private object Table()
    {
        long index = Int();
        if (_objects.TryGetValue(index, out object? known)) return known;
        var table = new LuaTable();
        _objects[index] = table;
        int n = Int();
        for (int i = 0; i < n; i++)
        {
            object key = Object() ?? throw Corrupt("a table has nil as a key");
            table.Items[key] = Object();
        }
        return table;
    }

    /// <summary>A dumped function and its upvalues.</summary>
    private object? Function(int type)
    {
        long index = Int();
        if (_objects.TryGetValue(index, out object? known)) return known;
        var function = new LuaObject("function");
        _objects[index] = function;
        Text();
        _ = type;
        Object();
        return function;
    }

    private object TorchObject()
    {
        long index = Int();
        if (_objects.TryGetValue(index, out object? known)) return known;
        string version = Text(), type;
        type = version.StartsWith("V ", StringComparison.Ordinal) ? Text() : version;
        if (type.StartsWith("torch.", StringComparison.Ordinal))
        {
            string kind = type["torch.".Length..].Replace("Cuda", "", StringComparison.Ordinal);
            if (kind is "Tensor" or "Storage" && type.Contains("Cuda", StringComparison.Ordinal)) kind = "Float" + kind;
            if (kind.EndsWith("Tensor", StringComparison.Ordinal)) return TensorOf(index);
            if (kind.EndsWith("Storage", StringComparison.Ordinal)) return _objects[index] = Storage(kind[..^"Storage".Length]);
        }
        var o = new LuaObject(type);
        _objects[index] = o;
        o.Content = Object();
        return o;
    }

    private LuaTensor TensorOf(long index)
    {
        int rank = Int();
        if (rank is < 0 or > 64) throw Corrupt($"a tensor has {rank} dimensions");
        long[] sizes = Longs(rank), strides = Longs(rank);
        var tensor = new LuaTensor(sizes, strides, Long());
        _objects[index] = tensor;
        tensor.Storage = Object() as LuaStorage;
        return tensor;
    }

    private LuaStorage Storage(string kind)
    {
        long count = Long();
        (DType type, int size) = kind switch
        {
            "Float" => (DType.Float32, 4),
            "Double" => (DType.Float32, 8),
            "Half" => (DType.Float32, 2),
            "Long" => (DType.Int64, 8),
            "Int" => (DType.Int32, 4),
            "Short" => (DType.Int16, 2),
            "Char" => (DType.Int8, 1),
            "Byte" => (DType.UInt8, 1),
            _ => throw new EdgeLiteException(Status.Unsupported, $"Storages of type torch.{kind}Storage are not supported."),
        };
        if (count < 0 || count > (_data.Length - _at) / (_isAscii && size > 1 ? 2 : size) + 1) throw Truncated();
        var values = new double[count];
        if (_isAscii)
        {
            if (size == 1)
            {
                for (int i = 0; i < count; i++) values[i] = kind == "Char" ? (sbyte)Bytes(1)[0] : Bytes(1)[0];
                if (count > 0 && _at < _data.Length && _data[_at] == '\n') _at++;
                return new LuaStorage(type, values);
            }
            for (int i = 0; i < count; i++) values[i] = ParseNumber(Word());
            return new LuaStorage(type, values);
        }
        ReadOnlySpan<byte> bytes = Bytes(checked((int)(count * size)));
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> b = bytes.Slice(i * size, size);
            values[i] = kind switch
            {
                "Float" => BinaryPrimitives.ReadSingleLittleEndian(b),
                "Double" => BinaryPrimitives.ReadDoubleLittleEndian(b),
                "Half" => (double)BinaryPrimitives.ReadHalfLittleEndian(b),
                "Long" => BinaryPrimitives.ReadInt64LittleEndian(b),
                "Int" => BinaryPrimitives.ReadInt32LittleEndian(b),
                "Short" => BinaryPrimitives.ReadInt16LittleEndian(b),
                "Char" => (sbyte)b[0],
                _ => b[0],
            };
        }
        return new LuaStorage(type, values);
    }

    private int Int() => _isAscii ? int.Parse(Word(), CultureInfo.InvariantCulture) : BinaryPrimitives.ReadInt32LittleEndian(Bytes(4));
    private long Long() => _isAscii ? long.Parse(Word(), CultureInfo.InvariantCulture) : BinaryPrimitives.ReadInt64LittleEndian(Bytes(8));
    private double Number() => _isAscii ? ParseNumber(Word()) : BinaryPrimitives.ReadDoubleLittleEndian(Bytes(8));

    private static double ParseNumber(string word) => word switch
    {
        "inf" => double.PositiveInfinity,
        "-inf" => double.NegativeInfinity,
        "nan" or "-nan" => double.NaN,
        _ => double.Parse(word, CultureInfo.InvariantCulture),
    };

    private long[] Longs(int n)
    {
        var values = new long[n];
        for (int i = 0; i < n; i++) values[i] = Long();
        return values;
    }

    private string Text()
    {
        int n = Int();
        if (n < 0) throw Corrupt("a text has a negative length");
        if (_isAscii) SkipNewline();
        string text = Encoding.Latin1.GetString(Bytes(n));
        if (_isAscii) SkipNewline();
        return text;
    }

    private void SkipNewline()
    {
        if (_at < _data.Length && _data[_at] == '\r') _at++;
        if (_at < _data.Length && _data[_at] == '\n') _at++;
    }

    private string Word()
    {
        while (_at < _data.Length && _data[_at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') _at++;
        int start = _at;
        while (_at < _data.Length && _data[_at] is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t')) _at++;
        if (_at == start) throw Truncated();
        string word = Encoding.Latin1.GetString(_data, start, _at - start);
        SkipNewline();
        return word;
    }

    private ReadOnlySpan<byte> Bytes(int n)
    {
        if (n < 0 || n > _data.Length - _at) throw Truncated();
        _at += n;
        return _data.AsSpan(_at - n, n);
    }

    private static EdgeLiteException Truncated() => new(Status.Truncated, "The Torch7 file ends in the middle of an object.");
    private EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"The Torch7 file is damaged at byte {_at}: {what}.");
}
