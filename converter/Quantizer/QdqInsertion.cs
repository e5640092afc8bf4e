using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Writes a plan into the graph: QuantizeLinear and DequantizeLinear behind each quantized value, weights and constants as
/// dequantized integers.</summary>
internal sealed class QdqInsertion(Graph graph, QuantizationPlan plan, ChannelMeans means, AdaptiveRounding? rounding)
{
    private readonly Dictionary<TensorQuantization, (Value Scale, Value Zero)> _parameters = [];
    private readonly Dictionary<(Value, int), List<(float[] Scales, Value Real)>> _weights = [];
    private readonly Dictionary<Value, Value> _constants = [];

    /// <summary>The QuantizeLinear's result and the DequantizeLinear's result for each quantized value.</summary>
    public Dictionary<Value, (Value Stored, Value Real)> Pairs { get; } = [];

    /// <summary>Source name, or name, of each quantized value before anything was renamed.</summary>
    public Dictionary<string, TensorQuantization> ParametersByName { get; } = [];

    public void Run()
    {
        Node[] active = [.. plan.Active];
        foreach (Node node in active)
            if (plan.RoleOf(node) == QuantizationRole.Layer) Weights(node);
        foreach (Node node in active) Constants(node);
        foreach (Value value in plan.Quantized) Wrap(value);
        graph.Sort();
        foreach (Value constant in graph.Values.Where(v => v.IsConstant && v.Consumers.Count == 0 && !graph.Outputs.Contains(v)).ToArray()) graph.Remove(constant);
    }

    private void Wrap(Value value)
    {
        string key = value.SourceName ?? value.Name;
        TensorQuantization p = plan.Parameters[value];
        (Value scale, Value zero) = ParametersOf(p);
        Node[] readers = [.. value.Consumers.Distinct()];
        var int8Readers = readers.SelectMany(r => Enumerable.Range(0, r.Inputs.Count).Where(i => r.Inputs[i] == value && plan.TakesInt8(r, i)).Select(i => (r, i))).ToArray();
        Value stored = Add("QuantizeLinear", value.Name + ".quantized", [value, scale, zero], null);
        Value real = Add("DequantizeLinear", value.Name + ".dequantized", [stored, scale, zero], null);
        if (plan.ReadByAll(value))
        {
            graph.ReplaceUses(value, real);
            graph.SetInput(stored.Producer!, 0, value);
        }
        else
        {
            foreach ((Node reader, int input) in int8Readers) graph.SetInput(reader, input, real);
        }
        value.SourceName = stored.SourceName = real.SourceName = key;
        Pairs[value] = (stored, real);
        ParametersByName[key] = p;
    }

    private void Weights(Node node)
    {
        Value x = node.Inputs[0]!, w = node.Inputs[1]!;
        int axis = node.OpType switch { "Conv" => 0, "ConvTranspose" => 1, "Gemm" => node.Attributes.Int("transB", 0) != 0 ? 0 : 1, _ => 1 };
        (Node Product, Node Add, int Bias) behind = plan.BiasedProducts().FirstOrDefault(b => b.Product == node);
        (Node biasNode, int biasInput) = behind.Add != null ? (behind.Add, behind.Bias) : (node, 2);
        Value? bias = biasNode.Input(biasInput);
        TensorQuantization y = plan.Parameters[plan.Stored(node.Output)];
        float xScale = plan.Parameters[x].Scale;
        FactorForm form = w.Consumers.Count > 1 ? FactorForm.Any : y.Type == DType.Int8 ? FactorForm.Whole : FactorForm.Short;
        float[] scales = ChannelWeights.Scales(w.Constant!, axis, bias?.Constant, xScale, y.Scale, form);

        if (!_weights.TryGetValue((w, axis), out var known)) _weights[(w, axis)] = known = [];
        Value? real = known.Find(k => k.Scales.AsSpan().SequenceEqual(scales)).Real;
        if (real == null)
        {
            Value stored = graph.AddConstant(w.Name + ".int8", rounding?.Round(node, w.Constant!, axis, scales) ?? ChannelWeights.Quantize(w.Constant!, axis, scales));
            Value scale = graph.AddConstant(w.Name + ".scale", Tensor.FromArray<float>(scales, new Shape(scales.Length)));
            real = Add("DequantizeLinear", w.Name + ".dequantized", [stored, scale], axis);
            known.Add((scales, real));
        }
        float[]? correction = means.Correction(node, w.Constant!, real.Producer!.Inputs[0]!.Constant!, axis, scales);
        graph.SetInput(node, 1, real);
        if (bias == null && (correction == null || node.Is("MatMul"))) return;
        Tensor bias32 = Corrected(bias?.Constant, correction, scales.Length);
        string name = bias?.Name ?? w.Name + ".bias";
        float[] products = [.. scales.Select(s => xScale * s)];
        Tensor stored32 = ChannelWeights.Bias(bias32, products);
        Value b32 = graph.AddConstant(name + ".int32", stored32);
        Value bScale = graph.AddConstant(name + ".scale", Tensor.FromArray<float>(products, new Shape(products.Length)));
        graph.SetInput(biasNode, biasInput, Add("DequantizeLinear", name + ".dequantized", [b32, bScale], stored32.Shape.Rank - 1));
    }

    private static Tensor Corrected(Tensor? bias, float[]? correction, int channels)
    {
        if (correction == null) return bias!;
        var sum = new Tensor(DType.Float32, bias != null && bias.Count == channels ? bias.Shape : new Shape(channels));
        for (int c = 0; c < channels; c++) sum.SetDouble(c, (bias?.GetDouble(bias.Count == 1 ? 0 : c) ?? 0) + correction[c]);
        return sum;
    }

    /// <summary>Constant operands of arithmetic and concatenation: int8 by their own range.</summary>
    private void Constants(Node node)
    {
        for (int i = 0; i < node.Inputs.Count; i++)
        {
            if (node.Inputs[i] is not { Constant: { DType: DType.Float32 } tensor } value || !plan.TakesInt8(node, i)) continue;
            if (!_constants.TryGetValue(value, out Value? real))
            {
                var observer = new RangeObserver();
                observer.Observe(tensor.Span<float>());
                (float min, float max) = observer.Range(RangeMethod.MinMax, 100);
                TensorQuantization p = TensorQuantization.FromRange(min, max, plan.Activations);
                var stored = new Tensor(p.Type, tensor.Shape);
                for (long k = 0; k < stored.Count; k++) stored.SetInt64(k, p.Quantize(tensor.GetDouble(k)));
                (Value scale, Value zero) = ParametersOf(p);
                real = Add("DequantizeLinear", value.Name + ".dequantized", [graph.AddConstant(value.Name + ".int8", stored), scale, zero], null);
                _constants[value] = real;
            }
            graph.SetInput(node, i, real);
        }
    }

    private (Value Scale, Value Zero) ParametersOf(TensorQuantization p)
    {
        if (_parameters.TryGetValue(p, out var known)) return known;
        string name = $"{p.Type.Name()}.{_parameters.Count}";
        Tensor zero = p.Type == DType.Int16 ? Tensor.FromScalar((short)p.ZeroPoint) : Tensor.FromScalar((sbyte)p.ZeroPoint);
        known = (graph.AddConstant(name + ".scale", Tensor.FromScalar(p.Scale)), graph.AddConstant(name + ".zero_point", zero));
        return _parameters[p] = known;
    }

    private Value Add(string opType, string name, ReadOnlySpan<Value?> inputs, int? axis)
    {
        AttributeSet? attributes = null;
        if (axis is { } a)
        {
            attributes = new AttributeSet();
            attributes["axis"] = (long)a;
        }
        Value output = graph.Add(opType, name, inputs, attributes);
        ShapeInference.Infer(output.Producer!);
        return output;
    }
}
