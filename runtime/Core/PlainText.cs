using System.Text;

namespace EdgeLite.Core;

/// <summary>Text for terminals. Names and messages come from files that nobody vouches for.</summary>
public static class PlainText
{
    /// <summary>The same with what commands a terminal, or turns the direction of writing, as <c>\u001b</c>; lines and tabs stay.</summary>
    public static string Of(string text)
    {
        int first = 0;
        while (first < text.Length && !IsCommand(text[first])) first++;
        if (first == text.Length) return text;
        var plain = new StringBuilder(text, 0, first, text.Length + 16);
        for (int i = first; i < text.Length; i++)
            if (IsCommand(text[i])) plain.Append("\\u").Append(((int)text[i]).ToString("x4"));
            else plain.Append(text[i]);
        return plain.ToString();
    }

    private static bool IsCommand(char c) => char.IsControl(c) && c is not ('\n' or '\t') || c is >= '\u202a' and <= '\u202e' or >= '\u2066' and <= '\u2069';
}
