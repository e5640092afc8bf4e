using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Y[n][targets] = X[n][features] * coefficients[targets][features]^T + intercepts.</summary>
[Operator("LinearRegressor", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class LinearRegressor : Operator
{
    [Attr] public float[] Coefficients { get; set; } = [];
    [Attr] public float[]? Intercepts { get; set; }
    [Attr] public string PostTransform { get; set; } = "NONE";
    [Attr] public long Targets { get; set; } = 1;

    public override void Infer(InferContext c)
    {
        ScoreTransform.Check(c, PostTransform);
        c.ExpectRank(0, 2);
        Shape x = c.Shape(0);
        if (x.IsRanked && x[1] >= 0 && Coefficients.Length != x[1] * Targets)
            throw c.Error($"{Coefficients.Length} coefficients are given; expected {x[1] * Targets}");
        c.SetOutput(0, DType.Float32, new Shape(x.IsRanked ? x[0] : Shape.Unknown, Targets));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        var scores = new double[Targets];
        for (long n = 0; n < x.Shape[0]; n++)
        {
            LinearScores.Of(x, n, Coefficients, Intercepts, scores);
            ScoreTransform.Apply(PostTransform, scores);
            for (long t = 0; t < Targets; t++) y.SetDouble(n * Targets + t, scores[t]);
        }
    }
}
