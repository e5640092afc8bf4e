using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Slices of a tensor along one axis, as Loop and Scan hand them to their body and stack what comes back.</summary>
internal static class StackedScan
{
    /// <summary>Stacks equal-shaped slices along a new axis into output <paramref name="output"/>. Disposes the slices.
    /// <paramref name="emptyType"/> tells the slice's type when there is none.</summary>
    public static void Store(ComputeContext c, int output, List<Tensor> slices, int axis, bool isReverse, Func<TensorType> emptyType)
    {
        TensorType type = slices.Count > 0 ? new TensorType(slices[0].DType, slices[0].Shape) : WithoutUnknowns(emptyType());
        if (axis < 0) axis += type.Shape.Rank + 1;
        Tensor y = c.Allocate(output, type.DType, SubgraphTypes.Insert(type.Shape, axis, slices.Count));
        for (int i = 0; i < slices.Count; i++)
        {
            Tensor slice = slices[isReverse ? slices.Count - 1 - i : i];
            if (slice.Shape != type.Shape) throw c.Error($"output {output}: iteration {i} gives {slice}, earlier ones {type}");
            Copy(slice, y, axis, i, isIntoSlice: false);
        }
        foreach (Tensor slice in slices) slice.Dispose();
    }

    /// <summary>Slice number <paramref name="index"/> of <paramref name="x"/> along <paramref name="axis"/>.</summary>
    public static Tensor Take(Tensor x, int axis, long index)
    {
        var slice = new Tensor(x.DType, SubgraphTypes.Without(x.Shape, axis));
        Copy(slice, x, axis, index, isIntoSlice: true);
        return slice;
    }

    private static void Copy(Tensor slice, Tensor whole, int axis, long index, bool isIntoSlice)
    {
        long inner = whole.Shape.Product(axis + 1, whole.Shape.Rank), n = whole.Shape[axis];
        for (long i = 0; i < slice.Count; i++)
        {
            long at = (i / inner * n + index) * inner + i % inner;
            if (isIntoSlice) Elements.Copy(whole, at, slice, i);
            else Elements.Copy(slice, i, whole, at);
        }
    }

    private static TensorType WithoutUnknowns(TensorType type)
    {
        Shape shape = type.Shape.IsRanked ? type.Shape : Shape.Scalar;
        for (int i = 0; i < shape.Rank; i++)
            if (shape[i] < 0) shape = shape.With(i, 0);
        return new TensorType(type.DType, shape);
    }
}
