using System.Diagnostics;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run bench</c>: start-up, speed and memory of one model, on zeros where no inputs are given; with <c>--runs 0</c> start-up alone.</summary>
internal static class BenchCommand
{
    public static void Execute(Arguments arguments)
    {
        string path = arguments.Next("the model file");
        int warmup = arguments.Int("--warmup", 5), runs = Math.Max(0, arguments.Int("--runs", 50));
        bool json = arguments.Flag("--json");
        List<string> inputs = arguments.All("--in");

        LoadOptions? options = Commands.ReadLoadOptions(arguments);
        long start = Stopwatch.GetTimestamp();
        using Model model = Model.Load(path, options);
        using Session session = Commands.OpenSession(model, arguments, defaultThreads: 1);
        arguments.Finish();
        InputFiles.ReadOrClear(session, inputs);
        double loadMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        start = Stopwatch.GetTimestamp();
        session.Run();
        double firstMs = Stopwatch.GetElapsedTime(start).TotalMilliseconds;

        Commands.Announce(firstMs / 1000 * (runs == 0 ? 0 : warmup + runs));
        for (int i = 0; i < warmup && runs > 0; i++) session.Run();
        double[] times = new double[runs];
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < runs; i++)
        {
            start = Stopwatch.GetTimestamp();
            session.Run();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        double managedPerRun = (GC.GetAllocatedBytesForCurrentThread() - allocated) / (double)Math.Max(1, runs);
        Array.Sort(times);
        if (runs == 0) times = [firstMs];
        double median = times[times.Length / 2], p90 = times[(int)(times.Length * 0.9)];
        long rss = ProcessMemory.PeakResidentKilobytes();
        if (json)
        {
            Output.WriteLine(FormattableString.Invariant(
                $$"""{"model":{{Json.Text(path)}},"threads":{{session.Threads}},"runs":{{runs}},"load_ms":{{loadMs:0.###}},"first_run_ms":{{firstMs:0.###}},"min_ms":{{times[0]:0.#####}},"median_ms":{{median:0.#####}},"p90_ms":{{p90:0.#####}},"peak_rss_kb":{{rss}},"arena_bytes":{{session.ArenaBytes}},"scratch_bytes":{{session.ScratchBytes}},"weight_bytes":{{model.DataBytes}},"managed_bytes_per_run":{{managedPerRun:0.##}}}"""));
            return;
        }
        Output.WriteLine(FormattableString.Invariant($"{path}, {session.Threads} thread{(session.Threads == 1 ? "" : "s")}, {runs} run{(runs == 1 ? "" : "s")}"));
        Output.WriteLine(FormattableString.Invariant($"  load          {loadMs,10:0.000} ms"));
        Output.WriteLine(FormattableString.Invariant($"  first run     {firstMs,10:0.000} ms"));
        Output.WriteLine(FormattableString.Invariant($"  minimum       {times[0],10:0.0000} ms"));
        Output.WriteLine(FormattableString.Invariant($"  median        {median,10:0.0000} ms"));
        Output.WriteLine(FormattableString.Invariant($"  90th percent  {p90,10:0.0000} ms"));
        Output.WriteLine(FormattableString.Invariant($"  peak resident {rss,10} kB"));
        Output.WriteLine(FormattableString.Invariant($"  arena         {session.ArenaBytes,10} bytes, scratch {session.ScratchBytes}, weights {model.DataBytes}"));
        Output.WriteLine(FormattableString.Invariant($"  managed       {managedPerRun,10:0.##} bytes a run"));
    }
}
