using static EdgeLite.Tests.Importers.LuaText;

namespace EdgeLite.Tests.Importers;

/// <summary>nngraph's gModule in files written here as torch.save writes ascii; results computed by hand.</summary>
public class Torch7GraphTests
{
    private static Lua Node(object? module, double? select = null)
    {
        Dictionary<object, object?> data = Table(("mapindex", Table()));
        if (module != null) data["module"] = module;
        if (select != null) data["selectindex"] = select;
        return new Lua("nngraph.Node", Table(("data", data), ("children", Table())));
    }

    private static void Connect(Lua parent, Lua child)
    {
        var children = (Dictionary<object, object?>)parent.Fields["children"]!;
        children[children.Count + 1.0] = child;
        var data = (Dictionary<object, object?>)child.Fields["data"]!;
        var map = (Dictionary<object, object?>)data["mapindex"]!;
        map[parent.Fields["data"]!] = map.Count + 1.0;
    }

    private static float[][] Run(Lua network, params float[][] inputs) => LuaText.Run(network, [.. inputs.Select(x => Tensor.FromArray<float>(x, new Shape(x.Length)))]).Select(t => t.ToArray<float>()).ToArray();

    /// <summary>(a, b) gives |a| - b, and of the table {a, |a|} the second.</summary>
    private static Lua TwoInputs()
    {
        Lua root = Node(null), a = Node(new Lua("nn.Identity", Table())), b = Node(new Lua("nn.Identity", Table())), abs = Node(new Lua("nn.Abs", Table()));
        Lua sub = Node(new Lua("nn.CSubTable", Table())), pair = Node(new Lua("nn.Identity", Table())), second = Node(null, 2), last = Node(null);
        (Lua From, Lua To)[] edges = [(root, a), (root, b), (a, abs), (abs, sub), (b, sub), (a, pair), (abs, pair), (pair, second), (sub, last), (second, last)];
        foreach ((Lua from, Lua to) in edges) Connect(from, to);
        // The node that the file calls outnode is that of the graph backwards, over the same data.
        var outnode = new Lua("nngraph.Node", Table(("data", last.Fields["data"]), ("children", Table())));
        return new Lua("nn.gModule", Table(("nInputs", 2.0), ("innode", root), ("outnode", outnode), ("forwardnodes", List(root, a, b, abs, sub, pair, second, last)), ("modules", List(
            new Lua("nn.Abs", Table()), new Lua("nn.CSubTable", Table())))));
    }

    [Fact]
    public void Results_go_where_the_edges_lead() => Assert.Equal([[2, 0], [3, 4]], Run(TwoInputs(), [-3, 4], [1, 4]));

    [Fact]
    public void Modules_without_a_conversion_are_named_inside_a_graph()
    {
        Lua network = TwoInputs();
        ((Dictionary<object, object?>)network.Fields["modules"]!)[3.0] = new Lua("nn.Frobnicate", Table());
        var e = Assert.Throws<EdgeLiteException>(() => Run(network, [1], [1]));
        Assert.Contains("nn.Frobnicate", e.Message, StringComparison.Ordinal);
    }

    /// <summary>In the branches of a container and behind it; that the branches do not fit together only follows.</summary>
    [Fact]
    public void Refused_settings_are_named_all_at_once()
    {
        static Lua Odd(double rank) => new("nn.Bottle", Table(("nInputDim", rank), ("nOutputDim", rank + 1), ("modules", List(new Lua("nn.Abs", Table())))));
        Lua chain = new("nn.Sequential", Table(("modules", List(new Lua("nn.Abs", Table()), new Lua("nn.LSTM", Table())))));
        Lua branches = new("nn.Concat", Table(("dimension", 1.0), ("modules", List(Odd(2), chain))));
        Lua network = new("nn.Sequential", Table(("modules", List(branches, new Lua("nn.Abs", Table()), Odd(3)))));
        EdgeLiteException e = Assert.Throws<EdgeLiteException>(() => Run(network, [1]));
        RefusedSettingTests.Check(e, "3 layers", "Module 1.2.2 (nn.LSTM): a layer of single steps", "Module 1.1 (nn.Bottle): a module that changes", "Module 3 (nn.Bottle): a module that changes");
    }

    [Theory]
    [InlineData("innode")]
    [InlineData("outnode")]
    [InlineData("forwardnodes")]
    public void What_is_missing_gives_a_clear_error(string field)
    {
        Lua network = TwoInputs();
        network.Fields.Remove(field);
        Assert.Throws<EdgeLiteException>(() => Run(network, [1], [1]));
    }
}
