using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Constant tables of which Gather takes rows, as the embeddings of tokens, become int8 around zero with a float16 scale a row; a row becomes
/// float as it is taken: a fourth of the bytes, and only the rows that are read are computed.</summary>
internal static class EmbeddingTables
{
    /// <summary>Smaller tables are not worth the steps.</summary>
    private const long MinElements = 1 << 14;

    /// <returns>tables changed</returns>
    /// <param name="graph">float or with QuantizeLinear and DequantizeLinear; changed in place</param>
    /// <param name="isFree">false for nodes to be left as they are</param>
    public static int Run(Graph graph, Func<Node, bool> isFree)
    {
        int count = 0;
        foreach (Value table in graph.Values.Where(v => v.Constant is { DType: DType.Float32, Shape.Rank: 2, Count: >= MinElements }).ToArray())
        {
            Node[] readers = [.. table.Consumers.Distinct()];
            if (readers.Length == 0 || graph.Outputs.Contains(table) || !readers.All(r => TakesRows(r, table) && isFree(r))) continue;
            if (Rows(table.Constant!) is not var (stored, scales)) continue;
            Value bytes = graph.AddConstant(table.Name + ".int8", stored), steps = graph.AddConstant(table.Name + ".scale", scales);
            Value one = graph.AddConstant(graph.FreshName(table.Name + ".one"), Tensor.FromScalar(1f));
            foreach (Node reader in readers)
            {
                string name = reader.Output.Name;
                Value rows = Infer(graph.Add("Gather", name + ".int8", [bytes, reader.Inputs[1]], before: reader));
                Value real = Infer(graph.Add("DequantizeLinear", name + ".steps", [rows, one], before: reader));
                Value halves = Infer(graph.Add("Gather", name + ".scale", [steps, reader.Inputs[1]], before: reader));
                Value scale = Infer(graph.Add("Cast", name + ".scale.fp32", [halves], AttributeSet.Of(("to", (long)DType.Float32)), before: reader));
                Value y = Infer(graph.Add("Mul", name + ".real", [real, scale], before: reader));
                y.SourceName = reader.Output.SourceName ?? name;
                graph.ReplaceUses(reader.Output, y);
                graph.Remove(reader);
            }
            graph.Remove(table);
            count++;
        }
        GraphVerifier.Verify(graph);
        return count;
    }

    private static bool TakesRows(Node node, Value table) =>
        node.Is("Gather") && node.Inputs[0] == table && node.Inputs[1] != table && node.Attributes.Int("axis", 0) is 0 or -2;

    /// <summary>round(row / scale) and the scales [rows, 1], the least float16 numbers that hold max |row| / 127; null where a number has none.</summary>
    private static (Tensor Stored, Tensor Scales)? Rows(Tensor table)
    {
        int rows = (int)table.Shape[0], width = (int)table.Shape[1];
        var stored = new Tensor(DType.Int8, table.Shape);
        var scales = new Tensor(DType.Float16, new Shape(rows, 1));
        for (int r = 0; r < rows; r++)
        {
            ReadOnlySpan<float> from = table.Span<float>().Slice(r * width, width);
            float most = 0;
            foreach (float v in from) most = Math.Max(most, Math.Abs(v));
            var half = (Half)(most / 127);
            if ((float)half * 127 < most) half = Half.BitIncrement(half);
            if (!float.IsFinite(most) || !Half.IsFinite(half)) return null;
            scales.SetDouble(r, (double)half);
            Span<sbyte> to = stored.Span<sbyte>().Slice(r * width, width);
            for (int i = 0; i < width; i++) to[i] = most == 0 ? (sbyte)0 : (sbyte)Math.Clamp(MathF.Round(from[i] / (float)half, MidpointRounding.ToEven), -127, 127);
        }
        return (stored, scales);
    }

    private static Value Infer(Value value)
    {
        ShapeInference.Infer(value.Producer!);
        return value;
    }
}
