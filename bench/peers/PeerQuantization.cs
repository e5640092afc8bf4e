using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench;

/// <summary>
/// The quantized graph as ONNX Runtime's own tool (<c>quantize_static</c>) writes it, which is what its kernels for x86 are made for:
/// activations uint8 instead of int8 (the same steps, zero points 128 higher), zero points beside int8 weights and int32 biases, and no
/// Relu or Clip where the range of the QuantizeLinear behind it cuts off the same. With int8 activations, or with those clamps, ONNX
/// Runtime 1.31.1 computes many layers in float and takes two to five times as long.
/// </summary>
internal static class PeerQuantization
{
    public static void Run(Graph graph)
    {
        foreach (Node node in graph.Nodes.Where(IsRemovable).ToArray())
        {
            graph.ReplaceUses(node.Output, node.Inputs[0]!);
            graph.Remove(node);
        }
        foreach (Node node in graph.Nodes.Where(n => n.Is("Swish")).ToArray()) QuantizeSigmoid(graph, node);
        Node[] nodes = [.. graph.Nodes];
        var moved = new Dictionary<Value, Value>();
        foreach (Node node in nodes)
            for (int i = 0; i < node.Inputs.Count; i++)
                if (node.Inputs[i] is { Constant: { DType: DType.Int8 } } constant && !IsWeights(node)) graph.SetInput(node, i, Moved(graph, constant, moved));
        foreach (Node node in nodes)
        {
            if (node.Is("DequantizeLinear") && node.Input(2) == null && node.Inputs[0] is { Constant: { } weights })
                graph.SetInput(node, 2, graph.AddConstant(node.Inputs[0]!.Name + ".zero_point", new Tensor(weights.DType, node.Inputs[1]!.Shape)));
            foreach (Value? output in node.Outputs)
                if (output is { DType: DType.Int8 }) output.Type = new TensorType(DType.UInt8, output.Shape);
        }
        MoveEnds(graph);
        graph.Sort();
    }

    /// <summary>True for the DequantizeLinear of what a layer multiplies by: that stays int8.</summary>
    private static bool IsWeights(Node node) => node.Is("DequantizeLinear") && node.Inputs[0]!.IsConstant
        && node.Output.Consumers.All(c => c.OpType is "Conv" or "ConvTranspose" or "Gemm" or "MatMul" && c.Inputs[1] == node.Output);

    /// <summary>An int8 constant with 128 added.</summary>
    private static Value Moved(Graph graph, Value constant, Dictionary<Value, Value> known)
    {
        if (known.TryGetValue(constant, out Value? result)) return result;
        Tensor signed = constant.Constant!;
        var tensor = new Tensor(DType.UInt8, signed.Shape);
        for (long i = 0; i < signed.Count; i++) tensor.SetInt64(i, signed.GetInt64(i) + 128);
        return known[constant] = graph.AddConstant(constant.Name + ".uint8", tensor);
    }

    /// <summary>Inputs and outputs of the graph stay int8; a pair with steps of 1 is between them and the rest.</summary>
    private static void MoveEnds(Graph graph)
    {
        Value one = graph.AddConstant("one", Tensor.FromScalar(1f)), least = graph.AddConstant("least", Tensor.FromScalar((sbyte)-128)), none = graph.AddConstant("none", Tensor.FromScalar((byte)0));
        foreach (Value input in graph.Inputs.Where(v => v.DType == DType.Int8))
        {
            Node[] readers = [.. input.Consumers.Distinct()];
            Value inside = Add(graph, "QuantizeLinear", [Add(graph, "DequantizeLinear", [input, one, least], null), one, none], null);
            foreach (Node reader in readers)
                for (int i = 0; i < reader.Inputs.Count; i++)
                    if (reader.Inputs[i] == input) graph.SetInput(reader, i, inside);
        }
        for (int i = 0; i < graph.Outputs.Count; i++)
        {
            Value inside = graph.Outputs[i];
            if (inside.DType != DType.UInt8 || inside.Producer == null) continue;
            string name = inside.Name;
            graph.Rename(inside, graph.FreshName(name + ".uint8"));
            Value output = Add(graph, "QuantizeLinear", [Add(graph, "DequantizeLinear", [inside, one, none], null), one, least], null);
            graph.SetOutput(i, output);
            graph.Rename(output, name);
        }
    }

    private static Value Add(Graph graph, string type, ReadOnlySpan<Value?> inputs, Node? before)
    {
        Value value = graph.Add(type, inputs[0]!.Name + "." + type, inputs, before: before);
        ShapeInference.Infer(value.Producer!);
        return value;
    }

    /// <summary>A clamp all of whose readers store it in numbers that reach no further than it does, half a step aside.</summary>
    private static bool IsRemovable(Node node)
    {
        if (!node.Is("Relu") && !node.Is("Clip") || node.Output.Consumers.Count == 0) return false;
        double low = node.Is("Relu") ? 0 : node.Input(1)?.Constant?.GetDouble(0) ?? double.NegativeInfinity;
        double high = node.Is("Relu") ? double.PositiveInfinity : node.Input(2)?.Constant?.GetDouble(0) ?? double.PositiveInfinity;
        return node.Output.Consumers.All(reader =>
        {
            if (!reader.Is("QuantizeLinear") || reader.Input(2)?.Constant is not { DType: DType.Int8, Count: 1 } zero) return false;
            double scale = reader.Inputs[1]!.Constant!.GetDouble(0);
            return scale * (-128 - zero.GetDouble(0)) >= low - scale / 2 && scale * (127 - zero.GetDouble(0)) <= high + scale / 2;
        });
    }

    /// <summary>x * Sigmoid(x) with its sigmoid stored in steps of 1/256.</summary>
    private static void QuantizeSigmoid(Graph graph, Node swish)
    {
        if (swish.Attributes.Float("alpha", 1) != 1) return;
        Value x = swish.Inputs[0]!, scale = graph.AddConstant("sigmoid.scale", Tensor.FromScalar(1f / 256)), zero = graph.AddConstant("sigmoid.zero_point", Tensor.FromScalar((sbyte)-128));
        Value sigmoid = Add(graph, "Sigmoid", [x], swish);
        Value real = Add(graph, "DequantizeLinear", [Add(graph, "QuantizeLinear", [sigmoid, scale, zero], swish), scale, zero], swish);
        graph.ReplaceUses(swish.Output, Add(graph, "Mul", [x, real], swish));
        graph.Remove(swish);
    }
}
