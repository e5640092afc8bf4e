using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Draws class numbers: the input is [batch, classes] of log-probabilities (not necessarily normalised), the output
/// [batch, sample_size].</summary>
[Operator("Multinomial", "input", "output")]
public sealed partial class Multinomial : RandomOperator
{
    /// <summary>The number of the output's type: int32 or int64.</summary>
    [Attr("dtype")] public long Type { get; set; } = (long)DType.Int32;

    [Attr] public long SampleSize { get; set; } = 1;

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        context.ExpectRank(0, 2);
        if ((DType)Type is not (DType.Int32 or DType.Int64)) throw context.Error($"dtype must be int32 or int64, got {((DType)Type).Name()}");
        context.SetOutput(0, (DType)Type, new Shape(context.Shape(0).IsRanked ? context.Shape(0)[0] : Shape.Unknown, SampleSize));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        long batch = x.Shape[0], classes = x.Shape[1];
        for (long b = 0; b < batch; b++)
        {
            double max = double.NegativeInfinity, sum = 0;
            for (long c = 0; c < classes; c++) max = Math.Max(max, x.GetDouble(b * classes + c));
            for (long c = 0; c < classes; c++) sum += Math.Exp(x.GetDouble(b * classes + c) - max);
            for (long s = 0; s < SampleSize; s++)
            {
                double rest = Random.NextUniform() * sum;
                long pick = 0;
                for (; pick < classes - 1; pick++)
                    if ((rest -= Math.Exp(x.GetDouble(b * classes + pick) - max)) < 0) break;
                y.SetInt64(b * SampleSize + s, pick);
            }
        }
    }
}
