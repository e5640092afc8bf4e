using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Determinants of the square matrices in the last two dimensions, by elimination with pivoting in double.</summary>
[Operator("Det", "X", "Y")]
public sealed partial class Det : Operator
{
    public override void Infer(InferContext context)
    {
        context.ExpectFloat(0);
        Shape x = context.Shape(0), result = x;
        if (x.IsRanked)
        {
            if (x.Rank < 2) throw context.Error($"the input must have at least 2 dimensions, got {x}");
            context.Unify(x[x.Rank - 2], x[x.Rank - 1], "rows and columns");
            result = new Shape(x.AsSpan()[..^2]);
        }
        context.SetOutput(0, context.DType(0), result);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor x = context.Input(0), y = context.Output(0);
        int n = checked((int)x.Shape[x.Shape.Rank - 1]);
        var m = new double[n * n];
        for (long k = 0, count = y.Count; k < count; k++)
        {
            for (int i = 0; i < m.Length; i++) m[i] = x.GetDouble(k * m.Length + i);
            y.SetDouble(k, Determinant(m, n));
        }
    }

    private static double Determinant(double[] m, int n)
    {
        double result = 1;
        for (int c = 0; c < n; c++)
        {
            int pivot = c;
            for (int r = c + 1; r < n; r++)
                if (Math.Abs(m[r * n + c]) > Math.Abs(m[pivot * n + c])) pivot = r;
            if (m[pivot * n + c] == 0) return 0;
            if (pivot != c)
            {
                result = -result;
                for (int i = 0; i < n; i++) (m[c * n + i], m[pivot * n + i]) = (m[pivot * n + i], m[c * n + i]);
            }
            result *= m[c * n + c];
            for (int r = c + 1; r < n; r++)
            {
                double factor = m[r * n + c] / m[c * n + c];
                for (int i = c; i < n; i++) m[r * n + i] -= factor * m[c * n + i];
            }
        }
        return result;
    }
}
