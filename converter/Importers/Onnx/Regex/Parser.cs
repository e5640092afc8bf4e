using System.Globalization;

namespace EdgeLite.Converter.Importers.Onnx.Regex;

/// <summary>
/// Reads RE2's syntax (https://github.com/google/re2/wiki/Syntax). What matters only for where a match lies (greediness, names of groups)
/// is read and dropped, since a full match is asked for. Scripts (\p{Greek}) and \C are not supported.
/// </summary>
internal sealed class Parser(string pattern)
{
    private const int MaxRepeat = 1000, MaxDepth = 200;

    private int _at;
    private int _depth;
    private bool _ignoreCase, _multiLine, _dotMatchesNewLine;

    public Syntax Parse()
    {
        Syntax result = Choice();
        return _at == pattern.Length ? result : throw Error("there is a ')' without '('");
    }

    private Syntax Choice()
    {
        if (++_depth > MaxDepth) throw Error("it is nested too deeply");
        var ways = new List<Syntax> { Sequence() };
        while (Take('|')) ways.Add(Sequence());
        _depth--;
        return ways.Count == 1 ? ways[0] : new Syntax.Choice(ways);
    }

    private Syntax.Sequence Sequence()
    {
        var parts = new List<Syntax>();
        while (_at < pattern.Length && pattern[_at] is not ('|' or ')'))
            if (Atom() is { } atom) parts.Add(Repeated(atom));
        return new Syntax.Sequence(parts);
    }

    private Syntax Repeated(Syntax atom)
    {
        bool isRepeated = false;
        while (_at < pattern.Length)
        {
            int start = _at, min, max;
            if (Take('*')) (min, max) = (0, -1);
            else if (Take('+')) (min, max) = (1, -1);
            else if (Take('?')) (min, max) = (0, 1);
            else if (!Counts(out min, out max)) break;
            Take('?');
            if (isRepeated) throw Error($"'{pattern[start.._at]}' repeats a repetition");
            isRepeated = true;
            atom = new Syntax.Repeat(atom, min, max);
        }
        return atom;
    }

    /// <summary>{n}, {n,} or {n,m}; anything else that begins with a brace is text.</summary>
    private bool Counts(out int min, out int max)
    {
        min = max = 0;
        int end = _at < pattern.Length && pattern[_at] == '{' ? pattern.IndexOf('}', _at) : -1;
        if (end < 0) return false;
        string[] parts = pattern[(_at + 1)..end].Split(',');
        if (parts.Length > 2 || !Number(parts[0], out min)) return false;
        max = parts.Length == 1 ? min : -1;
        if (parts.Length == 2 && parts[1].Length > 0 && !Number(parts[1], out max)) return false;
        if (min > MaxRepeat || max > MaxRepeat || max >= 0 && max < min) throw Error($"the repetition {pattern[_at..(end + 1)]} is not possible");
        _at = end + 1;
        return true;

        static bool Number(string text, out int value) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private Syntax? Atom()
    {
        char c = pattern[_at];
        switch (c)
        {
            case '(': return Group();
            case '[': return new Syntax.Set(Class());
            case '.':
                _at++;
                return new Syntax.Set(_dotMatchesNewLine ? CodePoints.Any : CodePoints.NewLine.Complement());
            case '^':
                _at++;
                return new Syntax.At(_multiLine ? Anchor.LineBegin : Anchor.TextBegin);
            case '$':
                _at++;
                return new Syntax.At(_multiLine ? Anchor.LineEnd : Anchor.TextEnd);
            case '*' or '+' or '?': throw Error($"there is nothing that '{c}' could repeat");
            case '\\': return Escape();
            default: return new Syntax.Set(Literal(CodePoint()));
        }
    }

    private Syntax? Group()
    {
        _at++;
        (bool, bool, bool) outer = (_ignoreCase, _multiLine, _dotMatchesNewLine);
        if (Take("?P<") || Take("?<"))
        {
            int end = pattern.IndexOf('>', _at);
            if (end <= _at) throw Error("the name of a group does not end");
            _at = end + 1;
        }
        else if (Take('?') && Flags()) return null;
        Syntax body = Choice();
        if (!Take(')')) throw Error("a '(' has no ')'");
        (_ignoreCase, _multiLine, _dotMatchesNewLine) = outer;
        return body;
    }

    /// <summary>True when the flags stand alone, (?i), and hold for what follows in the group around them.</summary>
    private bool Flags()
    {
        bool on = true;
        while (_at < pattern.Length)
        {
            char c = pattern[_at++];
            switch (c)
            {
                case 'i': _ignoreCase = on; break;
                case 'm': _multiLine = on; break;
                case 's': _dotMatchesNewLine = on; break;
                case 'U': break;
                case '-' when on: on = false; break;
                case ':': return false;
                case ')': return true;
                default: throw Error($"'{c}' is no flag of a group");
            }
        }
        throw Error("a '(' has no ')'");
    }

    private Syntax Escape()
    {
        char c = _at + 1 < pattern.Length ? pattern[_at + 1] : throw Error("it ends with '\\'");
        Anchor? anchor = c switch { 'A' => Anchor.TextBegin, 'z' => Anchor.TextEnd, 'b' => Anchor.WordBoundary, 'B' => Anchor.NoWordBoundary, _ => null };
        if (anchor is { } a)
        {
            _at += 2;
            return new Syntax.At(a);
        }
        if (c != 'Q') return new Syntax.Set(ClassEscape() is { } set ? set : Literal(EscapedPoint()));
        _at += 2;
        int end = pattern.IndexOf("\\E", _at, StringComparison.Ordinal), stop = end < 0 ? pattern.Length : end;
        var parts = new List<Syntax>();
        while (_at < stop) parts.Add(new Syntax.Set(Literal(CodePoint())));
        _at = end < 0 ? stop : end + 2;
        return new Syntax.Sequence(parts);
    }

    private CodePoints Literal(int c)
    {
        CodePoints set = CodePoints.Of((c, c));
        return _ignoreCase ? set.IgnoringCase() : set;
    }

    /// <summary>[...]</summary>
    private CodePoints Class()
    {
        _at++;
        bool isNegated = Take('^');
        var sets = new List<CodePoints>();
        for (bool isFirst = true; ; isFirst = false)
        {
            if (_at >= pattern.Length) throw Error("a '[' has no ']'");
            if (pattern[_at] == ']' && !isFirst) break;
            if (pattern.AsSpan(_at).StartsWith("[:")) sets.Add(Named());
            else if (pattern[_at] == '\\' && ClassEscape() is { } set) sets.Add(set);
            else
            {
                int first = ClassPoint(), last = first;
                if (_at + 1 < pattern.Length && pattern[_at] == '-' && pattern[_at + 1] != ']')
                {
                    _at++;
                    last = ClassPoint();
                }
                if (last < first) throw Error("a range of characters is the wrong way round");
                CodePoints range = CodePoints.Of((first, last));
                sets.Add(_ignoreCase ? range.IgnoringCase() : range);
            }
        }
        _at++;
        CodePoints all = CodePoints.Union(sets);
        return isNegated ? all.Complement() : all;
    }

    private int ClassPoint() => pattern[_at] == '\\' ? EscapedPoint() : CodePoint();

    private CodePoints Named()
    {
        int end = pattern.IndexOf(":]", _at, StringComparison.Ordinal);
        if (end < 0) throw Error("a '[:' has no ':]'");
        string name = pattern[(_at + 2)..end];
        _at = end + 2;
        bool isNegated = name.StartsWith('^');
        CodePoints set = name.TrimStart('^') switch
        {
            "alnum" => CodePoints.Of(('0', '9'), ('A', 'Z'), ('a', 'z')),
            "alpha" => CodePoints.Of(('A', 'Z'), ('a', 'z')),
            "ascii" => CodePoints.Of((0, 0x7F)),
            "blank" => CodePoints.Of(('\t', '\t'), (' ', ' ')),
            "cntrl" => CodePoints.Of((0, 0x1F), (0x7F, 0x7F)),
            "digit" => CodePoints.Digit,
            "graph" => CodePoints.Of(('!', '~')),
            "lower" => CodePoints.Of(('a', 'z')),
            "print" => CodePoints.Of((' ', '~')),
            "punct" => CodePoints.Of(('!', '/'), (':', '@'), ('[', '`'), ('{', '~')),
            "space" => CodePoints.Of(('\t', '\r'), (' ', ' ')),
            "upper" => CodePoints.Of(('A', 'Z')),
            "word" => CodePoints.Word,
            "xdigit" => CodePoints.Of(('0', '9'), ('A', 'F'), ('a', 'f')),
            _ => throw Error($"[:{name}:] is no class"),
        };
        if (_ignoreCase) set = set.IgnoringCase();
        return isNegated ? set.Complement() : set;
    }

    /// <summary>\d \w \s, their opposites and \p; null (and nothing read) for another escape.</summary>
    private CodePoints? ClassEscape()
    {
        char c = _at + 1 < pattern.Length ? pattern[_at + 1] : '\0';
        CodePoints? set = char.ToLowerInvariant(c) switch { 'd' => CodePoints.Digit, 'w' => CodePoints.Word, 's' => CodePoints.Space, _ => null };
        if (set != null)
        {
            _at += 2;
            return char.IsUpper(c) ? set.Complement() : set;
        }
        if (c is not ('p' or 'P')) return null;
        _at += 2;
        int end = Take('{') ? pattern.IndexOf('}', _at) : _at + 1;
        if (end < 0 || end > pattern.Length) throw Error("a class \\p does not end");
        string name = pattern[_at..end];
        _at = end < pattern.Length && pattern[end] == '}' ? end + 1 : end;
        bool isNegated = c == 'P' ^ name.StartsWith('^');
        set = CodePoints.Category(name.TrimStart('^')) ?? throw Error($"\\p{{{name}}} is no general category of Unicode; scripts are not supported");
        if (_ignoreCase) set = set.IgnoringCase();
        return isNegated ? set.Complement() : set;
    }

    private int EscapedPoint()
    {
        _at++;
        char c = _at < pattern.Length ? pattern[_at] : throw Error("it ends with '\\'");
        int simple = "aftnrv".IndexOf(c, StringComparison.Ordinal);
        if (simple >= 0)
        {
            _at++;
            return "\a\f\t\n\r\v"[simple];
        }
        if (c == 'x')
        {
            _at++;
            int end = Take('{') ? pattern.IndexOf('}', _at) : _at + 2;
            if (end > _at && end <= pattern.Length && int.TryParse(pattern.AsSpan(_at, end - _at), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out int point) && point <= CodePoints.Last)
            {
                _at = end < pattern.Length && pattern[end] == '}' && pattern[_at - 1] == '{' ? end + 1 : end;
                return point;
            }
            throw Error("\\x needs two hexadecimal digits, or some in braces");
        }
        if (c is >= '0' and <= '7' && (c == '0' || _at + 1 < pattern.Length && pattern[_at + 1] is >= '0' and <= '7'))
        {
            int value = 0;
            for (int i = 0; i < 3 && _at < pattern.Length && pattern[_at] is >= '0' and <= '7'; i++) value = value * 8 + (pattern[_at++] - '0');
            return value;
        }
        if (char.IsAsciiLetterOrDigit(c)) throw Error($"'\\{c}' is not supported");
        return CodePoint();
    }

    private int CodePoint()
    {
        int c = char.IsSurrogatePair(pattern, _at) ? char.ConvertToUtf32(pattern[_at], pattern[_at + 1]) : pattern[_at];
        _at += c > char.MaxValue ? 2 : 1;
        return c;
    }

    private bool Take(char c)
    {
        if (_at >= pattern.Length || pattern[_at] != c) return false;
        _at++;
        return true;
    }

    private bool Take(string text)
    {
        if (!pattern.AsSpan(_at).StartsWith(text)) return false;
        _at += text.Length;
        return true;
    }

    private FormatException Error(string message) => new($"expression '{OnnxTensor.Clean(pattern)}', at {_at}: {message}");
}
