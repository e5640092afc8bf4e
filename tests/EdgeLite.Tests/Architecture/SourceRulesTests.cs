using System.Text.RegularExpressions;

namespace EdgeLite.Tests.Architecture;

/// <summary>Sizes and names of source files.</summary>
public partial class SourceRulesTests
{
    [Fact]
    public void No_source_file_has_1000_lines()
    {
        string[] files = [.. SourceTree.All(".cs", ".c", ".h", ".inc", ".cu", ".sh")];
        Assert.True(files.Length > 100, $"Only {files.Length} source files were found.");
        Assert.Equal([], files.Where(f => SourceTree.Read(f).Count(c => c == '\n') >= 1000));
    }

    [Fact]
    public void Things_have_names_from_the_field()
    {
        Assert.Equal([], SourceTree.All(".cs").SelectMany(f => Vague(f, SourceTree.Read(f))));
    }

    [Fact]
    public void A_vague_name_would_be_found()
    {
        Assert.NotEmpty(Vague("a/Utils.cs", ""));
        Assert.NotEmpty(Vague("a/Helpers/B.cs", ""));
        Assert.NotEmpty(Vague("a/B.cs", "internal static class TensorHelper { }"));
        Assert.NotEmpty(Vague("a/B.cs", "public record struct PlanManager(int A);"));
        Assert.Empty(Vague("a/CommonSubexpressions.cs", "class CommonSubexpressions { }"));
    }

    [Fact]
    public void One_operator_is_one_file_that_bears_its_name()
    {
        foreach (string file in SourceTree.Files("runtime/Ops", ".cs"))
        {
            MatchCollection classes = OperatorClass().Matches(SourceTree.Read(file));
            if (classes.Count == 0) continue;
            Assert.True(classes.Count == 1, $"{file} holds {classes.Count} operators.");
            Assert.True(classes[0].Groups[1].Value == Path.GetFileNameWithoutExtension(file), $"{file} holds operator {classes[0].Groups[1].Value}.");
        }
    }

    private static IEnumerable<string> Vague(string file, string source)
    {
        foreach (string part in file.Split('/'))
            if (VagueName().IsMatch(Path.GetFileNameWithoutExtension(part))) yield return $"{file}: '{part}' says nothing";
        foreach (Match type in TypeDeclaration().Matches(source))
            if (VagueName().IsMatch(type.Groups[1].Value)) yield return $"{file}: type '{type.Groups[1].Value}' says nothing";
    }

    [GeneratedRegex("(Util|Utils|Utility|Utilities|Helper|Helpers|Common|Manager|Misc)$", RegexOptions.IgnoreCase)]
    private static partial Regex VagueName();

    [GeneratedRegex(@"^(?:\s*)(?:(?:public|internal|private|protected|static|sealed|abstract|partial|readonly|ref|unsafe|file)\s+)+(?:class|struct|interface|enum|record(?:\s+struct|\s+class)?)\s+(\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"^\[Operator\("".*?class\s+(\w+)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex OperatorClass();
}
