namespace EdgeLite.Ops;

/// <summary>Channels become blocks of space. Mode DCR: the block index is the outer part of the channel; CRD: the inner.</summary>
[Operator("DepthToSpace", "input", "output")]
public sealed partial class DepthToSpace : BlockRearrangement
{
    /// <summary>"DCR" or "CRD".</summary>
    [Attr] public string Mode { get; set; } = "DCR";

    public override void Infer(InferContext context)
    {
        if (Mode is not ("DCR" or "CRD")) throw context.Error($"mode must be DCR or CRD, got '{Mode}'");
        Infer(context, toSpace: true);
    }

    public override void Compute(ComputeContext context) => Move(context.Input(0), context.Output(0), Mode == "CRD", toSpace: true);
}
