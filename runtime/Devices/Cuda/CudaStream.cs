using System.Runtime.InteropServices;

namespace EdgeLite.Devices.Cuda;

/// <summary><c>el_cuda_buffers</c>: the second argument of every kernel.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct CudaBuffers
{
    public Addresses Operands;
    public nint Scratch, Counters;
    public long Detail;

    [System.Runtime.CompilerServices.InlineArray(CudaKernels.MaxBuffers)]
    public struct Addresses
    {
        private nint _first;
    }
}

/// <summary>One launch of a function of the GPU, its arguments in memory that lives as long as the plan.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly unsafe struct CudaLaunch(nint function, CudaKernels.LaunchRow row, nint parameters, CudaBuffers* buffers)
{
    public readonly nint Function = function;
    public readonly CudaKernels.LaunchRow Row = row;
    public readonly nint Parameters = parameters;
    public readonly CudaBuffers* Buffers = buffers;
}

/// <summary>A queue of work of one session on one device.</summary>
internal sealed unsafe class CudaStream : IDisposable
{
    private const uint NonBlocking = 1, AttachSingle = 4;

    /// <summary><c>CU_STREAM_CAPTURE_MODE_RELAXED</c>: a function that the driver loads when it is first launched may be recorded.</summary>
    private const int CaptureRelaxed = 2;

    private readonly CudaDriver _driver;
    private nint _stream;

    public CudaStream(CudaDevice device)
    {
        _driver = device.Driver;
        device.MakeCurrent();
        nint stream;
        _driver.Check(_driver.StreamCreate(&stream, NonBlocking), "creating a stream");
        _stream = stream;
    }

    public nint Handle => _stream;

    public void CopyToDevice(nint to, nint from, long bytes)
    {
        if (bytes > 0) _driver.Check(_driver.CopyToDevice(to, from, (nuint)bytes, _stream), "copying to the device");
    }

    public void CopyToHost(nint to, nint from, long bytes)
    {
        if (bytes > 0) _driver.Check(_driver.CopyToHost(to, from, (nuint)bytes, _stream), "copying from the device");
    }

    public void Launch(in CudaLaunch launch)
    {
        void** arguments = stackalloc void*[2] { (void*)launch.Parameters, launch.Buffers };
        ref readonly CudaKernels.LaunchRow row = ref launch.Row;
        _driver.Check(_driver.Launch(launch.Function, row.GridX, row.GridY, row.GridZ, row.Threads, 1, 1, row.SharedBytes, _stream, arguments, null), "starting a kernel");
    }

    public void Synchronize() => _driver.Check(_driver.StreamSynchronize(_stream), "a kernel or copy");

    /// <summary>Managed memory that only this stream and, while it is idle, the processor use: others may go on meanwhile.</summary>
    public void Attach(nint memory)
    {
        _driver.Check(_driver.StreamAttachMemory(_stream, memory, 0, AttachSingle), "attaching memory to a stream");
        Synchronize();
    }

    /// <summary>Records what <paramref name="enqueue"/> puts into the stream as a graph, to be launched as one.</summary>
    public nint Capture(Action enqueue)
    {
        nint graph = 0;
        _driver.Check(_driver.StreamBeginCapture(_stream, CaptureRelaxed), "recording a graph");
        try
        {
            enqueue();
            _driver.Check(_driver.StreamEndCapture(_stream, &graph), "recording a graph");
            return _driver.Instantiate(graph);
        }
        catch when (graph == 0)
        {
            _ = _driver.StreamEndCapture(_stream, &graph); // what went wrong is on its way already
            throw;
        }
        finally
        {
            if (graph != 0) _ = _driver.GraphDestroy(graph);
        }
    }

    public void LaunchGraph(nint executable) => _driver.Check(_driver.GraphLaunch(executable, _stream), "starting a graph");

    public void Dispose()
    {
        if (_stream != 0) _ = _driver.StreamDestroy(_stream);
        _stream = 0;
    }
}
