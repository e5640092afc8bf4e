using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Passes;

/// <summary>
/// y = s[c] * layer(x) + t[c], with layer a Conv, ConvTranspose, Gemm or MatMul of constant weights, is a layer of weights s*W and
/// bias s*b + t. The affine step may be a BatchNormalization (s = scale / sqrt(var + epsilon), t = B - s * mean) or Mul, Div, Add, Sub
/// by constants per channel. A BatchNormalization that follows no layer becomes Mul and Add.
/// </summary>
public sealed class AffineFolding : IGraphPass
{
    public string Name => "affine-folding";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (node.Domain.Length > 0 || node.Outputs.Count == 0 || node.Outputs[0] is not { } output || graph.Find(output.Name)?.Producer != node) continue;
            if (Affine.Of(node) is not { } affine) continue;
            if (FoldIntoLayer(graph, node, affine) || ScaleBeforeBias(graph, node, affine)) changed = true;
            else if (node.Is("BatchNormalization") && Decompose(graph, node, affine)) changed = true;
        }
        return changed;
    }

    private static bool FoldIntoLayer(Graph graph, Node node, Affine affine)
    {
        if (affine.X.Producer is not { Domain: "" } layer || Match.SoleConsumer(graph, affine.X) != node) return false;
        if (layer.OpType is not ("Conv" or "ConvTranspose" or "Gemm" or "MatMul")) return false;
        if (layer.Input(1)?.Constant is not { DType: DType.Float32 } w || affine.X.DType != DType.Float32 || !affine.X.Shape.IsRanked) return false;
        int rank = affine.X.Shape.Rank;
        bool isConv = layer.OpType is "Conv" or "ConvTranspose";
        int groups = (int)layer.Attributes.Int("group", 1);
        // The axis of the weights that counts output channels, and their number.
        int axis = layer.OpType switch
        {
            "Conv" => 0,
            "ConvTranspose" => 1,
            "Gemm" => layer.Attributes.Int("transB", 0) != 0 ? 0 : 1,
            _ => w.Shape.Rank - 1,
        };
        if (layer.OpType == "MatMul" && w.Shape.Rank != 2) return false;
        long channels = layer.OpType == "ConvTranspose" ? w.Shape[1] * groups : w.Shape[axis];
        int channelAxis = isConv ? 1 : rank - 1;
        if (affine.PerChannel(channels, channelAxis, rank) is not var (scale, shift)) return false;
        if (layer.Input(2) is { } b && (b.Constant is not { DType: DType.Float32 } || layer.OpType == "Gemm" && (b.Shape.Rank > 1 && b.Shape[0] != 1 || layer.Attributes.Float("beta", 1) != 1))) return false;
        if (layer.OpType == "Gemm" && layer.Attributes.Float("alpha", 1) != 1) return false;
        bool hasShift = shift.Any(t => t != 0);
        // A MatMul has no place for a shift; its own Add stays behind it.
        if (layer.OpType == "MatMul" && hasShift) return false;
        bool scales = scale.Any(s => s != 1);
        // Weights that others use too would be there twice.
        if (scales && layer.Inputs[1]!.Consumers.Count > 1) return false;
        if (!scales && !hasShift) return false;

        Value?[] inputs = [.. layer.Inputs];
        if (scales) inputs[1] = graph.AddConstant(layer.Inputs[1]!.Name + ".scaled", Scaled(w, scale, axis, layer.OpType == "ConvTranspose" ? groups : 1));
        if (layer.OpType != "MatMul")
        {
            var bias = new float[channels];
            Tensor? old = layer.Input(2)?.Constant;
            for (int c = 0; c < channels; c++)
                bias[c] = (float)(scale[c] * (old?.GetDouble(old.Count == 1 ? 0 : c) ?? 0) + shift[c]);
            if (inputs.Length < 3) Array.Resize(ref inputs, 3);
            inputs[2] = Rewrite.Floats(graph, node.Output.Name + ".bias", bias);
        }
        AttributeSet attributes = layer.Attributes.Clone();
        if (layer.OpType == "Gemm") attributes["beta"] = 1f; // another one may stand there while there is no bias
        Value y = Rewrite.Insert(graph, node, layer.OpType, node.Output.Name, inputs, attributes);
        Rewrite.Replace(graph, node.Output, y, keepName: true);
        return true;
    }

    /// <summary>s * (x W + b) is (x W) * s + s * b, of which the factor goes into W: layers that are scaled by channel (ConvNeXt, BEiT, DINOv2).</summary>
    private static bool ScaleBeforeBias(Graph graph, Node node, Affine affine)
    {
        if (node.OpType is not ("Mul" or "Div") || Match.Producer(affine.X, "Add") is not { } add || Match.SoleConsumer(graph, affine.X) != node || Affine.Of(add) is not { } biased) return false;
        if (Match.Producer(biased.X, "MatMul") is not { } layer || Match.SoleConsumer(graph, biased.X) != add || layer.Input(1) is not { Constant: { DType: DType.Float32, Shape.Rank: 2 } w } weights || weights.Consumers.Count > 1) return false;
        if (!Match.SameRank(biased.X, node.Output) || !Match.SameRank(biased.X, add.Output)) return false;
        long channels = w.Shape[1];
        int rank = node.Output.Shape.Rank;
        if (affine.PerChannel(channels, rank - 1, rank) is not var (scale, _) || biased.PerChannel(channels, rank - 1, rank) is not var (_, bias)) return false;
        Value scaled = Rewrite.Insert(graph, node, "MatMul", add.Output.Name + ".scaled", [layer.Inputs[0], graph.AddConstant(weights.Name + ".scaled", Scaled(w, scale, 1, 1))]);
        Value shift = Rewrite.Floats(graph, node.Output.Name + ".bias", [.. bias.Select((b, c) => (float)(b * scale[c]))]);
        Rewrite.Replace(graph, node.Output, Rewrite.Insert(graph, node, "Add", node.Output.Name, [scaled, shift]), keepName: true);
        return true;
    }

    /// <summary>Weights times scale[channel]; a ConvTranspose of several groups has channel = group * W.shape[1] + index.</summary>
    private static Tensor Scaled(Tensor w, double[] scale, int axis, int groups)
    {
        var scaled = new Tensor(DType.Float32, w.Shape);
        long inner = w.Shape.Product(axis + 1, w.Shape.Rank), size = w.Shape[axis], perGroup = w.Count / groups;
        for (long i = 0; i < w.Count; i++) scaled.SetDouble(i, w.GetDouble(i) * scale[i / perGroup * (groups > 1 ? size : 0) + i / inner % size]);
        return scaled;
    }

    private static bool Decompose(Graph graph, Node node, Affine affine)
    {
        if (affine.X is not { DType: DType.Float32, Shape: { IsRanked: true, Rank: >= 2 } } x) return false;
        // The graph form keeps BatchNormalization between integers as it is: quantized patterns know it.
        int rank = x.Shape.Rank;
        (double[] scale, double[] shift) = affine.PerChannel(affine.Count, 1, rank)!.Value;
        var shape = new long[rank - 1];
        Array.Fill(shape, 1);
        shape[0] = scale.Length;
        Value s = graph.AddConstant(node.Output.Name + ".scale", Tensor.FromArray<float>([.. scale.Select(v => (float)v)], new Shape(shape)));
        Value t = graph.AddConstant(node.Output.Name + ".shift", Tensor.FromArray<float>([.. shift.Select(v => (float)v)], new Shape(shape)));
        Value scaled = Rewrite.Insert(graph, node, "Mul", node.Output.Name + ".scaled", [x, s]);
        Rewrite.Replace(graph, node.Output, Rewrite.Insert(graph, node, "Add", node.Output.Name, [scaled, t]), keepName: true);
        return true;
    }
}

/// <summary>A step y = scale * x + shift with constants.</summary>
internal sealed class Affine
{
    private Tensor? _scale, _shift;
    private bool _isBatchNorm;

    public required Value X { get; init; }

    public long Count => (_scale ?? _shift)!.Count;

    public static Affine? Of(Node node)
    {
        switch (node.OpType)
        {
            case "BatchNormalization":
                return BatchNormalization(node);
            case "Add" or "Mul":
                for (int i = 0; i < 2; i++)
                    if (node.Inputs[i]?.Constant is { DType: DType.Float32 } c && node.Inputs[1 - i] is { IsConstant: false } x)
                        return node.OpType == "Add" ? new Affine { X = x, _shift = c } : new Affine { X = x, _scale = c };
                return null;
            case "Sub" or "Div":
                if (node.Inputs[1]?.Constant is not { DType: DType.Float32 } d || node.Inputs[0] is not { IsConstant: false } operand) return null;
                var inverse = new Tensor(DType.Float64, d.Shape);
                for (long i = 0; i < d.Count; i++) inverse.SetDouble(i, node.OpType == "Sub" ? -d.GetDouble(i) : 1 / d.GetDouble(i));
                return node.OpType == "Sub" ? new Affine { X = operand, _shift = inverse } : new Affine { X = operand, _scale = inverse };
            default:
                return null;
        }
    }

    private static Affine? BatchNormalization(Node node)
    {
        if (node.Attributes.Int("training_mode", 0) != 0 || node.Attributes.Int("channels_last", 0) != 0 || node.Outputs.Skip(1).Any(o => o != null)) return null;
        if (node.Inputs[0] is not { } x || node.Inputs.Skip(1).Any(i => i is not { IsConstant: true })) return null;
        Tensor gamma = node.Inputs[1]!.Constant!, beta = node.Inputs[2]!.Constant!, mean = node.Inputs[3]!.Constant!, variance = node.Inputs[4]!.Constant!;
        double epsilon = node.Attributes.Float("epsilon", 1e-5f);
        Tensor scale = new(DType.Float64, gamma.Shape), shift = new(DType.Float64, gamma.Shape);
        for (long c = 0; c < gamma.Count; c++)
        {
            double s = gamma.GetDouble(c) / Math.Sqrt(variance.GetDouble(c) + epsilon);
            scale.SetDouble(c, s);
            shift.SetDouble(c, beta.GetDouble(c) - s * mean.GetDouble(c));
        }
        return new Affine { X = x, _scale = scale, _shift = shift, _isBatchNorm = true };
    }

    /// <summary>Scale and shift of each channel, when the constants are single numbers or vary along the channel axis alone.</summary>
    public (double[] Scale, double[] Shift)? PerChannel(long channels, int channelAxis, int rank)
    {
        double[]? scale = Expand(_scale, 1), shift = Expand(_shift, 0);
        return scale == null || shift == null ? null : (scale, shift);

        double[]? Expand(Tensor? constant, double absent)
        {
            var result = new double[channels];
            if (constant == null)
            {
                Array.Fill(result, absent);
                return result;
            }
            if (constant.Shape.Rank > rank) return null;
            // A BatchNormalization's vectors are channels, those of axis 1; of other constants the axis that meets the channel axis.
            if (_isBatchNorm && channelAxis != 1) return null;
            int at = _isBatchNorm ? 0 : channelAxis - (rank - constant.Shape.Rank);
            bool single = constant.Count == 1;
            if (!single && (at < 0 || constant.Shape[at] != channels || constant.Count != channels)) return null;
            for (int c = 0; c < channels; c++) result[c] = constant.GetDouble(single ? 0 : c);
            return result;
        }
    }
}
