using System.Text.RegularExpressions;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>One stored array: its path as the file spells it, and how to read it.</summary>
internal sealed class KerasWeight(string path, Func<Tensor> read)
{
    private Tensor? _tensor;

    public string Path { get; } = path;
    public string[] Segments { get; } = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
    public Tensor Tensor => _tensor ??= read();

    /// <summary>The variable's own name: the last segment without TensorFlow's ":0".</summary>
    public string Leaf => Segments.Length == 0 ? "" : Segments[^1].Split(':')[0];
}

/// <summary>The arrays that belong to one layer or one model. Keras 1 and 2 name variables (lstm/kernel:0, lstm_W_i); Keras 3
/// numbers them inside a folder for each object (lstm/cell/vars/0).</summary>
internal abstract partial class KerasWeights
{
    private static readonly Dictionary<string, string[]> s_olderNames = new(StringComparer.Ordinal)
    {
        ["kernel"] = ["W"],
        ["bias"] = ["b"],
        ["recurrent_kernel"] = ["U"],
        ["embeddings"] = ["W"],
        ["moving_mean"] = ["running_mean"],
        ["moving_variance"] = ["running_std", "running_var"],
        ["alpha"] = ["alphas"],
    };

    /// <summary>The part that belongs to a layer of a model. <paramref name="names"/>: the layer and everything inside it;
    /// <paramref name="occurrence"/>: how many weighted layers of its class come before it.</summary>
    public abstract KerasWeights OfLayer(string name, IReadOnlyCollection<string> names, string className, int occurrence);

    /// <summary>The part of a wrapped layer: "layer", "cell", "forward_layer", "backward_layer" ...</summary>
    public abstract KerasWeights Inside(string attribute);

    public abstract IReadOnlyList<KerasWeight> Entries { get; }

    public bool Has(string leaf) => Entries.Any(e => Matches(e.Leaf, leaf));

    /// <summary>Reads the variables of those names, given in Keras's own order, by name or, where the file has none, by position.</summary>
    public Tensor[] Take(string layer, params ReadOnlySpan<string> names)
    {
        IReadOnlyList<KerasWeight> entries = Entries;
        var found = new Tensor[names.Length];
        bool isNumbered = entries.Count > 0 && entries.All(e => e.Leaf.All(char.IsAsciiDigit));
        if (isNumbered)
        {
            KerasWeight[] ordered = [.. entries.OrderBy(e => e.Leaf.Length).ThenBy(e => e.Leaf, StringComparer.Ordinal)];
            if (ordered.Length < names.Length) throw Missing(layer, names, entries);
            for (int i = 0; i < names.Length; i++) found[i] = ordered[i].Tensor;
            return found;
        }
        bool isComplete = true;
        for (int i = 0; i < names.Length && isComplete; i++)
        {
            string name = names[i];
            KerasWeight? entry = entries.FirstOrDefault(e => e.Leaf == name) ?? entries.FirstOrDefault(e => Matches(e.Leaf, name));
            if (entry == null) isComplete = false;
            else found[i] = entry.Tensor;
        }
        if (isComplete) return found;
        if (entries.Count != names.Length) throw Missing(layer, names, entries);
        for (int i = 0; i < names.Length; i++) found[i] = entries[i].Tensor;
        return found;
    }

    private static bool Matches(string leaf, string name)
    {
        if (leaf == name || Counted().Replace(leaf, "") == name) return true;
        foreach (string older in s_olderNames.GetValueOrDefault(name, [name]))
            if (leaf == older || leaf.EndsWith("_" + older, StringComparison.Ordinal) && !(older == name && leaf == "recurrent_" + name)) return true;
        return false;
    }

    private static EdgeLiteException Missing(string layer, ReadOnlySpan<string> names, IReadOnlyList<KerasWeight> entries) =>
        new(Status.NotFound, $"Layer '{layer}' needs the weights {string.Join(", ", names.ToArray())}; the file holds {(entries.Count == 0 ? "none for it" : string.Join(", ", entries.Take(12).Select(e => e.Path)))}.");

    [GeneratedRegex(@"_\d+$")]
    private static partial Regex Counted();
}

/// <summary>Weights that carry the names of layers in their paths: HDF5 files of Keras 1 and 2, TensorFlow.js.</summary>
internal sealed class NamedWeights(IReadOnlyList<KerasWeight> entries, IReadOnlyDictionary<string, IReadOnlyList<KerasWeight>>? groups = null) : KerasWeights
{
    public override IReadOnlyList<KerasWeight> Entries => entries;

    public override KerasWeights OfLayer(string name, IReadOnlyCollection<string> names, string className, int occurrence)
    {
        if (groups != null) return new NamedWeights(groups.GetValueOrDefault(name, []));
        KerasWeight[] exact = [.. entries.Where(e => e.Segments.Any(names.Contains))];
        if (exact.Length > 0) return new NamedWeights(exact);
        // Keras 1 puts the name before the variable's (dense_1_W); TensorFlow numbers a name that was taken (dense_1_1/kernel).
        return new NamedWeights([.. entries.Where(e => e.Segments.Any(s => names.Any(n => s.StartsWith(n + "_", StringComparison.Ordinal))))]);
    }

    public override KerasWeights Inside(string attribute)
    {
        if (attribute.EndsWith("_dense", StringComparison.Ordinal))
        {
            string part = attribute == "output_dense" ? "attention_output" : attribute[..^6];
            return new NamedWeights([.. entries.Where(e => e.Segments.Contains(part))]);
        }
        if (attribute is not ("forward_layer" or "backward_layer")) return this;
        bool isForward = attribute == "forward_layer";
        KerasWeight[] named = [.. entries.Where(e => e.Segments.Any(s => s.StartsWith("backward", StringComparison.Ordinal)) != isForward)];
        int half = entries.Count / 2;
        return new NamedWeights(named.Length == half ? named : isForward ? [.. entries.Take(half)] : [.. entries.Skip(half)]);
    }
}
