namespace EdgeLite.Ops;

/// <summary>The error function in double precision.</summary>
internal static class ErrorFunction
{
    private const double TwoOverSqrtPi = 1.1283791670955126;

    /// <summary>erf(x) = 2/sqrt(pi) * integral of exp(-t^2) from 0 to x. Abramowitz and Stegun, 7.1.6 (all terms positive) up to 3,
    /// 7.1.14 (continued fraction of erfc) beyond.</summary>
    public static double Erf(double x)
    {
        double a = Math.Abs(x);
        if (double.IsNaN(x)) return x;
        if (a > 6) return Math.Sign(x);
        double value;
        if (a < 3)
        {
            double term = a, sum = a;
            for (int n = 1; term > sum * 1e-17; n++)
            {
                term *= 2 * a * a / (2 * n + 1);
                sum += term;
            }
            value = TwoOverSqrtPi * Math.Exp(-a * a) * sum;
        }
        else
        {
            double fraction = a;
            for (int n = 60; n > 0; n--) fraction = a + n * 0.5 / fraction;
            value = 1 - TwoOverSqrtPi * 0.5 * Math.Exp(-a * a) / fraction;
        }
        return x < 0 ? -value : value;
    }
}
