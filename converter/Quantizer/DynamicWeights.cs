using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What dynamic quantization did: layers changed, and the bytes of their weights before and after.</summary>
public sealed record DynamicResult(int Layers, long BytesBefore, long BytesAfter);

/// <summary>
/// MatMul and Gemm with constant weights become integer products: weights int8 around zero with a scale for each column, the other operand
/// rounded while the model runs, by the range that it has then (ONNX's DynamicQuantizeLinear). No calibration is needed.
/// </summary>
internal static class DynamicWeights
{
    public static DynamicResult Run(Graph graph, IReadOnlyList<string> keepFloat)
    {
        var keep = new QuantizationOptions { KeepFloat = keepFloat };
        foreach (string entry in keepFloat)
            if (!graph.Nodes.Any(n => QuantizationOptions.Fits(entry, n))) throw new EdgeLiteException(Status.NotFound, $"--keep-float names '{entry}'; no node or operator is called so.");
        int layers = 0;
        long before = 0, after = 0;
        foreach (Node node in graph.Nodes.ToArray())
        {
            if (!BlockWeights.IsLayer(node) || keep.IsKeptFloat(node)) continue;
            Tensor w = node.Inputs[1]!.Constant!;
            bool inRows = node.Is("Gemm") && node.Attributes.Int("transB", 0) != 0;
            int k = (int)w.Shape[inRows ? 1 : 0], n = (int)w.Shape[inRows ? 0 : 1];
            var stored = new Tensor(DType.Int8, new Shape(k, n));
            var scales = new float[n];
            for (int j = 0; j < n; j++)
            {
                double most = 0;
                for (int i = 0; i < k; i++) most = Math.Max(most, Math.Abs(w.GetDouble(inRows ? (long)j * k + i : (long)i * n + j)));
                scales[j] = most == 0 ? 1 : (float)(most / 127);
                for (int i = 0; i < k; i++)
                    stored.SetInt64((long)i * n + j, (long)Math.Clamp(Math.Round(w.GetDouble(inRows ? (long)j * k + i : (long)i * n + j) / scales[j], MidpointRounding.ToEven), -127, 127));
            }
            string name = node.Output.Name;
            Value?[] x = Rewrite.InsertMany(graph, node, "DynamicQuantizeLinear", [name + ".x", name + ".x_scale", name + ".x_zero"], [node.Inputs[0]]);
            Value product = Rewrite.Insert(graph, node, "MatMulInteger", name + ".product", [x[0], graph.AddConstant(graph.FreshName(node.Inputs[1]!.Name + ".int8"), stored), x[2]]);
            Value real = Rewrite.Insert(graph, node, "Cast", name + ".real", [product], AttributeSet.Of(("to", (long)DType.Float32)));
            Value factor = Rewrite.Insert(graph, node, "Mul", name + ".factor", [x[1], Rewrite.Floats(graph, graph.FreshName(node.Inputs[1]!.Name + ".scale"), scales)]);
            Value y = Rewrite.Insert(graph, node, "Mul", name + ".scaled", [real, factor]);
            if (node.Is("Gemm") && node.Input(2) is { } bias) y = Rewrite.Insert(graph, node, "Add", name + ".biased", [y, bias]);
            y.SourceName = node.Output.SourceName ?? node.Output.Name;
            Rewrite.Replace(graph, node.Output, y, keepName: true);
            layers++;
            before += w.ByteLength;
            after += stored.ByteLength + 8L * n;
        }
        GraphVerifier.Verify(graph);
        return new DynamicResult(layers, before, after);
    }
}
