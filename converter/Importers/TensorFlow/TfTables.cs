using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>A table of constants: what is found for a key.</summary>
internal sealed class TfTable(string name)
{
    public string Name { get; } = name;
    public DType KeyType { get; set; }
    public DType ValueType { get; set; }
    public Tensor? Keys { get; private set; }
    public Tensor? Values { get; private set; }

    /// <summary>Filling it again with the same content changes nothing.</summary>
    public void Fill(Tensor keys, Tensor values, TfNode by)
    {
        if (keys.Count != values.Count) throw by.Damaged($"{keys.Count} keys and {values.Count} values");
        if (Keys != null && !(IsSame(Keys, keys) && IsSame(Values!, values))) throw by.Error($"table '{Name}' is filled twice");
        (Keys, Values) = (keys, values);
    }

    private static bool IsSame(Tensor a, Tensor b) => a.DType == b.DType && a.Count == b.Count && (a.Strings != null ? a.Strings.AsSpan().SequenceEqual(b.Strings) : a.Bytes.SequenceEqual(b.Bytes));
}

/// <summary>
/// The tables of a model by name. What fills them stands beside what a signature computes: in the main graph, or in functions that are called
/// there for nothing else.
/// </summary>
internal sealed class TfTables(TfModel model)
{
    private static readonly HashSet<string> s_fillers = new(StringComparer.Ordinal)
    { "InitializeTable", "InitializeTableV2", "LookupTableImport", "LookupTableImportV2", "InitializeTableFromTextFile", "InitializeTableFromTextFileV2" };

    private const int MaxDepth = 64;
    private readonly Dictionary<string, TfTable> _tables = new(StringComparer.Ordinal);
    private readonly Dictionary<string, bool> _fill = new(StringComparer.Ordinal);

    public TfTable this[string name] => _tables.TryGetValue(name, out TfTable? table) ? table : _tables[name] = new TfTable(name);

    /// <summary>Why a table is not filled; empty when nothing went wrong.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>Fills all tables, in a graph that is thrown away. What goes wrong matters only to who looks something up.</summary>
    public void FillAll()
    {
        if (!Fills(model.Main, 0)) return;
        var context = new TfContext(new Graph("tables"), null);
        try
        {
            Fill(new TfScope(model, context, model.Main, null), model.Main, 0);
            Problem = context.Refusals.Text;
        }
        catch (EdgeLiteException e)
        {
            Problem = e.Message;
        }
    }

    private void Fill(TfScope scope, TfSource source, int depth)
    {
        foreach (NodeDef node in source.Nodes)
            if (s_fillers.Contains(node.Op)) scope.Run(node.Name);
            else if (Called(node) is { } function && Fills(function, depth))
            {
                var inner = new TfScope(model, scope.Context, model.Body(function), null);
                string[] inputs = [.. TfSource.DataInputs(node)];
                if (inputs.Length != function.Signature.InputArg.Count) throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Signature.Name}' has {function.Signature.InputArg.Count} arguments and is called with {inputs.Length}.");
                for (int i = 0; i < inputs.Length; i++) inner.Set(function.Signature.InputArg[i].Name, 0, scope.Resolve(inputs[i]));
                Fill(inner, model.Body(function), depth + 1);
            }
    }

    private FunctionDef? Called(NodeDef node) => node.Op is "PartitionedCall" or "StatefulPartitionedCall" && node.Attr.TryGetValue("f", out AttrValue? f) && f.Func != null ? model.Function(f.Func.Name) : model.Function(node.Op);

    private bool Fills(FunctionDef function, int depth)
    {
        string name = function.Signature.Name;
        if (_fill.TryGetValue(name, out bool known)) return known;
        _fill[name] = false; // while it is looked at: a function that calls itself
        return _fill[name] = Fills(model.Body(function), depth + 1);
    }

    private bool Fills(TfSource source, int depth) =>
        depth <= MaxDepth && source.Nodes.Any(n => s_fillers.Contains(n.Op) || Called(n) is { } function && Fills(function, depth));
}
