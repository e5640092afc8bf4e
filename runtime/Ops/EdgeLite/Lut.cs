using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Any function of one 8-bit value: <c>y = table[x + 128]</c> for int8, <c>table[x]</c> for uint8; Table has 256 entries of
/// Y's 8-bit type.</summary>
[Operator("Lut", "X, Table", "Y", Domain = "edgelite")]
public sealed partial class Lut : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        if (context.DType(0) is not (DType.Int8 or DType.UInt8)) throw context.Error($"X is {context.DType(0).Name()}, expected int8 or uint8");
        if (context.DType(1) is not (DType.Int8 or DType.UInt8)) throw context.Error($"Table is {context.DType(1).Name()}, expected int8 or uint8");
        if (context.Shape(1).IsKnown && context.Shape(1).Count != 256) throw context.Error($"Table has shape {context.Shape(1)}, expected 256 entries");
        context.SetOutput(0, context.DType(1), context.Shape(0));
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), table = context.Input(1), y = context.Output(0);
        int offset = x.DType == DType.Int8 ? 128 : 0;
        for (long i = 0, n = y.Count; i < n; i++) y.Data[i] = table.Data[(byte)(x.Data[i] + offset)];
    }
}
