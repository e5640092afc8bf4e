using System.Buffers.Binary;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>TensorFlow.js layers-models: model.json with the Keras architecture and a list of weights in shards beside it, float32,
/// float16, or uint8 and uint16 with scale and offset (tfjs-converter, write_weights.py).</summary>
public sealed class TfjsLayersFormat : IImporter
{
    private const long MaxRank = Shape.MaxRank;

    public string Format => "TensorFlow.js layers-model";

    public bool Recognizes(string path, ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> text = head.TrimStart("\uFEFF"u8).TrimStart(" \t\r\n"u8);
        if (!text.StartsWith("{"u8) || text.IndexOf("\"modelTopology\""u8) < 0 && text.IndexOf("\"format\""u8) < 0 && text.IndexOf("\"weightsManifest\""u8) < 0) return false;
        try
        {
            using JsonDocument document = KerasJson.Parse(KerasJson.ReadText(path), path);
            var root = new KerasConfig(document.RootElement);
            if (root.Get("format") is { ValueKind: JsonValueKind.String } format) return format.GetString() == "layers-model";
            return root.Has("weightsManifest") && root.Get("modelTopology") is { ValueKind: JsonValueKind.Object } topology
                && (new KerasConfig(topology).Has("model_config") || new KerasConfig(topology).Has("class_name"));
        }
        catch (EdgeLiteException)
        {
            return false;
        }
    }

    public Graph Import(string path)
    {
        using JsonDocument document = KerasJson.Parse(KerasJson.ReadText(path), path);
        var root = new KerasConfig(document.RootElement);
        var topology = root.Section("modelTopology");
        List<KerasWeight> weights = [];
        if (root.Get("weightsManifest") is not { ValueKind: JsonValueKind.Array } manifest) throw Damaged(path, "it has no weightsManifest");
        foreach (JsonElement group in manifest.EnumerateArray()) ReadGroup(path, new KerasConfig(group), weights);
        string version = topology.Text("keras_version"), backend = topology.Text("backend", "tensorflow");
        // "tfjs-layers 4.22.0" speaks the configuration of Keras 2.
        if (!char.IsAsciiDigit(version.FirstOrDefault())) version = "2";
        if (topology.Text("class_name").Length == 0 && !topology.Has("model_config")) throw Damaged(path, "its modelTopology holds no model");
        return KerasImporter.Import(Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) is { Length: > 0 } folder ? folder : "model",
            new KerasModel(KerasJson.Model(document.RootElement)), new NamedWeights(weights), KerasOrigin.Of(version, backend));
    }

    /// <summary>The weights of a group lie one behind the other in its shards.</summary>
    private static void ReadGroup(string path, KerasConfig group, List<KerasWeight> weights)
    {
        byte[] data = ReadShards(path, group);
        long at = 0;
        foreach (JsonElement item in (group.Get("weights") ?? throw Damaged(path, "a group has no weights")).EnumerateArray())
        {
            var weight = new KerasConfig(item);
            string name = weight.Text("name"), dtype = weight.Text("dtype", "float32");
            long[] dims = weight.Ints("shape") ?? [];
            if (dims.Length > MaxRank || dims.Any(d => d < 0)) throw Damaged(path, $"weight '{name}' has shape [{string.Join(", ", dims)}]");
            long count = 1;
            foreach (long d in dims) count = checked(count * d);
            string stored = dtype;
            double scale = 1, min = 0;
            if (weight.Get("quantization") is { ValueKind: JsonValueKind.Object } json)
            {
                var quantization = new KerasConfig(json);
                stored = quantization.Text("dtype", dtype);
                (scale, min) = (quantization.Real(1, "scale"), quantization.Real(0, "min"));
            }
            int size = stored switch
            {
                "float32" or "int32" => 4,
                "float16" or "uint16" => 2,
                "uint8" or "bool" => 1,
                _ => throw new EdgeLiteException(Status.Unsupported, $"Weight '{name}' of '{path}' is stored as {stored}, which is not supported."),
            };
            long length = checked(count * size);
            if (length > data.Length - at) throw new EdgeLiteException(Status.Truncated, $"Weight '{name}' of '{path}' needs {length} bytes; {data.Length - at} are left in its shards.");
            int from = (int)at;
            weights.Add(new KerasWeight(name, () => Decode(data, from, stored, scale, min, new Shape(dims))));
            at += length;
        }
    }

    /// <summary>value = stored * scale + min.</summary>
    private static Tensor Decode(byte[] data, int from, string stored, double scale, double min, Shape shape)
    {
        var tensor = new Tensor(DType.Float32, shape);
        Span<float> to = tensor.Span<float>();
        ReadOnlySpan<byte> bytes = data.AsSpan(from);
        for (int i = 0; i < to.Length; i++)
            to[i] = stored switch
            {
                "float32" => BinaryPrimitives.ReadSingleLittleEndian(bytes[(4 * i)..]),
                "float16" => (float)BinaryPrimitives.ReadHalfLittleEndian(bytes[(2 * i)..]),
                "int32" => BinaryPrimitives.ReadInt32LittleEndian(bytes[(4 * i)..]),
                "uint16" => (float)(BinaryPrimitives.ReadUInt16LittleEndian(bytes[(2 * i)..]) * scale + min),
                _ => (float)(bytes[i] * scale + min),
            };
        return tensor;
    }

    private static byte[] ReadShards(string path, KerasConfig group)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        using var all = new MemoryStream();
        foreach (JsonElement item in (group.Get("paths") ?? throw Damaged(path, "a group has no paths")).EnumerateArray())
        {
            string name = item.GetString() ?? "", shard = Path.GetFullPath(Path.Combine(folder, name));
            if (!shard.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)) throw Damaged(path, $"shard '{name}' lies outside the model's folder");
            if (!File.Exists(shard)) throw new EdgeLiteException(Status.FileNotFound, $"'{path}' needs the shard '{name}' beside it, which is not there.");
            if (all.Length + new FileInfo(shard).Length > Array.MaxLength) throw new EdgeLiteException(Status.Unsupported, $"The shards of '{path}' hold more than 2 GB.");
            using FileStream stream = File.OpenRead(shard);
            stream.CopyTo(all);
        }
        return all.ToArray();
    }

    private static EdgeLiteException Damaged(string path, string message) => new(Status.Corrupt, $"'{path}' is a damaged TensorFlow.js model: {message}.");
}
