using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>A chain of Reshape, Squeeze, Unsqueeze and Flatten is one Reshape.</summary>
public sealed class ViewChains : IGraphPass
{
    public string Name => "view-chains";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!IsView(node) || node.Inputs[0] is not { Producer: { } first } || !IsView(first)) continue;
            Value source = first.Inputs[0]!;
            Shape shape = node.Output.Shape;
            long[]? target = null;
            if (Match.SameShape(source.Shape, shape))
            {
                Rewrite.Replace(graph, node.Output, source);
                changed = true;
                continue;
            }
            if (node.Is("Reshape") && Match.Ints(node.Input(1)) is { } given && given.All(d => d != 0)) target = given;
            else if (shape.IsRanked && shape.AsSpan().ToArray() is var dims && dims.Count(d => d < 0) <= 1 && dims.All(d => d != 0))
                target = [.. dims.Select(d => d < 0 ? -1 : d)];
            Value? y = target != null ? Rewrite.Insert(graph, node, "Reshape", node.Output.Name, [source, Rewrite.Ints(graph, node.Output.Name + ".shape", target)])
                : shape.IsRanked && source.Shape.IsRanked ? ShapeArithmetic.View(graph, node, source, shape.AsSpan().ToArray(), node.Output.Name, most: 1) : null;
            if (y == null) continue;
            if (shape.IsRanked) y.Type = y.Type with { Shape = shape };
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            changed = true;
        }
        return changed;
    }

    private static bool IsView(Node node) => node.Domain.Length == 0 && node.OpType is "Reshape" or "Squeeze" or "Unsqueeze" or "Flatten";
}
