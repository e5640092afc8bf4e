using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// Draws what follows an edgelite.Conv, DepthwiseConv, ConvTranspose or Gemm into its end: y = act(product + bias + residual).
/// Inputs are X, W, B (bias), R (residual, of y's shape), S (slope of PRelu).
/// </summary>
public sealed class KernelFusion : IGraphPass
{
    private const int Bias = 2, Residual = 3, Slope = 4;

    public string Name => "kernel-fusion";

    public bool Run(Graph graph)
    {
        bool changed = false;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!IsTarget(node) || graph.Find(node.Output.Name) != node.Output) continue;
            Node? current = node;
            while (current != null && (current = FuseNext(graph, current)) != null) changed = true;
        }
        return changed;
    }

    private static bool IsTarget(Node node) => node.Domain == "edgelite" && node.OpType is "Conv" or "DepthwiseConv" or "ConvTranspose" or "Gemm";

    /// <summary>The fused node, or null when nothing fits.</summary>
    private static Node? FuseNext(Graph graph, Node node)
    {
        if (node.Attributes.String("activation", "").Length > 0) return null;
        if (FuseSelfGated(graph, node) is { } gated) return gated;
        if (Match.SoleConsumer(graph, node.Output) is not { } next) return null;
        if (next.Domain.Length == 0 && next.OpType is "Squeeze" or "Unsqueeze" or "Reshape" && next.Inputs[0] == node.Output)
        {
            // An activation commutes with a view: y = act(view(x)) = view(act(x)).
            if (Match.SoleConsumer(graph, next.Output) is not { } beyond || Activation(beyond, next.Output) is not { Kind: not "prelu" } crossing) return null;
            return ApplyAcrossView(graph, node, next, beyond, crossing);
        }
        if (next.Is("Add")) return FuseAdd(graph, node, next);
        if (Activation(next, node.Output) is not { } act) return null;
        Value? slope = null;
        if (act.Kind == "prelu")
        {
            slope = SlopeFor(graph, node, next);
            if (slope == null) return null;
        }
        AttributeSet attributes = WithActivation(node, act);
        return Rebuild(graph, node, next, attributes, (Slope, slope));
    }

    private static Node? FuseAdd(Graph graph, Node node, Node add)
    {
        Value other = add.Inputs[0] == node.Output ? add.Inputs[1]! : add.Inputs[0]!;
        if (other == node.Output) return null;
        long channels = Channels(node);
        bool hasResidual = node.Input(Residual) != null;
        if (other.Constant is { DType: DType.Float32 } constant && (constant.Count == 1 && constant.Shape.Rank <= node.Output.Shape.Rank || IsPerChannel(constant, channels, node.Output.Shape)))
        {
            var sum = new float[channels];
            for (int c = 0; c < channels; c++)
            {
                float b = (float)constant.GetDouble(constant.Count == 1 ? 0 : c);
                sum[c] = node.Input(Bias)?.Constant is { } old ? (float)old.GetDouble(c) + b : b;
            }
            if (node.Input(Bias) is { IsConstant: false }) return null;
            return Rebuild(graph, node, add, node.Attributes.Clone(), (Bias, Rewrite.Floats(graph, add.Output.Name + ".bias", sum)));
        }
        if (hasResidual || other.DType != DType.Float32 || !Match.SameShape(other.Shape, node.Output.Shape)) return null;
        return Rebuild(graph, node, add, node.Attributes.Clone(), (Residual, other));
    }

    /// <summary>x * sigmoid(x) where both readers of x are the Sigmoid and the Mul.</summary>
    private static Node? FuseSelfGated(Graph graph, Node node)
    {
        Value y = node.Output;
        if (y.Consumers.Count != 2 || Match.IsOutput(graph, y)) return null;
        Node? gate = y.Consumers.FirstOrDefault(c => c.Domain.Length == 0 && c.OpType is "Sigmoid" or "HardSigmoid");
        Node? mul = y.Consumers.FirstOrDefault(c => c.Is("Mul"));
        if (gate == null || mul == null || Match.SoleConsumer(graph, gate.Output) != mul) return null;
        Activated? act = gate.OpType == "Sigmoid" ? new Activated("silu")
            : IsSwishGate(gate) ? new Activated("hard_swish") : null;
        return act == null ? null : Rebuild(graph, node, mul, WithActivation(node, act.Value));
    }

    private static bool IsSwishGate(Node hardSigmoid) =>
        Math.Abs(hardSigmoid.Attributes.Float("alpha", 0.2f) - 1f / 6) < 1e-6 && hardSigmoid.Attributes.Float("beta", 0.5f) == 0.5f;

    /// <summary>An activation by its edgelite name, with its two parameters.</summary>
    public readonly record struct Activated(string Kind, float A = 0, float B = 0);

    /// <summary>The activation that <paramref name="node"/> applies to <paramref name="x"/>, or null.</summary>
    public static Activated? Activation(Node node, Value x)
    {
        if (node.Domain.Length > 0 || node.Inputs.Count == 0 || node.Inputs[0] != x || x.DType != DType.Float32) return null;
        AttributeSet a = node.Attributes;
        switch (node.OpType)
        {
            case "Relu": return new("clamp", 0, float.PositiveInfinity);
            case "Clip":
                double low = double.NegativeInfinity, high = double.PositiveInfinity;
                if (node.Input(1) is { } min && !Match.Scalar(min, out low) || node.Input(2) is { } max && !Match.Scalar(max, out high)) return null;
                return low <= high ? new("clamp", (float)low, (float)high) : null;
            case "LeakyRelu": return new("leaky_relu", a.Float("alpha", 0.01f));
            case "HardSigmoid": return new("hard_sigmoid", a.Float("alpha", 0.2f), a.Float("beta", 0.5f));
            case "HardSwish": return new("hard_swish");
            case "Sigmoid": return new("sigmoid");
            case "Swish": return a.Float("alpha", 1) == 1 ? new("silu") : null;
            case "Tanh": return new("tanh");
            case "Gelu": return new(a.String("approximate", "none") == "tanh" ? "gelu_tanh" : "gelu");
            case "Elu": return new("elu", a.Float("alpha", 1));
            case "PRelu": return new("prelu");
            case "Softplus": return new("softplus");
            case "Mish": return new("mish");
            default: return null;
        }
    }

    private static AttributeSet WithActivation(Node node, Activated act)
    {
        AttributeSet attributes = node.Attributes.Clone();
        attributes["activation"] = act.Kind;
        if (act.Kind is "clamp" or "leaky_relu" or "hard_sigmoid" or "elu") attributes["alpha"] = act.A;
        if (act.Kind is "clamp" or "hard_sigmoid") attributes["beta"] = act.B;
        return attributes;
    }

    private static long Channels(Node node) => node.Attributes.Int(node.OpType == "Gemm" ? "out_features" : "out_channels", 0);

    /// <summary>True for [1, .., 1, channels] of at most y's rank.</summary>
    private static bool IsPerChannel(Tensor constant, long channels, Shape y) =>
        constant.Shape.Rank >= 1 && y.IsRanked && constant.Shape.Rank <= y.Rank && constant.Count == channels && constant.Shape[constant.Shape.Rank - 1] == channels;

    private static Value? SlopeFor(Graph graph, Node node, Node prelu)
    {
        long channels = Channels(node);
        if (prelu.Input(1)?.Constant is not { DType: DType.Float32 } slope) return null;
        if (slope.Count != 1 && !IsPerChannel(slope, channels, node.Output.Shape)) return null;
        var values = new float[channels];
        for (int c = 0; c < channels; c++) values[c] = (float)slope.GetDouble(slope.Count == 1 ? 0 : c);
        return Rewrite.Floats(graph, prelu.Input(1)!.Name + ".slope", values);
    }

    /// <summary>The node again, at the place of <paramref name="last"/> and in its stead, with some inputs set.</summary>
    private static Node Rebuild(Graph graph, Node node, Node last, AttributeSet attributes, params ReadOnlySpan<(int Index, Value? Value)> set)
    {
        var inputs = new Value?[Slope + 1];
        for (int i = 0; i < node.Inputs.Count; i++) inputs[i] = node.Inputs[i];
        foreach ((int index, Value? value) in set) inputs[index] = value;
        int count = inputs.Length;
        while (inputs[count - 1] == null) count--;
        Value y = Rewrite.Insert(graph, last, node.OpType, last.Output.Name + ".fused", inputs.AsSpan(0, count), attributes, node.Domain);
        Rewrite.Replace(graph, last.Output, y, keepName: true);
        return y.Producer!;
    }

    private static Node ApplyAcrossView(Graph graph, Node node, Node view, Node activation, Activated act)
    {
        Value y = Rewrite.Insert(graph, node, node.OpType, node.Output.Name + ".fused", node.Inputs.ToArray(), WithActivation(node, act), node.Domain);
        y.SourceName = activation.Output.SourceName ?? activation.Output.Name;
        graph.SetInput(view, 0, y);
        Rewrite.RemoveIfDead(graph, node);
        Rewrite.Replace(graph, activation.Output, view.Output);
        return y.Producer!;
    }
}
