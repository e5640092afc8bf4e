using System.Text;

namespace EdgeLite.Run;

/// <summary>Strings as JSON (RFC 8259, section 7).</summary>
internal static class Json
{
    public static string Text(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            if (c is '"' or '\\') quoted.Append('\\').Append(c);
            else if (c < ' ') quoted.Append($"\\u{(int)c:x4}");
            else quoted.Append(c);
        }
        return quoted.Append('"').ToString();
    }
}
