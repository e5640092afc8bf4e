using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>The weights of a recurrent layer as ONNX wants them: W[1][gates*units][in], R[1][gates*units][units], B[1][2*gates*units].</summary>
internal sealed record CellWeights(string OpType, long Units, Tensor W, Tensor R, Tensor? B, bool ResetAfter = false);

/// <summary>
/// Reads the weights of recurrent cells. Keras's kernels are [in, gates*units] with gates i f c o (LSTM) and z r h (GRU); ONNX's gates
/// are i o f c and z r h. Keras 1 keeps a matrix for each gate; the layers for cuDNN keep each gate's matrix transposed in memory.
/// </summary>
internal static class RecurrentCells
{
    private static readonly string[] s_lstmGates = ["i", "f", "c", "o"], s_gruGates = ["z", "r", "h"];
    private static readonly int[] s_lstmOrder = [0, 3, 1, 2], s_gruOrder = [0, 1, 2], s_rnnOrder = [0];

    public static CellWeights Read(KerasNode n, KerasLayer layer)
    {
        string kind = layer.ClassName;
        (string op, string[] gates, int[] order) = kind switch
        {
            "LSTM" or "CuDNNLSTM" or "LSTMCell" => ("LSTM", s_lstmGates, s_lstmOrder),
            "GRU" or "CuDNNGRU" or "GRUCell" => ("GRU", s_gruGates, s_gruOrder),
            "SimpleRNN" or "SimpleRNNCell" => ("RNN", [""], s_rnnOrder),
            _ => throw n.Error($"'{kind}' is no recurrent layer that can be wrapped"),
        };
        bool cudnn = kind.StartsWith("CuDNN", StringComparison.Ordinal);
        KerasWeights weights = layer.Weights.Entries.Count == 0 ? layer.Weights.Inside("cell") : layer.Weights;
        bool hasBias = layer.Config.Bool(true, "use_bias");
        Tensor kernel, recurrent, bias = null!;
        if (gates.Length > 1 && weights.Has("W_" + gates[0]))
        {
            string[] names = [.. gates.SelectMany(g => new[] { "W_" + g, "U_" + g, "b_" + g })];
            Tensor[] parts = weights.Take(layer.Name, names);
            kernel = SideBySide([.. gates.Select((_, i) => parts[3 * i])]);
            recurrent = SideBySide([.. gates.Select((_, i) => parts[3 * i + 1])]);
            bias = Arrays.Stack(new Shape(gates.Sum((g) => parts[3 * Array.IndexOf(gates, g) + 2].Count)), [.. gates.Select((_, i) => parts[3 * i + 2])]);
        }
        else
        {
            Tensor[] parts = hasBias ? weights.Take(layer.Name, "kernel", "recurrent_kernel", "bias") : weights.Take(layer.Name, "kernel", "recurrent_kernel");
            (kernel, recurrent) = (parts[0], parts[1]);
            if (hasBias) bias = parts[2];
        }
        n.RequireRank(kernel, 2, "kernel");
        n.RequireRank(recurrent, 2, "recurrent kernel");
        long units = recurrent.Shape[0], width = kernel.Shape[0], rows = gates.Length * units;
        if (kernel.Shape[1] != rows || recurrent.Shape[1] != rows) throw n.Damaged($"kernels {kernel.Shape} and {recurrent.Shape} do not fit {gates.Length} gates");
        bool resetAfter = op == "GRU" && (cudnn || layer.Config.Bool(false, "reset_after"));
        Tensor w = Gates(kernel, units, order, cudnn), r = Gates(recurrent, units, order, cudnn);
        return new(op, units, Arrays.Shaped(w, new Shape(1, rows, width)), Arrays.Shaped(r, new Shape(1, rows, units)), hasBias ? Bias(n, bias, units, order) : null, resetAfter);
    }

    /// <summary>Keras keeps one bias; cuDNN and reset_after keep two, for the input and for the state.</summary>
    private static Tensor Bias(KerasNode n, Tensor bias, long units, int[] order)
    {
        long rows = order.Length * units;
        if (bias.Count != rows && bias.Count != 2 * rows) throw n.Damaged($"its bias has {bias.Count} numbers, expected {rows} or {2 * rows}");
        var result = new Tensor(DType.Float32, new Shape(1, 2 * rows));
        Span<float> from = bias.Span<float>(), to = result.Span<float>();
        int size = (int)units;
        for (int half = 0; half < bias.Count / rows; half++)
            for (int g = 0; g < order.Length; g++)
                from.Slice(half * (int)rows + order[g] * size, size).CopyTo(to[(half * (int)rows + g * size)..]);
        return result;
    }

    /// <summary>[in, gates*units] to [gates*units, in] with the gates in ONNX's order. cuDNN's blocks lie in memory as [units, in] already
    /// (Keras engine/saving.py, _convert_rnn_weights).</summary>
    private static Tensor Gates(Tensor kernel, long units, int[] order, bool cudnn)
    {
        Tensor[] blocks = [.. order.Select(g => Arrays.Columns(kernel, g * units, units)).Select(k => cudnn ? k : Arrays.Permute(k, 1, 0))];
        return Arrays.Stack(new Shape(order.Length * units, kernel.Shape[0]), blocks);
    }

    private static Tensor SideBySide(Tensor[] parts)
    {
        int rows = (int)parts[0].Shape[0], width = (int)parts[0].Shape[1];
        var result = new Tensor(DType.Float32, new Shape(rows, (long)width * parts.Length));
        for (int p = 0; p < parts.Length; p++)
        {
            if (parts[p].Shape != parts[0].Shape) throw new EdgeLiteException(Status.Corrupt, $"Gates of a recurrent layer have shapes {parts[0].Shape} and {parts[p].Shape}.");
            for (int r = 0; r < rows; r++) parts[p].Span<float>().Slice(r * width, width).CopyTo(result.Span<float>()[(r * width * parts.Length + p * width)..]);
        }
        return result;
    }
}
