using System;
using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis.Diagnostics;

namespace EdgeLite.Generator;

/// <summary>
/// The operators that a build is limited to: the property EdgeLiteOperators, entries separated by +. An entry is <c>Conv</c>,
/// <c>edgelite.QConv</c> or <c>operator Conv</c>; one that begins with <c>kernel</c> is for the linker. No entry: every operator.
/// </summary>
public static class OperatorList
{
    public static string Read(AnalyzerConfigOptionsProvider options) =>
        options.GlobalOptions.TryGetValue("build_property.EdgeLiteOperatorList", out string? text) ? text.Trim() : "";

    /// <summary>The full names, or null when nothing is left out.</summary>
    public static HashSet<string>? Parse(string text)
    {
        if (text.Length == 0) return null;
        IEnumerable<string> entries = text.Split('+').Select(e => e.Trim()).Where(e => e.Length > 0 && !e.StartsWith("kernel ", StringComparison.Ordinal));
        return new HashSet<string>(entries.Select(e => e.StartsWith("operator ", StringComparison.Ordinal) ? e.Substring(9).Trim() : e));
    }

    public static string FullName(string domain, string name) => domain.Length == 0 ? name : domain + "." + name;
}
