using System.Globalization;

namespace EdgeLite.Converter.Quantizing;

/// <summary>The report as tables of text.</summary>
internal static class ProofTable
{
    public static void Print(ProofReport report, IReportConsole console, int worstLayers)
    {
        foreach ((string name, string text) in report.Facts) console.Line($"{name}: {text}");
        console.Table($"Outputs against the source model ({report.Samples} sample{(report.Samples == 1 ? "" : "s")})", s_headers, [.. report.Outputs.Select(Row)], LeastColumns);
        ValueComparison[] worst = [.. report.Layers.Take(worstLayers)];
        if (worst.Length > 0) console.Table($"Worst {worst.Length} of {report.Layers.Count} compared layers", s_headers, [.. worst.Select(Row)], LeastColumns);
        if (report.FirstWrong is { } wrong)
            console.Line($"The first layer below {Number(ProofReport.WrongBelow)} dB is {wrong.Operator} '{wrong.Name}' ({Decibels(wrong)}): {ProofReport.Advice(wrong)}.");
    }

    /// <summary>"31.4", "exact", "NaN!" where only one side is finite.</summary>
    public static string Decibels(ValueComparison v) => v.NonFiniteMismatches > 0 ? "NaN!" : Decibels(v.Sqnr);

    public static string Decibels(double sqnr) =>
        double.IsPositiveInfinity(sqnr) ? "exact" : double.IsNegativeInfinity(sqnr) ? "-inf" : sqnr.ToString("F1", CultureInfo.InvariantCulture);

    /// <summary>"0.02 %"; nothing where there is no share, or it is 0.</summary>
    public static string Share(double? share) => share is > 0 ? share.Value.ToString("0.###%", CultureInfo.InvariantCulture) : "";

    public static string Number(double v) => v.ToString("G4", CultureInfo.InvariantCulture);

    public static string Range(double min, double max) => min > max ? "-" : $"{Number(min)} .. {Number(max)}";

    /// <summary>What says how large the error is; the ranges are in every report.</summary>
    private const int LeastColumns = 6;

    private static readonly string[] s_headers = ["value", "operator", "shape", "SQNR dB", "cosine", "max abs", "max rel", "source range", "converted range"];

    private static string[] Row(ValueComparison v) =>
    [
        IReportConsole.Short(v.Name), v.Operator, v.Shape, Decibels(v), v.Cosine.ToString("F6", CultureInfo.InvariantCulture), Number(v.MaxAbsError), Number(v.MaxRelError),
        Range(v.SourceMin, v.SourceMax), Range(v.ConvertedMin, v.ConvertedMax),
    ];
}

/// <summary>Tables as plain text with aligned columns.</summary>
public sealed class TextReportConsole(TextWriter writer) : IReportConsole
{
    public void Line(string text) => writer.WriteLine(text);

    public void Table(string title, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows, int least = int.MaxValue)
    {
        int[] widths = [.. headers.Select((h, i) => rows.Select(r => r[i].Length).Append(h.Length).Max())];
        writer.WriteLine();
        writer.WriteLine(title);
        Write(headers);
        writer.WriteLine("  " + string.Join("  ", widths.Select(w => new string('-', w))));
        foreach (IReadOnlyList<string> row in rows) Write(row);

        void Write(IReadOnlyList<string> cells) => writer.WriteLine("  " + string.Join("  ", cells.Select((c, i) => Aligned(c, widths[i]))).TrimEnd());

        static string Aligned(string cell, int width) => IReportConsole.IsNumber(cell) ? cell.PadLeft(width) : cell.PadRight(width);
    }
}
