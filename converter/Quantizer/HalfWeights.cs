using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What storage in 16 bits did: constants changed, their bytes before and after, and constants left because of numbers that the type lacks.</summary>
public sealed record HalfResult(int Constants, long BytesBefore, long BytesAfter, IReadOnlyList<string> TooLarge)
{
    public static HalfResult operator +(HalfResult a, HalfResult b) =>
        new(a.Constants + b.Constants, a.BytesBefore + b.BytesBefore, a.BytesAfter + b.BytesAfter, [.. a.TooLarge, .. b.TooLarge]);
}

internal static class HalfWeights
{
    /// <summary>Smaller constants are not worth a Cast.</summary>
    public const int MinElements = 256;

    /// <param name="graph">changed in place, its subgraphs too</param>
    /// <param name="type">float16 or bfloat16</param>
    /// <param name="onlyExact">only constants of which no number changes</param>
    public static HalfResult Run(Graph graph, DType type, bool onlyExact = false)
    {
        int constants = 0;
        long before = 0, after = 0;
        var tooLarge = new List<string>();
        foreach (Value value in graph.Values.Where(v => v.Constant is { DType: DType.Float32, Count: > MinElements }).ToArray())
        {
            if (value.Consumers.Count == 0) continue;
            if (Convert(value.Constant!, type) is not { } half)
            {
                tooLarge.Add(value.Name);
                continue;
            }
            if (onlyExact && !Equal(value.Constant!, half)) continue;
            Value stored = graph.AddConstant(value.Name + (type == DType.Float16 ? ".fp16" : ".bf16"), half);
            var attributes = new AttributeSet();
            attributes["to"] = (long)DType.Float32;
            Value real = graph.Add("Cast", value.Name + ".fp32", [stored], attributes, before: graph.Nodes[0]);
            ShapeInference.Infer(real.Producer!);
            graph.ReplaceUses(value, real);
            real.SourceName = value.SourceName ?? value.Name;
            if (!graph.Outputs.Contains(value)) graph.Remove(value);
            constants++;
            before += 4 * half.Count;
            after += half.ByteLength;
        }
        var result = new HalfResult(constants, before, after, tooLarge);
        foreach (Node node in graph.Nodes)
            foreach (Graph sub in Graph.Subgraphs(node)) result += Run(sub, type, onlyExact);
        GraphVerifier.Verify(graph);
        return result;
    }

    /// <summary>Gives float32 constants the values that <see cref="Run"/> will store, so that a graph that is not lowered yet computes what it will
    /// then. Scales of QuantizeLinear and DequantizeLinear, which the lowering takes in, stay.</summary>
    public static void Round(Graph graph, DType type)
    {
        foreach (Value value in graph.Values.Where(v => v.Constant is { DType: DType.Float32, Count: > MinElements }).ToArray())
        {
            if (value.Consumers.Count == 0 || value.Consumers.Any(c => c.OpType is "QuantizeLinear" or "DequantizeLinear") || Convert(value.Constant!, type) is not { } half) continue;
            graph.ReplaceUses(value, graph.AddConstant(graph.FreshName(value.Name + ".rounded"), half.ConvertTo(DType.Float32)));
            if (!graph.Outputs.Contains(value)) graph.Remove(value);
        }
        foreach (Node node in graph.Nodes)
            foreach (Graph sub in Graph.Subgraphs(node)) Round(sub, type);
    }

    /// <summary>Rounded to nearest even, or null when a finite number would become infinite.</summary>
    public static Tensor? Convert(Tensor source, DType type)
    {
        var half = new Tensor(type, source.Shape);
        ReadOnlySpan<float> from = source.Span<float>();
        for (int i = 0; i < from.Length; i++)
        {
            half.SetDouble(i, from[i]);
            if (double.IsInfinity(half.GetDouble(i)) && float.IsFinite(from[i])) return null;
        }
        return half;
    }

    private static bool Equal(Tensor source, Tensor half)
    {
        ReadOnlySpan<float> from = source.Span<float>();
        for (int i = 0; i < from.Length; i++)
            if (half.GetDouble(i) != from[i]) return false;
        return true;
    }
}
