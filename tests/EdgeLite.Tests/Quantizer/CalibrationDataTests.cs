using System.Buffers.Binary;
using System.IO.Compression;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

public sealed class CalibrationDataTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("calibration").FullName;

    // Height 1 could be one channel as well.
    private static readonly CalibrationPreprocessing s_last = new() { Layout = "nhwc" };

    public void Dispose() => Directory.Delete(_folder, true);

    private static Graph Model(DType type, params long[] shape)
    {
        var graph = new Graph("model");
        graph.AddInput("x", new TensorType(type, new Shape(shape)));
        return graph;
    }

    private static Graph Model(params long[] shape) => Model(DType.Float32, shape);

    private string Npy(string name, Tensor tensor)
    {
        string path = Path.Combine(_folder, name);
        NpyFile.Write(path, tensor);
        return path;
    }

    /// <summary>A 24-bit BMP; pixel(x, y) gives r, g, b.</summary>
    private string Bmp(string name, int width, int height, Func<int, int, (byte R, byte G, byte B)> pixel)
    {
        int row = (width * 3 + 3) / 4 * 4;
        byte[] file = new byte[54 + row * height];
        file[0] = (byte)'B';
        file[1] = (byte)'M';
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(2), file.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(10), 54);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(14), 40);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(18), width);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(22), height);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(26), 1);
        BinaryPrimitives.WriteInt16LittleEndian(file.AsSpan(28), 24);
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                (file[54 + (height - 1 - y) * row + x * 3 + 2], file[54 + (height - 1 - y) * row + x * 3 + 1], file[54 + (height - 1 - y) * row + x * 3]) = pixel(x, y);
        string path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, file);
        return path;
    }

    private static string Error(Action action) => Assert.Throws<EdgeLiteException>(action).Message;

    [Fact]
    public void Pictures_fill_both_layouts()
    {
        Bmp("a.bmp", 2, 1, (x, _) => x == 0 ? ((byte)255, (byte)51, (byte)0) : ((byte)0, (byte)102, (byte)255));
        Tensor first = CalibrationData.Open(_folder, Model(1, 3, 1, 2)).Load(0)[0];
        Assert.Equal([1, 0, 0.2f, 0.4f, 0, 1], first.ToArray<float>().Select(v => MathF.Round(v, 5)));
        Tensor last = CalibrationData.Open(_folder, Model(1, 1, 2, 3), s_last).Load(0)[0];
        Assert.Equal([1, 0.2f, 0, 0, 0.4f, 1], last.ToArray<float>().Select(v => MathF.Round(v, 5)));
        Tensor raw = CalibrationData.Open(_folder, Model(DType.UInt8, 1, 1, 2, 3), s_last).Load(0)[0];
        Assert.Equal([255, 51, 0, 0, 102, 255], raw.ToArray<byte>());
    }

    [Fact]
    public void Resizing_is_bilinear_between_pixel_centres()
    {
        Bmp("a.bmp", 2, 1, (x, _) => ((byte)(x * 200), 0, 0));
        Tensor x = CalibrationData.Open(_folder, Model(1, 1, 4, 3), s_last with { Scale = 1 }).Load(0)[0];
        // Centres of 4 pixels over 2: -0.25, 0.25, 0.75, 1.25; the ends are repeated.
        Assert.Equal([0, 50, 150, 200], Enumerable.Range(0, 4).Select(i => x.GetDouble(3 * i)));
    }

    [Fact]
    public void Shrinking_averages_what_a_pixel_covers()
    {
        Bmp("a.bmp", 4, 1, (x, _) => ((byte)(x * 40), 0, 0));
        Tensor x = CalibrationData.Open(_folder, Model(1, 1, 2, 3), s_last with { Scale = 1 }).Load(0)[0];
        Assert.Equal([20, 100], Enumerable.Range(0, 2).Select(i => x.GetDouble(3 * i)));
    }

    [Theory]
    [InlineData("stretch", new double[] { 10, 20, 30, 40 })]
    [InlineData("contain", new double[] { 0, 15, 35, 0 })]
    [InlineData("cover", new double[] { 17.5, 22.5, 27.5, 32.5 })]
    public void A_picture_of_other_proportions_is_stretched_contained_or_cut(string fit, double[] expected)
    {
        // Rows are alike. Into 4 x 1 it is half as large when it is kept whole; into 4 x 4 twice as large when it fills all.
        Bmp("a.bmp", 4, 2, (x, _) => ((byte)(10 + 10 * x), 0, 0));
        Tensor x = CalibrationData.Open(_folder, Model(1, fit == "cover" ? 4 : 1, 4, 3), s_last with { Scale = 1, Fit = fit }).Load(0)[0];
        Assert.Equal(expected, Enumerable.Range(0, 4).Select(i => Math.Round(x.GetDouble(3 * i), 3)));
    }

    [Fact]
    public void A_mosaic_shows_several_pictures_side_by_side()
    {
        foreach (int i in (int[])[1, 2, 3]) Bmp($"{i}.bmp", 2, 2, (_, _) => ((byte)i, 0, 0));
        ICalibrationData data = CalibrationData.Open(_folder, Model(1, 2, 2, 3), s_last with { Scale = 1, Mosaic = [1, 2] });
        Assert.Equal(6, data.Count);
        Assert.Equal([1, 1, 1, 1], Red(0));
        Assert.Equal([1, 2, 3, 1], Red(1));
        Assert.Equal([3, 1, 2, 3], Red(5));
        Assert.Contains("mosaic", Error(() => CalibrationPreprocessing.Parse("""{"mosaic": [0]}""", "test")));

        double[] Red(int sample) => [.. Enumerable.Range(0, 4).Select(i => data.Load(sample)[0].GetDouble(3 * i))];
    }

    [Fact]
    public void The_folder_says_how_its_pictures_are_normalised()
    {
        Bmp("a.bmp", 1, 1, (_, _) => (255, 0, 51));
        File.WriteAllText(Path.Combine(_folder, "preprocessing.json"), """{"mean": [0.5, 0.25, 0], "std": 0.5, "channel_order": "bgr"}""");
        Graph model = Model(1, 3, 1, 1);
        model.Metadata["preprocessing"] = """{"mean": 9}""";
        // bgr = 0.2, 0, 1.
        Assert.Equal([-0.6f, -0.5f, 2], CalibrationData.Open(_folder, model).Load(0)[0].ToArray<float>().Select(v => MathF.Round(v, 5)));
        Assert.Equal(-8, CalibrationData.Open(Path.Combine(_folder, "a.bmp"), model, CalibrationPreprocessing.Parse(model.Metadata["preprocessing"], "test")).Load(0)[0].GetDouble(0));
        File.Delete(Path.Combine(_folder, "preprocessing.json"));
        Assert.Equal(-9, CalibrationData.Open(_folder, model).Load(0)[0].GetDouble(1));
        var own = new CalibrationPreprocessing { Mean = [1, 2, 3], Std = [4], ChannelOrder = "bgr", Layout = "nhwc", Scale = 0.5f };
        Assert.Equal(own.ToJson(), CalibrationPreprocessing.Parse(own.ToJson(), "test").ToJson());
        Assert.Contains("std contains 0", Error(() => CalibrationPreprocessing.Parse("""{"std": [1, 0]}""", "test")));
        Assert.Contains("'men'", Error(() => CalibrationPreprocessing.Parse("""{"men": 1}""", "test")));
        Assert.Contains("3 channels", Error(() => CalibrationData.Open(_folder, model, new CalibrationPreprocessing { Mean = [1, 2] })));
    }

    [Fact]
    public void Pictures_are_taken_in_order_of_their_names()
    {
        foreach (int i in (int[])[10, 9, 30]) Bmp($"{i}.bmp", 1, 1, (_, _) => ((byte)i, 0, 0));
        ICalibrationData data = CalibrationData.Open(_folder, Model(1, 3, 1, 1), new CalibrationPreprocessing { Scale = 1 });
        Assert.Equal([10, 30, 9], Enumerable.Range(0, data.Count).Select(i => data.Load(i)[0].GetDouble(0)));
        // A batch of two: the second sample is filled up from the first picture.
        data = CalibrationData.Open(_folder, Model(2, 3, 1, 1), new CalibrationPreprocessing { Scale = 1 });
        Assert.Equal(2, data.Count);
        Assert.Equal((9, 10), (data.Load(1)[0].GetDouble(0), data.Load(1)[0].GetDouble(3)));
    }

    [Fact]
    public void A_leading_axis_of_an_array_is_split_into_samples()
    {
        string path = Npy("a.npy", Tensor.FromArray<float>([1, 2, 3, 4, 5, 6, 7, 8], new Shape(4, 2)));
        Graph symbolic = new("m");
        symbolic.AddInput("x", new TensorType(DType.Float32, new Shape(symbolic.SymbolDim("N"), 2)));
        ICalibrationData data = CalibrationData.Open(path, symbolic);
        Assert.Equal(4, data.Count);
        Assert.Equal([5, 6], data.Load(2)[0].ToArray<float>());
        Assert.Equal([5, 6, 7, 8], CalibrationData.Open(path, Model(2, 2)).Load(1)[0].ToArray<float>());
        Assert.Contains("expects [3,2]", Error(() => CalibrationData.Open(path, Model(3, 2))));
        string row = Npy("b.npy", Tensor.FromArray<double>([0.5, 1.5], new Shape(2)));
        Assert.Equal([0.5f, 1.5f], CalibrationData.Open(row, Model(1, 2)).Load(0)[0].ToArray<float>());
        Assert.Equal(5, CalibrationData.Open(_folder, Model(1, 2)).Count);
    }

    [Fact]
    public void Archives_name_their_inputs()
    {
        string path = Path.Combine(_folder, "a.npz");
        using (ZipArchive zip = ZipFile.Open(path, ZipArchiveMode.Create))
        {
            foreach ((string name, Tensor t) in new[] { ("b", Tensor.FromArray<long>([1, 2], new Shape(2, 1))), ("x", Tensor.FromArray<float>([3, 4], new Shape(2, 1))) })
            {
                using var memory = new MemoryStream();
                NpyFile.Write(memory, t);
                using Stream entry = zip.CreateEntry(name + ".npy").Open();
                entry.Write(memory.ToArray());
            }
        }
        Graph graph = Model(1, 1);
        graph.AddInput("b", new TensorType(DType.Int64, new Shape(1, 1)));
        ICalibrationData data = CalibrationData.Open(path, graph);
        Assert.Equal(2, data.Count);
        Assert.Equal((4, 2), (data.Load(1)[0].GetDouble(0), data.Load(1)[1].GetInt64(0)));
        graph.AddInput("c", new TensorType(DType.Float32, new Shape(1)));
        string message = Error(() => CalibrationData.Open(path, graph));
        Assert.Contains("input 'c'", message);
        Assert.Contains("b, x", message);
    }

    [Theory]
    [InlineData(float.NaN, "NaN")]
    [InlineData(float.PositiveInfinity, "Infinity")]
    public void What_is_not_finite_is_named(float bad, string text)
    {
        string path = Npy("bad.npy", Tensor.FromArray<float>([1, 2, 3, bad], new Shape(2, 2)));
        ICalibrationData data = CalibrationData.Open(path, Model(1, 2));
        Assert.Equal(1, data.Load(0)[0].GetDouble(0));
        string message = Error(() => data.Load(1));
        Assert.Contains("bad.npy", message);
        Assert.Contains("input 'x'", message);
        Assert.Contains(text, message);
    }

    [Fact]
    public void Wrong_or_missing_data_is_a_clear_error()
    {
        Assert.Contains("needs calibration data", Error(() => CalibrationData.Open(null, Model(1, 2))));
        Assert.Contains("does not exist", Error(() => CalibrationData.Open(Path.Combine(_folder, "no"), Model(1, 2))));
        Assert.Contains("holds no picture", Error(() => CalibrationData.Open(_folder, Model(1, 2))));
        string ints = Npy("a.npy", Tensor.FromArray<byte>([1, 2], new Shape(1, 2)));
        Assert.Contains("is uint8; input 'x' expects float32", Error(() => CalibrationData.Open(ints, Model(1, 2))));
        Assert.Contains("--shape", Error(() => CalibrationData.Open(ints, Model(1, -1))));
        Bmp("b.bmp", 1, 1, (_, _) => (0, 0, 0));
        Assert.Contains("mixes kinds", Error(() => CalibrationData.Open(_folder, Model(1, 2))));
        Assert.Contains("expected [N,C,H,W]", Error(() => CalibrationData.Open(Path.Combine(_folder, "b.bmp"), Model(1, 5, 7, 9))));
        string broken = Path.Combine(_folder, "c.png");
        File.WriteAllText(broken, "no picture");
        Assert.Contains("c.png", Error(() => CalibrationData.Open(broken, Model(1, 3, 2, 2)).Load(0)));
    }

    [Fact]
    public void Random_data_come_only_when_asked_for_and_are_always_the_same()
    {
        ICalibrationData data = CalibrationData.Open("random:3:7", Model(1, 1000));
        Assert.Equal(3, data.Count);
        float[] a = data.Load(2)[0].ToArray<float>();
        Assert.Equal(a, CalibrationData.Open("random:3:7", Model(1, 1000)).Load(2)[0].ToArray<float>());
        Assert.NotEqual(a, data.Load(1)[0].ToArray<float>());
        Assert.InRange(a.Average(), 0.45f, 0.55f);
        Assert.True(a.All(v => v is >= 0 and < 1));
        Assert.Contains("random[:COUNT[:SEED]]", Error(() => CalibrationData.Open("random:x", Model(1, 2))));
    }

    [Theory]
    [InlineData(1, 1, 8)]
    [InlineData(1, 2, 16)]
    [InlineData(1, 1, 24)]
    [InlineData(1, 2, 32)]
    [InlineData(3, 1, 32)]
    public void Sound_is_cut_into_windows(int kind, int channels, int bits)
    {
        double[] signal = [0, 0.5, -0.5, -1, 0.25];
        File.WriteAllBytes(Path.Combine(_folder, "a.wav"), Wav(kind, channels, bits, 16000, signal));
        ICalibrationData data = CalibrationData.Open(_folder, Model(1, 3));
        Assert.Equal(2, data.Count);
        Assert.Equal([0f, 0.5f, -0.5f], data.Load(0)[0].ToArray<float>());
        Assert.Equal([-1f, 0.25f, 0f], data.Load(1)[0].ToArray<float>());
        Tensor whole = CalibrationData.Open(_folder, Model(DType.Int16, 1, 5, 1)).Load(0)[0];
        Assert.Equal([0, 16384, -16384, -32768, 8192], whole.ToArray<short>());
    }

    [Fact]
    public void Sound_that_does_not_fit_is_refused()
    {
        string path = Path.Combine(_folder, "a.wav");
        byte[] wav = Wav(1, 1, 16, 16000, [0, 0.5]);
        File.WriteAllBytes(path, wav);
        Assert.Contains("[1,T]", Error(() => CalibrationData.Open(path, Model(1, 4, 4))), StringComparison.Ordinal);
        File.WriteAllBytes(Path.Combine(_folder, "b.wav"), Wav(1, 1, 16, 8000, [0, 0.5]));
        Assert.Contains("8000 samples a second, others 16000", Error(() => CalibrationData.Open(_folder, Model(1, 4))), StringComparison.Ordinal);
        File.Delete(Path.Combine(_folder, "b.wav"));
        wav[34] = 12;
        File.WriteAllBytes(path, wav);
        Assert.Contains("12 bits", Error(() => CalibrationData.Open(path, Model(1, 4))), StringComparison.Ordinal);
        for (int length = 0; length < 44; length++)
        {
            File.WriteAllBytes(path, wav[..length]);
            Error(() => CalibrationData.Open(path, Model(1, 4)));
        }
    }

    [Fact]
    public void Lines_of_token_numbers_fill_ids_and_mask()
    {
        string path = Path.Combine(_folder, "a.txt");
        File.WriteAllText(path, "101 7592, 102\n\n101\t1 2 3 4 102\n");
        var graph = new Graph("bert");
        foreach (string name in (string[])["input_ids", "attention_mask", "token_type_ids", "position_ids"]) graph.AddInput(name, new TensorType(DType.Int64, new Shape(1, 4)));
        ICalibrationData data = CalibrationData.Open(path, graph);
        Assert.Equal(2, data.Count);
        Assert.Equal([[101, 7592, 102, 0], [1, 1, 1, 0], [0, 0, 0, 0], [0, 1, 2, 3]], data.Load(0).Select(t => t.ToInt64Array()));
        Assert.Equal([[101, 1, 2, 3], [1, 1, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3]], data.Load(1).Select(t => t.ToInt64Array()));
        File.WriteAllText(path, "101 hello");
        Assert.Contains("'hello'", Error(() => CalibrationData.Open(path, graph)), StringComparison.Ordinal);
        Assert.Contains("int32 and int64", Error(() => CalibrationData.Open(path, Model(1, 4))), StringComparison.Ordinal);
    }

    [Fact]
    public void Whole_numbers_take_pixels_as_they_are()
    {
        Bmp("a.bmp", 2, 1, (x, _) => x == 0 ? ((byte)255, (byte)51, (byte)0) : ((byte)0, (byte)102, (byte)254));
        Assert.Equal([255, 51, 0, 0, 102, 254], CalibrationData.Open(_folder, Model(DType.Int32, 1, 1, 2, 3), s_last).Load(0)[0].ToArray<int>());
    }

    /// <summary>All channels hold the same signal.</summary>
    private static byte[] Wav(int kind, int channels, int bits, int rate, double[] signal)
    {
        using var file = new MemoryStream();
        using var w = new BinaryWriter(file);
        int size = signal.Length * channels * bits / 8;
        w.Write("RIFF"u8);
        w.Write(36 + size);
        w.Write("WAVEfmt "u8);
        w.Write(16);
        w.Write((short)kind);
        w.Write((short)channels);
        w.Write(rate);
        w.Write(rate * channels * bits / 8);
        w.Write((short)(channels * bits / 8));
        w.Write((short)bits);
        w.Write("data"u8);
        w.Write(size);
        foreach (double v in signal)
            for (int c = 0; c < channels; c++)
            {
                int whole = (int)(v * Math.ScaleB(1, bits - 1));
                if (kind == 3) w.Write((float)v);
                else if (bits == 8) w.Write((byte)(whole + 128));
                else for (int b = 0; b < bits; b += 8) w.Write((byte)(whole >> b));
            }
        return file.ToArray();
    }
}
