using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Weights of few bits in blocks; activations stay float.</summary>
public sealed record BlockWeightOptions
{
    /// <summary>2, 3, 4 or 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Weights along the rows of a matrix that share a scale; a multiple of 32.</summary>
    public int BlockSize { get; init; } = 32;

    /// <summary>Each block gets a zero point of its own besides the scale.</summary>
    public bool IsAsymmetric { get; init; }

    /// <summary>Entries as in <see cref="QuantizationOptions.KeepFloat"/>.</summary>
    public IReadOnlyList<string> KeepFloat { get; init; } = [];

    /// <summary>Samples for GPTQ: each weight is rounded with regard to what the ones before it lost; null rounds to nearest.</summary>
    public ICalibrationData? Calibration { get; init; }

    public int MaxSamples { get; init; } = 32;
}

/// <summary>What storing weights in blocks did: matrices changed, and the bytes of these before and after.</summary>
public sealed record BlockWeightResult(int Layers, int Tables, long BytesBefore, long BytesAfter);

/// <summary>
/// Constant matrices of MatMul and Gemm become integers of 2, 3, 4 or 8 bits with a float16 scale (and a zero point) for each block of
/// rows of each column, behind a block-wise DequantizeLinear; the lowering makes products on the packed weights of these. 3 bits are held
/// as int4 in [-4, 3] until then.
/// </summary>
internal static class BlockWeights
{
    public static BlockWeightResult Run(Graph graph, BlockWeightOptions options, IProgress<QuantizationProgress>? progress = null)
    {
        if (options.Bits is not (2 or 3 or 4 or 8)) throw new EdgeLiteException(Status.InvalidArgument, $"Weights of {options.Bits} bits are not possible; there are 2, 3, 4 and 8.");
        if (options.BlockSize < 32 || options.BlockSize % 32 != 0) throw new EdgeLiteException(Status.InvalidArgument, $"Blocks of {options.BlockSize} weights are not possible; expected a multiple of 32.");
        var keep = new QuantizationOptions { KeepFloat = options.KeepFloat };
        Node[] layers = [.. graph.Nodes.Where(n => DenseWeights.IsLayer(n) && !keep.IsKeptFloat(n))];
        keep.RequireKeptNodes(graph);
        Dictionary<Node, double[]> hessians = options.Calibration == null ? [] : Hessian.Collect(graph, layers, options, progress);
        var done = new Dictionary<(Tensor, bool), Value>();
        long before = 0, after = 0;
        int count = 0;
        foreach (Node node in layers)
        {
            progress?.Report(new("weights", count++, layers.Length));
            Value weights = node.Inputs[1]!;
            bool inRows = DenseWeights.InRows(node);
            if (!done.TryGetValue((weights.Constant!, inRows), out Value? real))
            {
                real = Dequantized(graph, node, options, hessians.GetValueOrDefault(node));
                done.Add((weights.Constant!, inRows), real);
                before += weights.Constant!.ByteLength;
                long parameters = real.Producer!.Input(1)!.Constant!.Count;
                after += (weights.Constant.Count * options.Bits + 7) / 8 + parameters * (options.IsAsymmetric ? 3 : 2);
            }
            graph.SetInput(node, 1, real);
            if (weights.Consumers.Count == 0 && !graph.Outputs.Contains(weights)) graph.Remove(weights);
        }
        progress?.Report(new("weights", layers.Length, layers.Length));
        int tables = EmbeddingTables.Run(graph, node => !keep.IsKeptFloat(node));
        GraphVerifier.Verify(graph);
        return new BlockWeightResult(done.Count, tables, before, after);
    }

    /// <summary>Makes a dense layer (<see cref="DenseWeights.IsLayer"/>) one of weights in blocks, rounded to nearest, that rounds each block of its
    /// input to int8 as the model runs.</summary>
    public static void Replace(Graph graph, Node node, BlockWeightOptions options)
    {
        Value weights = node.Inputs[1]!;
        graph.SetInput(node, 1, Dequantized(graph, node, options, null));
        if (weights.Consumers.Count == 0 && !graph.Outputs.Contains(weights)) graph.Remove(weights);
        if (!BlockLayers.Lower(graph, node, roundsInput: true)) throw new EdgeLiteException(Status.Internal, $"{node} did not become a layer of weights in blocks.");
    }

    /// <summary>A block-wise DequantizeLinear, before the node, that has the values of its weights.</summary>
    private static Value Dequantized(Graph graph, Node node, BlockWeightOptions options, double[]? hessian)
    {
        Value weights = node.Inputs[1]!;
        bool inRows = DenseWeights.InRows(node);
        Tensor w = weights.Constant!;
        int k = (int)w.Shape[inRows ? 1 : 0], n = (int)w.Shape[inRows ? 0 : 1], size = options.BlockSize, blocks = (k + size - 1) / size;
        DType type = options.Bits switch { 2 => DType.Int2, 8 => DType.Int8, _ => DType.Int4 };
        var stored = new Tensor(type, w.Shape);
        stored.Bytes.Clear();
        Shape shape = inRows ? new Shape(n, blocks) : new Shape(blocks, n);
        var scales = new Tensor(DType.Float16, shape);
        Tensor? zeros = options.IsAsymmetric ? new Tensor(type, shape) : null;
        double[]? inverse = hessian == null ? null : Hessian.InverseFactor(hessian, k);
        var quantized = new sbyte[(long)n * k];
        var columnScales = new Half[(long)n * blocks];
        var columnZeros = new sbyte[(long)n * blocks];
        Parallel.For(0, n, j =>
        {
            var column = new float[k];
            for (int i = 0; i < k; i++) column[i] = (float)w.GetDouble(inRows ? (long)j * k + i : (long)i * n + j);
            Span<sbyte> q = quantized.AsSpan(j * k, k);
            for (int b = 0; b < blocks; b++)
            {
                int first = b * size, last = Math.Min(k, first + size);
                (Half scale, int zero) = BlockRange.Of(column.AsSpan(first, last - first), options.Bits, options.IsAsymmetric);
                columnScales[j * blocks + b] = scale;
                columnZeros[j * blocks + b] = (sbyte)zero;
                for (int i = first; i < last; i++)
                {
                    q[i] = (sbyte)BlockRange.Round(column[i], (float)scale, zero, options.Bits);
                    if (inverse == null) continue;
                    // What this weight lost is made up for by those after it (Frantar et al., GPTQ, arXiv 2210.17323, equation 2).
                    double lost = (column[i] - (float)scale * (q[i] - zero)) / inverse[(long)i * k + i];
                    for (int next = i + 1; next < k; next++) column[next] -= (float)(lost * inverse[(long)i * k + next]);
                }
            }
        });
        for (int j = 0; j < n; j++)
        {
            for (int i = 0; i < k; i++) stored.SetInt64(inRows ? (long)j * k + i : (long)i * n + j, quantized[(long)j * k + i]);
            for (int b = 0; b < blocks; b++)
            {
                long at = inRows ? (long)j * blocks + b : (long)b * n + j;
                scales.SetDouble(at, (double)columnScales[(long)j * blocks + b]);
                zeros?.SetInt64(at, columnZeros[(long)j * blocks + b]);
            }
        }
        Value?[] inputs = [graph.AddConstant(weights.Name + ".stored", stored), graph.AddConstant(weights.Name + ".scale", scales), .. zeros == null ? Array.Empty<Value?>() : [graph.AddConstant(weights.Name + ".zero", zeros)]];
        Value real = Rewrite.Insert(graph, node, "DequantizeLinear", weights.Name + ".blocks", inputs,
            AttributeSet.Of(("axis", inRows ? 1L : 0L), ("block_size", (long)size), ("output_dtype", (long)DType.Float32)));
        real.SourceName = weights.SourceName ?? weights.Name;
        return real;
    }
}
