using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Samples X[n][c][spatial..] at positions grid[n][out..][r] in [-1, 1], first coordinate for the last axis; up to 3 spatial axes.
/// nearest rounds half to even, linear weighs 2 elements an axis, cubic 4 (Keys 1981, a = -0.75). Positions outside: zeros,
/// border (clamped) or reflection.
/// </summary>
[Operator("GridSample", "X, grid", "Y")]
public sealed partial class GridSample : Operator
{
    [Attr] public bool AlignCorners { get; set; }
    [Attr] public string Mode { get; set; } = "linear";
    [Attr] public string PaddingMode { get; set; } = "zeros";

    public override void Infer(InferContext c)
    {
        if (Mode is not ("nearest" or "linear" or "cubic")) throw c.Error($"mode is '{Mode}'; expected nearest, linear or cubic");
        if (PaddingMode is not ("zeros" or "border" or "reflection")) throw c.Error($"padding_mode '{PaddingMode}' is not known");
        Shape x = c.Shape(0), grid = c.Shape(1);
        if (!x.IsRanked || !grid.IsRanked)
        {
            c.SetOutput(0, c.DType(0), x.IsRanked ? Shape.OfRank(x.Rank) : Shape.Unranked);
            return;
        }
        if (x.Rank is < 3 or > 5 || grid.Rank != x.Rank) throw c.Error($"X has shape {x}, grid {grid}; expected 3 to 5 dimensions, the same number");
        c.Unify(grid[grid.Rank - 1], x.Rank - 2, "last dimension of the grid and number of spatial axes differ");
        Span<long> dims = stackalloc long[x.Rank];
        dims[0] = c.Unify(x[0], grid[0], "batch sizes of X and grid differ");
        dims[1] = x[1];
        for (int i = 2; i < x.Rank; i++)
        {
            dims[i] = grid[i - 1];
            if (x[i] == 0) throw c.Error($"X has shape {x}; there is nothing to sample");
        }
        c.SetOutput(0, c.DType(0), new Shape(dims));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), grid = c.Input(1), y = c.Output(0);
        int r = x.Shape.Rank - 2, taps = Mode == "nearest" ? 1 : Mode == "linear" ? 2 : 4, combinations = (int)Math.Pow(taps, r);
        long channels = x.Shape[1], plane = x.Shape.Product(2, r + 2), points = y.Shape.Product(2, r + 2);
        Span<long> index = stackalloc long[r * taps];
        Span<double> weight = stackalloc double[r * taps];
        for (long p = 0, all = x.Shape[0] * points; p < all; p++)
        {
            for (int axis = 0; axis < r; axis++)
                Locate(grid.GetDouble(p * r + r - 1 - axis), x.Shape[axis + 2], index.Slice(axis * taps, taps), weight.Slice(axis * taps, taps));
            for (long ch = 0; ch < channels; ch++)
            {
                double sum = 0;
                long first = (p / points * channels + ch) * plane, to = (p / points * channels + ch) * points + p % points;
                for (int combination = 0; combination < combinations; combination++)
                {
                    long at = 0;
                    double factor = 1;
                    for (int axis = 0, rest = combination; axis < r; axis++, rest /= taps)
                    {
                        int t = axis * taps + rest % taps;
                        at = index[t] < 0 || at < 0 ? -1 : at * x.Shape[axis + 2] + index[t];
                        factor *= weight[t];
                    }
                    if (taps == 1 && at >= 0) Elements.Copy(x, first + at, y, to);
                    else if (taps == 1) Elements.Clear(y, to);
                    else if (at >= 0) sum += factor * x.GetDouble(first + at);
                }
                if (taps > 1) y.SetDouble(to, sum);
            }
        }
    }

    /// <summary>Elements of an axis that a normalized position touches (-1: none) and their weights.</summary>
    private void Locate(double normalized, long n, Span<long> index, Span<double> weight)
    {
        double x = AlignCorners ? (normalized + 1) / 2 * (n - 1) : ((normalized + 1) * n - 1) / 2;
        double low = AlignCorners ? 0 : -0.5, high = AlignCorners ? n - 1 : n - 0.5;
        x = (float)x;
        if (Mode == "nearest") x = Math.Round(x, MidpointRounding.ToEven);
        if (x < low || x > high)
        {
            if (PaddingMode == "border") x = Math.Clamp(x, 0, n - 1);
            else if (PaddingMode == "reflection") x = Reflect(x, low, high);
        }
        if (Mode == "nearest")
        {
            index[0] = Element((long)Math.Round(x, MidpointRounding.ToEven), n, low, high);
            weight[0] = 1;
            return;
        }
        long first = (long)Math.Floor(x) - (index.Length == 4 ? 1 : 0);
        for (int i = 0; i < index.Length; i++)
        {
            index[i] = Element(first + i, n, low, high);
            double d = Math.Abs(first + i - x);
            const double a = -0.75;
            weight[i] = index.Length == 2 ? 1 - d : d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
        }
    }

    private long Element(long i, long n, double low, double high) =>
        i >= 0 && i < n ? i
        : PaddingMode == "border" ? Math.Clamp(i, 0, n - 1)
        : PaddingMode == "reflection" ? Math.Clamp((long)Reflect(i, low, high), 0, n - 1)
        : -1;

    private static double Reflect(double x, double low, double high)
    {
        double range = high - low;
        if (range <= 0) return low;
        double distance = x < low ? low - x : x > high ? x - high : 0;
        if (distance == 0) return x;
        double turns = Math.Floor(distance / range), rest = distance - turns * range;
        return x < low == (turns % 2 == 0) ? low + rest : high - rest;
    }
}
