using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Z = X to the power of Y, in the type of X; the exponent may have another number type. Integer powers of integers are
/// exact and wrap.</summary>
[Operator("Pow", "X, Y", "Z")]
public sealed partial class Pow : Operator
{
    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        for (int i = 0; i < 2; i++)
            context.ExpectType(i, context.DType(i).IsFloat() || context.DType(i).IsInteger(), "a number");
        context.SetOutput(0, context.DType(0), context.Broadcast(context.Shape(0), context.Shape(1)));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Input(1), z = context.Output(0);
        var i = StridedCursor.Broadcast(x.Shape, z.Shape);
        var j = StridedCursor.Broadcast(y.Shape, z.Shape);
        bool exact = x.DType.IsInteger() && y.DType.IsInteger();
        for (long k = 0, n = z.Count; k < n; k++, i.Next(), j.Next())
        {
            if (exact && (y.DType.IsUnsigned() || y.GetInt64(j.Offset) >= 0))
                z.SetInt64(k, Power(x.GetInt64(i.Offset), (ulong)y.GetInt64(j.Offset)));
            else
                z.SetDouble(k, Math.Pow(x.GetDouble(i.Offset), y.GetDouble(j.Offset)));
        }
    }

    private static long Power(long value, ulong exponent)
    {
        long result = 1;
        for (; exponent != 0; exponent >>= 1, value *= value)
            if ((exponent & 1) != 0) result *= value;
        return result;
    }
}
