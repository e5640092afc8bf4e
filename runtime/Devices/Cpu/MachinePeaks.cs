using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cpu;

/// <summary>What one core of this machine can do at most, measured with the instruction sets in use: thousand millions a second of float
/// operations, of int8 operations (a multiply-add is two), and of bytes read from memory. 0: not measured.</summary>
public readonly record struct MachinePeaks(double FloatOperations, double Int8Operations, double Bytes)
{
    private const int MemoryBytes = 64 << 20;

    /// <summary><c>el_peak_params</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        public long Rounds, Bytes;
    }

    /// <summary>Takes about 100 ms and 64 MB for that time.</summary>
    public static unsafe MachinePeaks Measure()
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc(MemoryBytes, 64);
        new Span<byte>(memory, MemoryBytes).Fill(1);
        try
        {
            return new MachinePeaks(Best("peak_f32", 20_000, memory), Best("peak_s8", 20_000, memory), Best("peak_read", 1, memory));
        }
        catch (EdgeLiteException e) when (e.Status == Status.NotFound)
        {
            return default; // a library built for some models only
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    /// <summary>The best of several rounds.</summary>
    private static unsafe double Best(string name, long rounds, byte* memory)
    {
        NativeKernel kernel = CpuKernels.Find(name);
        var parameters = new Parameters { Rounds = rounds, Bytes = MemoryBytes };
        var context = new CpuKernels.Context();
        byte* sink = stackalloc byte[64];
        double done = 0, best = 0;
        void** buffers = stackalloc void*[3] { &done, memory, sink };
        for (int i = 0; i < 8; i++)
        {
            long start = Stopwatch.GetTimestamp();
            kernel.Run(&context, &parameters, buffers);
            best = Math.Max(best, done / Stopwatch.GetElapsedTime(start).TotalNanoseconds);
        }
        return best;
    }
}
