using System.IO.Enumeration;

namespace EdgeLite.Conformance;

/// <summary>What is known of a test beforehand.</summary>
internal enum KnownKind
{
    /// <summary>The stored data is wrong; the test is not run.</summary>
    Skip,

    /// <summary>The result is random: only types and shapes are compared.</summary>
    Shape,
}

/// <summary>Tests that cannot be compared as they are, each with its reason: known.tsv, columns pattern (suite/name, * and ? allowed),
/// kind (skip or shape), reason.</summary>
internal sealed class KnownTests
{
    private readonly List<(string Pattern, KnownKind Kind, string Reason)> _entries = [];

    public static KnownTests Read(string path)
    {
        var known = new KnownTests();
        foreach (string line in File.ReadLines(path))
        {
            if (line.Length == 0 || line[0] == '#') continue;
            string[] columns = line.Split('\t');
            if (columns.Length != 3 || !Enum.TryParse(columns[1], ignoreCase: true, out KnownKind kind))
                throw new IOException($"'{path}': this line does not have pattern, skip or shape, and reason, separated by tabs: {line}");
            known._entries.Add((columns[0], kind, columns[2]));
        }
        return known;
    }

    public (KnownKind Kind, string Reason)? Find(TestCase test)
    {
        foreach (var (pattern, kind, reason) in _entries)
            if (FileSystemName.MatchesSimpleExpression(pattern, test.FullName, ignoreCase: false)) return (kind, reason);
        return null;
    }
}
