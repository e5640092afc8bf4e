using System.Text;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>
/// Weights of Keras 3 and of the .keras files of TensorFlow's Keras 2.13: a folder for each object, named after its class in snake
/// case with a number where that is taken, its variables in "vars". Newer versions write the layer's name on "vars", which is
/// preferred; without it the k-th folder of a class belongs to the k-th weighted layer of that class. (Keras saving_lib.py.)
/// </summary>
internal sealed class KerasFolders(string path, IReadOnlyList<KerasWeight> all, IReadOnlyDictionary<string, string> layerNames) : KerasWeights
{
    private static readonly string[] s_containers = ["layers", "cells", "_layer_checkpoint_dependencies", "_flattened_layers"];

    public override IReadOnlyList<KerasWeight> Entries => [.. all.Where(e => IsBelow(e.Path, path + "vars/") && e.Path.LastIndexOf('/') == path.Length + 4)];

    public override KerasWeights OfLayer(string name, IReadOnlyCollection<string> names, string className, int occurrence)
    {
        foreach (string container in s_containers)
        {
            string prefix = $"{path}{container}/";
            string[] folders = [.. all.Where(e => IsBelow(e.Path, prefix)).Select(e => e.Path[prefix.Length..].Split('/')[0]).Distinct()];
            if (folders.Length == 0) continue;
            string? named = folders.FirstOrDefault(f => layerNames.GetValueOrDefault(prefix + f) == name);
            if (named != null) return new KerasFolders($"{prefix}{named}/", all, layerNames);
            string stem = SnakeCase(className);
            string[] ofClass = [.. folders.Where(f => f == stem || f.StartsWith(stem + "_", StringComparison.Ordinal) && f[(stem.Length + 1)..].All(char.IsAsciiDigit))
                .OrderBy(f => f.Length).ThenBy(f => f, StringComparer.Ordinal)];
            string? chosen = occurrence < ofClass.Length ? ofClass[occurrence] : folders.Contains(name) ? name : null;
            if (chosen != null) return new KerasFolders($"{prefix}{chosen}/", all, layerNames);
        }
        return new KerasFolders($"{path}layers/{name}/", all, layerNames);
    }

    public override KerasWeights Inside(string attribute)
    {
        string own = $"{path}{attribute}/", hidden = $"{path}_{attribute}/";
        return new KerasFolders(!all.Any(e => IsBelow(e.Path, own)) && all.Any(e => IsBelow(e.Path, hidden)) ? hidden : own, all, layerNames);
    }

    /// <summary>Conv2DTranspose: conv2d_transpose; PReLU: p_re_lu; LSTM: lstm (Keras naming.py, to_snake_case).</summary>
    internal static string SnakeCase(string className)
    {
        // (.)([A-Z][a-z]+) then ([a-z])([A-Z]), each with "_" put between.
        var once = new StringBuilder();
        for (int i = 0; i < className.Length; i++)
        {
            bool startsWord = i > 0 && char.IsAsciiLetterUpper(className[i]) && i + 1 < className.Length && char.IsAsciiLetterLower(className[i + 1]);
            if (startsWord && once.Length > 0 && once[^1] != '_') once.Append('_');
            once.Append(className[i]);
        }
        var twice = new StringBuilder();
        for (int i = 0; i < once.Length; i++)
        {
            if (i > 0 && char.IsAsciiLetterLower(once[i - 1]) && char.IsAsciiLetterUpper(once[i])) twice.Append('_');
            twice.Append(char.ToLowerInvariant(once[i]));
        }
        return twice.ToString();
    }

    private static bool IsBelow(string entry, string prefix) => entry.StartsWith(prefix, StringComparison.Ordinal);
}
