using System.CommandLine;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite dump</c>: a model as readable text, at a chosen stage of its way.</summary>
internal static class DumpCommand
{
    public static Command Create()
    {
        var source = new Argument<FileInfo>("source") { Description = "The source model." };
        var stage = new Option<string>("--stage") { HelpName = "STAGE", Description = "imported, optimized or lowered.", DefaultValueFactory = _ => "lowered" };
        stage.AcceptOnlyFromAmong("imported", "optimized", "lowered");
        var shapes = new Option<string[]>("--shape") { HelpName = "NAME=SHAPE", Description = "Size of an input with free dimensions: NAME=1x3x224x224." };
        var signature = new Option<string?>("--signature") { HelpName = "NAME", Description = ConvertCommand.SignatureHelp };
        var command = new Command("dump", "Print a model's graph as text.") { source, stage, shapes, signature };
        command.SetAction(result =>
        {
            var options = new ConversionOptions { Shapes = ConvertCommand.ParseShapes(result.GetValue(shapes) ?? []), Signature = result.GetValue(signature) };
            (Graph graph, _) = Pipeline.Import(result.GetValue(source)!.FullName, options);
            if (result.GetValue(stage) != "imported") Pipeline.Optimize(graph, options);
            if (result.GetValue(stage) == "lowered") Pipeline.Lower(graph, options);
            Console.Out.Write(GraphText.Dump(graph));
            return 0;
        });
        return command;
    }
}
