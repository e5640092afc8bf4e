using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Softmax over the last axis in integers, X and Y int8 or uint8, Y with scale 1/256 and the type's lowest value as zero point.
/// With d = x - max(x): e = exp(requantized d as Q5.26) in Q0.31, 0 where d is below diff_min; the sum in Q12.19; y = e / sum
/// through a fixed-point reciprocal. Arithmetic: tensorflow/lite/kernels/internal/reference/softmax.h.
/// </summary>
[Operator("QSoftmax", "X", "Y", Domain = "edgelite")]
public sealed partial class QSoftmax : Operator
{
    private const int DiffBits = 5, SumBits = 12;

    [Attr(Required = true)] public long InputMultiplier { get; set; }
    [Attr(Required = true)] public long InputLeftShift { get; set; }
    [Attr(Required = true)] public long DiffMin { get; set; }

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        if (context.DType(0) is not (DType.Int8 or DType.UInt8)) throw context.Error($"X is {context.DType(0).Name()}, expected int8 or uint8");
        if (context.Shape(0) is { IsRanked: true, Rank: 0 }) throw context.Error("X is a scalar, expected at least one dimension");
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
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
}
