using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Removes stop words and changes case (without a locale) of strings [C] or [1, C]. When nothing is left, one empty
/// string is.</summary>
[Operator("StringNormalizer", "X", "Y")]
public sealed partial class StringNormalizer : Operator
{
    /// <summary>"NONE", "LOWER" or "UPPER".</summary>
    [Attr] public string CaseChangeAction { get; set; } = "NONE";

    [Attr] public bool IsCaseSensitive { get; set; }

    /// <summary>A name of a locale; only the invariant one is there, so it has no effect.</summary>
    [Attr] public string Locale { get; set; } = "";

    [Attr("stopwords")] public string[] StopWords { get; set; } = [];

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext context)
    {
        if (CaseChangeAction is not ("NONE" or "LOWER" or "UPPER")) throw context.Error($"case_change_action '{CaseChangeAction}' is not known");
        context.ExpectType(0, context.DType(0) == DType.String, "string");
        Shape x = context.Shape(0);
        if (x.IsRanked && !(x.Rank == 1 || (x.Rank == 2 && (x[0] < 0 || x[0] == 1)))) throw context.Error($"the input must be [C] or [1, C], got {x}");
        context.SetOutput(0, DType.String, x.IsRanked ? x.With(x.Rank - 1, Shape.Unknown) : x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        StringComparison comparison = IsCaseSensitive ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase;
        var kept = new List<string>();
        foreach (string text in x.Strings!)
        {
            if (Array.Exists(StopWords, word => string.Equals(word, text, comparison))) continue;
            kept.Add(CaseChangeAction == "LOWER" ? text.ToLowerInvariant() : CaseChangeAction == "UPPER" ? text.ToUpperInvariant() : text);
        }
        if (kept.Count == 0) kept.Add("");
        Tensor y = context.Allocate(0, DType.String, x.Shape.With(x.Shape.Rank - 1, kept.Count));
        kept.CopyTo(y.Strings!);
    }
}
