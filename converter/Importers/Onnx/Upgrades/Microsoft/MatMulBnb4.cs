using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>
/// A product with weights of bitsandbytes' 4-bit floats (arXiv 2305.14314): B holds [n][k] in rows, two to a byte, high bits first, each number of a table
/// times the largest of its block. They become float32.
/// </summary>
[Upgrades("MatMulBnb4", Domain = "com.microsoft")]
internal sealed class MatMulBnb4 : OperatorUpgrade
{
    /// <summary>FP4: sign, two bits of exponent, one of mantissa.</summary>
    private static readonly float[] s_fp4 = [0, 0.0625f / 12, 8f / 12, 1, 4f / 12, 6f / 12, 2f / 12, 3f / 12, 0, -0.0625f / 12, -8f / 12, -1, -4f / 12, -6f / 12, -2f / 12, -3f / 12];

    /// <summary>NF4: quantiles of the normal distribution (appendix E of the paper).</summary>
    private static readonly float[] s_nf4 =
    [
        -1, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f, -0.09105003625154495f, 0,
        0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1,
    ];

    public override void Apply(NodeDraft node)
    {
        long k = node.Attributes["K"].Int, n = node.Attributes["N"].Int, size = node.Attributes["block_size"].Int, kind = node.Attributes["quant_type"].Int;
        if (k < 1 || n < 1 || size < 1 || kind is not (0 or 1) || k > int.MaxValue / n) throw node.Error($"K {k}, N {n}, blocks of {size} and quant_type {kind} are not possible");
        if (node.Required(1).Constant is not { DType: DType.UInt8 } packed || packed.Count != (n * k + 1) / 2) throw node.Unsupported($"B is {node.Required(1)}; a constant of {(n * k + 1) / 2} bytes is expected");
        if (node.Required(2).Constant is not { } largest || largest.Count != (n * k + size - 1) / size) throw node.Unsupported($"absmax is {node.Required(2)}; a constant of {(n * k + size - 1) / size} numbers is expected");
        float[] table = kind == 0 ? s_fp4 : s_nf4;
        var weights = new Tensor(node.DType(0), new Shape(n, k));
        for (long i = 0; i < n * k; i++)
        {
            long both = packed.GetInt64(i / 2);
            weights.SetDouble(i, table[i % 2 == 0 ? both >> 4 : both & 15] * (float)largest.GetDouble(i / size));
        }
        node.Become("MatMul", [node.Required(0), node.Emit("Transpose", [node.Constant("weights", weights)], ("perm", new long[] { 1, 0 }))]);
        node.MoveTo("");
    }
}
