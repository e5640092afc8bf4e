using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>Any function of one value: <c>y = table[x + 128]</c> for int8, <c>table[x]</c> for uint8, Table of 256 entries of Y's 8-bit type;
/// <c>table[x + 32768]</c> for int16, Table of 65,536 entries of int16. Of int16 with a Table of 513 by straight lines between its entries, of which
/// entry t belongs to x = 128 * (t - 256): <c>y = table[t] + ((table[t+1] - table[t]) * (x &amp; 127) + 64 >> 7)</c>, t = 256 + (x >> 7) (TFLite's
/// LUTLookup).</summary>
[Operator("Lut", "X, Table", "Y", Domain = "edgelite")]
public sealed partial class Lut : Operator
{
    /// <summary>Entries of a table with straight lines between them.</summary>
    public const int Knots = 513;

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        DType x = context.DType(0), table = context.DType(1);
        if (x is not (DType.Int8 or DType.UInt8 or DType.Int16)) throw context.Error($"X is {x.Name()}, expected int8, uint8 or int16");
        if (x == DType.Int16 ? table != x : table is not (DType.Int8 or DType.UInt8)) throw context.Error($"Table is {table.Name()}, X {x.Name()}");
        int entries = x == DType.Int16 ? 1 << 16 : 256;
        if (context.Shape(1).IsKnown && context.Shape(1).Count != entries && !(x == DType.Int16 && context.Shape(1).Count == Knots))
            throw context.Error($"Table has shape {context.Shape(1)}, expected {entries} entries");
        context.SetOutput(0, context.DType(1), context.Shape(0));
    }

    public override unsafe void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), table = context.Input(1), y = context.Output(0);
        if (x.DType == DType.Int16)
        {
            short* from = (short*)x.Data, to = (short*)y.Data;
            ReadOnlySpan<short> entries = table.Span<short>();
            for (long i = 0, n = y.Count; i < n; i++) to[i] = entries.Length == Knots ? Between(entries, from[i]) : entries[from[i] + 32768];
            return;
        }
        int offset = x.DType == DType.Int8 ? 128 : 0;
        for (long i = 0, n = y.Count; i < n; i++) y.Data[i] = table.Data[(byte)(x.Data[i] + offset)];
    }

    /// <summary>On the straight line between two of <see cref="Knots"/> entries.</summary>
    internal static short Between(ReadOnlySpan<short> table, short x)
    {
        int at = 256 + (x >> 7);
        return (short)(table[at] + ((table[at + 1] - table[at]) * (x & 127) + 64 >> 7));
    }
}
