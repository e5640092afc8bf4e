using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>What int8 quantization may decide.</summary>
public sealed record QuantizationOptions
{
    /// <summary>int8, or int16 for TFLite's 16x8 scheme: activations int16 around zero, weights int8.</summary>
    public DType Activations { get; init; } = DType.Int8;

    public RangeMethod Method { get; init; } = RangeMethod.Best;

    /// <summary>Percent of numbers that <see cref="RangeMethod.Percentile"/> keeps.</summary>
    public double Percentile { get; init; } = 99.999;

    /// <summary>Samples used for calibration, from the first on.</summary>
    public int MaxSamples { get; init; } = 128;

    /// <summary>Nodes that stay float: names of nodes or of values they compute (in the graph or the source model), or operator types. A
    /// trailing * stands for anything. An entry that fits nothing is an error.</summary>
    public IReadOnlyList<string> KeepFloat { get; init; } = [];

    /// <summary>Rescales channels between convolutions so that one scale suits them all; the float model computes the same.</summary>
    public bool EqualizeChannels { get; init; } = true;

    /// <summary>Moves outlying channels of normalizations into the weights of the dense layers behind; the float model computes the same.
    /// For transformers.</summary>
    public bool SmoothNormalizations { get; init; }

    /// <summary>Gives activations a scale for each group of channels, where what computes and reads them lets powers of two through.</summary>
    public bool GroupsActivations { get; init; }

    /// <summary>Makes biases take up what rounding the weights does to the mean of each channel.</summary>
    public bool CorrectBias { get; init; } = true;

    /// <summary>Rounds weights up or down by what the layer's results lose on calibration samples, instead of to nearest.</summary>
    public bool RoundAdaptively { get; init; }

    /// <summary>A search tries activations in int16 before layers go back to float even where that is slower than float: it is smaller.</summary>
    public bool TriesInt16 { get; init; }

    /// <summary>The caller will store the weights of layers that stay float as float16 (<see cref="Quantizer.Half"/>): a search counts them so.</summary>
    public bool HalvesFloatWeights { get; init; }

    /// <summary>Layers leave int8 in the order of the noise that they make, which is the fewest of them, instead of noise for each byte that they save.</summary>
    public bool LeavesFewest { get; init; }

    /// <summary>A search under a budget tries weights of 4 bits in dense layers.</summary>
    public bool TriesFourBits { get; init; }

    /// <summary>Layers of another form than the rest, by the name of their result in the graph.</summary>
    internal IReadOnlyDictionary<string, LayerForm> Forms { get; init; } = new Dictionary<string, LayerForm>();

    /// <summary>The form that a search chose for this node; null where it chose none.</summary>
    internal LayerForm? FormOf(Node node) => node.Outputs is [{ } result, ..] && Forms.TryGetValue(result.Name, out LayerForm form) ? form : null;

    /// <summary>Makes the graph's float32 inputs and outputs of the type of <see cref="Activations"/> where their values are quantized.</summary>
    public bool Int8IO { get; init; }

    /// <summary>Makes what runs the graph on samples.</summary>
    public Func<Graph, IGraphRunner> Runner { get; init; } = graph => new NativeRunner(graph);

    /// <summary>True when an entry of <see cref="KeepFloat"/> means this node.</summary>
    internal bool IsKeptFloat(Node node) => KeepFloat.Any(entry => Fits(entry, node)) || FormOf(node) != null;

    /// <summary>Throws when an entry of <see cref="KeepFloat"/> means no node of the graph.</summary>
    internal void RequireKeptNodes(Graph graph)
    {
        string[] unused = [.. KeepFloat.Where(entry => !graph.Nodes.Any(n => Fits(entry, n))).Distinct().Order().Select(u => $"'{u}'")];
        if (unused.Length > 0)
            throw new EdgeLiteException(Status.InvalidArgument, $"Nothing in graph '{graph.Name}' is called {string.Join(", ", unused)}, which was to stay float.");
    }

    internal static bool Fits(string entry, Node node)
    {
        return Is(node.OpType) || Is(node.Name) || node.Outputs.Any(o => o != null && (Is(o.Name) || o.SourceName != null && Is(o.SourceName)));

        bool Is(string name) => entry.EndsWith('*') ? name.StartsWith(entry[..^1], StringComparison.Ordinal) : name == entry;
    }
}

/// <summary>How far a long step is: "calibrate" 3 of 20.</summary>
public readonly record struct QuantizationProgress(string Stage, int Done, int Total);

/// <summary>A node that int8 quantization left in float, and why.</summary>
public sealed record KeptFloat(string Node, string Reason);

/// <summary>What quantization did.</summary>
public sealed record QuantizationResult
{
    /// <summary>The graph that was given, now with QuantizeLinear and DequantizeLinear.</summary>
    public required Graph Graph { get; init; }

    /// <summary>Parameters of quantized values by the name they have in the source model (<see cref="Value.SourceName"/>, else the name).</summary>
    public required IReadOnlyDictionary<string, TensorQuantization> Parameters { get; init; }

    /// <summary>Nodes that compute on int8 after lowering.</summary>
    public required int QuantizedNodes { get; init; }

    /// <summary>Nodes with float32 results that stay float.</summary>
    public required IReadOnlyList<KeptFloat> KeptFloat { get; init; }

    public required int Samples { get; init; }

    /// <summary>How ranges were taken; with <see cref="RangeMethod.Best"/>, what was chosen.</summary>
    public required RangeMethod Method { get; init; }

    /// <summary>Percent of numbers kept by <see cref="RangeMethod.Percentile"/>.</summary>
    public required double Percentile { get; init; }

    /// <summary>Lowest SQNR of an output on calibration samples, dB, where observers were compared (<see cref="RangeMethod.Best"/>); NaN where nothing was measured.</summary>
    public double Sqnr { get; init; } = double.NaN;
}
