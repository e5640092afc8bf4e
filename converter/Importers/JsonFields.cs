using System.Text.Json;

namespace EdgeLite.Converter.Importers;

/// <summary>Reads JSON that people and other programs write: what is missing, or of another kind than expected, is a <see cref="JsonException"/> that
/// shows it.</summary>
internal static class JsonFields
{
    private const int MaxShown = 80;

    public static JsonElement Field(this JsonElement json, string key) => json.TryField(key, out JsonElement value) ? value : throw new JsonException($"there is no \"{key}\" in {Shown(json)}");

    public static bool TryField(this JsonElement json, string key, out JsonElement value) => Of(json, JsonValueKind.Object, "an object").TryGetProperty(key, out value);

    public static JsonElement.ObjectEnumerator Members(this JsonElement json) => Of(json, JsonValueKind.Object, "an object").EnumerateObject();

    public static JsonElement.ArrayEnumerator Items(this JsonElement json) => Of(json, JsonValueKind.Array, "a list").EnumerateArray();

    /// <summary>Entry number <paramref name="index"/> of a list.</summary>
    public static JsonElement Item(this JsonElement json, int index) =>
        Of(json, JsonValueKind.Array, "a list") is var list && index < list.GetArrayLength() ? list[index] : throw new JsonException($"{Shown(json)} has {json.GetArrayLength()} entries, expected {index + 1} or more");

    /// <summary>A text; null for JSON's null.</summary>
    public static string? Text(this JsonElement json)
    {
        if (json.ValueKind == JsonValueKind.Null) return null;
        try
        {
            return Of(json, JsonValueKind.String, "a text").GetString();
        }
        catch (InvalidOperationException e) // half of a surrogate pair, or bytes that are not UTF-8
        {
            throw new JsonException($"a text of {json.GetRawText().Length} characters is not Unicode", e);
        }
    }

    public static long Whole(this JsonElement json) => Of(json, JsonValueKind.Number, "a whole number").TryGetInt64(out long number) ? number : throw Unexpected(json, "a whole number of 64 bits");

    public static double Real(this JsonElement json) => Of(json, JsonValueKind.Number, "a number").GetDouble();

    public static bool Flag(this JsonElement json) => json.ValueKind is JsonValueKind.True or JsonValueKind.False ? json.GetBoolean() : throw Unexpected(json, "true or false");

    private static JsonElement Of(JsonElement json, JsonValueKind kind, string what) => json.ValueKind == kind ? json : throw Unexpected(json, what);

    private static JsonException Unexpected(JsonElement json, string what) => new($"{Shown(json)} stands where {what} is expected");

    private static string Shown(JsonElement json) => json.ValueKind == JsonValueKind.Undefined ? "nothing" : json.GetRawText() is { Length: > MaxShown } text ? text[..MaxShown] + ".." : json.GetRawText();
}
