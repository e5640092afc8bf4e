namespace EdgeLite.Ops;

/// <summary>H = f(W x + Wb + R h + Rb).</summary>
[Operator("RNN", "X, W, R, B?, sequence_lens?, initial_h?", "Y?, Y_h?")]
public sealed unsafe partial class RNN : RecurrentOperator
{
    private static readonly string[] s_activations = ["Tanh"];

    protected override int Gates => 1;
    protected override ReadOnlySpan<string> DefaultActivations => s_activations;

    protected override void Step(in Cell cell)
    {
        for (long j = 0; j < cell.Size; j++) cell.Hidden[j] = Activate(cell.F[0], cell.FromInput[j] + cell.FromHidden[j]);
    }
}
