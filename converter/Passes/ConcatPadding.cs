using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Passes;

/// <summary>A Concat of one computed value with constants of zeros is a Pad: exporters write channel padding so, and the zeros would lie in
/// the file.</summary>
public sealed class ConcatPadding : IGraphPass
{
    public string Name => "concat-padding";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!node.Is("Concat", "") || node.Output.DType != DType.Float32 || node.Inputs.Count < 2) continue;
            int at = -1, axis = node.Output.Shape.IsRanked ? Match.Axis(node.Attributes.Int("axis", 0), node.Output.Shape.Rank) : -1;
            long before = 0, after = 0;
            bool fits = axis >= 0;
            for (int i = 0; i < node.Inputs.Count && fits; i++)
            {
                Value input = node.Inputs[i]!;
                if (!input.IsConstant)
                {
                    fits = at < 0;
                    at = i;
                }
                else if (fits = IsZero(input.Constant!))
                {
                    if (at < 0) before += input.Constant!.Shape[axis];
                    else after += input.Constant!.Shape[axis];
                }
            }
            if (!fits || at < 0) continue;
            Value pads = Rewrite.Ints(graph, node.Output.Name + ".pads", before, after);
            Value axes = Rewrite.Ints(graph, node.Output.Name + ".axes", axis);
            Rewrite.Replace(graph, node.Output, Rewrite.Insert(graph, node, "Pad", node.Output.Name, [node.Inputs[at], pads, null, axes]), keepName: true);
            changed = true;
        }
        return changed;
    }

    /// <summary>Zeros without a sign: a Pad writes those.</summary>
    private static bool IsZero(Tensor constant) => constant.DType == DType.Float32 && !constant.Bytes.ContainsAnyExcept((byte)0);
}
