using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Combines the leaves that each row of X[n][features] reaches, for every target: Y[n][targets].</summary>
[Operator("TreeEnsembleRegressor", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class TreeEnsembleRegressor : TreeEnsembleOperator
{
    [Attr] public string AggregateFunction { get; set; } = "SUM";
    [Attr] public long NTargets { get; set; } = 1;
    [Attr] public long[] TargetIds { get; set; } = [];
    [Attr] public long[] TargetNodeids { get; set; } = [];
    [Attr] public long[] TargetTreeids { get; set; } = [];
    [Attr] public float[] TargetWeights { get; set; } = [];
    [Attr] public Tensor? TargetWeightsAsTensor { get; set; }

    protected override int Targets => (int)NTargets;
    protected override (long[] Trees, long[] Nodes, long[] Targets, float[] Weights, Tensor? Wide) LeafWeights =>
        (TargetTreeids, TargetNodeids, TargetIds, TargetWeights, TargetWeightsAsTensor);

    private double[]? _scores;
    private bool[]? _touched;

    public override void Infer(InferContext c)
    {
        InferTrees(c);
        if (AggregateFunction is not ("SUM" or "AVERAGE" or "MIN" or "MAX")) throw c.Error($"aggregate_function '{AggregateFunction}' is not known");
        c.SetOutput(0, DType.Float32, new Shape(c.Shape(0).IsRanked ? c.Shape(0)[0] : Shape.Unknown, NTargets));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        TreeAggregate aggregate = AggregateFunction switch
        {
            "AVERAGE" => TreeAggregate.Average,
            "MIN" => TreeAggregate.Min,
            "MAX" => TreeAggregate.Max,
            _ => TreeAggregate.Sum,
        };
        double[] scores = _scores ??= new double[NTargets];
        bool[] touched = _touched ??= new bool[NTargets];
        for (long n = 0; n < x.Shape[0]; n++)
        {
            Array.Clear(scores);
            Array.Clear(touched);
            Trees.Score(x, n * x.Shape[1], aggregate, scores, touched);
            for (int t = 0; t < scores.Length; t++) scores[t] += BaseValue(t);
            ScoreTransform.Apply(PostTransform, scores);
            for (int t = 0; t < scores.Length; t++) y.SetDouble(n * NTargets + t, scores[t]);
        }
    }
}
