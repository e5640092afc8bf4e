using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Operators of com.microsoft that came before ONNX had them, or that widened the types of an older operator set; ONNX's newest
/// ones do the same.</summary>
[Upgrades("QuantizeLinear", "DequantizeLinear", "Trilu", "GatherND", "GridSample", "Pad", "ExpandDims", "Range", "Unique", "CDist", "ConvTransposeWithDynamicPads", "CausalConvWithState", "LinearAttention", Domain = "com.microsoft")]
internal sealed class Renamed : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        switch (node.OpType)
        {
            case "GridSample":
                string mode = node.Attributes.String("mode", "bilinear");
                node.Attributes["mode"] = mode switch { "bilinear" => "linear", "bicubic" => "cubic", _ => mode };
                break;
            case "Pad":
                node.SetInput(1, Reshaped(node, 1, [-1]));
                if (node.Input(2) != null) node.SetInput(2, Reshaped(node, 2, []));
                break;
            case "ExpandDims":
                node.Become("Unsqueeze", [node.Required(0), node.Emit("Cast", [Reshaped(node, 1, [1])], ("to", (long)DType.Int64))]);
                break;
            case "Unique":
                Value?[] unique = node.EmitAll("Unique", [node.Required(0)], 4, ("sorted", 0));
                node.Results = [unique[0], unique[2], unique[3]];
                break;
            case "CDist":
                Value a = node.Emit("Unsqueeze", [node.Required(0), node.Ints("axis", 1)]), difference = node.Emit("Sub", [a, node.Required(1)]);
                bool isSquared = node.Attributes.String("metric", "sqeuclidean") switch { "sqeuclidean" => true, "euclidean" => false, var other => throw node.Unsupported($"the metric '{other}' is not supported") };
                node.Become(isSquared ? "ReduceSumSquare" : "ReduceL2", [difference, node.Ints("last", -1)], ("keepdims", 0));
                break;
            case "ConvTransposeWithDynamicPads":
                if (node.Input(2) is { } pads)
                    node.Attributes["pads"] = pads.Constant?.ToInt64Array() ?? throw node.Unsupported("pads that the model computes are not supported");
                node.Rename("ConvTranspose");
                node.SetInput(2, node.Input(3));
                if (node.Inputs.Count > 3) node.Inputs.RemoveRange(3, node.Inputs.Count - 3);
                break;
            case "CausalConvWithState":
                if (node.Attributes.Int("ndim", 1) != 1 || node.Attributes.Int("dilation", 1) != 1 || node.Attributes.Int("channels_last", 0) != 0) throw node.Unsupported("only one spatial dimension, undilated and channels first, is supported");
                foreach (string name in new[] { "ndim", "dilation", "channels_last" }) node.Attributes.Remove(name);
                break;
            case "Range":
                for (int i = 0; i < 2; i++) node.SetInput(i, Reshaped(node, i, []));
                node.SetInput(2, node.Input(2) == null ? node.Number("step", 1) : Reshaped(node, 2, []));
                break;
        }
        node.MoveTo("");
    }

    private static Value Reshaped(NodeDraft node, int input, long[] shape) => node.Emit("Reshape", [node.Required(input), node.Ints("shape", shape)]);
}
