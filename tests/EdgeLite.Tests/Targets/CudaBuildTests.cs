using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using EdgeLite.Tests.Architecture;

namespace EdgeLite.Tests.Targets;

/// <summary>The PTX of every architecture, and the size of what is embedded.</summary>
public partial class CudaBuildTests
{
    private static readonly string s_build = Path.Combine(SourceTree.Root, "build/linux-x64-cuda");

    private static string[] DeclaredEntries => [.. SourceTree.Files("kernels-native/cuda", ".cu").SelectMany(f => Declaration().Matches(SourceTree.Read(f)).Select(m => "el_" + m.Groups[1].Value)).Order(StringComparer.Ordinal)];

    [Theory]
    [InlineData(53, "6.4")]
    [InlineData(72, "6.4")]
    [InlineData(80, "7.0")]
    [InlineData(87, "7.4")]
    [InlineData(90, "7.8")]
    public void Every_entry_is_in_the_PTX_of_every_architecture(int architecture, string version)
    {
        using var file = new GZipStream(File.OpenRead(Path.Combine(s_build, $"el_{architecture}.ptx.gz")), CompressionMode.Decompress);
        using var reader = new StreamReader(file, Encoding.ASCII);
        string ptx = reader.ReadToEnd();
        Assert.StartsWith($".version {version}\n.target sm_{architecture}\n", ptx);
        Assert.Equal(DeclaredEntries, Entry().Matches(ptx).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
        // Nothing is left to link, as the device has no library; shared memory whose size a launch gives looks so.
        Assert.DoesNotMatch(@"\.extern (?!\.shared )", ptx);
        // From 6.1 on four products of int8 are one instruction.
        Assert.Equal(architecture >= 61, ptx.Contains("dp4a.s32.s32", StringComparison.Ordinal));
        // From 8.0 on a warp multiplies matrices.
        Assert.Equal(architecture >= 80, ptx.Contains("mma.sync.aligned.m16n8k32", StringComparison.Ordinal) && ptx.Contains("mma.sync.aligned.m16n8k16", StringComparison.Ordinal));
    }

    /// <summary>Outside evidence, where a developer has the CUDA toolkit: NVIDIA's own assembler takes every kernel, and registers suffice.</summary>
    [ProgramFact("ptxas", "/bin/sh")]
    public void Ptxas_assembles_every_kernel_for_every_architecture_without_spilling()
    {
        string[] lines = ChildProcess.Succeed(Path.Combine(SourceTree.Root, "eng/ptxas.sh"), "-q").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        foreach (int architecture in new[] { 53, 72, 80, 87, 90 })
            Assert.Contains(lines, l => Regex.IsMatch(l, $"^sm_{architecture}: {DeclaredEntries.Length} kernels assembled, at most [0-9]+ registers, 0 bytes of stack, 0 spilled$"));
    }

    [Fact]
    public void The_library_of_kernels_is_below_1050_kB()
    {
        long bytes = new FileInfo(Path.Combine(s_build, "libel_cuda.so")).Length;
        Assert.InRange(bytes, 100_000, 1_050_000);
    }

    [GeneratedRegex(@"^EL_CUDA_ENTRY\((\w+),", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^\.visible \.entry (\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Entry();
}
