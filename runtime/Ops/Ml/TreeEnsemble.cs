using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Tree ensemble of ai.onnx.ml 5: interior nodes and leaves in lists of their own, branches by index. X[n][features] to
/// Y[n][targets]. Set membership nodes take their members from membership_values, NaN ending each set.</summary>
[Operator("TreeEnsemble", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class TreeEnsemble : Operator
{
    private static readonly string[] s_transforms = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];
    private DecisionTrees? _trees;

    [Attr] public long AggregateFunction { get; set; } = 1;
    [Attr(Required = true)] public long[] LeafTargetids { get; set; } = [];
    [Attr(Required = true)] public Tensor LeafWeights { get; set; } = null!;
    [Attr] public Tensor? MembershipValues { get; set; }
    [Attr] public long NTargets { get; set; } = 1;
    [Attr(Required = true)] public long[] NodesFalseleafs { get; set; } = [];
    [Attr(Required = true)] public long[] NodesFalsenodeids { get; set; } = [];
    [Attr(Required = true)] public long[] NodesFeatureids { get; set; } = [];
    [Attr] public Tensor? NodesHitrates { get; set; }
    [Attr] public long[]? NodesMissingValueTracksTrue { get; set; }
    [Attr(Required = true)] public Tensor NodesModes { get; set; } = null!;
    [Attr(Required = true)] public Tensor NodesSplits { get; set; } = null!;
    [Attr(Required = true)] public long[] NodesTrueleafs { get; set; } = [];
    [Attr(Required = true)] public long[] NodesTruenodeids { get; set; } = [];
    [Attr] public long PostTransform { get; set; }
    [Attr(Required = true)] public long[] TreeRoots { get; set; } = [];

    private double[]? _scores;
    private bool[]? _touched;

    public override void Infer(InferContext c)
    {
        c.ExpectRank(0, 2);
        if (PostTransform is < 0 or > 4) throw c.Error($"post_transform is {PostTransform}; expected 0 to 4");
        int n = NodesFeatureids.Length;
        if (NodesModes.Count != n || NodesSplits.Count != n || NodesTruenodeids.Length != n || NodesFalsenodeids.Length != n
            || NodesTrueleafs.Length != n || NodesFalseleafs.Length != n || LeafWeights.Count != LeafTargetids.Length)
            throw c.Error("the lists nodes_* or leaf_* have different lengths");
        for (int i = 0; i < n; i++)
        {
            CheckBranch(c, i, NodesTruenodeids[i], NodesTrueleafs[i]);
            CheckBranch(c, i, NodesFalsenodeids[i], NodesFalseleafs[i]);
            if (NodesFeatureids[i] < 0 || c.Shape(0).IsRanked && c.Shape(0)[1] >= 0 && NodesFeatureids[i] >= c.Shape(0)[1])
                throw c.Error($"node {i} reads feature {NodesFeatureids[i]}, the input has shape {c.Shape(0)}");
        }
        foreach (long target in LeafTargetids)
            if (target < 0 || target >= NTargets) throw c.Error($"a leaf names target {target} of {NTargets}");
        foreach (long root in TreeRoots)
            if (root < 0 || root >= n) throw c.Error($"root {root} is not one of {n} nodes");
        c.SetOutput(0, c.DType(0), new Shape(c.Shape(0).IsRanked ? c.Shape(0)[0] : Shape.Unknown, NTargets));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        DecisionTrees trees = _trees ??= Build();
        double[] scores = _scores ??= new double[NTargets];
        bool[] touched = _touched ??= new bool[NTargets];
        for (long n = 0; n < x.Shape[0]; n++)
        {
            Array.Clear(scores);
            Array.Clear(touched);
            trees.Score(x, n * x.Shape[1], (TreeAggregate)AggregateFunction, scores, touched);
            ScoreTransform.Apply(s_transforms[PostTransform], scores);
            for (int t = 0; t < scores.Length; t++) y.SetDouble(n * NTargets + t, scores[t]);
        }
    }

    /// <summary>A branch leads to an existing leaf or to a later node, so that every walk ends.</summary>
    private void CheckBranch(InferContext c, int node, long target, long isLeaf)
    {
        if (isLeaf != 0 ? target < 0 || target >= LeafTargetids.Length : target <= node || target >= NodesFeatureids.Length)
            throw c.Error($"node {node} leads to {(isLeaf != 0 ? "leaf" : "node")} {target}, which does not exist or comes before it");
    }

    private DecisionTrees Build()
    {
        int member = 0;
        var nodes = new DecisionTrees.TreeNode[NodesFeatureids.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            var mode = (BranchMode)NodesModes.GetInt64(i);
            List<double>? members = mode == BranchMode.Member ? [] : null;
            for (; members != null && member < MembershipValues!.Count; member++)
            {
                double value = MembershipValues.GetDouble(member);
                if (double.IsNaN(value)) break;
                members.Add(value);
            }
            if (members != null) member++;
            nodes[i] = new(mode, NodesFeatureids[i], NodesSplits.GetDouble(i), NodesMissingValueTracksTrue?[i] == 1,
                Branch(NodesTruenodeids[i], NodesTrueleafs[i]), Branch(NodesFalsenodeids[i], NodesFalseleafs[i]), members?.ToArray());
        }
        var weights = new DecisionTrees.Weight[LeafTargetids.Length];
        var leaves = new (int, int)[weights.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = new((int)LeafTargetids[i], LeafWeights.GetDouble(i));
            leaves[i] = (i, 1);
        }
        return new DecisionTrees { Nodes = nodes, Roots = Array.ConvertAll(TreeRoots, r => (int)r), Leaves = leaves, Weights = weights };

        static int Branch(long target, long isLeaf) => isLeaf != 0 ? -1 - (int)target : (int)target;
    }
}
