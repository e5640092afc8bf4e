using System.Diagnostics;
using System.Globalization;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench;

/// <summary>Median milliseconds and largest peak of resident memory of whole processes.</summary>
internal sealed record ProcessCost(double Ms, double PeakMB);

/// <summary>One line of the table of starts. <paramref name="Peer"/> optimizes while loading, <paramref name="PeerAhead"/> loads the file that
/// ONNX Runtime wrote after optimizing; null where it cannot read the model.</summary>
internal sealed record StartRow(string Model, ProcessCost EdgeLite, ProcessCost? Peer, ProcessCost? PeerAhead)
{
    /// <summary>EdgeLite's time as a part of the peer's better one.</summary>
    public double? Part => Peer == null ? null : EdgeLite.Ms / Math.Min(Peer.Ms, PeerAhead?.Ms ?? double.MaxValue);
}

/// <summary>From the start of a process to the end of its first inference, on one thread.</summary>
internal static class StartUp
{
    /// <summary>The rows, and the milliseconds of a process that does nothing.</summary>
    public static (List<StartRow> Rows, double EmptyMs) Measure(IReadOnlyList<BenchModel> models, string folder, Arguments arguments)
    {
        List<string[]> commands = [["true"]];
        var places = new List<(string Model, int Own, int Peer, int Ahead)>();
        foreach (BenchModel model in models)
        {
            string path = Path.Combine(folder, model.Name + ".edgl");
            Graph graph = Speed.Convert(model, path);
            commands.Add([arguments.EdgeLiteRun, "bench", path, "--runs", "0"]);
            int own = commands.Count - 1, peer = -1, ahead = -1;
            if (model.Path.EndsWith(".onnx", StringComparison.Ordinal))
            {
                string optimized = Path.Combine(folder, model.Name + ".optimized.onnx");
                OnnxRuntimeEngine.OptimizeAhead(model.Path, optimized);
                string[] shapes = [.. graph.Inputs.Select(i => $"{i.Name}={string.Join('x', i.Shape.AsSpan().ToArray())}")];
                string program = Path.Combine(folder, "ort_start");
                commands.Add([program, arguments.OrtLibrary, model.Path, "all", .. shapes]);
                peer = commands.Count - 1;
                commands.Add([program, arguments.OrtLibrary, optimized, "none", .. shapes]);
                ahead = commands.Count - 1;
            }
            places.Add((model.Name, own, peer, ahead));
        }
        ProcessCost[] costs = Run(Path.Combine(folder, "process_times"), arguments.Starts, commands);
        return ([.. places.Select(p => new StartRow(p.Model, costs[p.Own], p.Peer < 0 ? null : costs[p.Peer], p.Ahead < 0 ? null : costs[p.Ahead]))],
            costs[0].Ms);
    }

    private static ProcessCost[] Run(string program, int rounds, List<string[]> commands)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true };
        start.ArgumentList.Add(rounds.ToString(CultureInfo.InvariantCulture));
        for (int i = 0; i < commands.Count; i++)
        {
            if (i > 0) start.ArgumentList.Add("--");
            foreach (string argument in commands[i]) start.ArgumentList.Add(argument);
        }
        using Process process = Process.Start(start)!;
        string[] lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        if (process.ExitCode != 0 || lines.Length != commands.Count)
            throw new EdgeLiteException(Status.InvalidState, $"{program} ended with {process.ExitCode}; its message is above.");
        return [.. lines.Select(l => l.Split(' ')).Select(p => new ProcessCost(
            long.Parse(p[0], CultureInfo.InvariantCulture) / 1e6, long.Parse(p[2], CultureInfo.InvariantCulture) / 1024.0))];
    }
}
