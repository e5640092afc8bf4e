using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cpu;

/// <summary>A row of the native kernel table (<c>el_kernel</c> of kernels-native/include/el_kernels.h).</summary>
internal readonly unsafe struct NativeKernel(CpuKernels.Row* row)
{
    public string Name => Marshal.PtrToStringUTF8(row->Name)!;
    public uint Isa => row->Isa;

    /// <summary>Name and instruction set, for profiles.</summary>
    public string Label => $"{Name}/{CpuKernels.IsaName(Isa)}";

    public int ParametersSize => (int)row->ParametersSize;
    public delegate* unmanaged<CpuKernels.Context*, void*, void**, void> Run => row->Run;

    public long ScratchBytes(nint parameters, int threads) =>
        row->Scratch == null ? 0 : (long)row->Scratch((void*)parameters, threads);
}

/// <summary>The native kernel library: which kernels there are, which of them this processor gets.</summary>
public static unsafe partial class CpuKernels
{
    private const string Library = "el_kernels";
    private const uint Abi = 1;

    [StructLayout(LayoutKind.Sequential)]
    internal struct Row
    {
        public nint Name;
        public uint Isa;
        public uint ParametersSize;
        public delegate* unmanaged<Context*, void*, void**, void> Run;
        public delegate* unmanaged<void*, int, nuint> Scratch;
    }

    /// <summary><c>el_ctx</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Context
    {
        public nint Pool;
        public void* Scratch;
        public nuint ScratchBytes;
    }

    private static readonly uint s_isas = Initialize();

    /// <summary>Bits of the instruction sets in use, after the cap of EDGELITE_MAX_ISA.</summary>
    public static uint Isas => s_isas;

    /// <summary>Names of the instruction sets in use, e.g. <c>avx2</c>, <c>avx512vnni</c>.</summary>
    public static IEnumerable<string> IsaNames
    {
        get
        {
            for (uint isa = 0; isa < 16; isa++)
                if ((s_isas >> (int)isa & 1) != 0) yield return IsaName(isa);
        }
    }

    public static string IsaName(uint isa) => Marshal.PtrToStringUTF8(el_isa_name(isa))!;

    /// <summary>Names and instruction sets of all kernels compiled into this library.</summary>
    public static IEnumerable<(string Name, string Isa)> All
    {
        get
        {
            nint rows = Rows(out uint count);
            for (uint i = 0; i < count; i++) yield return Describe(rows, i);
        }
    }

    /// <summary>The instruction set of the variant that this processor gets.</summary>
    public static string ChosenIsa(string kernel) => IsaName(Find(kernel).Isa);

    internal static NativeKernel Find(string name)
    {
        Row* row = el_find_kernel(name, s_isas);
        return row != null ? new NativeKernel(row)
            : throw new EdgeLiteException(Status.NotFound, $"The native library has no kernel '{name}': it was built for other models. Build it for this one too (eng/build-for-model.sh), or use a whole one.");
    }

    internal static nint CreatePool(int threads)
    {
        nint pool = el_pool_create(threads);
        return pool != 0 ? pool
            : throw new EdgeLiteException(Status.OutOfMemory, $"A pool of {threads} threads could not be created.");
    }

    /// <summary>Memory that will be used whole, 64-byte aligned, contents undefined; throws when there is not enough.</summary>
    internal static byte* Allocate(long bytes)
    {
        byte* memory = el_memory_alloc((nuint)bytes);
        return memory != null ? memory : throw new OutOfMemoryException();
    }

    [LibraryImport(Library)] internal static partial void el_memory_free(byte* memory, nuint bytes);
    [LibraryImport(Library)] internal static partial void el_memory_prefetch(byte* memory, nuint bytes);
    [LibraryImport(Library)] private static partial byte* el_memory_alloc(nuint bytes);

    [LibraryImport(Library)] internal static partial void el_pool_destroy(nint pool);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void el_pool_begin(nint pool);
    [LibraryImport(Library), SuppressGCTransition] internal static partial void el_pool_end(nint pool);

    [LibraryImport(Library)] private static partial nint el_pool_create(int threads);
    [LibraryImport(Library)] private static partial uint el_cpu_isas();
    [LibraryImport(Library)] private static partial nint el_isa_name(uint isa);
    [LibraryImport(Library)] private static partial uint el_kernels_abi();
    [LibraryImport(Library)] private static partial Row* el_kernels(uint* count);
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] private static partial Row* el_find_kernel(string name, uint isas);

    private static uint Initialize()
    {
        uint abi = el_kernels_abi();
        return abi == Abi ? el_cpu_isas()
            : throw new EdgeLiteException(Status.Internal, $"The native kernel library has ABI {abi}, this runtime needs {Abi}: install both from one release.");
    }

    private static nint Rows(out uint count)
    {
        uint n;
        Row* rows = el_kernels(&n);
        count = n;
        return (nint)rows;
    }

    private static (string, string) Describe(nint rows, uint i)
    {
        Row* row = (Row*)rows + i;
        return (Marshal.PtrToStringUTF8(row->Name)!, IsaName(row->Isa));
    }
}
