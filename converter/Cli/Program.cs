using System.CommandLine;
using System.Runtime.InteropServices;
using EdgeLite.Converter.Cli;
using EdgeLite.Core;
using Spectre.Console;
using Status = EdgeLite.Core.Status;

IAnsiConsole errors = PlainOutput.Guard();

var root = new RootCommand("EdgeLite: converts neural networks into small files that start at once. edgelite-run runs, measures, tunes and tests them on the device.\nThe first steps: edgelite convert model.onnx -o model.edgl, then edgelite inspect model.edgl.")
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
// Ctrl-C and the like: nothing half-written stays. The signal then does what it always does.
PosixSignalRegistration[] signals = [.. new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP }.Select(s => PosixSignalRegistration.Create(s, _ => TemporaryFile.DeleteAll()))];
try
{
    var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
    if (args.Length == 0)
    {
        root.Parse("--help").Invoke(invocation);
        return 1;
    }
    if (Array.IndexOf(args, "") is >= 0 and int empty)
        throw new EdgeLiteException(Status.InvalidArgument, $"Argument {empty + 1} is empty, as that of a variable which is not set.");
    ParseResult parsed = root.Parse(args);
    // With --help a word that is no command would be passed over.
    if (parsed.Errors.Count > 0 || parsed.UnmatchedTokens.Count > 0) throw new EdgeLiteException(Status.InvalidArgument, UsageError.Describe(parsed));
    return parsed.Invoke(invocation);
}
catch (Exception e) when (e is EdgeLiteException || FileFailure.Is(e))
{
    errors.MarkupLineInterpolated($"[red]edgelite:[/] {e.Message}");
    return 1;
}
catch (Exception e)
{
    Console.Error.WriteLine($"edgelite: internal error, please report it with the model: {e}");
    return 1;
}
finally
{
    GC.KeepAlive(signals);
}
