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
        if (!Fits(headers, rows))
        {
            List(title, headers, rows);
            return;
        }
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        foreach (string header in headers) table.AddColumn(Markup.Escape(header));
        foreach (IReadOnlyList<string> row in rows) table.AddRow([.. row.Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }

    /// <summary>Whether a row needs no more than the terminal has. The first column may be broken into lines.</summary>
    private static bool Fits(IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        const int Frame = 3, LeastFirst = 12;
        int width = Frame * headers.Count + 1;
        for (int c = 0; c < headers.Count; c++)
        {
            int widest = rows.Select(r => r[c].Length).Append(headers[c].Length).Max();
            width += c == 0 ? Math.Min(widest, LeastFirst) : widest;
        }
        return width <= AnsiConsole.Profile.Width;
    }

    /// <summary>For narrow terminals: each row as lines of "header  text".</summary>
    private static void List(string title, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int widest = headers.Max(h => h.Length);
        AnsiConsole.MarkupLineInterpolated($"[italic]{title}[/]");
        foreach (IReadOnlyList<string> row in rows)
        {
            AnsiConsole.MarkupLineInterpolated($"[bold]{row[0]}[/]");
            for (int c = 1; c < headers.Count; c++) AnsiConsole.MarkupLineInterpolated($"  {headers[c].PadRight(widest)}  {row[c]}");
        }
    }
}
