using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>A window of cosines: w[n] = sum of (-1)^k a_k cos(2 pi k n / N), N being the size (periodic) or size - 1.</summary>
public abstract class WindowFunction : Operator
{
    /// <summary>The number of the output's type.</summary>
    [Attr("output_datatype")] public long Type { get; set; } = (long)DType.Float32;

    [Attr] public bool Periodic { get; set; } = true;

    public override void Infer(InferContext context)
    {
        context.ExpectIndex(0);
        long size = context.ConstantInts(0) is { } known ? known[0] : Shape.Unknown;
        if (context.Constant(0) != null && size < 0) throw context.Error($"size is {size}");
        context.SetOutput(0, (DType)Type, new Shape(size));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        long size = y.Count;
        double period = Periodic ? size : Math.Max(1, size - 1);
        for (long i = 0; i < size; i++)
        {
            double angle = 2 * Math.PI * i / period;
            y.SetDouble(i, A0 - A1 * Math.Cos(angle) + A2 * Math.Cos(2 * angle));
        }
    }

    protected abstract double A0 { get; }
    protected virtual double A1 => 1 - A0;
    protected virtual double A2 => 0;
}
