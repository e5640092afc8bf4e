using System.Diagnostics;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;

namespace EdgeLite.Converter;

/// <summary>
/// Sizes for the free dimensions of inputs where no sample tells them: a model is tried on one set after the other until it takes one. First
/// dimensions (the batch) are 1 and all others have one size; where that does not do, the first ones have it too; where sizes depend on
/// each other, as the lengths of what is new, of what is past and of both, every free dimension goes through small sizes of its own.
/// </summary>
internal static class TrialSizes
{
    /// <summary>In the order in which they are tried.</summary>
    private static readonly long[] s_sizes = [64, 256, 1024, 16384, 16, 4, 1], s_small = [1, 2, 3, 8];

    /// <summary>Elements that an input may have.</summary>
    private const long MaxElements = 1 << 22;

    /// <summary>Multiplications, were each weight used at each place, above which reference loops take minutes: such sizes are tried last.</summary>
    private const double MaxCost = 2e10;

    /// <summary>How many free dimensions may have sizes of their own.</summary>
    private const int MaxOwnSizes = 4;

    /// <summary>No further set is tried after so many seconds.</summary>
    private const int Patience = 60;

    /// <summary>Random samples of a graph that the reference loops can run. Free dimensions behind the first one get sizes at which they do;
    /// throws <see cref="Status.InvalidShape"/> where no set of sizes does.</summary>
    public static CalibrationRandom Samples(Graph graph, int count)
    {
        if (!AreNeeded(graph)) return Noise(graph, count, null);
        var runner = new InterpreterRunner(graph);
        return Find(graph, shapes =>
        {
            CalibrationRandom samples = Noise(graph, count, shapes);
            try
            {
                return runner.Run(samples.Load(0)).Any(o => o.IsList || o.Count > 0) ? samples : null;
            }
            catch (EdgeLiteException e) when (e.Status == Status.RuntimeFailure)
            {
                throw new EdgeLiteException(Status.InvalidShape, e.Message, e); // an index outside a tensor
            }
        });
    }

    /// <summary>Whether a dimension behind the first one is free, or a free first one cannot be 1.</summary>
    public static bool AreNeeded(Graph graph) =>
        graph.Inputs.Any(i => i.Shape.IsRanked && i.Shape.AsSpan().ToArray().Skip(1).Any(d => d < 0))
        || graph.Inputs.All(i => i.Shape.IsRanked) && ShapeAdvice.Refusal(graph, Shapes(graph, (_, _, _) => 1)) != null;

    /// <summary>The inputs with free dimensions and the shapes that they are run with, for a message.</summary>
    public static string Chosen(Graph graph, IReadOnlyList<Shape> shapes) =>
        string.Join(", ", graph.Inputs.Select((input, i) => (input, shapes[i])).Where(p => !p.input.Type.IsKnown).Select(p => $"{p.input.Name}={string.Join('x', p.Item2.AsSpan().ToArray())}"));

    /// <summary>Samples that are the same each time; null: of the shapes that the inputs have, a free first dimension being 1.</summary>
    public static CalibrationRandom Noise(Graph graph, int count, IReadOnlyList<Shape>? shapes) => new(graph, count, 1, CalibrationPreprocessing.Default, shapes);

    /// <summary>What <paramref name="attempt"/> makes of the first set that it takes; it returns null or throws on the others.</summary>
    public static T Find<T>(Graph graph, Func<Shape[], T?> attempt)
        where T : class
    {
        long start = Stopwatch.GetTimestamp();
        string last = "";
        foreach (Shape[] shapes in Of(graph))
        {
            if (Stopwatch.GetElapsedTime(start).TotalSeconds > Patience) break;
            if (ShapeAdvice.Refusal(graph, shapes) is { } refusal) // at once, where a run would come to it late
            {
                last = refusal.Message;
                continue;
            }
            try
            {
                if (attempt(shapes) is { } result) return result;
                last = "its results are empty";
            }
            catch (EdgeLiteException e) when (e.Status is Status.InvalidShape or Status.InvalidGraph or Status.InvalidArgument)
            {
                last = e.Message;
            }
        }
        throw new EdgeLiteException(Status.InvalidShape, $"no size of {string.Join(", ", s_sizes)} does for the free dimensions of all inputs; choose them with --shape. The last size: {last}");
    }

    /// <summary>The sets in the order in which they are to be tried: a shape for each input.</summary>
    private static IEnumerable<Shape[]> Of(Graph graph)
    {
        foreach (Value input in graph.Inputs)
            if (!input.Shape.IsRanked) throw new EdgeLiteException(Status.InvalidShape, $"Input '{input.Name}' has no known rank; give its shape with --shape.");
        double weights = graph.Nodes.SelectMany(n => n.Inputs).OfType<Value>().Where(v => v.IsConstant).Distinct().Sum(v => (double)v.Constant!.Count);
        IEnumerable<Shape[]> sets = ((bool[])[true, false]).SelectMany(isFirstOne => s_sizes.Select(size => Shapes(graph, (_, d, _) => d == 0 && isFirstOne ? 1 : size)))
            .OrderBy(shapes => Cost(graph, shapes) * weights > MaxCost); // a stable order
        return sets.Concat(OwnSizes(graph)).Where(shapes => shapes.All(s => s.Count <= MaxElements)).DistinctBy(shapes => string.Join(';', shapes));
    }

    /// <summary>Each symbol, and each dimension without one, goes through all small sizes.</summary>
    private static IEnumerable<Shape[]> OwnSizes(Graph graph)
    {
        var keys = new List<(int Input, int Axis, long Dim)>();
        Shapes(graph, (i, d, dim) =>
        {
            if (!keys.Contains(Key(i, d, dim))) keys.Add(Key(i, d, dim));
            return 1;
        });
        if (keys.Count > MaxOwnSizes) yield break;
        for (int n = 0; n < Math.Pow(s_small.Length, keys.Count); n++)
            yield return Shapes(graph, (i, d, dim) => s_small[n / (int)Math.Pow(s_small.Length, keys.IndexOf(Key(i, d, dim))) % s_small.Length]);

        static (int, int, long) Key(int input, int axis, long dim) => dim < Shape.Unknown ? (0, 0, dim) : (input, axis, dim);
    }

    private static Shape[] Shapes(Graph graph, Func<int, int, long, long> size) =>
        [.. graph.Inputs.Select((input, i) => new Shape([.. input.Shape.AsSpan().ToArray().Select((dim, d) => dim >= 0 ? dim : size(i, d, dim))]))];

    /// <summary>Places of the largest input: the product of its free dimensions.</summary>
    private static double Cost(Graph graph, Shape[] shapes) =>
        graph.Inputs.Select((input, i) => Enumerable.Range(0, input.Shape.Rank).Where(d => input.Shape[d] < 0).Aggregate(1.0, (p, d) => p * shapes[i][d])).Max();
}
