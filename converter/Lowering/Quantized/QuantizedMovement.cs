using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Lowering.Quantized;

/// <summary>
/// Operators that only move or select elements work on the stored integers: op(DequantizeLinear(x)) is DequantizeLinear(op(x)).
/// A DequantizeLinear that meets a QuantizeLinear cancels with it, or becomes a Requantize.
/// </summary>
public sealed class QuantizedMovement : IGraphPass
{
    public string Name => "quantized-movement";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0) continue;
            if (node.Is("QuantizeLinear")) changed |= MeetQuantize(graph, node);
            else if (Match.IsMovement(node) || node.OpType is "MaxPool" or "GlobalMaxPool" or "Resize") changed |= Cross(graph, node);
        }
        return changed;
    }

    private static bool MeetQuantize(Graph graph, Node node)
    {
        if (Quantization.Of(node) is not { } y || Quantization.Dequantized(node.Inputs[0]) is not var (stored, x) || x.IsWide != y.IsWide) return false;
        if (x == y)
        {
            Rewrite.Replace(graph, node.Output, stored);
            return true;
        }
        Value q = QuantizedEdit.Requantize(graph, node, QuantizedEdit.ToSigned(graph, node, stored), x, y);
        Rewrite.Replace(graph, node.Output, QuantizedEdit.FromSigned(graph, node, q, y.Type), keepName: true);
        return true;
    }

    private static bool Cross(Graph graph, Node node)
    {
        int data = node.OpType == "Concat" ? node.Inputs.Count : 1;
        if (Quantization.Dequantized(node.Input(0)) is not var (_, x) || node.Inputs[0]!.IsConstant) return false;
        // A constant alone is folded; the branch of a pattern that computes on it must see it as it is.
        if (Match.Producer(node.Inputs[0], "DequantizeLinear")!.Inputs[0]!.IsConstant) return false;
        for (int i = 1; i < data; i++)
            if (Quantization.Dequantized(node.Inputs[i]) is not var (_, other) || other != x) return false;
        if (x.IsWide && node.OpType is ("MaxPool" or "GlobalMaxPool")) return false; // no maximum over int16
        if (node.OpType == "Split" && node.Outputs.Any(o => o == null)) return false;
        if (node.OpType == "MaxPool" && node.Outputs.Count > 1 && node.Outputs[1] != null) return false;
        if (node.OpType == "Resize" && (node.Attributes.String("mode", "nearest") != "nearest"
            || node.Attributes.String("coordinate_transformation_mode", "half_pixel") == "tf_crop_and_resize")) return false;
        Value?[] inputs = [.. node.Inputs];
        if (node.OpType == "Pad" && !PadValue(graph, node, x, ref inputs)) return false;
        Node dequantize = Match.Producer(node.Inputs[0], "DequantizeLinear")!;
        for (int i = 0; i < data; i++) inputs[i] = Match.Producer(node.Inputs[i], "DequantizeLinear")!.Inputs[0];
        Value?[] moved = Rewrite.InsertMany(graph, node, node.OpType, [.. node.Outputs.Select(o => o == null ? null : o.Name + ".stored")], inputs, node.Attributes.Clone(), node.Domain);
        Value?[] parameters = [.. dequantize.Inputs.Skip(1)];
        AttributeSet attributes = dequantize.Attributes.Clone();
        Rewrite.ReplaceOutputs(graph, node, i => Rewrite.Insert(graph, node, "DequantizeLinear", node.Outputs[i]!.Name, [moved[i], .. parameters], attributes.Clone()));
        return true;
    }

    /// <summary>The stored number of the padding value, where it has an exact one.</summary>
    private static bool PadValue(Graph graph, Node node, Quantization x, ref Value?[] inputs)
    {
        string mode = node.Attributes.String("mode", "constant");
        if (mode != "constant")
        {
            // A value that the mode does not use may stand there, of the type of floats.
            if (node.Input(2) != null) inputs[2] = null;
            return true;
        }
        double value = 0;
        if (node.Input(2) != null && !Match.Scalar(node.Input(2), out value)) return false;
        double stored = Math.Round(value / x.Scale) + x.Zero;
        (int min, int max) = FixedPoint.TypeRange(x.Type);
        if (stored < min || stored > max || Math.Abs((stored - x.Zero) * x.Scale - value) > 1e-6 * Math.Max(1e-3, Math.Abs(value))) return false;
        var constant = new Tensor(x.Type, Shape.Scalar);
        constant.SetInt64(0, (long)stored);
        if (inputs.Length < 3) Array.Resize(ref inputs, 3);
        inputs[2] = graph.AddConstant(node.Output.Name + ".value", constant);
        return true;
    }
}
