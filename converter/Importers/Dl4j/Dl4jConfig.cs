using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Dl4j;

/// <summary>
/// One object of the configuration with its class. Versions from 1.0.0-beta3 write the class as "@class"; those before wrap the object
/// in one of a single key, a short name of the class: {"dense": {...}}. Keys changed case between versions and are compared without it.
/// </summary>
internal sealed class Dl4jConfig
{
    private readonly JsonElement _json;

    public Dl4jConfig(JsonElement json, string what)
    {
        if (json.ValueKind == JsonValueKind.String) // an activation before 0.7
        {
            ClassName = json.GetString()!;
            _json = json;
            return;
        }
        if (json.ValueKind != JsonValueKind.Object) throw Damaged($"{what} is {json.ValueKind}, expected an object");
        if (json.TryGetProperty("@class", out JsonElement name) && name.ValueKind == JsonValueKind.String)
        {
            ClassName = name.GetString()!;
            _json = json;
            return;
        }
        JsonProperty[] wrapper = [.. json.EnumerateObject().Take(2)];
        if (wrapper.Length != 1 || wrapper[0].Value.ValueKind != JsonValueKind.Object) throw Damaged($"{what} does not say its class");
        ClassName = wrapper[0].Name;
        _json = wrapper[0].Value;
    }

    /// <summary>The whole name of a class, or its short name.</summary>
    public string ClassName { get; }

    /// <summary>The class's own name: behind the last dot.</summary>
    public string Kind => ClassName[(ClassName.LastIndexOfAny(['.', '$']) + 1)..];

    /// <summary>Whether the class is one of Deeplearning4j's own; a short name always is.</summary>
    public bool IsOwn => !ClassName.Contains('.', StringComparison.Ordinal) || ClassName.StartsWith("org.deeplearning4j.nn.", StringComparison.Ordinal) || ClassName.StartsWith("org.nd4j.", StringComparison.Ordinal);

    public JsonElement? Get(params ReadOnlySpan<string> keys) => Find(_json, keys);

    public static JsonElement? Find(JsonElement json, params ReadOnlySpan<string> keys)
    {
        if (json.ValueKind != JsonValueKind.Object) return null;
        foreach (string key in keys)
            foreach (JsonProperty p in json.EnumerateObject())
                if (p.Value.ValueKind != JsonValueKind.Null && string.Equals(p.Name, key, StringComparison.OrdinalIgnoreCase)) return p.Value;
        return null;
    }

    /// <summary>An object inside this one.</summary>
    public Dl4jConfig Inner(params ReadOnlySpan<string> keys) => Get(keys) is { } json ? new(json, $"'{keys[0]}' of {Kind}") : throw Damaged($"{Kind} has no '{keys[0]}'");

    public string Text(string key, string otherwise) => Get(key) is not { } value ? otherwise : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Damaged($"'{key}' of {Kind} is {value.ValueKind}, expected text");

    public bool Bool(string key, bool otherwise) => Get(key) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { } value => throw Damaged($"'{key}' of {Kind} is {value.ValueKind}, expected true or false"),
    };

    /// <summary>A number; Jackson writes numbers that JSON lacks as text ("NaN").</summary>
    public double Real(string key, double otherwise) => Get(key) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.Number } number => number.GetDouble(),
        { ValueKind: JsonValueKind.String } text when double.TryParse(text.GetString(), System.Globalization.CultureInfo.InvariantCulture, out double d) => d,
        { } value => throw Damaged($"'{key}' of {Kind} is {value.ValueKind}, expected a number"),
    };

    public long Int(params ReadOnlySpan<string> keys) => Get(keys) is { } value ? ToInt(value, keys[0]) : throw Damaged($"{Kind} has no '{keys[0]}'");
    public long Int(string key, long otherwise) => Get(key) is { } value ? ToInt(value, key) : otherwise;

    public long[]? Ints(string key)
    {
        if (Get(key) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number) return [ToInt(value, key)];
        if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 2 * Shape.MaxRank) throw Damaged($"'{key}' of {Kind} is no short list of numbers");
        return [.. value.EnumerateArray().Select(v => ToInt(v, key))];
    }

    /// <summary>A number for each of <paramref name="axes"/> axes; of a longer list (a one-dimensional layer may store [k, 1]) the first ones.</summary>
    public long[] PerAxis(string key, int axes, long otherwise, long least = 0)
    {
        long[] values = Ints(key) ?? [otherwise];
        if (values.Length == 1) values = [.. Enumerable.Repeat(values[0], axes)];
        if (values.Length < axes) throw Damaged($"'{key}' of {Kind} has {values.Length} entries, expected {axes}");
        values = values[..axes];
        if (values.Min() < least || values.Max() > 1 << 20) throw Damaged($"'{key}' of {Kind} is [{string.Join(", ", values)}]");
        return values;
    }

    public static EdgeLiteException Damaged(string message) => new(Status.Corrupt, $"The configuration of the Deeplearning4j model is damaged: {message}.");

    private long ToInt(JsonElement value, string key) => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number) ? number
        : throw Damaged($"'{key}' of {Kind} is no whole number");
}
