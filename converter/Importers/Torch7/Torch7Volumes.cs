using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Layers on volumes [N,C,T,H,W], the batch may be absent.</summary>
internal static class Torch7Volumes
{
    [Torch7("VolumetricConvolution", "VolumetricDilatedConvolution")]
    private static object Convolution(Torch7Module m)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane");
        return Convolve(m, "Conv", m.Weight("weight", outputs, inputs, m.Int("kT"), m.Int("kH"), m.Int("kW")), ("dilations", (long[])[m.Int("dilationT", 1), m.Int("dilationH", 1), m.Int("dilationW", 1)]));
    }

    [Torch7("VolumetricFullConvolution")]
    private static object FullConvolution(Torch7Module m)
    {
        long outputs = m.Int("nOutputPlane"), inputs = m.Int("nInputPlane");
        return Convolve(m, "ConvTranspose", m.Weight("weight", inputs, outputs, m.Int("kT"), m.Int("kH"), m.Int("kW")), ("output_padding", (long[])[m.Int("adjT", 0), m.Int("adjH", 0), m.Int("adjW", 0)]));
    }

    private static Value Convolve(Torch7Module m, string opType, Value weight, (string, AttributeValue) more)
    {
        m.Refine(-1, m.Int("nInputPlane"), -1, -1, -1);
        Value?[] bias = m.Has("bias") ? [m.Weight("bias", m.Int("nOutputPlane"))] : [];
        return m.Batched(5, x => m.Emit(opType, [x, weight, .. bias], ("strides", Strides(m, 1)), ("pads", Pads(m)), more));
    }

    [Torch7("VolumetricMaxPooling", "VolumetricDilatedMaxPooling")]
    private static object MaxPooling(Torch7Module m) => Pool(m, "MaxPool", ("dilations", (long[])[m.Int("dilationT", 1), m.Int("dilationH", 1), m.Int("dilationW", 1)]));

    [Torch7("VolumetricAveragePooling")]
    private static object AveragePooling(Torch7Module m) => Pool(m, "AveragePool", ("count_include_pad", m.Bool("count_include_pad", true) ? 1 : 0));

    private static Value Pool(Torch7Module m, string opType, (string, AttributeValue) more)
    {
        m.Refine(-1, -1, -1, -1, -1);
        return m.Batched(5, x => m.Emit(opType, [x], ("kernel_shape", (long[])[m.Int("kT"), m.Int("kH"), m.Int("kW")]), ("strides", Strides(m, null)), ("pads", Pads(m)), ("ceil_mode", m.Bool("ceil_mode", false) ? 1 : 0), more));
    }

    private static long[] Strides(Torch7Module m, long? otherwise) => [m.Int("dT", otherwise ?? m.Int("kT")), m.Int("dH", otherwise ?? m.Int("kH")), m.Int("dW", otherwise ?? m.Int("kW"))];

    private static long[] Pads(Torch7Module m)
    {
        long[] pad = [m.Int("padT", 0), m.Int("padH", 0), m.Int("padW", 0)];
        return [.. pad, .. pad];
    }

    [Torch7("VolumetricReplicationPadding")]
    private static object Padding(Torch7Module m)
    {
        m.Refine(-1, -1, -1, -1, -1);
        int rank = m.RankOf(m.X);
        long[] pads = new long[2 * rank];
        (pads[rank - 3], pads[rank - 2], pads[rank - 1], pads[^3], pads[^2], pads[^1]) = (m.Int("pfront"), m.Int("ptop"), m.Int("pleft"), m.Int("pback"), m.Int("pbottom"), m.Int("pright"));
        return m.Emit("Pad", [m.X, m.Ints(pads)], ("mode", "edge"));
    }
}
