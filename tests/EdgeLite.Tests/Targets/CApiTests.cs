using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace EdgeLite.Tests.Targets;

/// <summary>libedgelite.so from C, C# (P/Invoke) and Python (ctypes).</summary>
public sealed partial class CApiTests(CApiModels models) : IClassFixture<CApiModels>
{
    private const string Library = "libedgelite.so";

    private static string Header => Path.Combine(SharedData.Root, "targets/libedgelite/include/edgelite.h");

    private static string LibraryPath => Artifacts.PathOf(Artifacts.Host, Library);

    [ArtifactFact(Library, "gcc")]
    public void A_C_program_uses_every_function()
    {
        string program = Path.Combine(models.Folder, "test_capi");
        ChildProcess.Succeed("gcc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-o", program,
            Path.Combine(SharedData.Root, "tests/capi/test_capi.c"), $"-I{Path.GetDirectoryName(Header)}", LibraryPath, "-lpthread",
            $"-Wl,-rpath,{Path.GetDirectoryName(LibraryPath)}");
        string output = ChildProcess.Succeed(program, models.PathOf("sums"), models.PathOf("free"), models.PathOf("heavy"), models.PathOf("damaged"),
            models.PathOf("custom"), models.PathOf("state"), models.PathOf("tested"), models.PathOf("failing"),
            models.PathOf("signed"), models.PublicKeyPath, models.PathOf("batch"));
        Assert.EndsWith("checks passed\n", output);
        Assert.True(int.Parse(output.Split(' ')[0], CultureInfo.InvariantCulture) > 40_000, output);
    }

    [ArtifactFact(Library, "g++")]
    public void The_header_is_Cplusplus_too()
    {
        string source = Path.Combine(models.Folder, "header.cpp");
        File.WriteAllText(source, "#include \"edgelite.h\"\nint main() { return el_last_error()[0]; }\n");
        ChildProcess.Succeed("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only", $"-I{Path.GetDirectoryName(Header)}", source);
    }

    [ArtifactFact(Library, "cmake")]
    public void CMake_finds_it()
    {
        string folder = Directory.CreateDirectory(Path.Combine(models.Folder, "cmake project")).FullName, made = Directory.CreateDirectory(Path.Combine(folder, "artifacts")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(made, "cmake"), Path.Combine(SharedData.Root, "artifacts/cmake"));
        File.WriteAllText(Path.Combine(folder, "CMakeLists.txt"), $$"""
            cmake_minimum_required(VERSION 3.20)
            project(classify C)
            find_package(EdgeLite REQUIRED)
            find_package(EdgeLite 0.1 REQUIRED)
            find_package(EdgeLite {{Release.Version}} EXACT REQUIRED)
            if(NOT EdgeLite_VERSION STREQUAL "{{Release.Version}}")
              message(FATAL_ERROR "found ${EdgeLite_VERSION}")
            endif()
            find_package(EdgeLite 1000)
            if(EdgeLite_FOUND)
              message(FATAL_ERROR "older than asked for")
            endif()
            add_executable(classify classify.c)
            target_link_libraries(classify PRIVATE EdgeLite::edgelite)
            """);
        File.Copy(Path.Combine(SharedData.Root, "tests/examples/classify.c"), Path.Combine(folder, "classify.c"));
        string[] configure = ["-S", folder, "-B", Path.Combine(folder, "build"), $"-DEdgeLite_DIR={Path.Combine(made, "cmake")}"];
        ChildProcess.Outcome missing = ChildProcess.Run("cmake", configure);
        Assert.NotEqual(0, missing.ExitCode);
        Assert.Contains($"./build.sh {Artifacts.Host} makes it", string.Join(' ', missing.Errors.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        Directory.CreateSymbolicLink(Path.Combine(made, "include"), Path.GetDirectoryName(Header)!);
        Directory.CreateSymbolicLink(Path.Combine(made, Artifacts.Host), Path.GetDirectoryName(LibraryPath)!);
        ChildProcess.Succeed("cmake", configure);
        ChildProcess.Succeed("cmake", "--build", Path.Combine(folder, "build"));
        Assert.Contains("There is no file 'nowhere.edgl'", ChildProcess.Run(Path.Combine(folder, "build/classify"), ["nowhere.edgl"]).Errors);
    }

    [ArtifactFact(Library, "python3")]
    public void Python_uses_it_through_ctypes() =>
        Assert.Equal("passed\n", ChildProcess.Succeed("python3", Path.Combine(SharedData.Root, "tests/capi/test_capi.py"), LibraryPath,
            models.PathOf("sums"), models.PathOf("free"), models.PathOf("damaged")));

    [ArtifactFact(Library)]
    public unsafe void CSharp_uses_it_through_function_pointers()
    {
        nint library = NativeLibrary.Load(LibraryPath);
        nint Export(string name) => NativeLibrary.GetExport(library, name);
        var lastError = (delegate* unmanaged<nint>)Export("el_last_error");
        var load = (delegate* unmanaged<byte*, nint*, Status>)Export("el_model_load");
        var free = (delegate* unmanaged<nint, Status>)Export("el_model_free");
        var create = (delegate* unmanaged<nint, void*, nint*, Status>)Export("el_session_create");
        var close = (delegate* unmanaged<nint, Status>)Export("el_session_free");
        var set = (delegate* unmanaged<nint, int, void*, nuint, Status>)Export("el_session_set_input");
        var run = (delegate* unmanaged<nint, Status>)Export("el_session_run");
        var get = (delegate* unmanaged<nint, int, void*, nuint, Status>)Export("el_session_get_output");

        nint model, session;
        byte* path = (byte*)Marshal.StringToCoTaskMemUTF8(models.PathOf("sums"));
        Assert.Equal(Status.Ok, load(path, &model));
        Marshal.FreeCoTaskMem((nint)path);
        Assert.Equal(Status.Ok, create(model, null, &session));
        float* values = stackalloc float[] { 1, 2, 3, 4, 5, 6 };
        Assert.Equal(Status.Ok, set(session, 0, values, 24));
        Assert.Equal(Status.Ok, set(session, 1, values, 24));
        Assert.Equal(Status.Ok, run(session));
        float* product = stackalloc float[6];
        Assert.Equal(Status.Ok, get(session, 1, product, 24));
        Assert.Equal([1, 4, 9, 16, 25, 36], new Span<float>(product, 6).ToArray());
        Assert.Equal(Status.BufferTooSmall, get(session, 1, product, 23));
        Assert.Contains("product", Marshal.PtrToStringUTF8(lastError()));
        Assert.Equal(Status.Ok, close(session));
        Assert.Equal(Status.Ok, free(model));
        Assert.Equal(Status.InvalidArgument, run(session));
    }

    [ArtifactFact(Library, "nm")]
    public void Exactly_the_functions_of_the_header_are_exported()
    {
        string[] declared = [.. Declaration().Matches(File.ReadAllText(Header)).Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal)];
        Assert.True(declared.Length > 25);
        string[] exported = [.. ChildProcess.Succeed("nm", "-D", "--defined-only", LibraryPath).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(p => p[^2] != "A")
            .Select(p => p[^1].Split('@')[0]).Order(StringComparer.Ordinal)];
        Assert.Equal(declared, exported);
    }

    [Fact]
    public void Status_and_element_types_of_the_header_are_those_of_the_runtime()
    {
        Dictionary<string, int> header = Enumerator().Matches(File.ReadAllText(Header))
            .ToDictionary(m => m.Groups[1].Value.Replace("_", "").ToUpperInvariant(), m => int.Parse(m.Groups[2].Value, CultureInfo.InvariantCulture));
        var runtime = new Dictionary<string, int>();
        foreach (Status status in Enum.GetValues<Status>()) runtime[status.ToString().ToUpperInvariant()] = (int)status;
        foreach (DType type in Enum.GetValues<DType>()) runtime[type.ToString().ToUpperInvariant()] = (int)type;
        Assert.Equal(runtime.OrderBy(p => p.Key, StringComparer.Ordinal), header.OrderBy(p => p.Key, StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^EL_CALL [\w* ]*?\b(el_\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"^    EL_(\w+) = (\d+),?$", RegexOptions.Multiline)]
    private static partial Regex Enumerator();
}
