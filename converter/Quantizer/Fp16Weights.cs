using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What float16 storage did: constants changed, their bytes before and after, and constants left because of numbers that float16 lacks.</summary>
public sealed record Fp16Result(int Constants, long BytesBefore, long BytesAfter, IReadOnlyList<string> TooLarge);

internal static class Fp16Weights
{
    /// <summary>Smaller constants are not worth a Cast.</summary>
    public const int MinElements = 256;

    public static Fp16Result Run(Graph graph)
    {
        int constants = 0;
        long before = 0, after = 0;
        var tooLarge = new List<string>();
        foreach (Value value in graph.Values.Where(v => v.Constant is { DType: DType.Float32, Count: > MinElements }).ToArray())
        {
            if (value.Consumers.Count == 0) continue;
            if (Convert(value.Constant!) is not { } half)
            {
                tooLarge.Add(value.Name);
                continue;
            }
            Value stored = graph.AddConstant(value.Name + ".fp16", half);
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
        var result = new Fp16Result(constants, before, after, tooLarge);
        foreach (Node node in graph.Nodes)
            foreach (Graph sub in Graph.Subgraphs(node)) result = Sum(result, Run(sub));
        GraphVerifier.Verify(graph);
        return result;
    }

    /// <summary>Rounded to nearest even, or null when a finite number would become infinite.</summary>
    private static Tensor? Convert(Tensor source)
    {
        var half = new Tensor(DType.Float16, source.Shape);
        ReadOnlySpan<float> from = source.Span<float>();
        Span<Half> to = half.Span<Half>();
        for (int i = 0; i < from.Length; i++)
        {
            to[i] = (Half)from[i];
            if (Half.IsInfinity(to[i]) && float.IsFinite(from[i])) return null;
        }
        return half;
    }

    private static Fp16Result Sum(Fp16Result a, Fp16Result b) =>
        new(a.Constants + b.Constants, a.BytesBefore + b.BytesBefore, a.BytesAfter + b.BytesAfter, [.. a.TooLarge, .. b.TooLarge]);
}
