using EdgeLite.Core;

namespace EdgeLite.Ops.Lists;

/// <summary>An optional value that holds the input or, without one, nothing.</summary>
[Operator("Optional", "input?", "output")]
public sealed partial class OptionalOf : ListOperator
{
    /// <summary>Element type (<see cref="DType"/>) and kind (<see cref="ValueKind"/>) of what an empty value could hold; the importer
    /// makes it of ONNX's attribute of the same name.</summary>
    [Attr] public long[]? Type { get; set; }

    public override void Infer(InferContext c)
    {
        if (c.HasInput(0))
        {
            TensorType content = c.Input(0);
            if ((content.Kind & ValueKind.Optional) != 0) throw c.Error($"the input is {content}, which is optional already");
            c.SetOutput(0, content with { Kind = content.Kind | ValueKind.Optional });
            return;
        }
        if (Type is not [> 0 and <= (long)DType.Int2, 0 or (long)ValueKind.Sequence]) throw c.Error("without input, type must say what the value could hold");
        c.SetOutput(0, new TensorType((DType)Type[0], Shape.Unranked, (ValueKind)Type[1] | ValueKind.Optional));
    }

    public override void Compute(ComputeContext c) => c.Output(0).Elements = c.HasInput(0) ? [c.Input(0).Clone()] : [];
}
