using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>A function of one value for each group of channels, the last axis: X[.., C] int8, Tables[G, 256] int8, Group[C] uint8 below G, a
/// constant; <c>y[.., c] = Tables[Group[c]][x[.., c] + 128]</c>. Activations have a scale a group so.</summary>
[Operator("GroupedLut", "X, Tables, Group", "Y", Domain = "edgelite")]
public sealed partial class GroupedLut : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext c)
    {
        Shape x = c.Shape(0), tables = c.Shape(1), group = c.Shape(2);
        for (int i = 0; i < 2; i++) c.ExpectType(i, c.DType(i) == DType.Int8, "int8");
        c.ExpectType(2, c.DType(2) == DType.UInt8, "uint8");
        if (x.IsRanked && x.Rank == 0) throw c.Error("X is a scalar, expected channels in its last dimension");
        if (tables.IsKnown && (tables.Rank != 2 || tables[1] != 256 || tables[0] is < 1 or > 255)) throw c.Error($"Tables has shape {tables}, expected 1 to 255 tables of 256 entries");
        if (group.IsKnown && (group.Rank != 1 || group[0] < 1)) throw c.Error($"Group has shape {group}, expected a number for each channel");
        if (x.IsRanked && x[x.Rank - 1] >= 0 && group.IsKnown && group[0] != x[x.Rank - 1]) throw c.Error($"Group has {group[0]} numbers for {x[x.Rank - 1]} channels");
        if (c.Constant(2) is { } numbers && tables.IsKnown)
            foreach (byte g in numbers.Bytes)
                if (g >= tables[0]) throw c.Error($"Group holds {g}, there are {tables[0]} tables");
        c.SetOutput(0, DType.Int8, x);
    }

    public override unsafe void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), tables = c.Input(1), group = c.Input(2), y = c.Output(0);
        long channels = group.Count, groups = tables.Shape[0];
        for (long i = 0; i < y.Count; i++) y.Data[i] = tables.Data[group.Data[i % channels] % groups * 256 + (byte)(x.Data[i] + 128)];
    }
}
