using EdgeLite.Bench;
using EdgeLite.Bench.Networks;
using EdgeLite.Converter.Ir;
using EdgeLite.Tests;

try
{
    Arguments arguments = Arguments.Parse(args);
    if (arguments.Export.Length > 0)
    {
        foreach (string name in arguments.Sets) Export.Write(name, arguments.Export);
        return 0;
    }
    string folder = Path.Combine(SharedData.Root, "artifacts", "bench");
    Directory.CreateDirectory(folder);
    List<BenchModel> models = [.. arguments.Models];
    bool all = arguments.Models.Count + arguments.Sets.Count == 0;
    var unknown = arguments.Sets.ToHashSet();
    unknown.RemoveWhere(s => s is "published" or "classic" or "tflite" || Classic.All.ContainsKey(s));
    List<BenchModel> published = all || arguments.Sets.Contains("published") || unknown.Count > 0 ? BenchModel.Published() : [];
    models.AddRange(published.Where(m => all || arguments.Sets.Contains("published") || arguments.Sets.Contains(m.Name)));
    foreach ((string name, Func<Graph> build) in Classic.All)
        if (all || arguments.Sets.Contains("classic") || arguments.Sets.Contains(name)) models.Add(BenchModel.Generated(name, build, folder));
    List<BenchModel> tflite = all || arguments.Sets.Contains("tflite") || unknown.Count > 0 ? BenchModel.Tflite() : [];
    models.AddRange(tflite.Where(m => all || arguments.Sets.Contains("tflite") || arguments.Sets.Contains(m.Name)));
    unknown.ExceptWith(models.Select(m => m.Name));
    if (unknown.Count > 0)
        throw new EdgeLiteException(Status.NotFound, $"There is no model '{string.Join("', '", unknown)}'; there are: published ({string.Join(", ", published.Select(m => m.Name))}), classic ({string.Join(", ", Classic.All.Keys)}), tflite ({string.Join(", ", tflite.Select(m => m.Name))}), and files.");
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
        // The program that starts ONNX Runtime fills inputs with zeros.
        List<BenchModel> started = [.. models.Except(tflite).Where(m => m.Fixed.Count == 0)];
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
