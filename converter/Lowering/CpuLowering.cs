using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering.Quantized;
using EdgeLite.Converter.Passes;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// Turns an optimised graph of ONNX operators into what the CPU kernels want: integer operators for quantized patterns,
/// channels-last activations, packed weights, activations and additions fused into convolutions and dense layers. What matches
/// nothing stays an ONNX operator. Inputs and outputs keep their type and layout.
/// </summary>
public static class CpuLowering
{
    private static readonly IGraphPass[] s_quantized =
        [new QuantizedMovement(), new QuantizedLayers(), new QuantizedElementwise(), new SixteenBitFunctions(), new LookupTables(), new BlockLayers(), new DynamicLayers(), new DeadCode()];

    private static readonly IGraphPass[] s_once = [new ConstantFolding(keepQuantizedPatterns: false), new AttentionFusion(), new CausalMasks(), new ChannelsLast(), new DenseLayers(), new RecurrentLayers()];

    private static readonly IGraphPass[] s_untilDone = [new TransposeMotion(), new AttentionFusion(), new CausalMasks(), new ChannelShuffles(), new LookupTables(), new LayerPadding(), new FlattenedRows(), new KernelFusion(), new ChannelGates(), .. PassList.CleanUp];

    private static readonly IGraphPass[] s_last = [new TrivialTransposes(), .. PassList.CleanUp];

    /// <summary>Lowers <paramref name="graph"/> in place. Types must be inferred.</summary>
    public static void Run(Graph graph, Action<IGraphPass, Graph>? afterPass = null)
    {
        new PassRunner(s_quantized) { AfterPass = afterPass }.RunToFixpoint(graph);
        new PassRunner(s_once) { AfterPass = afterPass }.RunOnce(graph);
        new PassRunner(s_untilDone) { AfterPass = afterPass }.RunToFixpoint(graph);
        new PassRunner(s_last) { AfterPass = afterPass }.RunToFixpoint(graph);
    }
}
