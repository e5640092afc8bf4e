using EdgeLite.Converter.Ir;
using EdgeLite.Format;
using Option = EdgeLite.Converter.Importers.Tflite.TfliteOption.StableHlo;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>StableHLO's products and convolutions, whose dimensions stand in any order.</summary>
internal static class StableHloProducts
{
    /// <summary>[batch.., free.., contracted..] x [batch.., contracted.., free..] as one product of matrices.</summary>
    [Tflite(TfliteOp.STABLEHLO_DOT_GENERAL, Limits = "free sizes")]
    private static void DotGeneral(TfliteNode n)
    {
        FlatTable o = n.Options2;
        long[] leftBatch = o.Scalars<long>(Option.DotGeneral.LeftBatch).ToArray(), rightBatch = o.Scalars<long>(Option.DotGeneral.RightBatch).ToArray();
        long[] leftSums = o.Scalars<long>(Option.DotGeneral.LeftContracting).ToArray(), rightSums = o.Scalars<long>(Option.DotGeneral.RightContracting).ToArray();
        long[] a = StableHloMovement.Sizes(n, n.Input(0)), b = StableHloMovement.Sizes(n, n.Input(1));
        long[] leftFree = [.. Rest(a.Length, leftBatch, leftSums)], rightFree = [.. Rest(b.Length, rightBatch, rightSums)];
        long batch = Product(a, leftBatch), sums = Product(a, leftSums);
        Value left = n.Reshape(n.Transpose(n.Real(0), [.. leftBatch, .. leftFree, .. leftSums]), batch, Product(a, leftFree), sums);
        Value right = n.Reshape(n.Transpose(n.Real(1), [.. rightBatch, .. rightSums, .. rightFree]), batch, sums, Product(b, rightFree));
        Value y = n.Reshape(n.Emit("MatMul", [left, right]), [.. leftBatch.Select(d => a[d]), .. leftFree.Select(d => a[d]), .. rightFree.Select(d => b[d])]);
        n.SetReal(0, !n.Output(0).IsQuantizedActivation && n.Output(0).DType != n.Input(0).DType && !n.Input(0).IsQuantizedActivation ? n.Cast(y, n.Output(0).DType) : y);

        static IEnumerable<long> Rest(int rank, long[] some, long[] others) => Enumerable.Range(0, rank).Select(d => (long)d).Where(d => !some.Contains(d) && !others.Contains(d));
        static long Product(long[] sizes, long[] dims) => dims.Aggregate(1L, (p, d) => p * sizes[d]);
    }

    [Tflite(TfliteOp.STABLEHLO_CONVOLUTION, Limits = "groups of the batch, free sizes")]
    private static void Convolution(TfliteNode n)
    {
        FlatTable o = n.Options2;
        if (o.Int64(Option.Convolution.BatchGroups) > 1) throw n.Error("groups of the batch are not supported");
        long[] spatial = o.Scalars<long>(Option.Convolution.InputSpatial).ToArray(), kernelSpatial = o.Scalars<long>(Option.Convolution.KernelSpatial).ToArray(), outputSpatial = o.Scalars<long>(Option.Convolution.OutputSpatial).ToArray();
        int rank = spatial.Length;
        long[] dims = StableHloMovement.Sizes(n, n.Input(0)), kernel = StableHloMovement.Sizes(n, n.Input(1));
        if (rank < 1 || dims.Length != rank + 2 || kernel.Length != rank + 2 || kernelSpatial.Length != rank || outputSpatial.Length != rank) throw n.Damaged("its dimensions do not fit the operands");
        long[] order = [o.Int64(Option.Convolution.InputBatch), o.Int64(Option.Convolution.InputFeature), .. spatial];
        Value x = n.Transpose(n.Real(0), order);
        Value w = n.Transpose(n.Real(1), [o.Int64(Option.Convolution.KernelOutputFeature), o.Int64(Option.Convolution.KernelInputFeature), .. kernelSpatial]);
        ReadOnlySpan<byte> reversed = o.Bytes(Option.Convolution.Reversal);
        for (int d = 0; d < reversed.Length; d++)
            if (reversed[d] != 0) w = n.Emit("Slice", [w, n.Ints(-1), n.Ints(long.MinValue), n.Ints(d + 2), n.Ints(-1)]);
        long[] between = Each(Option.Convolution.InputDilation);
        if (between.Any(v => v > 1)) x = Shapes.Dilated(n, x, [.. order.Select(d => dims[d])], [1, 1, .. between], n.Scalar(0));
        ReadOnlySpan<long> padding = o.Scalars<long>(Option.Convolution.Padding);
        if (padding.Length != 0 && padding.Length != 2 * rank) throw n.Damaged($"{padding.Length} pads for {rank} dimensions");
        long[] pads = new long[2 * rank], cut = new long[2 * (rank + 2)];
        for (int d = 0; d < padding.Length; d++)
        {
            int at = d / 2 + d % 2 * rank, whole = d / 2 + 2 + d % 2 * (rank + 2);
            (pads[at], cut[whole]) = (Math.Max(padding[d], 0), Math.Min(padding[d], 0));
        }
        if (cut.Any(v => v < 0)) x = n.Emit("Pad", [x, n.Ints(cut)]);
        Value y = n.Emit("Conv", [x, w], ("strides", Each(Option.Convolution.Strides)), ("pads", pads), ("dilations", Each(Option.Convolution.KernelDilation)), ("group", Math.Max(1, o.Int64(Option.Convolution.FeatureGroups))));
        // Where each dimension of the result lies in [batch, feature, spatial..].
        long[] back = new long[rank + 2];
        (back[o.Int64(Option.Convolution.OutputBatch)], back[o.Int64(Option.Convolution.OutputFeature)]) = (0, 1);
        for (int d = 0; d < rank; d++) back[outputSpatial[d]] = d + 2;
        n.SetReal(0, n.Transpose(y, back));

        long[] Each(int field)
        {
            long[] values = n.Options2.Scalars<long>(field).ToArray();
            return values.Length == 0 ? [.. spatial.Select(_ => 1L)] : values.Length == rank && values.All(v => v >= 1) ? values : throw n.Damaged("its strides or dilations do not fit the operands");
        }
    }
}
