using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using EdgeLite.Devices.Cpu;

namespace EdgeLite.Tests.Differential;

/// <summary>A copy of the runtime in this process that has at most some instruction set: EDGELITE_MAX_ISA is read once, when the runtime first asks for kernels.</summary>
internal sealed class InstructionSet : AssemblyLoadContext
{
    public delegate (int Type, long[] Shape, byte[] Bytes)[][] Runner(byte[] file, string device, int threads, (int Type, long[] Shape, byte[] Bytes)[][] inputs);

    private static readonly ConcurrentDictionary<string, Lazy<InstructionSet>> s_copies = new();
    private static readonly Lock s_environment = new();


    private InstructionSet(string cap) : base(cap)
    {
        Type copy = LoadFromAssemblyPath(typeof(SessionRun).Assembly.Location).GetType(typeof(SessionRun).FullName!)!;
        Run = copy.GetMethod(nameof(SessionRun.Run))!.CreateDelegate<Runner>();
        Type kernels = LoadFromAssemblyPath(typeof(CpuKernels).Assembly.Location).GetType(typeof(CpuKernels).FullName!)!;
        _ = CpuKernels.Isas; // the copy that everybody else uses has looked
        lock (s_environment)
        {
            string? before = Environment.GetEnvironmentVariable("EDGELITE_MAX_ISA");
            _ = setenv("EDGELITE_MAX_ISA", cap, 1);
            RuntimeHelpers.RunClassConstructor(kernels.TypeHandle);
            _ = setenv("EDGELITE_MAX_ISA", before ?? "", 1);
        }
        Isas = (uint)kernels.GetProperty(nameof(CpuKernels.Isas))!.GetValue(null)!;
    }

    /// <summary>Bits of the sets that it uses.</summary>
    public uint Isas { get; }

    /// <param name="cap">as EDGELITE_MAX_ISA</param>
    public static InstructionSet AtMost(string cap) => s_copies.GetOrAdd(cap, c => new Lazy<InstructionSet>(() => new InstructionSet(c))).Value;

    /// <summary><see cref="SessionRun.Run"/>.</summary>
    public Runner Run { get; }

    protected override Assembly? Load(AssemblyName name) => name.Name == typeof(CpuKernels).Assembly.GetName().Name ? LoadFromAssemblyPath(typeof(CpuKernels).Assembly.Location) : null;

    protected override nint LoadUnmanagedDll(string name)
    {
        string file = Path.Combine(AppContext.BaseDirectory, $"lib{name}.so");
        return File.Exists(file) ? LoadUnmanagedDllFromPath(file) : 0;
    }

    [DllImport("libc", CharSet = CharSet.Ansi, ExactSpelling = true)]
    private static extern int setenv(string name, string value, int overwrite);
}
