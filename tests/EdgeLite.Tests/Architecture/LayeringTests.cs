using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace EdgeLite.Tests.Architecture;

/// <summary>kernels-native &lt;- Core &lt;- Ops, Format &lt;- Devices, Sessions &lt;- targets; the converter uses the runtime, nobody the converter.</summary>
public partial class LayeringTests
{
    /// <summary>What each folder of runtime/ may use.</summary>
    private static readonly Dictionary<string, string[]> s_mayUse = new()
    {
        ["Core"] = ["Core"],
        ["Ops"] = ["Core", "Ops"],
        ["Format"] = ["Core", "Ops", "Format"],
        ["Devices"] = ["Core", "Ops", "Format", "Devices"],
        ["Sessions"] = ["Core", "Ops", "Format", "Devices", "Sessions"],
    };

    public static TheoryData<string> Layers => [.. s_mayUse.Keys];

    [Theory]
    [MemberData(nameof(Layers))]
    public void A_folder_of_the_runtime_uses_only_those_below_it(string layer)
    {
        string[] files = [.. SourceTree.Files($"runtime/{layer}", ".cs")];
        Assert.NotEmpty(files);
        Assert.Equal([], files.SelectMany(file => Violations(file, SourceTree.Read(file), s_mayUse[layer])));
    }

    [Fact]
    public void A_violation_would_be_found()
    {
        Assert.NotEmpty(Violations("a", "using EdgeLite.Sessions;\n", s_mayUse["Ops"]));
        Assert.NotEmpty(Violations("a", "class A { EdgeLite.Devices.IDevice d; }", s_mayUse["Core"]));
        Assert.NotEmpty(Violations("a", "using EdgeLite.Converter.Ir;\n", s_mayUse["Sessions"]));
        Assert.Empty(Violations("a", "using EdgeLite.Core;\n/// <see cref=\"EdgeLite.Devices\"/>\n", s_mayUse["Ops"]));
    }

    [Fact]
    public void The_runtime_has_no_other_folder()
    {
        string[] folders = [.. SourceTree.Files("runtime", ".cs").Select(f => f.Split('/')).Where(p => p.Length > 2).Select(p => p[1]).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal([.. s_mayUse.Keys.Append("Generator").Order(StringComparer.Ordinal)], folders);
    }

    [Fact]
    public void Projects_refer_only_to_those_below_them()
    {
        foreach (string project in SourceTree.All(".csproj"))
        {
            string[] references = [.. References(project, "ProjectReference").Select(r => Resolve(project, r))];
            string[] allowed = project switch
            {
                _ when project.StartsWith("tests/", StringComparison.Ordinal) || project.StartsWith("bench/", StringComparison.Ordinal) => ["runtime/", "converter/", "targets/", "tests/Conformance/"],
                _ when project.StartsWith("targets/", StringComparison.Ordinal) => ["runtime/EdgeLite.Runtime.csproj"],
                _ when project.StartsWith("converter/", StringComparison.Ordinal) => ["runtime/EdgeLite.Runtime.csproj"],
                "runtime/EdgeLite.Runtime.csproj" => ["runtime/Generator/"],
                _ => [],
            };
            foreach (string reference in references)
                Assert.True(allowed.Any(a => reference.StartsWith(a, StringComparison.Ordinal)), $"{project} must not refer to {reference}.");
        }
    }

    [Fact]
    public void The_runtime_refers_to_no_package()
    {
        Assert.Empty(References("runtime/EdgeLite.Runtime.csproj", "PackageReference"));
        XElement generator = Assert.Single(Load("runtime/Generator/EdgeLite.Generator.csproj").Descendants("PackageReference"));
        Assert.Equal("Microsoft.CodeAnalysis.CSharp", (string?)generator.Attribute("Include"));
        Assert.Equal("all", (string?)generator.Attribute("PrivateAssets"));
        XElement use = Assert.Single(Load("runtime/EdgeLite.Runtime.csproj").Descendants("ProjectReference"));
        Assert.Equal("Analyzer", (string?)use.Attribute("OutputItemType"));
        Assert.Equal("false", (string?)use.Attribute("ReferenceOutputAssembly"));
    }

    [Fact]
    public void Every_package_has_one_version_and_its_reason_in_the_docs()
    {
        string[] central = [.. Load("Directory.Packages.props").Descendants("PackageVersion").Select(p => (string)p.Attribute("Include")!)];
        Assert.Equal(central.Length, central.Distinct().Count());
        string reasons = SourceTree.Read("docs/dependencies.md");
        foreach (string package in central) Assert.Contains($"`{package}`", reasons);
        foreach (string project in SourceTree.All(".csproj"))
        {
            foreach (XElement reference in Load(project).Descendants("PackageReference"))
            {
                Assert.Contains((string)reference.Attribute("Include")!, central);
                Assert.Null(reference.Attribute("Version"));
            }
        }
    }

    [Fact]
    public void Native_code_includes_only_its_own_headers_and_standard_C()
    {
        string[] own = [.. SourceTree.Files("kernels-native", ".h").Select(f => Path.GetFileName(f))];
        foreach (string file in SourceTree.Files("kernels-native", ".c", ".h"))
            foreach (Match include in QuotedInclude().Matches(SourceTree.Read(file)))
                Assert.True(own.Contains(Path.GetFileName(include.Groups[1].Value)) || include.Groups[1].Value.EndsWith(".inc", StringComparison.Ordinal),
                    $"{file} includes \"{include.Groups[1].Value}\", which is no header of kernels-native.");
    }

    private static IEnumerable<string> Violations(string file, string source, string[] allowed)
    {
        string code = Comment().Replace(source, "");
        foreach (Match mention in Mention().Matches(code))
        {
            string layer = mention.Groups[1].Value;
            if (s_mayUse.ContainsKey(layer) ? !allowed.Contains(layer) : layer is "Converter" or "Run" or "Native" or "Tests")
                yield return $"{file} uses EdgeLite.{layer}";
        }
    }

    private static XDocument Load(string project) => XDocument.Load(Path.Combine(SourceTree.Root, project));

    private static IEnumerable<string> References(string project, string kind) =>
        Load(project).Descendants(kind).Select(r => (string)r.Attribute("Include")!);

    private static string Resolve(string project, string reference)
    {
        string folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, project))!;
        return Path.GetRelativePath(SourceTree.Root, Path.GetFullPath(Path.Combine(folder, reference.Replace('\\', '/')))).Replace('\\', '/');
    }

    [GeneratedRegex(@"\bEdgeLite\.([A-Z]\w*)")]
    private static partial Regex Mention();

    [GeneratedRegex(@"//[^\n]*|/\*.*?\*/", RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\s*#\s*include\s+""([^""]+)""", RegexOptions.Multiline)]
    private static partial Regex QuotedInclude();
}
