using System.Runtime.InteropServices;

namespace EdgeLite.Devices.Cuda;

/// <summary>A launch that makes float16 of float32 numbers in a device's memory, or the other way round.</summary>
internal sealed unsafe class CudaConversion : IDisposable
{
    private readonly CudaLaunch _launch;
    private void* _memory;

    public CudaConversion(CudaDevice device, nint from, nint to, long count, bool toHalf)
    {
        _memory = NativeMemory.AllocZeroed((nuint)(sizeof(long) + sizeof(CudaBuffers)));
        long* parameters = (long*)_memory; // el_convert_params
        *parameters = count;
        var buffers = (CudaBuffers*)(parameters + 1);
        (buffers->Operands[0], buffers->Operands[1]) = (from, to);
        Span<CudaKernels.LaunchRow> rows = stackalloc CudaKernels.LaunchRow[CudaKernels.MaxLaunches];
        CudaKernels.LaunchRow row = CudaKernels.Launches(toHalf ? "f32_to_f16" : "f16_to_f32", (nint)parameters, sizeof(long), device.Capability, rows)[0];
        _launch = new CudaLaunch(device.Function(row.Entry), row, (nint)parameters, buffers);
    }

    public void Enqueue(CudaStream stream) => stream.Launch(_launch);

    public void Dispose()
    {
        NativeMemory.Free(_memory);
        _memory = null;
    }
}
