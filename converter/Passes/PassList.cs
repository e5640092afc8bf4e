using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>The passes, in the order in which they run. This is the one list.</summary>
public static class PassList
{
    /// <summary>What every rewriting leaves behind for sweeping up.</summary>
    public static readonly IReadOnlyList<IGraphPass> CleanUp =
    [
        new ConstantFolding(),
        new NoOps(),
        new ViewChains(),
        new CommonSubexpressions(),
        new DeadCode(),
    ];

    public static readonly IReadOnlyList<IGraphPass> All =
    [
        new ConstantBranches(),
        new HalfPromotion(),
        new RecurrentLoops(),
        new ShapeArithmetic(),
        new GatheredWhole(),
        new TransposeChains(),
        .. CleanUp,
        new ActivationRecognition(),
        new PReluRecognition(),
        new LayerNormRecognition(),
        new RotaryRecognition(),
        new SumBetweenViews(),
        new ConcatPadding(),
        new PadFolding(),
        new AffineFolding(),
        new DeadCode(),
    ];

    /// <summary>Simplifies <paramref name="graph"/> in place until nothing more is found. Types must be inferred.</summary>
    public static void Optimize(Graph graph, Action<IGraphPass, Graph>? afterPass = null) =>
        new PassRunner(All) { AfterPass = afterPass }.RunToFixpoint(graph);
}
