namespace EdgeLite.Ops;

/// <summary>y = x + bias below -lambd, x - bias above lambd, 0 between.</summary>
[Operator("Shrink", "input", "output")]
public sealed partial class Shrink : NumericUnary
{
    [Attr] public float Bias { get; set; }
    [Attr] public float Lambd { get; set; } = 0.5f;

    protected override double Apply(double x) => x < -Lambd ? x + Bias : x > Lambd ? x - Bias : double.IsNaN(x) ? x : 0;
    protected override long Apply(long x, bool isUnsigned) => (long)Apply(isUnsigned ? (double)(ulong)x : x);
}
