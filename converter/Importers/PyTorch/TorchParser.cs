using System.Globalization;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Parses a file of a TorchScript archive's code folder: the Python subset that PyTorch's own printer writes
/// (torch/csrc/jit/serialization/python_print.cpp describes it).</summary>
internal sealed class TorchParser
{
    private enum Kind { Name, Number, String, Symbol, NewLine, Indent, Dedent, End }

    private readonly record struct Token(Kind Kind, string Text, int Line);

    private const int MaxDepth = 200;
    private readonly List<Token> _tokens = [];
    private readonly string _file;
    private int _at;
    private int _depth;

    private TorchParser(string file, string text)
    {
        _file = file;
        Tokenize(text);
    }

    public static TorchModule Parse(string file, string text) => new TorchParser(file, text).Module();

    /// <summary>A type as an expression: List[int] is an index of a name.</summary>
    public static TorchExpr Type(string file, string text)
    {
        var parser = new TorchParser(file, text);
        TorchExpr type = parser.Expression();
        parser.EndOfLine();
        return type;
    }

    private void Tokenize(string text)
    {
        var indents = new Stack<int>([0]);
        int brackets = 0, line = 0, i = 0;
        bool lineStart = true;
        while (i < text.Length)
        {
            if (lineStart && brackets == 0)
            {
                int column = 0;
                while (i < text.Length && text[i] == ' ') { i++; column++; }
                line++;
                lineStart = false;
                if (i < text.Length && text[i] is '\n' or '\r' or '#')
                {
                    while (i < text.Length && text[i] != '\n') i++;
                    i++;
                    lineStart = true;
                    continue;
                }
                if (column > indents.Peek())
                {
                    if (indents.Count > MaxDepth) throw Error("it nests too deeply", line);
                    indents.Push(column);
                    _tokens.Add(new(Kind.Indent, "", line));
                }
                while (column < indents.Peek()) { indents.Pop(); _tokens.Add(new(Kind.Dedent, "", line)); }
                continue;
            }
            char c = text[i];
            if (c == '\n')
            {
                i++;
                if (brackets > 0) { line++; continue; }
                _tokens.Add(new(Kind.NewLine, "", line));
                lineStart = true;
            }
            else if (c is ' ' or '\r' or '\t') i++;
            else if (c == '#') while (i < text.Length && text[i] != '\n') i++;
            else if (char.IsLetter(c) || c == '_')
            {
                int start = i;
                while (i < text.Length && (char.IsLetterOrDigit(text[i]) || text[i] == '_')) i++;
                _tokens.Add(new(Kind.Name, text[start..i], line));
            }
            else if (char.IsDigit(c) || c == '.' && i + 1 < text.Length && char.IsDigit(text[i + 1]))
            {
                int start = i;
                while (i < text.Length && (char.IsLetterOrDigit(text[i]) || text[i] == '.' || text[i] is '+' or '-' && text[i - 1] is 'e' or 'E')) i++;
                _tokens.Add(new(Kind.Number, text[start..i], line));
            }
            else if (c is '"' or '\'')
            {
                var s = new StringBuilder();
                i++;
                while (true)
                {
                    if (i >= text.Length) throw Error("a string has no end", line);
                    if (text[i] == c) { i++; break; }
                    if (text[i] == '\\' && i + 1 < text.Length) i = Escape(text, i + 1, s);
                    else s.Append(text[i++]);
                }
                _tokens.Add(new(Kind.String, s.ToString(), line));
            }
            else
            {
                string symbol = c == '-' && i + 1 < text.Length && text[i + 1] == '>' ? "->" : c.ToString();
                if (c is '(' or '[' or '{') brackets++;
                else if (c is ')' or ']' or '}') brackets = Math.Max(0, brackets - 1);
                _tokens.Add(new(Kind.Symbol, symbol, line));
                i += symbol.Length;
            }
        }
        _tokens.Add(new(Kind.NewLine, "", line));
        while (indents.Pop() > 0) _tokens.Add(new(Kind.Dedent, "", line));
        _tokens.Add(new(Kind.End, "", line));
    }

    private static int Escape(string text, int i, StringBuilder s)
    {
        char c = text[i];
        if (c is >= '0' and <= '7')
        {
            int value = 0, n = 0;
            while (n < 3 && i < text.Length && text[i] is >= '0' and <= '7') { value = value * 8 + text[i++] - '0'; n++; }
            s.Append((char)value);
            return i;
        }
        if (c == 'x' && i + 2 < text.Length && int.TryParse(text.AsSpan(i + 1, 2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int hex))
        {
            s.Append((char)hex);
            return i + 3;
        }
        s.Append(c switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'a' => '\a', 'b' => '\b', 'f' => '\f', 'v' => '\v', _ => c });
        return i + 1;
    }

    private TorchModule Module()
    {
        var module = new TorchModule(new(StringComparer.Ordinal), new(StringComparer.Ordinal));
        while (Current.Kind != Kind.End)
        {
            if (Current.Kind is Kind.NewLine or Kind.Indent or Kind.Dedent) _at++;
            else if (Accept("def")) { TorchFunction f = Function(); module.Functions[f.Name] = f; }
            else if (Accept("class")) { TorchClass c = Class(); module.Classes[c.Name] = c; }
            else Statement();
        }
        return module;
    }

    private TorchClass Class()
    {
        string name = Name();
        if (Accept("(")) while (!Accept(")")) { if (Current.Kind == Kind.End) throw Error("a class has no end"); _at++; }
        Expect(":");
        var c = new TorchClass(name, new(StringComparer.Ordinal), new(StringComparer.Ordinal), []);
        if (!OpenBlock()) return c;
        while (Current.Kind is not Kind.Dedent and not Kind.End)
        {
            if (Current.Kind == Kind.NewLine) { _at++; continue; }
            if (Accept("def")) { TorchFunction f = Function(); c.Methods[f.Name] = f; continue; }
            if (Accept("pass")) { EndOfLine(); continue; }
            TorchExpr target = Expression();
            string? field = target switch { NameExpr n => n.Name, IndexExpr { Index: LiteralExpr { Value: string s } } => s, _ => null };
            if (Accept(":")) TypeName();
            else if (field != null && target is IndexExpr && Current.Text == "=") { _at++; TypeName(); EndOfLine(); c.Fields.Add(field); continue; }
            if (Accept("=")) { TorchExpr value = Expression(); if (field != null) c.Constants[field] = value; }
            else if (field != null) c.Fields.Add(field);
            EndOfLine();
        }
        _at++;
        return c;
    }

    private TorchFunction Function()
    {
        string name = Name();
        Expect("(");
        var parameters = new List<TorchParameter>();
        while (!Accept(")"))
        {
            if (Accept("*")) { Accept(","); continue; }
            string parameter = Name(), type = "";
            if (Accept(":")) type = TypeName();
            TorchExpr? value = Accept("=") ? Expression() : null;
            parameters.Add(new(parameter, type, value));
            if (!Accept(",") && Current.Text != ")") throw Error($"expected , or ) after parameter '{parameter}'");
        }
        if (Accept("->")) TypeName();
        Expect(":");
        return new TorchFunction(name, _file, [.. parameters], Block());
    }

    /// <summary>A type as text: what stands up to a delimiter outside brackets.</summary>
    private string TypeName()
    {
        var text = new StringBuilder();
        int open = 0;
        while (Current.Kind is not Kind.NewLine and not Kind.End)
        {
            if (Current.Kind == Kind.Symbol)
            {
                if (open == 0 && Current.Text is "," or ")" or "=" or ":" && open == 0) break;
                if (Current.Text is "[" or "(") open++;
                if (Current.Text is "]" or ")") open--;
            }
            text.Append(Current.Text);
            _at++;
        }
        return text.ToString();
    }

    private TorchStatement[] Block()
    {
        if (!OpenBlock()) return [];
        if (++_depth > MaxDepth) throw Error("it nests too deeply");
        var body = new List<TorchStatement>();
        while (Current.Kind is not Kind.Dedent and not Kind.End)
        {
            if (Current.Kind == Kind.NewLine) _at++;
            else body.Add(Statement());
        }
        if (Current.Kind == Kind.Dedent) _at++;
        _depth--;
        return [.. body];
    }

    private bool OpenBlock()
    {
        while (Current.Kind == Kind.NewLine) _at++;
        if (Current.Kind != Kind.Indent) return false;
        _at++;
        return true;
    }

    private TorchStatement Statement()
    {
        int line = Current.Line;
        if (Accept("pass")) { EndOfLine(); return new PassStatement(line); }
        if (Accept("return"))
        {
            TorchExpr? value = Current.Kind == Kind.NewLine ? null : Tuple();
            EndOfLine();
            return new ReturnStatement(value, line);
        }
        if (Accept("if"))
        {
            TorchExpr condition = Expression();
            Expect(":");
            TorchStatement[] then = Block(), otherwise = [];
            while (Current.Kind == Kind.NewLine) _at++;
            if (Accept("else")) { Expect(":"); otherwise = Block(); }
            return new IfStatement(condition, then, otherwise, line);
        }
        if (Accept("while"))
        {
            TorchExpr condition = Expression();
            Expect(":");
            return new WhileStatement(condition, Block(), line);
        }
        if (Accept("for"))
        {
            string variable = Name();
            Expect("in");
            TorchExpr range = Expression();
            Expect(":");
            return new ForStatement(variable, range, Block(), line);
        }
        if (Accept("with"))
        {
            Expression();
            if (Accept("as")) Name();
            Expect(":");
            return new WithStatement(Block(), line);
        }
        TorchExpr first = Tuple();
        if (Accept(":")) TypeName();
        if (!Accept("=")) { EndOfLine(); return new ExprStatement(first, line); }
        TorchExpr right = Tuple();
        EndOfLine();
        return first is TupleExpr tuple ? new AssignStatement(tuple.Items, true, right, line) : new AssignStatement([first], false, right, line);
    }

    /// <summary>An expression, or several with commas between (and possibly after) them, which is a tuple.</summary>
    private TorchExpr Tuple()
    {
        TorchExpr first = Expression();
        if (Current.Text != "," || Current.Kind != Kind.Symbol) return first;
        var items = new List<TorchExpr> { first };
        while (Accept(","))
        {
            if (Current.Kind == Kind.NewLine || Current is { Kind: Kind.Symbol, Text: "=" }) break;
            items.Add(Expression());
        }
        return new TupleExpr([.. items]);
    }

    private TorchExpr Expression()
    {
        if (++_depth > MaxDepth) throw Error("it nests too deeply");
        TorchExpr e = Accept("-") ? Negated(Expression()) : Primary();
        while (true)
        {
            if (Accept(".")) e = new MemberExpr(e, Name());
            else if (Current is { Kind: Kind.Symbol, Text: "(" }) e = Call(e);
            else if (Accept("["))
            {
                TorchExpr index = Tuple();
                Expect("]");
                e = new IndexExpr(e, index);
            }
            else break;
        }
        _depth--;
        return e;
    }

    private static TorchExpr Negated(TorchExpr operand) => operand switch
    {
        LiteralExpr { Value: long n } => new LiteralExpr(-n),
        LiteralExpr { Value: double d } => new LiteralExpr(-d),
        _ => new NegateExpr(operand),
    };

    private CallExpr Call(TorchExpr function)
    {
        Expect("(");
        var arguments = new List<TorchExpr>();
        var named = new List<(string, TorchExpr)>();
        while (!Accept(")"))
        {
            if (Current.Kind == Kind.Name && _tokens[_at + 1] is { Kind: Kind.Symbol, Text: "=" })
            {
                string name = Name();
                _at++;
                named.Add((name, Expression()));
            }
            else arguments.Add(Expression());
            if (!Accept(",") && Current.Text != ")") throw Error($"expected , or ), got '{Current.Text}'");
        }
        return new CallExpr(function, [.. arguments], [.. named]);
    }

    private TorchExpr Primary()
    {
        Token t = Current;
        _at++;
        switch (t.Kind)
        {
            case Kind.Name:
                return t.Text switch { "None" => new LiteralExpr(null), "True" => new LiteralExpr(true), "False" => new LiteralExpr(false), _ => new NameExpr(t.Text) };
            case Kind.String: return new LiteralExpr(t.Text);
            case Kind.Number:
                if (long.TryParse(t.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long n)) return new LiteralExpr(n);
                if (t.Text == "9223372036854775808") return new LiteralExpr(long.MinValue); // its minus sign stands before it
                return double.TryParse(t.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out double d) ? new LiteralExpr(d) : throw Error($"'{t.Text}' is no number");
            case Kind.Symbol when t.Text == "(":
            {
                if (Accept(")")) return new TupleExpr([]);
                TorchExpr inner = Expression();
                if (Accept(")")) return inner;
                var items = new List<TorchExpr> { inner };
                while (!Accept(")"))
                {
                    Expect(",");
                    if (Current.Text == ")") continue;
                    items.Add(Expression());
                }
                return new TupleExpr([.. items]);
            }
            case Kind.Symbol when t.Text == "[":
            {
                var items = new List<TorchExpr>();
                while (!Accept("]"))
                {
                    items.Add(Expression());
                    if (!Accept(",") && Current.Text != "]") throw Error("expected , or ]");
                }
                return new ListExpr([.. items]);
            }
            case Kind.Symbol when t.Text == "{":
            {
                var items = new List<(TorchExpr, TorchExpr)>();
                while (!Accept("}"))
                {
                    TorchExpr key = Expression();
                    Expect(":");
                    items.Add((key, Expression()));
                    if (!Accept(",") && Current.Text != "}") throw Error("expected , or }");
                }
                return new DictExpr([.. items]);
            }
            default: throw Error($"'{t.Text}' is not expected here");
        }
    }

    private Token Current => _tokens[_at];

    private bool Accept(string text)
    {
        if (Current.Kind is not (Kind.Symbol or Kind.Name) || Current.Text != text) return false;
        _at++;
        return true;
    }

    private void Expect(string text)
    {
        if (!Accept(text)) throw Error($"expected '{text}', got '{Current.Text}'");
    }

    private string Name() => Current.Kind == Kind.Name ? _tokens[_at++].Text : throw Error($"expected a name, got '{Current.Text}'");

    private void EndOfLine()
    {
        if (Current.Kind is not (Kind.NewLine or Kind.End)) throw Error($"'{Current.Text}' is not expected here");
        if (Current.Kind == Kind.NewLine) _at++;
    }

    private EdgeLiteException Error(string what) => Error(what, Current.Line);

    private EdgeLiteException Error(string what, int line) => new(Status.Corrupt, $"{_file}, line {line}: {what}; this is not code that TorchScript writes.");
}
