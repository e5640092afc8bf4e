using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;

namespace EdgeLite.Converter.Lowering;

/// <summary>A Transpose that moves only dimensions of 1 becomes a Reshape, which moves no bytes.</summary>
public sealed class TrivialTransposes : IGraphPass
{
    public string Name => "trivial-transposes";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("Transpose") || Match.Permutation(node) is not { } perm || node.Inputs[0] is not { Shape.IsRanked: true } x) continue;
            if (!TransposeMotion.IsTrivial(x.Shape, perm)) continue;
            long[] shape = [.. perm.Select(axis => x.Shape[axis])];
            // 0 in the target of a Reshape stands for the size that is there.
            if (shape.Count(d => d < 0) > 1 || shape.Contains(0)) continue;
            Value target = Rewrite.Ints(graph, node.Output.Name + ".shape", [.. shape.Select(d => d < 0 ? -1 : d)]);
            Shape known = node.Output.Shape;
            Value y = Rewrite.Insert(graph, node, "Reshape", node.Output.Name, [x, target]);
            y.Type = new TensorType(y.DType, known);
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            changed = true;
        }
        return changed;
    }
}
