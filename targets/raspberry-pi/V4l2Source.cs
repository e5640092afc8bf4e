using System.Runtime.InteropServices;
using EdgeLite.Vision;

namespace EdgeLite.RaspberryPi;

/// <summary>
/// A V4L2 camera (USB webcam, or CSI camera with the bcm2835 driver) in YUYV, through memory-mapped buffers.
/// Sequence: S_FMT, REQBUFS, QUERYBUF + mmap, QBUF, STREAMON, DQBUF, STREAMOFF (kernel documentation, "Video for Linux API",
/// streaming I/O). Structures are those of a 64-bit Linux; a test compares numbers and offsets with linux/videodev2.h.
/// </summary>
internal sealed unsafe partial class V4l2Source(CameraSettings settings) : IFrameSource
{
    internal const uint SetFormat = 0xC0D05605, RequestBuffers = 0xC0145608, QueryBuffer = 0xC0585609, QueueBuffer = 0xC058560F,
        DequeueBuffer = 0xC0585611, StreamOn = 0x40045612, StreamOff = 0x40045613, Yuyv = 0x56595559;

    internal const int FormatSize = 208, RequestSize = 20, BufferSize = 88;

    /// <summary>Offsets in v4l2_format: width and height of the union's pix, then pixelformat and bytesperline.</summary>
    internal const int FormatWidth = 8, FormatHeight = 12, FormatPixels = 16, FormatStride = 24;

    /// <summary>Offsets in v4l2_buffer.</summary>
    internal const int BufferType = 4, BufferUsed = 8, BufferMemory = 60, BufferOffset = 64, BufferLength = 72;

    private const int Capture = 1, Mmap = 1, Buffers = 2, ReadWrite = 2, NonBlocking = 2048, ProtRead = 1, MapShared = 1;

    /// <summary>Frames thrown away after the stream starts, while exposure and white balance settle.</summary>
    private const int WarmUp = 8;

    private const int FrameTimeoutMs = 3000;

    public Picture Take()
    {
        int camera = open(settings.Device, ReadWrite | NonBlocking);
        if (camera < 0) throw Failed("open");
        var maps = new (nint Address, nuint Length)[Buffers];
        try
        {
            byte* format = stackalloc byte[FormatSize];
            new Span<byte>(format, FormatSize).Clear();
            *(uint*)format = Capture;
            *(int*)(format + FormatWidth) = settings.Width;
            *(int*)(format + FormatHeight) = settings.Height;
            *(uint*)(format + FormatPixels) = Yuyv;
            Control(camera, SetFormat, format, "format");
            if (*(uint*)(format + FormatPixels) != Yuyv) throw new FrameException($"{settings.Device} does not give YUYV frames");
            int width = *(int*)(format + FormatWidth), height = *(int*)(format + FormatHeight), stride = *(int*)(format + FormatStride);

            uint* request = stackalloc uint[RequestSize / 4];
            new Span<uint>(request, RequestSize / 4).Clear();
            (request[0], request[1], request[2]) = (Buffers, Capture, Mmap);
            Control(camera, RequestBuffers, request, "buffers");
            byte* buffer = stackalloc byte[BufferSize];
            int count = (int)Math.Min(request[0], Buffers);
            for (int i = 0; i < count; i++)
            {
                Prepare(buffer, i);
                Control(camera, QueryBuffer, buffer, "buffer");
                nuint length = *(uint*)(buffer + BufferLength);
                nint address = mmap(0, length, ProtRead, MapShared, camera, (nint)(*(uint*)(buffer + BufferOffset)));
                if (address == -1) throw Failed("mmap");
                maps[i] = (address, length);
                Control(camera, QueueBuffer, buffer, "queue");
            }
            int type = Capture;
            Control(camera, StreamOn, &type, "start");
            try
            {
                for (int frame = 0; ; frame++)
                {
                    Await(camera);
                    Prepare(buffer, 0);
                    Control(camera, DequeueBuffer, buffer, "frame");
                    int index = *(int*)buffer;
                    long used = *(uint*)(buffer + BufferUsed);
                    if (frame >= WarmUp)
                    {
                        if ((uint)index >= (uint)count || used < (long)stride * height) throw new FrameException($"{settings.Device} gave an incomplete frame of {used} bytes");
                        return new Picture(width, height, ToRgb(new ReadOnlySpan<byte>((void*)maps[index].Address, (int)maps[index].Length), width, height, stride));
                    }
                    Control(camera, QueueBuffer, buffer, "queue");
                }
            }
            finally
            {
                ioctl(camera, StreamOff, &type);
            }
        }
        finally
        {
            foreach ((nint address, nuint length) in maps)
                if (address != 0) munmap(address, length);
            close(camera);
        }
    }

    /// <summary>YUYV (two pixels in four bytes: Y0 U Y1 V), ITU-R BT.601 with Y in 16..235 and U, V in 16..240.</summary>
    internal static byte[] ToRgb(ReadOnlySpan<byte> yuyv, int width, int height, int stride)
    {
        var rgb = new byte[width * height * 3];
        for (int y = 0; y < height; y++)
        {
            ReadOnlySpan<byte> row = yuyv.Slice(y * stride, width * 2);
            for (int x = 0; x < width; x++)
            {
                double luma = 1.164383 * (row[2 * x] - 16), u = row[4 * (x / 2) + 1] - 128, v = row[4 * (x / 2) + 3] - 128;
                int at = (y * width + x) * 3;
                rgb[at] = Clamp(luma + 1.596027 * v);
                rgb[at + 1] = Clamp(luma - 0.391762 * u - 0.812968 * v);
                rgb[at + 2] = Clamp(luma + 2.017232 * u);
            }
        }
        return rgb;
    }

    private static byte Clamp(double value) => (byte)Math.Clamp(Math.Round(value), 0, 255);

    private static void Prepare(byte* buffer, int index)
    {
        new Span<byte>(buffer, BufferSize).Clear();
        *(int*)buffer = index;
        *(int*)(buffer + BufferType) = Capture;
        *(int*)(buffer + BufferMemory) = Mmap;
    }

    private void Await(int camera)
    {
        PollRequest wait = new() { Descriptor = camera, Events = 1 };
        int ready = poll(&wait, 1, FrameTimeoutMs);
        if (ready < 0) throw Failed("poll");
        if (ready == 0) throw new FrameException($"{settings.Device} gave no frame within {FrameTimeoutMs} ms");
    }

    private void Control(int camera, uint request, void* argument, string what)
    {
        if (ioctl(camera, request, argument) < 0) throw Failed(what);
    }

    private FrameException Failed(string what) => new($"{settings.Device}, {what}: {Marshal.GetLastPInvokeErrorMessage()}");

    [StructLayout(LayoutKind.Sequential)]
    private struct PollRequest
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int open(string path, int flags);
    [LibraryImport("libc")] private static partial int close(int descriptor);
    [LibraryImport("libc", SetLastError = true)] private static partial int ioctl(int descriptor, nuint request, void* argument);
    [LibraryImport("libc", SetLastError = true)] private static partial int poll(PollRequest* requests, nuint count, int timeoutMs);
    [LibraryImport("libc", SetLastError = true)] private static partial nint mmap(nint address, nuint length, int protection, int flags, int descriptor, nint offset);
    [LibraryImport("libc")] private static partial int munmap(nint address, nuint length);
}
