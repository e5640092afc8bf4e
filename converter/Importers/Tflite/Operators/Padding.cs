using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Padding of stored values; quantized tensors are padded with what stands for 0.</summary>
internal static class Padding
{
    [Tflite(TfliteOp.PAD)]
    private static void Pad(TfliteNode n) => n.SetRaw(0, PadRaw(n, Raw(n), OnnxPads(n)));

    [Tflite(TfliteOp.PADV2)]
    private static void PadV2(TfliteNode n)
    {
        Value value = n.Input(2).Rank == 0 ? n.Raw(2) : n.Reshape(n.Raw(2), []);
        n.SetRaw(0, n.Emit("Pad", [Raw(n), n.Ints(OnnxPads(n)), value]));
    }

    /// <summary>REFLECT leaves the border out; SYMMETRIC repeats it, which ONNX lacks: an index list for each axis.</summary>
    [Tflite(TfliteOp.MIRROR_PAD, Limits = "free sizes of the padded axes, a result of another scale")]
    private static void MirrorPad(TfliteNode n)
    {
        long[] pads = OnnxPads(n);
        Value x = Raw(n);
        if (n.Options.Int8(TfliteOption.MirrorPad.Mode) == 0)
        {
            n.SetRaw(0, n.Emit("Pad", [x, n.Ints(pads)], ("mode", "reflect")));
            return;
        }
        int rank = n.Input(0).Rank;
        for (int axis = 0; axis < rank; axis++)
        {
            long before = pads[axis], after = pads[rank + axis], size = n.Input(0).Dims![axis];
            if (before == 0 && after == 0) continue;
            if (size < 0) throw n.Error("the input size must be known");
            if (before > size || after > size || before < 0 || after < 0) throw n.Damaged($"padding {before} and {after} of an axis of {size}");
            long[] index = [.. Range(before, i => before - 1 - i), .. Range(size, i => i), .. Range(after, i => size - 1 - i)];
            x = n.Emit("Gather", [x, n.Ints(index)], ("axis", axis));
        }
        n.SetRaw(0, ReferenceEquals(x, n.Raw(0)) ? n.Emit("Identity", [x]) : x);
    }

    internal static Value PadRaw(TfliteNode n, Value x, long[] pads)
    {
        if (pads.All(p => p == 0)) return x;
        TfliteTensor input = n.Input(0);
        return input.Quantization is { ZeroPoint: not 0 } q && input.IsQuantizedActivation
            ? n.Emit("Pad", [x, n.Ints(pads), n.Scalar(input.DType, q.ZeroPoint)])
            : n.Emit("Pad", [x, n.Ints(pads)]);
    }

    private static Value Raw(TfliteNode n) => n.SameQuantization(0, 0) ? n.Raw(0) : throw n.Error("input and output have different scales");

    /// <summary>TFLite's [before, after] for each axis, as all befores, then all afters.</summary>
    private static long[] OnnxPads(TfliteNode n)
    {
        long[] pairs = n.RequiredInts(1, "the paddings");
        int rank = n.Input(0).Rank;
        if (pairs.Length != 2 * rank) throw n.Damaged($"{pairs.Length} paddings for {rank} dimensions");
        return [.. Range(rank, i => pairs[2 * i]), .. Range(rank, i => pairs[2 * i + 1])];
    }

    private static IEnumerable<long> Range(long count, Func<long, long> of)
    {
        for (long i = 0; i < count; i++) yield return of(i);
    }
}
