using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Operators of com.microsoft that came before ONNX had them, or that widened the types of an older operator set; ONNX's newest
/// ones do the same.</summary>
[Upgrades("QuantizeLinear", "DequantizeLinear", "Trilu", "GatherND", "GridSample", "Pad", "ExpandDims", "Range", "Unique", "CDist", "ConvTransposeWithDynamicPads", "CausalConvWithState", "LinearAttention", "SampleOp", "MatMulInteger16", "UnfoldTensor", "GatedAdd", Domain = "com.microsoft")]
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
            case "SampleOp":
                node.Become("Identity", [node.Required(0)]);
                break;
            case "MatMulInteger16":
                node.Become("MatMul", [Widened(node, 0), Widened(node, 1)]);
                break;
            case "GatedAdd":
                node.Become("Add", [node.Required(0), node.Emit("Mul", [node.Required(1), node.Required(2)])]);
                break;
            case "UnfoldTensor":
                Unfold(node);
                break;
            case "Range":
                for (int i = 0; i < 2; i++) node.SetInput(i, Reshaped(node, i, []));
                node.SetInput(2, node.Input(2) == null ? node.Number("step", 1) : Reshaped(node, 2, []));
                break;
        }
        node.MoveTo("");
    }

    private static Value Widened(NodeDraft node, int input) => node.Emit("Cast", [node.Required(input)], ("to", (long)DType.Int32));

    /// <summary>Windows of some size, step apart, along a dimension; each becomes the last dimension.</summary>
    private static void Unfold(NodeDraft node)
    {
        int rank = node.RequiredRank(0);
        long axis = node.Attributes.Int("dim", -1), size = node.Attributes["size"].Int, step = node.Attributes.Int("step", 1);
        if (axis < 0) axis += rank;
        if (axis < 0 || axis >= rank || size < 1 || step < 1) throw node.Error($"dim {axis}, size {size} and step {step} do not fit {rank} dimensions");
        Value x = node.Required(0), length = node.Emit("Squeeze", [node.Emit("Shape", [x], ("start", axis), ("end", axis + 1))]);
        Value starts = node.Emit("Range", [node.Int("zero", 0), node.Emit("Sub", [length, node.Int("rest", size - 1)]), node.Int("step", step)]);
        Value places = node.Emit("Add", [node.Emit("Unsqueeze", [starts, node.Ints("column", 1)]), node.Ints("window", [.. Enumerable.Range(0, (int)Math.Min(size, int.MaxValue)).Select(i => (long)i)])]);
        long[] order = [.. Enumerable.Range(0, rank + 1).Where(d => d != axis + 1).Select(d => (long)d), axis + 1];
        node.Become("Transpose", [node.Emit("Gather", [x, places], ("axis", axis))], ("perm", order));
    }

    private static Value Reshaped(NodeDraft node, int input, long[] shape) => node.Emit("Reshape", [node.Required(input), node.Ints("shape", shape)]);
}
