using System.Reflection;

namespace EdgeLite.Converter.Importers;

/// <summary>Marks a static method that converts foreign layers of these names: one entry of a format's map. What it says of them ends up
/// in docs/importers.md.</summary>
internal abstract class ForeignLayerAttribute(params string[] names) : Attribute
{
    public IReadOnlyList<string> Names { get; } = names;

    /// <summary>What a user should know about these layers.</summary>
    public string Notes { get; init; } = "";

    /// <summary>What of these layers is refused; empty when all of it is converted.</summary>
    public string Limits { get; init; } = "";
}

/// <summary>A foreign layer or operator that can be converted.</summary>
/// <param name="Name">as the foreign framework calls it</param>
/// <param name="Notes">what a user should know about it</param>
/// <param name="Limits">what of it is refused; empty when all of it is converted</param>
public sealed record LayerReference(string Name, string Notes = "", string Limits = "");

/// <summary>Reads the map of a format from the attributes of its conversions.</summary>
internal static class ForeignLayers
{
    /// <summary>The conversions by name of the layer: methods marked with <typeparamref name="TAttribute"/>.</summary>
    public static Dictionary<string, TConvert> Conversions<TAttribute, TConvert>() where TAttribute : ForeignLayerAttribute where TConvert : Delegate
    {
        var all = new Dictionary<string, TConvert>(StringComparer.Ordinal);
        foreach ((MethodInfo method, TAttribute a) in Marked<TAttribute>())
            foreach (string name in a.Names) all.Add(name, method.CreateDelegate<TConvert>());
        return all;
    }

    /// <summary>The layers by name, for the documentation.</summary>
    public static IReadOnlyList<LayerReference> References<TAttribute>() where TAttribute : ForeignLayerAttribute =>
        [.. Marked<TAttribute>().SelectMany(m => m.Attribute.Names.Select(n => new LayerReference(n, m.Attribute.Notes, m.Attribute.Limits))).OrderBy(l => l.Name, StringComparer.Ordinal)];

    /// <summary>Methods with the attribute, in the attribute's namespace and those within.</summary>
    public static IEnumerable<(MethodInfo Method, TAttribute Attribute)> Marked<TAttribute>() where TAttribute : ForeignLayerAttribute
    {
        string home = typeof(TAttribute).Namespace!;
        foreach (Type type in typeof(TAttribute).Assembly.GetTypes())
        {
            if (type.Namespace != home && type.Namespace?.StartsWith(home + ".", StringComparison.Ordinal) != true) continue;
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                foreach (TAttribute a in method.GetCustomAttributes<TAttribute>(false)) yield return (method, a);
        }
    }
}
