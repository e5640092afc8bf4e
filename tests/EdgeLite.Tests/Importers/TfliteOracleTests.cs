using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Targets;

namespace EdgeLite.Tests.Importers;

/// <summary>Single builtin operators on random shapes, float and integer, against TFLite's own interpreter, which npm carries compiled to
/// WebAssembly: the reference loops and, converted, a session must give what it gives.</summary>
public class TfliteOracleTests
{
    private const string Package = "@tensorflow/tfjs-tflite";
    private const int Cases = 6;

    /// <summary>The results of every case, by name: tensors, or why the interpreter refused.</summary>
    private static readonly Lazy<Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)>> s_results = new(RunAll);

    public static TheoryData<string> Operators => [.. TfliteCaseMakers.All.Keys];

    [PublishedTheory(Package)]
    [MemberData(nameof(Operators))]
    public void Agrees_with_the_interpreter(string op)
    {
        int compared = 0;
        var failures = new List<string>();
        for (int i = 0; i < Cases; i++)
        {
            (TfliteCase test, Tensor[][] expected, string? refusal) = s_results.Value[$"{op}_{i}"];
            if (refusal != null) continue;
            try
            {
                Check(test, expected);
                compared++;
            }
            catch (Exception e)
            {
                failures.Add($"{i}: {string.Join(' ', test.Inputs.Select(t => t.ToString()))}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= Cases / 2, $"{compared} of {Cases} cases could be compared: {s_results.Value.Values.FirstOrDefault(r => r.Refusal != null && r.Case.Name.StartsWith(op, StringComparison.Ordinal)).Refusal}");
    }

    private static void Check(TfliteCase test, Tensor[][] expected)
    {
        Graph graph = TfliteImporter.Import(test.File, test.Name);
        Tensor[][] runs = [test.Inputs, .. test.Later];
        var interpreter = new GraphInterpreter(graph);
        Tensor[] states = [.. graph.Inputs.Skip(test.Inputs.Length).Select(v => new Tensor(v.DType, v.Shape))]; // zeros
        for (int r = 0; r < runs.Length; r++)
        {
            Tensor[] got = interpreter.Run([.. runs[r], .. states]);
            Compare("interpreter", r, got, 1, test.RealWithin); // real arithmetic between two roundings
            states = [.. graph.Inputs.Skip(test.Inputs.Length).Select(v => got[graph.Outputs.TakeWhile(o => o.Name != graph.Metadata[$"state.{v.Name}"]).Count()])];
        }
        Pipeline.Optimize(graph, new ConversionOptions());
        Pipeline.Lower(graph, new ConversionOptions());
        using Model model = Model.Load(ModelWriter.ToBytes(graph));
        using Session session = model.CreateSession(new SessionOptions { Threads = 1 });
        for (int r = 0; r < runs.Length; r++)
        {
            for (int i = 0; i < test.Inputs.Length; i++) session.SetInput(i, runs[r][i]);
            session.Run();
            Compare("session", r, [.. Enumerable.Range(0, test.Outputs).Select(session.Output)], test.Steps, test.Within);
        }

        void Compare(string where, int run, Tensor[] got, int steps, double within)
        {
            if (runs.Length > 1) where += $" in run {run}";
            for (int k = 0; k < test.Outputs; k++)
            {
                Assert.True(expected[run][k].Shape == got[k].Shape, $"{where}, output {k}: TFLite gives {expected[run][k].Shape}, got {got[k].Shape}");
                double largest = 1;
                for (long i = 0; i < expected[run][k].Count; i++)
                    if (double.IsFinite(expected[run][k].GetDouble(i))) largest = Math.Max(largest, Math.Abs(expected[run][k].GetDouble(i)));
                double tolerance = expected[run][k].DType == DType.Float32 ? test.Tolerance * largest + within : expected[run][k].DType == DType.Int8 ? steps : 0;
                for (long i = 0; i < expected[run][k].Count; i++)
                {
                    double wanted = expected[run][k].GetDouble(i), given = got[k].GetDouble(i);
                    Assert.True(wanted.Equals(given) || Math.Abs(wanted - given) <= tolerance, $"{where}, output {k}, element {i} of {expected[run][k]}: TFLite gives {wanted}, got {given}");
                }
            }
        }
    }

    private static Dictionary<string, (TfliteCase, Tensor[][], string?)> RunAll() => TemporaryFolder.Use(folder =>
    {
        var cases = new List<TfliteCase>();
        foreach (var (op, make) in TfliteCaseMakers.All)
            for (int i = 0; i < Cases; i++)
            {
                TfliteCase test = make(new TfliteCaseMaker($"{op}_{i}", op.Aggregate(i, (hash, c) => hash * 31 + c)));
                cases.Add(test);
                File.WriteAllBytes(Path.Combine(folder, test.Name + ".tflite"), test.File);
                Tensor[][] runs = [test.Inputs, .. test.Later];
                for (int r = 0; r < runs.Length; r++)
                    for (int k = 0; k < runs[r].Length; k++) NpyFile.Write(Path.Combine(folder, $"{test.Name}.{r}.{k}.npy"), runs[r][k]);
            }
        ChildProcess.Outcome outcome = ChildProcess.Run("node", [Path.Combine(SharedData.Root, "tests/oracles/tflite/run.mjs"), "--each", folder], null,
            ("TFJS_TFLITE", PublishedModels.PathOf(Package, "").TrimEnd('/')));
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        return cases.ToDictionary(c => c.Name, c =>
        {
            string at = Path.Combine(folder, c.Name);
            return File.Exists(at + ".error") ? (c, [], File.ReadAllText(at + ".error"))
                : (c, Enumerable.Range(0, 1 + c.Later.Length).Select(r => Enumerable.Range(0, c.Outputs).Select(k => NpyFile.Read($"{at}.{r}.out{k}.npy")).ToArray()).ToArray(), (string?)null);
        });
    });
}
