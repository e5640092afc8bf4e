using System.Globalization;
using System.Text;
using System.Text.Json;

namespace EdgeLite.Bench;

/// <summary>What was measured, on which machine, in words for people, for docs and for programs.</summary>
internal sealed class Report(Arguments arguments)
{
    private readonly string _date = DateTime.UtcNow.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
    private readonly string _load = File.ReadAllText("/proc/loadavg").Split(' ')[0];

    public List<SpeedRow> Speed { get; } = [];
    public List<StartRow> Starts { get; set; } = [];
    public double EmptyMs { get; set; }

    private static string Versions =>
        $"EdgeLite {typeof(Session).Assembly.GetName().Version!.ToString(3)}, ONNX Runtime {Microsoft.ML.OnnxRuntime.OrtEnv.Instance().GetVersionString()}, .NET {Environment.Version}";

    private static string Machine
    {
        get
        {
            string[] lines = File.ReadAllLines("/proc/cpuinfo");
            string name = lines.FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "processor without a name";
            string[] flags = lines.FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal) || l.StartsWith("Features", StringComparison.Ordinal))?.Split(' ') ?? [];
            string[] sets = [.. new[] { "avx2", "avx_vnni", "avx512f", "avx512_vnni", "asimd", "asimddp", "i8mm" }.Where(flags.Contains)];
            return $"{name}, {Environment.ProcessorCount} processors, {string.Join(" ", sets)}";
        }
    }

    private static readonly string[] s_speedHead = ["model", "threads", "EdgeLite ms", "ORT ms", "EdgeLite / ORT", "int8 ms", "ORT int8 ms", "EdgeLite / ORT", "float / int8", "difference"];
    private static readonly string[] s_startHead = ["model", "EdgeLite ms", "ORT ms", "ORT ahead ms", "EdgeLite / ORT", "EdgeLite MB", "ORT MB", "ORT ahead MB"];

    public void PrintHead()
    {
        if (!arguments.Json) Console.WriteLine($"{Machine}\n{Versions}\nload of the machine: {_load}\n");
    }

    public void PrintSpeed()
    {
        if (!arguments.Json) Console.WriteLine($"Speed: one inference\n\n{Plain(s_speedHead, SpeedCells())}");
    }

    public void PrintStarts()
    {
        if (!arguments.Json)
            Console.WriteLine($"Start: a whole process, to the end of its first inference\n\n{Plain(s_startHead, StartCells())}\nAn empty process takes {Ms(EmptyMs)} ms here.");
    }

    public void PrintJson()
    {
        if (!arguments.Json) return;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            date = _date,
            machine = Machine,
            versions = Versions,
            load_average = _load,
            command = arguments.Command,
            speed = Speed.Select(r => new { model = r.Model, threads = r.Threads, edgelite_ms = r.EdgeLiteMs, ort_ms = r.PeerMs, edgelite_by_ort = r.Ratio, int8_ms = r.Int8Ms, ort_int8_ms = r.PeerInt8Ms, int8_edgelite_by_ort = r.Int8Ratio, float_by_int8 = r.Int8Gain, difference = r.Difference is { } d && double.IsFinite(d) ? r.Difference : null, failure = r.Failure }),
            start = Starts.Select(r => new { model = r.Model, edgelite_ms = r.EdgeLite.Ms, ort_ms = r.Peer?.Ms, ort_ahead_ms = r.PeerAhead?.Ms, edgelite_by_ort = r.Part, edgelite_peak_mb = r.EdgeLite.PeakMB, ort_peak_mb = r.Peer?.PeakMB, ort_ahead_peak_mb = r.PeerAhead?.PeakMB }),
            empty_process_ms = EmptyMs,
        }));
    }

    /// <summary>The tables at <paramref name="path"/>, and the first of them as a picture beside it.</summary>
    public void Save(string path)
    {
        File.WriteAllText(Path.ChangeExtension(path, ".svg"), SpeedChart.Draw(Speed, $"{Machine}; {Versions}; {_date}"));
        string text = $"""
            # Performance

            Written by `{arguments.Command}` on {_date}. Machine: {Machine}. {Versions}. Load of the machine when the run began: {_load}.

            ## Speed

            ![Bars of every model beside ONNX Runtime's time](performance.svg)

            Milliseconds of one inference in float32, and in int8 beside it. Both engines are in one process, on the same threads and the
            same random inputs, in turn (A B A B ..): medians of {arguments.Rounds} rounds of about 50 ms. ONNX Runtime runs with all optimizations,
            sequential, with inputs and outputs bound beforehand. `EdgeLite / ORT` below 1: EdgeLite takes less time.
            `difference` is the largest one of any output, relative to the largest number of that output; a model above 0.001 gets no time
            (0.1 for files that are int8 already, whose roundings differ; ONNX Runtime gets TFLite files as ONNX files of the same graph).
            int8 is calibrated on noise, for its time alone. ONNX Runtime runs the same layers with the same scales in the form that its own
            `quantize_static` writes, on which it is fastest by far: activations uint8 where ours are int8, no clamp that a range does already.

            {Markdown(s_speedHead, SpeedCells())}
            ## Start

            Milliseconds of a whole process that loads a model and makes the first inference on one thread, and its peak of resident memory:
            medians of {arguments.Starts} processes for each, in turn. EdgeLite is `edgelite-run bench MODEL --runs 0`.
            ONNX Runtime is [bench/peers/ort_start.c](../bench/peers/ort_start.c), which does nothing else and leaves without
            clearing up: once with the model as published, once ("ahead") with the file that ONNX Runtime wrote after optimizing it.
            `EdgeLite / ORT` is against the faster of the two. An empty process takes {Ms(EmptyMs)} ms.

            {Markdown(s_startHead, StartCells())}
            """;
        File.WriteAllText(path, text.TrimEnd() + "\n");
    }

    private IEnumerable<string[]> SpeedCells() => Speed.Select(r => r.Failure != null
        ? [r.Model, $"{r.Threads}", r.Failure.Split('\n')[0]]
        : new[] { r.Model, $"{r.Threads}", Ms(r.EdgeLiteMs), Ms(r.PeerMs), Number(r.Ratio), Ms(r.Int8Ms), Ms(r.PeerInt8Ms), Number(r.Int8Ratio), Number(r.Int8Gain), r.Difference!.Value.ToString("0.0e+0", CultureInfo.InvariantCulture) });

    private IEnumerable<string[]> StartCells() => Starts.Select(r => new[]
    {
        r.Model, Ms(r.EdgeLite.Ms), Ms(r.Peer?.Ms), Ms(r.PeerAhead?.Ms), Number(r.Part), Number(r.EdgeLite.PeakMB), Number(r.Peer?.PeakMB), Number(r.PeerAhead?.PeakMB),
    });

    private static string Ms(double? value) => value?.ToString(value < 0.1 ? "0.0000" : "0.000", CultureInfo.InvariantCulture) ?? "-";

    private static string Number(double? value) => value?.ToString("0.00", CultureInfo.InvariantCulture) ?? "-";

    /// <summary>The first column to the left, numbers to the right; a short row is a name and a message.</summary>
    private static string Plain(string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        int[] widths = [.. head.Select((h, c) => all.Where(r => r.Length == head.Length || c == 0).Max(r => r[c].Length))];
        var text = new StringBuilder();
        foreach (string[] row in all)
        {
            bool full = row.Length == head.Length;
            for (int c = 0; c < row.Length; c++)
                text.Append(c == 0 ? row[c].PadRight(widths[c]) : "  " + (full || c < row.Length - 1 ? row[c].PadLeft(widths[c]) : row[c]));
            text.Append('\n');
        }
        return text.ToString();
    }

    private static string Markdown(string[] head, IEnumerable<string[]> rows)
    {
        var text = new StringBuilder();
        text.Append($"| {string.Join(" | ", head)} |\n|---|{string.Concat(Enumerable.Repeat("---:|", head.Length - 1))}\n");
        foreach (string[] row in rows)
            text.Append($"| {string.Join(" | ", row.Concat(Enumerable.Repeat("", head.Length - row.Length)))} |\n");
        return text.ToString();
    }
}
