using System.Text;
using System.Text.RegularExpressions;

namespace EdgeLite.Tests.Targets;

/// <summary>Sizes of what people ship, what it depends on, and that both architectures give the same results.</summary>
public sealed class FootprintTests(CApiModels models) : IClassFixture<CApiModels>
{
    private const string X64 = "linux-x64", Arm64 = "linux-arm64", Run = "edgelite-run", Library = "libedgelite.so";

    [RidFact(X64, Library)]
    public void The_library_is_below_2925_kB() => AssertBelow(X64, Library, 2_925_000);

    [RidFact(Arm64, Library)]
    public void The_Arm_library_is_below_2600_kB() => AssertBelow(Arm64, Library, 2_600_000);

    [RidFact(X64, Run)]
    public void The_device_program_is_below_3175_kB() => AssertBelow(X64, Run, 3_175_000);

    [RidFact(Arm64, Run)]
    public void The_Arm_device_program_is_below_2775_kB() => AssertBelow(Arm64, Run, 2_775_000);

    [RidFact(X64, Run)]
    public void Only_what_people_ship_lies_in_the_folder() =>
        Assert.Equal(["converter", "edgelite", "edgelite-run", "libedgelite.so"],
            Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(Artifacts.PathOf(X64, Run))!).Select(f => Path.GetFileName(f)).Where(f => f != "static").Order(StringComparer.Ordinal));

    [RidFact(X64, Run)]
    public void A_build_without_CUDA_holds_nothing_of_it()
    {
        // Neither the device, its kernels and launch rules, nor a word about it: names of symbols and metadata are UTF-8, strings UTF-16.
        foreach (string file in new[] { Run, Library })
        {
            byte[] program = File.ReadAllBytes(Artifacts.PathOf(X64, file));
            foreach (Encoding encoding in new[] { Encoding.Latin1, Encoding.Unicode })
                for (int start = 0; start < encoding.GetByteCount("c"); start++)
                {
                    string text = encoding.GetString(program, start, program.Length - start);
                    int at = text.IndexOf("cuda", StringComparison.OrdinalIgnoreCase);
                    Assert.True(at < 0, at < 0 ? "" : $"{file} has '{text.Substring(Math.Max(0, at - 40), Math.Min(100, text.Length - Math.Max(0, at - 40)))}'.");
                }
        }
    }

    [RidFact(X64, Run, "readelf")]
    public void Nothing_but_the_C_library_is_needed()
    {
        foreach (string file in new[] { Run, Library })
        {
            string[] needed = [.. ChildProcess.Succeed("readelf", "-d", Artifacts.PathOf(X64, file)).Split('\n')
                .Where(l => l.Contains("(NEEDED)", StringComparison.Ordinal)).Select(l => l[(l.IndexOf('[', StringComparison.Ordinal) + 1)..l.IndexOf(']', StringComparison.Ordinal)])];
            Assert.NotEmpty(needed);
            Assert.Equal([], needed.Except(["libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1", "ld-linux-x86-64.so.2"]));
        }
    }

    [RidFact(X64, Run, "readelf")]
    public void Glibc_2_27_is_enough() => AssertOldGlibc(X64);

    [RidFact(Arm64, Run, "readelf")]
    public void Glibc_2_27_is_enough_on_Arm() => AssertOldGlibc(Arm64);

    [RidFact(X64, Run)]
    public void A_wrong_call_says_so_in_one_sentence_and_fails()
    {
        var outcome = ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Run), ["run", models.PathOf("damaged"), "--out", models.Folder]);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("", outcome.Output);
        Assert.Contains("corrupt", outcome.Errors);
        Assert.Single(outcome.Errors.TrimEnd().Split('\n'));
    }

    [RidFact(Arm64, Run, "qemu-aarch64")]
    public void Arm_gives_the_same_result_as_x64()
    {
        if (Artifacts.WhyNot(X64, Run) is { } missing) Assert.Fail(missing);
        string a = Path.Combine(models.Folder, "a.npy"), b = Path.Combine(models.Folder, "b.npy");
        NpyFile.Write(a, Tensor.FromArray<float>([1.5f, -2, 3, 1e-30f, 5, 6], new Shape(2, 3)));
        NpyFile.Write(b, Tensor.FromArray<float>([0.1f, 0.7f, -3, 1e20f, 9, 11], new Shape(2, 3)));
        string[] Arguments(string to) => ["run", models.PathOf("sums"), "--in", $"a={a}", "--in", $"b={b}", "--out", Path.Combine(models.Folder, to)];
        ChildProcess.Succeed(Artifacts.PathOf(X64, Run), Arguments("x64"));
        ChildProcess.Succeed("qemu-aarch64", ["-cpu", "max", "-L", "/usr/aarch64-linux-gnu", Artifacts.PathOf(Arm64, Run), .. Arguments("arm64")]);
        foreach (string file in new[] { "sum.npy", "product.npy" })
            Assert.Equal(File.ReadAllBytes(Path.Combine(models.Folder, "x64", file)), File.ReadAllBytes(Path.Combine(models.Folder, "arm64", file)));
    }

    private static void AssertOldGlibc(string rid)
    {
        foreach (string file in new[] { Artifacts.PathOf(rid, Run), Artifacts.PathOf(rid, Library), Path.Combine(AppContext.BaseDirectory, "libel_kernels.so") })
        {
            Version[] versions = [.. Regex.Matches(ChildProcess.Succeed("readelf", "-V", "-W", file), @"Name: GLIBC_([0-9.]+)").Select(m => Version.Parse(m.Groups[1].Value))];
            Assert.NotEmpty(versions);
            Assert.True(versions.Max() <= new Version(2, 27), $"{file} needs glibc {versions.Max()}; what is linked without eng/glibc/old-symbols.sh, or new since 2.27?");
        }
    }

    private static void AssertBelow(string rid, string file, long limit)
    {
        long length = new FileInfo(Artifacts.PathOf(rid, file)).Length;
        Assert.True(length < limit, $"artifacts/{rid}/{file} has {length} bytes; at most {limit}.");
    }
}
