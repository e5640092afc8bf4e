using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Lasagne;

/// <summary>Marks a method <c>static Value (LasagneLayer)</c> that converts layers of these names.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LasagneAttribute(params string[] names) : ForeignLayerAttribute(names);

/// <summary>One layer while it is converted: its settings, what it follows, and the parameters that no layer has taken yet.</summary>
internal sealed class LasagneLayer(Graph graph, string name, JsonElement json, Value[] inputs, Queue<Func<Tensor>>? parameters)
    : NodeBuilder(graph, name, $"{TypeOf(json)} '{name}'")
{
    private const long MaxSetting = 1 << 20;

    public JsonElement Json { get; } = json;
    public string Type => TypeOf(Json);
    public IReadOnlyList<Value> Inputs { get; } = inputs;
    public Value X => Inputs.Count == 1 ? Inputs[0] : throw Damaged($"it follows {Inputs.Count} layers, expected one");
    public int Rank => RankOf(X);

    private static string TypeOf(JsonElement json) => json.TryField("type", out JsonElement type) ? type.Text()! : "InputLayer";

    /// <summary>The next array as float32, of the rank, or of any (-1). Behind a refused layer (there are no parameters) nobody knows which it is.</summary>
    public Tensor Parameter(string role, int rank)
    {
        if (parameters == null) return new Tensor(DType.Float32, new Shape([.. Enumerable.Repeat(1L, Math.Abs(rank))]));
        if (!parameters.TryDequeue(out Func<Tensor>? next)) throw Damaged($"there is no array left for '{role}'");
        Tensor stored = next();
        if (rank >= 0 && stored.Shape.Rank != rank) throw Damaged($"the array for '{role}' has shape {stored.Shape}, expected {rank} dimensions");
        return stored.DType == DType.Float32 ? stored : stored.ConvertTo(DType.Float32);
    }

    public bool Told(string key) => Json.TryField(key, out JsonElement v) && v.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the setting is null (Python's None): "b": null, a layer without biases.</summary>
    public bool IsNone(string key) => Json.TryField(key, out JsonElement v) && v.ValueKind is JsonValueKind.Null or JsonValueKind.False;

    public bool Flag(string key, bool otherwise) => Told(key) ? Json.Field(key).Flag() : otherwise;
    public float Real(string key, double otherwise) => (float)(Told(key) ? Json.Field(key).Real() : otherwise);
    public string Text(string key, string otherwise) => Told(key) ? Json.Field(key).Text()! : otherwise;
    public long Integer(string key, long otherwise) => Told(key) ? Json.Field(key).Whole() : otherwise;

    /// <summary>A number for each of some axes; one number stands for all.</summary>
    public long[] Sizes(string key, int count, long otherwise, long least)
    {
        if (count < 1) throw InputError($"its input has {Rank} dimensions, too few for '{key}'");
        long[] v = [.. Enumerable.Repeat(otherwise, count)];
        if (Told(key))
        {
            JsonElement e = Json.Field(key);
            v = e.ValueKind == JsonValueKind.Array ? [.. e.Items().Select(n => n.Whole())] : [.. Enumerable.Repeat(e.Whole(), count)];
        }
        return v.Length == count && v.Min() >= least && v.Max() <= MaxSetting ? v : throw Damaged($"'{key}' is [{string.Join(", ", v)}]");
    }

    public void Refuse(string key)
    {
        if (Told(key)) throw Error($"'{key}' has no conversion");
    }
}
