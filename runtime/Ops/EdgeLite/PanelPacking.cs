using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Where each weight lies in a packed buffer, as kernels-native/include/el_nn.h (float32) and el_quant.h (int8) define it.
/// A weight is named by its group g, tap t = ky*kw + kx, input channel ci and output channel co, both within the group.
/// <code>
/// float32 panels     [G][ceil(N/16)][taps*cin][16]
/// int8 panels        [G][ceil(N/16)][taps*ceil4(cin)/4][16][4]
/// </code>
/// N is the group's number of output channels. A dense layer has one group and one tap; a transposed convolution is packed as
/// a convolution is: rows (ky, kx, ci), columns co, the kernel not flipped.
/// </summary>
public readonly record struct PanelLayout(DType DType, int Groups, int Taps, int InChannels, int OutChannels)
{
    /// <summary>Columns of one panel (EL_PANEL).</summary>
    public const int Panel = 16;

    private int PanelCount => (OutChannels + Panel - 1) / Panel;
    private int Depth => DType == DType.Int8 ? (InChannels + 3) / 4 * 4 : InChannels;

    /// <summary>Elements of the packed buffer, padding included.</summary>
    public long Count => (long)Groups * PanelCount * Taps * Depth * Panel;

    /// <summary>Index of one weight in the packed buffer.</summary>
    public long At(int group, int tap, int ci, int co)
    {
        long row = (long)tap * Depth + ci, rows = (long)Taps * Depth;
        long panel = (long)group * PanelCount + co / Panel;
        int lane = co % Panel;
        return DType == DType.Int8
            ? ((panel * (rows / 4) + row / 4) * Panel + lane) * 4 + row % 4
            : (panel * rows + row) * Panel + lane;
    }
}

/// <summary>
/// Where each weight of a depthwise convolution lies: <c>[ceil(C/16)][taps][16]</c>, channel c = 16*block + lane, for float32
/// and int8 alike (el_nn.h, el_quant.h).
/// </summary>
public readonly record struct DepthwiseLayout(int Taps, int Channels)
{
    public const int Panel = PanelLayout.Panel;

    /// <summary>Elements of the packed buffer, padding included.</summary>
    public long Count => (long)((Channels + Panel - 1) / Panel) * Taps * Panel;

    /// <summary>Index of the weight of channel <paramref name="c"/> at tap <paramref name="tap"/> = ky*kw + kx.</summary>
    public long At(int tap, int c) => ((long)(c / Panel) * Taps + tap) * Panel + c % Panel;
}

/// <summary>Packs ONNX weights (float32 or int8) into the layouts that the kernels read. Results are 1-D tensors of the same
/// element type, zero in the padding.</summary>
public static class PanelPacking
{
    /// <summary>Convolution: W[oc][ic/groups][kh][kw] (any number of spatial dimensions).</summary>
    public static Tensor PackConv(Tensor w, int groups)
    {
        int oc = (int)w.Shape[0] / groups, ic = (int)w.Shape[1], taps = (int)w.Shape.Product(2, w.Shape.Rank);
        var layout = new PanelLayout(Supported(w), groups, taps, ic, oc);
        Tensor packed = Allocate(w.DType, layout.Count);
        for (int g = 0; g < groups; g++)
            for (int co = 0; co < oc; co++)
                for (int ci = 0; ci < ic; ci++)
                    for (int t = 0; t < taps; t++)
                        Move(w, (((long)g * oc + co) * ic + ci) * taps + t, packed, layout.At(g, t, ci, co));
        return packed;
    }

    /// <summary>Transposed convolution: W[ic][oc/groups][kh][kw].</summary>
    public static Tensor PackConvTranspose(Tensor w, int groups)
    {
        int ic = (int)w.Shape[0] / groups, oc = (int)w.Shape[1], taps = (int)w.Shape.Product(2, w.Shape.Rank);
        var layout = new PanelLayout(Supported(w), groups, taps, ic, oc);
        Tensor packed = Allocate(w.DType, layout.Count);
        for (int g = 0; g < groups; g++)
            for (int ci = 0; ci < ic; ci++)
                for (int co = 0; co < oc; co++)
                    for (int t = 0; t < taps; t++)
                        Move(w, (((long)g * ic + ci) * oc + co) * taps + t, packed, layout.At(g, t, ci, co));
        return packed;
    }

    /// <summary>Depthwise convolution: W[c][1][kh][kw].</summary>
    public static Tensor PackDepthwise(Tensor w)
    {
        int channels = (int)w.Shape[0], taps = (int)w.Shape.Product(1, w.Shape.Rank);
        Supported(w);
        var layout = new DepthwiseLayout(taps, channels);
        Tensor packed = Allocate(w.DType, layout.Count);
        for (int c = 0; c < channels; c++)
            for (int t = 0; t < taps; t++) Move(w, (long)c * taps + t, packed, layout.At(t, c));
        return packed;
    }

    /// <summary>Dense layer: W[K][N], or W[N][K] when <paramref name="transposed"/>.</summary>
    public static Tensor PackGemm(Tensor w, bool transposed)
    {
        int k = (int)w.Shape[transposed ? 1 : 0], n = (int)w.Shape[transposed ? 0 : 1];
        var layout = new PanelLayout(Supported(w), 1, 1, k, n);
        Tensor packed = Allocate(w.DType, layout.Count);
        for (int i = 0; i < k; i++)
            for (int j = 0; j < n; j++)
                Move(w, transposed ? (long)j * k + i : (long)i * n + j, packed, layout.At(0, 0, i, j));
        return packed;
    }

    private static DType Supported(Tensor w) => w.DType is DType.Float32 or DType.Int8
        ? w.DType
        : throw new EdgeLiteException(Status.InvalidType, $"Weights of type {w.DType.Name()} cannot be packed; expected float32 or int8.");

    private static Tensor Allocate(DType dtype, long count) => new(dtype, new Shape(count));

    private static unsafe void Move(Tensor from, long i, Tensor to, long j)
    {
        if (from.DType == DType.Int8) to.Data[j] = from.Data[i];
        else ((float*)to.Data)[j] = ((float*)from.Data)[i];
    }
}
