namespace EdgeLite.Tests.Importers;

/// <summary>Single builtin operators on random shapes, float and integer, against TFLite's own interpreter, which npm carries compiled to
/// WebAssembly: the reference loops and, converted, a session must give what it gives.</summary>
public class TfliteOracleTests
{
    private const int Cases = 6;

    /// <summary>The results of every case, by name: tensors, or why the interpreter refused.</summary>
    private static readonly Lazy<Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)>> s_results = new(() => TfliteInterpreter.Run(Made(TfliteCaseMakers.All)));

    private static readonly Lazy<Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)>> s_types =
        new(() => TfliteInterpreter.Run(TfliteTypeMakers.All.Values.Select(make => make(7))));

    private static readonly Lazy<Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)>> s_newer =
        new(() => TfliteInterpreter.Run(Made(LiteRtMakers.All), TfliteInterpreter.Newer));

    public static TheoryData<string> Operators => [.. TfliteCaseMakers.All.Keys];
    public static TheoryData<string> NewerOperators => [.. LiteRtMakers.All.Keys];

    private static IEnumerable<TfliteCase> Made(IReadOnlyDictionary<string, Func<TfliteCaseMaker, TfliteCase>> makers) => makers.SelectMany(m => Enumerable.Range(0, Cases)
        .Select(i => m.Value(new TfliteCaseMaker($"{m.Key}_{i}", m.Key.Aggregate(i, (hash, c) => hash * 31 + c)))));

    [PublishedTheory(TfliteInterpreter.Package)]
    [MemberData(nameof(Operators))]
    public void Agrees_with_the_interpreter(string op) => Compare(op, s_results.Value);

    /// <summary>Operators that came after that interpreter, against its successor.</summary>
    [PublishedTheory(TfliteInterpreter.Newer)]
    [MemberData(nameof(NewerOperators))]
    public void Agrees_with_LiteRT(string op) => Compare(op, s_newer.Value);

    private static void Compare(string op, Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)> results)
    {
        int compared = 0;
        var failures = new List<string>();
        for (int i = 0; i < Cases; i++)
        {
            (TfliteCase test, Tensor[][] expected, string? refusal) = results[$"{op}_{i}"];
            if (refusal != null) continue;
            try
            {
                TfliteInterpreter.Check(test, expected);
                compared++;
            }
            catch (Exception e)
            {
                failures.Add($"{i}: {string.Join(' ', test.Inputs.Select(t => t.ToString()))}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= Cases / 2, $"{compared} of {Cases} cases could be compared: {results.Values.FirstOrDefault(r => r.Refusal != null && r.Case.Name.StartsWith(op, StringComparison.Ordinal)).Refusal}");
    }

    /// <summary>What the interpreter runs is converted, and gives the same.</summary>
    [PublishedTheory(TfliteInterpreter.Package)]
    [InlineData("float32", 80)]
    [InlineData("int8", 55)]
    [InlineData("uint8", 50)]
    [InlineData("int16", 20)]
    [InlineData("int32", 50)]
    [InlineData("int64", 45)]
    [InlineData("bool", 20)]
    [InlineData("plain_int8", 25)]
    [InlineData("plain_uint8", 25)]
    [InlineData("plain_int16", 15)]
    public void Types_that_the_interpreter_takes_are_taken(string element, int least)
    {
        var failures = new List<string>();
        int compared = 0;
        foreach ((string name, (TfliteCase test, Tensor[][] expected, string? refusal)) in s_types.Value)
        {
            if (refusal != null || !name.EndsWith('.' + element, StringComparison.Ordinal)) continue;
            try
            {
                TfliteInterpreter.Check(test, expected);
                compared++;
            }
            catch (Exception e)
            {
                failures.Add($"{name}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= least, $"only {compared} combinations could be compared");
    }
}
