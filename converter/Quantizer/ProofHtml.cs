using System.Globalization;
using System.Net;
using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The report as one HTML page without external resources, light or dark as the reader's system is.</summary>
internal static class ProofHtml
{
    /// <summary>SQNR at which a bar is full: float16 storage lies about here, 8 bits at 30 to 50 dB.</summary>
    private const double FullBar = 60;

    /// <summary>Headings of columns that hold words and pictures; the others hold numbers.</summary>
    private static readonly HashSet<string> s_words = ["Value", "Operator", "Shape", "SQNR", "Distribution", "Sample", "Layer", "Step", "Kernel", "Time", "Observer", "More repairs", "Budget"];

    /// <summary>Samples that are listed.</summary>
    private const int WorstSamples = 20;

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
        html.Append("</div>\n");
        if (report.FirstWrong is { } wrong)
        {
            html.Append("<p class=\"wrong\">The first layer below ").Append(ProofTable.Number(ProofReport.WrongBelow)).Append(" dB is ").Append(Text(wrong.Operator)).Append(" <code>")
                .Append(Text(wrong.Name)).Append("</code> (").Append(Decibels(wrong)).Append("): ").Append(Text(ProofReport.Advice(wrong))).Append(".</p>\n");
        }
        html.Append("<h2>Outputs</h2>\n");
        Table(html, report.Outputs, sortable: false);
        if (report.EachSample.Count > 1)
        {
            html.Append("<h2>Samples</h2>\n<p class=\"note\">Lowest SQNR of an output, the worst ").Append(Math.Min(WorstSamples, report.EachSample.Count)).Append(" of ").Append(report.EachSample.Count).Append(".</p>\n");
            Table(html, ["Sample", "SQNR", "dB"], report.EachSample.OrderBy(s => s.WorstOutputSqnr).Take(WorstSamples), s =>
            {
                Name(html, s.Sample);
                Bar(html, s.WorstOutputSqnr);
                Cell(html, ProofTable.Decibels(s.WorstOutputSqnr), s.WorstOutputSqnr, "n");
            });
        }
        html.Append("<h2>Layers</h2>\n<p class=\"note\">Worst first; a click on a heading sorts. Bars are full at 60 dB. ")
            .Append(report.SourceValuesWithoutMatch)
            .Append(" float values of the source model have no counterpart: they were fused, folded or rearranged.</p>\n");
        Table(html, report.Layers, sortable: true);
        if (report.Trials.Count > 0)
        {
            html.Append("<h2>Choices</h2>\n<p class=\"note\">What the search found: no other trial is both smaller and better. On held-back samples; time on one thread of the machine that converted.</p>\n");
            bool scored = report.Trials.Any(t => t.Score != t.Sqnr);
            (string Name, Func<BudgetTrial, int> Layers)[] forms =
                [("Layers in float", t => t.FloatLayers), ("in int16", t => t.SixteenBitLayers), ("int8 in blocks", t => t.EightBitLayers), ("weights of 4 bits", t => t.FourBitLayers)];
            forms = [.. forms.Where((f, i) => i == 0 || report.Trials.Any(t => f.Layers(t) > 0))];
            Table(html, [.. forms.Select(f => f.Name), "Observer", "More repairs", "Weight bytes", "ms", "SQNR", "dB", .. scored ? (string[])["Score"] : [], "Budget"], report.Trials, t =>
            {
                foreach ((_, Func<BudgetTrial, int> layers) in forms) Cell(html, Count(layers(t)), layers(t), "n");
                Cell(html, t.Observer.Name(), null, "");
                Cell(html, t.Repairs, null, "");
                Cell(html, Count(t.WeightBytes), t.WeightBytes, "n");
                Cell(html, t.Milliseconds.ToString("G3", CultureInfo.InvariantCulture), t.Milliseconds, "n");
                Bar(html, t.Sqnr);
                Cell(html, ProofTable.Decibels(t.Sqnr), t.Sqnr, "n");
                if (scored) Cell(html, t.Score.ToString("G5", CultureInfo.InvariantCulture), t.Score, "n");
                Cell(html, t.Meets ? "met" : "missed", null, "");
            });
        }
        if (report.Sensitivity.Count > 0)
        {
            html.Append("<h2>Sensitivity</h2>\n<p class=\"note\">What each layer costs the outputs when it alone is int8, most sensitive first.</p>\n");
            Table(html, ["Layer", "SQNR", "dB", "Bytes saved by int8"], report.Sensitivity, l =>
            {
                Name(html, l.Layer);
                Bar(html, l.Sqnr);
                Cell(html, ProofTable.Decibels(l.Sqnr), l.Sqnr, "n");
                Cell(html, Count(l.SavedBytes), l.SavedBytes, "n");
            });
        }
        if (report.Steps.Count > 0)
        {
            double total = report.Steps.Sum(s => s.Microseconds), most = report.Steps.Max(s => s.Microseconds);
            html.Append("<h2>Cost</h2>\n<p class=\"note\">Steps of the converted model: weights in the file, and the time on one thread of the machine that converted, ")
                .Append(total.ToString("F0", CultureInfo.InvariantCulture)).Append(" \u00b5s together.</p>\n");
            int order = 0;
            Table(html, ["#", "Step", "Operator", "Kernel", "Weight bytes", "Time", "\u00b5s"], report.Steps, s =>
            {
                Cell(html, order.ToString(CultureInfo.InvariantCulture), order++, "n");
                Name(html, s.Node);
                Cell(html, s.Operator, null, "");
                Cell(html, s.Kernel, null, "");
                Cell(html, Count(s.WeightBytes), s.WeightBytes, "n");
                Bar(html, s.Microseconds, s.Microseconds / most, "time");
                Cell(html, s.Microseconds.ToString("F1", CultureInfo.InvariantCulture), s.Microseconds, "n");
            }, css: "steps");
        }
        html.Append("<p class=\"note\">SQNR = 10 log<sub>10</sub>(&Sigma;a&sup2; / &Sigma;(a&minus;b)&sup2;), a the source, b the converted value. Relative error: |a&minus;b| / max(|a|, largest |a| / 1000). Cut off: elements whose source value the stored int8 cannot hold. Distribution: of the first sample, square roots of counts; grey the source, the line the converted value.</p>\n");
        html.Append("</main>\n<script>").Append(Script).Append("</script>\n</body>\n</html>\n");
        return html.ToString();
    }

    private static void Card(StringBuilder html, string name, string text, string grade) =>
        html.Append("<div class=\"card ").Append(grade).Append("\"><span>").Append(Text(name)).Append("</span><b>").Append(Text(text)).Append("</b></div>\n");

    private static void Table(StringBuilder html, IReadOnlyList<ValueComparison> values, bool sortable) =>
        Table(html, ["#", "Value", "Operator", "Shape", "SQNR", "dB", "Cosine", "Max abs", "Max rel", "Cut off", "Distribution", "Source range", "Converted range"], values, v =>
        {
            Cell(html, v.Order.ToString(CultureInfo.InvariantCulture), v.Order, "n");
            Name(html, v.Name);
            Cell(html, v.Operator, null, "");
            Cell(html, v.Shape, v.Elements, "");
            Bar(html, v.Sqnr);
            Cell(html, ProofTable.Decibels(v), v.Sqnr, "n");
            Cell(html, v.Cosine.ToString("F6", CultureInfo.InvariantCulture), v.Cosine, "n");
            Cell(html, ProofTable.Number(v.MaxAbsError), v.MaxAbsError, "n");
            Cell(html, ProofTable.Number(v.MaxRelError), v.MaxRelError, "n");
            Cell(html, ProofTable.Share(v.Saturation), v.Saturation ?? -1, "n");
            Histogram(html, v.Histogram);
            Cell(html, ProofTable.Range(v.SourceMin, v.SourceMax), v.SourceMax, "n");
            Cell(html, ProofTable.Range(v.ConvertedMin, v.ConvertedMax), v.ConvertedMax, "n");
        }, sortable, "values");

    private static void Table<T>(StringBuilder html, string[] heads, IEnumerable<T> rows, Action<T> cells, bool sortable = true, string css = "")
    {
        html.Append("<div class=\"scroll\"><table class=\"").Append(css).Append(sortable ? " sortable" : "").Append("\">\n<thead><tr>");
        foreach (string head in heads) html.Append(s_words.Contains(head) ? "<th>" : "<th class=\"n\">").Append(head).Append("</th>");
        html.Append("</tr></thead>\n<tbody>\n");
        foreach (T row in rows)
        {
            html.Append("<tr>");
            cells(row);
            html.Append("</tr>\n");
        }
        html.Append("</tbody></table></div>\n");
    }

    private static void Name(StringBuilder html, string name) =>
        html.Append("<td class=\"name\" title=\"").Append(Text(name)).Append("\"><span>").Append(Text(name)).Append("</span></td>");

    private static void Bar(StringBuilder html, double sqnr) => Bar(html, sqnr, double.IsNaN(sqnr) ? 0 : sqnr / FullBar, Grade(sqnr));

    private static void Bar(StringBuilder html, double value, double filled, string css) =>
        html.Append("<td class=\"bar\" data-v=\"").Append(Sortable(value)).Append("\"><i class=\"").Append(css).Append("\" style=\"width:")
            .Append((Math.Clamp(filled, 0, 1) * 100).ToString("F1", CultureInfo.InvariantCulture)).Append("%\"></i></td>");

    /// <summary>Source as filled columns, converted as a line over them; heights are square roots, so that rare numbers are seen.</summary>
    private static void Histogram(StringBuilder html, ValueHistogram? histogram)
    {
        const int Width = 3, Height = 24;
        html.Append("<td>");
        if (histogram != null)
        {
            double most = Math.Sqrt(Math.Max(histogram.Source.Max(), histogram.Converted.Max()));
            int High(long count) => (int)Math.Ceiling(Math.Sqrt(count) / most * (Height - 1));
            html.Append(CultureInfo.InvariantCulture, $"<svg width=\"{ValueHistogram.Bins * Width}\" height=\"{Height}\"><path class=\"source\" d=\"M0 {Height}");
            foreach (long count in histogram.Source) html.Append(CultureInfo.InvariantCulture, $"V{Height - High(count)}h{Width}");
            html.Append(CultureInfo.InvariantCulture, $"V{Height}z\"/><path class=\"converted\" d=\"M0 {Height}");
            foreach (long count in histogram.Converted) html.Append(CultureInfo.InvariantCulture, $"V{Height - High(count)}h{Width}");
            html.Append(CultureInfo.InvariantCulture, $"V{Height}\"/></svg>");
        }
        html.Append("</td>");
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

    private static string Count(long n) => n.ToString("N0", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(PlainText.Of(text));

    private const string Style = """

        :root { color-scheme: light dark; --bg: #f7f8fa; --fg: #1c2330; --dim: #5c6675; --card: #ffffff; --line: #dde2ea; --good: #1f9d63; --fair: #c98a10; --poor: #d0413b; }
        @media (prefers-color-scheme: dark) { :root { --bg: #12161d; --fg: #e4e8ef; --dim: #98a3b3; --card: #1a202a; --line: #2c3542; --good: #3fc287; --fair: #e0a83a; --poor: #f0716b; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--bg); color: var(--fg); font: 14px/1.45 system-ui, sans-serif; }
        main { max-width: 1480px; margin: 0 auto; padding: 24px 20px 48px; }
        h1 { margin: 0; font-size: 24px; overflow-wrap: anywhere; }
        h2 { margin: 32px 0 8px; font-size: 17px; }
        .lead, .note { color: var(--dim); margin: 4px 0 12px; } .scroll + .note { margin-top: 12px; }
        .cards { display: flex; flex-wrap: wrap; gap: 10px; margin-top: 16px; }
        .card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; min-width: 130px; }
        .card span { display: block; color: var(--dim); font-size: 12px; }
        .card b { font-size: 17px; font-weight: 600; }
        .card.good b { color: var(--good); } .card.fair b { color: var(--fair); } .card.poor b { color: var(--poor); }
        .scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 8px; }
        table { border-collapse: collapse; width: 100%; }
        th, td { padding: 5px 8px; text-align: left; white-space: nowrap; border-bottom: 1px solid var(--line); }
        tr:last-child td { border-bottom: 0; }
        .values :is(th, td) { padding: 5px 6px; } .values td { font-size: 13px; }
        th { color: var(--dim); font-size: 12px; font-weight: 600; }
        .sortable th { cursor: pointer; }
        th[data-down="1"]::after { content: " \25B4"; } th[data-down="0"]::after { content: " \25BE"; }
        td.n, th.n { text-align: right; }
        td.n { font-variant-numeric: tabular-nums; }
        td.name span { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; }
        td.name { min-width: 220px; white-space: normal; overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: 12px; line-height: 1.3; }
        .wrong { border-left: 4px solid var(--poor); padding: 6px 12px; margin: 18px 0 0; background: var(--card); overflow-wrap: anywhere; }
        svg { display: block; } path.source { fill: var(--line); } path.converted { fill: none; stroke: var(--fg); }
        td.bar { width: 96px; min-width: 72px; }
        td.bar i { display: block; height: 9px; border-radius: 3px; min-width: 2px; }
        i.good { background: var(--good); } i.fair { background: var(--fair); } i.poor { background: var(--poor); } i.time { background: var(--dim); }
        /* What a small screen has room for: the value, its SQNR and its distribution; the step and its time. */
        @media (max-width: 720px) {
          main { padding: 16px 12px 32px; } td.name { min-width: 150px; } td.bar { min-width: 56px; }
          .values :is(th, td):is(:nth-child(1), :nth-child(3), :nth-child(4), :nth-child(n + 7):nth-child(-n + 10), :nth-child(12), :nth-child(13)) { display: none; }
          .steps :is(th, td):is(:nth-child(1), :nth-child(3), :nth-child(4), :nth-child(5)) { display: none; }
        }

        """;

    private const string Script = """

        for (const th of document.querySelectorAll("table.sortable th")) th.addEventListener("click", () => {
          const i = th.cellIndex, body = th.closest("table").tBodies[0], down = th.dataset.down !== "1";
          const key = row => { const c = row.cells[i]; return c.dataset.v === undefined ? c.textContent : Number(c.dataset.v); };
          const rows = [...body.rows].sort((a, b) => { const x = key(a), y = key(b); return (x < y ? -1 : x > y ? 1 : 0) * (down ? 1 : -1); });
          for (const other of th.parentNode.cells) delete other.dataset.down;
          th.dataset.down = down ? "1" : "0";
          body.append(...rows);
        });

        """;
}
