using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;
using EdgeLite.Ops;

namespace EdgeLite.Devices.Cuda;

/// <summary>
/// One NVIDIA GPU. Steps are bound by the bindings of the CPU: a CUDA kernel takes the name, parameter block and packings of the CPU's,
/// so that whatever has no CUDA kernel runs on the CPU without a second binding. Kernels are compiled from PTX by the driver when the
/// device is opened; it stays open until the process ends.
/// </summary>
public sealed unsafe class CudaDevice : IDevice
{
    /// <summary>Dynamic shared memory that a function may have without being allowed more.</summary>
    private const uint SharedBytesUnasked = 48 * 1024;

    private static readonly Lock s_lock = new();
    private static readonly Dictionary<int, CudaDevice> s_open = [];

    private readonly nint _module;
    private readonly Dictionary<nint, (nint Handle, uint SharedBytes)> _functions;

    /// <summary>Modules of the application, by their PTX.</summary>
    private readonly Dictionary<string, nint> _modules;

    private CudaDevice(CudaDriver driver, int ordinal)
    {
        Driver = driver;
        Ordinal = ordinal;
        int device;
        driver.Check(driver.DeviceGet(&device, ordinal), $"finding device {ordinal}");
        (DeviceName, Capability, IsIntegrated, MemoryBytes) = Read(driver, device);
        nint context, module = 0;
        driver.Check(driver.PrimaryContextRetain(&context, device), "opening the device");
        Context = context;
        MakeCurrent();
        CudaKernels.WithPtx(Capability.Architecture, ptx => module = driver.Compile(ptx, "the kernels"));
        _module = module;
        Constants = new CudaConstants(this);
        _functions = [];
        _modules = [];
    }

    /// <summary>The same device for plans in which values may be float16.</summary>
    private CudaDevice(CudaDevice device)
    {
        Driver = device.Driver;
        Ordinal = device.Ordinal;
        DeviceName = device.DeviceName;
        IsIntegrated = device.IsIntegrated;
        MemoryBytes = device.MemoryBytes;
        Capability = new CudaCapability(device.Capability.Architecture, device.Capability.Multiprocessors, device.Capability.SharedBytes, allowsHalf: true);
        Constants = device.Constants;
        Context = device.Context;
        _module = device._module;
        _functions = device._functions;
        _modules = device._modules;
    }

    /// <summary>False in a program that is built without CUDA (EdgeLiteCuda is not true), which then holds nothing of it.</summary>
    [FeatureSwitchDefinition("EdgeLite.Cuda")]
    public static bool IsSupported => !AppContext.TryGetSwitch("EdgeLite.Cuda", out bool isOn) || isOn;

    public string Name => $"cuda:{Ordinal}";
    public ITensorBackend Tensor => CpuDevice.Instance.Tensor;
    public INnBackend Nn => CpuDevice.Instance.Nn;

    public int Ordinal { get; }

    /// <summary>What the driver calls it.</summary>
    public string DeviceName { get; }

    /// <summary>True where it shares memory with the processor (Jetson): nothing is copied then.</summary>
    public bool IsIntegrated { get; }

    public long MemoryBytes { get; }

    /// <summary>Bytes of the constants of all sessions that it holds now.</summary>
    public long ConstantBytes => Constants.Bytes;

    internal CudaDriver Driver { get; }
    internal nint Context { get; }
    internal CudaCapability Capability { get; }
    internal CudaConstants Constants { get; }

    /// <summary>How many CUDA devices there are; 0 with the reason why.</summary>
    public static int Count(out string? whyNot)
    {
        whyNot = CudaKernels.WhyNot();
        if (whyNot != null || CudaDriver.Find(out whyNot) is not { } driver) return 0;
        int count;
        if (driver.DeviceGetCount(&count) != 0) count = 0;
        if (count == 0) whyNot = "the driver finds no device";
        return count;
    }

    /// <summary>The device that <c>cuda</c>, <c>cuda:N</c> or <c>auto</c> names; null for other names, and for <c>auto</c> where there is none.</summary>
    internal static CudaDevice? Named(string name)
    {
        if (name == "auto") return Count(out _) > 0 ? Open(0) : null;
        if (name == "cuda") return Open(0);
        return name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out int ordinal) && ordinal >= 0 ? Open(ordinal) : null;
    }

    /// <summary>The device of that number, opened when it is first asked for. Throws when there is none, saying why.</summary>
    public static CudaDevice Open(int ordinal)
    {
        int count = Count(out string? whyNot);
        if (whyNot != null) throw new EdgeLiteException(Status.Unsupported, $"There is no CUDA device: {whyNot}.");
        if ((uint)ordinal >= (uint)count) throw new EdgeLiteException(Status.InvalidArgument, $"There is no device 'cuda:{ordinal}'; there {(count == 1 ? "is one: cuda:0" : $"are {count}: cuda:0 to cuda:{count - 1}")}.");
        lock (s_lock)
        {
            if (!s_open.TryGetValue(ordinal, out CudaDevice? device)) s_open[ordinal] = device = new CudaDevice(CudaDriver.Find(out _)!, ordinal);
            return device;
        }
    }

    /// <summary>This device, allowed to keep float32 values between layers, and weights, in float16 (sums stay float32), for matrix instructions.</summary>
    internal CudaDevice WithHalf() => new(this);

    /// <summary>One line a device, or one that says why there is none.</summary>
    public static string[] Describe()
    {
        int count = Count(out string? whyNot);
        if (whyNot != null) return [whyNot];
        var lines = new string[count];
        for (int i = 0; i < count; i++) lines[i] = Describe(CudaDriver.Find(out _)!, i);
        return lines;
    }

    /// <summary>Makes this the device of the calling thread.</summary>
    internal void MakeCurrent() => Driver.Check(Driver.ContextSetCurrent(Context), "choosing the device");

    /// <summary>A function of the module by its entry (an address of a zero-terminated name without el_ that stays), for launches with up to so much
    /// dynamic shared memory.</summary>
    internal nint Function(nint entry, uint sharedBytes = 0)
    {
        lock (_functions)
        {
            if (!_functions.TryGetValue(entry, out (nint Handle, uint SharedBytes) function)) function = (Find(_module, "el_" + Marshal.PtrToStringUTF8(entry)), SharedBytesUnasked);
            if (sharedBytes > function.SharedBytes)
            {
                Driver.Check(Driver.FunctionSetAttribute(function.Handle, CudaDriver.DynamicSharedBytes, (int)sharedBytes), $"allowing {sharedBytes} bytes of shared memory");
                function.SharedBytes = sharedBytes;
            }
            _functions[entry] = function;
            return function.Handle;
        }
    }

    /// <summary>A function of the application; its module is compiled when it is first asked for, and stays.</summary>
    internal nint Function(CudaStep step, string node)
    {
        lock (_modules)
        {
            if (!_modules.TryGetValue(step.Ptx, out nint module))
            {
                nint text = Marshal.StringToCoTaskMemUTF8(step.Ptx);
                try
                {
                    _modules.Add(step.Ptx, module = Driver.Compile(text, $"the PTX of {node}"));
                }
                finally
                {
                    Marshal.FreeCoTaskMem(text);
                }
            }
            return Find(module, step.Entry);
        }
    }

    private nint Find(nint module, string name)
    {
        nint text = Marshal.StringToCoTaskMemUTF8(name), function;
        int result = Driver.ModuleGetFunction(&function, module, (byte*)text);
        Marshal.FreeCoTaskMem(text);
        Driver.Check(result, $"finding the function {name}");
        return function;
    }

    internal nint Allocate(long bytes)
    {
        nint memory;
        Driver.Check(Driver.MemoryAllocate(&memory, (nuint)bytes), $"allocating {bytes} bytes on {Name} ({DeviceName})");
        return memory;
    }

    private static (string Name, CudaCapability Capability, bool IsIntegrated, long MemoryBytes) Read(CudaDriver driver, int device)
    {
        const int NameBytes = 128;
        byte* name = stackalloc byte[NameBytes];
        driver.Check(driver.DeviceGetName(name, NameBytes, device), "reading a device's name");
        nuint bytes;
        driver.Check(driver.DeviceTotalMemory(&bytes, device), "reading the size of a device's memory");
        int Attribute(int attribute)
        {
            int value;
            driver.Check(driver.DeviceGetAttribute(&value, attribute, device), "reading what a device can do");
            return value;
        }
        int architecture = 10 * Attribute(CudaDriver.CapabilityMajor) + Attribute(CudaDriver.CapabilityMinor);
        return (Marshal.PtrToStringUTF8((nint)name)!, new CudaCapability(architecture, Attribute(CudaDriver.MultiprocessorCount), Attribute(CudaDriver.SharedBytesOfABlock)), Attribute(CudaDriver.Integrated) != 0, (long)bytes);
    }

    private static string Describe(CudaDriver driver, int ordinal)
    {
        int device, version;
        driver.Check(driver.DeviceGet(&device, ordinal), $"finding device {ordinal}");
        driver.Check(driver.DriverGetVersion(&version), "reading the driver's version");
        (string name, CudaCapability capability, bool isIntegrated, long bytes) = Read(driver, device);
        return $"cuda:{ordinal}  {name}, compute capability {capability.Architecture / 10}.{capability.Architecture % 10}, {capability.Multiprocessors} multiprocessors, {bytes >> 20} MB{(isIntegrated ? " shared with the processor" : "")}; driver for CUDA {version / 1000}.{version % 1000 / 10}";
    }
}
