using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>An operator on any number of tensors of one type under NumPy broadcasting, folded from the first to the last.</summary>
public abstract class VariadicElementwise : Operator
{
    public override bool CanRunInPlace(int input) => true;

    public override void Infer(InferContext context)
    {
        if (context.InputCount == 0) throw context.Error("at least one input is needed");
        DType type = context.DType(0);
        Shape shape = context.Shape(0);
        for (int i = 1; i < context.InputCount; i++)
        {
            context.SameType(0, i);
            shape = context.Broadcast(shape, context.Shape(i));
        }
        context.ExpectType(0, type.IsFloat() || type.IsInteger(), "a number");
        context.SetOutput(0, type, shape);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        int count = context.InputCount;
        var cursors = new StridedCursor[count];
        for (int i = 0; i < count; i++) cursors[i] = StridedCursor.Broadcast(context.Input(i).Shape, y.Shape);
        bool isFloat = y.DType.IsFloat(), isUnsigned = y.DType.IsUnsigned();
        for (long k = 0, n = y.Count; k < n; k++)
        {
            double real = isFloat ? context.Input(0).GetDouble(cursors[0].Offset) : 0;
            long integer = isFloat ? 0 : context.Input(0).GetInt64(cursors[0].Offset);
            cursors[0].Next();
            for (int i = 1; i < count; i++)
            {
                if (isFloat) real = Apply(real, context.Input(i).GetDouble(cursors[i].Offset));
                else integer = Apply(integer, context.Input(i).GetInt64(cursors[i].Offset), isUnsigned);
                cursors[i].Next();
            }
            if (isFloat) y.SetDouble(k, Finish(real, count));
            else y.SetInt64(k, integer);
        }
    }

    protected abstract double Apply(double a, double b);

    /// <summary>The function on integers; the bits are those of uint64 when <paramref name="isUnsigned"/>.</summary>
    protected abstract long Apply(long a, long b, bool isUnsigned);

    /// <summary>Last step after all <paramref name="count"/> inputs.</summary>
    protected virtual double Finish(double value, int count) => value;
}
