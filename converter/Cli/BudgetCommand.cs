using System.Diagnostics;
using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using Status = EdgeLite.Core.Status;

namespace EdgeLite.Converter.Cli;

/// <summary>The budget of <c>edgelite convert --quantize auto</c>: a lowest SQNR, or a command of the user's that gives a converted file a score.</summary>
internal static class BudgetCommand
{
    /// <summary>"30dB", "30 dB" or "30".</summary>
    public static double ParseDecibels(string text)
    {
        string number = text.EndsWith("dB", StringComparison.OrdinalIgnoreCase) ? text[..^2].Trim() : text;
        return double.TryParse(number, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && double.IsFinite(v) ? v
            : throw new EdgeLiteException(Status.InvalidArgument, $"--max-error '{text}' is not of the form 30dB.");
    }

    /// <summary>"0.5%" or "0.005": the share of the float model's score that may be lost.</summary>
    public static double ParseDrop(string text)
    {
        bool percent = text.EndsWith('%');
        return double.TryParse(percent ? text[..^1] : text, NumberStyles.Float, CultureInfo.InvariantCulture, out double v) && v >= 0 && v / (percent ? 100 : 1) < 1 ? v / (percent ? 100 : 1)
            : throw new EdgeLiteException(Status.InvalidArgument, $"--max-drop '{text}' is not of the form 0.5%.");
    }

    /// <summary>Writes a lowered copy of the graph, runs the command with the file's name as its last argument, and returns the last number
    /// that it prints on standard output.</summary>
    public static double Score(Graph graph, string command, ConversionOptions options)
    {
        using var file = new TemporaryFile(Path.Combine(Path.GetTempPath(), $"edgelite-{Environment.ProcessId}-{Guid.NewGuid():N}.edgl"));
        Graph copy = GraphCopy.Of(graph);
        Pipeline.Lower(copy, options with { Progress = null });
        Pipeline.Write(copy, file.Path, options with { Progress = null });
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardOutput = true };
        foreach (string argument in new[] { "-c", command + " \"$1\"", "sh", file.Path }) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        string printed = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0) throw new EdgeLiteException(Status.RuntimeFailure, $"--evaluate '{command}' ended with status {process.ExitCode}.");
        foreach (string word in printed.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            bool percent = word.EndsWith('%');
            if (double.TryParse(percent ? word[..^1] : word, NumberStyles.Float, CultureInfo.InvariantCulture, out double score) && double.IsFinite(score)) return percent ? score / 100 : score;
        }
        throw new EdgeLiteException(Status.RuntimeFailure, $"--evaluate '{command}' printed no number.");
    }

    /// <summary>Prints the trials that no other one beats, and the most sensitive layers.</summary>
    public static void Print(BudgetResult result, IReportConsole console)
    {
        bool scored = result.Trials.Any(t => t.Score != t.Sqnr);
        (string Name, bool IsShown, Func<BudgetTrial, string> Text)[] columns =
        [
            ("layers in float", true, t => Number(t.FloatLayers)),
            ("in int16", result.Trials.Any(t => t.SixteenBitLayers > 0), t => Number(t.SixteenBitLayers)),
            ("int8 in blocks", result.Trials.Any(t => t.EightBitLayers > 0), t => Number(t.EightBitLayers)),
            ("weights of 4 bits", result.Trials.Any(t => t.FourBitLayers > 0), t => Number(t.FourBitLayers)),
            ("observer", true, t => t.Observer.Name()),
            ("more repairs", true, t => t.Repairs),
            ("weight bytes", true, t => Number(t.WeightBytes)),
            ("ms here", true, t => t.Milliseconds.ToString("G3", CultureInfo.InvariantCulture)),
            ("SQNR dB", true, t => Decibels(t.Sqnr)),
            ("score", scored, t => t.Score.ToString("G5", CultureInfo.InvariantCulture)),
            ("within budget", true, t => t.Meets ? "yes" : "no"),
        ];
        columns = [.. columns.Where(c => c.IsShown)];
        console.Table($"Sizes and errors that can be had ({result.Trials.Count} trial{(result.Trials.Count == 1 ? "" : "s")}, held-back samples, one thread)",
            [.. columns.Select(c => c.Name)], [.. result.Pareto.Select(t => (IReadOnlyList<string>)[.. columns.Select(c => c.Text(t))])]);
        if (result.Sensitivity.Count == 0) return;
        console.Table("Layers in the order in which they leave int8", ["layer", "SQNR dB alone in int8", "bytes saved"],
            [.. result.Sensitivity.Take(10).Select(s => (IReadOnlyList<string>)[IReportConsole.Short(s.Layer), Decibels(s.Sqnr), Number(s.SavedBytes)])]);
    }

    private static string Number(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    private static string Decibels(double v) => double.IsPositiveInfinity(v) ? "exact" : v.ToString("F1", CultureInfo.InvariantCulture);
}
