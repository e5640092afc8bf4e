using System.Numerics;

namespace EdgeLite.Ops;

/// <summary>The inner loop of convolutions and matrix products.</summary>
internal static unsafe class WeightedSum
{
    /// <summary>Outputs computed at once.</summary>
    public static int Lanes => 2 * Vector<double>.Count;

    /// <summary>y[j] = sum over k of w[k] * x[offset[k] + j*step], for j below <paramref name="count"/> (at most <see cref="Lanes"/>).
    /// With step 1 and all lanes in use, neighbouring outputs share vector registers; otherwise one output after the other.</summary>
    public static void Run(double* w, double* x, long* offset, long k, long step, double* y, int count)
    {
        if (step == 1 && count == Lanes)
        {
            Vector<double> low = Vector<double>.Zero, high = Vector<double>.Zero;
            for (long i = 0; i < k; i++)
            {
                double* from = x + offset[i];
                var weight = new Vector<double>(w[i]);
                low += weight * *(Vector<double>*)from;
                high += weight * *(Vector<double>*)(from + Vector<double>.Count);
            }
            *(Vector<double>*)y = low;
            *(Vector<double>*)(y + Vector<double>.Count) = high;
            return;
        }
        for (int j = 0; j < count; j++)
        {
            double* from = x + j * step;
            double sum = 0;
            for (long i = 0; i < k; i++) sum += w[i] * from[offset[i]];
            y[j] = sum;
        }
    }
}
