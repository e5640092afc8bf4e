using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Discrete Fourier transform along an axis. The last dimension is 1 (real) or 2 (real, imaginary). onesided: the real
/// transform gives length / 2 + 1 coefficients, the inverse one takes them and gives a real signal.</summary>
[Operator("DFT", "input, dft_length?, axis?", "output")]
public sealed partial class DFT : Operator
{
    [Attr] public bool Inverse { get; set; }
    [Attr("onesided")] public bool OneSided { get; set; }

    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        Shape x = context.Shape(0);
        if (!x.IsRanked || (context.HasInput(2) && context.Constant(2) == null))
        {
            context.SetOutput(0, context.DType(0), x.IsRanked ? Shape.OfRank(x.Rank) : x);
            return;
        }
        if (x.Rank < 2) throw context.Error($"the input must have at least 2 dimensions, got {x}");
        long parts = x[x.Rank - 1];
        if (parts > 2 || parts == 0) throw context.Error($"the last dimension must be 1 or 2, got shape {x}");
        if (OneSided && !Inverse && parts == 2) throw context.Error("a one-sided transform needs a real input");
        int axis = context.Axis(context.ConstantInts(2)?[0] ?? -2, x.Rank);
        if (axis == x.Rank - 1) throw context.Error("the axis cannot be the last dimension");
        long length = context.HasInput(1) ? context.ConstantInts(1)?[0] ?? Shape.Unknown
            : OneSided && Inverse && x[axis] >= 0 ? 2 * (x[axis] - 1) : x[axis];
        if (context.Constant(1) != null && length < 1) throw context.Error($"dft_length is {length}");
        bool half = OneSided && !Inverse;
        Shape result = x.With(axis, !half ? length : length < 0 ? Shape.Unknown : length / 2 + 1);
        context.SetOutput(0, context.DType(0), result.With(x.Rank - 1, OneSided && Inverse ? 1 : 2));
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int rank = x.Shape.Rank, axis = context.Axis(context.OptionalInput(2)?.GetInt64(0) ?? -2, rank);
        long outer = x.Shape.Product(0, axis), inner = x.Shape.Product(axis + 1, rank - 1);
        int size = (int)x.Shape[axis], parts = (int)x.Shape[rank - 1], partsOut = (int)y.Shape[rank - 1];
        bool mirrored = OneSided && Inverse;
        int length = (int)(context.OptionalInput(1)?.GetInt64(0) ?? (mirrored ? 2 * (size - 1) : size));
        long sizeOut = y.Shape[axis];
        var sum = new FourierSum(length, Inverse);
        double scale = Inverse ? 1.0 / length : 1;
        var re = new double[length];
        var im = new double[length];
        for (long o = 0; o < outer; o++)
            for (long i = 0; i < inner; i++)
            {
                for (int n = 0; n < length; n++)
                {
                    // A one-sided spectrum goes on as the conjugate of itself: X[length - n] = conj(X[n]).
                    bool isMirror = mirrored && n > length / 2;
                    int from = isMirror ? length - n : n;
                    long at = ((o * size + from) * inner + i) * parts;
                    re[n] = from < size ? x.GetDouble(at) : 0;
                    im[n] = from < size && parts == 2 ? isMirror ? -x.GetDouble(at + 1) : x.GetDouble(at + 1) : 0;
                }
                for (long k = 0; k < sizeOut; k++)
                {
                    (double real, double imaginary) = sum.Coefficient(re, im, k);
                    long to = ((o * sizeOut + k) * inner + i) * partsOut;
                    y.SetDouble(to, real * scale);
                    if (partsOut == 2) y.SetDouble(to + 1, imaginary * scale);
                }
            }
    }
}
