using System.ComponentModel;
using System.Diagnostics;
using EdgeLite.Core;
using EdgeLite.Vision;

namespace EdgeLite.RaspberryPi;

/// <summary>A picture file, read anew each time: for trying out, or for a camera that writes one.</summary>
internal sealed class FileSource(string path) : IFrameSource
{
    public Picture Take()
    {
        try
        {
            return Picture.Load(path);
        }
        catch (Exception e) when (e is EdgeLiteException or IOException)
        {
            throw new FrameException(e.Message, e);
        }
    }
}

/// <summary>The program rpicam-still (or one with the same options), which writes a JPEG to its standard output.</summary>
internal sealed class StillSource(CameraSettings settings) : IFrameSource
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(20);

    public Picture Take()
    {
        string[] arguments = ["--nopreview", "--immediate", "--encoding", "jpg", "--width", $"{settings.Width}", "--height", $"{settings.Height}", "--output", "-"];
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(settings.Command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            using var jpeg = new MemoryStream();
            Task copy = process.StandardOutput.BaseStream.CopyToAsync(jpeg);
            Task<string> errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(s_limit))
            {
                process.Kill();
                throw new FrameException($"{settings.Command} did not end within {s_limit.TotalSeconds:0} seconds");
            }
            Task.WaitAll(copy, errors);
            if (process.ExitCode != 0) throw new FrameException($"{settings.Command} failed: {errors.Result.Trim()}");
            return Picture.Decode(jpeg.ToArray(), settings.Command);
        }
        catch (Exception e) when (e is Win32Exception or EdgeLiteException or IOException)
        {
            throw new FrameException($"{settings.Command}: {e.Message}", e);
        }
    }
}
