using EdgeLite.Converter;
using EdgeLite.Converter.Importers.Tflite;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Tests.Targets;

namespace EdgeLite.Tests.Importers;

/// <summary>TFLite's own interpreter as the oracle of small models, in WebAssembly under node: that of 2022 (npm @tensorflow/tfjs-tflite), and for newer
/// operators LiteRT's (npm @litertjs/core).</summary>
internal static class TfliteInterpreter
{
    public const string Package = "@tensorflow/tfjs-tflite", Newer = "@litertjs/core";

    /// <summary>The reference loops on the imported model, and a session of the converted one, give what the interpreter gives.</summary>
    public static void Check(TfliteCase test, Tensor[][] expected)
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
                double tolerance = expected[run][k].DType == DType.Float32 ? test.Tolerance * largest + within : expected[run][k].DType is DType.Int8 or DType.UInt8 ? steps : 0;
                for (long i = 0; i < expected[run][k].Count; i++)
                {
                    double wanted = expected[run][k].GetDouble(i), given = got[k].GetDouble(i);
                    Assert.True(wanted.Equals(given) || Math.Abs(wanted - given) <= tolerance, $"{where}, output {k}, element {i} of {expected[run][k]}: TFLite gives {wanted}, got {given}");
                }
            }
        }
    }

    /// <summary>The results of every case by name: tensors of each run, or why the interpreter refused.</summary>
    public static Dictionary<string, (TfliteCase Case, Tensor[][] Expected, string? Refusal)> Run(IEnumerable<TfliteCase> made, string package = Package) => TemporaryFolder.Use(folder =>
    {
        TfliteCase[] cases = [.. made];
        foreach (TfliteCase test in cases)
        {
            File.WriteAllBytes(Path.Combine(folder, test.Name + ".tflite"), test.File);
            Tensor[][] runs = [test.Inputs, .. test.Later];
            for (int r = 0; r < runs.Length; r++)
                for (int k = 0; k < runs[r].Length; k++) NpyFile.Write(Path.Combine(folder, $"{test.Name}.{r}.{k}.npy"), runs[r][k]);
        }
        ChildProcess.Outcome outcome = ChildProcess.Run("node", [Path.Combine(SharedData.Root, package == Package ? "tests/oracles/tflite/run.mjs" : "tests/oracles/litert/run.mjs"), "--each", folder], null,
            (package == Package ? "TFJS_TFLITE" : "LITERT", PublishedModels.PathOf(package, "").TrimEnd('/')));
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        return cases.ToDictionary(c => c.Name, c =>
        {
            string at = Path.Combine(folder, c.Name);
            return File.Exists(at + ".error") ? (c, [], File.ReadAllText(at + ".error"))
                : (c, Enumerable.Range(0, 1 + c.Later.Length).Select(r => Enumerable.Range(0, c.Outputs).Select(k => NpyFile.Read($"{at}.{r}.out{k}.npy")).ToArray()).ToArray(), (string?)null);
        });
    });
}
