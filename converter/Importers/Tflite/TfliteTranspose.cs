using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Tflite;

/// <summary>Rearranges constants while they are imported.</summary>
internal static class TfliteTranspose
{
    /// <summary>Axis i of the result is axis <c>permutation[i]</c> of the source. Elements of 8 bits or more; smaller ones are kept packed.</summary>
    public static unsafe Tensor Apply(Tensor source, ReadOnlySpan<long> permutation)
    {
        int rank = permutation.Length;
        if (source.Shape.Rank != rank) throw TfliteModel.Corrupt($"a constant has shape {source.Shape}, {rank} dimensions were expected");
        Span<long> dims = stackalloc long[Shape.MaxRank], strides = stackalloc long[Shape.MaxRank], at = stackalloc long[Shape.MaxRank];
        at.Clear();
        for (int i = 0; i < rank; i++)
        {
            dims[i] = source.Shape[(int)permutation[i]];
            strides[i] = source.Shape.Product((int)permutation[i] + 1, rank);
        }
        var result = new Tensor(source.DType, new Shape(dims[..rank]));
        int size = source.DType.Size();
        for (long n = 0, count = result.Count; n < count; n++)
        {
            long from = 0;
            for (int i = 0; i < rank; i++) from += at[i] * strides[i];
            if (size == 0) result.SetInt64(n, source.GetInt64(from));
            else Buffer.MemoryCopy(source.Data + from * size, result.Data + n * size, size, size);
            for (int i = rank - 1; i >= 0 && ++at[i] == dims[i]; i--) at[i] = 0;
        }
        return result;
    }
}
