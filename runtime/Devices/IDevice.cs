using EdgeLite.Ops;

namespace EdgeLite.Devices;

/// <summary>A class of processor, as the pair that Torch called TH and THNN: tensor operations and neural-network layers.
/// A layer never asks which device it is on; it is bound through the table that the device hands out.</summary>
public interface IDevice
{
    string Name { get; }
    ITensorBackend Tensor { get; }
    INnBackend Nn { get; }
}

/// <summary>Element-wise operations, reductions and data movement of one device.</summary>
public interface ITensorBackend
{
    /// <summary>Binds a step to native functions, or returns false (nothing recorded) when this device has none for these
    /// types and shapes; the reference loop then serves.</summary>
    bool TryBind(Operator op, BindContext context);
}

/// <summary>Layers of one device: convolution, products, pooling, normalisation, recurrent cells.</summary>
public interface INnBackend
{
    /// <inheritdoc cref="ITensorBackend.TryBind"/>
    bool TryBind(Operator op, BindContext context);
}

/// <summary>Marks a method <c>static bool M(TOperator op, BindContext context)</c> that binds an operator for a backend; a source
/// generator collects these into the backend's <c>TryBind</c>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class BindsAttribute(Type backend) : Attribute
{
    public Type Backend { get; } = backend;
}

/// <summary>The device of last resort and the oracle: binds nothing, so that every step runs its reference loop.</summary>
public sealed class ReferenceDevice : IDevice, ITensorBackend, INnBackend
{
    public string Name => "reference";
    public ITensorBackend Tensor => this;
    public INnBackend Nn => this;

    bool ITensorBackend.TryBind(Operator op, BindContext context) => false;
    bool INnBackend.TryBind(Operator op, BindContext context) => false;
}
