namespace EdgeLite.Converter.Importers.Onnx.Regex;

/// <summary>A place that is only true between certain characters.</summary>
internal enum Anchor
{
    TextBegin,
    TextEnd,
    LineBegin,
    LineEnd,
    WordBoundary,
    NoWordBoundary,
}

/// <summary>A parsed expression.</summary>
internal abstract record Syntax
{
    public sealed record Set(CodePoints Points) : Syntax;

    public sealed record At(Anchor Anchor) : Syntax;

    public sealed record Sequence(IReadOnlyList<Syntax> Parts) : Syntax;

    public sealed record Choice(IReadOnlyList<Syntax> Ways) : Syntax;

    /// <summary>Max is -1 where there is no limit.</summary>
    public sealed record Repeat(Syntax Body, int Min, int Max) : Syntax;
}
