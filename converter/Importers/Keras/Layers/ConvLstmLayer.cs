using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>
/// ConvLSTM1D to 3D as a Scan: the input's convolution of all steps at once, then per step the state's one, whose padding is always "same".
/// Gates i f c o. C = f c + i g(x_c + R_c h), H = o g(C) (Keras convolutional_recurrent.py).
/// </summary>
internal static class ConvLstmLayer
{
    public static RecurrentResult Run(KerasNode n, KerasLayer layer, Value x, Value? mask, bool backwards, bool sequence, Value[] initial)
    {
        if (mask != null) throw n.Error("masks are not supported");
        int axes = layer.ClassName[^2] - '0';
        if (n.RankOf(x) != axes + 3) throw n.InputError($"its input has shape {x.Shape}, expected {axes + 3} dimensions");
        if (initial.Length is not (0 or 2)) throw n.Damaged($"it is called with {initial.Length} initial states");
        KerasConfig config = layer.Config;
        bool first = config.ChannelsFirst(), hasBias = config.Bool(true, "use_bias");
        KerasWeights weights = layer.Weights.Entries.Count == 0 ? layer.Weights.Inside("cell") : layer.Weights;
        Tensor[] parts = hasBias ? weights.Take(layer.Name, "kernel", "recurrent_kernel", "bias") : weights.Take(layer.Name, "kernel", "recurrent_kernel");
        Tensor kernel = n.RequireRank(parts[0], axes + 2, "kernel"), recurrent = n.RequireRank(parts[1], axes + 2, "recurrent kernel");
        long filters = recurrent.Shape[axes];
        if (kernel.Shape[axes + 1] != 4 * filters || recurrent.Shape[axes + 1] != 4 * filters) throw n.Damaged($"kernels {kernel.Shape} and {recurrent.Shape} do not fit 4 gates");
        Tensor Weights(Tensor k) => Arrays.Permute(Convolution.Turned(n, k, axes), [axes + 1, axes, .. Enumerable.Range(0, axes)]);
        Value w = layer.Constant(n.Graph, "W", () => Weights(kernel));
        Value? b = hasBias ? layer.Constant(n.Graph, "B", () => parts[2]) : null;

        // [batch, time, ..] to [batch * time, channels, space], and back after the convolution.
        Value frames = first ? x : n.Transpose(x, [0, 1, axes + 2, .. Enumerable.Range(2, axes).Select(i => (long)i)]);
        Shape shape = frames.Shape;
        for (int i = 2; i < shape.Rank; i++) if (shape[i] < 0) throw n.InputError($"its input has shape {x.Shape}; all but batch and steps must be known");
        Value flat = n.Reshape(frames, [-1, .. shape.AsSpan()[2..]]);
        string padding = config.Text("padding", "valid");
        Value convolved = Convolution.Apply(n, flat, w, b, [.. kernel.Shape.AsSpan()[..axes]], config.PerAxis(axes, 1, "strides"), config.PerAxis(axes, 1, "dilation_rate"), padding, 1);
        long[] space = [.. convolved.Shape.AsSpan()[2..]];
        Value steps = shape[1] > 0 ? n.Reshape(convolved, [-1, shape[1], 4 * filters, .. space])
            : n.Emit("Reshape", [convolved, n.Concat([n.Emit("Shape", [x], ("start", 0), ("end", 2)), n.Ints([4 * filters, .. space])], 0)]);
        bool isStateful = (n.Config.Bool(false, "stateful") || config.Bool(false, "stateful")) && initial.Length == 0;
        Value[] states;
        if (isStateful)
        {
            if (x.Shape[0] < 0) throw n.InputError("it is stateful, so the batch size must be fixed (batch_input_shape)");
            states = [.. new[] { "h", "c" }.Select(s => n.Importer.State($"{layer.Name}/{s}", new TensorType(DType.Float32, new Shape([x.Shape[0], filters, .. space]))))];
        }
        else if (initial.Length > 0) states = [.. initial.Select(s => first ? s : n.ToChannelsFirst(s))];
        else
        {
            Value zeros = n.Emit("Expand", [n.Scalar(0), n.Concat([n.Emit("Shape", [x], ("start", 0), ("end", 1)), n.Ints([filters, .. space])], 0)]);
            states = [zeros, zeros];
        }

        Graph body = Body(n, layer, Weights(recurrent), filters, space);
        long direction = backwards ? 1 : 0;
        Value[] outputs = n.EmitMany("Scan", 3, [states[0], states[1], steps], ("body", AttributeValue.OfGraph(body)), ("num_scan_inputs", 1), ("scan_input_axes", new long[] { 1 }),
            ("scan_output_axes", new long[] { 1 }), ("scan_input_directions", new[] { direction }), ("scan_output_directions", new[] { direction }));
        for (int s = 0; isStateful && s < states.Length; s++) n.Importer.Keep(states[s], outputs[s]);
        Value State(Value s) => first ? s : n.ToChannelsLast(s);
        Value? y = !sequence ? null : first ? outputs[2] : n.Transpose(outputs[2], [0, 1, .. Enumerable.Range(3, axes).Select(i => (long)i), 2]);
        return new(y, [State(outputs[0]), State(outputs[1])]);
    }

    private static Graph Body(KerasNode n, KerasLayer layer, Tensor recurrent, long filters, long[] space)
    {
        var body = new Graph(layer.Name + "/step");
        var state = new TensorType(DType.Float32, new Shape([Shape.Unknown, filters, .. space]));
        Value h = body.AddInput("h", state), c = body.AddInput("c", state);
        Value x = body.AddInput("x", new TensorType(DType.Float32, new Shape([Shape.Unknown, 4 * filters, .. space])));
        (string, float, float) main = Activations.Recurrent(n, layer.Config, "tanh", "activation");
        (string, float, float) gate = Activations.Recurrent(n, layer.Config, "hard_sigmoid", "recurrent_activation");
        long[] kernel = [.. recurrent.Shape.AsSpan()[2..]], ones = [.. kernel.Select(_ => 1L)];
        (long[]? pads, _) = Convolution.Pads(n, state.Shape, kernel, ones, ones, "same");
        Value sum = Add("Add", [x, Add("Conv", [h, body.AddConstant("R", recurrent)], ("kernel_shape", kernel), ("pads", pads!))]);
        var gates = new Value[4];
        for (int g = 0; g < 4; g++) gates[g] = body.NewValue($"gate{g}", default);
        var split = new AttributeSet { ["axis"] = 1, ["num_outputs"] = 4 };
        body.AddNode("", "Split", "gates", [sum], gates, split);
        Value input = Act(gates[0], gate), forget = Act(gates[1], gate), output = Act(gates[3], gate);
        Value cell = Add("Add", [Add("Mul", [forget, c]), Add("Mul", [input, Act(gates[2], main)])]);
        Value hidden = Add("Mul", [output, Act(cell, main)]);
        body.AddOutput(hidden);
        body.AddOutput(cell);
        body.AddOutput(Add("Identity", [hidden]));
        return body;

        Value Add(string opType, Value?[] inputs, params (string Name, AttributeValue Value)[] attributes) => body.Add(opType, opType, inputs, AttributeSet.Of(attributes));

        Value Act(Value v, (string Name, float Alpha, float Beta) f) => f.Name switch
        {
            "Affine" => v,
            "HardSigmoid" => Add("HardSigmoid", [v], ("alpha", f.Alpha), ("beta", f.Beta)),
            "Elu" or "LeakyRelu" => Add(f.Name, [v], ("alpha", f.Alpha)),
            _ => Add(f.Name, [v]),
        };
    }
}
