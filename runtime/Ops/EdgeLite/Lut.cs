using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Any function of one value: <c>y = table[x + 128]</c> for int8, <c>table[x]</c> for uint8, Table of 256 entries of Y's 8-bit type;
/// <c>table[x + 32768]</c> for int16, Table of 65,536 entries of int16.</summary>
[Operator("Lut", "X, Table", "Y", Domain = "edgelite")]
public sealed partial class Lut : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        DType x = context.DType(0), table = context.DType(1);
        if (x is not (DType.Int8 or DType.UInt8 or DType.Int16)) throw context.Error($"X is {x.Name()}, expected int8, uint8 or int16");
        if (x == DType.Int16 ? table != x : table is not (DType.Int8 or DType.UInt8)) throw context.Error($"Table is {table.Name()}, X {x.Name()}");
        int entries = x == DType.Int16 ? 1 << 16 : 256;
        if (context.Shape(1).IsKnown && context.Shape(1).Count != entries) throw context.Error($"Table has shape {context.Shape(1)}, expected {entries} entries");
        context.SetOutput(0, context.DType(1), context.Shape(0));
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), table = context.Input(1), y = context.Output(0);
        if (x.DType == DType.Int16)
        {
            short* wide = (short*)table.Data - short.MinValue;
            for (long i = 0, n = y.Count; i < n; i++) ((short*)y.Data)[i] = wide[((short*)x.Data)[i]];
            return;
        }
        int offset = x.DType == DType.Int8 ? 128 : 0;
        for (long i = 0, n = y.Count; i < n; i++) y.Data[i] = table.Data[(byte)(x.Data[i] + offset)];
    }
}
