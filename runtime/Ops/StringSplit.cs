using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Strings cut at a delimiter (at runs of white space when it is empty): Y has one more dimension, as long as the most
/// parts and filled up with empty strings; Z counts the parts.</summary>
[Operator("StringSplit", "X", "Y, Z?")]
public sealed partial class StringSplit : Operator
{
    [Attr] public string Delimiter { get; set; } = "";

    /// <summary>At most this many cuts.</summary>
    [Attr("maxsplit")] public long? MaxSplit { get; set; }

    public override bool HasDataDependentShape => true;

    public override void Infer(InferContext context)
    {
        context.ExpectType(0, context.DType(0) == DType.String, "string");
        Shape x = context.Shape(0);
        context.SetOutput(0, DType.String, x.IsRanked ? new Shape([.. x.AsSpan(), Shape.Unknown]) : x);
        context.SetOutput(1, DType.Int64, x);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0);
        var parts = new List<string>[x.Count];
        int most = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i] = Delimiter.Length == 0 ? SplitWhiteSpace(x.Strings![i]) : SplitDelimiter(x.Strings![i]);
            most = Math.Max(most, parts[i].Count);
        }
        Tensor y = context.Allocate(0, DType.String, new Shape([.. x.Shape.AsSpan(), most]));
        Tensor counts = context.Allocate(1, DType.Int64, x.Shape);
        for (int i = 0; i < parts.Length; i++)
        {
            parts[i].CopyTo(y.Strings!, i * most);
            counts.SetInt64(i, parts[i].Count);
        }
    }

    private List<string> SplitDelimiter(string text)
    {
        var parts = new List<string>();
        int start = 0;
        for (int at; text.Length > 0 && !(parts.Count >= MaxSplit) && (at = text.AsSpan(start).IndexOf(Delimiter)) >= 0; start += at + Delimiter.Length)
            parts.Add(text.Substring(start, at));
        if (text.Length > 0) parts.Add(text[start..]);
        return parts;
    }

    private List<string> SplitWhiteSpace(string text)
    {
        var parts = new List<string>();
        for (int i = 0; ;)
        {
            while (i < text.Length && char.IsWhiteSpace(text[i])) i++;
            if (i == text.Length) return parts;
            int start = i;
            if (parts.Count >= MaxSplit)
            {
                parts.Add(text[start..].TrimEnd());
                return parts;
            }
            while (i < text.Length && !char.IsWhiteSpace(text[i])) i++;
            parts.Add(text[start..i]);
        }
    }
}
