using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Sampling positions of an affine map: theta[n][r][r+1] applied to evenly spaced positions in [-1, 1] gives
/// grid[n][spatial..][r], r being 2 or 3. The first coordinate belongs to the last spatial axis.</summary>
[Operator("AffineGrid", "theta, size", "grid")]
public sealed partial class AffineGrid : Operator
{
    [Attr] public bool AlignCorners { get; set; }

    public override void Infer(InferContext c)
    {
        Shape theta = c.Shape(0);
        if (c.ConstantInts(1) is { } size)
        {
            if (size.Length is not (4 or 5)) throw c.Error($"size has {size.Length} values; expected 4 or 5");
            c.SetOutput(0, c.DType(0), size.Length == 4 ? new Shape(size[0], size[2], size[3], 2) : new Shape(size[0], size[2], size[3], size[4], 3));
        }
        else if (theta.IsRanked && theta.Rank == 3 && theta[1] > 0)
            c.SetOutput(0, c.DType(0), Shape.OfRank((int)theta[1] + 2).With((int)theta[1] + 1, theta[1]));
        else c.SetOutput(0, c.DType(0), Shape.Unranked);
    }

    public override void Compute(ComputeContext c)
    {
        Tensor theta = c.Input(0), grid = c.Output(0);
        int r = grid.Shape.Rank - 2;
        Span<double> position = stackalloc double[4];
        for (long i = 0, points = grid.Count / r; i < points; i++)
        {
            long rest = i;
            for (int axis = r; axis >= 1; axis--)
            {
                long n = grid.Shape[axis], at = rest % n;
                position[r - axis] = AlignCorners ? n == 1 ? -1 : -1 + 2.0 * at / (n - 1) : -1 + (2.0 * at + 1) / n;
                rest /= n;
            }
            position[r] = 1;
            for (int row = 0; row < r; row++)
            {
                double sum = 0;
                for (int k = 0; k <= r; k++) sum += theta.GetDouble((rest * r + row) * (r + 1) + k) * position[k];
                grid.SetDouble(i * r + row, sum);
            }
        }
    }
}
