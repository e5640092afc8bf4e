using System.IO.Compression;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using Google.FlatBuffers;

namespace EdgeLite.Tests.Importers;

/// <summary>What .tflite files hold besides the network: metadata, attached label files, buffers behind the FlatBuffer and beyond 2 GB.</summary>
public class TfliteMetadataTests
{
    private const int Add = 0;

    /// <summary>y = x + [1, 2]</summary>
    private static TfliteFileBuilder Network(ulong outside = 0)
    {
        var b = new TfliteFileBuilder();
        int x = b.Tensor("x", TfliteFileBuilder.Float32, [2]), y = b.Tensor("y", TfliteFileBuilder.Float32, [2]);
        int c = outside == 0 ? b.Constant<float>("c", TfliteFileBuilder.Float32, [2], [1, 2]) : b.Outside("c", TfliteFileBuilder.Float32, [2], outside, 8);
        b.Op(Add, [x, c], [y], (sbyte)0);
        b.Border([x], [y]);
        return b;
    }

    private static byte[] Metadata()
    {
        var b = new FlatBufferBuilder(256);
        b.StartVector(4, 1, 4); b.AddFloat(127.5f); int mean = b.EndVector().Value;
        b.StartVector(4, 1, 4); b.AddFloat(64); int std = b.EndVector().Value;
        b.StartTable(2); b.AddOffset(0, mean, 0); b.AddOffset(1, std, 0); int options = b.EndTable();
        b.StartTable(2); b.AddByte(0, 1, 0); b.AddOffset(1, options, 0); int units = TfliteFileBuilder.Tables(b, b.EndTable());
        int name = b.CreateString("image").Value, description = b.CreateString("what the camera sees").Value;
        b.StartTable(7); b.AddOffset(0, name, 0); b.AddOffset(1, description, 0); b.AddOffset(4, units, 0); int inputs = TfliteFileBuilder.Tables(b, b.EndTable());
        b.StartTable(9); b.AddOffset(2, inputs, 0); int graphs = TfliteFileBuilder.Tables(b, b.EndTable());
        int model = b.CreateString("a model").Value, author = b.CreateString("somebody").Value;
        b.StartTable(8); b.AddOffset(0, model, 0); b.AddOffset(3, graphs, 0); b.AddOffset(4, author, 0);
        b.Finish(b.EndTable(), "M001");
        return b.SizedByteArray();
    }

    private static T With<T>(byte[] file, Func<string, T> use) => TemporaryFolder.Use(folder =>
    {
        string path = Path.Combine(folder, "model.tflite");
        File.WriteAllBytes(path, file);
        return use(path);
    });

    private static float[] Run(Graph graph) => new GraphInterpreter(graph).Run(Tensor.FromArray<float>([10, 20], new Shape(2)))[0].ToArray<float>();

    [Fact]
    public void Metadata_and_attached_labels_are_taken_over()
    {
        TfliteFileBuilder network = Network();
        network.Metadata("TFLITE_METADATA", Metadata());
        Graph graph = With(network.Finish(), path =>
        {
            // As zip -A or Python's zipfile in mode "a" attach files: places count from the start of the file.
            using (var stream = new FileStream(path, FileMode.Open))
            {
                long length = stream.Length;
                var archive = new MemoryStream();
                archive.SetLength(length);
                archive.Position = length;
                using (var zip = new ZipArchive(archive, ZipArchiveMode.Create, leaveOpen: true))
                using (var writer = new StreamWriter(zip.CreateEntry("labels.txt").Open())) writer.Write("cat\ndog\n");
                stream.Position = length;
                stream.Write(archive.ToArray().AsSpan((int)length));
            }
            return TfliteImporter.Import(path);
        });
        Assert.Equal([11, 22], Run(graph));
        Assert.Equal("cat\ndog", graph.Metadata["labels"]);
        Assert.Equal("a model", graph.Metadata["name"]);
        Assert.Equal("somebody", graph.Metadata["author"]);
        Assert.Equal("image: what the camera sees", graph.Metadata["input.x"]);
        CalibrationPreprocessing preprocessing = CalibrationPreprocessing.Parse(graph.Metadata[CalibrationPreprocessing.MetadataKey], "test");
        Assert.Equal((127.5f, 64f, 1f), (preprocessing.Mean[0], preprocessing.Std[0], preprocessing.Scale));
    }

    /// <summary>The file is sparse: its 2.1 GB take no room on the disk.</summary>
    [Theory]
    [InlineData(1L << 16)]
    [InlineData((1L << 31) + 4096)]
    public void Buffers_may_lie_behind_the_FlatBuffer(long at) => With(Network((ulong)at).Finish(), path =>
    {
        using (var stream = new FileStream(path, FileMode.Open))
        {
            stream.Position = at;
            stream.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>([5, 6]));
        }
        Assert.Equal([15, 26], Run(TfliteImporter.Import(path)));
        return 0;
    });

    [Fact]
    public void A_buffer_beyond_the_end_gives_a_clear_error() =>
        Assert.Contains("lie past its end", With(Network(1 << 20).Finish(), path => Assert.Throws<EdgeLiteException>(() => TfliteImporter.Import(path)).Message), StringComparison.Ordinal);
}
