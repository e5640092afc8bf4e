namespace EdgeLite.Ops;

/// <summary>Matrix product, numpy.matmul.</summary>
[Operator("MatMul", "A, B", "Y")]
public sealed partial class MatMul : MatrixProduct
{
    public override void Infer(InferContext c)
    {
        if (c.DType(0) != c.DType(1)) throw c.Error($"operands have different types, {c.Input(0)} and {c.Input(1)}");
        c.SetOutput(0, c.DType(0), ProductShape(c, 0, 1));
    }

    public override void Compute(ComputeContext c) => Multiply(c, c.Input(0), c.Input(1));

    protected override void Store(ComputeContext c, long index, long row, long column, long columns, double sum) =>
        c.Output(0).SetDouble(index, sum);
}
