using System.CommandLine;
using System.Diagnostics;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using Spectre.Console;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite convert</c>.</summary>
internal static class ConvertCommand
{
    public static Command Create()
    {
        var source = new Argument<FileInfo>("source") { Description = "The model to convert; its format is recognised from the content." };
        var output = new Option<FileInfo>("--output", "-o") { Description = "The .edgl file to write.", Required = true };
        var shapes = new Option<string[]>("--shape") { Description = "Size of an input with free dimensions: NAME=1x3x224x224." };
        var target = new Option<string>("--target") { Description = "Profile of the device (a name under targets/profiles).", DefaultValueFactory = _ => "" };
        var command = new Command("convert", "Convert a model of any framework to one .edgl file, with the proof.") { source, output, shapes, target };
        command.SetAction(result =>
        {
            var options = new ConversionOptions
            {
                Shapes = ParseShapes(result.GetValue(shapes) ?? []),
                Target = result.GetValue(target) ?? "",
                Progress = stage => AnsiConsole.MarkupLineInterpolated($"[grey]{stage} ...[/]"),
            };
            long start = Stopwatch.GetTimestamp();
            string path = result.GetValue(output)!.FullName;
            (Graph graph, string format) = Pipeline.Import(result.GetValue(source)!.FullName, options);
            Pipeline.Optimize(graph, options);
            Pipeline.Lower(graph, options);
            Pipeline.Write(graph, path, options);
            AnsiConsole.MarkupLineInterpolated($"{format} -> {path}: {new FileInfo(path).Length:N0} bytes, {graph.Nodes.Count} steps, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
            return 0;
        });
        return command;
    }

    internal static Dictionary<string, Shape> ParseShapes(IEnumerable<string> texts)
    {
        var shapes = new Dictionary<string, Shape>();
        foreach (string text in texts)
        {
            int equals = text.LastIndexOf('=');
            string[] parts = text[(equals + 1)..].Split('x');
            var dims = new long[parts.Length];
            for (int i = 0; i < dims.Length; i++)
                if (!long.TryParse(parts[i], out dims[i]) || dims[i] < -1)
                    throw new EdgeLiteException(Core.Status.InvalidArgument, $"--shape '{text}' is not of the form NAME=1x3x224x224.");
            shapes[equals < 0 ? "" : text[..equals]] = new Shape(dims);
        }
        return shapes;
    }
}
