namespace EdgeLite.Ops.EdgeLite;

/// <summary>The recurrent part of an LSTM (<see cref="Recurrence"/>), gates i, o, f, c:
/// c' = clip(f(f) c + f(i) tanh(g)), h' = f(o) tanh(c').</summary>
[Operator("Lstm", "G, R, h0?, c0?", "Y?, Y_h?, Y_c?", Domain = "edgelite")]
public sealed partial class Lstm : Recurrence
{
    /// <summary>Bound of the cell state, both signs; 0: none.</summary>
    [Attr] public float CellClip { get; set; }

    protected override int Gates => 4;
    protected override int FirstState => 2;
    protected override int States => 2;

    protected override double Step(ReadOnlySpan<double> input, ReadOnlySpan<double> recurrent, double candidate, double old, ref double cell)
    {
        cell = Logistic(input[2] + recurrent[2]) * cell + Logistic(input[0] + recurrent[0]) * Math.Tanh(input[3] + recurrent[3]);
        if (CellClip > 0) cell = Math.Clamp(cell, -CellClip, CellClip);
        return Logistic(input[1] + recurrent[1]) * Math.Tanh(cell);
    }
}
