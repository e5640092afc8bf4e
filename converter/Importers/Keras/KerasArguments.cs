using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Output number <paramref name="Tensor"/> of call number <paramref name="Node"/> of a layer.</summary>
internal readonly record struct KerasReference(string Layer, int Node, int Tensor)
{
    /// <summary>Read from [layer, node, tensor, ..].</summary>
    public static KerasReference Of(JsonElement json) =>
        json.ValueKind == JsonValueKind.Array && json.GetArrayLength() >= 3 && json[0].ValueKind == JsonValueKind.String
            && json[1].ValueKind == JsonValueKind.Number && json[1].TryGetInt32(out int node) && json[2].ValueKind == JsonValueKind.Number && json[2].TryGetInt32(out int tensor)
            ? new(json[0].GetString()!, node, tensor) : throw KerasConfig.Damaged($"{Shown(json)} is not a tensor of the form [layer, node, tensor]");

    private static string Shown(JsonElement json) => json.GetRawText() is { Length: > MaxShown } text ? text[..MaxShown] + ".." : json.GetRawText();

    private const int MaxShown = 80;
}

/// <summary>Python's start:stop:step; each a number, a tensor or null.</summary>
internal sealed record KerasSlice(object? Start, object? Stop, object? Step);

/// <summary>An argument of a kind that is not known.</summary>
internal sealed record KerasUnknown(string ClassName);

/// <summary>
/// What a layer or a function of a model is called with, as Python had it: tensors (in the file <see cref="KerasReference"/>, while it is converted
/// <see cref="KerasTensor"/>), long, double, bool, text, null, slices, <see cref="Ellipsis"/>, arrays (<see cref="Tensor"/>), and lists
/// (object?[]) of these.
/// </summary>
internal sealed class KerasArguments(object?[] positional, Dictionary<string, object?> named)
{
    private const int MaxDepth = 16;

    public static readonly KerasArguments None = new([], []);

    /// <summary>Python's "...".</summary>
    public static readonly object Ellipsis = new();

    /// <summary>Keras 2: [layer, node, tensor, {keywords}], or lists of such where the first argument is a list; every argument but the first
    /// is a keyword, repeated with each tensor. Constants are ["_CONSTANT_VALUE", -1, value, {keywords}].</summary>
    public static KerasArguments OfKeras2(JsonElement node)
    {
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        return new([First(node, 0)], named);

        object? First(JsonElement json, int depth)
        {
            if (depth > MaxDepth) throw KerasConfig.Damaged("the arguments of a function are nested too deeply");
            if (json.ValueKind != JsonValueKind.Array) return Plain2(json, depth);
            if (json.GetArrayLength() < 3 || json[0].ValueKind != JsonValueKind.String) return json.EnumerateArray().Select(i => First(i, depth + 1)).ToArray();
            if (json.GetArrayLength() > 3 && json[3].ValueKind == JsonValueKind.Object)
                foreach (JsonProperty keyword in json[3].EnumerateObject()) named[keyword.Name] = Plain2(keyword.Value, depth + 1);
            return json[0].GetString() == "_CONSTANT_VALUE" ? Plain2(json[2], depth) : KerasReference.Of(json);
        }
    }

    /// <summary>Keras 3: {"args": [..], "kwargs": {..}}, whose objects say by class_name what they are.</summary>
    public static KerasArguments OfKeras3(JsonElement node)
    {
        object?[] positional = node.TryGetProperty("args", out JsonElement args) && args.ValueKind == JsonValueKind.Array ? [.. args.EnumerateArray().Select(a => Plain3(a, 0))] : [];
        var named = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (node.TryGetProperty("kwargs", out JsonElement keywords) && keywords.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty keyword in keywords.EnumerateObject()) named[keyword.Name] = Plain3(keyword.Value, 0);
        return new(positional, named);
    }

    /// <summary>A setting of the configuration as such a value.</summary>
    public static object? OfConfig(JsonElement json) => Plain3(json, 0);

    /// <summary>The argument by position (-1: by name alone) or by one of its names; null when it is not given, or given as None.</summary>
    public object? Find(int position, ReadOnlySpan<string> names)
    {
        foreach (string name in names)
            if (named.TryGetValue(name, out object? value)) return value;
        return position >= 0 && position < positional.Length ? positional[position] : null;
    }

    /// <summary>All positional arguments.</summary>
    public IReadOnlyList<object?> Positional => positional;

    /// <summary>Everything given that is of one kind.</summary>
    public IEnumerable<T> All<T>() => positional.Concat(named.Values).SelectMany(Leaves).OfType<T>();

    /// <summary>The same with others in the place of the leaves that are of one kind.</summary>
    public KerasArguments Map<T>(Func<T, object> of) =>
        new([.. positional.Select(p => Mapped(p, of))], named.ToDictionary(n => n.Key, n => Mapped(n.Value, of), StringComparer.Ordinal));

    private static object? Mapped<T>(object? value, Func<T, object> of) => value switch
    {
        T leaf => of(leaf),
        object?[] list => list.Select(i => Mapped(i, of)).ToArray(),
        KerasSlice s => new KerasSlice(Mapped(s.Start, of), Mapped(s.Stop, of), Mapped(s.Step, of)),
        _ => value,
    };

    private static IEnumerable<object?> Leaves(object? value) => value switch
    {
        object?[] list => list.SelectMany(Leaves),
        KerasSlice s => [s.Start, s.Stop, s.Step],
        _ => [value],
    };

    private static object? Plain2(JsonElement json, int depth)
    {
        if (depth > MaxDepth) throw KerasConfig.Damaged("the arguments of a function are nested too deeply");
        switch (json.ValueKind)
        {
            case JsonValueKind.Array:
                bool isTensor = json.GetArrayLength() is 3 or 4 && json[0].ValueKind == JsonValueKind.String && json[1].ValueKind == JsonValueKind.Number && json[2].ValueKind == JsonValueKind.Number;
                return isTensor ? KerasReference.Of(json) : json.EnumerateArray().Select(i => Plain2(i, depth + 1)).ToArray();
            case JsonValueKind.Object when json.TryGetProperty("start", out JsonElement start) && json.TryGetProperty("stop", out JsonElement stop):
                return new KerasSlice(Plain2(start, depth + 1), Plain2(stop, depth + 1), json.TryGetProperty("step", out JsonElement step) ? Plain2(step, depth + 1) : null);
            case JsonValueKind.Object:
                return Tagged(json, i => Plain2(i, depth + 1));
            default:
                return Scalar(json);
        }
    }

    private static object? Plain3(JsonElement json, int depth)
    {
        if (depth > MaxDepth) throw KerasConfig.Damaged("the arguments of a function are nested too deeply");
        if (json.ValueKind == JsonValueKind.Array) return json.EnumerateArray().Select(i => Plain3(i, depth + 1)).ToArray();
        if (json.ValueKind != JsonValueKind.Object) return Scalar(json);
        if (new KerasConfig(json).Text("class_name") != "__keras_tensor__") return Tagged(json, i => Plain3(i, depth + 1));
        JsonElement history = new KerasConfig(json).Section("config").Get("keras_history") ?? throw KerasConfig.Damaged("a tensor has no keras_history");
        return KerasReference.Of(history);
    }

    /// <summary>{"class_name": "__slice__" ..}: what JSON has no form for (keras serialization_lib.py).</summary>
    private static object? Tagged(JsonElement json, Func<JsonElement, object?> of)
    {
        var tagged = new KerasConfig(json);
        string className = tagged.Text("class_name");
        KerasConfig config = tagged.Get("config") is { ValueKind: JsonValueKind.Object } inner ? new(inner) : tagged;
        switch (className)
        {
            case "__ellipsis__": return Ellipsis;
            case "__tuple__" or "__list__": return tagged.Get("items") is { ValueKind: JsonValueKind.Array } items ? items.EnumerateArray().Select(of).ToArray() : Array.Empty<object?>();
            case "__slice__": return new KerasSlice(Part("start"), Part("stop"), Part("step"));
            case "__numpy__" or "__tensor__" or "ndarray": return ArrayOf(of(config.Get("value") ?? throw KerasConfig.Damaged("an array has no value")), config.Text("dtype", "float32"));
            case "TensorShape": return tagged.Get("items", "value") is { } dims ? of(dims) : null;
            default: return new KerasUnknown(className);
        }

        object? Part(string key) => config.Get(key) is { } part ? of(part) : null;
    }

    private static object? Scalar(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number when json.GetRawText().AsSpan().IndexOfAny('.', 'e', 'E') < 0 && json.TryGetInt64(out long whole) => whole,
        JsonValueKind.Number => json.GetDouble(),
        JsonValueKind.String => json.GetString(),
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => null,
    };

    /// <summary>An array of a number or of nested lists of numbers.</summary>
    public static Tensor ArrayOf(object? value, string? dtype = null)
    {
        var dims = new List<long>();
        for (object? level = value; level is object?[] list; level = list.Length > 0 ? list[0] : null) dims.Add(list.Length);
        if (dims.Count > Shape.MaxRank) throw KerasConfig.Damaged($"an array has {dims.Count} dimensions");
        object?[] numbers = [.. Leaves(value)];
        DType type = dtype != null ? TypeOf(dtype) ?? DType.Float32 : numbers.All(n => n is bool) && numbers.Length > 0 ? DType.Bool : numbers.All(n => n is long) && numbers.Length > 0 ? DType.Int32 : DType.Float32;
        var tensor = new Tensor(type, new Shape([.. dims]));
        if (tensor.Count != numbers.Length) throw KerasConfig.Damaged("the rows of an array have different lengths");
        for (int i = 0; i < numbers.Length; i++)
            switch (numbers[i])
            {
                case long whole when !type.IsFloat(): tensor.SetInt64(i, whole); break;
                case long whole: tensor.SetDouble(i, whole); break;
                case double real: tensor.SetDouble(i, real); break;
                case bool flag: tensor.SetInt64(i, flag ? 1 : 0); break;
                default: throw KerasConfig.Damaged("an array holds something else than numbers");
            }
        return tensor;
    }

    /// <summary>The element type that Keras calls so; null for others.</summary>
    public static DType? TypeOf(string dtype) => dtype.StartsWith("tf.", StringComparison.Ordinal) ? TypeOf(dtype[3..]) : dtype switch
    {
        "float32" => DType.Float32,
        "float16" => DType.Float16,
        "bfloat16" => DType.BFloat16,
        "float64" => DType.Float64,
        "int8" => DType.Int8,
        "int16" => DType.Int16,
        "int32" => DType.Int32,
        "int64" => DType.Int64,
        "uint8" => DType.UInt8,
        "uint16" => DType.UInt16,
        "uint32" => DType.UInt32,
        "bool" => DType.Bool,
        _ => null,
    };
}
