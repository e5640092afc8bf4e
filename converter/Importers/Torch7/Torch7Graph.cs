namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>nngraph's modules: a graph of nodes that hand their results on to places of their children (nngraph's gmodule.lua).</summary>
internal static class Torch7Graph
{
    /// <summary>Nodes in topological order ("forwardnodes"); a node's data holds its module, or "selectindex" where it takes one entry of a
    /// table, and in "mapindex" the place where each parent's result goes, by the parent's data.</summary>
    [Torch7("gModule")]
    private static object Graph(Torch7Module m)
    {
        LuaObject from = Node(m, m.Lua["innode"]);
        // The graphs for the two directions have nodes of their own over the same data.
        LuaTable last = Data(m, Node(m, m.Lua["outnode"]));
        var arrived = new Dictionary<LuaTable, SortedDictionary<long, object>>();
        LuaObject[] first = [.. Children(m, from)];
        object[] inputs = first.Length > 1 ? m.Table : [m.Input];
        if (inputs.Length < first.Length) throw m.InputError($"{inputs.Length} inputs for {first.Length} nodes");
        for (int i = 0; i < first.Length; i++) Arrived(Data(m, first[i]))[1] = inputs[i];

        int number = 0;
        foreach (object? item in (m.Lua["forwardnodes"] as LuaTable)?.Sequence() ?? throw m.Damaged("it has no nodes"))
        {
            number++;
            LuaObject node = Node(m, item);
            LuaTable data = Data(m, node);
            if (ReferenceEquals(data, Data(m, from))) continue;
            object[] given = [.. Arrived(data).Values];
            if (given.Length == 0) throw m.Damaged($"node {number} gets no input");
            object value = given.Length == 1 ? given[0] : given;
            if (data["selectindex"] is double select)
                value = value is object[] table && select >= 1 && select <= table.Length ? table[(int)select - 1] : throw m.InputError($"node {number} takes entry {select} of something that has none");
            else if (data["module"] is LuaObject module) value = m.Convert(module, value, number);
            if (ReferenceEquals(data, last)) return value;
            foreach (LuaObject child in Children(m, node))
            {
                LuaTable target = Data(m, child);
                if ((target["mapindex"] as LuaTable)?.Items.GetValueOrDefault(data) is not double place) throw m.Damaged($"node {number} is no parent of its child");
                Arrived(target)[(long)place] = value;
            }
        }
        throw m.Damaged("its last node is not among its nodes");

        SortedDictionary<long, object> Arrived(LuaTable data) => arrived.TryGetValue(data, out SortedDictionary<long, object>? known) ? known : arrived[data] = [];
    }

    private static LuaObject Node(Torch7Module m, object? value) => value as LuaObject ?? throw m.Damaged("one of its nodes is missing");
    private static LuaTable Data(Torch7Module m, LuaObject node) => node["data"] as LuaTable ?? throw m.Damaged("one of its nodes has no data");
    private static IEnumerable<LuaObject> Children(Torch7Module m, LuaObject node) => ((node["children"] as LuaTable)?.Sequence() ?? []).Select(c => Node(m, c));
}
