using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras;

/// <summary>Rearrangements of float32 weights at import. A tensor's memory goes with the tensor, so sources are kept alive.</summary>
internal static class Arrays
{
    /// <summary>Axis i of the result is axis <c>permutation[i]</c> of the source.</summary>
    public static Tensor Permute(Tensor source, params ReadOnlySpan<int> permutation)
    {
        int rank = permutation.Length;
        var dims = new long[rank];
        var strides = new long[rank];
        for (int i = 0; i < rank; i++)
        {
            dims[i] = source.Shape[permutation[i]];
            strides[i] = source.Shape.Product(permutation[i] + 1, rank);
        }
        var result = new Tensor(DType.Float32, new Shape(dims));
        Span<float> from = source.Span<float>(), to = result.Span<float>();
        var at = new long[rank];
        for (int n = 0; n < to.Length; n++)
        {
            long offset = 0;
            for (int i = 0; i < rank; i++) offset += at[i] * strides[i];
            to[n] = from[(int)offset];
            for (int i = rank - 1; i >= 0 && ++at[i] == dims[i]; i--) at[i] = 0;
        }
        return result;
    }

    /// <summary>Turns the first <paramref name="axes"/> axes round.</summary>
    public static Tensor Flip(Tensor source, int axes)
    {
        var result = new Tensor(DType.Float32, source.Shape);
        int positions = (int)source.Shape.Product(0, axes), block = (int)source.Shape.Product(axes, source.Shape.Rank);
        Span<float> from = source.Span<float>(), to = result.Span<float>();
        for (int p = 0; p < positions; p++) from.Slice(p * block, block).CopyTo(to[((positions - 1 - p) * block)..]);
        return result;
    }

    /// <summary>A matrix's columns [from, from + count).</summary>
    public static Tensor Columns(Tensor matrix, long from, long count)
    {
        int rows = (int)matrix.Shape[0], width = (int)matrix.Shape[1];
        var result = new Tensor(DType.Float32, new Shape(rows, count));
        for (int r = 0; r < rows; r++) matrix.Span<float>().Slice(r * width + (int)from, (int)count).CopyTo(result.Span<float>()[(r * (int)count)..]);
        return result;
    }

    /// <summary>The same weights in another shape of as many elements.</summary>
    public static Tensor Shaped(Tensor source, Shape shape) => shape.Count == source.Count ? source.Reshaped(shape)
        : throw new EdgeLiteException(Status.Corrupt, $"{source.Count} weights do not fill shape {shape}.");

    /// <summary>Arrays one behind the other, in a shape of as many elements.</summary>
    public static Tensor Stack(Shape shape, params ReadOnlySpan<Tensor> parts)
    {
        var result = new Tensor(DType.Float32, shape);
        int at = 0;
        foreach (Tensor part in parts)
        {
            part.Span<float>().CopyTo(result.Span<float>()[at..]);
            at += (int)part.Count;
        }
        return at == result.Count ? result : throw new EdgeLiteException(Status.Corrupt, $"{at} weights do not fill shape {shape}.");
    }

    public static Tensor Filled(Shape shape, float value)
    {
        var result = new Tensor(DType.Float32, shape);
        result.Span<float>().Fill(value);
        return result;
    }

    public static Tensor Float32(Tensor source) => source.DType == DType.Float32 ? source : source.ConvertTo(DType.Float32);
}
