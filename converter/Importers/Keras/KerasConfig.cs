using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>The configuration of one layer: a JSON object whose keys changed names between Keras 1, 2 and 3. Every getter takes
/// the names in the order of preference; a key that is missing or null counts as absent.</summary>
internal readonly struct KerasConfig(JsonElement json)
{
    public JsonElement Json { get; } = json;

    public JsonElement? Get(params ReadOnlySpan<string> keys)
    {
        if (Json.ValueKind != JsonValueKind.Object) return null;
        foreach (string key in keys)
            if (Json.TryGetProperty(key, out JsonElement value) && value.ValueKind != JsonValueKind.Null) return value;
        return null;
    }

    public bool Has(string key) => Get(key) != null;

    public KerasConfig Section(string key) =>
        Get(key) is { ValueKind: JsonValueKind.Object } section ? new(section) : throw Damaged($"'{key}' is missing or no object");

    public string Text(string key, string otherwise = "") =>
        Get(key) is not { } value ? otherwise : value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Damaged($"'{key}' is {value.ValueKind}, expected text");

    public bool Bool(bool otherwise, params ReadOnlySpan<string> keys) => Get(keys) switch
    {
        null => otherwise,
        { ValueKind: JsonValueKind.True } => true,
        { ValueKind: JsonValueKind.False } => false,
        { ValueKind: JsonValueKind.Number } number => number.GetDouble() != 0,
        { } value => throw Damaged($"'{keys[0]}' is {value.ValueKind}, expected true or false"),
    };

    public double Real(double otherwise, params ReadOnlySpan<string> keys)
    {
        if (Get(keys) is not { } value) return otherwise;
        if (value.ValueKind == JsonValueKind.Number) return value.GetDouble();
        // LeakyReLU of some 2.x versions stores its number as {"class_name": "__numpy__", "type": "ndarray", "value": 0.2}.
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("value", out JsonElement inner) && inner.ValueKind == JsonValueKind.Number) return inner.GetDouble();
        throw Damaged($"'{keys[0]}' is {value.ValueKind}, expected a number");
    }

    public long Int(long otherwise, params ReadOnlySpan<string> keys) => Get(keys) is { } value ? ToInt(value, keys[0]) : otherwise;

    public long RequiredInt(params ReadOnlySpan<string> keys) => Get(keys) is { } value ? ToInt(value, keys[0]) : throw Damaged($"'{keys[0]}' is missing");

    /// <summary>A number or a list of numbers; null inside the list is -1.</summary>
    public long[]? Ints(params ReadOnlySpan<string> keys)
    {
        if (Get(keys) is not { } value) return null;
        if (value.ValueKind == JsonValueKind.Number) return [ToInt(value, keys[0])];
        if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty("items", out JsonElement items)) value = items;
        if (value.ValueKind != JsonValueKind.Array) throw Damaged($"'{keys[0]}' is {value.ValueKind}, expected a list of numbers");
        if (value.GetArrayLength() > Shape.MaxRank * 4) throw Damaged($"'{keys[0]}' has {value.GetArrayLength()} entries");
        var ints = new List<long>();
        foreach (JsonElement item in value.EnumerateArray()) ints.Add(item.ValueKind == JsonValueKind.Null ? -1 : ToInt(item, keys[0]));
        return [.. ints];
    }

    /// <summary>One positive number for each of <paramref name="rank"/> axes; a single one stands for all.</summary>
    public long[] PerAxis(int rank, long otherwise, params ReadOnlySpan<string> keys)
    {
        long[] values = Ints(keys) ?? [otherwise];
        if (values.Length == 1 && rank > 1) values = [.. Enumerable.Repeat(values[0], rank)];
        if (values.Length != rank) throw Damaged($"'{keys[0]}' has {values.Length} entries, expected {rank}");
        if (values.Min() < 1 || values.Max() > 1 << 24) throw Damaged($"'{keys[0]}' is [{string.Join(", ", values)}]");
        return values;
    }

    /// <summary>Whether channels come directly after the batch. Keras 1 calls the orders "th" and "tf".</summary>
    public bool ChannelsFirst()
    {
        string order = Get("data_format", "dim_ordering") is { ValueKind: JsonValueKind.String } text ? text.GetString()! : "channels_last";
        return order switch
        {
            "channels_first" or "th" => true,
            "channels_last" or "channelsLast" or "tf" or "default" => false,
            "channelsFirst" => true,
            _ => throw Damaged($"data format '{order}' is not known"),
        };
    }

    public static EdgeLiteException Damaged(string message) => new(Status.Corrupt, $"The configuration of the Keras model is damaged: {message}.");

    private static long ToInt(JsonElement value, string key)
    {
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out long number)) return number;
        if (value.ValueKind == JsonValueKind.Number && value.GetDouble() is var real && real == Math.Floor(real) && Math.Abs(real) < 1e15) return (long)real;
        throw Damaged($"'{key}' holds {value.ValueKind}, expected a whole number");
    }
}
