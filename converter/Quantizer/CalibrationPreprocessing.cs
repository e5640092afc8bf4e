using System.Globalization;
using System.Text;
using System.Text.Json;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// How a picture becomes a model's float input: x = (pixel * <see cref="Scale"/> - mean[c]) / std[c], pixels being 0 to 255. The
/// default is pixel / 255. As JSON (<c>preprocessing.json</c> beside the pictures, or the model's metadata entry "preprocessing"):
/// <c>{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "scale": 0.00392157, "channel_order": "rgb", "layout": "auto",
/// "fit": "contain", "mosaic": [1, 2]}</c>, every field optional.
/// </summary>
public sealed record CalibrationPreprocessing
{
    public const string FileName = "preprocessing.json";
    public const string MetadataKey = "preprocessing";

    public static CalibrationPreprocessing Default { get; } = new();

    /// <summary>Subtracted after scaling; one number, or one for each channel in the order in which the model has them.</summary>
    public float[] Mean { get; init; } = [0];

    /// <summary>Divided by after the mean is subtracted; one number, or one for each channel.</summary>
    public float[] Std { get; init; } = [1];

    /// <summary>Multiplies pixels before anything else; 1/255 by default, 1 for models that take 0 to 255.</summary>
    public float Scale { get; init; } = 1f / 255;

    /// <summary>"rgb" or "bgr": the order of the model's channels.</summary>
    public string ChannelOrder { get; init; } = "rgb";

    /// <summary>"auto" (found from the input's shape), "nchw" or "nhwc".</summary>
    public string Layout { get; init; } = "auto";

    /// <summary>How a picture of other proportions is brought to the model's: "stretch", "contain" (whole, black bars) or "cover" (the
    /// middle, cut).</summary>
    public string Fit { get; init; } = "stretch";

    /// <summary>Each picture is used once for each of these numbers: 1 alone, 2 as the first of 2 x 2 pictures side by side, and so on. So
    /// a detector sees things small and many when the pictures show one large thing (mosaic augmentation, Bochkovskiy et al.,
    /// arXiv 2004.10934).</summary>
    public int[] Mosaic { get; init; } = [1];

    /// <summary>Reads the JSON form; <paramref name="where"/> is named in errors.</summary>
    public static CalibrationPreprocessing Parse(string json, string where)
    {
        CalibrationPreprocessing result = Default;
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
            if (document.RootElement.ValueKind != JsonValueKind.Object) throw Bad("an object was expected");
            foreach (JsonProperty field in document.RootElement.EnumerateObject())
            {
                result = field.Name switch
                {
                    "mean" => result with { Mean = Floats(field.Value) },
                    "std" => result with { Std = Floats(field.Value) },
                    "scale" => result with { Scale = field.Value.GetSingle() },
                    "channel_order" => result with { ChannelOrder = field.Value.GetString() ?? "" },
                    "layout" => result with { Layout = field.Value.GetString() ?? "" },
                    "fit" => result with { Fit = field.Value.GetString() ?? "" },
                    "mosaic" => result with { Mosaic = [.. field.Value.EnumerateArray().Select(v => v.GetInt32())] },
                    _ => throw Bad($"field '{field.Name}' is not known (mean, std, scale, channel_order, layout, fit, mosaic are)"),
                };
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw Bad(e.Message);
        }
        result.Check(where);
        return result;

        static float[] Floats(JsonElement e) => e.ValueKind == JsonValueKind.Number ? [e.GetSingle()] : [.. e.EnumerateArray().Select(v => v.GetSingle())];

        EdgeLiteException Bad(string what) => new(Status.InvalidArgument, $"Preprocessing in {where} cannot be used: {what}.");
    }

    /// <summary>The JSON form.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            Write("mean", Mean);
            Write("std", Std);
            json.WriteNumber("scale", Scale);
            json.WriteString("channel_order", ChannelOrder);
            json.WriteString("layout", Layout);
            json.WriteString("fit", Fit);
            Write("mosaic", [.. Mosaic.Select(m => (float)m)]);
            json.WriteEndObject();

            void Write(string name, float[] values)
            {
                json.WriteStartArray(name);
                foreach (float v in values) json.WriteNumberValue(v);
                json.WriteEndArray();
            }
        }
        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Throws when a field makes no sense.</summary>
    public void Check(string where)
    {
        string? wrong =
            ChannelOrder is not ("rgb" or "bgr") ? $"channel_order is '{ChannelOrder}', expected rgb or bgr" :
            Layout is not ("auto" or "nchw" or "nhwc") ? $"layout is '{Layout}', expected auto, nchw or nhwc" :
            Fit is not ("stretch" or "contain" or "cover") ? $"fit is '{Fit}', expected stretch, contain or cover" :
            Mosaic.Length == 0 || Mosaic.Any(m => m is < 1 or > 16) ? "mosaic needs numbers from 1 to 16" :
            Mean.Length == 0 || Std.Length == 0 ? "mean and std need a number for the picture or for each channel" :
            Mean.Any(m => !float.IsFinite(m)) || !float.IsFinite(Scale) ? "mean and scale must be finite" :
            Std.FirstOrDefault(s => !float.IsFinite(s) || s == 0, 1) is var bad and not 1 ? $"std contains {bad.ToString(CultureInfo.InvariantCulture)}" : null;
        if (wrong != null) throw new EdgeLiteException(Status.InvalidArgument, $"Preprocessing in {where} cannot be used: {wrong}.");
    }

    /// <summary>Element <paramref name="channel"/> of a field that has one number or one for each channel.</summary>
    internal static float Of(float[] values, int channel, int channels, string field)
    {
        if (values.Length == 1) return values[0];
        return values.Length == channels ? values[channel]
            : throw new EdgeLiteException(Status.InvalidArgument, $"Preprocessing has {values.Length} numbers in '{field}', the model's input has {channels} channels.");
    }
}
