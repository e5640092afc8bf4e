using System.Globalization;
using System.Text;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Ir;

/// <summary>Reads the text form that <see cref="GraphText"/> describes: a recursive-descent parser over the characters.</summary>
internal sealed class GraphTextParser(string text)
{
    private int _at;

    public Graph Parse()
    {
        ExpectWord("graph");
        Graph graph = ParseGraph();
        Skip();
        if (_at < text.Length) throw Error("the graph has ended, nothing may follow");
        return graph;
    }

    private Graph ParseGraph()
    {
        var graph = new Graph(Quoted());
        Expect('{');
        while (!TryTake('}'))
        {
            if (Peek() is '%' or '_') ParseNode(graph);
            else ParseDefinition(graph);
        }
        return graph;
    }

    private void ParseDefinition(Graph graph)
    {
        int start = _at;
        string word = Word();
        switch (word)
        {
            case "symbols":
                do graph.SymbolDim(Peek() == '"' ? Quoted() : Word());
                while (TryTake(','));
                break;
            case "meta":
                string key = Quoted();
                Expect('=');
                graph.Metadata[key] = Quoted();
                break;
            case "input":
                string name = NewName(graph);
                Expect(':');
                graph.AddInput(name, Type(graph));
                break;
            case "const":
                name = NewName(graph);
                Expect(':');
                TensorType type = Type(graph);
                Expect('=');
                graph.AddConstant(name, Data(type));
                break;
            case "output":
                graph.AddOutput(Use(graph));
                break;
            default:
                _at = start;
                throw Error($"expected symbols, meta, input, const, output or a node, got '{word}'");
        }
    }

    private void ParseNode(Graph graph)
    {
        int start = _at;
        var outputs = new List<Value?>();
        var untyped = new List<Value>();
        do
        {
            if (TryTake('_'))
            {
                outputs.Add(null);
                continue;
            }
            string name = NewName(graph);
            bool typed = TryTake(':');
            Value value = graph.NewValue(name, typed ? Type(graph) : default);
            if (!typed) untyped.Add(value);
            outputs.Add(value);
        }
        while (TryTake(','));
        Expect('=');

        string op = Word();
        string domain = "";
        while (TryTake('.'))
        {
            domain = domain.Length == 0 ? op : $"{domain}.{op}";
            op = Word();
        }
        string? nodeName = Peek() == '"' ? Quoted() : null;
        Expect('(');
        var inputs = new List<Value?>();
        while (!TryTake(')'))
        {
            if (inputs.Count > 0) Expect(',');
            if (TryTake('_')) inputs.Add(null);
            else inputs.Add(Use(graph, outputs));
        }
        var attributes = new AttributeSet();
        if (TryTake('{'))
            while (!TryTake('}'))
            {
                if (attributes.Count > 0) Expect(',');
                string name = Word();
                if (attributes.Has(name)) throw Error($"attribute '{name}' is given twice");
                Expect('=');
                attributes[name] = Attribute(graph);
            }
        Node node = graph.AddNode(domain, op, "", inputs.ToArray(), outputs.ToArray(), attributes);
        node.Name = nodeName ?? GraphText.DefaultName(node);
        if (untyped.Count == 0) return;
        var stated = outputs.Select(o => o?.Type).ToArray();
        if (node.CreateOperator() == null)
        {
            _at = start;
            throw Error($"the type of %{untyped[0].Name} is left out and cannot be inferred: operator {node.OpType} is not known");
        }
        try
        {
            ShapeInference.Infer(node);
        }
        catch (EdgeLiteException e)
        {
            _at = start;
            throw Error($"the type of %{untyped[0].Name} is left out and cannot be inferred: {e.Message}");
        }
        for (int i = 0; i < outputs.Count; i++)
            if (outputs[i] is { } value && !untyped.Contains(value)) value.Type = stated[i]!.Value;
    }

    private AttributeValue Attribute(Graph graph)
    {
        char c = Peek();
        if (c == '"') return Quoted();
        if (c == '[') return List();
        if (char.IsAsciiDigit(c) || c is '-' or '+')
        {
            if (Number(out long i, out float f)) return i;
            return f;
        }
        int start = _at;
        string word = Word();
        switch (word)
        {
            case "inf": return float.PositiveInfinity;
            case "nan": return float.NaN;
            case "graph": return AttributeValue.OfGraph(ParseGraph());
            case "floats": Expect('['); Expect(']'); return Array.Empty<float>();
            case "strings": Expect('['); Expect(']'); return Array.Empty<string>();
            case "tensor":
                TensorType type = Type(graph);
                Expect('=');
                return Data(type);
        }
        _at = start;
        throw Error($"expected an attribute's value, got '{word}'");
    }

    private AttributeValue List()
    {
        Expect('[');
        var ints = new List<long>();
        var floats = new List<float>();
        var strings = new List<string>();
        while (!TryTake(']'))
        {
            if (ints.Count + floats.Count + strings.Count > 0) Expect(',');
            if (Peek() == '"') strings.Add(Quoted());
            else if (Number(out long i, out float f)) ints.Add(i);
            else floats.Add(f);
        }
        if ((ints.Count > 0 ? 1 : 0) + (floats.Count > 0 ? 1 : 0) + (strings.Count > 0 ? 1 : 0) > 1)
            throw Error("a list holds integers, floats or strings, not a mixture (write 1.0 for a float)");
        return floats.Count > 0 ? floats.ToArray() : strings.Count > 0 ? strings.ToArray() : ints.ToArray();
    }

    /// <summary>True and an integer, or false and a float.</summary>
    private bool Number(out long integer, out float single)
    {
        string literal = NumberText();
        single = 0;
        if (long.TryParse(literal, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out integer)) return true;
        single = (float)ToDouble(literal);
        return false;
    }

    private string NumberText()
    {
        Skip();
        int start = _at;
        if (_at < text.Length && text[_at] is '-' or '+') _at++;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '.' || (text[_at] is '-' or '+' && text[_at - 1] is 'e' or 'E'))) _at++;
        if (start == _at) throw Error($"expected a number, got {Found()}");
        return text[start.._at];
    }

    private double ToDouble(string literal) =>
        literal == "nan" ? double.NaN
        : literal == "inf" ? double.PositiveInfinity
        : literal == "-inf" ? double.NegativeInfinity
        : double.TryParse(literal, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) ? value
        : throw Error($"'{literal}' is not a number");

    private TensorType Type(Graph graph)
    {
        Skip();
        int start = _at;
        string word = Word();
        if (word is "optional" or "seq")
        {
            Expect('(');
            TensorType content = Type(graph);
            Expect(')');
            ValueKind kind = word == "seq" ? ValueKind.Sequence : ValueKind.Optional;
            if (content.Kind >= kind)
            {
                _at = start;
                throw Error($"there are sequences of tensors, and optional tensors and sequences, but no {word} of {content}");
            }
            return content with { Kind = content.Kind | kind };
        }
        DType dtype = DTypes.Parse(word);
        if (dtype == DType.Undefined && word != "undefined")
        {
            _at = start;
            throw Error($"'{word}' is not an element type");
        }
        Expect('[');
        if (TryTake('*'))
        {
            Expect(']');
            return new TensorType(dtype, Shape.Unranked);
        }
        var dims = new List<long>();
        while (!TryTake(']'))
        {
            if (dims.Count > 0) Expect(',');
            char c = Peek();
            if (TryTake('?')) dims.Add(Shape.Unknown);
            else if (c == '"') dims.Add(graph.SymbolDim(Quoted()));
            else if (char.IsAsciiDigit(c)) dims.Add(Integer());
            else dims.Add(graph.SymbolDim(Word()));
        }
        return new TensorType(dtype, new Shape(dims.ToArray()));
    }

    private long Integer()
    {
        string literal = NumberText();
        return long.TryParse(literal, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            ? value : throw Error($"'{literal}' is not an integer");
    }

    private Tensor Data(TensorType type)
    {
        if (!type.IsKnown) throw Error($"a constant needs a known type, got {type}");
        var tensor = new Tensor(type.DType, type.Shape);
        if (char.IsAsciiLetter(Peek()) && !IsWordNext("inf") && !IsWordNext("nan"))
        {
            Generated(tensor);
            return tensor;
        }
        bool list = TryTake('[');
        for (long i = 0; i < tensor.Count; i++)
        {
            if (i > 0) Expect(',');
            if (type.DType == DType.String) tensor.Strings![i] = Quoted();
            else if (type.DType.IsFloat()) tensor.SetDouble(i, ToDouble(NumberText()));
            else if (type.DType == DType.UInt64)
                tensor.SetInt64(i, ulong.TryParse(NumberText(), out ulong value) ? (long)value : throw Error("expected an unsigned integer"));
            else tensor.SetInt64(i, Integer());
            if (!list && tensor.Count > 1) throw Error($"{type} holds {tensor.Count} elements, got one");
        }
        if (list && !TryTake(']')) throw Error($"{type} holds {tensor.Count} elements, expected ']', got {Found()}");
        return tensor;
    }

    private void Generated(Tensor tensor)
    {
        Skip();
        int start = _at;
        string word = Word();
        Expect('(');
        if (word == "hash")
        {
            Skip();
            int from = _at;
            while (_at < text.Length && char.IsAsciiHexDigit(text[_at])) _at++;
            if (!ulong.TryParse(text.AsSpan(from, _at - from), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong hash))
                throw Error("expected up to 16 hexadecimal digits");
            SeededFill.Fill(tensor, hash);
        }
        else if (word == "seeded")
        {
            ulong seed = unchecked((ulong)Integer());
            if (TryTake(','))
            {
                double low = ToDouble(NumberText());
                Expect(',');
                SeededFill.Fill(tensor, seed, low, ToDouble(NumberText()));
            }
            else SeededFill.Fill(tensor, seed);
        }
        else
        {
            _at = start;
            throw Error($"expected data, seeded(n) or hash(h), got '{word}'");
        }
        Expect(')');
        GraphText.Remember(tensor, text[start.._at]);
    }

    private Value Use(Graph graph, List<Value?>? own = null)
    {
        Skip();
        int start = _at;
        string name = ValueName();
        Value? value = graph.Find(name);
        if (value != null && own?.Contains(value) != true) return value;
        _at = start;
        throw Error($"value %{name} is not defined before this line");
    }

    private string NewName(Graph graph)
    {
        Skip();
        int start = _at;
        string name = ValueName();
        if (graph.Find(name) == null) return name;
        _at = start;
        throw Error($"value %{name} is defined twice");
    }

    private string ValueName()
    {
        Expect('%');
        if (_at < text.Length && text[_at] == '"') return Quoted();
        int start = _at;
        while (_at < text.Length && GraphText.IsNameChar(text[_at])) _at++;
        return _at > start ? text[start.._at] : throw Error($"expected a name after '%', got {Found()}");
    }

    private string Word()
    {
        Skip();
        int start = _at;
        while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_')) _at++;
        return _at > start ? text[start.._at] : throw Error($"expected a word, got {Found()}");
    }

    private bool IsWordNext(string word)
    {
        Skip();
        return text.AsSpan(_at).StartsWith(word) && !(_at + word.Length < text.Length && char.IsAsciiLetterOrDigit(text[_at + word.Length]));
    }

    private string Quoted()
    {
        Skip();
        if (_at >= text.Length || text[_at] != '"') throw Error($"expected a quoted string, got {Found()}");
        int start = _at++;
        var result = new StringBuilder();
        while (true)
        {
            if (_at >= text.Length)
            {
                _at = start;
                throw Error("this string does not end");
            }
            char c = text[_at++];
            if (c == '"') return result.ToString();
            if (c != '\\')
            {
                result.Append(c);
                continue;
            }
            c = _at < text.Length ? text[_at++] : '\0';
            if (c == 'u')
            {
                if (_at + 4 > text.Length || !ushort.TryParse(text.AsSpan(_at, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ushort code))
                    throw Error("\\u needs four hexadecimal digits");
                _at += 4;
                result.Append((char)code);
            }
            else result.Append(c switch { 'n' => '\n', '"' or '\\' => c, _ => throw Error($"'\\{c}' is not an escape") });
        }
    }

    private char Peek()
    {
        Skip();
        return _at < text.Length ? text[_at] : '\0';
    }

    private bool TryTake(char c)
    {
        if (Peek() != c) return false;
        _at++;
        return true;
    }

    private void Expect(char c)
    {
        if (!TryTake(c)) throw Error($"expected '{c}', got {Found()}");
    }

    private void ExpectWord(string word)
    {
        if (!IsWordNext(word)) throw Error($"expected '{word}', got {Found()}");
        _at += word.Length;
    }

    private string Found()
    {
        Skip();
        return _at < text.Length ? $"'{text[_at]}'" : "the end of the text";
    }

    private void Skip()
    {
        while (_at < text.Length)
        {
            if (char.IsWhiteSpace(text[_at])) _at++;
            else if (text[_at] == '#')
                while (_at < text.Length && text[_at] != '\n') _at++;
            else return;
        }
    }

    private EdgeLiteException Error(string message)
    {
        ReadOnlySpan<char> before = text.AsSpan(0, Math.Min(_at, text.Length));
        int line = before.Count('\n') + 1;
        int column = before.Length - before.LastIndexOf('\n');
        return new EdgeLiteException(Status.InvalidGraph, $"Graph text, line {line}, column {column}: {message}.");
    }
}
