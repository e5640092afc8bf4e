using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>Computes in float32 what a model computes in float16 or bfloat16, as kernels do: every node whose shape rule takes float32 in their
/// place. Inputs and outputs of the graph keep their type. Values on the way are no longer rounded to 16 bits, as in ONNX Runtime on a processor.
/// What only moves elements stays in 16 bits until something computes.</summary>
public sealed class HalfPromotion : IGraphPass
{
    public string Name => "half promotion";

    public bool Run(Graph graph)
    {
        var wide = new Dictionary<Value, Value>();
        var context = new InferContext();
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Inputs.Any(i => i != null && IsHalf(i))) continue;
            if (node.Is("Cast")) changed |= ReadWide(graph, node, wide);
            else if ((!Match.IsMovement(node) || node.Inputs.Any(i => i != null && wide.ContainsKey(i))) && TakesFloat32(node, context))
            {
                Widen(graph, node, wide);
                changed = true;
            }
        }
        return changed;
    }

    private static bool IsHalf(Value value) => value.Type is { Kind: ValueKind.Tensor, DType: DType.Float16 or DType.BFloat16 };

    /// <summary>A cast of what is known in float32 takes that. Two casts of a float32 model, which round on purpose, stay.</summary>
    private static bool ReadWide(Graph graph, Node cast, Dictionary<Value, Value> wide)
    {
        Value half = cast.Inputs[0]!;
        bool isKnown = wide.TryGetValue(half, out Value? known);
        if (isKnown && cast.Output.DType == DType.Float32) Rewrite.Replace(graph, cast.Output, known!, keepName: true);
        else if (isKnown) graph.SetInput(cast, 0, known);
        else if (cast.Output.DType == DType.Float32 && Match.Producer(half, "Cast") == null) wide[half] = cast.Output;
        return isKnown;
    }

    private static bool TakesFloat32(Node node, InferContext context)
    {
        if (Graph.Subgraphs(node).Any() || node.CreateOperator() is not { } op) return false;
        context.Reset(node, node.Inputs.Count, node.Outputs.Count);
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is not { } input) continue;
            if (IsHalf(input)) context.SetInput(i, input.Type with { DType = DType.Float32 }, null);
            else context.SetInput(i, input.Type, input.Constant);
        }
        try
        {
            op.InferTypes(context);
        }
        catch (EdgeLiteException)
        {
            return false; // the rule's answer to such types
        }
        for (int i = 0; i < node.Outputs.Count; i++)
            if (node.Outputs[i] is { } output && context.Output(i).DType != (IsHalf(output) ? DType.Float32 : output.DType)) return false;
        return true;
    }

    private static void Widen(Graph graph, Node node, Dictionary<Value, Value> wide)
    {
        Value?[] inputs = [.. node.Inputs.Select(i => i != null && IsHalf(i) ? Wide(graph, i, node, wide) : i)];
        Value?[] outputs = [.. node.Outputs.Select(o => o == null ? null : graph.NewValue(graph.FreshName(o.Name + ".float32"), default))];
        ShapeInference.Infer(graph.AddNode(node.Domain, node.OpType, node.Name, inputs, outputs, node.Attributes, node));
        Value?[] old = [.. node.Outputs];
        for (int i = 0; i < outputs.Length; i++)
        {
            if (outputs[i] is not { } output) continue;
            output.SourceName = old[i]!.SourceName ?? old[i]!.Name;
            Value narrow = IsHalf(old[i]!) ? Cast(graph, node, output, old[i]!.DType) : output;
            wide[narrow] = output;
            Rewrite.Replace(graph, old[i]!, narrow, keepName: true);
        }
    }

    private static Value Wide(Graph graph, Value half, Node before, Dictionary<Value, Value> wide)
    {
        if (wide.TryGetValue(half, out Value? known)) return known;
        // What the model rounds between a float32 part and one of 16 bits needs no rounding now.
        if (Match.Producer(half, "Cast")?.Inputs[0] is { DType: DType.Float32 } source) return wide[half] = source;
        return wide[half] = Cast(graph, before, half, DType.Float32);
    }

    private static Value Cast(Graph graph, Node before, Value x, DType to) =>
        Rewrite.Insert(graph, before, "Cast", $"{x.Name}.{to.Name()}", [x], AttributeSet.Of(("to", (long)to)));
}
