using System.Collections;
using System.Globalization;
using System.Text;
using EdgeLite.Core;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads protobuf's text format (protobuf.dev/reference/protobuf/textformat-spec) into a message. Fields that the message does
/// not have are skipped.</summary>
internal sealed class ProtoText
{
    private const int MaxDepth = 100;
    private readonly string _text;
    private readonly string _file;
    private int _at;
    private int _line = 1;
    private int _depth;

    private ProtoText(string file, string text)
    {
        _file = file;
        _text = text;
    }

    public static T Read<T>(string path) where T : IMessage, new()
    {
        try
        {
            return Parse<T>(path, File.ReadAllText(path));
        }
        catch (FileNotFoundException e)
        {
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' does not exist.", e);
        }
        catch (IOException e)
        {
            throw new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {e.Message}", e);
        }
    }

    public static T Parse<T>(string file, string text) where T : IMessage, new()
    {
        var message = new T();
        Merge(file, text, message);
        return message;
    }

    public static void Merge(string file, string text, IMessage message)
    {
        var parser = new ProtoText(file, text);
        parser.Message(message, '\0');
    }

    private void Message(IMessage? message, char end)
    {
        if (++_depth > MaxDepth) throw Error("it nests too deeply");
        while (true)
        {
            Space();
            if (_at >= _text.Length)
            {
                if (end != '\0') throw Error($"'{end}' is missing at the end");
                break;
            }
            if (_text[_at] == end) { _at++; break; }
            if (_text[_at] is ',' or ';') { _at++; continue; }
            string name = Word();
            FieldDescriptor? field = message?.Descriptor.FindFieldByName(name);
            Space();
            bool colon = Accept(':');
            Space();
            if (Accept('['))
            {
                for (Space(); !Accept(']'); Space()) { Value(message, field); Space(); Accept(','); }
                continue;
            }
            if (!colon && Peek is not ('{' or '<')) throw Error($"expected ':' or '{{' after '{name}'");
            Value(message, field);
        }
        _depth--;
    }

    private void Value(IMessage? message, FieldDescriptor? field)
    {
        Space();
        if (Peek is '{' or '<')
        {
            char end = _text[_at++] == '{' ? '}' : '>';
            if (field is not { FieldType: FieldType.Message }) { Message(null, end); return; }
            if (field.IsMap) { Entry((IDictionary)field.Accessor.GetValue(message!), field.MessageType, end); return; }
            if (field.IsRepeated || field.Accessor.GetValue(message!) is not IMessage inner)
            {
                inner = (IMessage)Activator.CreateInstance(field.MessageType.ClrType)!;
                Message(inner, end);
                Store(message!, field, inner);
            }
            else Message(inner, end);
            return;
        }
        object raw = Scalar();
        if (field == null || message == null) return;
        Store(message, field, Convert(field, raw));
    }

    /// <summary>An entry of a map is written as a message of a key and a value; a value left out is the default one.</summary>
    private void Entry(IDictionary map, MessageDescriptor entry, char end)
    {
        FieldDescriptor keyField = entry.FindFieldByNumber(1), valueField = entry.FindFieldByNumber(2);
        IMessage? message = valueField.FieldType == FieldType.Message ? (IMessage)Activator.CreateInstance(valueField.MessageType.ClrType)! : null;
        object? key = null, value = valueField.FieldType == FieldType.String ? "" : message;
        for (Space(); !Accept(end); Space())
        {
            if (Peek == '\0') throw Error($"'{end}' is missing at the end");
            if (Accept(',') || Accept(';')) continue;
            string name = Word();
            Space();
            Accept(':');
            Space();
            if (name == "key") key = Convert(keyField, Scalar());
            else if (name != "value") Value(null, null);
            else if (Peek is '{' or '<') Message(message, _text[_at++] == '{' ? '}' : '>');
            else value = Convert(valueField, Scalar());
        }
        map[key ?? throw Error("an entry of a map has no key")] = value ?? throw Error("an entry of a map has no value");
    }

    private object Scalar() => Peek is '"' or '\'' ? Text() : Word();

    private static void Store(IMessage message, FieldDescriptor field, object value)
    {
        if (field.IsRepeated) ((IList)field.Accessor.GetValue(message)).Add(value);
        else field.Accessor.SetValue(message, value);
    }

    private object Convert(FieldDescriptor field, object raw)
    {
        if (raw is byte[] bytes)
            return field.FieldType switch
            {
                FieldType.String => Encoding.UTF8.GetString(bytes),
                FieldType.Bytes => ByteString.CopyFrom(bytes),
                _ => throw Error($"'{field.Name}' is text"),
            };
        string word = (string)raw;
        switch (field.FieldType)
        {
            case FieldType.Bool: return word is "true" or "True" or "t" or "1" ? true : word is "false" or "False" or "f" or "0" ? false : throw Error($"'{word}' is neither true nor false");
            case FieldType.Enum:
                EnumValueDescriptor? named = field.EnumType.FindValueByName(word);
                int number = named?.Number ?? (int.TryParse(word, NumberStyles.Integer, CultureInfo.InvariantCulture, out int n) ? n : throw Error($"'{word}' is no value of '{field.Name}'"));
                return Enum.ToObject(field.EnumType.ClrType, number);
            case FieldType.Float: return (float)Real(word);
            case FieldType.Double: return Real(word);
            case FieldType.Int32 or FieldType.SInt32 or FieldType.SFixed32: return (int)Integer(word, int.MinValue, int.MaxValue);
            case FieldType.UInt32 or FieldType.Fixed32: return (uint)Integer(word, 0, uint.MaxValue);
            case FieldType.Int64 or FieldType.SInt64 or FieldType.SFixed64: return (long)Integer(word, long.MinValue, long.MaxValue);
            case FieldType.UInt64 or FieldType.Fixed64: return (ulong)Integer(word, 0, ulong.MaxValue);
            default: throw Error($"'{field.Name}' cannot be '{word}'");
        }
    }

    private double Real(string word)
    {
        string number = word.Length > 1 && word[^1] is 'f' or 'F' && !word.EndsWith("inf", StringComparison.OrdinalIgnoreCase) ? word[..^1] : word;
        return number.ToLowerInvariant() switch
        {
            "inf" or "infinity" => double.PositiveInfinity,
            "-inf" or "-infinity" => double.NegativeInfinity,
            "nan" => double.NaN,
            _ => double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double d) ? d : throw Error($"'{word}' is no number"),
        };
    }

    private Int128 Integer(string word, Int128 low, Int128 high)
    {
        bool negative = word.StartsWith("-0x", StringComparison.OrdinalIgnoreCase);
        bool ok = negative || word.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            ? Int128.TryParse(word.AsSpan(negative ? 3 : 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out Int128 n)
            : Int128.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out n);
        if (negative) n = -n;
        return ok && n >= low && n <= high ? n : throw Error($"'{word}' is no integer from {low} to {high}");
    }

    private byte[] Text()
    {
        var bytes = new List<byte>();
        while (Peek is '"' or '\'')
        {
            char quote = _text[_at++];
            while (true)
            {
                if (_at >= _text.Length || _text[_at] == '\n') throw Error("a text has no end");
                char c = _text[_at++];
                if (c == quote) break;
                if (c != '\\') { bytes.AddRange(Encoding.UTF8.GetBytes(char.IsHighSurrogate(c) && _at < _text.Length ? [c, _text[_at++]] : [c])); continue; }
                if (_at >= _text.Length) throw Error("a text has no end");
                c = _text[_at++];
                if (c is >= '0' and <= '7')
                {
                    int value = c - '0';
                    for (int i = 0; i < 2 && Peek is >= '0' and <= '7'; i++) value = value * 8 + _text[_at++] - '0';
                    bytes.Add((byte)value);
                }
                else if (c is 'x' or 'X')
                {
                    int value = 0;
                    for (int i = 0; i < 2 && char.IsAsciiHexDigit(Peek); i++) value = value * 16 + System.Convert.ToInt32(_text[_at++].ToString(), 16);
                    bytes.Add((byte)value);
                }
                else bytes.Add((byte)(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'a' => '\a', 'b' => '\b', 'f' => '\f', 'v' => '\v', _ => c }));
            }
            Space();
        }
        return [.. bytes];
    }

    private string Word()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.' or '-' or '+' or '/')) _at++;
        return _at > start ? _text[start.._at] : throw Error($"'{Peek}' is not expected here");
    }

    private char Peek => _at < _text.Length ? _text[_at] : '\0';

    private bool Accept(char c)
    {
        if (Peek != c || c == '\0') return _at >= _text.Length && c == ']' ? throw Error("']' is missing at the end") : false;
        _at++;
        return true;
    }

    private void Space()
    {
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (c == '#') while (_at < _text.Length && _text[_at] != '\n') _at++;
            else if (char.IsWhiteSpace(c) || c == '\uFEFF')
            {
                if (c == '\n') _line++;
                _at++;
            }
            else break;
        }
    }

    private EdgeLiteException Error(string what) => new(Status.Corrupt, $"{_file}, line {_line}: {what}.");
}
