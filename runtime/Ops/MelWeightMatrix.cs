using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>The matrix [dft_length / 2 + 1, num_mel_bins] that turns a spectrum into mel bands: triangles between points equally
/// spaced on the mel scale 2595 log10(1 + f / 700), snapped to spectrum bins.</summary>
[Operator("MelWeightMatrix", "num_mel_bins, dft_length, sample_rate, lower_edge_hertz, upper_edge_hertz", "output")]
public sealed partial class MelWeightMatrix : Operator
{
    /// <summary>The number of the output's type.</summary>
    [Attr("output_datatype")] public long Type { get; set; } = (long)DType.Float32;

    public override void Infer(InferContext context)
    {
        long bins = context.ConstantInts(0)?[0] ?? Shape.Unknown, length = context.ConstantInts(1)?[0] ?? Shape.Unknown;
        if ((context.Constant(0) != null && bins < 0) || (context.Constant(1) != null && length < 1)) throw context.Error($"{bins} bins over a transform of {length}");
        context.SetOutput(0, (DType)Type, new Shape(length < 0 ? length : length / 2 + 1, bins));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor y = context.Output(0);
        long length = context.Input(1).GetInt64(0), rate = context.Input(2).GetInt64(0), rows = y.Shape[0], bins = y.Shape[1];
        double low = Mel(context.Input(3).GetDouble(0)), step = (Mel(context.Input(4).GetDouble(0)) - low) / (bins + 2);
        for (long m = 0; m < bins; m++)
        {
            long left = Bin(m), centre = Bin(m + 1), right = Bin(m + 2);
            for (long r = 0; r < rows; r++)
            {
                double weight = r >= left && r < centre ? (double)(r - left) / (centre - left)
                    : r == centre ? 1
                    : r > centre && r < right ? (double)(right - r) / (right - centre) : 0;
                y.SetDouble(r * bins + m, weight);
            }
        }

        long Bin(long point) => (long)Math.Floor((length + 1) * Hertz(low + point * step) / rate);
    }

    private static double Mel(double hertz) => 2595 * Math.Log10(1 + hertz / 700);

    private static double Hertz(double mel) => 700 * (Math.Pow(10, mel / 2595) - 1);
}
