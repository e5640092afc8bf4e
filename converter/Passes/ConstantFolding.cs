using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// Computes nodes whose inputs are all constants. Not folded: what is not pure, what would blow the model up (Expand, Tile,
/// ConstantOfShape of more than <see cref="GrowthLimit"/> bytes; weights of 16 bits are widened at any size, as layers want them
/// in float32), and DequantizeLinear that is part of a quantized pattern.
/// </summary>
public sealed class ConstantFolding(bool keepQuantizedPatterns = true) : IGraphPass
{
    /// <summary>Bytes that a folded constant may have beyond those of its inputs.</summary>
    public const long GrowthLimit = 1 << 16;

    /// <summary>Bytes that a result may have which only other folded nodes read, and how many of them follow one another.</summary>
    private const long PassingLimit = 1 << 26;
    private const int MaxPassing = 8;

    public string Name => "constant-folding";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!CanFold(graph, node)) continue;
            Tensor?[] results = GraphInterpreter.Execute(node, [.. node.Inputs.Select(i => i?.Constant)]);
            Value?[] outputs = [.. node.Outputs];
            if (results.Where((r, i) => r is { Strings: null } && GrowsTooMuch(graph, node, outputs[i], r.ByteLength)).Any()) continue;
            for (int i = 0; i < outputs.Length; i++)
            {
                if (outputs[i] is not { } output || output.Consumers.Count == 0 && !Match.IsOutput(graph, output)) continue;
                Value constant = graph.AddConstant(output.Name, results[i]!);
                Rewrite.Replace(graph, output, constant, keepName: true);
                changed = true;
            }
        }
        return changed;
    }

    private bool CanFold(Graph graph, Node node)
    {
        if (node.Inputs.Any(i => i is { IsConstant: false })) return false;
        // What carries a constant to a graph output stays.
        if (node.Is("Identity") && Match.IsOutput(graph, node.Output)) return false;
        if (!IsPure(node) || node.Outputs.Any(o => o is { Type.IsList: true })) return false;
        if (node.Is("DequantizeLinear")) return !keepQuantizedPatterns || !FeedsQuantizedPattern(node);
        if (node.Outputs.All(o => o == null || o.Consumers.Count == 0 && !Match.IsOutput(graph, o))) return false;
        return node.Outputs.All(o => o == null || !o.Type.IsKnown || o.DType == DType.String || !GrowsTooMuch(graph, node, o, o.Type.ByteLength));
    }

    /// <summary>Whether a result of so many bytes would blow the model up: it is larger than what it is computed of, and stays.</summary>
    private static bool GrowsTooMuch(Graph graph, Node node, Value? output, long bytes) =>
        bytes > node.Inputs.Sum(i => i?.Constant is { Strings: null } t ? t.ByteLength : 0) + GrowthLimit && !IsWidening(node) && !IsPassing(graph, output);

    private static bool IsWidening(Node node) => node.Is("Cast") && node.Inputs[0]!.DType is (DType.Float16 or DType.BFloat16) && node.Output.DType == DType.Float32;

    /// <summary>True for a large result that goes at once: all that read it can be folded, to something small in the end (a table of biases that a network
    /// computes of a constant).</summary>
    private static bool IsPassing(Graph graph, Value? result, int depth = 0) =>
        result is { Type.IsKnown: true, Consumers.Count: > 0 } && depth < MaxPassing && !Match.IsOutput(graph, result) && result.Type.ByteLength <= PassingLimit
        && result.Consumers.All(c => IsPure(c) && !c.Is("DequantizeLinear") && c.Inputs.All(i => i == null || i == result || i.IsConstant)
            && c.Outputs.All(o => o is { Type.IsKnown: true } && o.DType != DType.String && (o.Type.ByteLength <= GrowthLimit || IsPassing(graph, o, depth + 1))));

    private static bool IsPure(Node node)
    {
        if (OperatorTable.Find(node.Domain, node.OpType) == null || node.CreateOperator() is not { IsPure: true }) return false;
        return Graph.Subgraphs(node).All(sub => sub.Nodes.All(IsPure));
    }

    /// <summary>True when a reader of the dequantized constant computes on other dequantized values or is quantized itself, and for blocks.</summary>
    private static bool FeedsQuantizedPattern(Node dequantize)
    {
        if (dequantize.Attributes.Int("block_size", 0) > 0) return true; // weights of few bits stay so
        foreach (Node reader in dequantize.Output.Consumers)
        {
            if (reader.Inputs.Any(i => i is { IsConstant: false } && i != dequantize.Output && Match.Producer(i, "DequantizeLinear") != null)) return true;
            if (reader.Outputs.Any(o => o != null && o.Consumers.Any(c => c.Is("QuantizeLinear")))) return true;
        }
        return false;
    }
}
