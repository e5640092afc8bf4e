using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops;
using Lowered = EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Sessions;

/// <summary>What a node asks of the machine at least: arithmetic and movement. For the roofline of a profile.</summary>
internal static class StepWork
{
    public static (double Operations, double Bytes) Of(TypedGraph graph, int node)
    {
        NodeDefinition definition = graph.Definition.Nodes[node];
        double bytes = 0;
        foreach (int value in definition.Inputs)
            if (value >= 0) bytes += graph.Types[value].ByteLength;
        foreach (int value in definition.Outputs)
            if (value >= 0) bytes += graph.Types[value].ByteLength;
        return (2 * MultiplyAdds(graph, definition, graph.Operators[node]), bytes);
    }

    private static double MultiplyAdds(TypedGraph graph, NodeDefinition node, Operator op)
    {
        Shape x = graph.Types[node.Inputs[0]].Shape;
        double outputs = node.Outputs[0] < 0 ? 0 : graph.Types[node.Outputs[0]].Shape.Count;
        switch (op)
        {
            case Lowered.ILoweredConvolution v: return (v.TransposedPadding != null ? x.Count * (double)v.OutChannels : outputs * x[3]) / v.Group * v.KernelShape[0] * v.KernelShape[1];
            case Lowered.Gemm or Lowered.QGemm or MatMul: return outputs * x[x.Rank - 1];
            case Lowered.FusedAttention a: // scores, then the weighted sum of V
                var q = HeadView.Of(x, a.QRowsFirst);
                var v3 = HeadView.Of(graph.Types[node.Inputs[2]].Shape, a.VRowsFirst);
                return (double)q.Batch * q.Heads * q.Rows * v3.Rows * (q.Width + v3.Width);
            case Lowered.Recurrence: // the packed weights meet every step and row
                return (double)x[0] * x[1] * graph.Types[node.Inputs[1]].Shape.Count;
            default: return 0;
        }
    }
}
