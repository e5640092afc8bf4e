using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Products and distances of vectors, of two inputs or of one and each row or column of the weight.</summary>
internal static class Torch7Distances
{
    [Torch7("DotProduct")] private static object DotProduct(Torch7Module m) => Sum(m, m.Emit("Mul", [m.Tensors[0], m.Tensors[1]]));

    /// <summary>The product of two vectors over their lengths, 1e-12 added to each square.</summary>
    [Torch7("CosineDistance")]
    private static object CosineDistance(Torch7Module m)
    {
        Value a = m.Tensors[0], b = m.Tensors[1];
        Value Square(Value x) => m.Emit("Add", [Sum(m, m.Emit("Mul", [x, x])), m.Scalar(1e-12)]);
        return m.Emit("Div", [Sum(m, m.Emit("Mul", [a, b])), m.Emit("Sqrt", [m.Emit("Mul", [Square(a), Square(b)])])]);
    }

    [Torch7("PairwiseDistance")]
    private static object PairwiseDistance(Torch7Module m)
    {
        Value difference = m.Emit("Sub", [m.Tensors[0], m.Tensors[1]]);
        double norm = m.Number("norm", 2);
        if (norm is not (1 or 2)) return m.Emit("Pow", [Sum(m, m.Emit("Pow", [m.Emit("Abs", [difference]), m.Scalar(norm)])), m.Scalar(1 / norm)]);
        return m.Emit(norm == 1 ? "ReduceL1" : "ReduceL2", [difference, m.Ints(-1)], ("keepdims", m.RankOf(difference) == 1 ? 1 : 0));
    }

    /// <summary>Over the last dimension; of two vectors without a batch a tensor of one element.</summary>
    private static Value Sum(Torch7Module m, Value x) => m.RankOf(x) is 1 or 2 ? m.Emit("ReduceSum", [x, m.Ints(-1)], ("keepdims", m.RankOf(x) == 1 ? 1 : 0)) : throw m.InputError($"its inputs have {m.RankOf(x)} dimensions; expected 1 or 2");

    /// <summary>The cosine of the angle to each row w of the weight, 1e-12 added to each length.</summary>
    [Torch7("Cosine")]
    private static object Cosine(Torch7Module m)
    {
        long[] sizes = m.SizesOf("weight");
        m.Refine(-1, sizes[1]);
        Tensor rows = m.Weights("weight", sizes), columns = new(DType.Float32, new Shape(sizes[1], sizes[0]));
        for (long o = 0; o < sizes[0]; o++)
        {
            double square = 0;
            for (long i = 0; i < sizes[1]; i++) square += rows.GetDouble(o * sizes[1] + i) * rows.GetDouble(o * sizes[1] + i);
            for (long i = 0; i < sizes[1]; i++) columns.SetDouble(i * sizes[0] + o, rows.GetDouble(o * sizes[1] + i) / (Math.Sqrt(square) + 1e-12));
        }
        Value length = m.Emit("Add", [m.Emit("ReduceL2", [m.X, m.Ints(-1)], ("keepdims", 1)), m.Scalar(1e-12)]);
        return m.Emit("Div", [m.Emit("MatMul", [m.X, m.Constant("weight", columns)]), length]);
    }

    /// <summary>The distance to each column of the weight; of WeightedEuclidean with a factor for each of its numbers.</summary>
    [Torch7("Euclidean", "WeightedEuclidean")]
    private static object Euclidean(Torch7Module m)
    {
        long[] sizes = m.SizesOf("weight");
        m.Refine(-1, sizes[0]);
        Value difference = m.Emit("Sub", [m.Emit("Unsqueeze", [m.X, m.Ints(-1)]), m.Weight("weight", sizes)]);
        if (m.Has("diagCov")) difference = m.Emit("Mul", [difference, m.Weight("diagCov", sizes)]);
        return m.Emit("ReduceL2", [difference, m.Ints(-2)], ("keepdims", 0));
    }
}
