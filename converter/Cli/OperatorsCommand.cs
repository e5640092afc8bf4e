using System.CommandLine;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite operators</c>: what operators there are and how each is served, as docs/operators.md has it.</summary>
internal static class OperatorsCommand
{
    public static Command Create()
    {
        var command = new Command("operators", "List all operators, as Markdown.");
        command.SetAction(_ =>
        {
            Console.Out.Write(OperatorReference.Markdown());
            return 0;
        });
        return command;
    }
}
