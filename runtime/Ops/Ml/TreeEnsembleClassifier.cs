using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>
/// Sums the leaves that each row of X[n][features] reaches, for every class; Y[n] is the class of the largest score, Z[n][classes]
/// the transformed scores. With two classes and weights for one of them alone, that score s decides: weights that are all
/// positive are probabilities (second class above 0.5, scores 1 - s and s, with LOGISTIC those of -s and s), others margins (above 0,
/// scores -s and s).
/// </summary>
[Operator("TreeEnsembleClassifier", "X", "Y, Z", Domain = "ai.onnx.ml")]
public sealed partial class TreeEnsembleClassifier : TreeEnsembleOperator
{
    [Attr] public long[] ClassIds { get; set; } = [];
    [Attr] public long[] ClassNodeids { get; set; } = [];
    [Attr] public long[] ClassTreeids { get; set; } = [];
    [Attr] public float[] ClassWeights { get; set; } = [];
    [Attr] public Tensor? ClassWeightsAsTensor { get; set; }
    [Attr] public long[]? ClasslabelsInt64s { get; set; }
    [Attr] public string[]? ClasslabelsStrings { get; set; }

    private ClassLabels Labels => new(ClasslabelsStrings, ClasslabelsInt64s);

    protected override int Targets => Labels.Count;
    protected override (long[] Trees, long[] Nodes, long[] Targets, float[] Weights, Tensor? Wide) LeafWeights =>
        (ClassTreeids, ClassNodeids, ClassIds, ClassWeights, ClassWeightsAsTensor);

    private double[]? _scores;
    private bool[]? _touched;
    private bool? _isBinary;

    public override void Infer(InferContext c)
    {
        Labels.Infer(c);
        InferTrees(c);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        ClassLabels labels = Labels;
        bool isBinary = _isBinary ??= labels.Count <= 2 && ClassIds.AsSpan().IndexOfAnyExcept(ClassIds[0]) < 0, isPositive = true;
        foreach (DecisionTrees.Weight w in Trees.Weights) isPositive &= w.Value >= 0;
        double[] scores = _scores ??= new double[Math.Max(labels.Count, 2)];
        bool[] touched = _touched ??= new bool[scores.Length];
        for (long n = 0; n < x.Shape[0]; n++)
        {
            Array.Clear(scores);
            Array.Clear(touched);
            Trees.Score(x, n * x.Shape[1], TreeAggregate.Sum, scores, touched);
            int label;
            if (isBinary)
            {
                double s = scores[ClassIds[0]] + (BaseValueCount > 0 ? BaseValue(BaseValueCount - 1) : 0);
                label = s > (isPositive ? 0.5 : 0) ? 1 : 0;
                scores[0] = isPositive && PostTransform != "LOGISTIC" ? 1 - s : -s;
                scores[1] = s;
                ScoreTransform.Apply(PostTransform, scores);
            }
            else
            {
                for (int t = 0; t < scores.Length; t++) scores[t] += BaseValue(t);
                label = ClassLabels.Largest(scores);
                ScoreTransform.Apply(PostTransform, scores);
            }
            if (c.HasOutput(0)) labels.Store(c.Output(0), n, Math.Min(label, labels.Count - 1));
            for (int t = 0; t < scores.Length && c.HasOutput(1); t++) c.Output(1).SetDouble(n * scores.Length + t, scores[t]);
        }
    }
}
