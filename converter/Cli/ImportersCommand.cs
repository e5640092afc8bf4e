using System.CommandLine;
using EdgeLite.Converter.Importers;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite importers</c>: what formats are read and what layers of each, as docs/importers.md has it.</summary>
internal static class ImportersCommand
{
    public static Command Create()
    {
        var command = new Command("importers", "List all formats that are read and their layers, as Markdown.");
        command.SetAction(_ =>
        {
            Console.Out.Write(ImporterReference.Markdown());
            return 0;
        });
        return command;
    }
}
