using System.Runtime.InteropServices;

namespace EdgeLite.Tests.Targets;

/// <summary>What ./build.sh made; tests over it are skipped where it was not run.</summary>
internal static class Artifacts
{
    /// <summary>The runtime identifier of this machine.</summary>
    public static string Host => RuntimeInformation.OSArchitecture == System.Runtime.InteropServices.Architecture.Arm64 ? "linux-arm64" : "linux-x64";

    public static string PathOf(string rid, string file) => Path.Combine(SharedData.Root, "artifacts", rid, file);

    /// <summary>Why tests over a file are skipped; null when it is there.</summary>
    public static string? WhyNot(string rid, string file) =>
        File.Exists(PathOf(rid, file)) ? null : $"artifacts/{rid}/{file} is not there: ./build.sh {rid} makes it.";

    /// <summary>Why a program cannot be started; null when it is on the PATH.</summary>
    public static string? WhyNoProgram(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(d => File.Exists(Path.Combine(d, program)))
            ? null : $"There is no {program} on the PATH.";
}

/// <summary>A test over files in artifacts/ of the machine's own runtime identifier, and over programs.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ArtifactFactAttribute : FactAttribute
{
    public ArtifactFactAttribute(string file, string? program = null, string? shared = null) =>
        Skip = Artifacts.WhyNot(Artifacts.Host, file) ?? (program == null ? null : Artifacts.WhyNoProgram(program)) ?? (shared == null ? null : SharedData.WhyNot(shared));
}

/// <summary>A test over one file of one runtime identifier.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class RidFactAttribute : FactAttribute
{
    public RidFactAttribute(string rid, string file, string? program = null, string? shared = null) =>
        Skip = Artifacts.WhyNot(rid, file) ?? (program == null ? null : Artifacts.WhyNoProgram(program)) ?? (shared == null ? null : SharedData.WhyNot(shared));
}

/// <summary>A test that needs programs and files of the machine.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProgramFactAttribute : FactAttribute
{
    public ProgramFactAttribute(string program, string file) =>
        Skip = Artifacts.WhyNoProgram(program) ?? (File.Exists(file) ? null : $"There is no {file}.");
}
