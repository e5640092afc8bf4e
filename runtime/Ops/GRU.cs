namespace EdgeLite.Ops;

/// <summary>
/// Gated recurrent unit, gates z, r, h (arXiv 1406.1078): z = f(x_z + R_z h), r = f(x_r + R_r h),
/// n = g(x_h + R_h (r * h) + Rb_h), or with linear_before_reset g(x_h + r * (R_h h + Rb_h)); H = (1 - z) * n + z * h.
/// </summary>
[Operator("GRU", "X, W, R, B?, sequence_lens?, initial_h?", "Y?, Y_h?")]
public sealed unsafe partial class GRU : RecurrentOperator
{
    private static readonly string[] s_activations = ["Sigmoid", "Tanh"];

    [Attr] public bool LinearBeforeReset { get; set; }

    protected override int Gates => 3;
    protected override ReadOnlySpan<string> DefaultActivations => s_activations;

    protected override void Step(in Cell cell)
    {
        long n = cell.Size;
        double* x = cell.FromInput, h = cell.FromHidden, hidden = cell.Hidden;
        for (long j = 0; j < 2 * n; j++) x[j] = Activate(cell.F[0], x[j] + h[j]);
        double* update = x, reset = x + n, candidate = x + 2 * n;
        for (long j = 0; j < n; j++)
        {
            double recurrent = reset[j] * h[2 * n + j];
            if (!LinearBeforeReset)
            {
                recurrent = cell.RecurrentBias[2 * n + j];
                for (long k = 0; k < n; k++) recurrent += cell.R[(2 * n + j) * n + k] * reset[k] * hidden[k];
            }
            candidate[j] = Activate(cell.F[1], candidate[j] + recurrent);
        }
        for (long j = 0; j < n; j++) hidden[j] = (1 - update[j]) * candidate[j] + update[j] * hidden[j];
    }
}
