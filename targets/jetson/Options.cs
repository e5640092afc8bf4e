using System.Globalization;
using EdgeLite.Core;

namespace EdgeLite.Jetson;

/// <summary>The command line.</summary>
internal sealed record Options
{
    public const string Usage = """
        usage: edgelite-jetson --model FACE.edgl [--pipeline COMMAND | --picture FILE --frames N] [--size WxH] [--device NAME]
                               [--threshold T] [--gpio CHIP:LINE] [--hold SECONDS]

          --model FILE       a BlazeFace network
          --pipeline COMMAND writes raw RGBA frames to its standard output; {width} and {height} stand for the size
                             (default: a CSI camera through nvarguscamerasrc)
          --picture FILE     this picture instead of a camera, --frames N times (default 1)
          --size WxH         size of a frame (default 640x480)
          --device NAME      auto (default), cuda, cuda:N, cpu
          --threshold T      a face from this score on, 0 to 1 (default 0.6)
          --gpio CHIP:LINE   a pin that is high while a face is seen, as gpioinfo counts it (default: none)
          --hold SECONDS     and so long after it (default 1)

        exit status: 0 when a face was seen, 2 when not, 1 after an error
        """;

    /// <summary>The camera of a Jetson's CSI connector; nvvidconv brings frames into memory that the processor reads, as RGBA.</summary>
    private const string CsiCamera = "gst-launch-1.0 -q nvarguscamerasrc ! 'video/x-raw(memory:NVMM),width={width},height={height},framerate=30/1'" +
        " ! nvvidconv ! 'video/x-raw,format=RGBA' ! fdsink fd=1 sync=false";

    public string Model { get; private set; } = "";
    public string Pipeline { get; private set; } = CsiCamera;
    public string Picture { get; private set; } = "";
    public int Frames { get; private set; } = 1;
    public int Width { get; private set; } = 640;
    public int Height { get; private set; } = 480;
    public string Device { get; private set; } = "auto";
    public float Threshold { get; private set; } = 0.6f;
    public (int Chip, int Line)? Pin { get; private set; }
    public TimeSpan Hold { get; private set; } = TimeSpan.FromSeconds(1);

    public static Options Parse(string[] args)
    {
        var options = new Options();
        for (int i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length) throw Wrong($"{args[i]} needs a value");
            string value = args[i + 1];
            switch (args[i])
            {
                case "--model": options.Model = value; break;
                case "--pipeline": options.Pipeline = value; break;
                case "--picture": options.Picture = value; break;
                case "--frames": options.Frames = Number(args[i], value); break;
                case "--size": (options.Width, options.Height) = Pair(args[i], value, 'x'); break;
                case "--device": options.Device = value; break;
                case "--threshold": options.Threshold = (float)Real(args[i], value); break;
                case "--gpio": options.Pin = Pair(args[i], value, ':'); break;
                case "--hold": options.Hold = TimeSpan.FromSeconds(Real(args[i], value)); break;
                default: throw Wrong($"there is no option {args[i]}");
            }
        }
        if (options.Model.Length == 0) throw Wrong("--model is missing");
        if (options.Width == 0 || options.Height == 0) throw Wrong("--size must not be 0");
        return options;
    }

    private static int Number(string option, string value) =>
        int.TryParse(value, CultureInfo.InvariantCulture, out int number) && number >= 0 ? number : throw Wrong($"{option} takes a number, got '{value}'");

    private static double Real(string option, string value) =>
        double.TryParse(value, CultureInfo.InvariantCulture, out double number) && number >= 0 ? number : throw Wrong($"{option} takes a number, got '{value}'");

    private static (int, int) Pair(string option, string value, char separator)
    {
        string[] parts = value.Split(separator);
        return parts.Length == 2 ? (Number(option, parts[0]), Number(option, parts[1])) : throw Wrong($"{option} takes two numbers with {separator} between, got '{value}'");
    }

    private static EdgeLiteException Wrong(string message) => new(Status.InvalidArgument, $"{message}; see edgelite-jetson --help");
}
