using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

public sealed class ProofTests
{
    private static Graph Parse(string body) => GraphText.Parse("graph \"<net> & more\" {\n" + body + "\n}");

    private static readonly Given s_data = new([Tensor.FromArray<float>([1, -2, 3, 4], new Shape(1, 2, 1, 2))], [Tensor.FromArray<float>([0, 1, 0, -1], new Shape(1, 2, 1, 2))]);

    private static ProofReport Compare(string a, string b, IReadOnlyDictionary<string, TensorQuantization>? parameters = null) =>
        Proof.Compare(new InterpreterRunner(Parse(a)), new InterpreterRunner(Parse(b)), s_data, 2, parameters);

    private const string Source = """
        input %x : float32[1,2,1,2]
        %n = Neg(%x)
        %y = Relu(%n)
        output %y
        """;

    private const string Shifted = """
        input %x : float32[1,2,1,2]
        const %c : float32[] = 0.5
        %n = Neg(%x)
        %y = Add(%n, %c)
        output %y
        """;

    [Fact]
    public void Errors_are_measured_as_defined()
    {
        ProofReport r = Compare(Source, Shifted);
        Assert.Equal(2, r.Samples);
        // relu(-x): 0 2 0 0, 0 0 0 1. 0.5 - x: -0.5 2.5 -2.5 -3.5, 0.5 -0.5 0.5 1.5.
        ValueComparison y = Assert.Single(r.Outputs);
        double errors = 0.25 + 0.25 + 6.25 + 12.25 + 4 * 0.25;
        Assert.Equal(10 * Math.Log10(5 / errors), y.Sqnr, 9);
        Assert.Equal((2 * 2.5 + 1.5) / Math.Sqrt(5 * (0.25 + 6.25 + 6.25 + 12.25 + 3 * 0.25 + 2.25)), y.Cosine, 9);
        Assert.Equal(3.5, y.MaxAbsError);
        Assert.Equal(3.5 / 0.002, y.MaxRelError, 6);
        Assert.Equal((0, 2, -3.5, 2.5), (y.SourceMin, y.SourceMax, y.ConvertedMin, y.ConvertedMax));
        Assert.Equal(8, y.Elements);
        // Worst first: y, then n, which is equal.
        Assert.Equal(["y", "n"], r.Layers.Select(l => l.Name));
        Assert.True(double.IsPositiveInfinity(r.Layers[1].Sqnr));
        Assert.Equal(r.WorstOutputSqnr, y.Sqnr);
    }

    /// <summary>A Transpose that lowering moves and removes leaves what it crossed in another order, which equal sizes do not show.</summary>
    [Fact]
    public void Values_in_another_order_are_not_compared()
    {
        const string Swapped = """
            input %x : float32[1,2,2,2]
            %t = Transpose(%x) {perm=[0,2,1,3]}
            %n = Sigmoid(%t)
            %y = Transpose(%n) {perm=[0,2,1,3]}
            output %y
            """;
        Graph lowered = Parse(Swapped);
        EdgeLite.Converter.Lowering.CpuLowering.Run(lowered);
        Assert.DoesNotContain(lowered.Nodes, n => n.OpType == "Transpose");
        ProofReport r = Proof.Compare(new InterpreterRunner(Parse(Swapped)), new InterpreterRunner(lowered), new Given([Tensor.FromArray<float>([1, 2, 3, 4, 5, 6, 7, 8], new Shape(1, 2, 2, 2))]), 1);
        Assert.All(r.Outputs.Concat(r.Layers), v => Assert.True(v.Sqnr > 100, v.Name));
    }

    [Fact]
    public void Stored_integers_and_other_layouts_are_matched()
    {
        ProofReport r = Compare(Source, """
            input %x : float32[1,2,1,2]
            const %s : float32[] = 0.5
            const %z : int8[] = 3
            %t = Transpose(%x) {perm=[0,2,3,1]}
            %m = Neg(%t)
            %n = QuantizeLinear(%m, %s, %z)
            %d = DequantizeLinear(%n, %s, %z)
            %u = Transpose(%d) {perm=[0,3,1,2]}
            %y = Relu(%u)
            output %y
            """, new Dictionary<string, TensorQuantization> { ["n"] = new(0.5f, 3) });
        Assert.Equal(["n", "y"], r.Layers.Select(l => l.Name));
        Assert.All(r.Layers, l => Assert.True(double.IsPositiveInfinity(l.Sqnr), l.Name));
        Assert.All(r.Layers, l => Assert.Equal(l.Name == "n" ? 0.0 : null, l.Saturation));
    }

    [Fact]
    public void What_a_stored_range_cannot_hold_is_counted()
    {
        // -x is -1 2 -3 -4, 0 -1 0 1; steps of 1/64 around 0 hold -2 .. 127/64: -3, -4 and 2 are outside, -2 would not be.
        ProofReport r = Compare(Source, """
            input %x : float32[1,2,1,2]
            const %s : float32[] = 0.015625
            const %z : int8[] = 0
            %m = Neg(%x)
            %n = QuantizeLinear(%m, %s, %z)
            %d = DequantizeLinear(%n, %s, %z)
            %y = Relu(%d)
            output %y
            """, new Dictionary<string, TensorQuantization> { ["n"] = new(1 / 64f, 0) });
        Assert.Equal(3 / 8.0, r.Layers.Single(l => l.Name == "n").Saturation);
    }

    [Fact]
    public void Each_sample_and_the_distribution_of_the_first_are_told()
    {
        ProofReport r = Compare(Source, Shifted);
        Assert.Equal(["sample 0", "sample 1"], r.EachSample.Select(s => s.Sample));
        Assert.Equal(10 * Math.Log10(4 / 19.0), r.EachSample[0].WorstOutputSqnr, 9);
        ValueHistogram h = r.Outputs[0].Histogram!;
        Assert.Equal((-3.5, 2.5), (h.Min, h.Max));
        Assert.Equal((4, 4), (h.Source.Sum(), h.Converted.Sum()));
        Assert.Equal((1, 3, 1), (h.Converted[0], h.Source[(int)(3.5 / 6 * ValueHistogram.Bins)], h.Converted[^1]));
        Assert.Null(Compare(Source, Source).Outputs[0].Saturation);
    }

    [Fact]
    public void NaN_on_one_side_is_the_worst()
    {
        ProofReport r = Compare(Source, """
            input %x : float32[1,2,1,2]
            %n = Neg(%x)
            %y = Sqrt(%n)
            output %y
            """);
        Assert.Equal(4, r.Outputs[0].NonFiniteMismatches);
        Assert.True(double.IsNegativeInfinity(r.WorstOutputSqnr));
    }

    [Fact]
    public void Models_of_other_ends_are_refused()
    {
        Assert.Contains("Inputs and outputs are 1 and 1 in the source model, 2 and 1 in the converted one", Assert.Throws<EdgeLiteException>(() => Compare(Source, "input %a : float32[1]\n input %x : float32[1,2,1,2]\n %y = Relu(%x)\n output %y")).Message);
        Assert.Contains("Output 'y'", Assert.Throws<EdgeLiteException>(() => Compare(Source, "input %x : float32[1,2,1,2]\n %y = MaxPool(%x) {kernel_shape=[1,2]}\n output %y")).Message);
    }

    [Fact]
    public void Reports_can_be_read_back()
    {
        ProofReport r = Compare(Source, Shifted) with { Facts = [new("Scheme", "int8 & <more>")], Steps = [new("edgelite.QConv", "first <one>", "nn_conv_s8/avx2", 1234, 5.5)], Sensitivity = [new("n", 21.5, 3000)],
            Trials = [new(RangeMethod.Entropy, "adaptive-rounding", 1, 2, 0, 0, 4000, 0.5, 31.5, 31.5, true)] };
        string folder = Directory.CreateTempSubdirectory("proof").FullName;
        try
        {
            string path = Path.Combine(folder, "r.json");
            r.Save(path);
            using JsonDocument json = JsonDocument.Parse(File.ReadAllText(path));
            Assert.Equal("edgelite-proof", json.RootElement.GetProperty("format").GetString());
            Assert.Equal(r.Outputs[0].Sqnr, json.RootElement.GetProperty("outputs")[0].GetProperty("sqnr_db").GetDouble());
            JsonElement exact = json.RootElement.GetProperty("layers")[1];
            Assert.Equal(JsonValueKind.Null, exact.GetProperty("sqnr_db").ValueKind);
            Assert.True(exact.GetProperty("exact").GetBoolean());
            Assert.Equal(2, json.RootElement.GetProperty("each_sample").GetArrayLength());
            Assert.Equal(5.5, json.RootElement.GetProperty("steps")[0].GetProperty("us").GetDouble());
            Assert.Equal((2, 31.5), (json.RootElement.GetProperty("trials")[0].GetProperty("layers_in_int16").GetInt32(), json.RootElement.GetProperty("trials")[0].GetProperty("sqnr_db").GetDouble()));
            Assert.Equal(3000, json.RootElement.GetProperty("sensitivity")[0].GetProperty("saved_bytes").GetInt64());
            Assert.Equal(ValueHistogram.Bins, json.RootElement.GetProperty("outputs")[0].GetProperty("histogram").GetProperty("source").GetArrayLength());

            path = Path.Combine(folder, "r.html");
            r.Save(path);
            string html = File.ReadAllText(path);
            Assert.Contains("&lt;net&gt; &amp; more", html);
            Assert.Contains("int8 &amp; &lt;more&gt;", html);
            Assert.DoesNotContain("<net>", html);
            Assert.DoesNotContain("int8 in blocks", html);
            foreach (string section in (string[])["Samples", "Choices", "in int16", "met", "Sensitivity", "Cost", "first &lt;one&gt;", "<svg"]) Assert.Contains(section, html);
            Assert.Contains("prefers-color-scheme: dark", html);
            foreach (string external in (string[])["http:", "https:", "<link", "src=", "@import", "url("]) Assert.DoesNotContain(external, html);
            Assert.Contains(".html or .json", Assert.Throws<EdgeLiteException>(() => r.Save(Path.Combine(folder, "r.pdf"))).Message);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
        using var text = new StringWriter();
        r.Print(new TextReportConsole(text));
        string[] lines = text.ToString().Split('\n');
        Assert.Contains(lines, l => l.Contains("Worst 2 of 2 compared layers"));
        Assert.Contains(lines, l => l.TrimStart().StartsWith("n ", StringComparison.Ordinal) && l.Contains("exact"));
    }

    [Fact]
    public void The_first_wrong_layer_in_order_is_named_with_what_to_do()
    {
        ValueComparison good = Layer("a", 1, 35, 10), cut = Layer("b", 2, 12, 5), coarse = Layer("c", 3, 3, 10);
        var report = new ProofReport { Model = "m", Samples = 1, Outputs = [coarse], Layers = [coarse, cut, good], SourceValuesWithoutMatch = 0 };
        Assert.Equal("b", report.FirstWrong!.Name);
        Assert.Contains("--observer minmax", ProofReport.Advice(cut), StringComparison.Ordinal);
        Assert.Contains("--keep-float 'c'", ProofReport.Advice(coarse), StringComparison.Ordinal);
        Assert.Contains("NaN", ProofReport.Advice(good with { NonFiniteMismatches = 1 }), StringComparison.Ordinal);
        Assert.Null((report with { Outputs = [good], Layers = [good] }).FirstWrong);

        static ValueComparison Layer(string name, int order, double sqnr, double convertedMax) => new()
        {
            Name = name, Operator = "Conv", Shape = "[1]", Order = order, Elements = 1, Sqnr = sqnr, Cosine = 1, MaxAbsError = 0, MaxRelError = 0,
            SourceMin = 0, SourceMax = 10, ConvertedMin = 0, ConvertedMax = convertedMax, NonFiniteMismatches = 0,
        };
    }
}
