using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Dl4j.Layers;

/// <summary>Recurrent layers on [batch, features, steps]. W [in, gates * units] and RW lie column by column, then the bias. The LSTM's
/// blocks are: input (activated by the layer's function), forget gate, output gate, input gate (LSTMHelpers).</summary>
internal static class Recurrent
{
    [Dl4j("LSTM")] private static Dl4jTensor Lstm(Dl4jLayer l) => Alone(l, x => RunLstm(l, x, peepholes: false, backwards: false));

    /// <summary>RW has three columns more: weights from the cell's state to the forget, the output and the input gate.</summary>
    [Dl4j("GravesLSTM", "gravesLSTM")] private static Dl4jTensor GravesLstm(Dl4jLayer l) => Alone(l, x => RunLstm(l, x, peepholes: true, backwards: false));

    /// <summary>The sum of both directions.</summary>
    [Dl4j("GravesBidirectionalLSTM", "gravesBidirectionalLSTM")]
    private static Dl4jTensor GravesBidirectional(Dl4jLayer l) => Alone(l, x =>
    {
        Value forward = RunLstm(l, x, true, false), backward = RunLstm(l, x, true, true);
        return l.Emit("Add", [forward, backward]);
    });

    [Dl4j("SimpleRnn", Limits = "layer normalization")] private static Dl4jTensor Simple(Dl4jLayer l) => Alone(l, x => RunSimple(l, x, backwards: false));

    [Dl4j("Bidirectional", Limits = "other layers than LSTM, GravesLSTM and SimpleRnn")]
    private static Dl4jTensor Bidirectional(Dl4jLayer l)
    {
        Dl4jConfig forward = l.Config.Inner("fwd"), backward = l.Config.Inner("bwd");
        if (LastStep(forward) is { } inner) // only the last step of each direction, in its own order of processing
        {
            Dl4jConfig other = LastStep(backward) ?? throw l.Error("only one of its directions is a LastTimeStep");
            Value time = ToTime(l, inner);
            return l.Result(Merged(l, Last(l, Direction(l, inner, time, false)), First(l, Direction(l, other, time, true)), 1));
        }
        Value x = ToTime(l, forward);
        Value f = Direction(l, forward, x, false), b = Direction(l, backward, x, true);
        return l.Result(FromTime(l, Merged(l, f, b, 2)));
    }

    private static Dl4jConfig? LastStep(Dl4jConfig config) => config.Kind is "LastTimeStep" ? config.Inner("underlying") : null;

    private static Value Direction(Dl4jLayer l, Dl4jConfig config, Value time, bool backwards)
    {
        var inner = new Dl4jLayer(l.Graph, l.Weights, config, $"{l.Name}/{(backwards ? "backward" : "forward")}", l.Inputs) { Variables = l.Variables };
        return config.Kind.ToUpperInvariant() switch
        {
            "LSTM" => RunLstm(inner, time, false, backwards),
            "GRAVESLSTM" => RunLstm(inner, time, true, backwards),
            "SIMPLERNN" => RunSimple(inner, time, backwards),
            _ => throw l.Error($"it wraps '{config.Kind}', which has no conversion there"),
        };
    }

    private static Value Merged(Dl4jLayer l, Value forward, Value backward, int axis) => l.Config.Text("mode", "CONCAT") switch
    {
        "CONCAT" => l.Emit("Concat", [forward, backward], ("axis", axis)),
        "ADD" => l.Emit("Add", [forward, backward]),
        "MUL" => l.Emit("Mul", [forward, backward]),
        "AVERAGE" => l.Emit("Mul", [l.Emit("Add", [forward, backward]), l.Scalar(0.5)]),
        var other => throw l.Error($"mode '{other}' has no conversion"),
    };

    [Dl4j("LastTimeStep", "LastTimeStepLayer")]
    private static Dl4jTensor LastTimeStep(Dl4jLayer l)
    {
        Dl4jTensor y = l.Convert(l.Config.Inner("underlying", "layer"), l.Name, l.Inputs);
        return y with { Value = l.Emit("Gather", [y.Value, l.Constant("last", Tensor.FromScalar(-1L))], ("axis", IsSequenceLast(l.Config.Inner("underlying", "layer")) ? 1 : 2)) };
    }

    [Dl4j("TimeDistributed", Limits = "layers that are not dense")]
    private static Dl4jTensor TimeDistributed(Dl4jLayer l)
    {
        Dl4jConfig inner = l.Config.Inner("underlying");
        if (inner.Kind is not ("DenseLayer" or "OutputLayer" or "ActivationLayer" or "DropoutLayer")) throw l.Error($"it wraps '{inner.Kind}', which has no conversion there");
        if (inner.Get("nin") is not null) l.Refine(inner.Int("nin"), -1);
        Dl4jTensor rows = l.Convert(inner, l.Name, new Dl4jTensor(l.Transpose(l.X, 0, 2, 1), IsRows: true));
        return l.Result(l.Transpose(rows.Value, 0, 2, 1));
    }

    [Dl4j("MaskZeroLayer", Notes = "as the layer in it: padding steps are not left out")] private static Dl4jTensor MaskZero(Dl4jLayer l) => l.Convert(l.Config.Inner("underlying"), l.Name, l.Inputs);
    [Dl4j("MaskLayer", Notes = "nothing without a mask")] private static Dl4jTensor Mask(Dl4jLayer l) => l.Input;

    private static bool IsSequenceLast(Dl4jConfig config) => config.Text("rnnDataFormat", "NCW") == "NWC";

    private static Dl4jTensor Alone(Dl4jLayer l, Func<Value, Value> run) => l.Result(FromTime(l, run(ToTime(l, l.Config))));

    /// <summary>[batch, features, steps] to [steps, batch, features].</summary>
    private static Value ToTime(Dl4jLayer l, Dl4jConfig sizes)
    {
        bool last = IsSequenceLast(sizes);
        l.Refine(last ? [-1, sizes.Int("nin")] : [sizes.Int("nin"), -1]);
        l.RequireRank(3, "[batch, features, steps]");
        return last ? l.Transpose(l.X, 1, 0, 2) : l.Transpose(l.X, 2, 0, 1);
    }

    private static Value FromTime(Dl4jLayer l, Value y) => IsSequenceLast(l.Config) ? l.Transpose(y, 1, 0, 2) : l.Transpose(y, 1, 2, 0);

    private static Value Last(Dl4jLayer l, Value time) => l.Emit("Gather", [time, l.Constant("last", Tensor.FromScalar(-1L))], ("axis", 0));
    private static Value First(Dl4jLayer l, Value time) => l.Emit("Gather", [time, l.Constant("first", Tensor.FromScalar(0L))], ("axis", 0));

    /// <summary>[steps, batch, in] to [steps, batch, units].</summary>
    private static Value RunLstm(Dl4jLayer l, Value time, bool peepholes, bool backwards)
    {
        long inputs = l.Config.Int("nin"), units = l.Config.Int("nout");
        Tensor w = l.Weights.TakeColumns(l, inputs, checked(4 * units)), rw = l.Weights.TakeColumns(l, units, peepholes ? 4 * units + 3 : 4 * units), b = l.Weights.Take(l, 4 * units);
        int[] order = [3, 2, 1, 0]; // ONNX: input gate, output gate, forget gate, cell
        Value? p = null;
        if (peepholes)
        {
            var weights = new Tensor(DType.Float32, new Shape(1, 3 * units));
            int[] columns = [2, 1, 0]; // input, output, forget
            for (int g = 0; g < 3; g++)
                for (int u = 0; u < units; u++) weights.SetDouble(g * units + u, rw.GetDouble(u * (4 * units + 3) + 4 * units + columns[g]));
            p = l.Constant("P", weights);
        }
        var bias = new Tensor(DType.Float32, new Shape(1, 8 * units));
        for (int g = 0; g < 4; g++)
            for (int u = 0; u < units; u++) bias.SetDouble(g * units + u, b.GetDouble(order[g] * units + u));
        (string, float[], float[]) gate = Activations.Recurrent(l, "gateActivationFn", "sigmoid"), main = Activations.Recurrent(l, "activationFn", "tanh");
        Value[] y = l.EmitMany("LSTM", 1, [time, l.Constant("W", Gates(w, inputs, units, order)), l.Constant("R", Gates(rw, units, units, order)), l.Constant("B", bias), null, null, null, p],
            [.. ActivationAttributes([gate, main, main]), ("hidden_size", units), ("direction", backwards ? "reverse" : "forward")]);
        return l.Emit("Squeeze", [y[0], l.Ints(1)]);
    }

    private static Value RunSimple(Dl4jLayer l, Value time, bool backwards)
    {
        if (l.Config.Bool("hasLayerNorm", false)) throw l.Error("layer normalization inside a recurrent layer has no conversion");
        long inputs = l.Config.Int("nin"), units = l.Config.Int("nout");
        Tensor w = l.Weights.TakeColumns(l, inputs, units), rw = l.Weights.TakeColumns(l, units, units), b = l.Weights.Take(l, units);
        var bias = new Tensor(DType.Float32, new Shape(1, 2 * units));
        b.Span<float>().CopyTo(bias.Span<float>());
        Value[] y = l.EmitMany("RNN", 1, [time, l.Constant("W", Gates(w, inputs, units, [0])), l.Constant("R", Gates(rw, units, units, [0])), l.Constant("B", bias)],
            [.. ActivationAttributes([Activations.Recurrent(l, "activationFn", "tanh")]), ("hidden_size", units), ("direction", backwards ? "reverse" : "forward")]);
        return l.Emit("Squeeze", [y[0], l.Ints(1)]);
    }

    /// <summary>[in, blocks * units] to [1, gates * units, in], the gates in the order given.</summary>
    private static Tensor Gates(Tensor matrix, long inputs, long units, int[] order)
    {
        var result = new Tensor(DType.Float32, new Shape(1, order.Length * units, inputs));
        long width = matrix.Shape[1];
        for (int g = 0; g < order.Length; g++)
            for (long u = 0; u < units; u++)
                for (long i = 0; i < inputs; i++) result.SetDouble((g * units + u) * inputs + i, matrix.GetDouble(i * width + order[g] * units + u));
        return result;
    }

    private static List<(string, AttributeValue)> ActivationAttributes((string Name, float[] Alpha, float[] Beta)[] all)
    {
        List<(string, AttributeValue)> attributes = [("activations", all.Select(a => a.Name).ToArray())];
        float[] alphas = [.. all.SelectMany(a => a.Alpha)], betas = [.. all.SelectMany(a => a.Beta)];
        if (alphas.Length > 0) attributes.Add(("activation_alpha", alphas));
        if (betas.Length > 0) attributes.Add(("activation_beta", betas));
        return attributes;
    }
}
