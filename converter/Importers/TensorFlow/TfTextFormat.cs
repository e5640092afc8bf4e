using System.Collections;
using System.Globalization;
using System.Text;
using EdgeLite.Core;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>
/// Reads protobuf's text form (protobuf.dev/reference/protobuf/textformat-spec) into a message by its descriptor. Fields that the
/// message does not have are passed over.
/// </summary>
internal sealed class TfTextFormat
{
    private const int MaxDepth = 100;

    private readonly string _text;
    private int _at;
    private int _depth;

    private TfTextFormat(string text) => _text = text;

    public static T Read<T>(string path) where T : IMessage, new()
    {
        try
        {
            return Parse<T>(File.ReadAllText(path));
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

    public static T Parse<T>(string text) where T : IMessage, new()
    {
        var message = new T();
        var reader = new TfTextFormat(text);
        reader.Fields(message, '\0');
        return message;
    }

    private void Fields(IMessage? message, char end)
    {
        if (++_depth > MaxDepth) throw Damaged("messages are nested too deeply");
        while (true)
        {
            Skip();
            if (_at >= _text.Length || _text[_at] is '}' or '>')
            {
                if (end != '\0' ? _at >= _text.Length || _text[_at] != end : _at < _text.Length) throw Damaged("a message does not end where it should");
                if (end != '\0') _at++;
                _depth--;
                return;
            }
            if (_text[_at] is ',' or ';')
            {
                _at++;
                continue;
            }
            string name = Word();
            FieldDescriptor? field = message?.Descriptor.FindFieldByName(name);
            Skip();
            if (Peek() == ':') _at++;
            Skip();
            if (Peek() == '[')
            {
                _at++;
                while (true)
                {
                    Skip();
                    if (Peek() == ']') break;
                    if (Peek() == ',') _at++;
                    else Value(message, field);
                }
                _at++;
            }
            else Value(message, field);
        }
    }

    private void Value(IMessage? message, FieldDescriptor? field)
    {
        Skip();
        if (Peek() is '{' or '<')
        {
            char end = _text[_at++] == '{' ? '}' : '>';
            if (field is not { FieldType: FieldType.Message } || message == null) Fields(null, end);
            else if (field.IsMap) MapEntry((IDictionary)field.Accessor.GetValue(message), field, end);
            else
            {
                IMessage inner = !field.IsRepeated && field.Accessor.GetValue(message) is IMessage present ? present : field.MessageType.Parser.ParseFrom(ByteString.Empty);
                Fields(inner, end);
                Set(message, field, inner);
            }
            return;
        }
        object value = Peek() is '"' or '\'' ? String() : Word();
        if (field == null || message == null) return;
        Set(message, field, Scalar(field, value));
    }

    private static void Set(IMessage message, FieldDescriptor field, object value)
    {
        if (field.IsRepeated) ((IList)field.Accessor.GetValue(message)).Add(value);
        else field.Accessor.SetValue(message, value);
    }

    /// <summary>A map is written as messages with a key and a value.</summary>
    private void MapEntry(IDictionary map, FieldDescriptor field, char end)
    {
        FieldDescriptor keyField = field.MessageType.FindFieldByNumber(1), valueField = field.MessageType.FindFieldByNumber(2);
        object? key = null, value = null;
        while (true)
        {
            Skip();
            if (Peek() == end) break;
            if (Peek() is ',' or ';')
            {
                _at++;
                continue;
            }
            string name = Word();
            Skip();
            if (Peek() == ':') _at++;
            Skip();
            if (name == "key") key = Scalar(keyField, Peek() is '"' or '\'' ? String() : Word());
            else if (Peek() is '{' or '<')
            {
                char inner = _text[_at++] == '{' ? '}' : '>';
                IMessage? message = valueField.FieldType == FieldType.Message ? valueField.MessageType.Parser.ParseFrom(ByteString.Empty) : null;
                Fields(message, inner);
                value = message;
            }
            else value = Scalar(valueField, Peek() is '"' or '\'' ? String() : Word());
        }
        _at++;
        if (key == null) throw Damaged("an entry of a map has no key");
        map[key] = value ?? (valueField.FieldType == FieldType.Message ? valueField.MessageType.Parser.ParseFrom(ByteString.Empty) : "");
    }

    private object Scalar(FieldDescriptor field, object value)
    {
        string text = value as string ?? ((ByteString)value).ToStringUtf8();
        try
        {
            return field.FieldType switch
            {
                FieldType.String => text,
                FieldType.Bytes => value is ByteString bytes ? bytes : ByteString.CopyFromUtf8(text),
                FieldType.Bool => text is "true" or "True" or "t" or "1",
                FieldType.Int32 => (int)Integer(text),
                FieldType.Int64 => Integer(text),
                FieldType.UInt32 => (uint)Integer(text),
                FieldType.UInt64 => ulong.Parse(text, NumberStyles.Integer, CultureInfo.InvariantCulture),
                FieldType.Float => (float)Real(text),
                FieldType.Double => Real(text),
                FieldType.Enum => field.EnumType.FindValueByName(text)?.Number ?? (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int number) ? number : 0),
                _ => throw Damaged($"field '{field.Name}' has no value of its kind"),
            };
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw Damaged($"'{text}' is no value for field '{field.Name}'");
        }
    }

    private static long Integer(string text)
    {
        bool negative = text.StartsWith('-');
        string digits = negative ? text[1..] : text;
        long value = digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? long.Parse(digits.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
            : long.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        return negative ? -value : value;
    }

    private static double Real(string text)
    {
        string plain = text.TrimEnd('f', 'F');
        return text.TrimStart('-').ToLowerInvariant() switch
        {
            "inf" or "infinity" => text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity,
            "nan" => double.NaN,
            _ => double.Parse(plain, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
    }

    private char Peek() => _at < _text.Length ? _text[_at] : throw Damaged("it ends in the middle of a message");

    private void Skip()
    {
        while (_at < _text.Length)
        {
            if (_text[_at] == '#') while (_at < _text.Length && _text[_at] != '\n') _at++;
            else if (char.IsWhiteSpace(_text[_at]) || _text[_at] == '\uFEFF') _at++;
            else return;
        }
    }

    private string Word()
    {
        int start = _at;
        while (_at < _text.Length && (char.IsLetterOrDigit(_text[_at]) || _text[_at] is '_' or '.' or '-' or '+')) _at++;
        return _at > start ? _text[start.._at] : throw Damaged($"'{Peek()}' was not expected");
    }

    /// <summary>Strings that follow one another are one. Escapes: \n \t \r \" \' \\ \ooo \xhh.</summary>
    private ByteString String()
    {
        var bytes = new List<byte>();
        while (_at < _text.Length && _text[_at] is '"' or '\'')
        {
            char quote = _text[_at++];
            int plain = _at;
            while (Peek() != quote)
            {
                if (_text[_at] != '\\')
                {
                    _at++;
                    continue;
                }
                bytes.AddRange(Encoding.UTF8.GetBytes(_text[plain.._at]));
                _at++;
                char c = Peek();
                _at++;
                if (c is >= '0' and <= '7')
                {
                    int value = c - '0';
                    for (int i = 0; i < 2 && Peek() is >= '0' and <= '7'; i++) value = value * 8 + (_text[_at++] - '0');
                    bytes.Add((byte)value);
                }
                else if (c is 'x' or 'X')
                {
                    int value = 0;
                    for (int i = 0; i < 2 && char.IsAsciiHexDigit(Peek()); i++) value = value * 16 + int.Parse(_text.AsSpan(_at++, 1), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                    bytes.Add((byte)value);
                }
                else bytes.Add(c switch { 'n' => (byte)10, 't' => (byte)9, 'r' => (byte)13, 'a' => (byte)7, 'b' => (byte)8, 'f' => (byte)12, 'v' => (byte)11, _ => (byte)c });
                plain = _at;
            }
            bytes.AddRange(Encoding.UTF8.GetBytes(_text[plain.._at]));
            _at++;
            Skip();
        }
        return ByteString.CopyFrom([.. bytes]);
    }

    private EdgeLiteException Damaged(string what) =>
        new(Status.Corrupt, $"The text file is damaged at line {_text.AsSpan(0, Math.Min(_at, _text.Length)).Count('\n') + 1}: {what}.");
}
