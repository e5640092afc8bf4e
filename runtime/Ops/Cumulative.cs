using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Running fold along an axis, from either end, with or without the element itself.</summary>
public abstract class Cumulative : Operator
{
    [Attr] public bool Exclusive { get; set; }
    [Attr] public bool Reverse { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectType(0, context.DType(0).IsFloat() || context.DType(0).IsInteger(), "a number");
        context.ExpectIndex(1);
        if (context.ConstantInts(1) is { } axis && context.Shape(0).IsRanked)
        {
            if (axis.Length != 1) throw context.Error("axis must be one number");
            context.Axis(axis[0], context.Shape(0).Rank);
        }
        context.SetOutput(0, context.DType(0), context.Shape(0));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int axis = context.Axis(context.Input(1).GetInt64(0), x.Shape.Rank);
        long outer = x.Shape.Product(0, axis), dim = x.Shape[axis], inner = x.Shape.Product(axis + 1, x.Shape.Rank);
        bool isFloat = x.DType.IsFloat();
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++)
            {
                double real = Start;
                long integer = Start;
                for (long d = 0; d < dim; d++)
                {
                    long at = (o * dim + (Reverse ? dim - 1 - d : d)) * inner + i;
                    double nextReal = isFloat ? Step(real, x.GetDouble(at)) : 0;
                    long nextInteger = isFloat ? 0 : Step(integer, x.GetInt64(at));
                    if (isFloat) y.SetDouble(at, Exclusive ? real : nextReal);
                    else y.SetInt64(at, Exclusive ? integer : nextInteger);
                    (real, integer) = (nextReal, nextInteger);
                }
            }
    }

    protected abstract int Start { get; }
    protected abstract double Step(double sum, double x);
    protected abstract long Step(long sum, long x);
}
