using System.Globalization;
using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run selftest</c>: whether this device computes what the machine did that the model was converted on.</summary>
internal static class SelfTestCommand
{
    public static void Execute(Arguments arguments)
    {
        string path = arguments.Next("the model file");
        bool json = arguments.Flag("--json");
        string? limit = arguments.Value("--min-sqnr");
        double minSqnr = 0;
        if (limit != null && !(double.TryParse(limit, NumberStyles.Float, CultureInfo.InvariantCulture, out minSqnr) && minSqnr >= 0))
            throw Arguments.Usage($"option --min-sqnr takes a number of decibels, got '{limit}'");
        using Model model = Model.Load(path, Commands.ReadLoadOptions(arguments));
        SessionOptions options = Commands.ReadOptions(arguments, defaultThreads: 0);
        arguments.Finish();
        SelfTestResult[] results = model.SelfTest(options, limit == null ? null : minSqnr);
        int failed = Array.FindAll(results, r => !r.Passed).Length;
        if (json)
        {
            Output.WriteLine($$"""{"model":{{Json.Text(path)}},"passed":{{(failed == 0 ? "true" : "false")}},"outputs":[{{string.Join(",", Array.ConvertAll(results, ToJson))}}]}""");
        }
        else
        {
            foreach (SelfTestResult result in results) Output.WriteLine($"{(result.Passed ? "passed" : "FAILED")}  {result}");
        }
        if (failed > 0) throw new EdgeLiteException(Status.SelfTestFailed, $"'{path}' failed its self-test: {failed} of {results.Length} outputs differ from what was stored with the model.");
    }

    /// <summary>JSON has no infinity: as in the reports of the converter, 999 dB stand for equal; for what has no ratio, null.</summary>
    private static string ToJson(SelfTestResult r) => FormattableString.Invariant(
        $$"""{"sample":{{r.Sample}},"output":{{Json.Text(r.Output)}},"passed":{{(r.Passed ? "true" : "false")}},"exact":{{(r.IsExact ? "true" : "false")}},"sqnr_db":{{(double.IsPositiveInfinity(r.Sqnr) ? "999" : Number(r.Sqnr))}},"max_difference":{{Number(r.MaxDifference)}},"min_sqnr_db":{{Number(r.MinSqnr)}}}""");

    private static string Number(double value) =>
        double.IsFinite(value) ? value.ToString("g6", CultureInfo.InvariantCulture) : "null";
}
