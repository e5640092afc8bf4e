using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>What an optional value holds; a tensor or sequence is itself.</summary>
[Operator("OptionalGetElement", "input", "output")]
public sealed partial class OptionalGetElement : ListOperator
{
    public override void Infer(InferContext c) => c.SetOutput(0, c.Input(0) with { Kind = c.Input(0).Kind & ~ValueKind.Optional });

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0);
        if ((x.Kind & ValueKind.Optional) == 0) c.Store(0, x);
        else if (x.Elements.Length == 1) c.Store(0, x.Elements[0]);
        else throw c.Error("the optional value holds nothing");
    }
}
