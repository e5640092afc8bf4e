namespace EdgeLite.Ops.EdgeLite;

/// <summary>The recurrent part of a GRU of linear_before_reset 1 (<see cref="Recurrence"/>), gates z, r, h; Candidate
/// [directions * H16] is the recurrent bias of gate h: n = tanh(g + f(r) (R_h h + Candidate)), h' = n + f(z) (h - n).</summary>
[Operator("Gru", "G, R, Candidate?, h0?", "Y?, Y_h?", Domain = "edgelite")]
public sealed partial class Gru : Recurrence
{
    protected override int Gates => 3;
    protected override int FirstState => 3;
    protected override int States => 1;

    protected override double Step(ReadOnlySpan<double> input, ReadOnlySpan<double> recurrent, double candidate, double old, ref double cell)
    {
        double z = Logistic(input[0] + recurrent[0]), reset = Logistic(input[1] + recurrent[1]);
        double n = Math.Tanh(input[2] + reset * (recurrent[2] + candidate));
        return n + z * (old - n);
    }
}
