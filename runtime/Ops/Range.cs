using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>start, start + delta, ... up to limit (exclusive).</summary>
[Operator("Range", "start, limit, delta", "output")]
public sealed partial class Range : Operator
{
    public override void Infer(InferContext context)
    {
        DType type = context.SameType(0, 1);
        context.SameType(0, 2);
        context.ExpectType(0, type.IsFloat() || type.IsInteger(), "a number");
        long count = Shape.Unknown;
        if (context.Constant(0) is { } start && context.Constant(1) is { } limit && context.Constant(2) is { } delta)
        {
            if (delta.GetDouble(0) == 0) throw context.Error("delta is 0");
            count = type.IsFloat()
                ? (long)Math.Max(0, Math.Ceiling((limit.GetDouble(0) - start.GetDouble(0)) / delta.GetDouble(0)))
                : Steps(start.GetInt64(0), limit.GetInt64(0), delta.GetInt64(0));
        }
        context.SetOutput(0, type, new Shape(count));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor start = context.Input(0), delta = context.Input(2), y = context.Output(0);
        for (long i = 0, n = y.Count; i < n; i++)
        {
            if (y.DType.IsFloat()) y.SetDouble(i, start.GetDouble(0) + i * delta.GetDouble(0));
            else y.SetInt64(i, start.GetInt64(0) + i * delta.GetInt64(0));
        }
    }

    private static long Steps(long start, long limit, long delta)
    {
        if (delta > 0 ? limit <= start : limit >= start) return 0;
        // Differences of 64 bits have no sign any more.
        ulong distance = delta > 0 ? (ulong)limit - (ulong)start : (ulong)start - (ulong)limit, step = delta > 0 ? (ulong)delta : 0 - (ulong)delta;
        return (long)((distance - 1) / step + 1);
    }
}
