namespace EdgeLite.Ops;

/// <summary>
/// Base of operators that an application brings along: they keep all their attributes, whatever they are. Registered with
/// <see cref="OperatorTable.Register(string, string, string, string, Func{Operator})"/>, they serve the nodes of that domain and name in
/// every model prepared from then on.
/// </summary>
public abstract class CustomOperator : Operator
{
    /// <summary>The attributes of the node.</summary>
    public AttributeSet Attributes { get; private set; } = new();

    /// <summary>How the node runs on a GPU; null, the default: not at all, so that <see cref="Operator.Compute"/> runs on the processor, between copies.
    /// Asked when a session on a GPU is prepared; shapes do not depend on values then.</summary>
    public virtual CudaStep? OnCuda(CudaContext context) => null;

    public override void Bind(AttributeReader attributes) => Attributes = attributes.All();
}
