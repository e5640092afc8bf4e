namespace EdgeLite.Ops.EdgeLite;

/// <summary>TFLite's integer SUB: as <see cref="QAdd"/> with <c>ra - rb</c>.</summary>
[Operator("QSub", "A, B", "Y", Domain = "edgelite")]
public sealed partial class QSub : QuantizedSum
{
    protected override int Combine(int a, int b) => ScaleA(a) - ScaleB(b);
}
