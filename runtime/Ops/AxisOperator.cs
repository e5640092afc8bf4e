using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Maps each line of elements along one axis to a line of the same length: X[outer][n][inner].</summary>
public abstract class AxisOperator : Operator
{
    [Attr] public long Axis { get; set; } = -1;

    public override void Infer(InferContext c)
    {
        if (c.Shape(0).IsRanked && c.Shape(0).Rank > 0) c.Axis(Axis, c.Shape(0).Rank);
        c.SetOutput(0, c.DType(0), c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        int rank = x.Shape.Rank, axis = (int)(Axis < 0 ? Axis + rank : Axis);
        long n = rank == 0 ? 1 : x.Shape[axis], outer = rank == 0 ? 1 : x.Shape.Product(0, axis);
        long inner = rank == 0 ? 1 : x.Shape.Product(axis + 1, rank);
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++) Line(x, y, o * n * inner + i, n, inner);
    }

    /// <summary>One line: elements first, first + step, ... of X and Y.</summary>
    protected abstract void Line(Tensor x, Tensor y, long first, long count, long step);

    /// <summary>The largest element of a line and the sum of exp(x - largest).</summary>
    protected static (double Max, double Sum) Exponentials(Tensor x, long first, long count, long step)
    {
        double max = double.NegativeInfinity, sum = 0;
        for (long i = 0; i < count; i++) max = Math.Max(max, x.GetDouble(first + i * step));
        for (long i = 0; i < count; i++) sum += Math.Exp(x.GetDouble(first + i * step) - max);
        return (max, sum);
    }
}
