using System.Text;
using EdgeLite.Converter.Importers.Torch7;

namespace EdgeLite.Tests.Importers;

/// <summary>Torch7 networks of the collection, binary and ascii, against Torch7's own results; unknown modules; hostile files.</summary>
public class Torch7ImporterTests
{
    public static TheoryData<string> Models => ZooModel.Of("torch7");

    [SharedTheory("zoo/torch7")]
    [MemberData(nameof(Models))]
    public void Results_are_those_of_Torch7(string model)
    {
        var zoo = new ZooModel(model);
        zoo.Check(File.Exists(zoo.PathOf("model.t7")) ? "model.t7" : "model.net", shaped: true);
    }

    private static EdgeLiteException Refused(byte[] bytes)
    {
        string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.t7");
        try
        {
            File.WriteAllBytes(path, bytes);
            return Assert.Throws<EdgeLiteException>(() => new Torch7Importer().Import(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static string Module(int index, string type, string content) => $"4\n{index}\n3\nV 1\n{type.Length}\n{type}\n{content}";

    [Fact]
    public void All_unknown_modules_are_named_at_once()
    {
        string children = $"3\n50\n2\n1\n1\n{Module(60, "nn.Frob", "3\n61\n0\n")}1\n2\n{Module(62, "my.Zap", "3\n63\n0\n")}";
        EdgeLiteException e = Refused(Encoding.ASCII.GetBytes(Module(1, "nn.Sequential", $"3\n2\n1\n2\n7\nmodules\n{children}")));
        Assert.Contains("nn.Frob", e.Message, StringComparison.Ordinal);
        Assert.Contains("my.Zap", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Deeply_nested_objects_give_a_clear_error()
    {
        var text = new StringBuilder();
        for (int i = 1; i < 20_000; i++) text.Append(Module(i, "nn.Sequential", ""));
        Refused(Encoding.ASCII.GetBytes(text.ToString()));
    }

    [Fact]
    public void A_storage_larger_than_the_file_is_refused() =>
        Assert.Equal(Status.Truncated, Refused(Encoding.ASCII.GetBytes(Module(1, "torch.FloatStorage", "9000000000\n0\n"))).Status);

    [SharedTheory("zoo/torch7")]
    [InlineData("torch7/w_parallel_join_ascii")]
    [InlineData("torch7/w_lookup_temporal")]
    public void A_file_cut_anywhere_gives_a_clear_error(string model)
    {
        byte[] bytes = File.ReadAllBytes(new ZooModel(model).PathOf("model.t7"));
        for (int length = 0; length < bytes.Length - 16; length += bytes.Length / 40) Refused(bytes[..length]);
    }
}
