using System.IO.Compression;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;

namespace EdgeLite.Tests.Importers.Keras;

/// <summary>Files that Keras 3.16 itself wrote, one for each layer and function, against its own results (on PyTorch, float32). make.py beside the
/// archive makes it.</summary>
public class KerasGenuineTests
{
    private const string Archive = "keras-3.16.tar.xz";

    [Theory]
    [InlineData(Archive, 280)]
    public void Results_are_those_of_Keras(string archive, int least) => GenuineModels.CheckArchive(archive, least);

    /// <summary>A ConvLSTM2D whose configuration is made stateful, one step at a time: after three runs it gives what Keras gave of three steps.</summary>
    [Fact]
    public void A_stateful_convolutional_LSTM_goes_on_where_it_stopped() => TemporaryFolder.Use(folder =>
    {
        GenuineModels.Unpack(Archive, folder);
        string path = Path.Combine(folder, "layer_clstm2.keras");
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            string config;
            using (var reader = new StreamReader(zip.GetEntry("config.json")!.Open())) config = reader.ReadToEnd();
            string changed = config.Replace("[null, 3, 6, 6, 2]", "[1, 1, 6, 6, 2]", StringComparison.Ordinal).Replace("\"stateful\": false", "\"stateful\": true", StringComparison.Ordinal);
            Assert.True(changed.Contains("true", StringComparison.Ordinal) && changed.Contains("[1, 1, 6, 6, 2]", StringComparison.Ordinal));
            zip.GetEntry("config.json")!.Delete();
            using var writer = new StreamWriter(zip.CreateEntry("config.json").Open());
            writer.Write(changed);
        }
        Graph graph = Pipeline.Import(path, new ConversionOptions()).Graph;
        Assert.Equal(3, graph.Inputs.Count);
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph), path);
        using Session session = model.CreateSession();
        Assert.Equal(2, session.States.Count);
        Dictionary<string, Tensor> stored = NpzFile.Read(Path.ChangeExtension(path, ".npz")).ToDictionary(p => p.Key, p => p.Value);
        const int Step = 6 * 6 * 2;
        for (int run = 0; run < 3; run++)
        {
            Tensor x = session.Input(session.FindInput(graph.Inputs.First(i => i.Shape.Rank == 5).Name));
            for (int i = 0; i < Step; i++) x.SetDouble(i, stored["in0"].GetDouble(run * Step + i));
            session.Run();
        }
        Tensor first = new(DType.Float32, session.Output(0).Shape);
        for (long i = 0; i < first.Count; i++) first.SetDouble(i, stored["out0"].GetDouble(i));
        TensorAssert.Close(first, session.Output(0), 1e-4, 2e-5, "the third run");
        return true;
    });
}
