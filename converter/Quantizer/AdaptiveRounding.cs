using System.Collections.Concurrent;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Rounds int8 weights up or down so that the layer's results change least, not the weights: with H = sum over samples of x xT, x being
/// what one output reads, (w - scale q)T H (w - scale q) is made small. The objective is that of Nagel et al., "Up or Down? Adaptive
/// Rounding for Post-Training Quantization", arXiv 2004.10568, equation 19; it is solved weight by weight, each one's loss made up for by
/// those after it (Frantar et al., GPTQ, arXiv 2210.17323, equation 2).
/// </summary>
internal sealed class AdaptiveRounding
{
    /// <summary>Outputs of more inputs are rounded to nearest: the factor takes k^3 / 3 operations.</summary>
    private const int MaxWidth = 1024;

    /// <summary>Places that are looked at in a sample.</summary>
    private const int Places = 48;

    /// <summary>H of each group of a layer, by the name of the layer's result; once it was needed, its inverse factor.</summary>
    private readonly ConcurrentDictionary<string, Moments> _layers = [];

    private sealed class Moments(int groups, int width)
    {
        public readonly double[][] Matrices = [.. Enumerable.Range(0, groups).Select(_ => new double[width * width])];
        public readonly int Width = width;
        public int Samples;
        public bool IsFactored;
        public (float[] Scales, Tensor Weights)? Last;
    }

    /// <summary>Takes a sample of what <paramref name="layer"/> reads.</summary>
    public void Add(Node layer, Tensor x)
    {
        Shape w = layer.Inputs[1]!.Shape;
        if (layer.Is("Conv"))
        {
            if (ConvGeometry.Of(layer, w) is { } geometry && w.Product(1, w.Rank) <= MaxWidth) AddConv(layer, x, geometry, (int)w[1]);
            return;
        }
        int width = (int)x.Shape[x.Shape.Rank - 1];
        if (layer.OpType is not ("MatMul" or "Gemm") || width > MaxWidth) return;
        Moments m = Of(layer, 1, width);
        int rows = (int)(x.Count / width);
        for (int i = 0; i < Math.Min(Places, rows); i++) Hessian.Add(m.Matrices[0], x.Span<float>().Slice(Place(i, rows, m.Samples) * width, width));
        m.Samples++;
    }

    /// <summary>round(w / scale[c]) within [-127, 127]; null where nothing was seen.</summary>
    public Tensor? Round(Node layer, Tensor weights, int axis, float[] scales)
    {
        if (!_layers.TryGetValue(layer.Output.Name, out Moments? m)) return null;
        if (m.Last is { } last && last.Scales.AsSpan().SequenceEqual(scales)) return last.Weights;
        if (!m.IsFactored)
        {
            for (int g = 0; g < m.Matrices.Length; g++) m.Matrices[g] = Hessian.InverseFactor(m.Matrices[g], m.Width);
            m.IsFactored = true;
        }
        var result = new Tensor(DType.Int8, weights.Shape);
        int k = m.Width, channels = scales.Length, perGroup = channels / m.Matrices.Length;
        long step = axis == 0 ? 1 : channels;
        Parallel.For(0, channels, o =>
        {
            ReadOnlySpan<double> u = m.Matrices[o / perGroup];
            ReadOnlySpan<float> w = weights.Span<float>();
            Span<sbyte> q = result.Span<sbyte>();
            long first = axis == 0 ? (long)o * k : o;
            var rest = new double[k];
            for (int i = 0; i < k; i++) rest[i] = w[(int)(first + i * step)];
            for (int i = 0; i < k; i++)
            {
                double stored = Math.Clamp(Math.Round(rest[i] / scales[o], MidpointRounding.ToEven), -127, 127);
                q[(int)(first + i * step)] = (sbyte)stored;
                double lost = (rest[i] - scales[o] * stored) / u[i * k + i];
                if (lost != 0) Hessian.AddScaled(u.Slice(i * k + i, k - i), -lost, rest.AsSpan(i));
            }
        });
        m.Last = (scales, result);
        return result;
    }

    private Moments Of(Node layer, int groups, int width) => _layers.GetOrAdd(layer.Output.Name, _ => new Moments(groups, width));

    /// <summary>Place i of a sample, spread over all of them and others in each sample.</summary>
    private static int Place(int i, int count, int sample) => (int)(((long)i * count / Math.Min(Places, count) + 7919L * sample) % count);

    private void AddConv(Node layer, Tensor x, ConvGeometry g, int groupChannels)
    {
        int taps = (int)(g.Kernel[0] * g.Kernel[1]), k = groupChannels * taps;
        Shape y = layer.Output.Shape;
        int height = x.Shape.Rank == 4 ? (int)x.Shape[2] : 1, width = (int)x.Shape[x.Shape.Rank - 1];
        int outHeight = y.Rank == 4 ? (int)y[2] : 1, outWidth = (int)y[y.Rank - 1], places = (int)x.Shape[0] * outHeight * outWidth;
        Moments m = Of(layer, g.Groups, k);
        ReadOnlySpan<float> data = x.Span<float>();
        var row = new float[k];
        for (int i = 0; i < Math.Min(Places, places); i++)
        {
            int place = Place(i, places, m.Samples), n = place / (outHeight * outWidth), oy = place / outWidth % outHeight, ox = place % outWidth;
            for (int group = 0; group < g.Groups; group++)
            {
                for (int j = 0; j < k; j++)
                {
                    int c = group * groupChannels + j / taps, ky = j % taps / (int)g.Kernel[1], kx = j % (int)g.Kernel[1];
                    long iy = oy * g.Strides[0] - g.Pads[0] + ky * g.Dilations[0], ix = ox * g.Strides[1] - g.Pads[1] + kx * g.Dilations[1];
                    bool isInside = iy >= 0 && iy < height && ix >= 0 && ix < width;
                    row[j] = isInside ? data[(int)(((n * g.InChannels + c) * height + iy) * width + ix)] : 0;
                }
                Hessian.Add(m.Matrices[group], row);
            }
        }
        m.Samples++;
    }
}
