using System.Text;
using System.Text.Json;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The report as JSON. Infinite and undefined numbers are null; "exact" says that both sides are equal.</summary>
internal static class ProofJson
{
    public static string Write(ProofReport report)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("format", "edgelite-proof");
            json.WriteNumber("version", 2);
            json.WriteString("model", report.Model);
            json.WriteNumber("samples", report.Samples);
            Number(json, "worst_output_sqnr_db", report.WorstOutputSqnr);
            json.WriteStartObject("facts");
            foreach ((string name, string text) in report.Facts) json.WriteString(name, text);
            json.WriteEndObject();
            Values(json, "outputs", report.Outputs);
            Values(json, "layers", report.Layers);
            List(json, "each_sample", report.EachSample, s =>
            {
                json.WriteString("sample", s.Sample);
                Number(json, "worst_output_sqnr_db", s.WorstOutputSqnr);
            });
            List(json, "trials", report.Trials, t =>
            {
                json.WriteNumber("layers_in_float", t.FloatLayers);
                json.WriteNumber("layers_in_int16", t.SixteenBitLayers);
                json.WriteNumber("layers_in_int8_blocks", t.EightBitLayers);
                json.WriteNumber("layers_of_4_bits", t.FourBitLayers);
                json.WriteString("observer", t.Observer.Name());
                json.WriteString("repairs", t.Repairs);
                json.WriteNumber("weight_bytes", t.WeightBytes);
                Number(json, "ms", t.Milliseconds);
                Number(json, "sqnr_db", t.Sqnr);
                Number(json, "score", t.Score);
                json.WriteBoolean("within_budget", t.Meets);
            });
            List(json, "sensitivity", report.Sensitivity, l =>
            {
                json.WriteString("layer", l.Layer);
                Number(json, "sqnr_db", l.Sqnr);
                json.WriteNumber("saved_bytes", l.SavedBytes);
            });
            List(json, "steps", report.Steps, s =>
            {
                json.WriteString("operator", s.Operator);
                json.WriteString("node", s.Node);
                json.WriteString("kernel", s.Kernel);
                json.WriteNumber("weight_bytes", s.WeightBytes);
                Number(json, "us", s.Microseconds);
            });
            json.WriteNumber("source_values_without_match", report.SourceValuesWithoutMatch);
            json.WriteEndObject();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void List<T>(Utf8JsonWriter json, string name, IReadOnlyList<T> items, Action<T> write)
    {
        json.WriteStartArray(name);
        foreach (T item in items)
        {
            json.WriteStartObject();
            write(item);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void Values(Utf8JsonWriter json, string name, IReadOnlyList<ValueComparison> values) => List(json, name, values, v =>
    {
        json.WriteString("name", v.Name);
        json.WriteString("operator", v.Operator);
        json.WriteString("shape", v.Shape);
        json.WriteNumber("order", v.Order);
        json.WriteNumber("elements", v.Elements);
        Number(json, "sqnr_db", v.Sqnr);
        json.WriteBoolean("exact", double.IsPositiveInfinity(v.Sqnr));
        Number(json, "cosine", v.Cosine);
        Number(json, "max_abs_error", v.MaxAbsError);
        Number(json, "max_rel_error", v.MaxRelError);
        Range(json, "source_range", v.SourceMin, v.SourceMax);
        Range(json, "converted_range", v.ConvertedMin, v.ConvertedMax);
        json.WriteNumber("non_finite_mismatches", v.NonFiniteMismatches);
        if (v.Saturation is { } cut) json.WriteNumber("saturation", cut);
        if (v.Histogram is not { } histogram) return;
        json.WriteStartObject("histogram");
        Range(json, "range", histogram.Min, histogram.Max);
        Counts(json, "source", histogram.Source);
        Counts(json, "converted", histogram.Converted);
        json.WriteEndObject();
    });

    private static void Counts(Utf8JsonWriter json, string name, IReadOnlyList<long> counts)
    {
        json.WriteStartArray(name);
        foreach (long count in counts) json.WriteNumberValue(count);
        json.WriteEndArray();
    }

    private static void Range(Utf8JsonWriter json, string name, double min, double max)
    {
        json.WriteStartArray(name);
        foreach (double end in (double[])[min, max])
        {
            if (double.IsFinite(end)) json.WriteNumberValue(end);
            else json.WriteNullValue();
        }
        json.WriteEndArray();
    }

    private static void Number(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value)) json.WriteNumber(name, value);
        else json.WriteNull(name);
    }
}
