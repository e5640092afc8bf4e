using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
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

    /// <summary>State that lives from run to run: the output that each of these inputs takes over, by position among
    /// <see cref="Inputs"/> and <see cref="Outputs"/>.</summary>
    public StateBinding[] States { get; set; } = [];

    /// <summary>True when input <paramref name="input"/>, by position among <see cref="Inputs"/>, takes over an output of the run before.</summary>
    public bool IsState(int input)
    {
        foreach (StateBinding state in States)
            if (state.Input == input) return true;
        return false;
    }

    /// <summary>Names of symbolic dimensions.</summary>
    public required string[] Symbols { get; init; }

    /// <summary>Bytes of the stored arena plan, made for the types stored with the inputs; -1 when there is none.</summary>
    public long ArenaBytes { get; set; } = -1;
}

/// <summary>Input <paramref name="Input"/> of a run is output <paramref name="Output"/> of the run before it.</summary>
public readonly record struct StateBinding(int Input, int Output)
{
    /// <summary>The key of a model's metadata that declares states: lines <c>INPUT=OUTPUT</c>, names of the graph.</summary>
    public const string MetadataKey = "edgelite.state";

    /// <summary>Reads a declaration. Throws when a name is unknown, an input is bound twice or types cannot be equal.</summary>
    public static StateBinding[] Parse(string? text, GraphDefinition graph)
    {
        if (string.IsNullOrEmpty(text)) return [];
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var states = new StateBinding[lines.Length];
        for (int i = 0; i < lines.Length; i++)
        {
            int equals = lines[i].LastIndexOf('=');
            if (equals <= 0) throw Error($"'{lines[i]}' is not of the form INPUT=OUTPUT");
            int input = Find(graph, graph.Inputs, lines[i][..equals], "input"), output = Find(graph, graph.Outputs, lines[i][(equals + 1)..], "output");
            for (int k = 0; k < i; k++)
                if (states[k].Input == input) throw Error($"input '{lines[i][..equals]}' is bound twice");
            TensorType from = graph.Values[graph.Outputs[output]].Type, to = graph.Values[graph.Inputs[input]].Type;
            if (to.IsList || from.IsList || from.DType != DType.Undefined && from.DType != to.DType || to.DType == DType.String || from.Shape.IsKnown && !to.Shape.Admits(from.Shape))
                throw Error($"input '{lines[i][..equals]}' is {to}, output '{lines[i][(equals + 1)..]}' is {from}; both must be tensors of numbers of one type and shape");
            states[i] = new StateBinding(input, output);
        }
        return states;
    }

    private static int Find(GraphDefinition graph, int[] values, string name, string what)
    {
        for (int i = 0; i < values.Length; i++)
            if (graph.Values[values[i]].Name == name) return i;
        throw Error($"there is no {what} '{name}'");
    }

    private static EdgeLiteException Error(string message) => new(Status.InvalidGraph, $"The declaration of states is wrong: {message}.");
}

/// <summary>Text that lies in a loaded model (UTF-8) and becomes a string when somebody asks.</summary>
internal readonly unsafe struct StoredText(ReadOnlySpan<byte> utf8)
{
    private readonly byte* _start = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(utf8));
    private readonly int _length = utf8.Length;

    public override string ToString() => _length == 0 ? "" : Encoding.UTF8.GetString(_start, _length);
}

public sealed class ValueDefinition
{
    private string? _name;
    private string? _sourceName;

    public string Name
    {
        get => _name ??= StoredName.ToString();
        init => _name = value;
    }

    /// <summary>The name as long as it is not asked for: most never are.</summary>
    internal StoredText StoredName { private get; init; }

    /// <summary>As the converter knew it; symbolic where it depends on the inputs' shapes.</summary>
    public required TensorType Type { get; init; }

    /// <summary>The constant's data (in place in the mapped file), otherwise null.</summary>
    public Tensor? Constant { get; init; }

    /// <summary>The name in the source model of what this value holds, where it differs from <see cref="Name"/>.</summary>
    public string? SourceName
    {
        get => _sourceName ??= StoredSourceName?.ToString();
        init => _sourceName = value;
    }

    /// <inheritdoc cref="StoredName"/>
    internal StoredText? StoredSourceName { private get; init; }

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
    private string? _name;

    public required string Domain { get; init; }
    public required string OpType { get; init; }

    /// <inheritdoc cref="ValueDefinition.Name"/>
    public string Name
    {
        get => _name ??= StoredName.ToString();
        init => _name = value;
    }

    /// <inheritdoc cref="ValueDefinition.StoredName"/>
    internal StoredText StoredName { private get; init; }

    /// <summary>Value indices; -1 where an optional input or an unwanted output is absent.</summary>
    public required int[] Inputs { get; init; }

    /// <inheritdoc cref="Inputs"/>
    public required int[] Outputs { get; init; }

    public required AttributeSet Attributes { get; init; }

    /// <summary>The operator with its domain, where that is not ONNX's: <c>Relu</c>, <c>edgelite.Conv</c>.</summary>
    public string OperatorName => Domain.Length == 0 ? OpType : $"{Domain}.{OpType}";

    public override string ToString() => $"{OperatorName} '{Name}'";
}
