using System.CommandLine;
using EdgeLite.Converter.Cli;
using EdgeLite.Core;
using Spectre.Console;

var root = new RootCommand("EdgeLite: converts neural networks into small files that start at once.")
{
    ConvertCommand.Create(),
    InspectCommand.Create(),
    CompareCommand.Create(),
    DumpCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is EdgeLiteException or IOException or UnauthorizedAccessException)
{
    var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    console.MarkupLineInterpolated($"[red]edgelite:[/] {e.Message}");
    return 1;
}
