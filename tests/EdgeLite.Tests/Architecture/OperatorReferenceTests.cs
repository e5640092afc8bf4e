using EdgeLite.Converter;

namespace EdgeLite.Tests.Architecture;

public class OperatorReferenceTests
{
    [Fact]
    public void The_list_of_operators_in_docs_is_that_of_the_sources() =>
        Assert.True(SourceTree.Read("docs/operators.md").ReplaceLineEndings("\n") == OperatorReference.Markdown(),
            "docs/operators.md is out of date: edgelite operators > docs/operators.md");
}
