using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Layers along the steps of [N,T,I], the batch may be absent.</summary>
internal static class Torch7Sequences
{
    /// <summary>x [N,T,I]; row o of the weight holds kW frames of I numbers.</summary>
    [Torch7("TemporalConvolution")]
    private static object TemporalConvolution(Torch7Module m)
    {
        long outputs = m.Int("outputFrameSize"), inputs = m.Int("inputFrameSize"), kw = m.Int("kW");
        m.Refine(-1, -1, inputs);
        Tensor frames = m.Weights("weight", outputs, kw, inputs), kernel = new(DType.Float32, new Shape(outputs, inputs, kw));
        for (long o = 0; o < outputs; o++)
            for (long t = 0; t < kw; t++)
                for (long i = 0; i < inputs; i++) kernel.SetDouble((o * inputs + i) * kw + t, frames.GetDouble((o * kw + t) * inputs + i));
        Value weight = m.Constant("weight", kernel), bias = m.Weight("bias", outputs);
        return m.Batched(3, x => Swap(m, m.Emit("Conv", [Swap(m, x), weight, bias], ("strides", (long[])[m.Int("dW", 1)]))));
    }

    private static Value Swap(Torch7Module m, Value x) => m.Emit("Transpose", [x], ("perm", (long[])[0, 2, 1]));

    [Torch7("TemporalMaxPooling")]
    private static object TemporalMaxPooling(Torch7Module m) => m.Batched(3, x => Swap(m, m.Emit("MaxPool", [Swap(m, x)], ("kernel_shape", (long[])[m.Int("kW")]), ("strides", (long[])[m.Int("dW", 1)]))));

    /// <summary>weight_i * (sum over the window) + bias_i.</summary>
    [Torch7("TemporalSubSampling")]
    private static object TemporalSubSampling(Torch7Module m)
    {
        long n = m.Int("inputFrameSize"), kw = m.Int("kW");
        m.Refine(-1, -1, n);
        Value sums = m.Batched(3, x => m.Emit("Mul", [Swap(m, m.Emit("AveragePool", [Swap(m, x)], ("kernel_shape", (long[])[kw]), ("strides", (long[])[m.Int("dW", 1)]))), m.Scalar(kw)]));
        return m.Emit("Add", [m.Emit("Mul", [sums, m.Weight("weight", n)]), m.Weight("bias", n)]);
    }

    /// <summary>A kernel for each number of a frame; with featFirst the frames lie along the last dimension.</summary>
    [Torch7("TemporalRowConvolution")]
    private static object TemporalRowConvolution(Torch7Module m)
    {
        long n = m.Int("inputFrameSize"), kw = m.Int("kW");
        bool isFirst = m.Bool("featFirst", false);
        if (isFirst) m.Refine(-1, n, -1);
        else m.Refine(-1, -1, n);
        Value?[] weights = m.Has("bias") ? [m.Weight("weight", n, 1, kw), m.Weight("bias", n)] : [m.Weight("weight", n, 1, kw)];
        Value Convolved(Value x) => m.Emit("Conv", [x, .. weights], ("strides", (long[])[m.Int("dW", 1)]), ("group", n));
        return m.Batched(3, x => isFirst ? Convolved(x) : Swap(m, Convolved(Swap(m, x))));
    }

    /// <summary>The largest numbers of every sequence, in the order of time: max(minK, ceil(factor T)) of T.</summary>
    [Torch7("TemporalDynamicKMaxPooling")]
    private static object TemporalDynamicKMaxPooling(Torch7Module m)
    {
        int axis = m.RankOf(m.X) - 2;
        if (axis < 0) throw m.InputError($"its input has {axis + 2} dimensions; expected 2 or 3");
        long steps = m.X.Shape[axis];
        if (steps < 0) throw m.InputError("the number of steps must be known; give the inputs a size with --shape");
        Value k = m.Ints(Math.Max(m.Int("minK"), (long)Math.Ceiling(m.Number("factor", 0) * steps)));
        Value places = m.EmitMany("TopK", 2, [m.X, k], ("axis", axis))[1];
        Value inOrder = m.EmitMany("TopK", 2, [places, k], ("axis", axis), ("largest", 0))[0];
        return m.Emit("GatherElements", [m.X, inOrder], ("axis", axis));
    }
}
