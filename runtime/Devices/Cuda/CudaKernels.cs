using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Devices.Cuda;

/// <summary><c>el_cuda_device</c> of kernels-native/include/el_cuda.h: what a launch rule may know.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct CudaCapability(int architecture, int multiprocessors, int sharedBytes, bool allowsHalf = false, (int Rows, int Columns) tile = default)
{
    /// <summary>Compute capability from which a warp multiplies matrices (EL_CUDA_MATRIX_ARCH).</summary>
    public const int MatrixArchitecture = 80;

    /// <summary>Compute capability, 10 * major + minor.</summary>
    public readonly int Architecture = architecture;

    public readonly int Multiprocessors = multiprocessors;

    private readonly int _allowsHalf = allowsHalf && architecture >= MatrixArchitecture ? 1 : 0;

    /// <summary>Most shared memory of a block, in bytes.</summary>
    public readonly int SharedBytes = sharedBytes;

    private readonly int _tileRows = tile.Rows, _tileColumns = tile.Columns;

    /// <summary>Whether values between layers may be float16 where the model says float32.</summary>
    public bool AllowsHalf => _allowsHalf != 0;

    /// <summary>What the launch rule of one call is told. The environment variable EDGELITE_CUDA_TILE (128x64, say) names a tile that products take where
    /// they have it: for tests and measurements.</summary>
    public CudaCapability For(bool half)
    {
        (int, int) tile = default;
        if (Environment.GetEnvironmentVariable("EDGELITE_CUDA_TILE") is { Length: > 0 } text)
        {
            int x = text.IndexOf('x', StringComparison.Ordinal);
            if (x < 0 || !int.TryParse(text.AsSpan(0, x), out tile.Item1) || !int.TryParse(text.AsSpan(x + 1), out tile.Item2))
                throw new EdgeLiteException(Status.InvalidArgument, $"EDGELITE_CUDA_TILE is '{text}', expected rows and columns such as 128x64.");
        }
        return new CudaCapability(Architecture, Multiprocessors, SharedBytes, half, tile);
    }
}

/// <summary>The library of CUDA kernels: launch rules and compressed PTX. Linked in where a program is built with EdgeLiteCuda, otherwise
/// libel_cuda.so beside it.</summary>
internal static unsafe partial class CudaKernels
{
    private const string Library = "el_cuda";
    public const int MaxBuffers = 8, MaxLaunches = 4;

    /// <summary>Words of <see cref="CudaBuffers.Counters"/>.</summary>
    public const int Counters = 8192;

    /// <summary><c>el_cuda_launch</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct LaunchRow
    {
        public nint Entry;
        public uint GridX, GridY, GridZ, Threads, SharedBytes;
        public ulong ScratchBytes;
        public long Detail;

        /// <summary>Bit i: operand i lies in float16.</summary>
        public ulong Halves;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Row
    {
        public nint Name;
        public uint ParametersSize, Buffers;
        public delegate* unmanaged<CudaCapability*, void*, LaunchRow*, int> Launch;
    }

    private static Dictionary<string, nint>? s_rows;

    /// <summary>Null when the library is there, otherwise why not.</summary>
    public static string? WhyNot()
    {
        try
        {
            return Table().Count > 0 ? null : "the library of CUDA kernels is empty";
        }
        catch (DllNotFoundException)
        {
            return "the CUDA kernels (libel_cuda.so) are not there";
        }
    }

    public static int Count => Table().Count;

    /// <summary>Architectures for which PTX is there, with its compressed size.</summary>
    public static List<(int Architecture, long Bytes)> Images()
    {
        var images = new List<(int, long)>();
        for (uint i = 0; ; i++)
        {
            nuint bytes;
            int architecture = el_cuda_ptx_arch(i, &bytes);
            if (architecture == 0) return images;
            images.Add((architecture, (long)bytes));
        }
    }

    /// <summary>The launches of kernel <paramref name="name"/> for a parameter block, or none when the device has no such kernel or not for
    /// these parameters.</summary>
    public static ReadOnlySpan<LaunchRow> Launches(string name, nint parameters, int parametersSize, CudaCapability device, Span<LaunchRow> rows)
    {
        if (!Table().TryGetValue(name, out nint address)) return [];
        Row* row = (Row*)address;
        if (row->ParametersSize != parametersSize)
            throw new EdgeLiteException(Status.Internal, $"CUDA kernel {name} takes {row->ParametersSize} bytes of parameters, the binding has {parametersSize}.");
        fixed (LaunchRow* first = rows) return rows[..row->Launch(&device, (void*)parameters, first)];
    }

    /// <summary>Calls <paramref name="use"/> with the PTX for the best architecture up to that of the device.</summary>
    public static void WithPtx(int architecture, Action<nint> use)
    {
        nuint bytes;
        byte* text = el_cuda_ptx(architecture, &bytes);
        if (text == null)
            throw new EdgeLiteException(Status.Unsupported, $"There are no CUDA kernels for compute capability {architecture / 10}.{architecture % 10}; the oldest is {Images()[0].Architecture / 10}.{Images()[0].Architecture % 10}.");
        try
        {
            use((nint)text);
        }
        finally
        {
            el_cuda_ptx_free(text);
        }
    }

    private static Dictionary<string, nint> Table()
    {
        if (s_rows is { } known) return known;
        uint count;
        Row* rows = el_cuda_kernels(&count);
        var table = new Dictionary<string, nint>((int)count);
        for (uint i = 0; i < count; i++) table.Add(Marshal.PtrToStringUTF8(rows[i].Name)!, (nint)(rows + i));
        return s_rows = table;
    }

    [LibraryImport(Library)] private static partial Row* el_cuda_kernels(uint* count);
    [LibraryImport(Library)] private static partial byte* el_cuda_ptx(int architecture, nuint* bytes);
    [LibraryImport(Library)] private static partial void el_cuda_ptx_free(byte* ptx);
    [LibraryImport(Library)] private static partial int el_cuda_ptx_arch(uint i, nuint* bytes);
}
