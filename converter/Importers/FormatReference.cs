using System.Text;

namespace EdgeLite.Converter.Importers;

/// <summary>What a user should know about a format.</summary>
public sealed record FormatReference
{
    /// <summary>The files that are read, and by what they are recognised.</summary>
    public required string Files { get; init; }

    /// <summary>The files that the importer is held to: genuine ones and what their results are compared with, or that there are none.</summary>
    public required string Tested { get; init; }

    /// <summary>The name of the list of layers; formats with the same map have the same name.</summary>
    public required string LayersOf { get; init; }

    /// <summary>Layers or operators that can be converted.</summary>
    public required IReadOnlyList<LayerReference> Layers { get; init; }
}

/// <summary>The list of formats and their layers, made from the importers themselves: docs/importers.md.</summary>
public static class ImporterReference
{
    public static string Markdown()
    {
        var text = new StringBuilder("""
            # Importers

            Written by `edgelite importers > docs/importers.md` from the sources; a test compares. A format is recognised by its content. What has no
            conversion is named before anything is converted: every layer or operator at once, with its place in the model.

            "partly" means that some settings of a layer are refused, by name, when a model uses them: all that a model uses at once (of ONNX
            the first). Files called genuine were written by the framework itself, by others or for the tests; where a format or a layer
            is not named there, it was written from its documentation.


            """);
        foreach (IImporter importer in ImporterRegistry.All)
        {
            FormatReference format = importer.Reference;
            text.Append("## ").Append(importer.Format).Append("\n\n**Files**: ").Append(format.Files).Append("\n\n**Tested**: ").Append(format.Tested);
            text.Append("\n\n**Layers**: ").Append(format.Layers.Count > 0 ? $"[{format.LayersOf}](#{Anchor(format)})" : format.LayersOf).Append("\n\n");
        }
        foreach (IGrouping<string, FormatReference> map in ImporterRegistry.All.Select(i => i.Reference).Where(r => r.Layers.Count > 0).GroupBy(r => r.LayersOf, StringComparer.Ordinal))
        {
            text.Append("## ").Append(Title(map.First())).Append("\n\n| layer | status | notes |\n|---|---|---|\n");
            foreach (LayerReference layer in map.First().Layers)
            {
                string limits = layer.Limits.Length > 0 ? $"not: {layer.Limits}" : "";
                text.Append("| ").Append(layer.Name.Replace("|", "\\|", StringComparison.Ordinal)).Append(" | ").Append(limits.Length > 0 ? "partly" : "yes").Append(" | ")
                    .Append(layer.Notes.Length > 0 && limits.Length > 0 ? $"{layer.Notes}; {limits}" : layer.Notes + limits).Append(" |\n");
            }
            text.Append('\n');
        }
        return text.ToString().TrimEnd().ReplaceLineEndings("\n") + "\n";
    }

    private static string Title(FormatReference format) => $"{format.LayersOf} ({format.Layers.Count})";

    /// <summary>The anchor that Markdown readers give a heading: lower case, hyphens for spaces, no punctuation.</summary>
    private static string Anchor(FormatReference format) =>
        string.Concat(Title(format).ToLowerInvariant().Where(c => char.IsLetterOrDigit(c) || c is ' ' or '-').Select(c => c == ' ' ? '-' : c));
}
