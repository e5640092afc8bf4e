namespace EdgeLite.Tests;

internal static class TensorAssert
{
    /// <summary>|expected - got| at most atol + rtol * |expected| for each element; equal shapes; NaN equals NaN.</summary>
    public static void Close(Tensor expected, Tensor got, double rtol, double atol, string what)
    {
        Assert.True(expected.Shape == got.Shape, $"{what}: expected shape {expected.Shape}, got {got.Shape}");
        long wrong = 0, worstAt = -1;
        double worst = -1;
        for (long i = 0; i < expected.Count; i++)
        {
            double e = expected.GetDouble(i), g = got.GetDouble(i);
            if (e.Equals(g) || Math.Abs(e - g) <= atol + rtol * Math.Abs(e)) continue;
            wrong++;
            double error = double.IsNaN(e - g) ? double.PositiveInfinity : Math.Abs(e - g);
            if (error <= worst) continue;
            worst = error;
            worstAt = i;
        }
        Assert.True(wrong == 0, wrong == 0 ? "" :
            $"{what}: {wrong} of {expected.Count} elements differ, worst at {worstAt}: expected {expected.GetDouble(worstAt):g9}, got {got.GetDouble(worstAt):g9}");
    }
}
