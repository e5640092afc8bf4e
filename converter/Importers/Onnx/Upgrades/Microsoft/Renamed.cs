using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Operators of com.microsoft that came before ONNX had them, or that widened the types of an older operator set; ONNX's newest
/// ones do the same.</summary>
[Upgrades("QuantizeLinear", "DequantizeLinear", "Trilu", "GatherND", "GridSample", "Pad", "ExpandDims", "Range", Domain = "com.microsoft")]
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
            case "Range":
                for (int i = 0; i < 2; i++) node.SetInput(i, Reshaped(node, i, []));
                node.SetInput(2, node.Input(2) == null ? node.Number("step", 1) : Reshaped(node, 2, []));
                break;
        }
        node.MoveTo("");
    }

    private static Value Reshaped(NodeDraft node, int input, long[] shape) => node.Emit("Reshape", [node.Required(input), node.Ints("shape", shape)]);
}
