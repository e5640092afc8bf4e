using EdgeLite.Converter.Importers.TensorFlow.Proto;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>Which control inputs say when variables are read and assigned: those of what comes before an assignment, and those from what comes
/// behind one. Others (of checks, of initialization) have no meaning for a model.</summary>
internal sealed class TfOrder
{
    private readonly HashSet<string> _before, _behind;

    public TfOrder(TfSource source, Func<NodeDef, bool> hasEffect)
    {
        string[] effects = [.. source.Nodes.Where(hasEffect).Select(n => n.Name)];
        ILookup<string, string> readers = source.Nodes.SelectMany(n => n.Input.Select(i => (From: TfSource.Parse(i).Node, n.Name))).ToLookup(e => e.From, e => e.Name);
        _behind = Reached(effects, n => readers[n]);
        _before = Reached(effects, n => source.Find(n)?.Input.Select(i => TfSource.Parse(i).Node) ?? []);
    }

    /// <summary>Whether a node is an assignment or comes behind one.</summary>
    public bool IsBehind(string node) => _behind.Contains(node);

    /// <summary>Whether a control input of a node is to be converted before it.</summary>
    public bool Matters(string node, string input) => _before.Contains(node) || _behind.Contains(input);

    private static HashSet<string> Reached(string[] from, Func<string, IEnumerable<string>> next)
    {
        var reached = new HashSet<string>(from, StringComparer.Ordinal);
        var stack = new Stack<string>(from);
        while (stack.TryPop(out string? node))
            foreach (string other in next(node))
                if (reached.Add(other)) stack.Push(other);
        return reached;
    }
}
