using System.Buffers.Binary;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>A name that a pickle refers to: a class or a function of Python. It is never looked up or called.</summary>
internal sealed record PickleGlobal(string Module, string Name)
{
    public string FullName => $"{Module}.{Name}";
}

/// <summary>An object of a Python class, with what the pickle would have passed to its __setstate__.</summary>
internal sealed class PickleObject(PickleGlobal type, object? arguments)
{
    public PickleGlobal Type { get; } = type;
    public object? Arguments { get; } = arguments;
    public object? State { get; set; }
}

/// <summary>A Python tuple.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>A Python dict or OrderedDict, in the order of insertion.</summary>
internal sealed class PickleDict
{
    public List<KeyValuePair<object?, object?>> Items { get; } = [];

    public object? Find(string key) => Items.FirstOrDefault(i => i.Key is string s && s == key).Value;
}

/// <summary>
/// Reads a pickle (Python's documented protocols 0 to 4; opcodes as in Lib/pickletools.py) as data: nothing of it is executed.
/// What would be a call becomes a <see cref="PickleObject"/>, unless <c>reduce</c> knows the function. Values are null, bool, long,
/// double, string, byte[], List&lt;object?&gt;, <see cref="PickleTuple"/>, <see cref="PickleDict"/>, <see cref="PickleObject"/>,
/// <see cref="PickleGlobal"/>, or what the two functions return.
/// </summary>
/// <param name="data">The pickle.</param>
/// <param name="persistent">Resolves a persistent id.</param>
/// <param name="reduce">The result of a call of a function with arguments; the second value false: not known.</param>
internal sealed class Pickle(byte[] data, Func<object?, object?> persistent, Func<PickleGlobal, object?[], (object? Value, bool Known)> reduce)
{
    private static readonly object s_mark = new();
    private readonly List<object?> _stack = [];
    private readonly Dictionary<long, object?> _memo = [];
    private int _at;

    /// <summary>Reads the first pickle of the data; <paramref name="length"/> is the number of bytes that it took.</summary>
    public object? Load(out int length)
    {
        try
        {
            while (true)
            {
                byte op = Byte();
                if (op == '.') break;
                Step(op);
            }
            length = _at;
            return Pop();
        }
        catch (Exception e) when (e is IndexOutOfRangeException or ArgumentException or OverflowException or InvalidCastException or FormatException)
        {
            throw Corrupt(e.Message);
        }
    }

    private void Step(byte op)
    {
        switch ((char)op)
        {
            case '\x80': Byte(); break; // PROTO
            case '\x95': Take(8); break; // FRAME
            case '(': _stack.Add(s_mark); break;
            case '0': Pop(); break;
            case '1': PopMark(); break;
            case '2': Push(Peek()); break;
            case 'N': Push(null); break;
            case '\x88': Push(true); break;
            case '\x89': Push(false); break;
            case 'I': Push(DecimalInt(Line())); break;
            case 'L': Push(long.Parse(Line().TrimEnd('L'), System.Globalization.CultureInfo.InvariantCulture)); break;
            case 'F': Push(double.Parse(Line(), System.Globalization.CultureInfo.InvariantCulture)); break;
            case 'J': Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(4))); break;
            case 'K': Push((long)Byte()); break;
            case 'M': Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(2))); break;
            case 'G': Push(BinaryPrimitives.ReadDoubleBigEndian(Take(8))); break;
            case '\x8a': Push(Long(Take(Byte()))); break;
            case '\x8b': Push(Long(Take(BinaryPrimitives.ReadInt32LittleEndian(Take(4))))); break;
            case 'X': Push(Encoding.UTF8.GetString(Take(Length4()))); break;
            case '\x8c': Push(Encoding.UTF8.GetString(Take(Byte()))); break;
            case '\x8d': Push(Encoding.UTF8.GetString(Take(Length8()))); break;
            case 'V': Push(Unescaped(Encoding.Latin1.GetString(RawLine()), "uU")); break;
            case 'S': { string quoted = Encoding.Latin1.GetString(RawLine()); Push(Unescaped(quoted.Length > 1 ? quoted[1..^1] : "", "x\\'\"nrt")); break; }
            case 'U': Push(Encoding.Latin1.GetString(Take(Byte()))); break;
            case 'T': Push(Encoding.Latin1.GetString(Take(Length4()))); break;
            case 'B': Push(Take(Length4()).ToArray()); break;
            case 'C': Push(Take(Byte()).ToArray()); break;
            case '\x8e': Push(Take(Length8()).ToArray()); break;
            case ']': Push(new List<object?>()); break;
            case ')': Push(new PickleTuple([])); break;
            case '}': Push(new PickleDict()); break;
            case '\x8f': Push(new List<object?>()); break; // EMPTY_SET
            case 'l': Push(PopMark().ToList()); break;
            case 't': Push(new PickleTuple(PopMark())); break;
            case '\x85': Push(new PickleTuple([Pop()])); break;
            case '\x86': { object? b = Pop(), a = Pop(); Push(new PickleTuple([a, b])); break; }
            case '\x87': { object? c = Pop(), b = Pop(), a = Pop(); Push(new PickleTuple([a, b, c])); break; }
            case 'd': { var dict = new PickleDict(); SetItems(dict, PopMark()); Push(dict); break; }
            case 'a': { object? item = Pop(); ((List<object?>)Peek()!).Add(item); break; }
            case 'e': case '\x90': { object?[] items = PopMark(); ((List<object?>)Peek()!).AddRange(items); break; }
            case 's': { object? value = Pop(), key = Pop(); SetItems(Peek(), [key, value]); break; }
            case 'u': { object?[] items = PopMark(); SetItems(Peek(), items); break; }
            case 'p': _memo[long.Parse(Line(), System.Globalization.CultureInfo.InvariantCulture)] = Peek(); break;
            case 'q': _memo[Byte()] = Peek(); break;
            case 'r': _memo[Length4()] = Peek(); break;
            case '\x94': _memo[_memo.Count] = Peek(); break;
            case 'g': Push(Memo(long.Parse(Line(), System.Globalization.CultureInfo.InvariantCulture))); break;
            case 'h': Push(Memo(Byte())); break;
            case 'j': Push(Memo(Length4())); break;
            case 'c': { string module = Line(); Push(new PickleGlobal(module, Line())); break; }
            case '\x93': { object? name = Pop(), module = Pop(); Push(new PickleGlobal((string)module!, (string)name!)); break; }
            case 'P': Push(persistent(Line())); break;
            case 'Q': Push(persistent(Pop())); break;
            case 'R': { object? args = Pop(), function = Pop(); Push(Reduce(function, args)); break; }
            case '\x81': { object? args = Pop(), type = Pop(); Push(new PickleObject(Global(type), args)); break; }
            case '\x92': { object? named = Pop(), args = Pop(), type = Pop(); Push(new PickleObject(Global(type), new PickleTuple([args, named]))); break; }
            case 'b': { object? state = Pop(); if (Peek() is PickleObject o) o.State = state; break; }
            default: throw Corrupt($"opcode 0x{op:x2} at byte {_at - 1} is not one of a plain pickle");
        }
    }

    private object? Reduce(object? function, object? args)
    {
        PickleGlobal global = Global(function);
        object?[] items = args is PickleTuple tuple ? tuple.Items : throw Corrupt($"{global.FullName} is called without a tuple of arguments");
        if (global.FullName is "collections.OrderedDict")
        {
            var dict = new PickleDict();
            if (items.Length > 0 && items[0] is List<object?> pairs)
                foreach (object? pair in pairs)
                    if (pair is PickleTuple { Items.Length: 2 } p) dict.Items.Add(new(p.Items[0], p.Items[1]));
            return dict;
        }
        (object? value, bool known) = reduce(global, items);
        return known ? value : new PickleObject(global, args);
    }

    private static PickleGlobal Global(object? value) => value as PickleGlobal ?? throw Corrupt("an object is made of something that is not a class");

    private static void SetItems(object? target, object?[] items)
    {
        if (items.Length % 2 != 0) throw Corrupt("a dict has a key without a value");
        if (target is not PickleDict dict)
        {
            if (target is PickleObject) return; // an unknown mapping class: its content is not needed
            throw Corrupt("items are set on something that is not a dict");
        }
        for (int i = 0; i < items.Length; i += 2) dict.Items.Add(new(items[i], items[i + 1]));
    }

    private object? Memo(long key) => _memo.TryGetValue(key, out object? value) ? value : throw Corrupt($"memo {key} is not there");

    private void Push(object? value) => _stack.Add(value);

    private object? Pop()
    {
        if (_stack.Count == 0 || ReferenceEquals(_stack[^1], s_mark)) throw Corrupt("the stack is empty");
        object? value = _stack[^1];
        _stack.RemoveAt(_stack.Count - 1);
        return value;
    }

    private object? Peek() => _stack.Count > 0 && !ReferenceEquals(_stack[^1], s_mark) ? _stack[^1] : throw Corrupt("the stack is empty");

    private object?[] PopMark()
    {
        int mark = _stack.LastIndexOf(s_mark);
        if (mark < 0) throw Corrupt("there is no mark on the stack");
        object?[] items = [.. _stack.Skip(mark + 1)];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return items;
    }

    private static object DecimalInt(string text) => text switch
    {
        "00" => false,
        "01" => true,
        _ => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture),
    };

    private static long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 0) return 0;
        var big = new System.Numerics.BigInteger(bytes);
        return big >= long.MinValue && big <= long.MaxValue ? (long)big : (long)(ulong)(big & ulong.MaxValue);
    }

    private int Length4()
    {
        uint n = BinaryPrimitives.ReadUInt32LittleEndian(Take(4));
        return n <= int.MaxValue ? (int)n : throw Corrupt("a length is larger than the file");
    }

    private int Length8()
    {
        ulong n = BinaryPrimitives.ReadUInt64LittleEndian(Take(8));
        return n <= int.MaxValue ? (int)n : throw Corrupt("a length is larger than the file");
    }

    private byte Byte() => Take(1)[0];

    private ReadOnlySpan<byte> Take(int n)
    {
        if (n < 0 || n > data.Length - _at) throw new EdgeLiteException(Status.Truncated, $"A pickle of the file ends at byte {data.Length}, in the middle of an instruction.");
        _at += n;
        return data.AsSpan(_at - n, n);
    }

    private string Line() => Encoding.UTF8.GetString(RawLine());

    private ReadOnlySpan<byte> RawLine()
    {
        int from = _at, end = Array.IndexOf(data, (byte)'\n', from);
        if (end < 0) throw new EdgeLiteException(Status.Truncated, "A pickle of the file ends in the middle of a line.");
        _at = end + 1;
        return data.AsSpan(from, end - from);
    }

    /// <summary>What Python's escapes of these kinds stand for: \uXXXX and \UXXXXXXXX of texts, \xXX, \\, quotes and \n \r \t of byte strings.</summary>
    private static string Unescaped(string text, string kinds)
    {
        if (!text.Contains('\\', StringComparison.Ordinal)) return text;
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || i + 1 == text.Length || !kinds.Contains(text[i + 1], StringComparison.Ordinal))
            {
                result.Append(text[i]);
                continue;
            }
            char kind = text[++i];
            int digits = kind switch { 'u' => 4, 'U' => 8, 'x' => 2, _ => 0 };
            if (digits == 0) result.Append(kind switch { 'n' => '\n', 'r' => '\r', 't' => '\t', _ => kind });
            else
            {
                if (i + digits >= text.Length || !int.TryParse(text.AsSpan(i + 1, digits), System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out int code) || !Rune.IsValid(code)) throw Corrupt("a text has a damaged escape");
                result.Append(new Rune(code).ToString());
                i += digits;
            }
        }
        return result.ToString();
    }

    private static EdgeLiteException Corrupt(string what) => new(Status.Corrupt, $"A pickle of the file is damaged: {what}.");
}
