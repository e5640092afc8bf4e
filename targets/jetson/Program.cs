using System.Device.Gpio;
using System.Device.Gpio.Drivers;
using System.Diagnostics;
using System.Runtime.InteropServices;
using EdgeLite;
using EdgeLite.Core;
using EdgeLite.Jetson;
using EdgeLite.Vision;

if (args is [] or ["--help"])
{
    Console.WriteLine(Options.Usage);
    return args.Length == 0 ? 1 : 0;
}
try
{
    Options options = Options.Parse(args);
    using Model model = Model.Load(options.Model);
    using Session session = model.CreateSession(new SessionOptions { Device = options.Device });
    Console.WriteLine($"on {session.Device}");
    var detector = new FaceDetector(session);
    using IFrameStream frames = options.Picture.Length > 0 ? new StillStream(options.Picture, options.Frames) : new PipelineStream(options.Pipeline, options.Width, options.Height);
    using GpioController? pins = options.Pin is { } pin ? new GpioController(new LibGpiodDriver(pin.Chip)) : null;
    using Signal? signal = pins != null ? new Signal(pins, options.Pin!.Value.Line, options.Hold, () => Stopwatch.GetElapsedTime(0)) : null;

    bool stop = false;
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    void End(PosixSignalContext context)
    {
        context.Cancel = true;
        Volatile.Write(ref stop, true);
    }

    int count = 0, seen = 0;
    double looked = 0, shortest = double.MaxValue;
    while (!Volatile.Read(ref stop) && frames.Next() is { } frame)
    {
        long start = Stopwatch.GetTimestamp();
        List<Face> faces = detector.Find(frame, options.Threshold);
        double milliseconds = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        looked += milliseconds;
        shortest = Math.Min(shortest, milliseconds);
        count++;
        if (faces.Count > 0) seen++;
        signal?.Update(faces.Count > 0);
        if (count <= 1 || count % 30 == 0)
            Console.WriteLine(FormattableString.Invariant($"frame {count}: {faces.Count} face{(faces.Count == 1 ? "" : "s")}{(faces.Count > 0 ? $", score {faces[0].Score:0.00}" : "")}, {milliseconds:0.0} ms"));
    }
    Console.WriteLine(FormattableString.Invariant($"{seen} of {count} frames with a face; picture and network {(count > 0 ? looked / count : 0):0.0} ms a frame, at least {(count > 0 ? shortest : 0):0.0} ms"));
    return seen > 0 ? 0 : 2;
}
catch (Exception e) when (e is EdgeLiteException or IOException or UnauthorizedAccessException or PlatformNotSupportedException or DllNotFoundException)
{
    Console.Error.WriteLine($"edgelite-jetson: {e.Message}");
    return 1;
}
