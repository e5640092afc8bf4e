using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Devices.Cpu;

/// <summary>block_gemm_f32 and block_gemm_s8.</summary>
internal static class BlockGemmBinding
{
    /// <summary><c>el_block_gemm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long M;
        public int N, K, Bits, Block, HalfScales, PerTensor;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(BlockGemm op, BindContext c)
    {
        Shape x = c.Shape(0);
        int k = checked((int)x[x.Rank - 1]);
        c.Call(op.Int8 ? "block_gemm_s8" : "block_gemm_f32", new Parameters
        {
            M = x.Product(0, x.Rank - 1),
            N = checked((int)op.OutFeatures),
            K = k,
            Bits = (int)op.Bits,
            Block = (int)Math.Min(op.BlockSize, int.MaxValue),
            HalfScales = c.DType(2) == DType.Float16 ? 1 : 0,
            PerTensor = op.PerTensor ? 1 : 0,
        }, Operand.Input(0), Operand.Input(1), Operand.Input(2), c.Optional(3), c.Optional(4), c.Optional(5), Operand.Output(0));
        return true;
    }
}
