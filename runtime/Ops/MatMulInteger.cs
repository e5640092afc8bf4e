using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Matrix product of 8-bit integers less their zero points, in int32. A's zero point is a scalar or one per row, B's a
/// scalar or one per column.</summary>
[Operator("MatMulInteger", "A, B, a_zero_point?, b_zero_point?", "Y")]
public sealed partial class MatMulInteger : MatrixProduct
{
    public override void Infer(InferContext c) => c.SetOutput(0, DType.Int32, ProductShape(c, 0, 1));

    public override void Compute(ComputeContext c) => Multiply(c, c.Input(0), c.Input(1));

    protected override double ZeroPointA(ComputeContext c, long row, long rows) => PerRow(c.OptionalInput(2), row);

    protected override double ZeroPointB(ComputeContext c, long batch, long column, long columns) =>
        PerColumn(c.OptionalInput(3), batch, column, columns);

    protected override void Store(ComputeContext c, long index, long row, long column, long columns, double sum) =>
        c.Output(0).SetInt64(index, (long)sum);

    /// <summary>A scalar, or [..][m] / [..][m][1]: one value for each row, batches repeating when it has fewer.</summary>
    internal static double PerRow(Tensor? t, long row) => t == null ? 0 : t.GetDouble(t.Count == 1 ? 0 : row % t.Count);

    /// <summary>A scalar, [n], or [..][1][n]: one value for each column of each batch.</summary>
    internal static double PerColumn(Tensor? t, long batch, long column, long columns) =>
        t == null ? 0 : t.GetDouble(t.Count == 1 ? 0 : (batch * columns + column) % t.Count);
}
