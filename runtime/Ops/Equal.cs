namespace EdgeLite.Ops;

/// <summary>C = A == B; numbers, bool, strings.</summary>
[Operator("Equal", "A, B", "C")]
public sealed partial class Equal : Comparison
{
    private protected override void CheckTypes(InferContext context)
    {
    }

    protected override bool Holds(int order) => order == 0;
}
