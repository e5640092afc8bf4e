using EdgeLite.Converter.Quantizing;
using Spectre.Console;

namespace EdgeLite.Converter.Cli;

/// <summary>Tables of a report on a terminal; plain aligned text when the output is piped.</summary>
internal sealed class TerminalReport : IReportConsole
{
    private readonly TextReportConsole? _plain = Console.IsOutputRedirected ? new TextReportConsole(Console.Out) : null;

    public void Line(string text)
    {
        if (_plain != null) _plain.Line(text);
        else AnsiConsole.MarkupLineInterpolated($"{text}");
    }

    public void Table(string title, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        if (_plain != null)
        {
            _plain.Table(title, headers, rows);
            return;
        }
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach (string header in headers) table.AddColumn(Markup.Escape(header));
        foreach (IReadOnlyList<string> row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }
}
