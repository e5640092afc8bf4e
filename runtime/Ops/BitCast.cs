using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The bits of each element read as another type of the same width.</summary>
[Operator("BitCast", "input", "output")]
public sealed unsafe partial class BitCast : Operator
{
    /// <summary>The number of the type (<see cref="DType"/>).</summary>
    [Attr(Required = true)] public long To { get; set; }

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        DType from = context.DType(0), to = (DType)To;
        if (To is <= 0 or > (long)DType.Int2 || to == DType.String || (from != DType.Undefined && from.Bits() != to.Bits()))
            throw context.Error($"{from.Name()} and type number {To} do not have the same width");
        context.SetOutput(0, to, context.Shape(0));
    }

    public override void Compute(ComputeContext context) => Elements.CopyAll(context.Input(0), context.Output(0));
}
