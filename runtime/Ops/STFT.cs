using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Short-time Fourier transform: frames of the signal [batch, length, 1 or 2], windowed and transformed:
/// [batch, frames, coefficients, 2].</summary>
[Operator("STFT", "signal, frame_step, window?, frame_length?", "output")]
public sealed partial class STFT : Operator
{
    [Attr("onesided")] public bool OneSided { get; set; } = true;

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        context.ExpectRank(2, 1);
        Shape x = context.Shape(0);
        if (x.IsRanked && x.Rank is not (2 or 3)) throw context.Error($"the signal must be [batch, length, 1 or 2], got {x}");
        long length = context.HasInput(3) ? context.ConstantInts(3)?[0] ?? Shape.Unknown
            : context.HasInput(2) && context.Shape(2).IsRanked ? context.Shape(2)[0] : Shape.Unknown;
        if (!context.HasInput(2) && !context.HasInput(3)) throw context.Error("either window or frame_length is needed");
        long step = context.ConstantInts(1)?[0] ?? Shape.Unknown;
        if (context.Constant(1) != null && step < 1) throw context.Error($"frame_step is {step}");
        if (context.Constant(3) != null && length < 1) throw context.Error($"frame_length is {length}");
        if (context.HasInput(2) && context.Shape(2).IsRanked) context.Unify(context.Shape(2)[0], length, "window and frame_length");
        long samples = x.IsRanked ? x[1] : Shape.Unknown;
        if (samples >= 0 && length > samples) throw context.Error($"a frame of {length} is longer than the signal of {samples}");
        long frames = length >= 0 && step >= 0 && samples >= 0 ? (samples - length) / step + 1 : Shape.Unknown;
        context.SetOutput(0, context.DType(0), new Shape(x.IsRanked ? x[0] : Shape.Unknown, frames, length < 0 ? length : OneSided ? length / 2 + 1 : length, 2));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        Tensor? window = context.OptionalInput(2);
        int length = (int)(context.OptionalInput(3)?.GetInt64(0) ?? window!.Count);
        long step = context.Input(1).GetInt64(0), samples = x.Shape[1], parts = x.Shape.Rank == 3 ? x.Shape[2] : 1;
        var sum = new FourierSum(length, inverse: false);
        var re = new double[length];
        var im = new double[length];
        long to = 0;
        for (long b = 0; b < y.Shape[0]; b++)
            for (long f = 0; f < y.Shape[1]; f++)
            {
                for (int n = 0; n < length; n++)
                {
                    double weight = window?.GetDouble(n) ?? 1;
                    long at = (b * samples + f * step + n) * parts;
                    re[n] = weight * x.GetDouble(at);
                    im[n] = parts == 2 ? weight * x.GetDouble(at + 1) : 0;
                }
                for (long k = 0; k < y.Shape[2]; k++)
                {
                    (double real, double imaginary) = sum.Coefficient(re, im, k);
                    y.SetDouble(to++, real);
                    y.SetDouble(to++, imaginary);
                }
            }
    }
}
