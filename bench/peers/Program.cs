using EdgeLite.Bench;
using EdgeLite.Bench.Networks;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests;

try
{
    Arguments arguments = Arguments.Parse(args);
    string folder = Path.Combine(SharedData.Root, "artifacts", "bench");
    Directory.CreateDirectory(folder);
    List<BenchModel> models = [.. arguments.Models];
    bool all = arguments.Models.Count + arguments.Sets.Count == 0;
    if (all || arguments.Sets.Contains("published")) models.AddRange(BenchModel.Published());
    foreach ((string name, Func<Graph> build) in Classic.All)
        if (all || arguments.Sets.Contains("classic") || arguments.Sets.Contains(name)) models.Add(BenchModel.Generated(name, build, folder));
    var report = new Report(arguments);
    report.PrintHead();
    if (arguments.Speed)
    {
        foreach (BenchModel model in models)
        {
            Console.Error.WriteLine($"{model.Name} ...");
            report.Speed.AddRange(Speed.Compare(model, folder, arguments.Threads, arguments.Rounds, arguments.Int8));
        }
        report.PrintSpeed();
    }
    if (arguments.Start)
    {
        Console.Error.WriteLine("starts ...");
        // The program that starts ONNX Runtime fills float inputs only.
        List<BenchModel> started = [.. models.Where(m => m.Integers.Count == 0 && m.Fixed.Count == 0)];
        if ((all || arguments.Sets.Contains("published")) && BenchModel.PersonDetection() is { } person) started.Add(person);
        (report.Starts, report.EmptyMs) = StartUp.Measure(started, folder, arguments);
        report.PrintStarts();
    }
    report.PrintJson();
    if (arguments.Write) report.Save(Path.Combine(SharedData.Root, "docs", "performance.md"));
    return report.Speed.Any(r => r.Failure != null) ? 1 : 0;
}
catch (Exception e) when (e is EdgeLiteException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"bench: {e.Message}");
    return 1;
}
