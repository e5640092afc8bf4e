using System.Diagnostics;
using EdgeLite.Devices.Cpu;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run profile</c>: shortest time of every step with what it achieved, and by operator.</summary>
internal static class ProfileCommand
{
    public static void Execute(Arguments arguments)
    {
        string path = arguments.Next("the model file");
        int runs = Math.Max(1, arguments.Int("--runs", 50));
        bool json = arguments.Flag("--json");
        List<string> inputs = arguments.All("--in");
        using Model model = Model.Load(path, Commands.ReadLoadOptions(arguments));
        using Session session = Commands.OpenSession(model, arguments, defaultThreads: 1);
        arguments.Finish();
        InputFiles.ReadOrClear(session, inputs);
        int threads = session.Threads;
        MachinePeaks peaks = MachinePeaks.Measure();
        long start = Stopwatch.GetTimestamp();
        session.Profile(3);
        Commands.Announce(Stopwatch.GetElapsedTime(start).TotalSeconds / 3 * runs);
        StepProfile[] steps = session.Profile(runs);
        double total = 0, least = 0;
        foreach (StepProfile s in steps)
        {
            total += s.Microseconds;
            if (Peak(peaks, s) > 0) least += s.Operations / Peak(peaks, s) * 1e-3;
        }
        if (json)
        {
            Output.WriteLine("{\"steps\":[" + string.Join(",", Array.ConvertAll(steps, s => FormattableString.Invariant(
                $$"""{"operator":{{Json.Text(s.Operator)}},"node":{{Json.Text(s.Node)}},"kernel":{{Json.Text(s.Kernel)}},"output":{{Json.Text(s.Output.ToString())}},"us":{{s.Microseconds:0.###}},"operations":{{s.Operations:0}},"bytes":{{s.Bytes:0}}}"""))) + FormattableString.Invariant($$"""],"peak_float_gops":{{peaks.FloatOperations:0.0}},"peak_int8_gops":{{peaks.Int8Operations:0.0}},"peak_read_gbs":{{peaks.Bytes:0.0}}}"""));
            return;
        }
        Output.WriteLine($"{"us",10} {"share",6} {"Gop/s",7} {"peak",5} {"GB/s",6}  {"kernel",-28} {"output",-26} step");
        foreach (StepProfile s in steps)
            Output.WriteLine(FormattableString.Invariant($"{s.Microseconds,10:0.0} {s.Microseconds / total,6:0.0%} {Rate(s.Operations, s),7} {Share(peaks, s, threads),5} {Rate(s.Bytes, s),6}  {s.Kernel,-28} {s.Output,-26} {s.Operator} {s.Node}"));
        Output.WriteLine();
        Output.WriteLine($"{"us",10} {"share",6}  {"steps",5}  operator");
        var operators = new Dictionary<string, (double Microseconds, int Count)>();
        foreach (StepProfile s in steps)
        {
            (double us, int count) = operators.GetValueOrDefault(s.Operator);
            operators[s.Operator] = (us + s.Microseconds, count + 1);
        }
        var order = new List<KeyValuePair<string, (double Microseconds, int Count)>>(operators);
        order.Sort((a, b) => b.Value.Microseconds.CompareTo(a.Value.Microseconds));
        foreach ((string name, (double us, int count)) in order)
            Output.WriteLine(FormattableString.Invariant($"{us,10:0.0} {us / total,6:0.0%}  {count,5}  {name}"));
        Output.WriteLine(FormattableString.Invariant($"{total,10:0.0} us in all"));
        if (least > 0)
            Output.WriteLine(FormattableString.Invariant($"{least / threads,10:0.0} us, were all convolutions and matrix products done directly at {(threads > 1 ? $"the peak of {threads} cores" : "the peak of a core")}: {peaks.FloatOperations:0} Gop/s in float32, {peaks.Int8Operations:0} in int8, each (measured)"));
    }

    /// <summary>Thousand millions of operations a second of one core, by the type that the step computes in.</summary>
    private static double Peak(MachinePeaks peaks, StepProfile step) =>
        step.Operations == 0 ? 0 : step.Kernel.AsSpan().IndexOf("_s8") >= 0 ? peaks.Int8Operations : peaks.FloatOperations;

    private static string Share(MachinePeaks peaks, StepProfile step, int threads) =>
        Peak(peaks, step) > 0 && step.Microseconds > 0 ? FormattableString.Invariant($"{step.Operations / step.Microseconds * 1e-3 / Peak(peaks, step) / threads:0%}") : "";

    /// <summary>Thousand millions a second, nothing where the step has none of it.</summary>
    private static string Rate(double amount, StepProfile step) =>
        amount > 0 && step.Microseconds > 0 ? FormattableString.Invariant($"{amount / step.Microseconds * 1e-3:0.0}") : "";
}
