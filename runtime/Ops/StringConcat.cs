using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Strings joined elementwise under broadcasting.</summary>
[Operator("StringConcat", "X, Y", "Z")]
public sealed partial class StringConcat : ElementwiseBinary
{
    private protected override void CheckTypes(InferContext context) => context.ExpectType(0, context.DType(0) == DType.String, "string");

    protected override void Element(Tensor a, long i, Tensor b, long j, Tensor y, long k) => y.Strings![k] = a.Strings![i] + b.Strings![j];
}
