using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace EdgeLite.Tests.Sessions;

/// <summary>The CUDA device of the tests: a GPU where there is one, otherwise the emulated driver, whose kernels run on the processor
/// (kernels-native/cuda/emulation). EDGELITE_CUDA_DRIVER, when set, decides.</summary>
internal static class CudaRun
{
    private const string Variable = "EDGELITE_CUDA_DRIVER";

    /// <summary>A device with memory of its own.</summary>
    public static string Device => "cuda:0";

    /// <summary>A device that shares memory with the processor; under a real driver the first one.</summary>
    public static string SharedMemoryDevice => IsEmulated ? "cuda:1" : Device;

    /// <summary>One of each kind: with matrix instructions, without dp4a and with shared memory, with dp4a.</summary>
    public static string[] AllDevices => IsEmulated ? ["cuda:0", "cuda:1", "cuda:2"] : [Device];

    public static bool IsEmulated { get; private set; }

    [ModuleInitializer]
    internal static void ChooseDriver()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } || NativeLibrary.TryLoad("libcuda.so.1", out _)) return;
        IsEmulated = true;
        Environment.SetEnvironmentVariable(Variable, Path.Combine(AppContext.BaseDirectory, "libel_cuda_emulated.so"));
    }
}
