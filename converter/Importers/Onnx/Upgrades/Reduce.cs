namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>Operator set 18 (13 for ReduceSum) turned axes into an input.</summary>
[Upgrades("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp",
    "ReduceSumSquare")]
internal sealed class Reduce : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        if (node.Opset < 18) node.IntsToInput("axes", 1);
    }
}
