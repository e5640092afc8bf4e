using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Brings a Relu or Clip that stands behind a Transpose of a layer's result before it, where the layer takes it in. Formats with channels
/// last (TensorFlow, Keras, TFLite) are imported with such Transposes around every convolution; those that meet their inverse then go.
/// </summary>
internal static class ClampOrder
{
    /// <param name="graph">changed in place</param>
    /// <param name="mayMove">false for nodes that are to stay as they are</param>
    public static void Run(Graph graph, Func<Node, bool> mayMove)
    {
        bool changed = false;
        foreach (Node clamp in graph.Nodes.ToArray())
        {
            if (!QuantizationRoles.IsClamp(clamp) || !mayMove(clamp)) continue;
            if (Match.Producer(clamp.Inputs[0], "Transpose") is not { } transpose || Match.SoleConsumer(graph, transpose.Output) == null || Match.Permutation(transpose) is not { } perm) continue;
            if (transpose.Inputs[0] is not { Producer: { } layer } x || QuantizationRoles.Of(layer).Role != QuantizationRole.Layer || Match.SoleConsumer(graph, x) == null) continue;
            string name = clamp.Output.Name; // the proof compares values by name
            Value clamped = Rewrite.Insert(graph, clamp, clamp.OpType, x.Name + ".clamped", [x, .. clamp.Inputs.Skip(1)], clamp.Attributes.Clone());
            Rewrite.Replace(graph, clamp.Output, Rewrite.Transpose(graph, clamp, clamped, perm, name + ".transposed"));
            if (graph.Find(name) == null) graph.Rename(clamped, name);
            changed = true;
        }
        if (changed) new TransposeChains().Run(graph);
    }
}
