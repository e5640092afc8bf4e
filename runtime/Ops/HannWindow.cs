namespace EdgeLite.Ops;

/// <summary>Hann window.</summary>
[Operator("HannWindow", "size", "output")]
public sealed partial class HannWindow : WindowFunction
{
    protected override double A0 => 0.5;
}
