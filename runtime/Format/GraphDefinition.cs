using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Format;

/// <summary>A graph as a model file holds it: values by index, nodes in execution order. The converter fills one to write it, the
/// loader fills one from a verified file.</summary>
public sealed class GraphDefinition
{
    public required string Name { get; init; }
    public required ValueDefinition[] Values { get; init; }
    public required NodeDefinition[] Nodes { get; init; }

    /// <summary>Indices into <see cref="Values"/>.</summary>
    public required int[] Inputs { get; init; }

    /// <inheritdoc cref="Inputs"/>
    public required int[] Outputs { get; init; }

    /// <summary>Names of symbolic dimensions.</summary>
    public required string[] Symbols { get; init; }

    /// <summary>Bytes of the stored arena plan, made for the types stored with the inputs; -1 when there is none.</summary>
    public long ArenaBytes { get; set; } = -1;
}

public sealed class ValueDefinition
{
    public required string Name { get; init; }

    /// <summary>As the converter knew it; symbolic where it depends on the inputs' shapes.</summary>
    public required TensorType Type { get; init; }

    /// <summary>The constant's data (in place in the mapped file), otherwise null.</summary>
    public Tensor? Constant { get; init; }

    /// <summary>The name in the source model of what this value holds, where it differs from <see cref="Name"/>.</summary>
    public string? SourceName { get; init; }

    /// <summary>For a graph input with free dimensions: the shape it has until another is chosen, for which the stored plan is
    /// made; unranked when there is none.</summary>
    public Shape DefaultShape { get; set; }

    /// <summary>The type that an input has until another shape is chosen.</summary>
    public TensorType DefaultType => DefaultShape.IsRanked ? Type with { Shape = DefaultShape } : Type;

    /// <summary>Offset in the stored arena plan; -1 for constants and where there is no plan.</summary>
    public long ArenaOffset { get; set; } = -1;
}

public sealed class NodeDefinition
{
    public required string Domain { get; init; }
    public required string OpType { get; init; }
    public required string Name { get; init; }

    /// <summary>Value indices; -1 where an optional input or an unwanted output is absent.</summary>
    public required int[] Inputs { get; init; }

    /// <inheritdoc cref="Inputs"/>
    public required int[] Outputs { get; init; }

    public required AttributeSet Attributes { get; init; }

    public override string ToString() => Domain.Length == 0 ? $"{OpType} '{Name}'" : $"{Domain}.{OpType} '{Name}'";
}
