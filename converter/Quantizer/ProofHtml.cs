using System.Globalization;
using System.Net;
using System.Text;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The report as one HTML page without external resources, light or dark as the reader's system is.</summary>
internal static class ProofHtml
{
    /// <summary>SQNR at which a bar is full: float16 storage lies about here, 8 bits at 30 to 50 dB.</summary>
    private const double FullBar = 60;

    public static string Write(ProofReport report)
    {
        var html = new StringBuilder();
        html.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.Append("<title>").Append(Text(report.Model)).Append(": conversion proof</title>\n<style>").Append(Style).Append("</style>\n</head>\n<body>\n<main>\n");
        html.Append("<h1>").Append(Text(report.Model)).Append("</h1>\n<p class=\"lead\">Converted model against the source model, value by value, on ")
            .Append(report.Samples).Append(report.Samples == 1 ? " sample" : " samples").Append(".</p>\n<div class=\"cards\">\n");
        Card(html, "Worst output", report.Outputs.Count == 0 ? "-" : Decibels(report.Outputs.MinBy(o => o.Sqnr)!), Grade(report.WorstOutputSqnr));
        Card(html, "Worst layer", report.Layers.Count == 0 ? "-" : Decibels(report.Layers[0]), report.Layers.Count == 0 ? "" : Grade(report.Layers[0].Sqnr));
        Card(html, "Layers compared", report.Layers.Count.ToString(CultureInfo.InvariantCulture), "");
        foreach ((string name, string text) in report.Facts) Card(html, name, text, "");
        html.Append("</div>\n<h2>Outputs</h2>\n");
        Table(html, report.Outputs, sortable: false);
        html.Append("<h2>Layers</h2>\n<p class=\"note\">Worst first; a click on a heading sorts. Bars are full at 60 dB. ")
            .Append(report.SourceValuesWithoutMatch)
            .Append(" float values of the source model have no counterpart: they were fused, folded or rearranged.</p>\n");
        Table(html, report.Layers, sortable: true);
        html.Append("<p class=\"note\">SQNR = 10 log<sub>10</sub>(&Sigma;a&sup2; / &Sigma;(a&minus;b)&sup2;), a the source, b the converted value. Relative error: |a&minus;b| / max(|a|, largest |a| / 1000).</p>\n");
        html.Append("</main>\n<script>").Append(Script).Append("</script>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void Card(StringBuilder html, string name, string text, string grade) =>
        html.Append("<div class=\"card ").Append(grade).Append("\"><span>").Append(Text(name)).Append("</span><b>").Append(Text(text)).Append("</b></div>\n");

    private static void Table(StringBuilder html, IReadOnlyList<ValueComparison> values, bool sortable)
    {
        html.Append("<div class=\"scroll\"><table").Append(sortable ? " class=\"sortable\"" : "").Append(">\n<thead><tr>");
        foreach (string head in (string[])["#", "Value", "Operator", "Shape", "SQNR", "dB", "Cosine", "Max abs", "Max rel", "Source range", "Converted range"])
            html.Append("<th>").Append(head).Append("</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (ValueComparison v in values)
        {
            double width = double.IsNaN(v.Sqnr) ? 0 : Math.Clamp(v.Sqnr / FullBar, 0, 1) * 100;
            html.Append("<tr>");
            Cell(html, v.Order.ToString(CultureInfo.InvariantCulture), v.Order, "n");
            html.Append("<td class=\"name\" title=\"").Append(Text(v.Name)).Append("\">").Append(Text(v.Name)).Append("</td>");
            Cell(html, v.Operator, null, "");
            Cell(html, v.Shape, v.Elements, "");
            html.Append("<td class=\"bar\" data-v=\"").Append(Sortable(v.Sqnr)).Append("\"><i class=\"").Append(Grade(v.Sqnr)).Append("\" style=\"width:")
                .Append(width.ToString("F1", CultureInfo.InvariantCulture)).Append("%\"></i></td>");
            Cell(html, ProofTable.Decibels(v), v.Sqnr, "n");
            Cell(html, v.Cosine.ToString("F6", CultureInfo.InvariantCulture), v.Cosine, "n");
            Cell(html, ProofTable.Number(v.MaxAbsError), v.MaxAbsError, "n");
            Cell(html, ProofTable.Number(v.MaxRelError), v.MaxRelError, "n");
            Cell(html, ProofTable.Range(v.SourceMin, v.SourceMax), v.SourceMax, "n");
            Cell(html, ProofTable.Range(v.ConvertedMin, v.ConvertedMax), v.ConvertedMax, "n");
            html.Append("</tr>\n");
        }
        html.Append("</tbody></table></div>\n");
    }

    private static void Cell(StringBuilder html, string text, double? sort, string css)
    {
        html.Append("<td");
        if (css.Length > 0) html.Append(" class=\"").Append(css).Append('"');
        if (sort is { } v) html.Append(" data-v=\"").Append(Sortable(v)).Append('"');
        html.Append('>').Append(Text(text)).Append("</td>");
    }

    private static string Sortable(double v) => (double.IsPositiveInfinity(v) ? 1e300 : double.IsFinite(v) ? v : -1e300).ToString("R", CultureInfo.InvariantCulture);

    private static string Decibels(ValueComparison v) => ProofTable.Decibels(v) is var text && char.IsAsciiDigit(text[^1]) ? text + " dB" : text;

    private static string Grade(double sqnr) => sqnr >= 30 ? "good" : sqnr >= 15 ? "fair" : "poor";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private const string Style = """

        :root { color-scheme: light dark; --bg: #f7f8fa; --fg: #1c2330; --dim: #5c6675; --card: #ffffff; --line: #dde2ea; --good: #1f9d63; --fair: #c98a10; --poor: #d0413b; }
        @media (prefers-color-scheme: dark) { :root { --bg: #12161d; --fg: #e4e8ef; --dim: #98a3b3; --card: #1a202a; --line: #2c3542; --good: #3fc287; --fair: #e0a83a; --poor: #f0716b; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--bg); color: var(--fg); font: 14px/1.45 system-ui, sans-serif; }
        main { max-width: 1280px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { margin: 0; font-size: 24px; overflow-wrap: anywhere; }
        h2 { margin: 32px 0 8px; font-size: 17px; }
        .lead, .note { color: var(--dim); margin: 4px 0 12px; }
        .cards { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; min-width: 130px; }
        .card span { display: block; color: var(--dim); font-size: 12px; }
        .card b { font-size: 17px; font-weight: 600; }
        .card.good b { color: var(--good); } .card.fair b { color: var(--fair); } .card.poor b { color: var(--poor); }
        .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        table { border-collapse: collapse; width: 100%; }
        th, td { padding: 5px 10px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
        tr:last-child td { border-bottom: 0; }
        th { color: var(--dim); font-size: 12px; font-weight: 600; }
        .sortable th { cursor: pointer; }
        td.n { text-align: right; font-variant-numeric: tabular-nums; }
        td.name { max-width: 320px; overflow: hidden; text-overflow: ellipsis; font-family: ui-monospace, monospace; font-size: 12.5px; }
        td.bar { width: 150px; min-width: 110px; }
        td.bar i { display: block; height: 9px; border-radius: 3px; min-width: 2px; }
        i.good { background: var(--good); } i.fair { background: var(--fair); } i.poor { background: var(--poor); }

        """;

    private const string Script = """

        for (const th of document.querySelectorAll("table.sortable th")) th.addEventListener("click", () => {
          const i = th.cellIndex, body = th.closest("table").tBodies[0], down = th.dataset.down !== "1";
          const key = row => { const c = row.cells[i]; return c.dataset.v === undefined ? c.textContent : Number(c.dataset.v); };
          const rows = [...body.rows].sort((a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : 0) * (down ? 1 : -1); });
          th.dataset.down = down ? "1" : "0";
          body.append(...rows);
        });

        """;
}
