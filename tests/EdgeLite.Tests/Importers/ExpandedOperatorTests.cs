using System.Text.RegularExpressions;
using EdgeLite.Converter.Importers.Onnx;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Importers;

/// <summary>Operators that the importer turns into others: RegexFullMatch, Gradient, training steps.</summary>
public class ExpandedOperatorTests
{
    [Theory]
    [InlineData(@"www\.[\w.-]+\.\bcom\b")]
    [InlineData("a*b+c?")]
    [InlineData("(a|b)*abb")]
    [InlineData("(?i)aB[c-e]")]
    [InlineData("[^a-c]{2,3}")]
    [InlineData("a{0,2}(bc){1,}")]
    [InlineData(@"\d+(\.\d+)?")]
    [InlineData(@"\b\w+\b( \b\w+\b)*")]
    [InlineData(@"\Ba|a\B.*")]
    [InlineData("^a.c$")]
    [InlineData(@"(?m)a$\n^b")]
    [InlineData("(?s)a.b")]
    [InlineData(@"[\d\-a]+")]
    [InlineData("(?:ab|cd)+?e*?")]
    [InlineData("")]
    [InlineData("(|a)(b|)")]
    public void A_full_match_agrees_with_another_engine(string pattern)
    {
        // Strings over a small alphabet, of which many match, and their mutations.
        var random = new Random(5);
        var texts = new List<string> { "", "www.a-b.c.com", "www.x.comx", "abb", "aBd", "a\nb", "axc", "12.5", "ab cd", "abcde" };
        const string Alphabet = "aabbcde1. \n-w";
        while (texts.Count < 1500) texts.Add(new string([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Alphabet[random.Next(Alphabet.Length)])]));
        var engine = new Regex($@"\A(?:{pattern.Replace("$", pattern.Contains("(?m)", StringComparison.Ordinal) ? "$" : @"\z")})\z", RegexOptions.CultureInvariant);
        bool[] expected = [.. texts.Select(t => engine.IsMatch(t))];
        Assert.Contains(true, expected);

        ModelProto model = Model(20, Node("RegexFullMatch", "x", "y", Attr("pattern", pattern))).In("x", DType.String, texts.Count).Out("y");
        Graph graph = OnnxImporter.Import(model, null);
        ShapeInference.Run(graph);
        using Model file = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = file.CreateSession();
        session.SetInput(0, Tensor.FromStrings([.. texts], new Shape(texts.Count)));
        session.Run();
        for (int i = 0; i < expected.Length; i++)
            Assert.True(expected[i] == (session.Output(0).GetInt64(i) != 0), $"'{pattern}' on '{texts[i]}': expected {expected[i]}");
    }

    [Theory]
    [InlineData("(a", "no ')'")]
    [InlineData("a**", "repeats a repetition")]
    [InlineData("[b-a]", "wrong way round")]
    [InlineData(@"(a)\1", @"'\1' is not supported")]
    [InlineData("(a{1000}){1000}", "more than")]
    public void An_expression_that_cannot_be_is_refused(string pattern, string reason) => Assert.Contains(reason, Assert.Throws<EdgeLiteException>(() =>
        OnnxImporter.Import(Model(20, Node("RegexFullMatch", "x", "y", Attr("pattern", pattern))).In("x", DType.String, 1).Out("y"), null)).Message);

    [Fact]
    public void Code_points_beyond_ASCII_are_single_characters()
    {
        Graph graph = OnnxImporter.Import(Model(20, Node("RegexFullMatch", "x", "y", Attr("pattern", @"(?i)\p{Lu}.ä"))).In("x", DType.String, 3).Out("y"), null);
        Tensor y = new GraphInterpreter(graph).Run(Tensor.FromStrings(["Ö😀Ä", "ö😀ä", "1😀ä"], new Shape(3)))[0];
        Assert.Equal([1, 1, 0], y.ToInt64Array());
    }

    [Fact]
    public void A_gradient_agrees_with_finite_differences()
    {
        // y = tanh(a w) * b / exp(b), with b broadcast; by a and b.
        ModelProto Forward(params NodeProto[] more) => Model(18, [Node("MatMul", "a w", "m"), Node("Tanh", "m", "t"), Node("Mul", "t b", "p"), Node("Exp", "b", "e"), Node("Div", "p e", "y"), .. more])
            .In("a", DType.Float32, 2, 3).In("b", DType.Float32, 4).Const(Floats("w", [3, 4], [.. Enumerable.Range(0, 12).Select(i => 0.3f - 0.07f * i)]));
        NodeProto gradient = Node("Gradient", "a b", "da db", Strings("xs", "a", "b"), Attr("y", "y"));
        gradient.Domain = "ai.onnx.preview.training";
        ModelProto model = Forward(gradient).Out("da", "db");
        model.OpsetImport.Add(new OperatorSetIdProto { Domain = "ai.onnx.preview.training", Version = 1 });
        Tensor a = Tensor.FromArray<float>([0.1f, -0.4f, 0.8f, 0.5f, 0.2f, -0.9f], new Shape(2, 3)), b = Tensor.FromArray<float>([0.5f, -1, 2, 0.1f], new Shape(4));
        Tensor[] got = new GraphInterpreter(OnnxImporter.Import(model, null)).Run(a, b);

        var forward = new GraphInterpreter(OnnxImporter.Import(Forward().Out("y"), null));
        Tensor[] inputs = [a, b];
        for (int k = 0; k < 2; k++)
        {
            Assert.Equal(inputs[k].Shape, got[k].Shape);
            for (long i = 0; i < inputs[k].Count; i++)
            {
                double at = inputs[k].GetDouble(i), step = 1e-2;
                double Sum(double value)
                {
                    inputs[k].SetDouble(i, value);
                    Tensor y = forward.Run(inputs)[0];
                    double sum = 0;
                    for (long j = 0; j < y.Count; j++) sum += y.GetDouble(j);
                    return sum;
                }
                double expected = (Sum(at + step) - Sum(at - step)) / (2 * step);
                inputs[k].SetDouble(i, at);
                Assert.Equal(expected, got[k].GetDouble(i), 2e-3);
            }
        }
    }

    [Fact]
    public void Adagrad_takes_a_step()
    {
        NodeProto step = Node("Adagrad", "r t x g h", "x2 h2", Attr("norm_coefficient", 0.5f), Attr("decay_factor", 0.1f), Attr("epsilon", 1f));
        step.Domain = "ai.onnx.preview.training";
        ModelProto model = Model(18, step).In("r", DType.Float32).In("t", DType.Int64).In("x", DType.Float32, 2).In("g", DType.Float32, 2).In("h", DType.Float32, 2).Out("x2", "h2");
        Tensor[] y = new GraphInterpreter(OnnxImporter.Import(model, null)).Run(Tensor.FromScalar(0.6f), Tensor.FromScalar(2L),
            Tensor.FromArray<float>([2, -4], new Shape(2)), Tensor.FromArray<float>([2, 6], new Shape(2)), Tensor.FromArray<float>([0, 9], new Shape(2)));
        // g + 0.5 x = 3, 4; h = 9, 25; x - 0.6 / 1.2 * g / (sqrt(h) + 1)
        Assert.Equal([9, 25], y[1].ToArray<float>());
        Assert.Equal(2 - 0.5 * 3 / 4, y[0].GetDouble(0), 1e-6);
        Assert.Equal(-4 - 0.5 * 4 / 6, y[0].GetDouble(1), 1e-6);
    }

    private static AttributeProto Strings(string name, params string[] values)
    {
        var attribute = new AttributeProto { Name = name, Type = AttributeProto.Types.AttributeType.Strings };
        attribute.Strings.AddRange(values.Select(ByteString.CopyFromUtf8));
        return attribute;
    }
}
