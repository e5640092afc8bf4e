using System.Diagnostics;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run tune</c>: measures which kernel is fastest for each step on this device and writes the choices into the model.</summary>
internal static class TuneCommand
{
    /// <summary>Part of the processors' time that other programs may take while one thread is compared with several.</summary>
    private const double MaxBusy = 0.15;

    /// <summary>Runs of the model for each round of <c>--rounds</c>, about.</summary>
    private const int TuningRuns = 7;

    public static void Execute(Arguments arguments)
    {
        string path = arguments.Next("the model file");
        int rounds = arguments.Int("--rounds", 15);
        string? output = arguments.Value("--out"), table = arguments.Value("--table");
        bool json = arguments.Flag("--json");
        List<string> inputs = arguments.All("--in");
        using Model model = Model.Load(path, Commands.ReadLoadOptions(arguments));
        using Session session = Commands.OpenSession(model, arguments, defaultThreads: 0);
        arguments.Finish();
        InputFiles.ReadOrClear(session, inputs);
        // What cannot be written is said before the measuring, which may take minutes.
        if (table != null) new WholeFile(table).Dispose();
        if (output != null || table == null)
        {
            model.RequireUnsigned();
            new WholeFile(output ?? path).Dispose();
        }
        long start = Stopwatch.GetTimestamp();
        session.Run();
        Commands.Announce(Stopwatch.GetElapsedTime(start).TotalSeconds * TuningRuns * rounds);
        double busy = session.Threads > 1 ? ProcessMemory.Busy() : 0;
        if (busy > MaxBusy)
            Output.Error(FormattableString.Invariant($"other programs take {busy:0%} of the processors: no step is tried on one thread. Tune again when the device is idle."));
        // Digits by hand: the formatting of dates would double what this command takes.
        DateTime now = DateTime.UtcNow;
        TuningResult result = session.Tune(rounds, $"{ProcessMemory.MachineName()}, edgelite {Release.Version}, {now.Year}-{now.Month:d2}-{now.Day:d2}", busy <= MaxBusy);
        if (json) PrintJson(path, session.Threads, result);
        else Print(result);
        if (table != null) WholeFile.Write(table, stream => stream.Write(Tuning.ToText([result.Tuning])));
        bool isWritten = (output != null || table == null) && Save(model, output ?? path, result.Tuning, output != null);
        if (json) return;
        if (table != null) Output.WriteLine($"{"",10} written to {table}, for edgelite convert --tuning");
        if (isWritten) Output.WriteLine($"{"",10} written to {output ?? path}");
    }

    /// <summary>Takes the place of what was measured here before with as many threads; what is known of others stays. Returns false where a
    /// model that holds no choices gets none and stays as it is.</summary>
    private static bool Save(Model model, string path, Tuning tuning, bool isCopy)
    {
        if (!isCopy && tuning.Choices.Count == 0 && model.Tunings.Count == 0) return false;
        var tunings = new List<Tuning>();
        if (tuning.Choices.Count > 0) tunings.Add(tuning);
        foreach (Tuning other in model.Tunings)
            if (other.Machine != tuning.Machine) tunings.Add(other);
        model.Save(path, [.. tunings]);
        return true;
    }

    /// <summary>A row for each call that can be made in several ways, the chosen one marked; a way is written without the name of its kernel.</summary>
    private static void Print(TuningResult result)
    {
        Output.WriteLine($"{"usual us",10} {"chosen us",10} {"gain",5}  {"kernel",-20} {"output",-26} ways in us");
        foreach (StepTuning step in result.Steps)
        {
            if (step.Ways.Length == 1) continue;
            double usual = step.Ways[0].Microseconds, chosen = step.Ways[step.Chosen].Microseconds;
            string kernel = step.Ways[0].Kernel[..step.Ways[0].Kernel.IndexOf('/')];
            string ways = "";
            for (int w = 0; w < step.Ways.Length; w++)
                ways += FormattableString.Invariant($"{(w == step.Chosen ? " *" : "  ")}{step.Ways[w].Kernel[kernel.Length..].TrimStart('_', '/')} {step.Ways[w].Microseconds:0.0}");
            Output.WriteLine(FormattableString.Invariant($"{usual,10:0.0} {chosen,10:0.0} {(step.Chosen == 0 ? "" : $"{1 - chosen / usual:0%}"),5}  {kernel + (step.Steps > 1 ? $" x{step.Steps}" : ""),-20} {step.Output,-26}{ways}"));
        }
        Output.WriteLine();
        if (result.Tuning.Choices.Count == 0)
            Output.WriteLine(FormattableString.Invariant($"{result.Before,10:0.0} us a run: nothing is clearly faster than the usual kernels"));
        else
            Output.WriteLine(FormattableString.Invariant($"{result.Before,10:0.0} us a run with the usual kernels, {result.After:0.0} with {result.Tuning.Choices.Count} choices ({1 - result.After / result.Before:0.0%} less), on {result.Tuning.Machine}"));
    }

    private static void PrintJson(string path, int threads, TuningResult result)
    {
        string[] steps = Array.ConvertAll(result.Steps, s => FormattableString.Invariant(
            $$"""{"operator":{{Json.Text(s.Operator)}},"node":{{Json.Text(s.Node)}},"output":{{Json.Text(s.Output.ToString())}},"steps":{{s.Steps}},"ways":[{{string.Join(",", Array.ConvertAll(s.Ways, w => FormattableString.Invariant($$"""{"kernel":{{Json.Text(w.Kernel)}},"us":{{w.Microseconds:0.###}}}""")))}}],"chosen":{{Json.Text(s.Ways[s.Chosen].Kernel)}},"is_usual":{{(s.Chosen == 0 ? "true" : "false")}}}"""));
        Output.WriteLine(FormattableString.Invariant(
            $$"""{"model":{{Json.Text(path)}},"threads":{{threads}},"machine":{{Json.Text(result.Tuning.Machine)}},"choices":{{result.Tuning.Choices.Count}},"usual_us":{{result.Before:0.###}},"tuned_us":{{result.After:0.###}},"steps":[{{string.Join(",", steps)}}]}"""));
    }
}
