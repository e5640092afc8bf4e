using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>Layers and operators that have no conversion, named all at once before anything is converted.</summary>
internal static class UnknownLayers
{
    private const int MaxPlaces = 8;

    /// <summary>Throws when there is any.</summary>
    /// <param name="source">what holds them: "The network"</param>
    /// <param name="unknown">what each of them is, and where</param>
    /// <param name="remedy">what to do about any of them, a sentence</param>
    /// <param name="advice">what to do about one kind; null or empty where there is nothing more to say</param>
    public static void Refuse(string source, IEnumerable<(string Kind, string Place)> unknown, string remedy, Func<string, string?>? advice = null)
    {
        string[] lines = [.. unknown.Distinct().GroupBy(u => u.Kind, u => u.Place, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g =>
        {
            string[] places = [.. g];
            string more = places.Length > MaxPlaces ? $" and {places.Length - MaxPlaces} more" : "";
            return $"  {(g.Key.Length > 0 ? g.Key : "(no type)")}: {string.Join(", ", places.Take(MaxPlaces))}{more}{(advice?.Invoke(g.Key) is { Length: > 0 } what ? $" - {what}" : "")}";
        })];
        if (lines.Length > 0) throw new EdgeLiteException(Status.UnknownOperator, $"{source} has layers that have no conversion:\n{string.Join('\n', lines)}\n{remedy}");
    }
}
