namespace EdgeLite.Ops;

/// <summary>The discrete Fourier transform by its definition, with a table of roots of unity.</summary>
internal sealed class FourierSum
{
    private readonly double[] _cos, _sin;

    /// <summary>Transforms of length <paramref name="length"/>; the inverse has the other sign, its 1/length is the caller's.</summary>
    public FourierSum(int length, bool inverse)
    {
        _cos = new double[length];
        _sin = new double[length];
        for (int i = 0; i < length; i++) (_sin[i], _cos[i]) = Math.SinCos((inverse ? 2 : -2) * Math.PI * i / length);
    }

    /// <summary>Coefficient <paramref name="k"/> of the signal, which counts as zero beyond its end.</summary>
    public (double Re, double Im) Coefficient(ReadOnlySpan<double> re, ReadOnlySpan<double> im, long k)
    {
        double sumRe = 0, sumIm = 0;
        int length = _cos.Length, at = 0, step = (int)(k % length);
        for (int n = 0; n < re.Length; n++)
        {
            sumRe += re[n] * _cos[at] - im[n] * _sin[at];
            sumIm += re[n] * _sin[at] + im[n] * _cos[at];
            at += step;
            if (at >= length) at -= length;
        }
        return (sumRe, sumIm);
    }
}
