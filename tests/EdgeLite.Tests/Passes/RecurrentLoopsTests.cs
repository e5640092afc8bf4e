using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Tests.Importers;

namespace EdgeLite.Tests.Passes;

/// <summary>Loops over steps that are recurrent layers: the operator must compute what the loop did, and a loop that is something else must
/// stay.</summary>
public class RecurrentLoopsTests() : SeededTests(1)
{
    private const int Steps = 5, Batch = 2, Inputs = 3, Hidden = 4;

    /// <summary>x [5,2,3]; a body over the step %x and the states %h (and %c) that gives %h2 (and %c2), written as it stands.</summary>
    private static Graph Loop(string cell, bool hasC, string condition = "%more = Less(%next, %bound)") => GraphText.Parse($$$"""
        graph "g" {
          input %xs : float32[{{{Steps}}},{{{Batch}}},{{{Inputs}}}]
          input %h0 : float32[{{{Batch}}},{{{Hidden}}}]
          input %c0 : float32[{{{Batch}}},{{{Hidden}}}]
          const %zero : int32[] = 0
          const %true : bool[] = 1
          %n, %hn{{{(hasC ? ", %cn" : "")}}}, %all = Loop(_, %true, %zero, %h0{{{(hasC ? ", %c0" : "")}}}, %xs) {captures=1, body=graph "body" {
            input %iteration : int64[]
            input %condition : bool[]
            input %i : int32[]
            input %h : float32[{{{Batch}}},{{{Hidden}}}]
            {{{(hasC ? $"input %c : float32[{Batch},{Hidden}]" : "")}}}
            input %seq : float32[{{{Steps}}},{{{Batch}}},{{{Inputs}}}]
            const %bound : int32[] = {{{Steps}}}
            const %one : int32[] = 1
            const %w : float32[{{{Inputs}}},{{{4 * Hidden}}}] = seeded(1, -0.5, 0.5)
            const %r : float32[{{{Hidden}}},{{{4 * Hidden}}}] = seeded(2, -0.5, 0.5)
            const %b : float32[{{{4 * Hidden}}}] = seeded(3, -0.5, 0.5)
            const %k : float32[{{{Inputs + Hidden}}},{{{4 * Hidden}}}] = seeded(4, -0.5, 0.5)
            const %gk : float32[{{{Inputs + Hidden}}},{{{2 * Hidden}}}] = seeded(5, -0.5, 0.5)
            const %gb : float32[{{{2 * Hidden}}}] = seeded(6, -0.5, 0.5)
            const %ck : float32[{{{Inputs + Hidden}}},{{{Hidden}}}] = seeded(7, -0.5, 0.5)
            const %wh : float32[{{{Inputs}}},{{{Hidden}}}] = seeded(8, -0.5, 0.5)
            const %rh : float32[{{{Hidden}}},{{{Hidden}}}] = seeded(9, -0.5, 0.5)
            const %bh : float32[{{{Hidden}}}] = seeded(10, -0.5, 0.5)
            const %unit : float32[] = 1
            const %low : float32[] = -9
            const %high : float32[] = 9
            %next = Add(%i, %one)
            {{{condition}}}
            %x = Gather(%seq, %i) {axis=0}
            {{{cell.ReplaceLineEndings("\n            ")}}}
            %step = Identity(%h2)
            output %more
            output %next
            output %h2
            {{{(hasC ? "output %c2" : "")}}}
            output %step
          }}
          output %hn
          {{{(hasC ? "output %cn" : "")}}}
          output %all
        }
        """);

    /// <summary>Keras: gates i, f, c, o of x W + h R + b.</summary>
    private const string KerasLstm = """
        %xw = MatMul(%x, %w)
        %hr = MatMul(%h, %r)
        %sum = Add(%xw, %hr)
        %z = Add(%sum, %b)
        %zi, %zf, %zc, %zo = Split(%z) {axis=1, num_outputs=4}
        %si = Sigmoid(%zi)
        %sf = Sigmoid(%zf)
        %so = Sigmoid(%zo)
        %fc = Mul(%sf, %c)
        %tc = Tanh(%zc)
        %ic = Mul(%si, %tc)
        %c2 = Add(%fc, %ic)
        %t2 = Tanh(%c2)
        %h2 = Mul(%so, %t2)
        """;

    /// <summary>BasicLSTMCell: gates i, j, f, o of [x, h] K + b, 1 added to f.</summary>
    private const string BasicLstm = """
        %xh = Concat(%x, %h) {axis=1}
        %m = MatMul(%xh, %k)
        %z = Add(%m, %b)
        %zi, %zj, %zf, %zo = Split(%z) {axis=1, num_outputs=4}
        %f1 = Add(%zf, %unit)
        %sf = Sigmoid(%f1)
        %cf = Mul(%c, %sf)
        %si = Sigmoid(%zi)
        %tj = Tanh(%zj)
        %ij = Mul(%si, %tj)
        %c2 = Add(%cf, %ij)
        %t2 = Tanh(%c2)
        %so = Sigmoid(%zo)
        %h2 = Mul(%t2, %so)
        """;

    /// <summary>GRUCell: r, u of [x, h]; candidate of [x, r h]; h = u h + (1 - u) c.</summary>
    private const string Gru = """
        %xh = Concat(%x, %h) {axis=1}
        %m = MatMul(%xh, %gk)
        %z = Add(%m, %gb)
        %s = Sigmoid(%z)
        %sr, %su = Split(%s) {axis=1, num_outputs=2}
        %rs = Mul(%sr, %h)
        %xr = Concat(%x, %rs) {axis=1}
        %mc = MatMul(%xr, %ck)
        %zc = Add(%mc, %bh)
        %t = Tanh(%zc)
        %uh = Mul(%su, %h)
        %v = Sub(%unit, %su)
        %vt = Mul(%v, %t)
        %h2 = Add(%uh, %vt)
        """;

    /// <summary>Keras with reset_after: gates z, r, h; the reset gate works on what the state gives, bias included.</summary>
    private const string KerasGru = """
        %xw = MatMul(%x, %w)
        %xb = Add(%xw, %b)
        %xz, %xr, %xh, %unused = Split(%xb) {axis=1, num_outputs=4}
        %hw = MatMul(%h, %r)
        %hb = Sub(%hw, %b)
        %hz, %hr, %hh, %unused2 = Split(%hb) {axis=1, num_outputs=4}
        %az = Add(%xz, %hz)
        %z = Sigmoid(%az)
        %ar = Add(%xr, %hr)
        %s = Sigmoid(%ar)
        %sh = Mul(%s, %hh)
        %ah = Add(%xh, %sh)
        %t = Tanh(%ah)
        %zh = Mul(%z, %h)
        %v = Sub(%unit, %z)
        %vt = Mul(%v, %t)
        %h2 = Add(%zh, %vt)
        """;

    private const string Plain = "%xw = MatMul(%x, %wh)\n%hr = MatMul(%h, %rh)\n%sum = Add(%xw, %hr)\n%z = Add(%sum, %bh)\n%h2 = Tanh(%z)";

    private Tensor[] Samples() => [Random(Steps, Batch, Inputs), Random(Batch, Hidden), Random(Batch, Hidden)];

    [Theory]
    [InlineData("LSTM", KerasLstm)]
    [InlineData("LSTM", BasicLstm)]
    [InlineData("GRU", Gru)]
    [InlineData("GRU", KerasGru)]
    [InlineData("RNN", Plain)]
    public void A_loop_of_a_cell_becomes_its_operator(string op, string cell)
    {
        Graph source = Loop(cell, op == "LSTM"), graph = Loop(cell, op == "LSTM");
        ShapeInference.Run(source);
        ShapeInference.Run(graph);
        PassList.Optimize(graph);
        Assert.DoesNotContain(graph.Nodes, n => n.OpType == "Loop");
        Assert.Single(graph.Nodes, n => n.OpType == op);
        Tensor[] samples = Samples(), expected = new GraphInterpreter(source).Run(samples), got = new GraphInterpreter(graph).Run(samples);
        for (int k = 0; k < expected.Length; k++) TensorAssert.Close(expected[k], got[k], 1e-5, 1e-5, $"output {k}");
    }

    /// <summary>A clipped cell, a state that is scaled, a loop that ends by what it computes.</summary>
    [Theory]
    [InlineData("%c3 = Add(%fc, %ic)\n%c2 = Clip(%c3, %low, %high)", "%c2 = Add(%fc, %ic)")]
    [InlineData("%h3 = Mul(%so, %t2)\n%h2 = Mul(%h3, %low)", "%h2 = Mul(%so, %t2)")]
    public void A_loop_of_something_else_stays(string with, string instead)
    {
        Graph graph = Loop(KerasLstm.Replace(instead, with, StringComparison.Ordinal), true);
        ShapeInference.Run(graph);
        PassList.Optimize(graph);
        Assert.Contains(graph.Nodes, n => n.OpType == "Loop");
    }

    /// <summary>TensorFlow's dynamic_rnn of five stacked GRU cells, against what TensorFlow computed.</summary>
    [SharedTheory("zoo/tensorflow_frozen")]
    [InlineData("tensorflow_frozen/primitive_gru_dynamic", 5)]
    public void Stacked_cells_become_operators_one_after_the_other(string model, int cells)
    {
        var zoo = new ZooModel(model);
        foreach (ConversionOptions options in new[] { new ConversionOptions(), zoo.Options(zoo.Source) })
        {
            Graph graph = Pipeline.Import(zoo.Source, options).Graph;
            Tensor[] inputs = zoo.Inputs(graph);
            Pipeline.Optimize(graph, options);
            Assert.DoesNotContain(graph.Nodes, n => n.OpType == "Loop");
            Assert.Equal(cells, graph.Nodes.Count(n => n.OpType == "GRU"));
            zoo.Compare([.. graph.Outputs.Select(o => o.Name)], new GraphInterpreter(graph).Run(inputs), "optimized");
        }
    }
}
