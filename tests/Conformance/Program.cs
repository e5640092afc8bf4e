using System.Text.Json;
using EdgeLite.Conformance;

// Runs tests in the layout of the ONNX backend tests through importer and reference interpreter.
const string Usage = """
    conformance PATH.. [--filter TEXT] [--jobs N] [--json] [--failed] [--known FILE] [--session [--device NAME] | --library FILE | --serve COMMAND] [--every N]

    PATH       a folder that holds tests (model.onnx and test_data_set_N/), at any depth, or a .tar.xz / .tar.gz / .tar of one
    --filter   only tests whose suite/name contains TEXT (several: separated by commas; =NAME for exactly this test; ! before one: all but these)
    --jobs     tests at a time (default: processors)
    --json     one JSON document instead of lines
    --failed   lines for failed tests only
    --session  through a model file and a session on the CPU's kernels, instead of the reference interpreter
    --device   that of the session (default cpu): cuda, cuda:N
    --library  through a model file and this built libedgelite.so; what has strings or lists is skipped
    --serve    through a model file and processes of this command, tests/capi/serve.c built for a processor, an emulator before it
    --every    a sample: of the tests, sorted by name, the first and every Nth after it
    --known    list of tests whose data is known to be wrong or random (default: known.tsv beside the program)
    """;

var paths = new List<string>();
string filter = "", known = Path.Combine(AppContext.BaseDirectory, "known.tsv");
int jobs = Environment.ProcessorCount;
string? library = null, serve = null;
string device = "cpu";
int every = 1;
bool json = false, failedOnly = false, session = false;
for (int i = 0; i < args.Length; i++)
{
    switch (args[i])
    {
        case "--filter" when i + 1 < args.Length: filter = args[++i]; break;
        case "--known" when i + 1 < args.Length: known = args[++i]; break;
        case "--jobs" when i + 1 < args.Length && int.TryParse(args[i + 1], out jobs) && jobs > 0: i++; break;
        case "--serve" when i + 1 < args.Length: serve = args[++i]; break;
        case "--every" when i + 1 < args.Length && int.TryParse(args[i + 1], out every) && every > 0: i++; break;
        case "--json": json = true; break;
        case "--session": session = true; break;
        case "--device" when i + 1 < args.Length: device = args[++i]; break;
        case "--library" when i + 1 < args.Length: library = args[++i]; break;
        case "--failed": failedOnly = true; break;
        case "--help" or "-h":
            Console.WriteLine(Usage);
            return 0;
        default:
            if (args[i].StartsWith('-'))
            {
                Console.Error.WriteLine($"conformance: '{args[i]}' is not an option or lacks its value (see --help)");
                return 2;
            }
            paths.Add(args[i]);
            break;
    }
}
if (paths.Count == 0)
{
    Console.Error.WriteLine(Usage);
    return 2;
}

EdgeLite.ImageDecoding.ImageDecoder.Register();
using var suites = new TestSuites();
List<TestCase> tests;
KnownTests list;
try
{
    list = KnownTests.Read(known);
    tests = paths.SelectMany(suites.Find).Where(t => TestSuites.Matches(t, filter)).Where((_, i) => i % every == 0).ToList();
}
catch (IOException e)
{
    Console.Error.WriteLine($"conformance: {e.Message}");
    return 2;
}

using ServedSession? served = serve != null ? new ServedSession(serve) : null;
TestRunner.Engine engine = library != null ? new NativeLibrarySession(library).Run
    : served != null ? served.Run
    : session ? new TestRunner.Engine((graph, inputs) => TestRunner.RunSession(graph, inputs, device)) : TestRunner.Interpreter;
var results = new TestResult[tests.Count];
Parallel.For(0, tests.Count, new ParallelOptions { MaxDegreeOfParallelism = jobs }, i => results[i] = TestRunner.Run(tests[i], list, engine));
Report.AttributeExpanded(results);

if (json) Console.WriteLine(JsonSerializer.Serialize(Report.AsObject(results), new JsonSerializerOptions { WriteIndented = true }));
else Report.Print(results, failedOnly, Console.Out);
if (results.Length == 0) Console.Error.WriteLine("conformance: no test was found");
return results.Length > 0 && results.All(r => r.Outcome != Outcome.Fail) ? 0 : 1;
