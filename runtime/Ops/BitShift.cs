using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>X shifted by Y bits; unsigned types. A shift by the width or more gives 0.</summary>
[Operator("BitShift", "X, Y", "Z")]
public sealed partial class BitShift : BitwiseBinary
{
    /// <summary>"LEFT" or "RIGHT".</summary>
    [Attr(Required = true)] public string Direction { get; set; } = "";

    private protected override void CheckTypes(InferContext context)
    {
        context.ExpectType(0, context.DType(0).IsUnsigned(), "an unsigned integer type");
        if (Direction is not ("LEFT" or "RIGHT")) throw context.Error($"direction must be LEFT or RIGHT, got '{Direction}'");
    }

    protected override long Apply(long a, long b) =>
        (ulong)b >= 64 ? 0 : Direction == "LEFT" ? a << (int)b : (long)((ulong)a >> (int)b);
}
