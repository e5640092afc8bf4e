using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;

namespace EdgeLite.Tests.Format;

public class ModelFileTests
{
    private static Graph TwoRelus(params long[] shape)
    {
        var graph = new Graph("two relus");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(shape)));
        Value y = graph.Add("Relu", "y", [graph.Add("Relu", "h", [x])]);
        graph.AddOutput(y);
        graph.Metadata["author"] = "tests";
        ShapeInference.Run(graph);
        return graph;
    }

    [Theory]
    [InlineData("cpu")]
    [InlineData("reference")]
    public void A_written_model_runs_and_states_its_exact_arena(string device)
    {
        using Model model = Model.Load(ModelWriter.ToBytes(TwoRelus(3, 5)));
        Assert.Equal("tests", model.Metadata["author"]);
        using Session session = model.CreateSession(new SessionOptions { Threads = 1, Device = device });
        session.Input("x").Span<float>().Fill(-1);
        session.Input("x").Span<float>()[7] = 2;
        session.Run();
        Assert.Equal(2, session.Output("y").Span<float>()[7]);
        Assert.Equal(0, session.Output("y").Span<float>()[6]);
        Assert.Equal(128, session.ArenaBytes); // input and output live throughout: 60 bytes each, aligned; h shares y's
    }

    [Fact]
    public void A_free_dimension_is_chosen_at_run_time()
    {
        Graph graph = TwoRelus(1, 4);
        graph.Inputs[0].Type = new TensorType(DType.Float32, new Shape(1, graph.SymbolDim("width")));
        ShapeInference.Run(graph);
        using (Model needsShape = Model.Load(ModelWriter.ToBytes(graph)))
        using (Session unprepared = needsShape.CreateSession())
            Assert.Contains("[1,width]", Assert.Throws<EdgeLiteException>(unprepared.Run).Message);

        graph.Inputs[0].Type = new TensorType(DType.Float32, new Shape(graph.SymbolDim("batch"), 4));
        ShapeInference.Run(graph);
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession();
        Assert.Equal(new Shape(1, 4), session.Input(0).Shape); // a free batch is 1 until another is chosen
        for (int batch = 1; batch < 7; batch++)
        {
            session.Resize(0, new Shape(batch, 4));
            session.Input(0).Span<float>().Fill(batch);
            session.Run();
            Assert.Equal(new Shape(batch, 4), session.Output(0).Shape);
            Assert.Equal(batch, session.Output(0).Span<float>()[^1]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Damaged_files_are_refused_with_a_status_and_never_crash(bool pack)
    {
        byte[] good = ModelWriter.ToBytes(TwoRelus(3, 5), pack: pack);
        Assert.Equal(Status.Truncated, StatusOf([]));
        Assert.Equal(Status.NotAModel, StatusOf("not a model at all"u8.ToArray()));
        for (int length = 1; length < good.Length; length += length < 200 ? 1 : 97)
            Assert.Equal(Status.Truncated, StatusOf(good[..length]));
        byte[] newer = [.. good];
        newer[8] = 99;
        Assert.Equal(Status.NewerVersion, StatusOf(newer));

        // A hostile file has a right checksum: every byte of the description is changed in turn.
        FileHeader header = FileHeader.Read(good, good.Length, "good");
        var random = new Random(1);
        for (int i = 0; i < header.DescriptionLength; i++)
            for (int round = 0; round < 4; round++)
            {
                byte[] bad = [.. good];
                bad[header.DescriptionOffset + i] = (byte)random.Next(256);
                uint crc = Crc32.Compute(bad.AsSpan((int)header.DescriptionOffset, (int)header.DescriptionLength));
                (header with { DescriptionCrc = crc }).Write(bad);
                LoadAndRun(bad);
            }
    }

    private static Status StatusOf(byte[] bytes) => Assert.Throws<EdgeLiteException>(() => Model.Load(bytes)).Status;

    private static void LoadAndRun(byte[] bytes)
    {
        try
        {
            using Model model = Model.Load(bytes);
            using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
            for (int i = 0; i < session.InputCount; i++)
                if (!session.InputType(i).IsKnown) return;
            if (session.ArenaBytes > 1 << 20) return; // a byte of a size changed: a valid model, only large
            session.Run();
        }
        catch (EdgeLiteException)
        {
        }
    }
}
