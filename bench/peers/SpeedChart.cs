using System.Globalization;
using System.Net;
using System.Text;

namespace EdgeLite.Bench;

/// <summary>The table of speed as a picture (SVG): for each model on one thread how long EdgeLite's bars are beside ONNX Runtime's, whose time is
/// the line at 1. It follows the reader's choice of light or dark.</summary>
internal static class SpeedChart
{
    private const int Names = 210, Unit = 420, Top = 44, RowHeight = 26, BarHeight = 10, Right = 130;

    public static string Draw(IEnumerable<SpeedRow> speed, string machine)
    {
        SpeedRow[] rows = [.. speed.Where(r => r.Threads == 1 && r.Ratio != null)];
        int width = Names + Unit + Right, height = Top + rows.Length * RowHeight + 30;
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{width}} {{height}}" width="{{width}}" height="{{height}}" role="img" font-family="system-ui, sans-serif" font-size="12">
            <title>Time of one inference on one thread, ONNX Runtime's being 1</title>
            <style>
            text { fill: #24292f } .quiet { fill: #6a737d; font-size: 10px } .grid { stroke: #d8dee4 } .one { stroke: #cf222e; stroke-width: 2 }
            .float { fill: #0969da } .int8 { fill: #1a7f37 }
            @media (prefers-color-scheme: dark) {
            text { fill: #e6edf3 } .quiet { fill: #8d96a0 } .grid { stroke: #30363d } .one { stroke: #f85149 } .float { fill: #4493f8 } .int8 { fill: #3fb950 }
            }
            </style>
            <text x="{{Names}}" y="14">Time of one inference on one thread: EdgeLite ms (ONNX Runtime ms); ONNX Runtime = 1</text>
            <rect class="float" x="{{Names}}" y="22" width="10" height="10"/><text class="quiet" x="{{Names + 15}}" y="31">float32</text>
            <rect class="int8" x="{{Names + 70}}" y="22" width="10" height="10"/><text class="quiet" x="{{Names + 85}}" y="31">int8 beside ONNX Runtime's int8</text>

            """);
        int bottom = Top + rows.Length * RowHeight;
        for (int quarter = 1; quarter <= 4; quarter++)
        {
            int x = Names + Unit * quarter / 4;
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"{(quarter == 4 ? "one" : "grid")}\" x1=\"{x}\" y1=\"{Top - 4}\" x2=\"{x}\" y2=\"{bottom}\"/><text class=\"quiet\" x=\"{x}\" y=\"{bottom + 12}\" text-anchor=\"middle\">{quarter * 0.25:0.##}</text>\n");
        }
        for (int i = 0; i < rows.Length; i++)
        {
            SpeedRow row = rows[i];
            int y = Top + i * RowHeight;
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Names - 8}\" y=\"{y + 14}\" text-anchor=\"end\">{WebUtility.HtmlEncode(row.Model)}</text>\n");
            Bar(row.IsQuantized ? "int8" : "float", row.Int8Ratio == null ? y + BarHeight / 2 : y, row.Ratio, row.EdgeLiteMs, row.PeerMs);
            Bar("int8", y + BarHeight + 1, row.Int8Ratio, row.Int8Ms, row.PeerInt8Ms);
        }
        svg.Append(CultureInfo.InvariantCulture, $"<text class=\"quiet\" x=\"8\" y=\"{height - 4}\">{WebUtility.HtmlEncode(machine)}</text>\n</svg>\n");
        return svg.ToString();

        void Bar(string kind, int y, double? ratio, double? own, double? peer)
        {
            if (ratio is not { } part) return;
            double length = Math.Min(part, 1.1) * Unit;
            svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"{kind}\" x=\"{Names}\" y=\"{y}\" width=\"{length:0.0}\" height=\"{BarHeight}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text class=\"quiet\" x=\"{Names + length + 5:0.0}\" y=\"{y + 9}\">{Milliseconds(own)} ms ({Milliseconds(peer)})</text>\n");
        }
    }

    private static string Milliseconds(double? value) => value!.Value.ToString(value < 0.1 ? "0.0000" : value < 10 ? "0.00" : "0.0", CultureInfo.InvariantCulture);
}
