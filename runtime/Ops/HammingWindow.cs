namespace EdgeLite.Ops;

/// <summary>Hamming window with the exact coefficient 25 / 46.</summary>
[Operator("HammingWindow", "size", "output")]
public sealed partial class HammingWindow : WindowFunction
{
    protected override double A0 => 25.0 / 46;
}
