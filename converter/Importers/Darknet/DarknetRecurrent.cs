using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Darknet;

/// <summary>Darknet's recurrent layers (rnn_layer.c, lstm_layer.c, gru_layer.c, crnn_layer.c): one step a run, what they remember is kept.</summary>
internal static class DarknetRecurrent
{
    private const string Step = "one step a run; the state is kept from run to run";

    /// <summary>state' = f(W_x x) + f(W_s state) [+ state], y = f(W_y state').</summary>
    [Darknet("rnn", Notes = Step)]
    private static Value Rnn(DarknetLayer l)
    {
        long inputs = Inputs(l), outputs = l.Options.Int("output", 1);
        return Simple(l, l.Emit("Flatten", [l.Input]), l.State("state", outputs), (x, isInput) => l.Activate(DarknetLayers.Dense(l, x, isInput ? inputs : outputs, outputs), "logistic"), outputs, 1, 1);
    }

    /// <summary>As rnn with convolutions. Darknet takes height for width here: the numbers of [C, H, W] are read as [C, W, H] (parse_crnn).</summary>
    [Darknet("crnn", Notes = Step)]
    private static Value Crnn(DarknetLayer l)
    {
        long hidden = l.Options.Int("hidden_filters", 1), filters = l.Options.Int("output_filters", 1), c = l.Size(l.Input, 1), h = l.Size(l.Input, 3), w = l.Size(l.Input, 2);
        int layer = 0;
        return Simple(l, l.Reshape(l.Input, -1, c, h, w), l.State("state", hidden, h, w), (x, _) => DarknetLayers.Convolve3(l, x, ++layer < 3 ? hidden : filters), filters, h, w);
    }

    private static Value Simple(DarknetLayer l, Value x, Value state, Func<Value, bool, Value> layer, params long[] result)
    {
        Value next = l.Emit("Add", [layer(x, true), layer(state, false)]);
        if (l.Options.Int("shortcut", 0) != 0) next = l.Emit("Add", [next, state]);
        l.Keep(state, next);
        return l.Reshape(layer(next, false), [-1, .. result]);
    }

    /// <summary>Weights: of the state for the gates i, f, o, g, then of the input.</summary>
    [Darknet("lstm", Notes = Step)]
    private static Value Lstm(DarknetLayer l)
    {
        long inputs = Inputs(l), outputs = l.Options.Int("output", 1);
        Value x = l.Emit("Flatten", [l.Input]), h = l.State("h", outputs), c = l.State("c", outputs);
        Value[] ofState = [.. Enumerable.Range(0, 4).Select(_ => DarknetLayers.Dense(l, h, outputs, outputs))];
        Value[] gates = [.. ofState.Select(w => l.Emit("Add", [w, DarknetLayers.Dense(l, x, inputs, outputs)]))];
        Value cell = l.Emit("Add", [l.Emit("Mul", [l.Emit("Sigmoid", [gates[1]]), c]), l.Emit("Mul", [l.Emit("Sigmoid", [gates[0]]), l.Emit("Tanh", [gates[3]])])]);
        Value y = l.Emit("Mul", [l.Emit("Sigmoid", [gates[2]]), l.Emit("Tanh", [cell])]);
        l.Keep(h, y);
        l.Keep(c, cell);
        return l.Reshape(y, -1, outputs, 1, 1);
    }

    /// <summary>Weights: of the state for z, r, h, then of the input. y = z state + (1 - z) h, where h sees r state.</summary>
    [Darknet("gru", Notes = Step)]
    private static Value Gru(DarknetLayer l)
    {
        long inputs = Inputs(l), outputs = l.Options.Int("output", 1);
        Value x = l.Emit("Flatten", [l.Input]), state = l.State("state", outputs);
        Value z = DarknetLayers.Dense(l, state, outputs, outputs), r = DarknetLayers.Dense(l, state, outputs, outputs);
        Func<Value, Value> ofForgotten = DarknetLayers.DenseLater(l, outputs, outputs);
        z = l.Emit("Sigmoid", [l.Emit("Add", [z, DarknetLayers.Dense(l, x, inputs, outputs)])]);
        r = l.Emit("Sigmoid", [l.Emit("Add", [r, DarknetLayers.Dense(l, x, inputs, outputs)])]);
        Value h = l.Emit("Add", [DarknetLayers.Dense(l, x, inputs, outputs), ofForgotten(l.Emit("Mul", [r, state]))]);
        h = l.Emit(l.Options.Int("tanh", 0) != 0 ? "Tanh" : "Sigmoid", [h]);
        Value y = l.Emit("Add", [h, l.Emit("Mul", [z, l.Emit("Sub", [state, h])])]);
        l.Keep(state, y);
        return l.Reshape(y, -1, outputs, 1, 1);
    }

    private static long Inputs(DarknetLayer l) => checked(l.Size(l.Input, 1) * l.Size(l.Input, 2) * l.Size(l.Input, 3));
}
