namespace EdgeLite.Ops;

/// <summary>
/// Long short-term memory, gates i, o, f, c (ONNX order) with optional peepholes P[i, o, f]:
/// i = f(x_i + R_i h + P_i c), f = f(x_f + R_f h + P_f c) or 1 - i with input_forget, g = g(x_c + R_c h), C = f * c + i * g,
/// o = f(x_o + R_o h + P_o C), H = o * h(C).
/// </summary>
[Operator("LSTM", "X, W, R, B?, sequence_lens?, initial_h?, initial_c?, P?", "Y?, Y_h?, Y_c?")]
public sealed unsafe partial class LSTM : RecurrentOperator
{
    private static readonly string[] s_activations = ["Sigmoid", "Tanh", "Tanh"];

    [Attr] public bool InputForget { get; set; }

    protected override int Gates => 4;
    protected override ReadOnlySpan<string> DefaultActivations => s_activations;
    protected override int InitialCellInput => 6;
    protected override int PeepholeInput => 7;

    protected override void Step(in Cell cell)
    {
        long n = cell.Size;
        double* x = cell.FromInput, h = cell.FromHidden, p = cell.Peephole;
        for (long j = 0; j < n; j++)
        {
            double old = cell.State[j];
            double i = Activate(cell.F[0], x[j] + h[j] + (p == null ? 0 : p[j] * old));
            double f = InputForget ? 1 - i : Activate(cell.F[0], x[2 * n + j] + h[2 * n + j] + (p == null ? 0 : p[2 * n + j] * old));
            double g = Activate(cell.F[1], x[3 * n + j] + h[3 * n + j]);
            double state = f * old + i * g;
            double o = Activate(cell.F[0], x[n + j] + h[n + j] + (p == null ? 0 : p[n + j] * state));
            cell.State[j] = state;
            cell.Hidden[j] = o * Activate(cell.F[2], state);
        }
    }
}
