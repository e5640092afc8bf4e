using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Ir;

public class GraphTextTests
{
    private const string Example = """
        graph "a \"net\"" {
          symbols N, "odd name"
          meta "author" = "somebody"
          input %x : float32[N,?,8]
          input %"y z" : int8[*]
          input %list : seq(float32[N])
          input %maybe : optional(seq(int64[*]))
          const %w : float32[2] = [1, -0.25]
          const %big : float32[4,8] = seeded(42)
          const %range : float32[20] = seeded(1, 0.5, 2)
          const %opaque : int8[99] = hash(00ff00ff00ff00ff)
          const %s : int64[] = -3
          const %names : string[2] = ["a", "b\n"]
          const %inf : float32[3] = [inf, -inf, nan]
          %a : float32[N,?,8] = Relu(%x)
          %b : float32[2], _ = edgelite.Something "its name" (%a, _, %w) {strides=[2,2], group=1, alpha=0.5, beta=2.0, mode="linear", l=[0.5,1.0], e=[], f=floats[], t=tensor float32[1] = [3]}
          %c : float32["odd name"] = If(%b) {then_branch=graph "then" {
              input %i : float32[2]
              %o : float32[2] = Relu(%i)
              output %o
            }}
          output %b
          output %c
        }

        """;

    [Fact]
    public void Dump_of_what_was_parsed_is_the_text()
    {
        string text = GraphText.Dump(GraphText.Parse(Example));
        string again = GraphText.Dump(GraphText.Parse(text));
        Assert.Equal(text, again);
        Assert.Equal(Words(Example), Words(text));

        static string Words(string t) => string.Join(' ', t.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Types_that_are_left_out_are_inferred_and_seeds_fill_alike()
    {
        Graph graph = GraphText.Parse("""graph "g" { input %x : float32[2,N] const %w : float32[99] = seeded(7) %y = Relu(%x) output %y }""");
        Assert.Equal("float32[2,N]", graph.Find("y")!.Type.ToString().Replace("s0", "N"));
        var same = new Tensor(DType.Float32, new Shape(99));
        SeededFill.Fill(same, 7);
        Assert.Equal(same.Span<float>(), graph.Find("w")!.Constant!.Span<float>());
        Assert.InRange(same.Span<float>()[98], -1, 1);
        Assert.NotEqual(same.Span<float>()[97], same.Span<float>()[98]);
    }

    [Theory]
    [InlineData("graph \"g\" {\n  input %x : float33[1]\n}", "line 2, column 14: 'float33' is not an element type")]
    [InlineData("graph \"g\" {\n  %y = Relu(%x)\n}", "line 2, column 13: value %x is not defined")]
    [InlineData("graph \"g\" {\n  const %x : int8[2] = [1]\n}", "line 2, column 26: expected ','")]
    [InlineData("graph \"g\" {\n  input %x : int8[2]\n  input %x : int8[2]\n}", "line 3, column 9: value %x is defined twice")]
    [InlineData("graph \"g\" {\n  input %x : int8[2]\n  %y = Relu(%x) {a=[1,2.0]}\n}", "line 3, column 27: a list holds")]
    [InlineData("graph \"g\" {\n  input %x : int8[2]\n  %y = Nothing(%x)\n}", "line 3, column 3: the type of %y is left out")]
    [InlineData("graph \"g\" {", "line 1, column 12: expected a word, got the end")]
    public void Errors_name_line_and_column(string text, string message)
    {
        var e = Assert.Throws<EdgeLiteException>(() => GraphText.Parse(text));
        Assert.Contains(message, e.Message);
    }
}
