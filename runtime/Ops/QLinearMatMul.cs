using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>y = saturate(round_half_even(sum * a_scale * b_scale / y_scale) + y_zero_point), the sum running over
/// (a - a_zero_point) * (b - b_zero_point). A's parameters are scalars or one per row, B's scalars or one per column.</summary>
[Operator("QLinearMatMul", "a, a_scale, a_zero_point, b, b_scale, b_zero_point, y_scale, y_zero_point", "y")]
public sealed partial class QLinearMatMul : MatrixProduct
{
    public override void Infer(InferContext c) => c.SetOutput(0, c.DType(7), ProductShape(c, 0, 3));

    public override void Compute(ComputeContext c) => Multiply(c, c.Input(0), c.Input(3));

    protected override double ZeroPointA(ComputeContext c, long row, long rows) => MatMulInteger.PerRow(c.Input(2), row);

    protected override double ZeroPointB(ComputeContext c, long batch, long column, long columns) =>
        MatMulInteger.PerColumn(c.Input(5), batch, column, columns);

    protected override void Store(ComputeContext c, long index, long row, long column, long columns, double sum)
    {
        double scale = MatMulInteger.PerRow(c.Input(1), row) * MatMulInteger.PerColumn(c.Input(4), 0, column, columns);
        Tensor y = c.Output(0), yScale = c.Input(6);
        double real = sum * scale / MatMulInteger.PerRow(yScale, row);
        Quantization.StoreRounded(y, index, real, MatMulInteger.PerRow(c.Input(7), row));
    }
}
