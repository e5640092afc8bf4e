using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Format;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>
/// What a TFLite file says about itself besides the network: the buffer "TFLITE_METADATA" (a FlatBuffer of tflite-support's
/// metadata_schema.fbs, identifier M001), and the files, labels mostly, of the zip archive that may follow the FlatBuffer.
/// </summary>
internal static class TfliteMetadata
{
    private const string BufferName = "TFLITE_METADATA";
    private const int MaxFiles = 64, MaxText = 4 << 20;
    private const byte Normalization = 1;
    private static readonly string[] s_texts = [".txt", ".csv", ".json", ".vocab"];

    private static class Field
    {
        public const int Name = 0, Description = 1, Version = 2, Subgraphs = 3, Author = 4, License = 5;
        public const int Inputs = 2, Outputs = 3;
        public const int ProcessUnits = 4;
        public const int OptionsType = 0, Options = 1, Mean = 0, Std = 1;
    }

    /// <summary>Puts name, version, author, license, the description of inputs and outputs, normalization ("preprocessing") and the files
    /// ("labels" where there is one) into the graph's metadata. What is there already stays.</summary>
    public static void Read(TfliteModel model, Graph graph, string? path)
    {
        if (model.Metadata(BufferName) is { Length: > 8 } bytes && bytes.AsSpan(4, 4).SequenceEqual("M001"u8)) ReadTable(FlatTable.Root(bytes, "M001"u8), graph);
        if (path != null) ReadFiles(path, graph);
    }

    private static void ReadTable(FlatTable root, Graph graph)
    {
        Put(graph, "name", root.String(Field.Name));
        Put(graph, "description", root.String(Field.Description));
        Put(graph, "version", root.String(Field.Version));
        Put(graph, "author", root.String(Field.Author));
        Put(graph, "license", root.String(Field.License));
        FlatVector subgraphs = root.Vector(Field.Subgraphs);
        if (subgraphs.Count == 0) return;
        FlatVector inputs = subgraphs.Table(0).Vector(Field.Inputs), outputs = subgraphs.Table(0).Vector(Field.Outputs);
        for (int i = 0; i < Math.Min(inputs.Count, graph.Inputs.Count); i++)
        {
            Describe(inputs.Table(i), graph, $"input.{graph.Inputs[i].Name}");
            ReadNormalization(inputs.Table(i), graph);
        }
        for (int i = 0; i < Math.Min(outputs.Count, graph.Outputs.Count); i++) Describe(outputs.Table(i), graph, $"output.{graph.Outputs[i].Name}");
    }

    private static void Describe(FlatTable tensor, Graph graph, string key)
    {
        string name = tensor.String(Field.Name) ?? "", description = tensor.String(Field.Description) ?? "";
        Put(graph, key, name.Length > 0 && description.Length > 0 ? $"{name}: {description}" : name + description);
    }

    /// <summary>(pixel - mean) / std over pixels from 0 to 255; the first input that has it counts.</summary>
    private static void ReadNormalization(FlatTable tensor, Graph graph)
    {
        FlatVector units = tensor.Vector(Field.ProcessUnits);
        for (int u = 0; u < units.Count; u++)
        {
            FlatTable unit = units.Table(u);
            if (unit.UInt8(Field.OptionsType) != Normalization || !unit.TryTable(Field.Options, out FlatTable options)) continue;
            float[] mean = options.Scalars<float>(Field.Mean).ToArray(), std = options.Scalars<float>(Field.Std).ToArray();
            if (mean.Length == 0 || std.Length == 0 || mean.Concat(std).Any(v => !float.IsFinite(v)) || std.Contains(0)) continue;
            Put(graph, CalibrationPreprocessing.MetadataKey, string.Create(CultureInfo.InvariantCulture, $"{{\"mean\": {JsonSerializer.Serialize(mean)}, \"std\": {JsonSerializer.Serialize(std)}, \"scale\": 1}}"));
        }
    }

    private static void ReadFiles(string path, Graph graph)
    {
        using FileStream stream = File.OpenRead(path);
        if (!EndsInArchive(stream)) return;
        try
        {
            using var zip = new ZipArchive(stream);
            ZipArchiveEntry[] texts = [.. zip.Entries.Where(e => s_texts.Contains(Path.GetExtension(e.FullName).ToLowerInvariant()) && e.Length <= MaxText).Take(MaxFiles)];
            ZipArchiveEntry[] labels = [.. texts.Where(e => e.FullName.Contains("label", StringComparison.OrdinalIgnoreCase))];
            if (labels.Length == 0 && texts.Length == 1) labels = texts;
            foreach (ZipArchiveEntry entry in texts)
                Put(graph, labels.Length == 1 && entry == labels[0] ? "labels" : $"file.{entry.FullName}", Encoding.UTF8.GetString(ZipParts.Read(entry, MaxText, path)).ReplaceLineEndings("\n").TrimEnd('\n'));
        }
        catch (InvalidDataException)
        {
            // Weights may look like the end of an archive.
        }
    }

    /// <summary>A zip archive's last record, "PK 5 6", stands in the last 22 bytes where it has no comment (APPNOTE 4.3.16).</summary>
    private static bool EndsInArchive(FileStream stream)
    {
        Span<byte> end = stackalloc byte[22];
        if (stream.Length < 64) return false;
        stream.Position = stream.Length - end.Length;
        stream.ReadExactly(end);
        stream.Position = 0;
        return end.StartsWith("PK\x05\x06"u8);
    }

    private static void Put(Graph graph, string key, string? text)
    {
        if (!string.IsNullOrEmpty(text)) graph.Metadata.TryAdd(key, text);
    }
}
