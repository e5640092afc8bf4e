using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// What QuantizeLinear and DequantizeLinear share: where the scale and zero point of an element lie. One for the whole tensor (a
/// scalar or one element), one for each index along <see cref="Axis"/> (1-D), or one for each block of
/// <see cref="BlockSize"/> elements along it (same rank as the input).
/// </summary>
public abstract class QuantizationOperator : Operator
{
    [Attr] public long Axis { get; set; } = 1;
    [Attr] public long BlockSize { get; set; }

    protected void CheckParameters(InferContext c)
    {
        Shape x = c.Shape(0), scale = c.Shape(1);
        if (c.HasInput(2) && c.Shape(2).IsKnown && scale.IsKnown && c.Shape(2).Count != scale.Count)
            throw c.Error($"zero point has shape {c.Shape(2)}, scale {scale}; expected the same");
        if (!x.IsRanked || !scale.IsRanked || scale.Rank == 0 || scale.IsKnown && scale.Count == 1) return;
        int axis = c.Axis(Axis, x.Rank);
        if (BlockSize == 0 && scale.Rank == 1)
        {
            c.Unify(scale[0], x[axis], $"scale {scale} does not fit axis {axis} of {x}");
            return;
        }
        if (scale.Rank != x.Rank) throw c.Error($"scale has shape {scale}; expected a scalar, one dimension, or blocks of {x}");
        if (BlockSize == 0) throw c.Error($"scale has shape {scale}, but block_size is not given");
        for (int i = 0; i < x.Rank; i++)
        {
            long expected = x[i] < 0 || i != axis ? x[i] : (x[i] + BlockSize - 1) / BlockSize;
            c.Unify(scale[i], expected, $"scale {scale} does not fit blocks of {BlockSize} along axis {axis} of {x}");
        }
    }

    /// <summary>Index of the scale and zero point of element <paramref name="i"/>.</summary>
    protected long ParameterIndex(long i, in Shape x, in Shape scale)
    {
        if (scale.Rank == 0 || scale.Count == 1) return 0;
        int axis = (int)(Axis < 0 ? Axis + x.Rank : Axis);
        long inner = x.Product(axis + 1, x.Rank), n = x[axis];
        long at = i / inner % n;
        return BlockSize == 0 ? at : (i / (inner * n) * scale[axis] + at / BlockSize) * inner + i % inner;
    }
}
