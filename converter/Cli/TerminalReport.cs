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

    public void Table(string title, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows, int least = int.MaxValue)
    {
        if (_plain != null)
        {
            _plain.Table(title, headers, rows);
            return;
        }
        int columns = headers.Count;
        while (columns > least && !Fits(headers, rows, columns)) columns--;
        if (!Fits(headers, rows, columns))
        {
            List(title, headers, rows);
            return;
        }
        Table table = new Table().Border(TableBorder.Rounded).Title(Markup.Escape(title));
        for (int c = 0; c < columns; c++)
        {
            // Of a column of numbers the last digits are below each other.
            bool isNumbers = rows.All(r => r[c].Length == 0 || IReportConsole.IsNumber(r[c]));
            table.AddColumn(new TableColumn(Markup.Escape(headers[c])) { Alignment = isNumbers ? Justify.Right : Justify.Left, NoWrap = c > 0 });
        }
        foreach (IReadOnlyList<string> row in rows) table.AddRow([.. row.Take(columns).Select(Markup.Escape)]);
        AnsiConsole.Write(table);
    }

    /// <summary>Whether so many columns need no more than the terminal has. The first column may be broken into lines.</summary>
    private static bool Fits(IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows, int columns)
    {
        const int Frame = 3, LeastFirst = 12;
        int width = Frame * columns + 1;
        for (int c = 0; c < columns; c++)
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
