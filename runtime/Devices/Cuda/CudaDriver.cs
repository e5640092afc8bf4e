using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cuda;

/// <summary>
/// The CUDA driver library through its C entry points (CUDA Driver API, cuda.h). Opened when a CUDA device is asked for; no part of the
/// CUDA toolkit is needed. <c>EDGELITE_CUDA_DRIVER</c> names another library with these entry points.
/// </summary>
internal sealed unsafe class CudaDriver
{
    private const string DefaultLibrary = "libcuda.so.1";

    /// <summary><c>CUdevice_attribute</c>.</summary>
    public const int MultiprocessorCount = 16, Integrated = 18, CapabilityMajor = 75, CapabilityMinor = 76, SharedBytesOfABlock = 97;

    /// <summary><c>CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES</c>.</summary>
    public const int DynamicSharedBytes = 8;

    private static readonly Lock s_lock = new();
    private static CudaDriver? s_driver;
    private static string? s_failure;

    private readonly delegate* unmanaged<int, byte**, int> _getErrorString;
    private readonly delegate* unmanaged<nint*, nint, ulong, int> _graphInstantiateWithFlags;
    private readonly delegate* unmanaged<nint*, nint, nint*, byte*, nuint, int> _graphInstantiate;

    public readonly delegate* unmanaged<int*, int> DriverGetVersion;
    public readonly delegate* unmanaged<int*, int> DeviceGetCount;
    public readonly delegate* unmanaged<int*, int, int> DeviceGet;
    public readonly delegate* unmanaged<byte*, int, int, int> DeviceGetName;
    public readonly delegate* unmanaged<int*, int, int, int> DeviceGetAttribute;
    public readonly delegate* unmanaged<nuint*, int, int> DeviceTotalMemory;
    public readonly delegate* unmanaged<nint*, int, int> PrimaryContextRetain;
    public readonly delegate* unmanaged<nint, int> ContextSetCurrent;
    public readonly delegate* unmanaged<nint*, void*, uint, int*, void**, int> ModuleLoadData;
    public readonly delegate* unmanaged<nint*, nint, byte*, int> ModuleGetFunction;
    public readonly delegate* unmanaged<nint, int, int, int> FunctionSetAttribute;
    public readonly delegate* unmanaged<nint*, nuint, int> MemoryAllocate;
    public readonly delegate* unmanaged<nint, int> MemoryFree;
    public readonly delegate* unmanaged<nint*, nuint, uint, int> MemoryAllocateManaged;
    public readonly delegate* unmanaged<nint*, nuint, uint, int> HostAllocate;
    public readonly delegate* unmanaged<nint, int> HostFree;
    public readonly delegate* unmanaged<nuint*, nuint*, int> MemoryGetInfo;
    public readonly delegate* unmanaged<nint, nint, nuint, nint, int> CopyToDevice;
    public readonly delegate* unmanaged<nint, nint, nuint, nint, int> CopyToHost;
    public readonly delegate* unmanaged<nint, nint, nuint, nint, int> CopyOnDevice;
    public readonly delegate* unmanaged<nint*, uint, int> StreamCreate;
    public readonly delegate* unmanaged<nint, int> StreamDestroy;
    public readonly delegate* unmanaged<nint, int> StreamSynchronize;
    public readonly delegate* unmanaged<nint, nint, nuint, uint, int> StreamAttachMemory;
    public readonly delegate* unmanaged<nint, int, int> StreamBeginCapture;
    public readonly delegate* unmanaged<nint, nint*, int> StreamEndCapture;
    public readonly delegate* unmanaged<nint, int> GraphDestroy;
    public readonly delegate* unmanaged<nint, int> GraphExecDestroy;
    public readonly delegate* unmanaged<nint, nint, int> GraphLaunch;
    public readonly delegate* unmanaged<nint*, uint, int> EventCreate;
    public readonly delegate* unmanaged<nint, int> EventDestroy;
    public readonly delegate* unmanaged<nint, nint, int> EventRecord;
    public readonly delegate* unmanaged<float*, nint, nint, int> EventElapsed;
    public readonly delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int> Launch;

    private CudaDriver(nint library)
    {
        nint Entry(string name) => NativeLibrary.TryGetExport(library, name, out nint entry) ? entry
            : throw new EdgeLiteException(Status.Unsupported, $"the driver is too old: it has no {name}");
        var initialize = (delegate* unmanaged<uint, int>)Entry("cuInit");
        _getErrorString = (delegate* unmanaged<int, byte**, int>)Entry("cuGetErrorString");
        DriverGetVersion = (delegate* unmanaged<int*, int>)Entry("cuDriverGetVersion");
        DeviceGetCount = (delegate* unmanaged<int*, int>)Entry("cuDeviceGetCount");
        DeviceGet = (delegate* unmanaged<int*, int, int>)Entry("cuDeviceGet");
        DeviceGetName = (delegate* unmanaged<byte*, int, int, int>)Entry("cuDeviceGetName");
        DeviceGetAttribute = (delegate* unmanaged<int*, int, int, int>)Entry("cuDeviceGetAttribute");
        DeviceTotalMemory = (delegate* unmanaged<nuint*, int, int>)Entry("cuDeviceTotalMem_v2");
        PrimaryContextRetain = (delegate* unmanaged<nint*, int, int>)Entry("cuDevicePrimaryCtxRetain");
        ContextSetCurrent = (delegate* unmanaged<nint, int>)Entry("cuCtxSetCurrent");
        ModuleLoadData = (delegate* unmanaged<nint*, void*, uint, int*, void**, int>)Entry("cuModuleLoadDataEx");
        ModuleGetFunction = (delegate* unmanaged<nint*, nint, byte*, int>)Entry("cuModuleGetFunction");
        FunctionSetAttribute = (delegate* unmanaged<nint, int, int, int>)Entry("cuFuncSetAttribute");
        MemoryAllocate = (delegate* unmanaged<nint*, nuint, int>)Entry("cuMemAlloc_v2");
        MemoryFree = (delegate* unmanaged<nint, int>)Entry("cuMemFree_v2");
        MemoryAllocateManaged = (delegate* unmanaged<nint*, nuint, uint, int>)Entry("cuMemAllocManaged");
        HostAllocate = (delegate* unmanaged<nint*, nuint, uint, int>)Entry("cuMemHostAlloc");
        HostFree = (delegate* unmanaged<nint, int>)Entry("cuMemFreeHost");
        MemoryGetInfo = (delegate* unmanaged<nuint*, nuint*, int>)Entry("cuMemGetInfo_v2");
        CopyToDevice = (delegate* unmanaged<nint, nint, nuint, nint, int>)Entry("cuMemcpyHtoDAsync_v2");
        CopyToHost = (delegate* unmanaged<nint, nint, nuint, nint, int>)Entry("cuMemcpyDtoHAsync_v2");
        CopyOnDevice = (delegate* unmanaged<nint, nint, nuint, nint, int>)Entry("cuMemcpyDtoDAsync_v2");
        StreamCreate = (delegate* unmanaged<nint*, uint, int>)Entry("cuStreamCreate");
        StreamDestroy = (delegate* unmanaged<nint, int>)Entry("cuStreamDestroy_v2");
        StreamSynchronize = (delegate* unmanaged<nint, int>)Entry("cuStreamSynchronize");
        StreamAttachMemory = (delegate* unmanaged<nint, nint, nuint, uint, int>)Entry("cuStreamAttachMemAsync");
        StreamBeginCapture = (delegate* unmanaged<nint, int, int>)Entry("cuStreamBeginCapture_v2");
        StreamEndCapture = (delegate* unmanaged<nint, nint*, int>)Entry("cuStreamEndCapture");
        GraphDestroy = (delegate* unmanaged<nint, int>)Entry("cuGraphDestroy");
        GraphExecDestroy = (delegate* unmanaged<nint, int>)Entry("cuGraphExecDestroy");
        GraphLaunch = (delegate* unmanaged<nint, nint, int>)Entry("cuGraphLaunch");
        EventCreate = (delegate* unmanaged<nint*, uint, int>)Entry("cuEventCreate");
        EventDestroy = (delegate* unmanaged<nint, int>)Entry("cuEventDestroy_v2");
        EventRecord = (delegate* unmanaged<nint, nint, int>)Entry("cuEventRecord");
        EventElapsed = (delegate* unmanaged<float*, nint, nint, int>)Entry("cuEventElapsedTime");
        Launch = (delegate* unmanaged<nint, uint, uint, uint, uint, uint, uint, uint, nint, void**, void**, int>)Entry("cuLaunchKernel");
        // CUDA 11.4 has the first, CUDA 10 (JetPack 4) the second.
        if (NativeLibrary.TryGetExport(library, "cuGraphInstantiateWithFlags", out nint withFlags))
            _graphInstantiateWithFlags = (delegate* unmanaged<nint*, nint, ulong, int>)withFlags;
        else _graphInstantiate = (delegate* unmanaged<nint*, nint, nint*, byte*, nuint, int>)Entry("cuGraphInstantiate");
        int result = initialize(0);
        if (result != 0) throw new EdgeLiteException(Status.Unsupported, $"the driver does not start: {ErrorText(result)}");
    }

    /// <summary>The driver, or null and the reason why there is none.</summary>
    public static CudaDriver? Find(out string? failure)
    {
        lock (s_lock)
        {
            if (s_driver == null && s_failure == null) Open();
            failure = s_failure;
            return s_driver;
        }
    }

    /// <summary>Throws when a call failed.</summary>
    public void Check(int result, string what)
    {
        if (result == 0) return;
        throw new EdgeLiteException(result == 2 ? Status.OutOfMemory : Status.RuntimeFailure, $"CUDA: {what} failed: {ErrorText(result)} ({result}).");
    }

    /// <summary>The module of a zero-terminated PTX; the message of a failure ends with what the driver's assembler says.</summary>
    public nint Compile(nint ptx, string what)
    {
        const int ErrorLog = 5, ErrorLogBytes = 6, LogBytes = 4096; // CU_JIT_ERROR_LOG_BUFFER, CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES
        byte* log = stackalloc byte[LogBytes];
        log[0] = 0;
        int* options = stackalloc int[] { ErrorLog, ErrorLogBytes };
        void** values = stackalloc void*[] { log, (void*)LogBytes };
        nint module;
        int result = ModuleLoadData(&module, (void*)ptx, 2, options, values);
        log[LogBytes - 1] = 0;
        Check(result, log[0] == 0 ? $"compiling {what}" : $"compiling {what} ({Marshal.PtrToStringUTF8((nint)log)!.Trim()})");
        return module;
    }

    /// <summary>Turns a captured graph into one that can be launched.</summary>
    public nint Instantiate(nint graph)
    {
        nint executable;
        Check(_graphInstantiateWithFlags != null ? _graphInstantiateWithFlags(&executable, graph, 0) : _graphInstantiate(&executable, graph, null, null, 0),
            "making a graph ready");
        return executable;
    }

    private string ErrorText(int result)
    {
        byte* text = null;
        return _getErrorString(result, &text) == 0 && text != null ? Marshal.PtrToStringUTF8((nint)text)! : $"error {result}";
    }

    private static void Open()
    {
        string name = Environment.GetEnvironmentVariable("EDGELITE_CUDA_DRIVER") is { Length: > 0 } other ? other : DefaultLibrary;
        if (!NativeLibrary.TryLoad(name, out nint library))
        {
            s_failure = $"no driver ({name} is not there)";
            return;
        }
        try
        {
            s_driver = new CudaDriver(library);
        }
        catch (EdgeLiteException e)
        {
            s_failure = e.Message;
        }
    }
}
