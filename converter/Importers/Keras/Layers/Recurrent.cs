using System.Text.Json;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>What a recurrent layer computed: the sequence in the order of time (only where asked for), and the last states.</summary>
internal readonly record struct RecurrentResult(Value? Sequence, Value[] States);

/// <summary>
/// Recurrent layers. A masked step leaves the state as it is and repeats the last output: the steps that are there are moved together,
/// run as a shorter sequence, and spread out again. The states of stateful layers are states of the model, which live from run to run.
/// </summary>
internal static class Recurrent
{
    [Keras("SimpleRNN"), Keras("LSTM", Notes = "stateful layers keep their states from run to run"), Keras("GRU"), Keras("CuDNNLSTM"), Keras("CuDNNGRU")]
    private static void Layer(KerasNode n) => Finish(n, (sequence, initial) => Run(n, n.Layer, n.X, n.Mask, n.Config.Bool(false, "go_backwards"), sequence, initial));

    [Keras("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", Limits = "masks")]
    private static void ConvLstm(KerasNode n) => Finish(n, (sequence, initial) => ConvLstmLayer.Run(n, n.Layer, n.X, n.Mask, n.Config.Bool(false, "go_backwards"), sequence, initial));

    [Keras("RNN", Notes = "over LSTMCell, GRUCell, SimpleRNNCell and StackedRNNCells of these")]
    private static void OverCell(KerasNode n) => Finish(n, (sequence, initial) => RunCells(n, n.Layer, n.Config.Bool(false, "go_backwards"), sequence, initial));

    private static KerasLayer[] CellsOf(KerasNode n, KerasLayer layer)
    {
        JsonElement json = layer.Config.Get("cell") ?? throw n.Damaged("it has no cell");
        KerasWeights weights = layer.Weights.Inside("cell");
        JsonElement[] stack = json.ValueKind == JsonValueKind.Array ? [.. json.EnumerateArray()]
            : KerasLayer.ClassOf(json) == "StackedRNNCells" ? [.. (KerasLayer.ConfigOf(json).Get("cells") ?? throw n.Damaged("StackedRNNCells has no cells")).EnumerateArray()] : [];
        KerasLayer[] cells = stack.Length == 0 ? [layer.Child("cell", () => new KerasLayer(KerasLayer.ClassOf(json), layer.Name, KerasLayer.ConfigOf(json), weights))]
            : [.. stack.Select((c, i) => layer.Child($"cell{i}", () => new KerasLayer(KerasLayer.ClassOf(c), $"{layer.Name}/{KerasLayer.NameOf(c)}", KerasLayer.ConfigOf(c), WeightsOf(i))))];
        foreach (KerasLayer cell in cells)
            if (cell.ClassName is not ("LSTMCell" or "GRUCell" or "SimpleRNNCell")) throw n.Error($"a cell of kind '{cell.ClassName}' is not supported");
        return cells;

        // Theano and TensorFlow.js do not name the cells: their weights follow one another.
        KerasWeights WeightsOf(int i)
        {
            JsonElement cell = stack[i];
            string name = KerasLayer.NameOf(cell);
            KerasWeights own = weights.OfLayer(name, [name], KerasLayer.ClassOf(cell), stack.Take(i).Count(o => KerasLayer.ClassOf(o) == KerasLayer.ClassOf(cell)));
            return own.Entries.Count > 0 ? own : new NamedWeights([.. weights.Entries.Skip(stack.Take(i).Sum(CountOf)).Take(CountOf(cell))]);
        }

        static int CountOf(JsonElement cell) => KerasLayer.ConfigOf(cell).Bool(true, "use_bias") ? 3 : 2;
    }

    /// <summary>Several cells, one upon the other, are as many layers. The result's sequence is the last step's output where no sequence is asked for.</summary>
    private static RecurrentResult RunCells(KerasNode n, KerasLayer layer, bool backwards, bool sequence, Value[] initial)
    {
        KerasLayer[] cells = CellsOf(n, layer);
        if (cells.Length > 1 && initial.Length > 0) throw n.Error("initial states of several cells are not supported");
        Value x = n.X;
        if (cells.Length > 1 && n.Importer.Origin.HasLastStatesFirst == null && layer.Config.Bool(false, "return_state")) throw n.Error("the order in which several cells return their states depends on the version of TensorFlow, which the file does not tell; save it with a newer one");
        var states = new List<Value>();
        RecurrentResult result = default;
        for (int i = 0; i < cells.Length; i++)
        {
            result = Run(n, cells[i], x, n.Mask, backwards, sequence || i < cells.Length - 1, initial);
            states.InsertRange(n.Importer.Origin.HasLastStatesFirst == true ? 0 : states.Count, result.States);
            if (i < cells.Length - 1) x = result.Sequence!;
        }
        return new(sequence ? result.Sequence : result.States[0], [.. states]);
    }

    /// <summary>The backward layer is the forward one with go_backwards turned round; its sequence is turned round once more.</summary>
    [Keras("Bidirectional")]
    private static void Bidirectional(KerasNode n)
    {
        JsonElement json = n.Config.Get("layer") ?? throw n.Damaged("it has no layer");
        JsonElement backwardJson = n.Config.Get("backward_layer") ?? json;
        KerasLayer forward = n.Layer.Child("forward", () => new KerasLayer(KerasLayer.ClassOf(json), n.Name + "/forward", KerasLayer.ConfigOf(json), n.Layer.Weights.Inside("forward_layer")));
        KerasLayer backward = n.Layer.Child("backward", () => new KerasLayer(KerasLayer.ClassOf(backwardJson), n.Name + "/backward", KerasLayer.ConfigOf(backwardJson), n.Layer.Weights.Inside("backward_layer")));
        if (n.Inputs.Length > 1 || n.Named.ContainsKey("initial_state")) throw n.Error("initial states are not supported");
        bool sequence = forward.Config.Bool(false, "return_sequences"), states = forward.Config.Bool(false, "return_state");
        bool turned = forward.Config.Bool(false, "go_backwards");
        RecurrentResult f = RunAny(n, forward, turned, sequence), b = RunAny(n, backward, !turned, sequence);
        // In the order of processing, then the backward one reversed: both end in the order of time unless the layer goes backwards itself.
        Value first = f.Sequence ?? f.States[0], second = b.Sequence ?? b.States[0];
        if (sequence && turned) (first, second) = (Reversed(n, first), Reversed(n, second));
        KerasTensor[] outputs;
        string merge = n.Config.Has("merge_mode") ? n.Config.Text("merge_mode") : n.Config.Json.TryGetProperty("merge_mode", out _) ? "none" : "concat";
        int channels = IsConvolution(forward) && forward.Config.ChannelsFirst() ? sequence ? 2 : 1 : n.RankOf(first) - 1;
        Value? mask = sequence ? n.Mask : null;
        outputs = merge switch
        {
            "concat" => [new(n.Concat([first, second], channels), mask)],
            "sum" => [new(n.Emit("Add", [first, second]), mask)],
            "mul" => [new(n.Emit("Mul", [first, second]), mask)],
            "ave" => [new(n.Emit("Mul", [n.Emit("Add", [first, second]), n.Scalar(0.5)]), mask)],
            "none" => [new(first, mask), new(second, mask)],
            _ => throw n.Error($"merge_mode '{merge}' is not supported"),
        };
        n.Set(states ? [.. outputs, .. f.States.Select(s => new KerasTensor(s)), .. b.States.Select(s => new KerasTensor(s))] : outputs);
    }

    /// <summary>The inner layer applied to every step.</summary>
    [Keras("TimeDistributed")]
    private static void TimeDistributed(KerasNode n)
    {
        JsonElement json = n.Config.Get("layer") ?? throw n.Damaged("it has no layer");
        string className = KerasLayer.ClassOf(json);
        KerasLayer inner = n.Layer.Child("layer", () => new KerasLayer(className, $"{n.Name}/{KerasLayer.NameOf(json)}", KerasLayer.ConfigOf(json), n.Layer.Weights.Inside("layer")));
        if (className is "Dense" or "Activation" or "Dropout" or "LeakyReLU" or "ReLU" or "ELU" or "Rescaling")
        {
            n.SetMasked(n.Importer.Call(inner, [new(n.X)])[0].Value);
            return;
        }
        Shape shape = n.X.Shape;
        int rank = n.Rank;
        if (rank < 3) throw n.InputError($"its input has shape {shape}; expected a batch, steps and something more");
        for (int i = 2; i < rank; i++) if (shape[i] < 0) throw n.InputError($"its input has shape {shape}; sizes behind the steps must be known");
        Value steps = n.Reshape(n.X, [-1, .. shape.AsSpan()[2..]]);
        Value y = (KerasModel.IsModel(json) ? new KerasModel(json).Call(n.Importer, inner, [new(steps)]) : n.Importer.Call(inner, [new(steps)]))[0].Value;
        long[] rest = [.. y.Shape.AsSpan()[1..]];
        if (shape[1] >= 0 && rest.All(d => d >= 0)) n.SetMasked(n.Reshape(y, [-1, shape[1], .. rest]));
        else
        {
            Value outer = n.Emit("Shape", [n.X], ("start", 0), ("end", 2)), back = n.Emit("Shape", [y], ("start", 1));
            n.SetMasked(n.Emit("Reshape", [y, n.Concat([outer, back], 0)]));
        }
    }

    /// <summary>Runs one direction. <paramref name="initial"/>: h (and c), each [batch, units].</summary>
    internal static RecurrentResult Run(KerasNode n, KerasLayer layer, Value x, Value? mask, bool backwards, bool sequence, Value[] initial)
    {
        if (n.RankOf(x) != 3) throw n.InputError($"its input has shape {x.Shape}, expected [batch, steps, features]");
        CellWeights cell = RecurrentCells.Read(n, layer);
        Value w = layer.Constant(n.Graph, "W", () => cell.W), r = layer.Constant(n.Graph, "R", () => cell.R);
        Value? b = cell.B == null ? null : layer.Constant(n.Graph, "B", () => cell.B);
        MaskedSteps? steps = mask == null ? null : MaskedSteps.Of(n, mask);
        if (steps != null) x = steps.Compact(n, x);
        bool isLstm = cell.OpType == "LSTM", isStateful = (n.Config.Bool(false, "stateful") || layer.Config.Bool(false, "stateful")) && initial.Length == 0;
        if (isStateful)
        {
            if (x.Shape[0] < 0) throw n.InputError("it is stateful, so the batch size must be fixed (batch_input_shape)");
            initial = [.. (isLstm ? new[] { "h", "c" } : ["h"]).Select(s => n.Importer.State($"{layer.Name}/{s}", new TensorType(DType.Float32, new Shape(x.Shape[0], cell.Units))))];
        }
        if (initial.Length != 0 && initial.Length != (isLstm ? 2 : 1)) throw n.Damaged($"it is called with {initial.Length} initial states");
        Value?[] states = [.. initial.Select(s => n.Emit("Unsqueeze", [s, n.Ints(0)]))];
        Value time = n.Transpose(x, 1, 0, 2);
        Value?[] inputs = states.Length > 0 ? [time, w, r, b, steps?.Lengths, .. states] : steps != null ? [time, w, r, b, steps.Lengths] : b != null ? [time, w, r, b] : [time, w, r];
        Value[] outputs = n.EmitMany(cell.OpType, isLstm ? 3 : 2, inputs, [.. ActivationAttributes(n, layer, cell), ("hidden_size", cell.Units),
            ("direction", backwards ? "reverse" : "forward")]);
        Value? y = null;
        if (sequence)
        {
            y = n.Transpose(n.Emit("Squeeze", [outputs[0], n.Ints(1)]), 1, 0, 2);
            if (steps != null) y = steps.Spread(n, y, backwards);
        }
        Value[] last = [.. outputs[1..].Select(s => n.Emit("Squeeze", [s, n.Ints(0)]))];
        for (int s = 0; isStateful && s < last.Length; s++) n.Importer.Keep(initial[s], last[s]);
        return new(y, last);
    }

    internal static Value Reversed(KerasNode n, Value x) => n.Slice(x, 1, -1, long.MinValue, -1);

    private static bool IsConvolution(KerasLayer layer) => layer.ClassName.StartsWith("ConvLSTM", StringComparison.Ordinal);

    private static RecurrentResult RunAny(KerasNode n, KerasLayer layer, bool backwards, bool sequence) => IsConvolution(layer)
        ? ConvLstmLayer.Run(n, layer, n.X, n.Mask, backwards, sequence, [])
        : layer.ClassName == "RNN" ? RunCells(n, layer, backwards, sequence, []) : Run(n, layer, n.X, n.Mask, backwards, sequence, []);

    /// <summary>A layer of its own gives its sequence in the order of processing.</summary>
    private static void Finish(KerasNode n, Func<bool, Value[], RecurrentResult> run)
    {
        bool sequence = n.Config.Bool(false, "return_sequences");
        if (n.Config.Bool(false, "time_major")) throw n.Error("time_major is not supported");
        Value[] initial = [.. (n.Inputs.Length > 1 ? n.Inputs[1..] : n.Named.GetValueOrDefault("initial_state") ?? []).Select(i => i.Value)];
        RecurrentResult result = run(sequence, initial);
        Value y = sequence ? result.Sequence! : result.Sequence ?? result.States[0];
        if (sequence && n.Config.Bool(false, "go_backwards")) y = Reversed(n, y);
        var output = new KerasTensor(y, sequence ? n.Mask : null);
        n.Set(n.Config.Bool(false, "return_state") ? [output, .. result.States.Select(s => new KerasTensor(s))] : [output]);
    }

    private static List<(string, AttributeValue)> ActivationAttributes(KerasNode n, KerasLayer layer, CellWeights cell)
    {
        var main = layer.ClassName.StartsWith("CuDNN", StringComparison.Ordinal) ? ("Tanh", 0f, 0f) : Activations.Recurrent(n, layer.Config, "tanh", "activation");
        // Without the key: Keras 1 and 2 mean hard_sigmoid, Keras 3 and cuDNN sigmoid.
        string usual = layer.ClassName.StartsWith("CuDNN", StringComparison.Ordinal) || n.Importer.Origin.Major >= 3 ? "sigmoid" : "hard_sigmoid";
        var gate = Activations.Recurrent(n, layer.Config, usual, "recurrent_activation", "inner_activation");
        (string Name, float Alpha, float Beta)[] all = cell.OpType switch
        {
            "LSTM" => [gate, main, main],
            "GRU" => [gate, main],
            _ => [main],
        };
        List<(string, AttributeValue)> attributes = [("activations", all.Select(a => a.Name).ToArray())];
        float[] alphas = [.. all.Where(a => a.Name is "HardSigmoid" or "Affine" or "Elu" or "LeakyRelu").Select(a => a.Alpha)];
        float[] betas = [.. all.Where(a => a.Name is "HardSigmoid" or "Affine").Select(a => a.Beta)];
        if (alphas.Length > 0) attributes.Add(("activation_alpha", alphas));
        if (betas.Length > 0) attributes.Add(("activation_beta", betas));
        if (cell.ResetAfter) attributes.Add(("linear_before_reset", 1));
        return attributes;
    }
}
