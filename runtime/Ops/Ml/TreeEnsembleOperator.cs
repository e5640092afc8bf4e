using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>
/// What TreeEnsembleClassifier and TreeEnsembleRegressor share: nodes named by (tree, node) pairs in parallel lists, leaf weights
/// listed apart. Numbers may come as floats or, for doubles, as tensors.
/// </summary>
public abstract class TreeEnsembleOperator : Operator
{
    private DecisionTrees? _trees;

    [Attr] public long[] NodesTreeids { get; set; } = [];
    [Attr] public long[] NodesNodeids { get; set; } = [];
    [Attr] public long[] NodesFeatureids { get; set; } = [];
    [Attr] public string[] NodesModes { get; set; } = [];
    [Attr] public float[] NodesValues { get; set; } = [];
    [Attr] public Tensor? NodesValuesAsTensor { get; set; }
    [Attr] public long[] NodesTruenodeids { get; set; } = [];
    [Attr] public long[] NodesFalsenodeids { get; set; } = [];
    [Attr] public long[]? NodesMissingValueTracksTrue { get; set; }
    [Attr] public float[]? NodesHitrates { get; set; }
    [Attr] public Tensor? NodesHitratesAsTensor { get; set; }
    [Attr] public float[]? BaseValues { get; set; }
    [Attr] public Tensor? BaseValuesAsTensor { get; set; }
    [Attr] public string PostTransform { get; set; } = "NONE";

    /// <summary>The lists of leaf weights: tree, node, target, weight (floats or a tensor).</summary>
    protected abstract (long[] Trees, long[] Nodes, long[] Targets, float[] Weights, Tensor? Wide) LeafWeights { get; }
    protected abstract int Targets { get; }

    private protected DecisionTrees Trees => _trees ??= Build();

    protected double BaseValue(int target) => BaseValuesAsTensor is { } wide
        ? target < wide.Count ? wide.GetDouble(target) : 0
        : BaseValues is { } values && target < values.Length ? values[target] : 0;

    protected int BaseValueCount => (int?)BaseValuesAsTensor?.Count ?? BaseValues?.Length ?? 0;

    protected void InferTrees(InferContext c)
    {
        ScoreTransform.Check(c, PostTransform);
        c.ExpectRank(0, 2);
        int n = NodesNodeids.Length;
        if (NodesTreeids.Length != n || NodesFeatureids.Length != n || NodesModes.Length != n || NodesTruenodeids.Length != n
            || NodesFalsenodeids.Length != n || (NodesValuesAsTensor?.Count ?? NodesValues.Length) != n)
            throw c.Error($"the lists nodes_* have different lengths; expected {n} each");
        var (trees, nodes, targets, weights, wide) = LeafWeights;
        if (trees.Length != nodes.Length || targets.Length != nodes.Length || (wide?.Count ?? weights.Length) != nodes.Length)
            throw c.Error($"the lists of leaf weights have different lengths; expected {nodes.Length} each");
        foreach (long target in targets)
            if (target < 0 || target >= Targets) throw c.Error($"a leaf weight names target {target} of {Targets}");
        if (c.Shape(0).IsRanked && c.Shape(0)[1] >= 0)
            for (int i = 0; i < n; i++)
                if (NodesModes[i] != "LEAF" && (NodesFeatureids[i] < 0 || NodesFeatureids[i] >= c.Shape(0)[1]))
                    throw c.Error($"node {i} reads feature {NodesFeatureids[i]}, the input has shape {c.Shape(0)}");
    }

    private DecisionTrees Build()
    {
        int n = NodesNodeids.Length;
        var byName = new long[n];
        for (int i = 0; i < n; i++) byName[i] = i;
        Array.Sort(byName, (i, j) => Order(i, NodesTreeids[j], NodesNodeids[j]) is var sign && sign != 0 ? sign : i.CompareTo(j));

        var (trees, nodes, targets, weights, wide) = LeafWeights;
        // Sorted by node, weights of one node in the order of the file.
        var order = new long[trees.Length];
        var owners = new int[trees.Length];
        for (int i = 0; i < order.Length; i++)
        {
            order[i] = i;
            owners[i] = Find(trees[i], nodes[i]);
            if (owners[i] < 0) throw Bad($"a leaf weight names node {nodes[i]} of tree {trees[i]}, which does not exist");
        }
        Array.Sort(order, (i, j) => owners[i] != owners[j] ? owners[i].CompareTo(owners[j]) : i.CompareTo(j));
        var leaves = new (int, int)[n];
        var list = new DecisionTrees.Weight[order.Length];
        for (int k = 0; k < order.Length; k++)
        {
            long i = order[k];
            int node = owners[i];
            leaves[node] = leaves[node].Item2 == 0 ? (k, 1) : (leaves[node].Item1, leaves[node].Item2 + 1);
            list[k] = new((int)targets[i], wide?.GetDouble(i) ?? weights[i]);
        }

        var isChild = new bool[n];
        var built = new DecisionTrees.TreeNode[n];
        for (int i = 0; i < n; i++)
        {
            if (NodesModes[i] == "LEAF") continue;
            built[i] = new(Mode(NodesModes[i]), NodesFeatureids[i], NodesValuesAsTensor?.GetDouble(i) ?? NodesValues[i],
                NodesMissingValueTracksTrue is { } m && i < m.Length && m[i] != 0,
                Child(i, NodesTruenodeids[i]), Child(i, NodesFalsenodeids[i]), null);
        }
        var roots = new List<int>();
        for (int i = 0; i < n; i++)
            if (!isChild[i]) roots.Add(NodesModes[i] == "LEAF" ? -1 - i : i);
        return new DecisionTrees { Nodes = built, Roots = [.. roots], Leaves = leaves, Weights = list };

        int Child(int parent, long id)
        {
            int child = Find(NodesTreeids[parent], id);
            if (child < 0 || child == parent || isChild[child])
                throw Bad($"node {NodesNodeids[parent]} of tree {NodesTreeids[parent]} leads to node {id}, which does not exist or has a parent already");
            isChild[child] = true;
            return NodesModes[child] == "LEAF" ? -1 - child : child;
        }

        // The last node of the name, or -1.
        int Find(long tree, long id)
        {
            int from = 0, to = n;
            while (from < to)
            {
                int middle = (from + to) / 2;
                if (Order(byName[middle], tree, id) <= 0) from = middle + 1;
                else to = middle;
            }
            return from > 0 && Order(byName[from - 1], tree, id) == 0 ? (int)byName[from - 1] : -1;
        }

        int Order(long node, long tree, long id) => NodesTreeids[node] != tree ? NodesTreeids[node].CompareTo(tree) : NodesNodeids[node].CompareTo(id);
    }

    private static BranchMode Mode(string name) => name switch
    {
        "BRANCH_LEQ" => BranchMode.LessOrEqual,
        "BRANCH_LT" => BranchMode.Less,
        "BRANCH_GTE" => BranchMode.GreaterOrEqual,
        "BRANCH_GT" => BranchMode.Greater,
        "BRANCH_EQ" => BranchMode.Equal,
        "BRANCH_NEQ" => BranchMode.NotEqual,
        _ => throw Bad($"node mode '{name}' is not known"),
    };

    private static EdgeLiteException Bad(string message) => new(Status.InvalidGraph, $"Tree ensemble: {message}.");
}
