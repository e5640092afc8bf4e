namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>The order in which variables can be converted.</summary>
internal static class CntkOrder
{
    /// <summary>
    /// All that <paramref name="roots"/> need, in groups: each after those that it is computed from. A group of several depends on itself, and
    /// so may a group of one. Strongly connected components (Tarjan, SIAM Journal on Computing 1, 1972), without recursion.
    /// </summary>
    public static List<string[]> Of(IEnumerable<string> roots, Func<string, IEnumerable<string>> needs)
    {
        var index = new Dictionary<string, int>(StringComparer.Ordinal);
        var low = new Dictionary<string, int>(StringComparer.Ordinal);
        var open = new HashSet<string>(StringComparer.Ordinal);
        var path = new Stack<string>();
        var calls = new Stack<(string Node, string[] Needs, int Next)>();
        var groups = new List<string[]>();
        foreach (string root in roots)
        {
            if (!index.ContainsKey(root)) Enter(root);
            while (calls.TryPop(out (string Node, string[] Needs, int Next) call))
            {
                if (call.Next < call.Needs.Length)
                {
                    calls.Push(call with { Next = call.Next + 1 });
                    string need = call.Needs[call.Next];
                    if (!index.TryGetValue(need, out int at)) Enter(need);
                    else if (open.Contains(need)) low[call.Node] = Math.Min(low[call.Node], at);
                    continue;
                }
                if (calls.TryPeek(out (string Node, string[] Needs, int Next) caller)) low[caller.Node] = Math.Min(low[caller.Node], low[call.Node]);
                if (low[call.Node] == index[call.Node]) Close(call.Node);
            }
        }
        return groups;

        void Enter(string node)
        {
            index[node] = low[node] = index.Count;
            open.Add(node);
            path.Push(node);
            calls.Push((node, [.. needs(node)], 0));
        }

        void Close(string first)
        {
            var group = new List<string>();
            string node;
            do
            {
                group.Add(node = path.Pop());
                open.Remove(node);
            }
            while (node != first);
            groups.Add([.. group]);
        }
    }
}
