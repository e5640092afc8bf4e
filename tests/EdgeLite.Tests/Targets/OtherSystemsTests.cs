namespace EdgeLite.Tests.Targets;

/// <summary>What runs on systems whose C library is not glibc: the kernels that .NET loads there, and the program without libraries.</summary>
public sealed class OtherSystemsTests(CApiModels models) : IClassFixture<CApiModels>
{
    private const string X64 = "linux-x64", Run = "edgelite-run", Static = "static/edgelite-run";

    [RidFact(X64, Run, "musl-gcc")]
    public void The_library_of_kernels_works_under_musl()
    {
        // Their own tests, linked with musl and this library.
        foreach (string test in new[] { "test_gemm", "test_quant_elementwise", "test_attention" })
        {
            string program = Path.Combine(models.Folder, test), kernels = Path.Combine(SharedData.Root, "kernels-native");
            ChildProcess.Succeed("musl-gcc", "-O2", $"-I{kernels}/include", $"-I{kernels}/common", $"{kernels}/tests/{test}.c", "-o", program,
                Path.Combine(AppContext.BaseDirectory, "libel_kernels.so"), $"-Wl,-rpath,{AppContext.BaseDirectory.TrimEnd('/')}", "-Wl,--allow-shlib-undefined");
            Assert.Matches("^test_[a-z_]+: [1-9][0-9]* checks, 0 failures$", ChildProcess.Succeed(program).TrimEnd().Split('\n')[^1]);
        }
    }

    [RidFact(X64, Static, "readelf")]
    public void The_static_program_needs_no_library()
    {
        string program = Artifacts.PathOf(X64, Static), headers = ChildProcess.Succeed("readelf", "-l", "-d", "-W", program);
        Assert.DoesNotContain("(NEEDED)", headers);
        Assert.DoesNotContain("INTERP", headers);
        Assert.True(new FileInfo(program).Length < 4_300_000);
    }

    [RidFact(X64, Static)]
    public void The_static_program_gives_the_same_result()
    {
        string input = Path.Combine(models.Folder, "x.npy");
        NpyFile.Write(input, Tensor.FromArray<float>([1.5f, -2, 3, 0.25f, 5, 6], new Shape(1, 6)));
        string[] Arguments(string to) => ["run", models.PathOf("classes"), "--in", input, "--out", Path.Combine(models.Folder, to)];
        ChildProcess.Succeed(Artifacts.PathOf(X64, Run), Arguments("dynamic"));
        ChildProcess.Succeed(Artifacts.PathOf(X64, Static), Arguments("static"));
        string[] results = [.. Directory.EnumerateFiles(Path.Combine(models.Folder, "dynamic")).Select(f => Path.GetFileName(f))];
        Assert.NotEmpty(results);
        foreach (string result in results)
            Assert.Equal(File.ReadAllBytes(Path.Combine(models.Folder, "dynamic", result)), File.ReadAllBytes(Path.Combine(models.Folder, "static", result)));
    }
}
