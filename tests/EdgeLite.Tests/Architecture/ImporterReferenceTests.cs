using EdgeLite.Converter.Importers;

namespace EdgeLite.Tests.Architecture;

public class ImporterReferenceTests
{
    [Fact]
    public void The_list_of_formats_in_docs_is_that_of_the_sources() =>
        Assert.True(SourceTree.Read("docs/importers.md").ReplaceLineEndings("\n") == ImporterReference.Markdown(),
            "docs/importers.md is out of date: edgelite importers > docs/importers.md");
}
