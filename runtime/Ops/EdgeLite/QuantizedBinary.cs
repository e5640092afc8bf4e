using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>A, B -> Y of one quantized type (int8, uint8, int16) with NumPy broadcasting; each output from one element of each.</summary>
public abstract class QuantizedBinary : Operator
{
    [Attr] public long AOffset { get; set; }
    [Attr] public long BOffset { get; set; }
    [Attr] public long YOffset { get; set; }
    [Attr(Required = true)] public long YMultiplier { get; set; }
    [Attr(Required = true)] public long YShift { get; set; }
    [Attr] public long YMin { get; set; } = sbyte.MinValue;
    [Attr] public long YMax { get; set; } = sbyte.MaxValue;

    /// <summary>The sum, difference or product of two elements, their offsets not yet added, scaled for the output.</summary>
    protected abstract int Combine(int a, int b);

    public override bool CanRunInPlace(int input) => input is 0 or 1;

    public override void Infer(InferContext context)
    {
        DType type = context.DType(0);
        if (type is not (DType.Int8 or DType.UInt8 or DType.Int16) || context.DType(1) != type)
            throw context.Error($"A is {type.Name()} and B is {context.DType(1).Name()}, expected int8, uint8 or int16, the same for both");
        context.SetOutput(0, type, context.Broadcast(context.Shape(0), context.Shape(1)));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor a = context.Input(0), b = context.Input(1), y = context.Output(0);
        int rank = y.Shape.Rank;
        Span<long> aStride = stackalloc long[Shape.MaxRank], bStride = stackalloc long[Shape.MaxRank], at = stackalloc long[Shape.MaxRank];
        Strides(a.Shape, rank, aStride);
        Strides(b.Shape, rank, bStride);
        at.Clear();
        for (long i = 0, n = y.Count; i < n; i++)
        {
            long ia = 0, ib = 0;
            for (int d = 0; d < rank; d++)
            {
                ia += at[d] * aStride[d];
                ib += at[d] * bStride[d];
            }
            int value = Combine((int)(a.GetInt64(ia) + AOffset), (int)(b.GetInt64(ib) + BOffset));
            y.SetInt64(i, Math.Clamp(FixedPoint.Requantize(value, (int)YMultiplier, (int)YShift) + YOffset, YMin, YMax));
            for (int d = rank - 1; d >= 0 && ++at[d] == y.Shape[d]; d--) at[d] = 0;
        }
    }

    /// <summary>Elements to step per index of each output dimension; 0 where the operand repeats.</summary>
    private static void Strides(Shape shape, int rank, Span<long> strides)
    {
        strides.Clear();
        long step = 1;
        for (int d = shape.Rank - 1; d >= 0; d--)
        {
            strides[rank - shape.Rank + d] = shape[d] == 1 ? 0 : step;
            step *= shape[d];
        }
    }
}

/// <summary>Sum or difference of two quantized tensors of different scales (el_qadd_params in el_quant.h).</summary>
public abstract class QuantizedSum : QuantizedBinary
{
    [Attr] public long LeftShift { get; set; } = 20;
    [Attr(Required = true)] public long AMultiplier { get; set; }
    [Attr(Required = true)] public long AShift { get; set; }
    [Attr(Required = true)] public long BMultiplier { get; set; }
    [Attr(Required = true)] public long BShift { get; set; }

    protected int ScaleA(int a) => FixedPoint.Requantize(a << (int)LeftShift, (int)AMultiplier, (int)AShift);
    protected int ScaleB(int b) => FixedPoint.Requantize(b << (int)LeftShift, (int)BMultiplier, (int)BShift);
}
