using System.ComponentModel;
using System.Diagnostics;
using EdgeLite.Core;
using EdgeLite.Vision;

namespace EdgeLite.Jetson;

/// <summary>Frames one after another.</summary>
internal interface IFrameStream : IDisposable
{
    /// <summary>The next frame, or null after the last.</summary>
    Picture? Next();
}

/// <summary>A picture file, again and again: for trying out and for measuring.</summary>
internal sealed class StillStream(string path, int frames) : IFrameStream
{
    private readonly Picture _picture = Picture.Load(path);
    private int _left = frames;

    public Picture? Next() => _left-- > 0 ? _picture : null;

    public void Dispose()
    {
    }
}

/// <summary>
/// A program that writes raw frames, RGBA of 8 bits each, row by row without gaps, to its standard output: gst-launch-1.0 with
/// NVIDIA's elements for a CSI camera (nvarguscamerasrc) or a USB one (v4l2src).
/// </summary>
internal sealed class PipelineStream : IFrameStream
{
    private const int BytesPerPixel = 4;

    private readonly int _width, _height;
    private readonly byte[] _frame;
    private readonly Process _process;

    public PipelineStream(string command, int width, int height)
    {
        _width = width;
        _height = height;
        _frame = new byte[width * height * BytesPerPixel];
        string text = command.Replace("{width}", $"{width}", StringComparison.Ordinal).Replace("{height}", $"{height}", StringComparison.Ordinal);
        try
        {
            _process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec " + text]) { RedirectStandardOutput = true })!;
        }
        catch (Win32Exception e)
        {
            throw new EdgeLiteException(Status.IoError, $"The camera's program does not start: {e.Message}", e);
        }
    }

    public Picture? Next()
    {
        int read = _process.StandardOutput.BaseStream.ReadAtLeast(_frame, _frame.Length, throwOnEndOfStream: false);
        if (read == 0 && _process.WaitForExit(1000) && _process.ExitCode == 0) return null;
        if (read < _frame.Length) throw new EdgeLiteException(Status.IoError, $"The camera's program ended within a frame, after {read} of {_frame.Length} bytes{(_process.HasExited ? $", with exit status {_process.ExitCode}" : "")}.");
        var rgb = new byte[_width * _height * 3];
        for (int from = 0, to = 0; from < _frame.Length; from += BytesPerPixel, to += 3)
        {
            rgb[to] = _frame[from];
            rgb[to + 1] = _frame[from + 1];
            rgb[to + 2] = _frame[from + 2];
        }
        return new Picture(_width, _height, rgb);
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill();
        _process.Dispose();
    }
}
