using System.CommandLine;
using EdgeLite.Converter.Cli;
using EdgeLite.Core;
using Spectre.Console;

// Piped text is for programs: one message, one line.
const int PipedWidth = 1 << 12;
if (Console.IsOutputRedirected) AnsiConsole.Profile.Width = PipedWidth;

var root = new RootCommand("EdgeLite: converts neural networks into small files that start at once.")
{
    ConvertCommand.Create(),
    InspectCommand.Create(),
    CompareCommand.Create(),
    SignCommand.CreateKeygen(),
    SignCommand.CreateSign(),
    DumpCommand.Create(),
    OperatorsCommand.Create(),
    ImportersCommand.Create(),
};
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is EdgeLiteException or IOException or UnauthorizedAccessException)
{
    var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
    if (Console.IsErrorRedirected) console.Profile.Width = PipedWidth;
    console.MarkupLineInterpolated($"[red]edgelite:[/] {e.Message}");
    return 1;
}
catch (Exception e)
{
    Console.Error.WriteLine($"edgelite: internal error, please report it with the model: {e}");
    return 1;
}
