using System.Globalization;

namespace EdgeLite.Bench;

/// <summary>What bench/run.sh was asked to do.</summary>
internal sealed class Arguments
{
    public string EdgeLiteRun { get; private set; } = "";
    public string OrtLibrary { get; private set; } = "";

    /// <summary>Folder into which classic networks are converted, and nothing else is done; for bench/cuda.sh.</summary>
    public string Export { get; private set; } = "";
    public bool Write { get; private set; }
    public bool Json { get; private set; }
    public bool Int8 { get; private set; } = true;
    public bool Speed { get; private set; } = true;
    public bool Start { get; private set; } = true;
    public int Rounds { get; private set; } = 15;
    public int Starts { get; private set; } = 30;
    public List<int> Threads { get; private set; } = [1, 2];
    public List<BenchModel> Models { get; } = [];

    /// <summary>"published", "classic", "tflite", or names of single models of them.</summary>
    public List<string> Sets { get; } = [];

    /// <summary>The options as the user gave them.</summary>
    public string Command { get; private set; } = "bench/run.sh";

    public static Arguments Parse(string[] args)
    {
        var parsed = new Arguments();
        for (int i = 0; i < args.Length; i++)
        {
            int first = i;
            switch (args[i])
            {
                case "--edgelite-run": parsed.EdgeLiteRun = Next(); continue;
                case "--ort-library": parsed.OrtLibrary = Next(); continue;
                case "--export": parsed.Export = Next(); continue;
                case "--batch": Networks.NetworkBuilder.Batch = Number(Next()); continue;
                case "--write": parsed.Write = true; break;
                case "--json": parsed.Json = true; break;
                case "--no-int8": parsed.Int8 = false; break;
                case "--no-speed": parsed.Speed = false; break;
                case "--no-start": parsed.Start = false; break;
                case "--rounds": parsed.Rounds = Number(Next()); break;
                case "--starts": parsed.Starts = Number(Next()); break;
                case "--threads": parsed.Threads = [.. Next().Split(',').Select(Number)]; break;
                case var option when option.StartsWith('-'): throw new EdgeLiteException(Status.InvalidArgument, $"There is no option '{option}'; see bench/run.sh --help.");
                default:
                    if (!args[i].Contains(".onnx", StringComparison.Ordinal)) parsed.Sets.Add(args[i]);
                    else parsed.Models.Add(BenchModel.Parse(args[i]));
                    break;
            }
            for (; first <= i; first++) parsed.Command += " " + args[first];

            string Next() => ++i < args.Length ? args[i] : throw new EdgeLiteException(Status.InvalidArgument, $"{args[i - 1]} needs a value.");
        }
        if (parsed.Export.Length > 0) return parsed;
        if (parsed.EdgeLiteRun.Length == 0 || parsed.OrtLibrary.Length == 0)
            throw new EdgeLiteException(Status.InvalidArgument, "This program is started by bench/run.sh.");
        if (parsed.Write && !(parsed.Speed && parsed.Start))
            throw new EdgeLiteException(Status.InvalidArgument, "--write needs both tables.");
        return parsed;
    }

    private static int Number(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int n) && n > 0 ? n
        : throw new EdgeLiteException(Status.InvalidArgument, $"'{text}' is not a number above 0.");
}
