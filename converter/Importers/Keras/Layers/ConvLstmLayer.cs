using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>
/// ConvLSTM2D as a Scan: the input's convolution of all steps at once, then per step the state's one, whose padding is always "same".
/// Gates i f c o. C = f c + i g(x_c + R_c h), H = o g(C) (Keras convolutional_recurrent.py).
/// </summary>
internal static class ConvLstmLayer
{
    public static RecurrentResult Run(KerasNode n, KerasLayer layer, Value x, Value? mask, bool backwards, bool sequence, Value[] initial)
    {
        if (n.Config.Bool(false, "stateful") || layer.Config.Bool(false, "stateful")) throw n.Error("stateful is not supported");
        if (mask != null) throw n.Error("masks are not supported");
        if (initial.Length > 0) throw n.Error("initial states are not supported");
        if (n.RankOf(x) != 5) throw n.InputError($"its input has shape {x.Shape}, expected 5 dimensions");
        KerasConfig config = layer.Config;
        bool first = config.ChannelsFirst(), hasBias = config.Bool(true, "use_bias");
        KerasWeights weights = layer.Weights.Entries.Count == 0 ? layer.Weights.Inside("cell") : layer.Weights;
        Tensor[] parts = hasBias ? weights.Take(layer.Name, "kernel", "recurrent_kernel", "bias") : weights.Take(layer.Name, "kernel", "recurrent_kernel");
        Tensor kernel = n.RequireRank(parts[0], 4, "kernel"), recurrent = n.RequireRank(parts[1], 4, "recurrent kernel");
        long filters = recurrent.Shape[2];
        if (kernel.Shape[3] != 4 * filters || recurrent.Shape[3] != 4 * filters) throw n.Damaged($"kernels {kernel.Shape} and {recurrent.Shape} do not fit 4 gates");
        Tensor Weights(Tensor k) => Arrays.Permute(Convolution.Turned(n, k, 2), 3, 2, 0, 1);
        Value w = layer.Constant(n.Graph, "W", () => Weights(kernel));
        Value? b = hasBias ? layer.Constant(n.Graph, "B", () => parts[2]) : null;

        // [batch, time, ..] to [batch * time, channels, h, w], and back after the convolution.
        Value frames = first ? x : n.Transpose(x, 0, 1, 4, 2, 3);
        Shape shape = frames.Shape;
        if (shape[2] < 0 || shape[3] < 0 || shape[4] < 0) throw n.InputError($"its input has shape {x.Shape}; all but batch and steps must be known");
        Value flat = n.Reshape(frames, -1, shape[2], shape[3], shape[4]);
        string padding = config.Text("padding", "valid");
        Value convolved = Convolution.Apply(n, flat, w, b, [kernel.Shape[0], kernel.Shape[1]], config.PerAxis(2, 1, "strides"), config.PerAxis(2, 1, "dilation_rate"), padding, 1);
        long height = convolved.Shape[2], width = convolved.Shape[3];
        Value steps = shape[1] > 0 ? n.Reshape(convolved, -1, shape[1], 4 * filters, height, width)
            : n.Emit("Reshape", [convolved, n.Concat([n.Emit("Shape", [x], ("start", 0), ("end", 2)), n.Ints(4 * filters, height, width)], 0)]);
        Value batch = n.Emit("Shape", [x], ("start", 0), ("end", 1));
        Value zeros = n.Emit("Expand", [n.Scalar(0), n.Concat([batch, n.Ints(filters, height, width)], 0)]);

        Graph body = Body(n, layer, Weights(recurrent), filters, height, width);
        long direction = backwards ? 1 : 0;
        Value[] outputs = n.EmitMany("Scan", 3, [zeros, zeros, steps], ("body", AttributeValue.OfGraph(body)), ("num_scan_inputs", 1), ("scan_input_axes", new long[] { 1 }),
            ("scan_output_axes", new long[] { 1 }), ("scan_input_directions", new[] { direction }), ("scan_output_directions", new[] { direction }));
        Value State(Value s) => first ? s : n.Transpose(s, 0, 2, 3, 1);
        Value? y = !sequence ? null : first ? outputs[2] : n.Transpose(outputs[2], 0, 1, 3, 4, 2);
        return new(y, [State(outputs[0]), State(outputs[1])]);
    }

    private static Graph Body(KerasNode n, KerasLayer layer, Tensor recurrent, long filters, long height, long width)
    {
        var body = new Graph(layer.Name + "/step");
        var state = new TensorType(DType.Float32, new Shape(Shape.Unknown, filters, height, width));
        Value h = body.AddInput("h", state), c = body.AddInput("c", state);
        Value x = body.AddInput("x", new TensorType(DType.Float32, new Shape(Shape.Unknown, 4 * filters, height, width)));
        (string, float, float) main = Activations.Recurrent(n, layer.Config, "tanh", "activation");
        (string, float, float) gate = Activations.Recurrent(n, layer.Config, "hard_sigmoid", "recurrent_activation");
        long[] kernel = [recurrent.Shape[2], recurrent.Shape[3]];
        (long[]? pads, _) = Convolution.Pads(n, state.Shape, kernel, [1, 1], [1, 1], "same");
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
