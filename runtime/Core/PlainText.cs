using System.Text;

namespace EdgeLite.Core;

/// <summary>Text for terminals. Names and messages come from files that nobody vouches for.</summary>
public static class PlainText
{
    /// <summary>The same with what commands a terminal, or turns the direction of writing, as <c>\u001b</c>; lines and tabs stay.</summary>
    public static string Of(string text) => Escaped(text, isLine: false);

    /// <summary>The same in one line, as a name in a table, or a message that holds one, is to be: <c>\n</c> and <c>\t</c> for lines and tabs.</summary>
    public static string OneLine(string text) => Escaped(text, isLine: true);

    private static string Escaped(string text, bool isLine)
    {
        int first = 0;
        while (first < text.Length && !IsCommand(text[first], isLine)) first++;
        if (first == text.Length) return text;
        var plain = new StringBuilder(text, 0, first, text.Length + 16);
        for (int i = first; i < text.Length; i++)
            if (!IsCommand(text[i], isLine)) plain.Append(text[i]);
            else if (text[i] is '\n' or '\t') plain.Append(text[i] == '\n' ? @"\n" : @"\t");
            else plain.Append("\\u").Append(((int)text[i]).ToString("x4"));
        return plain.ToString();
    }

    private static bool IsCommand(char c, bool isLine) =>
        char.IsControl(c) && (isLine || c is not ('\n' or '\t')) || c is >= '\u2028' and <= '\u202e' or >= '\u2066' and <= '\u2069';
}
