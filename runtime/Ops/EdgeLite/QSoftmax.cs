using System.Numerics;
using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Softmax over the last axis in integers, X and Y int8 or uint8, Y with scale 1/256 and the type's lowest value as zero point.
/// With d = x - max(x): e = exp(requantized d as Q5.26) in Q0.31, 0 where d is below diff_min; the sum in Q12.19; y = e / sum
/// through a fixed-point reciprocal. X and Y may be int16, Y with scale 2^-15 and no zero point: exp over [-10, 0] and 1/(1+x) over [0, 1]
/// then come from tables of 513 int16 numbers. Arithmetic: tensorflow/lite/kernels/internal/reference/softmax.h.
/// </summary>
[Operator("QSoftmax", "X, Exp?, Reciprocal?", "Y", Domain = "edgelite")]
public sealed partial class QSoftmax : Operator
{
    private const int DiffBits = 5, SumBits = 12;

    [Attr(Required = true)] public long InputMultiplier { get; set; }
    [Attr(Required = true)] public long InputLeftShift { get; set; }
    [Attr(Required = true)] public long DiffMin { get; set; }

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        bool wide = context.DType(0) == DType.Int16;
        if (!wide && context.DType(0) is not (DType.Int8 or DType.UInt8)) throw context.Error($"X is {context.DType(0).Name()}, expected int8, uint8 or int16");
        for (int i = 1; wide && i <= 2; i++)
            if (!context.HasInput(i) || context.DType(i) != DType.Int16 || context.Shape(i).IsKnown && context.Shape(i).Count != Lut.Knots) throw context.Error($"input {i} is no table of {Lut.Knots} int16 numbers");
        if (context.Shape(0) is { IsRanked: true, Rank: 0 }) throw context.Error("X is a scalar, expected at least one dimension");
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        if (x.DType == DType.Int16)
        {
            Wide(x, context.Input(1).Span<short>(), context.Input(2).Span<short>(), y);
            return;
        }
        (int min, int max) = FixedPoint.TypeRange(x.DType);
        var fixed32 = new FixedFunctions(32);
        long depth = x.Shape[x.Shape.Rank - 1];
        for (long row = 0; depth > 0 && row < x.Count / depth; row++)
        {
            long at = row * depth;
            int largest = min, sum = 0;
            for (long i = 0; i < depth; i++) largest = Math.Max(largest, (int)x.GetInt64(at + i));
            for (long i = 0; i < depth; i++)
                if (Exp((int)x.GetInt64(at + i) - largest) is { } e) sum += FixedPoint.RoundingDivideByPot(e, SumBits);
            (int reciprocal, int over) = fixed32.Reciprocal(sum, SumBits);
            for (long i = 0; i < depth; i++)
            {
                int? e = Exp((int)x.GetInt64(at + i) - largest);
                int value = e is { } exp ? FixedPoint.RoundingDivideByPot(fixed32.Multiply(reciprocal, exp), Math.Min(over + 31 - 8, 31)) + min : min;
                y.SetInt64(at + i, Math.Clamp(value, min, max));
            }
        }

        int? Exp(int difference) => difference < DiffMin
            ? null
            : fixed32.ExpOnNegative(FixedPoint.RoundingDoublingHighMul(difference << (int)InputLeftShift, (int)InputMultiplier), DiffBits);
    }

    private void Wide(Tensor x, ReadOnlySpan<short> exp, ReadOnlySpan<short> reciprocal, Tensor y)
    {
        int depth = (int)x.Shape[x.Shape.Rank - 1];
        for (long row = 0; depth > 0 && row < x.Count / depth; row++)
        {
            ReadOnlySpan<short> from = x.Span<short>().Slice((int)row * depth, depth);
            Span<short> to = y.Span<short>().Slice((int)row * depth, depth);
            int largest = short.MinValue, sum = 0;
            foreach (short v in from) largest = Math.Max(largest, v);
            for (int i = 0; i < depth; i++)
            {
                to[i] = LookUp(exp, FixedPoint.Requantize(from[i] - largest, (int)InputMultiplier, (int)InputLeftShift) + short.MaxValue);
                sum += to[i];
            }
            int zeros = BitOperations.LeadingZeroCount((uint)sum), shift = 31 - zeros;
            int scale = LookUp(reciprocal, (int)(((long)sum << zeros - 1) + (1 << 13) >> 14) - (3 << 15));
            for (int i = 0; i < depth; i++) to[i] = (short)Math.Min(to[i] * scale + (1 << shift - 1) >> shift, short.MaxValue);
        }
    }

    private static short LookUp(ReadOnlySpan<short> table, int x) => Lut.Between(table, (short)Math.Clamp(x, short.MinValue, short.MaxValue));
}
