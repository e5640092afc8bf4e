namespace EdgeLite.Conformance;

internal static class Report
{
    /// <summary>A test X_expanded is about the operator of test X, whose function body it holds.</summary>
    public static void AttributeExpanded(TestResult[] results)
    {
        var byName = new Dictionary<string, string>();
        foreach (TestResult result in results)
            if (result.Operator != "(graph)") byName[result.Test.FullName] = result.Operator;
        foreach (TestResult result in results)
        {
            int at = result.Test.FullName.IndexOf("_expanded", StringComparison.Ordinal);
            if (result.Operator == "(graph)" && at > 0 && byName.TryGetValue(result.Test.FullName[..at], out string? name)) result.Operator = name;
        }
    }

    public static void Print(TestResult[] results, bool failedOnly, TextWriter to)
    {
        foreach (TestResult r in results)
        {
            if (failedOnly && r.Outcome != Outcome.Fail) continue;
            to.WriteLine($"{r.Outcome.ToString().ToUpperInvariant()} {r.Test.FullName}{(r.Reason.Length > 0 ? ": " : "")}{r.Reason}");
        }
        to.WriteLine();
        to.WriteLine($"{"operator",-44} {"pass",6} {"fail",6} {"skip",6}");
        foreach (var group in results.GroupBy(r => r.Operator).OrderBy(g => g.Key, StringComparer.Ordinal)) Line(group.Key, group);
        to.WriteLine();
        to.WriteLine($"{"suite",-44} {"pass",6} {"fail",6} {"skip",6}");
        foreach (var group in results.GroupBy(r => r.Test.Suite).OrderBy(g => g.Key, StringComparer.Ordinal)) Line(group.Key, group);
        Line("all", results);

        void Line(string name, IEnumerable<TestResult> of)
        {
            var (pass, fail, skip) = Count(of);
            to.WriteLine($"{name,-44} {pass,6} {fail,6} {skip,6}");
        }
    }

    public static object AsObject(TestResult[] results) => new
    {
        tests = results.Select(r => new
        {
            suite = r.Test.Suite,
            name = r.Test.Name,
            @operator = r.Operator,
            outcome = r.Outcome.ToString().ToLowerInvariant(),
            reason = r.Reason,
            ms = r.Milliseconds,
        }),
        operators = Totals(results.GroupBy(r => r.Operator)),
        suites = Totals(results.GroupBy(r => r.Test.Suite)),
        total = Total(results),
    };

    private static SortedDictionary<string, object> Totals(IEnumerable<IGrouping<string, TestResult>> groups) =>
        new(groups.ToDictionary(g => g.Key, g => Total(g)), StringComparer.Ordinal);

    private static object Total(IEnumerable<TestResult> results)
    {
        var (pass, fail, skip) = Count(results);
        return new { pass, fail, skip };
    }

    private static (int Pass, int Fail, int Skip) Count(IEnumerable<TestResult> results) =>
        (results.Count(r => r.Outcome == Outcome.Pass), results.Count(r => r.Outcome == Outcome.Fail), results.Count(r => r.Outcome == Outcome.Skip));
}
