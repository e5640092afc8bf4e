namespace EdgeLite.Converter.Importers;

/// <summary>TensorFlow's SAME padding: the output has ceil(size / stride) places; the odd one of the padding goes to the end
/// (tensorflow.org/api_docs/python/tf/nn, "Notes on padding").</summary>
internal static class SamePadding
{
    /// <summary>[begins.., ends..]; null when a size is not known.</summary>
    public static long[]? Pads(ReadOnlySpan<long> sizes, ReadOnlySpan<long> kernel, ReadOnlySpan<long> strides, ReadOnlySpan<long> dilations)
    {
        var pads = new long[2 * kernel.Length];
        for (int i = 0; i < kernel.Length; i++)
        {
            if (sizes[i] < 0) return null;
            long output = (sizes[i] + strides[i] - 1) / strides[i];
            long total = Math.Max((output - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 - sizes[i], 0);
            pads[i] = total / 2;
            pads[i + kernel.Length] = total - total / 2;
        }
        return pads;
    }
}
