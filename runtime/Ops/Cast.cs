using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Converts every element to another type.</summary>
[Operator("Cast", "input", "output")]
public sealed partial class Cast : Operator
{
    /// <summary>The number of the type (<see cref="DType"/>).</summary>
    [Attr(Required = true)] public long To { get; set; }

    /// <summary>8-bit floats: overflow gives the largest value instead of infinity or NaN.</summary>
    [Attr] public bool Saturate { get; set; } = true;

    /// <summary>float8e8m0: "up", "down" or "nearest".</summary>
    [Attr] public string RoundMode { get; set; } = "up";

    public override bool CanRunInPlace(int input) => true;

    public override void Infer(InferContext context)
    {
        var type = (DType)To;
        if (To is <= 0 or > (long)DType.Int2 || type.IsComplex() || context.DType(0).IsComplex())
            throw context.Error($"cannot cast from {context.DType(0).Name()} to type number {To}");
        context.SetOutput(0, type, context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        if (x.DType is (DType.Float16 or DType.BFloat16) && y.DType == DType.Float32) Widen(x, y);
        else
            for (long i = 0, n = y.Count; i < n; i++) NumberConversion.Convert(x, i, y, i, Saturate, RoundMode);
    }

    /// <summary>Weights that a file stores in 16 bits are widened at every load, millions of them.</summary>
    private static unsafe void Widen(Tensor x, Tensor y)
    {
        y.Require(0, y.Count);
        x.Require(0, y.Count);
        ushort* from = (ushort*)x.Data;
        float* to = (float*)y.Data;
        long n = y.Count;
        if (x.DType == DType.BFloat16)
            for (long i = 0; i < n; i++) to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
        else
            for (long i = 0; i < n; i++) to[i] = (float)BitConverter.UInt16BitsToHalf(from[i]);
    }
}
