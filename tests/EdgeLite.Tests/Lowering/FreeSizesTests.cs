using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Passes;
using EdgeLite.Tests.Sessions;

namespace EdgeLite.Tests.Lowering;

/// <summary>Models whose sizes are chosen at run time: they come to the operators of models with fixed sizes, and compute what was written at every size.
/// Beside each pattern stand graphs that almost match.</summary>
public class FreeSizesTests
{
    private static readonly (string, long)[][] s_sizes = [[("n", 1), ("length", 1), ("past", 3)], [("n", 2), ("length", 5), ("past", 4)], [("n", 3), ("length", 2), ("past", 0)]];

    /// <summary>Optimises and lowers a graph, compares it with the graph as it was written at some sizes of its symbols, as loops and bound to the processor and the
    /// GPU, and returns it.</summary>
    private static Graph Lowered(string body, double tolerance = 2e-5)
    {
        string text = "graph \"g\" {\n" + body + "\n}";
        Graph graph = GraphText.Parse(text);
        ShapeInference.Run(graph);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        GraphVerifier.Verify(graph);
        using Model model = Model.Load(ModelWriter.ToBytes(graph), "g");
        foreach ((string, long)[] sizes in s_sizes)
        {
            Graph original = GraphText.Parse(text);
            Tensor[] inputs = [.. original.Inputs.Select((v, i) => Filled(original, v, i, sizes))];
            Tensor[] expected = new GraphInterpreter(original).Run(inputs), loops = new GraphInterpreter(GraphCopy.Of(graph)).Run(inputs);
            string where = string.Join(", ", sizes);
            for (int o = 0; o < expected.Length; o++) Equivalence.Same(expected[o], loops[o], tolerance, 0, $"loops, {where}: {original.Outputs[o].Name}");
            foreach (string device in new[] { "cpu", CudaRun.Device })
            {
                using Session session = model.CreateSession(new SessionOptions { Threads = 2, Device = device });
                for (int i = 0; i < inputs.Length; i++) session.Resize(i, inputs[i].Shape);
                for (int i = 0; i < inputs.Length; i++) inputs[i].CopyTo(session.Input(i));
                session.Run();
                for (int o = 0; o < expected.Length; o++)
                    Equivalence.Same(expected[o], session.Output(session.FindOutput(original.Outputs[o].Name)), tolerance, 0, $"{device}, {where}: {original.Outputs[o].Name}");
            }
        }
        return graph;
    }

    private static Tensor Filled(Graph graph, Value value, int seed, (string Symbol, long Size)[] sizes)
    {
        Shape shape = value.Shape;
        for (int d = 0; d < shape.Rank; d++)
            if (shape[d] < 0) shape = shape.With(d, sizes.First(s => s.Symbol == graph.Symbols[Shape.SymbolIndex(value.Shape[d])]).Size);
        var tensor = new Tensor(value.DType, shape);
        SeededFill.Fill(tensor, (ulong)(100 + seed));
        if (value.DType == DType.Bool)
            for (long i = 0; i < tensor.Count; i++) tensor.SetInt64(i, (i * 7 + seed) % 3 == 0 ? 0 : 1);
        return tensor;
    }

    private static void Comes(string body, string operators) => Assert.Equal(operators, Equivalence.Operators(Lowered(body)));

    private static void Lacks(string body, string operators) => Assert.DoesNotContain(operators, Equivalence.Operators(Lowered(body)).Split(' '));

    private const string Sizes = """
        const %zero : int64[] = 0
        const %one : int64[] = 1
        const %i0 : int64[1] = [0]
        const %i1 : int64[1] = [1]
        const %i2 : int64[1] = [2]
        const %i3 : int64[1] = [3]
        const %four : int64[1] = [4]
        const %eight : int64[1] = [8]
        const %far : int64[1] = [9223372036854775807]
        const %rest : int64[1] = [-1]

        """;

    /// <summary>n and length as one number each, of %x.</summary>
    private const string Counted = Sizes + """
        %shape = Shape(%x)
        %n0 = Gather(%shape, %zero) {axis=0}
        %n = Unsqueeze(%n0, %i0)
        %length0 = Gather(%shape, %one) {axis=0}
        %length = Unsqueeze(%length0, %i0)

        """;

    [Fact]
    public void Targets_of_reshapes_are_followed_to_attention_and_residuals()
    {
        const string Body = """
            input %x : float32[n,length,16]
            const %wq : float32[16,16] = seeded(1)
            const %wk : float32[16,16] = seeded(2)
            const %wv : float32[16,16] = seeded(3)
            const %wo : float32[16,16] = seeded(4)
            const %root : float32[] = 2.828427

            """ + Counted + """
            %split = Concat(%n, %length, %i2, %eight) {axis=0}
            %q0 = MatMul(%x, %wq)
            %q1 = Reshape(%q0, %split)
            %q = Transpose(%q1) {perm=[0,2,1,3]}
            %k0 = MatMul(%x, %wk)
            %k1 = Reshape(%k0, %split)
            %k = Transpose(%k1) {perm=[0,2,3,1]}
            %v0 = MatMul(%x, %wv)
            %v1 = Reshape(%v0, %split)
            %v = Transpose(%v1) {perm=[0,2,1,3]}
            %s0 = MatMul(%q, %k)
            %s1 = Div(%s0, %root)
            %p = Softmax(%s1) {axis=-1}
            %c0 = MatMul(%p, %v)
            %c1 = Transpose(%c0) {perm=[0,2,1,3]}
            %join = Concat(%n, %length, %rest) {axis=0}
            %c2 = Reshape(%c1, %join)
            %o = MatMul(%c2, %wo)
            %y = Add(%x, %o)
            output %y
            """;
        Comes(Body, "edgelite.Gemm Reshape edgelite.Gemm Reshape edgelite.Gemm Reshape edgelite.Attention Reshape edgelite.Gemm");
    }

    /// <summary>Both dimensions move: no constant tells the target.</summary>
    [Fact]
    public void A_reshape_that_swaps_free_dimensions_is_computed() => Comes("""
        input %x : float32[n,length,4]

        """ + Counted + """
        %target = Concat(%length, %n, %four) {axis=0}
        %y = Reshape(%x, %target)
        output %y
        """, "Shape Gather Unsqueeze Gather Unsqueeze Concat Reshape");

    [Fact]
    public void Sums_of_sizes_are_sizes()
    {
        Graph graph = Lowered("""
            input %x : float32[n,length,4]
            input %old : float32[n,past,4]

            """ + Sizes + """
            %all = Concat(%old, %x) {axis=1}
            %before = Shape(%old) {start=1, end=2}
            %total = Shape(%all) {start=1, end=2}
            %new = Sub(%total, %before)
            %own = Shape(%x) {start=0, end=1}
            %target = Concat(%own, %new, %four) {axis=0}
            %same = Reshape(%x, %target)
            %y = Add(%same, %x)
            output %y
            output %all
            """);
        Assert.Equal("Concat Add", Equivalence.Operators(graph)[..10]);
        Assert.Equal("float32[n,\"length + past\",4]", GraphText.Type(graph, graph.Outputs[1].Type));
        Assert.Equal(2, graph.Nodes.Count);
    }

    /// <summary>The table of places is cut to the length, of which nothing but a shorter table keeps it.</summary>
    [Fact]
    public void A_table_cut_to_the_length_does_not_widen_it()
    {
        Graph graph = Lowered("""
            input %x : float32[n,length,4]
            const %table : float32[1,9,4] = seeded(1)

            """ + Counted + """
            %rows = Slice(%table, %i0, %length, %i1)
            %y = Add(%x, %rows)
            output %y
            """);
        Assert.Equal("float32[n,length,4]", GraphText.Type(graph, graph.Outputs[0].Type));
        // A table of one row could be wider than the length.
        graph = Lowered("""
            input %x : float32[n,length,4]
            input %z : float32[n,length,4]

            """ + Counted + """
            %rows = Slice(%z, %i0, %i1, %i1)
            %y = Add(%x, %rows)
            output %y
            """);
        Assert.Equal("float32[n,?,4]", GraphText.Type(graph, graph.Outputs[0].Type));
    }

    [Fact]
    public void Convolutions_of_free_pictures_take_in_what_is_added()
    {
        const string Body = """
            input %x : float32[1,4,length,past]
            const %w : float32[8,4,3,3] = seeded(1)
            const %v : float32[8,4,1,1] = seeded(2)
            const %b : float32[8] = seeded(3)
            %a = Conv(%x, %w, %b) {pads=[1,1,1,1], strides=[2,2]}
            %c = Conv(%x, %v, %b) {strides=[2,2]}
            %y = Add(%a, %c)
            output %y
            """;
        Graph graph = GraphText.Parse("graph \"g\" {\n" + Body + "\n}");
        ShapeInference.Run(graph);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        Assert.Equal("Transpose edgelite.Conv edgelite.Conv Transpose", Equivalence.Operators(graph));
        // One more line of padding gives another size: no sum of the two may be drawn in.
        graph = GraphText.Parse("graph \"g\" {\n" + Body.Replace("pads=[1,1,1,1]", "pads=[1,1,2,2]", StringComparison.Ordinal) + "\n}");
        ShapeInference.Run(graph);
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        Assert.Contains("Add", Equivalence.Operators(graph), StringComparison.Ordinal);
    }

    // ---- rotary position embeddings

    private static string Rotary(string angles, string turned, string sum = "Add(%plain, %across)") => """
        input %x : float32[n,length,16]
        const %w : float32[16,16] = seeded(5)

        """ + Counted + $$"""
        const %frequencies : float32[1,4,1] = [1, 0.5, 0.25, 0.125]
        %a = MatMul(%x, %w)
        %split = Concat(%n, %length, %i2, %eight) {axis=0}
        %b = Reshape(%a, %split)
        %q = Transpose(%b) {perm=[0,2,1,3]}
        %places = Range(%zero, %length0, %one)
        %floats = Cast(%places) {to=1}
        const %target : int64[3] = [1,1,-1]
        %row = Reshape(%floats, %target)
        %products = MatMul(%frequencies, %row)
        %angle = Transpose(%products) {perm=[0,2,1]}
        {{angles}}
        %cos0 = Cos(%both)
        %sin0 = Sin(%both)
        %cos = Unsqueeze(%cos0, %i1)
        %sin = Unsqueeze(%sin0, %i1)
        %plain = Mul(%q, %cos)
        {{turned}}
        %across = Mul(%turned, %sin)
        %y = {{sum}}
        output %y
        """;

    private const string Halves = "%both = Concat(%angle, %angle) {axis=-1}", TurnedHalves = """
        %first = Slice(%q, %i0, %four, %i3)
        %second = Slice(%q, %four, %far, %i3)
        %minus = Neg(%second)
        %turned = Concat(%minus, %first) {axis=-1}
        """, PairsOfAngles = """
        %one_angle = Unsqueeze(%angle, %rest)
        %two_angles = Concat(%one_angle, %one_angle) {axis=-1}
        const %joined : int64[3] = [1,-1,8]
        %both = Reshape(%two_angles, %joined)
        """, TurnedPairs = """
        %first = Slice(%q, %i0, %far, %i3, %i2)
        %second = Slice(%q, %i1, %far, %i3, %i2)
        %minus = Neg(%second)
        %m = Unsqueeze(%minus, %rest)
        %f = Unsqueeze(%first, %rest)
        %pairs = Concat(%m, %f) {axis=-1}
        %flat = Concat(%n, %i2, %length, %eight) {axis=0}
        %turned = Reshape(%pairs, %flat)
        """;

    [Fact]
    public void Halves_and_pairs_of_heads_are_rotated()
    {
        foreach ((string angles, string turned, long interleaved) in new[] { (Halves, TurnedHalves, 0L), (PairsOfAngles, TurnedPairs, 1L) })
        {
            Graph graph = Lowered(Rotary(angles, turned));
            Node rotary = Equivalence.Only(graph, "RotaryEmbedding");
            Assert.Equal(interleaved, rotary.Attributes.Int("interleaved", 0));
            Assert.Equal(2, rotary.Attributes.Int("num_heads", 0));
            Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Neg" or "Slice" or "Mul");
        }
    }

    [Theory]
    [InlineData("halves of the angles that differ", "%other = Neg(%angle) %both = Concat(%angle, %other) {axis=-1}", TurnedHalves, "Add(%plain, %across)")]
    [InlineData("angles of pairs for halves", PairsOfAngles, TurnedHalves, "Add(%plain, %across)")]
    [InlineData("the wrong half negative", Halves, "%first = Slice(%q, %i0, %four, %i3) %second = Slice(%q, %four, %far, %i3) %minus = Neg(%first) %turned = Concat(%second, %minus) {axis=-1}", "Add(%plain, %across)")]
    [InlineData("halves at their own places", Halves, "%first = Slice(%q, %i0, %four, %i3) %second = Slice(%q, %four, %far, %i3) %minus = Neg(%first) %turned = Concat(%minus, %second) {axis=-1}", "Add(%plain, %across)")]
    [InlineData("a difference", Halves, TurnedHalves, "Sub(%plain, %across)")]
    public void What_is_no_rotation_stays(string what, string angles, string turned, string sum)
    {
        Assert.NotEmpty(what);
        Lacks(Rotary(angles, turned, sum), "RotaryEmbedding");
    }

    [Fact]
    public void Halves_that_are_computed_apart_are_rotated()
    {
        static string Body(string sign) => """
            input %x : float32[n,2,length,8]
            input %cos : float32[n,1,length,4]
            input %sin : float32[n,1,length,4]

            """ + Sizes + $$"""
            const %halves : int64[2] = [4,4]
            %a, %b = Split(%x, %halves) {axis=3}
            %ac = Mul(%a, %cos)
            %bs = Mul(%b, %sin)
            %bc = Mul(%b, %cos)
            %as = Mul(%sin, %a)
            %u = Sub(%ac, %bs)
            %v = {{sign}}(%bc, %as)
            %y = Concat(%u, %v) {axis=-1}
            output %y
            """;
        Comes(Body("Add"), "Reshape Reshape RotaryEmbedding");
        Lacks(Body("Sub"), "RotaryEmbedding");
    }

    [Fact]
    public void Numbers_that_are_not_rotated_are_taken_in()
    {
        static string Body(string second, string rest) => """
            input %x : float32[n,2,length,8]
            const %cos : float32[9,4] = [1,0.5,1,0.5,0.25,0.125,0.25,0.125,0.9,0.8,0.9,0.8,0.7,0.6,0.7,0.6,0.5,0.4,0.5,0.4,0.3,0.2,0.3,0.2,0.1,0.15,0.1,0.15,0.25,0.35,0.25,0.35,0.45,0.55,0.45,0.55]
            const %sin : float32[9,4] = [0,1,0,1,2,3,2,3,0.9,0.8,0.9,0.8,0.7,0.6,0.7,0.6,0.5,0.4,0.5,0.4,0.3,0.2,0.3,0.2,0.1,0.15,0.1,0.15,0.25,0.35,0.25,0.35,0.45,0.55,0.45,0.55]
            input %ids : int64[n,length]

            """ + Sizes + $$"""
            %places = Mul(%ids, %zero)
            %c0 = Gather(%cos, %places)
            %s0 = Gather(%sin, %places)
            %c = Unsqueeze(%c0, %i1)
            %s = Unsqueeze(%s0, %i1)
            %turn = Slice(%x, %i0, %four, %i3)
            %pass = Slice(%x, {{rest}}, %far, %i3)
            %first = Slice(%turn, %i0, %i2, %i3)
            %second = Slice(%turn, {{second}}, %far, %i3)
            %minus = Neg(%second)
            %turned = Concat(%minus, %first) {axis=3}
            %a = Mul(%turn, %c)
            %b = Mul(%turned, %s)
            %sum = Add(%a, %b)
            %y = Concat(%sum, %pass) {axis=3}
            output %y
            """;
        Graph graph = Lowered(Body("%i2", "%four"));
        Assert.Equal(4, Equivalence.Only(graph, "RotaryEmbedding").Attributes.Int("rotary_embedding_dim", 0));
        Assert.DoesNotContain(graph.Nodes, n => n.OpType is "Slice" or "Concat");
        // Numbers that are left out between the two, or taken twice, keep the Concat.
        Assert.Contains(Lowered(Body("%i2", "%i3")).Nodes, n => n.Is("Concat"));
    }

    // ---- masks

    private static string Masked(string compared, string mask = "%seen", string more = "") => """
        input %q : float32[n,2,length,8]
        input %k : float32[n,2,length,8]
        input %v : float32[n,2,length,8]

        """ + Sizes + $$"""
        const %one_row : int64[2] = [1,-1]
        const %one_column : int64[2] = [-1,1]
        %length1 = Shape(%q) {start=2, end=3}
        %length0 = Squeeze(%length1)
        %places = Range(%zero, %length0, %one)
        %keys = Reshape(%places, %one_row)
        %queries = Reshape(%places, %one_column)
        {{compared}}
        %y = Attention(%q, %k, %v, {{mask}}) {scale=0.25}
        {{more}}
        output %y
        """;

    [Theory]
    [InlineData("%seen = LessOrEqual(%keys, %queries)", 1, -1)]
    [InlineData("%seen = GreaterOrEqual(%queries, %keys)", 1, -1)]
    [InlineData("%next = Add(%queries, %one) %seen = Less(%keys, %next)", 1, -1)]
    [InlineData("%near = Sub(%queries, %i2) %a = Greater(%keys, %near) %b = LessOrEqual(%keys, %queries) %seen = And(%a, %b)", 1, 1)]
    [InlineData("%near = Sub(%queries, %i2) %a = LessOrEqual(%near, %keys) %b = LessOrEqual(%keys, %queries) %seen = And(%b, %a)", 1, 2)]
    [InlineData("%all = GreaterOrEqual(%queries, %zero) %b = LessOrEqual(%keys, %queries) %seen = And(%b, %all)", 1, -1)]
    [InlineData("%seen = LessOrEqual(%queries, %keys)", 0, 0)]
    public void Places_that_are_compared_are_limits_of_attention(string compared, long causal, long window)
    {
        Graph graph = Lowered(Masked(compared));
        Node attention = Assert.Single(graph.Nodes);
        Assert.Equal(causal, attention.Attributes.Int("is_causal", 0));
        Assert.Equal(window, attention.Attributes.Int("left_window_size", -1));
        Assert.Null(attention.Input(3));
    }

    [Theory]
    [InlineData("%seen = Less(%keys, %queries)")]
    [InlineData("%next = Add(%queries, %one) %seen = LessOrEqual(%keys, %next)")]
    [InlineData("%twice = Mul(%queries, %i2) %seen = LessOrEqual(%keys, %twice)")]
    [InlineData("%a = LessOrEqual(%keys, %queries) %seen = Or(%a, %a2) ", "%a2 = Equal(%keys, %zero) ")]
    public void Other_comparisons_stay_masks(string compared, string before = "")
    {
        Node attention = Equivalence.Only(Lowered(Masked(before + compared)), "Attention");
        Assert.Equal(0, attention.Attributes.Int("is_causal", 0));
        Assert.NotNull(attention.Input(3));
    }

    /// <summary>A mask of fewer keys than there are hides the others, though it is true everywhere.</summary>
    [Fact]
    public void A_true_mask_of_some_keys_stays()
    {
        const string Body = """
            input %q : float32[n,2,length,8]
            input %k : float32[n,2,6,8]
            input %v : float32[n,2,6,8]
            const %some : bool[1,4] = [1,1,1,1]
            %y = Attention(%q, %k, %v, %some) {scale=0.25}
            output %y
            """;
        Assert.NotNull(Assert.Single(Lowered(Body).Nodes).Input(3));
        Assert.Null(Assert.Single(Lowered(Body.Replace("%some : bool[1,4] = [1,1,1,1]", "%some : bool[1,6] = [1,1,1,1,1,1]", StringComparison.Ordinal)).Nodes).Input(3));
    }

    [Fact]
    public void A_padding_mask_stays_beside_the_order()
    {
        string body = "input %padding : bool[n,1,1,length]\n" + Masked("%order = LessOrEqual(%keys, %queries) %seen = And(%order, %padding)");
        Node attention = Assert.Single(Lowered(body).Nodes);
        Assert.Equal(1, attention.Attributes.Int("is_causal", 0));
        Assert.Equal("padding", attention.Input(3)!.Name);
    }

    /// <summary>As torch.vmap indexes a padding mask: element b * length + k of all of it.</summary>
    [Fact]
    public void A_gather_of_all_elements_in_their_order_is_a_view()
    {
        static string Body(string stride, string start) => """
            input %x : float32[n,length]

            """ + Counted + $$"""
            const %samples : int64[4] = [-1,1,1,1]
            const %keys : int64[4] = [1,1,1,-1]
            %b = Range(%zero, %n0, %one)
            %k = Range({{start}}, %length0, %one)
            %b4 = Reshape(%b, %samples)
            %k4 = Reshape(%k, %keys)
            %first = Mul(%b4, {{stride}})
            %index = Add(%k4, %first)
            %flat = Flatten(%x) {axis=2}
            %all = Gather(%flat, %index) {axis=0}
            %y = Squeeze(%all, %rest)
            output %y
            """;
        Comes(Body("%length", "%zero"), "Unsqueeze");
        Assert.Contains(Lowered(Body("%zero", "%zero")).Nodes, n => n.Is("Gather")); // the first sample again and again
        Assert.Contains(Lowered(Body("%i0", "%zero")).Nodes, n => n.Is("Gather"));
    }

    [Fact]
    public void A_dense_layer_of_flattened_rows_takes_the_rows()
    {
        static string Body(string back) => """
            input %x : float32[n,length,16]
            const %w : float32[16,8] = seeded(1)
            const %b : float32[8] = seeded(2)
            const %flat : int64[2] = [-1,16]
            input %more : float32[n,length,8]

            """ + Counted + $$"""
            %rows = Reshape(%x, %flat)
            %a = Gemm(%rows, %w, %b)
            %target = Concat({{back}}) {axis=0}
            %c = Reshape(%a, %target)
            %y = Add(%c, %more)
            output %y
            """;
        Comes(Body("%n, %length, %eight"), "edgelite.Gemm");
        Assert.Contains(Lowered(Body("%length, %n, %eight").Replace("%more : float32[n,length,8]", "%more : float32[length,n,8]", StringComparison.Ordinal)).Nodes, n => n.Is("Reshape"));
    }
}
