using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>What an output of a TensorFlow operator is in the graph: a tensor, a list of tensors, or a variable.</summary>
internal abstract record TfItem
{
    public static implicit operator TfItem(Value value) => new TfTensorItem(value);

    /// <summary>The same with another value in the place of each; a resource has none.</summary>
    public virtual TfItem Map(Func<Value, Value> of) => this;

    public virtual IEnumerable<Value> Values => [];
}

/// <summary>An ordinary tensor.</summary>
internal sealed record TfTensorItem(Value Value) : TfItem
{
    public override TfItem Map(Func<Value, Value> of) => of(Value);
    public override IEnumerable<Value> Values => [Value];
}

/// <summary>Complex numbers: real and imaginary parts along a last axis of 2.</summary>
internal sealed record TfComplexItem(Value Parts) : TfItem
{
    public override TfItem Map(Func<Value, Value> of) => new TfComplexItem(of(Parts));
    public override IEnumerable<Value> Values => [Parts];
}

/// <summary>A resource handle: the name of a variable, whose value is a constant of the model.</summary>
internal sealed record TfVariableItem(string Name) : TfItem;

/// <summary>A table of constants.</summary>
internal sealed record TfTableItem(TfTable Table) : TfItem;

/// <summary>A resource that holds no numbers (iterators); it may be passed on, not used.</summary>
internal sealed record TfOpaqueItem(string What) : TfItem;

/// <summary>
/// A TensorArray or TensorList: all elements stacked along a first axis. Until something is written its elements are not known, and
/// <see cref="Stacked"/> is null.
/// </summary>
/// <param name="DType">type of the elements</param>
/// <param name="Size">number of elements, an int32 scalar; null when not declared</param>
/// <param name="Stacked">[size, element..]</param>
/// <param name="Element">dimensions of an element where declared; -1 for unknown ones</param>
internal sealed record TfListItem(DType DType, Value? Size, Value? Stacked, long[]? Element) : TfItem
{
    public override TfItem Map(Func<Value, Value> of) => this with { Size = Size == null ? null : of(Size), Stacked = Stacked == null ? null : of(Stacked) };
    public override IEnumerable<Value> Values => new[] { Size, Stacked }.OfType<Value>();

    /// <summary>Set on the list that a loop's body gets: a write to it is noted here rather than made.</summary>
    public TfWrites? Writes { get; init; }
}

/// <summary>What a loop's body writes into one of its lists.</summary>
internal sealed class TfWrites
{
    public List<(Value Index, Value Element)> Made { get; } = [];

    /// <summary>The list was read or used otherwise, so that its contents matter inside the body.</summary>
    public bool IsRead { get; set; }
}
