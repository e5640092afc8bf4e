namespace EdgeLite.Ops;

/// <summary>Blocks of space become channels; the block index is the outer part of the channel.</summary>
[Operator("SpaceToDepth", "input", "output")]
public sealed partial class SpaceToDepth : BlockRearrangement
{
    public override void Infer(InferContext context) => Infer(context, toSpace: false);

    public override void Compute(ComputeContext context) => Move(context.Output(0), context.Input(0), crd: false, toSpace: false);
}
