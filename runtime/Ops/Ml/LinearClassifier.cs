using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Scores of X[n][features] * coefficients[classes][features]^T + intercepts; Y[n] is the class of the largest, Z[n][classes] the
/// transformed scores. One row of coefficients for two classes: the score s decides by its sign (above 0.5 with LOGISTIC
/// applied), the scores are those of -s and s.</summary>
[Operator("LinearClassifier", "X", "Y, Z", Domain = "ai.onnx.ml")]
public sealed partial class LinearClassifier : Operator
{
    [Attr] public long[]? ClasslabelsInts { get; set; }
    [Attr] public string[]? ClasslabelsStrings { get; set; }
    [Attr(Required = true)] public float[] Coefficients { get; set; } = [];
    [Attr] public float[]? Intercepts { get; set; }
    [Attr] public long MultiClass { get; set; }
    [Attr] public string PostTransform { get; set; } = "NONE";

    private ClassLabels Labels => new(ClasslabelsStrings, ClasslabelsInts);

    public override void Infer(InferContext c)
    {
        ScoreTransform.Check(c, PostTransform);
        c.ExpectRank(0, 2);
        long features = c.Shape(0).IsRanked ? c.Shape(0)[1] : Shape.Unknown;
        if (features == 0 || features > 0 && (Coefficients.Length % features != 0 || Coefficients.Length / features is var rows && rows != Labels.Count && rows != 1))
            throw c.Error($"{Coefficients.Length} coefficients do not fit {features} features and {Labels.Count} classes");
        Labels.Infer(c);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        ClassLabels labels = Labels;
        int rows = (int)(Coefficients.Length / x.Shape[1]);
        var scores = new double[Math.Max(labels.Count, 2)];
        for (long n = 0; n < x.Shape[0]; n++)
        {
            LinearScores.Of(x, n, Coefficients, Intercepts, scores.AsSpan(0, rows));
            if (rows == 1)
            {
                scores[1] = scores[0];
                scores[0] = -scores[1];
            }
            int label = ClassLabels.Largest(scores);
            ScoreTransform.Apply(PostTransform, scores);
            if (c.HasOutput(0)) labels.Store(c.Output(0), n, Math.Min(label, labels.Count - 1));
            for (int t = 0; t < scores.Length && c.HasOutput(1); t++) c.Output(1).SetDouble(n * scores.Length + t, scores[t]);
        }
    }
}
