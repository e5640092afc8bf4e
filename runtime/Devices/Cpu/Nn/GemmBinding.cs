using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cpu;

/// <summary>gemm_f32, gemm_f16 (packed weights) and matmul_f32 (both operands computed).</summary>
internal static class GemmBinding
{
    /// <summary><c>el_gemm_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long M;
        public int N, K;
        public Activation Activation;
    }

    /// <summary><c>el_matmul_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct MatMulParameters
    {
        public Batch Sizes;
        public BatchStrides A, B;
        public int M, N, K, TransA, TransB;
        public float Alpha;
    }

    [System.Runtime.CompilerServices.InlineArray(MaxBatch)]
    private struct Batch
    {
        private int _first;
    }

    [System.Runtime.CompilerServices.InlineArray(MaxBatch)]
    private struct BatchStrides
    {
        private long _first;
    }

    private const int MaxBatch = 4;

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Ops.EdgeLite.Gemm op, BindContext c)
    {
        Shape x = c.Shape(0);
        c.Call(c.ForType("gemm"), new Parameters
        {
            M = x.Product(0, x.Rank - 1),
            N = checked((int)op.OutFeatures),
            K = checked((int)x[x.Rank - 1]),
            Activation = Activation.Parse(op.Activation, op.Alpha, op.Beta),
        }, Operand.Input(0), Operand.Input(1), c.Optional(2), c.Optional(3), c.Optional(4), Operand.Output(0));
        return true;
    }

    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(MatMul op, BindContext c)
    {
        Shape a = c.Shape(0), b = c.Shape(1);
        if (!c.All(DType.Float32, 2) || a.Rank < 2 || b.Rank < 2) return false;
        int rank = Math.Max(a.Rank, b.Rank) - 2;
        if (rank > MaxBatch) return false;
        var parameters = new MatMulParameters
        {
            M = checked((int)a[a.Rank - 2]), K = checked((int)a[a.Rank - 1]), N = checked((int)b[b.Rank - 1]), Alpha = 1,
        };
        ((Span<int>)parameters.Sizes).Fill(1);
        long aStride = (long)parameters.M * parameters.K, bStride = (long)parameters.K * parameters.N;
        for (int i = 1; i <= rank; i++)
        {
            long da = a.Rank - 2 - i >= 0 ? a[a.Rank - 2 - i] : 1, db = b.Rank - 2 - i >= 0 ? b[b.Rank - 2 - i] : 1;
            parameters.Sizes[MaxBatch - i] = checked((int)(da == 1 ? db : da));
            parameters.A[MaxBatch - i] = da == 1 ? 0 : aStride;
            parameters.B[MaxBatch - i] = db == 1 ? 0 : bStride;
            aStride *= da;
            bStride *= db;
        }
        c.Call("matmul_f32", parameters, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }

    /// <summary>ONNX Gemm of two computed operands, without a third or scaling.</summary>
    [Binds(typeof(CpuNnBackend))]
    public static bool Bind(Gemm op, BindContext c)
    {
        if (!c.All(DType.Float32, 2) || c.HasInput(2)) return false;
        Shape a = c.Shape(0), y = c.Output(0).Shape;
        var parameters = new MatMulParameters
        {
            M = checked((int)y[0]), N = checked((int)y[1]), K = checked((int)a[op.TransA ? 0 : 1]),
            TransA = op.TransA ? 1 : 0, TransB = op.TransB ? 1 : 0, Alpha = op.Alpha,
        };
        ((Span<int>)parameters.Sizes).Fill(1);
        c.Call("matmul_f32", parameters, Operand.Input(0), Operand.Input(1), Operand.Output(0));
        return true;
    }
}
