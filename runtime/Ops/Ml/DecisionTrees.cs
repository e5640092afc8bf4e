using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>How a node of a decision tree compares its feature with its value; the numbers are those of TreeEnsemble's nodes_modes.</summary>
public enum BranchMode : byte
{
    LessOrEqual = 0,
    Less = 1,
    GreaterOrEqual = 2,
    Greater = 3,
    Equal = 4,
    NotEqual = 5,
    Member = 6,
}

/// <summary>How the leaves of several trees combine; the numbers are those of TreeEnsemble's aggregate_function.</summary>
public enum TreeAggregate : byte
{
    Average = 0,
    Sum = 1,
    Min = 2,
    Max = 3,
}

/// <summary>Decision trees in flat arrays. A branch is a node's index, or minus one minus a leaf's index. A leaf owns the weights
/// [first, first + count): each adds to one target.</summary>
internal sealed class DecisionTrees
{
    public readonly struct TreeNode(BranchMode mode, long feature, double value, bool missingIsTrue, int ifTrue, int ifFalse, double[]? members)
    {
        public readonly BranchMode Mode = mode;
        public readonly long Feature = feature;
        public readonly double Value = value;
        public readonly bool MissingIsTrue = missingIsTrue;
        public readonly int True = ifTrue, False = ifFalse;
        public readonly double[]? Members = members;
    }

    public readonly struct Weight(int target, double value)
    {
        public readonly int Target = target;
        public readonly double Value = value;
    }

    public required TreeNode[] Nodes { get; init; }
    public required int[] Roots { get; init; }
    public required (int First, int Count)[] Leaves { get; init; }
    public required Weight[] Weights { get; init; }

    /// <summary>Combines the leaves that one row of X reaches; <paramref name="touched"/> tells which targets got any.</summary>
    public void Score(Tensor x, long row, TreeAggregate aggregate, Span<double> scores, Span<bool> touched)
    {
        foreach (int root in Roots)
        {
            int at = root;
            while (at >= 0) at = Goes(Nodes[at], x.GetDouble(row + Nodes[at].Feature)) ? Nodes[at].True : Nodes[at].False;
            (int first, int count) = Leaves[-1 - at];
            foreach (Weight w in Weights.AsSpan(first, count))
            {
                scores[w.Target] = !touched[w.Target] ? w.Value : aggregate switch
                {
                    TreeAggregate.Min => Math.Min(scores[w.Target], w.Value),
                    TreeAggregate.Max => Math.Max(scores[w.Target], w.Value),
                    _ => scores[w.Target] + w.Value,
                };
                touched[w.Target] = true;
            }
        }
        if (aggregate == TreeAggregate.Average)
            foreach (ref double score in scores) score /= Roots.Length;
    }

    private static bool Goes(in TreeNode node, double value)
    {
        if (double.IsNaN(value) && node.MissingIsTrue) return true;
        return node.Mode switch
        {
            BranchMode.LessOrEqual => value <= node.Value,
            BranchMode.Less => value < node.Value,
            BranchMode.GreaterOrEqual => value >= node.Value,
            BranchMode.Greater => value > node.Value,
            BranchMode.Equal => value == node.Value,
            BranchMode.NotEqual => value != node.Value,
            _ => Array.IndexOf(node.Members!, value) >= 0,
        };
    }
}
