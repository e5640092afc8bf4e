using System.Globalization;
using System.Text;

namespace EdgeLite.Converter.Importers.Onnx.Regex;

/// <summary>A set of code points as sorted ranges that do not touch.</summary>
internal sealed class CodePoints
{
    public const int Last = 0x10FFFF;

    private readonly List<(int First, int Last)> _ranges;

    private CodePoints(List<(int First, int Last)> ranges) => _ranges = ranges;

    public IReadOnlyList<(int First, int Last)> Ranges => _ranges;

    public static CodePoints Any { get; } = new([(0, Last)]);
    public static CodePoints Digit { get; } = Of(('0', '9'));
    public static CodePoints Word { get; } = Of(('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'));
    public static CodePoints Space { get; } = Of(('\t', '\n'), ('\f', '\r'), (' ', ' '));
    public static CodePoints NewLine { get; } = Of(('\n', '\n'));

    public static CodePoints Of(params IEnumerable<(int First, int Last)> ranges)
    {
        var merged = new List<(int First, int Last)>();
        foreach ((int first, int last) in ranges.OrderBy(r => r.First))
        {
            if (merged.Count > 0 && first <= merged[^1].Last + 1) merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, last));
            else merged.Add((first, last));
        }
        return new CodePoints(merged);
    }

    public static CodePoints Union(params IEnumerable<CodePoints> sets) => Of(sets.SelectMany(s => s._ranges));

    public CodePoints Complement()
    {
        var rest = new List<(int, int)>();
        int next = 0;
        foreach ((int first, int last) in _ranges)
        {
            if (first > next) rest.Add((next, first - 1));
            next = last + 1;
        }
        if (next <= Last) rest.Add((next, Last));
        return new CodePoints(rest);
    }

    public bool Contains(int c)
    {
        foreach ((int first, int last) in _ranges)
            if (c >= first && c <= last) return true;
        return false;
    }

    /// <summary>With the other case of each letter. Beyond ASCII, Unicode's simple mappings both ways.</summary>
    public CodePoints IgnoringCase()
    {
        var ranges = new List<(int, int)>(_ranges);
        foreach ((int first, int last) in _ranges)
            for (int c = first; c <= Math.Min(last, 0x1E943); c++) // the last letter that has cases
            {
                if (!Rune.TryCreate(c, out Rune rune)) continue;
                Add(Rune.ToLowerInvariant(rune).Value);
                Add(Rune.ToUpperInvariant(rune).Value);
                // Two signs whose lower case is an ASCII letter (Unicode CaseFolding.txt): long s and Kelvin.
                if (c is 's' or 'S') Add(0x17F);
                if (c is 'k' or 'K') Add(0x212A);
                if (c == 0x17F) Add('s');

                void Add(int other)
                {
                    if (other != c) ranges.Add((other, other));
                }
            }
        return Of(ranges);
    }

    /// <summary>A general category of Unicode, <c>L</c> or <c>Lu</c>; null for a name that is none.</summary>
    public static CodePoints? Category(string name)
    {
        UnicodeCategory[] wanted = [.. Enum.GetValues<UnicodeCategory>().Where(c => Short(c).StartsWith(name, StringComparison.Ordinal))];
        if (name.Length is < 1 or > 2 || wanted.Length == 0) return null;
        var ranges = new List<(int, int)>();
        for (int c = 0; c <= Last; c++)
            if (wanted.Contains(CharUnicodeInfo.GetUnicodeCategory(c))) ranges.Add((c, c));
        return Of(ranges);
    }

    /// <summary>The two letters of Unicode, in the order of <see cref="UnicodeCategory"/>.</summary>
    private static string Short(UnicodeCategory category) => "LuLlLtLmLoMnMcMeNdNlNoZsZlZpCcCfCsCoPcPdPsPePiPfPoSmScSkSoCn".Substring(2 * (int)category, 2);
}
