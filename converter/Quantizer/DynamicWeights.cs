using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What dynamic quantization did: layers and tables of embeddings changed, and the bytes of the layers' weights before and after.</summary>
public sealed record DynamicResult(int Layers, int Tables, long BytesBefore, long BytesAfter);

/// <summary>
/// MatMul and Gemm with constant weights become integer products: weights int8 around zero with a scale for each column, the other operand
/// rounded while the model runs, by the range that it has then (ONNX's DynamicQuantizeLinear). No calibration is needed.
/// </summary>
internal static class DynamicWeights
{
    public static DynamicResult Run(Graph graph, IReadOnlyList<string> keepFloat)
    {
        var keep = new QuantizationOptions { KeepFloat = keepFloat };
        keep.RequireKeptNodes(graph);
        int layers = 0;
        long before = 0, after = 0;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!DenseWeights.IsLayer(node) || keep.IsKeptFloat(node)) continue;
            Tensor w = node.Inputs[1]!.Constant!;
            bool inRows = DenseWeights.InRows(node);
            int axis = inRows ? 0 : 1;
            float[] scales = Array.ConvertAll(ChannelWeights.Largest(w, axis), most => most == 0 ? 1 : (float)(most / 127.0));
            Tensor stored = ChannelWeights.Quantize(w, axis, scales);
            if (inRows) stored = Transposed(stored);
            string name = node.Output.Name;
            Value?[] x = Rewrite.InsertMany(graph, node, "DynamicQuantizeLinear", [name + ".x", name + ".x_scale", name + ".x_zero"], [node.Inputs[0]]);
            Value product = Rewrite.Insert(graph, node, "MatMulInteger", name + ".product", [x[0], graph.AddConstant(node.Inputs[1]!.Name + ".int8", stored), x[2]]);
            Value real = Rewrite.Insert(graph, node, "Cast", name + ".real", [product], AttributeSet.Of(("to", (long)DType.Float32)));
            Value factor = Rewrite.Insert(graph, node, "Mul", name + ".factor", [x[1], Rewrite.Floats(graph, node.Inputs[1]!.Name + ".scale", scales)]);
            Value y = Rewrite.Insert(graph, node, "Mul", name + ".scaled", [real, factor]);
            if (node.Is("Gemm") && node.Input(2) is { } bias) y = Rewrite.Insert(graph, node, "Add", name + ".biased", [y, bias]);
            y.SourceName = node.Output.SourceName ?? node.Output.Name;
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            layers++;
            before += w.ByteLength;
            after += stored.ByteLength + 8L * scales.Length;
        }
        int tables = EmbeddingTables.Run(graph, node => !keep.IsKeptFloat(node));
        GraphVerifier.Verify(graph);
        return new DynamicResult(layers, tables, before, after);
    }

    private static Tensor Transposed(Tensor x)
    {
        long rows = x.Shape[0], columns = x.Shape[1];
        var y = new Tensor(x.DType, new Shape(columns, rows));
        Span<sbyte> from = x.Span<sbyte>(), to = y.Span<sbyte>();
        for (int i = 0; i < from.Length; i++) to[(int)(i % columns * rows + i / columns)] = from[i];
        return y;
    }
}
