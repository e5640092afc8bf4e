using System.Reflection;
using System.Text;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Devices;
using EdgeLite.Ops;

namespace EdgeLite.Converter;

/// <summary>The list of all operators, made from the operator table, the importer's rewrites and the bindings of native kernels:
/// docs/operators.md.</summary>
public static class OperatorReference
{
    public static string Markdown()
    {
        Type[] bound = [.. typeof(Operator).Assembly.GetTypes()
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(m => m.IsDefined(typeof(BindsAttribute), false))
            .Select(m => m.GetParameters()[0].ParameterType)];
        var rows = new List<(string Domain, string Name, string How, string Signature)>();
        foreach (OperatorDefinition definition in OperatorTable.All)
        {
            Type type = definition.Create().GetType();
            string how = bound.Any(b => b.IsAssignableFrom(type)) ? "native" : "reference";
            rows.Add((definition.Domain, definition.Name, how, Signature(definition)));
        }
        foreach ((string domain, string name) in OpsetUpgrades.All)
            if (OperatorTable.Find(domain, name) == null) rows.Add((domain, name, "import", ""));

        var text = new StringBuilder("""
            # Operators

            Written by `edgelite operators > docs/operators.md` from the sources; a test compares. How an operator is served:

            | how | means |
            |---|---|
            | native | a kernel in C for the types and shapes that models use, the reference loop for the rest |
            | reference | the reference loop in C# |
            | import | the importer puts other operators in its place |

            Semantics are those of the newest ONNX operator set; the importer rewrites nodes of older ones. `?` marks what may be absent, `*` what
            repeats, `!` an attribute that must be given.

            """);
        foreach (var group in rows.GroupBy(r => r.Domain).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            text.Append("\n## ").Append(group.Key.Length == 0 ? "ai.onnx" : group.Key).Append(" (").Append(group.Count()).Append(")\n\n");
            text.Append("| operator | how | inputs -> outputs; attributes |\n|---|---|---|\n");
            foreach (var (_, name, how, signature) in group.OrderBy(r => r.Name, StringComparer.Ordinal))
                text.Append("| ").Append(name).Append(" | ").Append(how).Append(" | ").Append(signature).Append(" |\n");
        }
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static string Signature(OperatorDefinition definition)
    {
        string text = $"{Slots(definition.Inputs)} -> {Slots(definition.Outputs)}".TrimStart();
        return definition.Attributes.Length == 0 ? text
            : $"{text}; {string.Join(", ", definition.Attributes.Select(a => a.Name + (a.Required ? "!" : "")).Order(StringComparer.Ordinal))}";
    }

    private static string Slots(OperatorSlot[] slots) =>
        string.Join(", ", slots.Select(s => s.Name + (s.IsVariadic ? "\\*" : s.IsOptional ? "?" : "")));
}
