using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Runs one of two graphs. Inputs after the condition are what the branches take from the outer graph, handed to both in
/// the same order. Shapes that the branches do not share are decided at run time.</summary>
[Operator("If", "cond, captured*", "outputs*")]
public sealed partial class If : Operator
{
    [Attr(Required = true)] public ISubgraph ThenBranch { get; set; } = null!;
    [Attr(Required = true)] public ISubgraph ElseBranch { get; set; } = null!;

    /// <summary>Extension: how many of the last inputs are captured (all after the condition; accepted for symmetry with Loop).</summary>
    [Attr] public long Captures { get; set; }

    private Tensor[] _captured = [];

    public override bool TakesLists => true;

    public override void Infer(InferContext c)
    {
        c.Tensor(0);
        int count = c.OutputCount;
        if (ThenBranch.OutputCount != count || ElseBranch.OutputCount != count)
            throw c.Error($"the branches have {ThenBranch.OutputCount} and {ElseBranch.OutputCount} outputs; expected {count}");
        var inputs = new TensorType[c.InputCount - 1];
        for (int i = 0; i < inputs.Length; i++) inputs[i] = c.Input(i + 1);
        TensorType[] then = new TensorType[count], other = new TensorType[count];
        if (c.Constant(0) is { } known)
        {
            Branch(known).Infer(inputs, then);
            other = then;
        }
        else
        {
            // A branch may be meant for other inputs (one of several sample rates, say): it counts only when it fits these.
            EdgeLiteException? misfit = TryInfer(ThenBranch, inputs, then);
            if (misfit != null) then = other;
            EdgeLiteException? misfitOther = TryInfer(ElseBranch, inputs, other);
            if (misfitOther != null) other = then;
            if (misfit != null && misfitOther != null) throw misfit;
        }
        for (int i = 0; i < count; i++)
        {
            if (SubgraphTypes.Exclude(then[i], other[i])) throw c.Error($"output {i} is {then[i]} in one branch, {other[i]} in the other");
            c.SetOutput(i, SubgraphTypes.Common(then[i], other[i]));
        }
    }

    public override void Compute(ComputeContext c)
    {
        if (_captured.Length != c.InputCount - 1) _captured = new Tensor[c.InputCount - 1];
        for (int i = 0; i < _captured.Length; i++) _captured[i] = c.Input(i + 1);
        ReadOnlySpan<Tensor> results = Branch(c.Input(0)).Run(_captured);
        for (int i = 0; i < c.OutputCount; i++)
            if (c.HasOutput(i)) c.Store(i, SubgraphTypes.As(c.Output(i).Kind, results[i]));
    }

    private static EdgeLiteException? TryInfer(ISubgraph branch, TensorType[] inputs, TensorType[] outputs)
    {
        try
        {
            branch.Infer(inputs, outputs);
            return null;
        }
        catch (EdgeLiteException e)
        {
            return e;
        }
    }

    private ISubgraph Branch(Tensor condition) => condition.GetInt64(0) != 0 ? ThenBranch : ElseBranch;
}
