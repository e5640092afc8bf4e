using System.Runtime.InteropServices;

namespace EdgeLite.Tests.Targets;

/// <summary>The NuGet packages that eng/pack.sh makes, used as a stranger uses them: from a project outside this tree.</summary>
public sealed class PackageTests : IClassFixture<CApiModels>, IDisposable
{
    private static readonly string s_packages = Path.Combine(SharedData.Root, "artifacts/nuget");
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-packages-").FullName;
    private readonly string _model, _input;

    public PackageTests(CApiModels models)
    {
        _model = models.PathOf("classes");
        _input = Path.Combine(_folder, "input.bin");
        File.WriteAllBytes(_input, MemoryMarshal.AsBytes<float>([0, 1, 2, 3, 9, 5]).ToArray());
        // Packages of the same version made again must not come from a cache, so they get one of their own; others may.
        string user = Environment.GetEnvironmentVariable("NUGET_PACKAGES") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget/packages");
        File.WriteAllText(Path.Combine(_folder, "nuget.config"), $"""
            <configuration>
              <packageSources><add key="made" value="{s_packages}" /></packageSources>
              <config><add key="globalPackagesFolder" value="packages" /></config>
              <fallbackPackageFolders><add key="user" value="{user}" /></fallbackPackageFolders>
            </configuration>
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [PackageFact]
    public void A_program_runs_in_a_host_and_compiled_ahead_of_time()
    {
        string project = MakeProject("EdgeLite");
        DotNet("build", project, "-c", "Release");
        Assert.Equal("class 4, score 9\n", ChildProcess.Succeed("dotnet", Path.Combine(project, "bin/Release/net10.0/app.dll"), _model, _input, "cpu"));

        string app = Publish(project);
        Assert.Equal(["app"], Directory.EnumerateFiles(Path.GetDirectoryName(app)!).Select(f => Path.GetFileName(f)).Where(f => !f.EndsWith(".dbg", StringComparison.Ordinal)));
        Assert.Equal("class 4, score 9\n", ChildProcess.Succeed(app, _model, _input, "cpu"));
        ChildProcess.Outcome refused = ChildProcess.Run(app, [_model, _input, "cuda"]);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("A GPU needs a build that knows it", refused.Errors, StringComparison.Ordinal);

        ChildProcess.Outcome other = ChildProcess.Run("dotnet", ["msbuild", project, "-t:LeaveOutLinkedKernels", "-p:PublishAot=true", "-p:RuntimeIdentifier=linux-musl-x64"], _folder);
        Assert.NotEqual(0, other.ExitCode);
        Assert.Contains("published for 'linux-musl-x64'. Publish with -r linux-x64", other.Output, StringComparison.Ordinal);
    }

    [PackageFact("linux-x64-cuda/libel_cuda_emulated.so")]
    public void The_package_of_the_CUDA_device_is_enough_to_have_it()
    {
        string app = Publish(MakeProject("EdgeLite.Cuda"));
        ChildProcess.Outcome run = ChildProcess.Run(app, [_model, _input, "cuda"], _folder,
            ("EDGELITE_CUDA_DRIVER", Path.Combine(SharedData.Root, "build/linux-x64-cuda/libel_cuda_emulated.so")));
        Assert.Equal((0, "class 4, score 9\n"), (run.ExitCode, run.Output));
    }

    [PackageFact]
    public void The_tool_is_installed_and_converts()
    {
        string tools = Path.Combine(_folder, "tools");
        DotNet("tool", "install", "EdgeLite.Converter", "--tool-path", tools, "--configfile", Path.Combine(_folder, "nuget.config"));
        Assert.Equal(Release.Version + "\n", ChildProcess.Succeed(Path.Combine(tools, "edgelite"), "--version"));
        Assert.Contains("arena", ChildProcess.Succeed(Path.Combine(tools, "edgelite"), "inspect", _model), StringComparison.Ordinal);
    }

    /// <summary>A project that references one package; its program takes a model, its input and a device, and prints the largest element.</summary>
    private string MakeProject(string package)
    {
        string project = Directory.CreateDirectory(Path.Combine(_folder, "app")).FullName;
        File.WriteAllText(Path.Combine(project, "app.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <RuntimeFrameworkVersion>{Environment.Version}</RuntimeFrameworkVersion>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="{package}" Version="{Release.Version}" />
              </ItemGroup>
            </Project>
            """);
        File.WriteAllText(Path.Combine(project, "Program.cs"), """
            using System;
            using System.IO;
            using EdgeLite;

            using Model model = Model.Load(args[0]);
            using Session session = model.CreateSession(new SessionOptions { Device = args[2] });
            File.ReadAllBytes(args[1]).CopyTo(session.Input(0).Bytes);
            session.Run();
            Span<float> scores = session.Output(0).Span<float>();
            int best = 0;
            for (int i = 1; i < scores.Length; i++)
                if (scores[i] > scores[best]) best = i;
            Console.WriteLine($"class {best}, score {scores[best]}");
            """);
        return project;
    }

    private string Publish(string project)
    {
        string folder = Path.Combine(_folder, "published");
        DotNet("publish", project, "-r", Artifacts.Host, "-p:PublishAot=true", "-o", folder);
        return Path.Combine(folder, "app");
    }

    private void DotNet(params string[] arguments)
    {
        ChildProcess.Outcome outcome = ChildProcess.Run("dotnet", [.. arguments, "-v", "quiet"], _folder);
        Assert.True(outcome.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: exit status {outcome.ExitCode}\n{outcome.Output}\n{outcome.Errors}");
    }
}

/// <summary>A test over the packages of this release.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PackageFactAttribute : FactAttribute
{
    public PackageFactAttribute(string? built = null)
    {
        string package = Path.Combine(SharedData.Root, $"artifacts/nuget/EdgeLite.{Release.Version}.nupkg");
        Skip = !File.Exists(package) ? $"{package} is not there: eng/pack.sh makes it."
            : built != null && !File.Exists(Path.Combine(SharedData.Root, "build", built)) ? $"build/{built} is not there." : null;
    }
}
