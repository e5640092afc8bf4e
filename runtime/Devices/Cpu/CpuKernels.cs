using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cpu;

/// <summary>A row of the native kernel table (<c>el_kernel</c> of kernels-native/include/el_kernels.h).</summary>
internal readonly unsafe struct NativeKernel(CpuKernels.Row* row)
{
    private readonly CpuKernels.Row* _row = row;

    public string Name => Marshal.PtrToStringUTF8((nint)(&_row->Name) + _row->Name)!;
    public uint Isa => _row->Isa;

    /// <summary>Follows the label of a kernel that runs on the calling thread alone.</summary>
    public const string Alone = "/1";

    /// <summary>Name and instruction set, for profiles.</summary>
    public string Label => $"{Name}/{CpuKernels.IsaName(Isa)}";

    public bool Is(NativeKernel other) => _row == other._row;

    public int ParametersSize => _row->ParametersSize;
    public delegate* unmanaged<CpuKernels.Context*, void*, void**, void> Run =>
        (delegate* unmanaged<CpuKernels.Context*, void*, void**, void>)((nint)(&_row->Run) + _row->Run);

    /// <summary>-1: this form of a kernel would do what the kernel does anyway (EL_NO_FORM).</summary>
    public long ScratchBytes(nint parameters, int threads) =>
        _row->Scratch == 0 ? 0 : (long)((delegate* unmanaged<void*, int, nuint>)((nint)(&_row->Scratch) + _row->Scratch))((void*)parameters, threads);

    /// <summary>The name of the kernel that this is a form of, or its own.</summary>
    public string Base => Name is var name && name.AsSpan().IndexOf("__") is > 0 and int end ? name[..end] : name;
}

/// <summary>The native kernel library: which kernels there are, which of them this processor gets.</summary>
public static unsafe partial class CpuKernels
{
    private const string Library = "el_kernels";
    private const uint Abi = 1;

    /// <summary>Addresses are distances from the fields that hold them.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Row
    {
        public int Name;
        public int Run;
        public int Scratch;
        public ushort Isa;
        public ushort ParametersSize;
    }

    /// <summary><c>el_ctx</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Context
    {
        public nint Pool;
        public void* Scratch;
        public nuint ScratchBytes;

        /// <summary>Two contexts over one scratch: one with the pool of threads, then one without.</summary>
        public static void Fill(Context* contexts, nint pool, byte* scratch, long scratchBytes)
        {
            contexts[0] = new Context { Pool = pool, Scratch = scratch, ScratchBytes = (nuint)scratchBytes };
            contexts[1] = contexts[0] with { Pool = 0 };
        }
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

    /// <summary>The instruction set of the variant that this processor gets; null where there is none for it.</summary>
    public static string? ChosenIsa(string kernel) => el_find_kernel(kernel, s_isas) is var row && row != null ? IsaName(row->Isa) : null;

    /// <summary>Throws where EDGELITE_MAX_ISA is no name of an instruction set: the native library takes it for <c>scalar</c>.</summary>
    public static void CheckCap()
    {
        if (Environment.GetEnvironmentVariable("EDGELITE_MAX_ISA") is not { Length: > 0 } cap) return;
        string known = "";
        for (uint isa = 0; isa < 16; isa++)
        {
            string name = IsaName(isa);
            if (name == cap) return;
            if (name != "unknown") known += known.Length > 0 ? ", " + name : name;
        }
        throw new EdgeLiteException(Status.InvalidArgument, $"EDGELITE_MAX_ISA is '{cap}', no instruction set; expected one of {known}.");
    }

    /// <summary>What tells for whom a tuning is: the processor's model, the instruction sets in use, the threads.</summary>
    public static string Machine(int threads)
    {
        string sets = "";
        foreach (string name in IsaNames) sets += sets.Length > 0 ? "," + name : name;
        return $"{ProcessorModel()} {sets} {threads}";
    }

    /// <summary>x86: family and model, of CPUID leaf 1 without stepping. Arm: MIDR_EL1 of the first core without variant and revision.</summary>
    private static string ProcessorModel()
    {
        if (X86Base.IsSupported) return (X86Base.CpuId(1, 0).Eax & ~0xF).ToString("x8", CultureInfo.InvariantCulture);
        const string Register = "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1";
        return File.Exists(Register) && ulong.TryParse(TextFile.Read(Register).AsSpan().Trim()[2..], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong midr)
            ? (midr & 0xFF0FFFF0).ToString("x8", CultureInfo.InvariantCulture)
            : "unknown";
    }

    /// <summary>Every way to make a call on this processor, the usual one first: variants for other instruction sets and other forms. The plain
    /// scalar ones are left out where there are others.</summary>
    internal static NativeKernel[] Alternatives(string kernel, nint parameters, int threads)
    {
        NativeKernel usual = Find(kernel);
        NativeKernel[] found = [usual];
        Row* rows = (Row*)Rows(out uint count);
        for (uint i = 0; i < count; i++)
        {
            var other = new NativeKernel(rows + i);
            if (other.Isa == 0 || (s_isas >> (int)other.Isa & 1) == 0 || other.Is(usual) || other.ParametersSize != usual.ParametersSize) continue;
            if (other.Base == kernel && other.ScratchBytes(parameters, threads) >= 0) found = [.. found, other];
        }
        return found;
    }

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

    /// <summary>Memory that will be used whole, 64-byte aligned, all 0; throws when there is not enough.</summary>
    internal static byte* Allocate(long bytes)
    {
        byte* memory = el_memory_alloc((nuint)bytes);
        return memory != null ? memory : throw new OutOfMemoryException();
    }

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)] internal static partial byte* el_file_map(string path, out ulong bytes, out int error);
    [LibraryImport(Library)] internal static partial void el_file_unmap(byte* memory, ulong bytes);
    [LibraryImport(Library)] internal static partial void el_memory_free(byte* memory, nuint bytes);
    [LibraryImport(Library)] internal static partial void el_memory_prefetch(byte* memory, nuint bytes);
    [LibraryImport(Library)] private static partial byte* el_memory_alloc(nuint bytes);

    [LibraryImport(Library)] internal static partial void el_sha512(byte* data, nuint size, byte* digest);
    [LibraryImport(Library)] internal static partial int el_ed25519_verify(byte* signature, byte* key, byte* message, nuint size);

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
        var kernel = new NativeKernel((Row*)rows + i);
        return (kernel.Name, IsaName(kernel.Isa));
    }
}
