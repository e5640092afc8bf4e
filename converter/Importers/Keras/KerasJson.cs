using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>The JSON texts of Keras: bounded in size and depth; NaN and Infinity, which Python writes, are allowed where no layer reads them.</summary>
internal static class KerasJson
{
    private const int MaxDepth = 256;
    private const long MaxBytes = 256L << 20;

    public static JsonDocument Parse(string json, string source)
    {
        try
        {
            return JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth, AllowTrailingCommas = true });
        }
        catch (JsonException e)
        {
            throw new EdgeLiteException(Status.Corrupt, $"The architecture of '{source}' is no valid JSON: {e.Message}", e);
        }
    }

    /// <summary>The model inside {"model_config": ..}, {"modelTopology": ..} or bare.</summary>
    public static JsonElement Model(JsonElement root)
    {
        var config = new KerasConfig(root);
        if (config.Get("modelTopology") is { ValueKind: JsonValueKind.Object } topology) return Model(topology);
        if (config.Get("model_config") is { ValueKind: JsonValueKind.Object } inner) return inner;
        return config.Has("class_name") ? root : throw KerasConfig.Damaged("it has no class_name");
    }

    public static string ReadText(string path)
    {
        try
        {
            long length = ModelFile.Length(path);
            if (length > MaxBytes) throw new EdgeLiteException(Status.Corrupt, $"'{path}' has {length} bytes, too many for an architecture.");
            return File.ReadAllText(path);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(path, e);
        }
    }

    /// <summary>Whether a .json file holds an architecture (to_json) rather than anything else.</summary>
    public static bool LooksLikeModel(string path)
    {
        if (ModelFile.Length(path) > MaxBytes) return false;
        string text = ReadText(path);
        return text.Contains("\"class_name\"", StringComparison.Ordinal) && text.Contains("\"config\"", StringComparison.Ordinal) && !text.Contains("\"weightsManifest\"", StringComparison.Ordinal);
    }
}
