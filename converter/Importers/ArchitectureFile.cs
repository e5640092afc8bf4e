using System.Text;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers;

/// <summary>The small JSON file that tells an architecture where a framework's own file holds parameters only: <c>"format"</c> names the
/// framework, <c>"parameters"</c> the file beside it, <c>"layers"</c> the layers in order.</summary>
internal static class ArchitectureFile
{
    private const long MaxText = 16L << 20;
    private const int MaxLayers = 10_000;

    public static bool Recognizes(ReadOnlySpan<byte> head, string format)
    {
        string text = Encoding.UTF8.GetString(head).TrimStart('\uFEFF', ' ', '\t', '\r', '\n');
        if (!text.StartsWith('{')) return false;
        string dense = string.Concat(text.Where(c => !char.IsWhiteSpace(c)));
        return dense.Contains($"\"format\":\"{format}\"", StringComparison.Ordinal);
    }

    /// <summary>Hands the file to <paramref name="build"/>; what is missing or contradictory in it becomes one clear error.</summary>
    public static Graph Import(string path, string framework, Func<JsonElement, Graph> build)
    {
        if (ModelFile.Length(path) > MaxText) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than an architecture can be.");
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
            return build(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or OverflowException or FormatException or ArgumentException or InvalidOperationException or KeyNotFoundException or IndexOutOfRangeException or DivideByZeroException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{path}' is no architecture of {framework}, or contradicts itself: {e.Message}", e);
        }
    }

    public static JsonElement[] Layers(string path, JsonElement root)
    {
        JsonElement[] layers = [.. root.Field("layers").Items().Take(MaxLayers + 1)];
        return layers.Length is > 0 and <= MaxLayers ? layers : throw new EdgeLiteException(Status.Corrupt, $"'{path}' has no layers, or more than {MaxLayers}.");
    }

    public static string TypeOf(JsonElement layer) => layer.Field("type").Text() ?? "";

    /// <summary>A layer's name: the one given, or its number.</summary>
    public static string NameOf(JsonElement layer, int number) => layer.TryField("name", out JsonElement given) && given.Text() is { Length: > 0 } name ? name : $"layer{number}";

    /// <summary>Names every layer without a conversion, with its places, at once.</summary>
    public static void RefuseUnknown(string path, JsonElement[] layers, Func<string, bool> isKnown, string remedy) =>
        UnknownLayers.Refuse($"'{path}'", layers.Select((layer, i) => (TypeOf(layer), $"'{NameOf(layer, i)}'")).Where(l => !isKnown(l.Item1)), remedy);

    /// <summary>The path of the parameters, which lie in the folder of <paramref name="path"/>.</summary>
    public static string Parameters(string path, JsonElement root)
    {
        string file = root.Field("parameters").Text() ?? "";
        return file.Length > 0 && Path.GetFileName(file) == file ? Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, file)
            : throw new EdgeLiteException(Status.InvalidArgument, $"'{path}': \"parameters\" must name a file in the same folder.");
    }
}
