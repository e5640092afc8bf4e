namespace EdgeLite.Ops;

/// <summary>Blackman window.</summary>
[Operator("BlackmanWindow", "size", "output")]
public sealed partial class BlackmanWindow : WindowFunction
{
    protected override double A0 => 0.42;
    protected override double A1 => 0.5;
    protected override double A2 => 0.08;
}
