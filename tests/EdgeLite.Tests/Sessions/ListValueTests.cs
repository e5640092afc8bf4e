using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Sessions;

/// <summary>Sequences and optional values, through a model file and a session. Expected values are by hand.</summary>
public class ListValueTests
{
    private const string Window = """
        graph "window" {
          input %old : seq(float32[?])
          input %x : float32[2]
          const %first : int64[] = 0
          %longer = SequenceInsert(%old, %x)
          %window = SequenceErase(%longer, %first)
          %all = ConcatFromSequence(%window) {axis=0}
          %count = SequenceLength(%window)
          output %window
          output %all
          output %count
        }
        """;

    private const string Maybe = """
        graph "maybe" {
          input %maybe : optional(float32[2])
          input %otherwise : float32[2]
          %has = OptionalHasElement(%maybe)
          %y : float32[2] = If(%has, %maybe, %otherwise) {captures=2, then_branch=graph "there" {
              input %m : optional(float32[2])
              input %o : float32[2]
              %e = OptionalGetElement(%m)
              %r = Neg(%e)
              output %r
            }, else_branch=graph "not there" {
              input %m : optional(float32[2])
              input %o : float32[2]
              %r = Relu(%o)
              output %r
            }}
          output %y
        }
        """;

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void A_sequence_goes_in_and_comes_out(string device)
    {
        using Model model = Load(Window);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1, Device = device });
        Assert.Equal("seq(float32[?])", session.InputType(0).ToString());
        session.SetInput(0, Tensor.Sequence(DType.Float32, Row(1), Row(2, 3, 4)));
        session.SetInput(1, Row(5, 6));
        for (int run = 0; run < 3; run++)
        {
            session.Run();
            Assert.Equal([2, 3, 4, 5, 6], session.Output("all").ToArray<float>());
            Assert.Equal(2, session.Output("count").GetInt64(0));
            Assert.Equal([new Shape(3), new Shape(2)], session.Output("window").Elements.Select(e => e.Shape));
        }
        // What came out goes in again, and does not change with the inputs of the next run.
        Tensor before = session.Output("window").Clone();
        session.SetInput(0, before);
        session.SetInput(1, Row(7, 8));
        session.Run();
        Assert.Equal([5, 6, 7, 8], session.Output("all").ToArray<float>());
        Assert.Equal([5, 6], before.Elements[1].ToArray<float>());
    }

    [Fact]
    public void An_optional_value_is_there_or_not()
    {
        using Model model = Load(Maybe);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        session.SetInput(1, Row(-1, 1));
        session.Run(); // nothing was given: nothing is there
        Assert.Equal([0, 1], session.Output(0).ToArray<float>());
        session.SetInput(0, Tensor.Optional(Row(3, 4)));
        session.Run();
        Assert.Equal([-3, -4], session.Output(0).ToArray<float>());
        session.SetInput(0, Tensor.None(session.InputType(1)));
        session.Run();
        Assert.Equal([0, 1], session.Output(0).ToArray<float>());
    }

    [Fact]
    public void Wrong_values_are_refused_with_both_types_named()
    {
        using Model model = Load(Window);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Contains("'old' is seq(float32[?]), got float32[1]", Refused(() => session.SetInput(0, Row(1))));
        Assert.Contains("'old' is seq(float32[?]), got seq(int64", Refused(() => session.SetInput(0, Tensor.Sequence(DType.Int64))));
        Assert.Contains("got an element of shape [1,1]",
            Refused(() => session.SetInput(0, Tensor.Sequence(DType.Float32, Tensor.FromArray<float>([1], new Shape(1, 1))))));
        Assert.Contains("'x' is float32[2], got seq", Refused(() => session.SetInput(1, Tensor.Sequence(DType.Float32, Row(1)))));
        Assert.Contains("cannot hold int64", Refused(() => Tensor.Sequence(DType.Float32, Tensor.FromScalar(1L))));
        session.SetInput(0, Tensor.Sequence(DType.Float32));
        Assert.Contains("ConcatFromSequence 'all': the sequence is empty", Refused(session.Run));

        string Refused(Action call) => Assert.Throws<EdgeLiteException>(call).Message;
    }

    [Fact]
    public void A_list_does_not_reach_an_operator_on_tensors()
    {
        string text = """graph "g" { input %s : seq(float32[2]) %y : float32[2] = Relu(%s) output %y }""";
        Assert.Contains("input 0 is seq(float32[2]); a tensor is expected", Assert.Throws<EdgeLiteException>(() => ShapeInference.Run(GraphText.Parse(text))).Message);
        using Model model = Model.Load(ModelWriter.ToBytes(GraphText.Parse(text)));
        Assert.Contains("a tensor is expected", Assert.Throws<EdgeLiteException>(() => model.CreateSession()).Message);
    }

    [Fact]
    public void A_loop_collects_what_it_computes()
    {
        using Model model = Load("""
            graph "collect" {
              input %n : int64[]
              input %x : float32[3]
              %none = SequenceEmpty() {dtype=1}
              %found = Loop(%n, _, %none, %x) {captures=1, body=graph "body" {
                  input %i : int64[]
                  input %go : bool[]
                  input %s : seq(float32[*])
                  input %v : float32[3]
                  const %zero : int64[1] = [0]
                  const %one : int64[] = 1
                  %end = Add(%i, %one)
                  %ends = Unsqueeze(%end, %zero)
                  %part = Slice(%v, %zero, %ends)
                  %more = SequenceInsert(%s, %part, _)
                  output %go
                  output %more
                }}
              output %found
            }
            """);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        session.SetInput(0, Tensor.FromScalar(3L));
        session.SetInput(1, Row(7, 8, 9));
        session.Run();
        Assert.Equal([[7], [7, 8], [7, 8, 9]], session.Output(0).Elements.Select(e => e.ToArray<float>()));
        session.SetInput(0, Tensor.FromScalar(0L));
        session.Run();
        Assert.Empty(session.Output(0).Elements);
    }

    [Theory]
    [InlineData(Window)]
    [InlineData(Maybe)]
    public void A_changed_byte_never_crashes(string text)
    {
        byte[] bytes = ModelWriter.ToBytes(Parse(text));
        for (int at = 64; at < 64 + BitConverter.ToInt64(bytes, 24); at++)
        {
            foreach (byte change in new byte[] { 1, 2, 0x80 })
            {
                byte[] damaged = [.. bytes];
                damaged[at] ^= change;
                BitConverter.TryWriteBytes(damaged.AsSpan(12), Checksum(damaged));
                try
                {
                    using Model model = Model.Load(damaged);
                    if (model.Graphs.Any(g => g.Values.Any(v => v.Type.Shape.AsSpan().ToArray().Any(d => d > 1 << 20)))) continue; // valid, only large
                    using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
                    if (!session.IsPrepared) continue;
                    session.Run();
                }
                catch (EdgeLiteException)
                {
                    // The right answer.
                }
            }
        }
    }

    private static uint Checksum(byte[] file) =>
        EdgeLite.Format.Crc32.Compute(file.AsSpan((int)BitConverter.ToInt64(file, 16), (int)BitConverter.ToInt64(file, 24)));

    private static Tensor Row(params float[] values) => Tensor.FromArray<float>(values, new Shape(values.Length));

    private static Model Load(string text) => Model.Load(ModelWriter.ToBytes(Parse(text)));

    private static Graph Parse(string text)
    {
        Graph graph = GraphText.Parse(text);
        ShapeInference.Run(graph);
        return graph;
    }
}
