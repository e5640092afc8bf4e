using System.IO.Compression;
using System.Text;
using EdgeLite.Converter;
using EdgeLite.Converter.Importers.PyTorch;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Tests.Importers;

/// <summary>TorchScript archives of the collection against PyTorch's own results; files that hold no architecture; hostile files.</summary>
public class TorchImporterTests
{
    private static bool IsScript(string model) => File.Exists(ScriptOf(model)) || File.Exists(Path.ChangeExtension(ScriptOf(model), ".ptl"));

    private static string ScriptOf(string model) => Path.Combine(SharedData.Folder!, "zoo", "pytorch", model, "model.pt");

    public static TheoryData<string> Scripts => ZooModel.Of("pytorch", IsScript);

    [SharedTheory("zoo/pytorch")]
    [MemberData(nameof(Scripts))]
    public void Results_are_those_of_PyTorch(string model)
    {
        var zoo = new ZooModel(model);
        zoo.Check(File.Exists(zoo.PathOf("model.pt")) ? "model.pt" : "model.ptl", shaped: true);
    }

    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/w_small_cnn_ptl", "model.ptl")]
    [InlineData("pytorch/w_squeezenet_traced", "model.pt")]
    public void Sizes_that_nobody_gave_stay_free(string model, string file) => new ZooModel(model).Check(file);

    /// <summary>A module without parameters: its class is "M", whose code is given.</summary>
    private static string Archive(string code, byte[]? pickle = null)
    {
        string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.pt");
        using ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Write("a/data.pkl", pickle ?? Encoding.Latin1.GetBytes("\u0080\u0002c__torch__\nM\n)\u0081}b."));
        Write("a/code/__torch__.py", Encoding.UTF8.GetBytes(code));
        Write("a/version", "4"u8.ToArray());
        return path;

        void Write(string name, byte[] bytes)
        {
            using Stream entry = zip.CreateEntry(name).Open();
            entry.Write(bytes);
        }
    }

    private static T With<T>(string path, Func<string, T> use)
    {
        try
        {
            return use(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static float[] Run(string body, params float[] x)
    {
        string path = Archive($"class M(Module):\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n{string.Join('\n', body.Split('\n').Select(l => "    " + l))}\n");
        return With(path, p =>
        {
            (Graph graph, _) = Pipeline.Import(p, new ConversionOptions { Shapes = new Dictionary<string, Shape> { ["x"] = new(x.Length) } });
            return ImportedRun.Run(graph, Tensor.FromArray<float>(x, new Shape(x.Length)))[0].ToArray<float>();
        });
    }

    [Fact]
    public void A_branch_on_data_becomes_an_If()
    {
        const string Code = "if bool(torch.gt(torch.sum(x), 0)):\n  y = torch.mul(x, 2)\n  k = 3\nelse:\n  y = torch.neg(x)\n  k = 5\nreturn torch.add(y, k)";
        Assert.Equal([5f, 7f], Run(Code, 1, 2));
        Assert.Equal([6f, 7f], Run(Code, -1, -2));
    }

    [Fact]
    public void A_loop_on_data_becomes_a_Loop()
    {
        const string Code = "n = int(torch.select(x, 0, 0))\ny = x\nfor i in range(n):\n  y0 = torch.add(y, i)\n  y = y0\nreturn y";
        Assert.Equal([9f, 16f], Run(Code, 4, 10).Select((v, i) => v - (i == 0 ? 1 : 0)));
    }

    [Fact]
    public void Operators_in_place_are_seen_through_every_name()
    {
        Assert.Equal([4f, 6f], Run("y = x\n_0 = torch.add_(y, 1)\nreturn torch.add(x, y)", 1, 2));
    }

    /// <summary>The command has sizes of the rank that the first layer wants.</summary>
    [Theory]
    [InlineData("return torch.transpose(x, -1, -2)", "a.edgl --shape x=1x3x224x224")]
    [InlineData("return torch.transpose(torch.linear(torch.add(x, 1), torch.ones([4, 10])), -1, -2)", "a.edgl --shape x=1x10")]
    public void Sizes_that_must_be_given_are_named(string statement, string expected) =>
        With(Archive($"class M(Module):\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    {statement}\n"), path =>
        {
            string message = Assert.Throws<EdgeLiteException>(() => Pipeline.Import(path, new ConversionOptions())).Message.Replace(Path.GetFileNameWithoutExtension(path), "a", StringComparison.Ordinal);
            Assert.EndsWith(expected, message, StringComparison.Ordinal);
            return true;
        });

    [Fact]
    public void All_unknown_operators_are_named_at_once()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Run("y = torch.frobnicate(x)\nz = ops.mylib.zap(x)\nreturn torch.add(y, z)", 1));
        Assert.Contains("frobnicate", e.Message, StringComparison.Ordinal);
        Assert.Contains("mylib.zap", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("return torch.add(x, ")]
    [InlineData("return ((((x")]
    [InlineData("x, y, = x\nreturn x")]
    [InlineData("return self.nothing")]
    [InlineData("return (self).forward(x, )")]
    [InlineData("return torch.add(x)")]
    [InlineData("return torch.zeros([99999999, 99999999, 99999999])")]
    [InlineData("while True:\n  y = torch.add(x, 1)\nreturn x")]
    public void Damaged_code_gives_a_clear_error(string body) => Assert.Throws<EdgeLiteException>(() => Run(body, 1));

    [Fact]
    public void Deeply_nested_code_gives_a_clear_error() =>
        Assert.Throws<EdgeLiteException>(() => Run($"return {new string('(', 100_000)}x{new string(')', 100_000)}", 1));

    [Theory]
    [InlineData("\u0080\u0002cos\nsystem\nX\u0002\u0000\u0000\u0000ls\u0085R.")]
    [InlineData("\u0080\u0002X\u00ff\u00ff\u00ff\u007f.")]
    [InlineData("\u0080\u0002")]
    [InlineData("(((((")]
    [InlineData("\u0080\u0002]b.")]
    [InlineData("\u0080\u0002h\u0005.")]
    public void A_hostile_pickle_executes_nothing_and_gives_a_clear_error(string pickle)
    {
        string path = Archive("class M(Module):\n  def forward(self: __torch__.M,\n    x: Tensor) -> Tensor:\n    return x\n", Encoding.Latin1.GetBytes(pickle));
        With(path, p => Assert.Throws<EdgeLiteException>(() => new TorchImporter().Import(p)));
    }

    /// <summary>Bytes of a mobile file changed at random, and the file cut: an error or a graph, never anything else.</summary>
    [TorchTheory]
    [InlineData("mobile_flow", 300)]
    public void Damaged_bytecode_gives_a_clear_error(string model, int trials)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(TorchModels.FolderOf(model), "model.pt"));
        var random = new Random(3);
        string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.ptl");
        With(path, p =>
        {
            int refused = 0;
            for (int trial = 0; trial < trials; trial++)
            {
                byte[] damaged = trial % 10 == 0 ? bytes[..random.Next(8, bytes.Length)] : [.. bytes];
                for (int k = 0; k < 1 + trial % 8; k++) damaged[random.Next(8, damaged.Length)] = (byte)random.Next(256);
                File.WriteAllBytes(p, damaged);
                try
                {
                    new TorchImporter().Import(p, new Dictionary<string, Shape> { ["x"] = new(1, 3, 16, 16) });
                }
                catch (EdgeLiteException)
                {
                    refused++;
                }
            }
            Assert.InRange(refused, trials / 10, trials);
            return 0;
        });
    }

    [Theory]
    [InlineData("out = [x]\nif bool(torch.gt(torch.sum(x), 0)):\n  _0 = torch.append(out, x)\n  y = x\nelse:\n  y = torch.neg(x)\nreturn torch.cat(out)", "list")]
    [InlineData("n = int(torch.select(x, 0, 0))\nout = [x]\nfor i in range(n):\n  _0 = torch._set_item(out, 0, torch.neg(out[0]))\nreturn torch.cat(out)", "list")]
    [InlineData("n = int(torch.select(x, 0, 0))\nout = annotate(List[Tensor], [])\nfor i in range(n):\n  _0 = torch.append(out, x)\n  _1 = torch.append(out, torch.neg(x))\nreturn torch.cat(out)", "list")]
    [InlineData("n = int(torch.select(x, 0, 0))\nout = annotate(List[Tensor], [])\nfor i in range(n):\n  _0 = torch.append(out, torch.neg(out[-1]))\nreturn torch.cat(out)", "list")]
    [InlineData("n = int(torch.select(x, 0, 0))\nout = annotate(List[Tensor], [])\nfor i in range(n):\n  for j in range(n):\n    _0 = torch.append(out, x)\nreturn torch.cat(out)", "list")]
    public void Lists_that_data_change_in_ways_that_are_not_followed_are_refused(string body, string word) =>
        Assert.Contains(word, Assert.Throws<EdgeLiteException>(() => Run(body, 2, 3)).Message, StringComparison.Ordinal);

    /// <summary>Branches that give what was computed before them take it in the same order.</summary>
    [Theory]
    [InlineData(3f, -3f)]
    [InlineData(-3f, -6f)]
    public void A_branch_on_data_chooses_between_two_tensors(float x, float expected) =>
        Assert.Equal([expected], Run("a = torch.neg(x)\nb = torch.mul(x, 2)\nif bool(torch.gt(x, 0)):\n  y = a\nelse:\n  y = b\nreturn y", x));

    [Fact]
    public void All_that_cannot_be_converted_is_named_at_once()
    {
        string message = Assert.Throws<EdgeLiteException>(() => Run("a = torch.elu(x, 1., 1., 2.)\nb = torch.combinations(x, 3)\nc = torch.nothing(x)\nd = torch.neg(c)\nreturn (a, b, d)", 1)).Message;
        foreach (string part in new[] { "nothing", "input_scale", "combinations of other" }) Assert.Contains(part, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_that_the_file_lacks_are_told() =>
        Assert.Contains("before it is optimized", Assert.Throws<EdgeLiteException>(() => Run("w = ops.prim.ConstantMKLDNNTensor()\nreturn torch.mul(x, w)", 1)).Message, StringComparison.Ordinal);

    [Fact]
    public void The_length_of_a_list_that_a_loop_on_data_appends_to_is_known_in_the_loop()
    {
        const string Code = "n = int(torch.select(x, 0, 0))\nout = [x]\nfor i in range(n):\n  _0 = torch.append(out, torch.mul(x, torch.len(out)))\nreturn torch.cat(out)";
        Assert.Equal([3f, 3f, 6f, 9f], Run(Code, 3));
    }

    [Theory]
    [InlineData("torch.format(\"{}-{}\", \"a\", 5)", "a-5")]
    [InlineData("torch.percentFormat(\"%s of %d%%\", 0.5, 7)", "0.5 of 7%")]
    [InlineData("torch.str(True)", "True")]
    public void Texts_are_made_as_Python_makes_them(string code, string expected) =>
        Assert.Equal([2f], Run($"if torch.eq({code}, \"{expected}\"):\n  y = torch.mul(x, 2)\nelse:\n  y = x\nreturn y", 1));

    [Fact]
    public void A_list_that_a_loop_on_data_appends_to_can_be_joined()
    {
        const string Code = "n = int(torch.select(x, 0, 0))\nout = [x]\ny = x\nfor i in range(n):\n  y0 = torch.add(y, i)\n  _0 = torch.append(out, y0)\n  y = y0\nreturn torch.mul(torch.cat(out), torch.len(out))";
        Assert.Equal([12f, 40f, 12f, 40f, 16f, 44f, 24f, 52f], Run(Code, 3, 10));
        Assert.Equal([2f, 10f, 2f, 10f], Run(Code, 1, 5));
    }

    [Fact]
    public void A_zip_bomb_is_refused()
    {
        string path = Archive("class M(Module):\n  pass\n", new byte[200_000_000]);
        With(path, p => Assert.Throws<EdgeLiteException>(() => new TorchImporter().Import(p)));
    }

    [SharedTheory("zoo/pytorch")]
    [InlineData("pytorch/w_small_cnn_ptl", "model.ptl")]
    public void A_file_cut_anywhere_gives_a_clear_error(string model, string file)
    {
        byte[] bytes = File.ReadAllBytes(new ZooModel(model).PathOf(file));
        string path = Path.Combine(Path.GetTempPath(), $"edgelite-{Guid.NewGuid():N}.ptl");
        With(path, p =>
        {
            for (int length = 1; length < bytes.Length; length += bytes.Length / 40)
            {
                File.WriteAllBytes(p, bytes[..length]);
                Assert.Throws<EdgeLiteException>(() => new TorchImporter().Import(p));
            }
            return 0;
        });
    }
}
