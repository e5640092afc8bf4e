using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// Numbers of a tensor as doubles, in memory outside the managed heap. The loops of convolutions and matrix products run over
/// such buffers, so that one loop serves every element type; integers up to 53 bits stay exact.
/// </summary>
internal readonly unsafe struct WideBuffer : IDisposable
{
    public readonly double* P;

    /// <summary>A buffer of zeros; behind its last number there are as many more as <see cref="WeightedSum"/> reads at once.</summary>
    public WideBuffer(long count)
    {
        nuint bytes = (nuint)checked((count + WeightedSum.Lanes) * sizeof(double));
        P = (double*)NativeMemory.AlignedAlloc(bytes, 64);
        NativeMemory.Clear(P, bytes);
    }

    /// <summary>All elements of <paramref name="tensor"/>.</summary>
    public WideBuffer(Tensor tensor) : this(tensor.Count)
    {
        Load(tensor, 0, tensor.Count, 1, P);
    }

    /// <summary>Copies <paramref name="count"/> elements from index <paramref name="first"/> on, <paramref name="step"/> apart,
    /// less <paramref name="zeroPoint"/>.</summary>
    public static void Load(Tensor from, long first, long count, long step, double* to, double zeroPoint = 0)
    {
        if (from.DType == DType.Float32)
        {
            if (count > 0) from.Require(first, (count - 1) * step + 1);
            float* x = (float*)from.Data + first;
            for (long i = 0; i < count; i++) to[i] = x[i * step] - zeroPoint;
            return;
        }
        for (long i = 0; i < count; i++) to[i] = from.GetDouble(first + i * step) - zeroPoint;
    }

    public void Dispose() => NativeMemory.AlignedFree(P);
}
