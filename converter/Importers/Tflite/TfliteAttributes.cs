using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Attribute sets written in one expression.</summary>
internal static class TfliteAttributes
{
    public static AttributeSet Of(params ReadOnlySpan<(string Name, AttributeValue Value)> items)
    {
        var set = new AttributeSet();
        foreach ((string name, AttributeValue value) in items) set[name] = value;
        return set;
    }
}
