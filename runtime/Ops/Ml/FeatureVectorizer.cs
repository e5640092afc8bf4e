using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Joins the rows of its inputs X_i[n][f_i] into Y[n][sum of f_i].</summary>
[Operator("FeatureVectorizer", "X*", "Y", Domain = "ai.onnx.ml")]
public sealed partial class FeatureVectorizer : Operator
{
    [Attr] public long[]? Inputdimensions { get; set; }

    private long Width(int i, in Shape x) => Inputdimensions?[i] ?? (x.Rank > 1 ? x[1] : 1);

    public override void Infer(InferContext c)
    {
        if (Inputdimensions != null && Inputdimensions.Length != c.InputCount) throw c.Error($"inputdimensions has {Inputdimensions.Length} values; expected {c.InputCount}");
        long rows = Shape.Unknown, width = 0;
        for (int i = 0; i < c.InputCount; i++)
        {
            Shape x = c.Shape(i);
            if (x is { IsRanked: true, Rank: > 0 }) rows = c.Unify(rows, x[0], "inputs have different numbers of rows");
            long own = x.IsRanked ? Width(i, x) : Inputdimensions?[i] ?? Shape.Unknown;
            width = width < 0 || own < 0 ? Shape.Unknown : width + own;
        }
        c.SetOutput(0, DType.Float32, new Shape(rows, width));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor y = c.Output(0);
        long total = y.Shape[1], column = 0;
        for (int i = 0; i < c.InputCount; i++)
        {
            Tensor x = c.Input(i);
            long own = x.Shape.Rank > 1 ? x.Shape[1] : 1, width = Width(i, x.Shape);
            for (long n = 0; n < y.Shape[0]; n++)
                for (long f = 0; f < width; f++) y.SetDouble(n * total + column + f, f < own ? x.GetDouble(n * own + f) : 0);
            column += width;
        }
    }
}
