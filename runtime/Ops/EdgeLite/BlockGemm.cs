using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Dense layer over the last axis, float X[..][K] to Y[..][out_features], with weights of 2, 3, 4 or 8 bits: W = scale * (q - zero), one
/// scale (float32 or float16) and zero point (uint8; half of the range when absent) for each column of each block of block_size rows
/// (<see cref="BlockLayout"/>). X is used as it is; with <c>int8</c> it is rounded to int8, each block of each row for itself, or, with
/// <c>per_tensor</c>, as DynamicQuantizeLinear rounds it, which needs WSum (sum of q - zero of each column). Arithmetic as block_gemm_f32
/// and block_gemm_s8 in kernels-native/include/el_quant.h.
/// </summary>
[Operator("BlockGemm", "X, W, Scales, Zeros?, B?, WSum?", "Y", Domain = "edgelite")]
public sealed unsafe partial class BlockGemm : Operator
{
    private const float Least = 1.5046328e-36f; // 2^-119

    [Attr(Required = true)] public long OutFeatures { get; set; }
    [Attr(Required = true)] public long Bits { get; set; }
    [Attr(Required = true)] public long BlockSize { get; set; }
    [Attr] public bool Int8 { get; set; }
    [Attr] public bool PerTensor { get; set; }

    public BlockLayout Layout(long k) => new((int)Bits, checked((int)k), checked((int)OutFeatures), BlockSize);

    public override void Infer(InferContext c)
    {
        c.ExpectType(0, c.DType(0) == DType.Float32, "float32");
        c.ExpectType(1, c.DType(1) == DType.UInt8, "uint8");
        c.ExpectType(2, c.DType(2) is DType.Float32 or DType.Float16, "float32 or float16");
        if (c.HasInput(3)) c.ExpectType(3, c.DType(3) == DType.UInt8, "uint8");
        if (c.HasInput(4)) c.ExpectType(4, c.DType(4) == DType.Float32, "float32");
        if (c.HasInput(5)) c.ExpectType(5, c.DType(5) == DType.Int32, "int32");
        if (PerTensor && !(Int8 && c.HasInput(5))) throw c.Error("per_tensor needs int8 and input WSum");
        for (int i = 4; i < 6; i++) c.ExpectCount(i, OutFeatures);
        Shape x = c.Shape(0);
        if (!x.IsRanked)
        {
            c.SetOutput(0, DType.Float32, x);
            return;
        }
        if (x.Rank == 0) throw c.Error("X is a scalar, expected at least one dimension");
        long k = x[x.Rank - 1];
        if (k >= 0)
        {
            BlockLayout layout = Layout(k);
            if (!layout.IsPossible || PerTensor && layout.Blocks != 1) throw c.Error($"weights of {Bits} bits in blocks of {BlockSize} are not possible for {k} x {OutFeatures}");
            c.ExpectCount(1, layout.Bytes);
            for (int i = 2; i < 4; i++) c.ExpectCount(i, layout.Parameters);
        }
        c.SetOutput(0, DType.Float32, x.With(x.Rank - 1, OutFeatures));
    }

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), scales = c.Input(2), y = c.Output(0);
        Tensor? zeros = c.OptionalInput(3), bias = c.OptionalInput(4), sums = c.OptionalInput(5);
        int k = (int)x.Shape[x.Shape.Rank - 1], n = (int)OutFeatures;
        BlockLayout layout = Layout(k);
        byte* packed = c.Input(1).Data;
        float* data = (float*)x.Data;
        (float tensorScale, int tensorZero) = PerTensor ? TensorRange(data, x.Count) : default;
        var rounded = new int[Int8 ? k : 0];
        for (long m = 0; m < y.Count / n; m++)
        {
            float* row = data + m * k;
            for (int j = 0; j < n; j++) y.SetDouble(m * n + j, 0);
            for (int b = 0; b < layout.Blocks; b++)
            {
                int first = (int)(b * BlockSize), last = (int)Math.Min(k, first + BlockSize);
                float scale = PerTensor ? RoundTensor(row, k, rounded, tensorScale, tensorZero) : Int8 ? RoundBlock(row, first, last, rounded) : 0;
                for (int j = 0; j < n; j++)
                {
                    long at = layout.Parameter(b, j);
                    int zero = zeros == null ? 1 << ((int)Bits - 1) : (int)zeros.GetInt64(at);
                    float s = (float)scales.GetDouble(at);
                    if (!Int8)
                    {
                        double sum = 0;
                        for (int i = first; i < last; i++) sum += (double)row[i] * (layout.Get(packed, i, j) - zero);
                        y.SetDouble(m * n + j, y.GetDouble(m * n + j) + sum * s);
                        continue;
                    }
                    int acc = 0;
                    for (int i = first; i < last; i++) acc += rounded[i] * (layout.Get(packed, i, j) - zero);
                    if (PerTensor) acc -= tensorZero * (int)sums!.GetInt64(j);
                    y.SetDouble(m * n + j, MathF.FusedMultiplyAdd(acc, s * scale, (float)y.GetDouble(m * n + j)));
                }
            }
            for (int j = 0; j < n && bias != null; j++) y.SetDouble(m * n + j, (float)y.GetDouble(m * n + j) + (float)bias.GetDouble(j));
        }
    }

    /// <summary>Rounds one block of a row and returns its scale.</summary>
    private static float RoundBlock(float* row, int first, int last, int[] rounded)
    {
        float most = 0;
        for (int i = first; i < last; i++) most = float.IsFinite(row[i]) ? MathF.Max(most, MathF.Abs(row[i])) : float.PositiveInfinity;
        for (int i = first; i < last && !float.IsFinite(most); i++) rounded[i] = 0;
        if (!float.IsFinite(most)) return float.NaN;
        float inverse = most < Least ? 0 : 127 / most;
        for (int i = first; i < last; i++) rounded[i] = (int)MathF.Round(row[i] * inverse, MidpointRounding.ToEven);
        return most < Least ? 0 : most / 127;
    }

    /// <summary>Scale and zero point less 128 of all numbers; NaN when one is not finite.</summary>
    private static (float Scale, int Zero) TensorRange(float* x, long count)
    {
        float low = 0, high = 0;
        for (long i = 0; i < count; i++)
        {
            if (!float.IsFinite(x[i])) return (float.NaN, 0);
            low = MathF.Min(low, x[i]);
            high = MathF.Max(high, x[i]);
        }
        float scale = (high - low) / 255;
        if (scale == 0) scale = 1;
        return (scale, (int)Math.Clamp(MathF.Round((0 - low) / scale, MidpointRounding.ToEven), 0, 255) - 128);
    }

    private static float RoundTensor(float* row, int k, int[] rounded, float scale, int zero)
    {
        for (int i = 0; i < k; i++)
            rounded[i] = float.IsNaN(scale) ? 0 : (int)Math.Clamp(MathF.Round(row[i] / scale, MidpointRounding.ToEven) + (zero + 128), 0, 255) - 128;
        return scale;
    }
}
