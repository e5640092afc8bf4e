using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>Base of the operators on sequences and optional values.</summary>
public abstract class ListOperator : Operator
{
    public override bool TakesLists => true;

    /// <summary>Lists have no size before they are there, nor have the tensors in them.</summary>
    public override bool HasDataDependentShape => true;

    /// <summary>The type of sequences that hold tensors of both types.</summary>
    protected static TensorType Holding(InferContext c, in TensorType sequence, in TensorType tensor) =>
        SubgraphTypes.Exclude(sequence with { Kind = ValueKind.Tensor }, tensor)
            ? throw c.Error($"{tensor} cannot be an element of {sequence}")
            : SubgraphTypes.Common(sequence with { Kind = ValueKind.Tensor }, tensor) with { Kind = ValueKind.Sequence };

    /// <summary>The position that input <paramref name="i"/> names in a list of <paramref name="count"/> places, from the end when
    /// negative; <paramref name="otherwise"/> when the input is absent.</summary>
    protected static int Position(ComputeContext c, int i, int count, int otherwise)
    {
        if (!c.HasInput(i)) return otherwise;
        if (c.Input(i).Count != 1) throw c.Error($"input {i} is {c.Input(i)}; one position is expected");
        long given = c.Input(i).GetInt64(0), position = given < 0 ? given + count : given;
        return position >= 0 && position < count ? (int)position : throw c.Error($"position {given} is outside a sequence of {count} places");
    }
}
