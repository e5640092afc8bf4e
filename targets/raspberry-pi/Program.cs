using System.Device.Gpio;
using System.Device.Pwm;
using System.Runtime.InteropServices;
using EdgeLite;
using EdgeLite.Core;
using EdgeLite.RaspberryPi;

const string Usage = """
    usage: edgelite-watch [--config watch.json] [--look]

      --config FILE   what to do (default: watch.json)
      --look          one look at once, without waiting for the trigger and without pins: exit status 0 when something was
                      found, 2 when not
    """;
string config = "watch.json";
bool look = false;
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--config" && i + 1 < args.Length) config = args[++i];
    else if (args[i] == "--look") look = true;
    else
    {
        Console.WriteLine(Usage);
        return args[i] == "--help" ? 0 : 1;
    }
}
try
{
    Settings settings = Settings.Load(config);
    using Model model = Model.Load(settings.Detector.Model);
    using Session session = model.CreateSession(new SessionOptions { Threads = settings.Detector.Threads });
    IDetector detector = settings.Detector.Kind == "face" ? new FaceWatch(session, settings.Detector.Threshold) : new ClassWatch(session, settings.Detector);
    IFrameSource camera = settings.Camera.Source switch
    {
        "v4l2" => new V4l2Source(settings.Camera),
        "still" => new StillSource(settings.Camera),
        _ => new FileSource(settings.Camera.File),
    };
    if (look)
    {
        Finding finding = detector.Look(camera.Take());
        Console.WriteLine(FormattableString.Invariant($"{finding.What}, score {finding.Score:0.00}"));
        return finding.Found ? 0 : 2;
    }

    using var stop = new CancellationTokenSource();
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);
    void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }

    using var pins = new GpioController();
    using PwmChannel? pwm = settings.Actuator.Kind == "servo" ? PwmChannel.Create(settings.Actuator.PwmChip, settings.Actuator.PwmChannel, Servo.Frequency) : null;
    IActuator actuator = pwm != null ? new Servo(pwm, settings.Actuator.OffAngle, settings.Actuator.OnAngle) : new Led(pins, settings.Actuator.Pin);
    var watch = new Watch(new PinTrigger(pins, settings.Trigger), camera, detector, actuator,
        TimeSpan.FromSeconds(settings.Actuator.Seconds), TimeSpan.FromSeconds(settings.Trigger.PauseSeconds), Console.Out);
    Console.WriteLine($"watching pin {settings.Trigger.Pin}");
    watch.Run(stop.Token);
    return 0;
}
catch (Exception e) when (e is EdgeLiteException or FrameException or IOException or UnauthorizedAccessException or PlatformNotSupportedException or ArgumentException)
{
    Console.Error.WriteLine($"edgelite-watch: {e.Message}");
    return 1;
}
