using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// T5's bias of the scores (arXiv 1910.10683, section 2.1): table[buckets][heads] at the bucket of the distance between key and query, as
/// [1][heads][queries][keys]. Half of the buckets hold one distance each, the others grow with its logarithm up to max_distance. They are
/// computed in float32, as PyTorch does, once for every distance.
/// </summary>
[Upgrades("RelativePositionBias", Domain = "com.microsoft")]
internal sealed class RelativePositionBias : OperatorUpgrade
{
    /// <summary>Farther distances are no model's.</summary>
    private const long MostDistance = 1 << 20;

    public override void Apply(NodeDraft node)
    {
        Value table = node.Required(0);
        if (!table.Shape.IsRanked || table.Shape.Rank != 2 || table.Shape[0] < 1) throw node.Unsupported($"a table of shape {table.Shape} is not supported; the number of buckets must be known");
        bool isBidirectional = node.Attributes.Int("is_bidirectional", 0) != 0;
        long farthest = node.Attributes["max_distance"].Int;
        if (farthest is < 1 or > MostDistance) throw node.Unsupported($"max_distance {farthest} is not supported; 1 to {MostDistance} is");
        Value queries = Count(node, node.Required(1)), keys = Count(node, node.Required(2));
        Value distance = node.Emit("Sub", [keys, node.Emit("Unsqueeze", [queries, node.Ints("axis", 1)])]);
        Value place = node.Emit("Add", [node.Emit("Clip", [distance, node.Int("low", -farthest), node.Int("high", farthest)]), node.Int("middle", farthest)]);
        Value bucket = node.Emit("Gather", [node.Constant("buckets", Tensor.FromArray<long>(Buckets(table.Shape[0], farthest, isBidirectional), new Shape(2 * farthest + 1))), place]);
        Value bias = node.Emit("Transpose", [node.Emit("Gather", [table, bucket])], ("perm", new long[] { 2, 0, 1 }));
        node.Become("Unsqueeze", [bias, node.Ints("batch", 0)]);
        node.MoveTo("");
    }

    /// <summary>The buckets of the distances -farthest .. farthest.</summary>
    private static long[] Buckets(long count, long farthest, bool isBidirectional)
    {
        if (isBidirectional) count /= 2;
        long exact = count / 2;
        var buckets = new long[2 * farthest + 1];
        for (long d = -farthest; d <= farthest; d++)
        {
            long n = isBidirectional ? Math.Abs(d) : Math.Max(-d, 0), bucket = n;
            if (n >= exact) bucket = Math.Min(exact + (long)(MathF.Log((float)n / exact) / MathF.Log((float)farthest / exact) * (count - exact)), count - 1);
            buckets[d + farthest] = bucket + (isBidirectional && d > 0 ? count : 0);
        }
        return buckets;
    }

    /// <summary>0 .. n-1, of n in a tensor of one element.</summary>
    private static Value Count(NodeDraft node, Value n)
    {
        Value scalar = node.Emit("Reshape", [node.Emit("Cast", [n], ("to", (long)DType.Int64)), node.Constant("scalar", new Tensor(DType.Int64, new Shape(0)))]);
        return node.Emit("Range", [node.Int("zero", 0), scalar, node.Int("one", 1)]);
    }
}
