using System.Numerics;

namespace EdgeLite.Ops;

/// <summary>The inner loop of convolutions and matrix products.</summary>
internal static unsafe class WeightedSum
{
    /// <summary>Outputs of a row of weights that are computed at once.</summary>
    public static int Lanes => 2 * Vector<double>.Count;

    /// <summary>Rows of weights that share what is read of x.</summary>
    public const int Rows = 4;

    /// <summary>Room for the sums of <see cref="Rows"/> rows.</summary>
    public static int Sums => Rows * Lanes;

    /// <summary>y[r*Lanes + j] = sum over i of w[r*k + i] * x[offset[i] + j*step], i in rising order, for r below <paramref name="rows"/> (at most
    /// <see cref="Rows"/>) and j below <paramref name="count"/> (at most <see cref="Lanes"/>); the other lanes are anybody's.
    /// With step 1 x is read as far as all lanes reach: a <see cref="WideBuffer"/> has that room at its end.</summary>
    public static void Run(double* w, int rows, double* x, long* offset, long k, long step, double* y, int count)
    {
        if (rows == Rows)
        {
            if (step == 1) NeighboursOfFour(w, x, offset, k, y);
            else for (int j = 0; j < count; j++) OneOfFour(w, x + j * step, offset, k, y + j);
            return;
        }
        for (int r = 0; r < rows; r++, w += k, y += Lanes)
        {
            if (step == 1) Neighbours(w, x, offset, k, y);
            else for (int j = 0; j < count; j++) y[j] = One(w, x + j * step, offset, k);
        }
    }

    private static void NeighboursOfFour(double* w, double* x, long* offset, long k, double* y)
    {
        Vector<double> low0 = default, low1 = default, low2 = default, low3 = default, high0 = default, high1 = default, high2 = default, high3 = default;
        for (long i = 0; i < k; i++, w++)
        {
            Vector<double> low = *(Vector<double>*)(x + offset[i]), high = *(Vector<double>*)(x + offset[i] + Vector<double>.Count);
            Vector<double> w0 = new(w[0]), w1 = new(w[k]), w2 = new(w[2 * k]), w3 = new(w[3 * k]);
            low0 += w0 * low;
            high0 += w0 * high;
            low1 += w1 * low;
            high1 += w1 * high;
            low2 += w2 * low;
            high2 += w2 * high;
            low3 += w3 * low;
            high3 += w3 * high;
        }
        var to = (Vector<double>*)y;
        (to[0], to[1], to[2], to[3], to[4], to[5], to[6], to[7]) = (low0, high0, low1, high1, low2, high2, low3, high3);
    }

    private static void Neighbours(double* w, double* x, long* offset, long k, double* y)
    {
        Vector<double> low = default, high = default;
        for (long i = 0; i < k; i++)
        {
            double* from = x + offset[i];
            var weight = new Vector<double>(w[i]);
            low += weight * *(Vector<double>*)from;
            high += weight * *(Vector<double>*)(from + Vector<double>.Count);
        }
        *(Vector<double>*)y = low;
        *(Vector<double>*)(y + Vector<double>.Count) = high;
    }

    private static void OneOfFour(double* w, double* x, long* offset, long k, double* y)
    {
        double sum0 = 0, sum1 = 0, sum2 = 0, sum3 = 0;
        for (long i = 0; i < k; i++, w++)
        {
            double value = x[offset[i]];
            sum0 += w[0] * value;
            sum1 += w[k] * value;
            sum2 += w[2 * k] * value;
            sum3 += w[3 * k] * value;
        }
        (y[0], y[Lanes], y[2 * Lanes], y[3 * Lanes]) = (sum0, sum1, sum2, sum3);
    }

    private static double One(double* w, double* x, long* offset, long k)
    {
        double sum = 0;
        for (long i = 0; i < k; i++) sum += w[i] * x[offset[i]];
        return sum;
    }
}
