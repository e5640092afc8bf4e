using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Importers;
using Microsoft.ML.OnnxRuntime;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>Operators on random shapes at the edge of what they allow, against ONNX Runtime: by the reference loops and, converted, in a
/// session, with fixed and with free dimensions.</summary>
public class EdgeShapeTests
{
    private const long OperatorSet = 21;

    /// <summary>Cases of each operator; the environment variable EDGELITE_EDGE_CASES asks for more.</summary>
    private static readonly int s_cases = int.TryParse(Environment.GetEnvironmentVariable("EDGELITE_EDGE_CASES"), out int more) ? more : 24;

    private static readonly Dictionary<string, Func<EdgeShapes, string, EdgeCase>> s_makers = EdgeShapeMakers.All.Concat(RarerShapeMakers.Comparable).Concat(MlShapeMakers.All).ToDictionary();

    public static TheoryData<string> Operators => [.. s_makers.Keys];

    [Theory]
    [MemberData(nameof(Operators))]
    public void Agrees_with_onnx_runtime(string op)
    {
        int compared = 0;
        var failures = new List<string>();
        for (int i = 0; i < s_cases; i++)
        {
            EdgeCase test = s_makers[op](new EdgeShapes(op.Aggregate(i, (hash, c) => hash * 31 + c)), op);
            ModelProto model = test.Model(OperatorSet, free: i % 2 == 1);
            Tensor[] inputs = [.. test.Inputs.Where(t => !t.IsConstant).Select(t => t.Value)];
            try
            {
                OrtComparison.Check(model, 1e-4, inputs);
                compared++;
            }
            catch (OnnxRuntimeException)
            {
                // What it refuses may be taken here, but must not end in anything but a clear error.
                if (Record.Exception(() => Run(model, inputs)) is { } e and not EdgeLiteException) failures.Add($"{i}: {test}: {e}");
            }
            catch (Exception e)
            {
                failures.Add($"{i}: {test}: {e.GetType().Name}: {e.Message}");
            }
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures));
        Assert.True(compared >= s_cases / 3, $"only {compared} of {s_cases} cases could be compared");
    }

    /// <summary>Whatever shape an operand has in a file, no loop reads or writes beside a tensor: a clear error, or a result.</summary>
    [Theory]
    [MemberData(nameof(Operators))]
    public void Operands_that_do_not_fit_together_are_refused(string op)
    {
        var failures = new List<string>();
        for (int i = 0; i < s_cases; i++)
        {
            EdgeCase good = s_makers[op](new EdgeShapes(op.Aggregate(i, (hash, c) => hash * 31 + c)), op);
            for (int k = 0; k < good.Inputs.Count; k++)
                foreach (EdgeCase bad in good.WithOtherShapes(k))
                    foreach ((string where, Func<EdgeCase, object> run) in s_ways)
                        if (Record.Exception(() => run(bad)) is { } e and not EdgeLiteException) failures.Add($"{where} {i}: {bad}: {e}");
        }
        Assert.True(failures.Count == 0, string.Join('\n', failures.Take(5)));
    }

    private static readonly (string, Func<EdgeCase, object>)[] s_ways =
    [
        ("loop", test => Run(test.Model(OperatorSet, free: true), Values(test))),
        ("session", test => OrtComparison.RunSession(test.Model(OperatorSet, free: false), Values(test))),
    ];

    private static Tensor[] Values(EdgeCase test) => [.. test.Inputs.Where(t => !t.IsConstant).Select(t => t.Value)];
}
