using System.Globalization;
using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>The nodes of a graph or of a function's body, by name; inputs are written "node:output".</summary>
internal sealed class TfSource
{
    private readonly Dictionary<string, NodeDef> _nodes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<(string Predicate, int Side)>> _conditions = new(StringComparer.Ordinal);

    public TfSource(IEnumerable<NodeDef> nodes)
    {
        foreach (NodeDef node in nodes)
            if (!_nodes.TryAdd(node.Name, node)) throw new EdgeLiteException(Status.Corrupt, $"The TensorFlow graph has two nodes '{node.Name}'.");
    }

    public IReadOnlyCollection<NodeDef> Nodes => _nodes.Values;

    private TfOrder? _order;

    /// <summary>Which control inputs order what has effects.</summary>
    public TfOrder Order(Func<NodeDef, bool> hasEffect) => _order ??= new TfOrder(this, hasEffect);

    public NodeDef? Find(string name) => _nodes.GetValueOrDefault(name);

    public NodeDef this[string name] => _nodes.GetValueOrDefault(name) ?? throw new EdgeLiteException(Status.Corrupt, $"The TensorFlow graph has no node '{name}', which another one reads.");

    /// <summary>Node and output number of "name", "name:2" or "^name" (a control input: -1).</summary>
    public static (string Node, int Output) Parse(string reference)
    {
        if (reference.StartsWith('^')) return (reference[1..], -1);
        int colon = reference.LastIndexOf(':');
        return colon > 0 && int.TryParse(reference.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int output)
            ? (reference[..colon], output) : (reference, 0);
    }

    /// <summary>Input number <paramref name="i"/> of a node of which no control input comes before it.</summary>
    public static string Input(NodeDef node, int i) => i < node.Input.Count ? node.Input[i] : throw new EdgeLiteException(Status.Corrupt, $"{node.Op} '{node.Name}' has {node.Input.Count} inputs, expected {i + 1} or more.");

    public static IEnumerable<string> DataInputs(NodeDef node) => node.Input.Where(i => !i.StartsWith('^'));

    /// <summary>The reference behind Identity nodes.</summary>
    public string Behind(string reference)
    {
        for (int steps = 0; steps < 1000; steps++)
        {
            (string name, int output) = Parse(reference);
            if (output != 0 || Find(name) is not { Op: "Identity", Input.Count: > 0 } node) return $"{name}:{output}";
            reference = node.Input[0];
        }
        throw new EdgeLiteException(Status.Corrupt, $"The TensorFlow graph has a cycle through '{reference}'.");
    }

    /// <summary>
    /// Under which predicates an output exists: Switch adds (its predicate, which side); Merge keeps what both of its inputs need.
    /// Loops count as their Enter.
    /// </summary>
    public HashSet<(string Predicate, int Side)> Conditions(string reference)
    {
        (string root, int output) = Parse(reference);
        var stack = new Stack<string>([root]);
        var open = new HashSet<string>(StringComparer.Ordinal);
        while (stack.Count > 0)
        {
            string name = stack.Peek();
            if (_conditions.ContainsKey(name))
            {
                stack.Pop();
                continue;
            }
            NodeDef node = this[name];
            string[] inputs = [.. Sources(node)];
            string[] missing = open.Add(name) ? [.. inputs.Select(i => Parse(i).Node).Where(i => !_conditions.ContainsKey(i))] : [];
            if (missing.Length > 0)
            {
                foreach (string m in missing) stack.Push(m);
                continue;
            }
            stack.Pop();
            var all = new HashSet<(string, int)>();
            bool first = true;
            foreach (string input in inputs)
            {
                HashSet<(string, int)> from = Of(input);
                if (node.Op != "Merge" || first) all.UnionWith(from);
                else all.IntersectWith(from);
                first = false;
            }
            _conditions[name] = all;
        }
        return Of(reference);

        HashSet<(string, int)> Of(string from)
        {
            (string name, int side) = Parse(from);
            HashSet<(string, int)> known = _conditions.GetValueOrDefault(name) ?? [];
            // A control input from a Switch waits for neither side.
            return Find(name) is { Op: "Switch" } s && side >= 0 ? [.. known, (Behind(Input(s, 1)), side)] : known;
        }
    }

    private IEnumerable<string> Sources(NodeDef node) => node.Op switch
    {
        "Merge" => node.Input.Where(i => !i.StartsWith('^') && Find(Parse(i).Node)?.Op != "NextIteration"),
        "Exit" => [],
        _ => node.Input,
    };
}
