using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Appends an axis of categories: 1 where the element is the category, else 0. Without zeros, an element that is none of
/// them is an error.</summary>
[Operator("OneHotEncoder", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class OneHotEncoder : Operator
{
    [Attr] public long[]? CatsInt64s { get; set; }
    [Attr] public string[]? CatsStrings { get; set; }
    [Attr] public bool Zeros { get; set; } = true;

    private int Categories => CatsInt64s?.Length ?? CatsStrings?.Length ?? 0;

    public override void Infer(InferContext c)
    {
        if ((CatsInt64s == null) == (CatsStrings == null)) throw c.Error("exactly one list of categories must be given");
        c.SetOutput(0, DType.Float32, c.Shape(0).IsRanked ? SubgraphTypes.Insert(c.Shape(0), c.Shape(0).Rank, Categories) : Shape.Unranked);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        for (long i = 0; i < x.Count; i++)
        {
            int at = CatsStrings != null ? Array.IndexOf(CatsStrings, x.Strings![i]) : Array.IndexOf(CatsInt64s!, x.GetInt64(i));
            if (at < 0 && !Zeros) throw c.Error($"element {i} is none of the categories");
            for (int k = 0; k < Categories; k++) y.SetDouble(i * Categories + k, k == at ? 1 : 0);
        }
    }
}
