using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// How far one value of the converted model is from the source model's, over all elements of all samples. a is the source, b the
/// converted value.
/// </summary>
public sealed record ValueComparison
{
    /// <summary>The value's name in the source model.</summary>
    public required string Name { get; init; }

    /// <summary>The operator that computes it in the source model.</summary>
    public required string Operator { get; init; }

    public required string Shape { get; init; }

    /// <summary>Position of the operator in the source model.</summary>
    public required int Order { get; init; }

    public required long Elements { get; init; }

    /// <summary>Signal to quantization noise: 10 log10(sum a^2 / sum (a - b)^2) in dB. Infinite where both are equal.</summary>
    public required double Sqnr { get; init; }

    /// <summary>a.b / (|a| |b|); 1 where both are zero.</summary>
    public required double Cosine { get; init; }

    /// <summary>max |a - b|</summary>
    public required double MaxAbsError { get; init; }

    /// <summary>max |a - b| / max(|a|, m / 1000), m being the largest |a| of the sample: numbers near zero do not drown the rest.</summary>
    public required double MaxRelError { get; init; }

    public required double SourceMin { get; init; }
    public required double SourceMax { get; init; }
    public required double ConvertedMin { get; init; }
    public required double ConvertedMax { get; init; }

    /// <summary>Elements where only one side is NaN or infinite, or both differently.</summary>
    public required long NonFiniteMismatches { get; init; }

    /// <summary>Share of elements (0 to 1) whose source value lies outside of what the stored int8 can hold; null where the converted value
    /// is not stored as int8.</summary>
    public double? Saturation { get; init; }

    /// <summary>Of the first sample; null where all numbers are the same.</summary>
    public ValueHistogram? Histogram { get; init; }
}

/// <summary>One sample of the comparison: where it came from and the lowest SQNR of an output on it, in dB.</summary>
public sealed record SampleComparison(string Sample, double WorstOutputSqnr);

/// <summary>A step of the converted model: what it costs.</summary>
/// <param name="Operator">of the lowered graph</param>
/// <param name="Node">its name</param>
/// <param name="Kernel">what runs it on the machine that converted, with its instruction set</param>
/// <param name="WeightBytes">of its constants in the file</param>
/// <param name="Microseconds">shortest of some runs on one thread of the machine that converted</param>
public sealed record StepCost(string Operator, string Node, string Kernel, long WeightBytes, double Microseconds);

/// <summary>The outcome of comparing a converted model with its source.</summary>
public sealed record ProofReport
{
    public required string Model { get; init; }

    /// <summary>What was compared with what, and other lines for the head of the report: name and text.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Facts { get; init; } = [];

    public required int Samples { get; init; }

    /// <summary>Each sample that was compared on, in their order.</summary>
    public IReadOnlyList<SampleComparison> EachSample { get; init; } = [];

    /// <summary>Steps of the converted model in their order; empty when its shapes depend on values, or nobody measured.</summary>
    public IReadOnlyList<StepCost> Steps { get; init; } = [];

    /// <summary>What a search found that can be had (<see cref="BudgetResult.Pareto"/>), smallest first; empty when nothing was searched.</summary>
    public IReadOnlyList<BudgetTrial> Trials { get; init; } = [];

    /// <summary>Layers by what each costs the outputs alone, most sensitive first; empty when no search measured it.</summary>
    public IReadOnlyList<LayerSensitivity> Sensitivity { get; init; } = [];

    /// <summary>Outputs in the model's order.</summary>
    public required IReadOnlyList<ValueComparison> Outputs { get; init; }

    /// <summary>Values on the way that both models have, worst SQNR first.</summary>
    public required IReadOnlyList<ValueComparison> Layers { get; init; }

    /// <summary>Float values of the source model that the converted one no longer has (fused, folded or rearranged).</summary>
    public required int SourceValuesWithoutMatch { get; init; }

    /// <summary>The lowest SQNR of all outputs, in dB; infinite when they are equal.</summary>
    public double WorstOutputSqnr => Outputs.Count == 0 ? double.PositiveInfinity : Outputs.Min(o => o.Sqnr);

    /// <summary>Below this many dB a layer has gone wrong.</summary>
    public const double WrongBelow = 20;

    /// <summary>The first layer, in the source model's order, that is wrong: its SQNR is below <see cref="WrongBelow"/>, or only one side is finite.
    /// Null when there is none.</summary>
    public ValueComparison? FirstWrong => Layers.Concat(Outputs).Where(l => l.NonFiniteMismatches > 0 || l.Sqnr < WrongBelow).MinBy(l => l.Order);

    /// <summary>What to do about a layer that has gone wrong.</summary>
    public static string Advice(ValueComparison layer)
    {
        double width = layer.SourceMax - layer.SourceMin;
        if (layer.NonFiniteMismatches > 0) return $"only one model has NaN or infinity there; keep it in float32: --keep-float '{layer.Name}'";
        if (layer.SourceMax - layer.ConvertedMax > CutShare * width || layer.ConvertedMin - layer.SourceMin > CutShare * width)
            return "its numbers are cut off at the range of calibration; calibrate with inputs like these, or take --observer minmax";
        return $"its step is too coarse or its inputs are; try --quantize auto, with a higher --max-error where it is that already, or keep it in float: --keep-float '{layer.Name}'";
    }

    /// <summary>A range that misses more than this share at an end is cut off.</summary>
    private const double CutShare = 0.1;

    /// <summary>Writes the report as JSON or, where the name ends in .html, as one HTML page that needs nothing else.</summary>
    public void Save(string path)
    {
        string text = IsHtml(path) ? ProofHtml.Write(this) : ToJson();
        WholeFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));
    }

    /// <summary>What <see cref="Save"/> writes into a .json file.</summary>
    public string ToJson() => ProofJson.Write(this);

    /// <summary>Throws where <see cref="Save"/> would, before the work that makes a report.</summary>
    public static void RequireWritable(string path)
    {
        _ = IsHtml(path);
        new WholeFile(path).Dispose();
    }

    private static bool IsHtml(string path) => Path.GetExtension(path).ToLowerInvariant() switch
    {
        ".html" or ".htm" => true,
        ".json" => false,
        _ => throw new EdgeLiteException(Status.InvalidArgument, $"Report '{path}' must end in .html or .json."),
    };

    /// <summary>Prints outputs and the worst layers.</summary>
    public void Print(IReportConsole console, int worstLayers = 10) => ProofTable.Print(this, console, worstLayers);
}

/// <summary>Where tables of a report go: a terminal, or text.</summary>
public interface IReportConsole
{
    void Line(string text);

    /// <summary>Each row has as many cells as there are headers; cells of numbers read best aligned to the right.</summary>
    /// <param name="title">what the table shows</param>
    /// <param name="headers">of the columns</param>
    /// <param name="rows">of texts</param>
    /// <param name="least">so many columns from the left are to be shown; of the others as many as there is room for</param>
    void Table(string title, IReadOnlyList<string> headers, IReadOnlyList<IReadOnlyList<string>> rows, int least = int.MaxValue);

    /// <summary>A name for a cell: of a long one the end, where long names differ.</summary>
    static string Short(string name) => PlainText.OneLine(name) is { Length: > 60 } line ? "…" + line[^59..] : PlainText.OneLine(name);

    /// <summary>Whether a cell is a number.</summary>
    static bool IsNumber(string cell) => cell.Length > 0 && (char.IsAsciiDigit(cell[0]) || cell[0] == '-') && !cell.Contains("..", StringComparison.Ordinal);
}
