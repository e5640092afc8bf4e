using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Rarer convolutions over maps [N,C,H,W], the batch may be absent.</summary>
internal static class Torch7Convolutions
{
    [Torch7("SpatialConvolutionMap")]
    private static object ConvolutionMap(Torch7Module m) => Torch7Layers.Conv(m, m.Constant("weight", Joined(m, true)), m.Int("nOutputPlane"), m.Int("nInputPlane"), 1);

    [Torch7("SpatialFullConvolutionMap")]
    private static object FullConvolutionMap(Torch7Module m)
    {
        m.Refine(-1, m.Int("nInputPlane"), -1, -1);
        return m.Batched(4, x => m.Emit("ConvTranspose", [x, m.Constant("weight", Joined(m, false)), m.Weight("bias", m.Int("nOutputPlane"))], ("strides", (long[])[m.Int("dH", 1), m.Int("dW", 1)])));
    }

    /// <summary>Row k of connTable joins input plane [k,1] with output plane [k,2] by kernel k. The dense kernels are [outputs, inputs, h, w] or, of
    /// the transposed layer, [inputs, outputs, h, w].</summary>
    private static Tensor Joined(Torch7Module m, bool isOutputFirst)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane"), kh = m.Int("kH"), kw = m.Int("kW"), connections = m.SizesOf("connTable")[0];
        Tensor table = m.Weights("connTable", connections, 2), kernels = m.Weights("weight", connections, kh, kw);
        if (checked(outputs * inputs * kh * kw) > 1 << 26) throw m.Error("it is too large");
        var dense = new Tensor(DType.Float32, isOutputFirst ? new Shape(outputs, inputs, kh, kw) : new Shape(inputs, outputs, kh, kw));
        for (long k = 0; k < connections; k++)
        {
            long from = (long)table.GetDouble(2 * k) - 1, to = (long)table.GetDouble(2 * k + 1) - 1;
            if (from < 0 || from >= inputs || to < 0 || to >= outputs) throw m.Damaged($"connection {k} joins planes that it does not have");
            for (long i = 0, at = (isOutputFirst ? to * inputs + from : from * outputs + to) * kh * kw; i < kh * kw; i++) dense.SetDouble(at + i, dense.GetDouble(at + i) + kernels.GetDouble(k * kh * kw + i));
        }
        return dense;
    }

    /// <summary>Weight [multiplier, planes, h w]; plane i of the input gives the planes i * multiplier + o.</summary>
    [Torch7("SpatialDepthWiseConvolution")]
    private static object DepthWise(Torch7Module m)
    {
        long inputs = m.Int("nInputPlane"), multiplier = m.Int("nOutputPlane"), kh = m.Int("kH"), kw = m.Int("kW"), size = checked(kh * kw), ph = m.Int("padH", 0), pw = m.Int("padW", 0);
        m.Refine(-1, inputs, -1, -1);
        Value weight = m.Constant("weight", Turned("weight", new Shape(inputs * multiplier, 1, kh, kw), size));
        Value?[] bias = m.Has("bias") ? [m.Constant("bias", Turned("bias", new Shape(inputs * multiplier), 1))] : [];
        return m.Batched(4, x => m.Emit("Conv", [x, weight, .. bias], ("strides", (long[])[m.Int("dH", 1), m.Int("dW", 1)]), ("pads", (long[])[ph, pw, ph, pw]), ("group", inputs)));

        // [multiplier, planes, each] to [planes, multiplier, each].
        Tensor Turned(string field, Shape shape, long each)
        {
            Tensor stored = m.Weights(field, shape.AsSpan()), turned = new(DType.Float32, shape);
            for (long o = 0; o < multiplier; o++)
                for (long i = 0; i < inputs; i++)
                    for (long k = 0; k < each; k++) turned.SetDouble((i * multiplier + o) * each + k, stored.GetDouble((o * inputs + i) * each + k));
            return turned;
        }
    }

    /// <summary>Weights of its own at each place: [H, W, outputs, inputs, h, w]; bias [outputs, H, W].</summary>
    [Torch7("SpatialConvolutionLocal")]
    private static object Local(Torch7Module m)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane"), kh = m.Int("kH"), kw = m.Int("kW"), h = m.Int("oH"), w = m.Int("oW"), ph = m.Int("padH", 0), pw = m.Int("padW", 0);
        m.Refine(-1, inputs, m.Int("iH"), m.Int("iW"));
        long places = checked(h * w), each = checked(inputs * kh * kw);
        Value weight = m.Transpose(m.Weight("weight", places, outputs, each), 0, 2, 1), bias = m.Weight("bias", outputs, h, w);
        return m.Batched(4, x =>
        {
            Value padded = ph == 0 && pw == 0 ? x : m.Emit("Pad", [x, m.Ints(0, 0, ph, pw, 0, 0, ph, pw)]);
            return m.Emit("Add", [m.LocalConvolution(padded, weight, [kh, kw], [m.Int("dH", 1), m.Int("dW", 1)], [h, w], isChannelsLast: false), bias]);
        });
    }
}
