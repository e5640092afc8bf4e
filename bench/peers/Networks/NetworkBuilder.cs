using EdgeLite.Converter.Ir;
using EdgeLite.Ops;

namespace EdgeLite.Bench.Networks;

/// <summary>Builds a network of random weights, as an exporter would write it: batch normalisation folded, ONNX operators.
/// Weights are normal with deviation sqrt(2 / fan-in) (He et al., arXiv 1502.01852), so that numbers neither vanish nor explode.</summary>
internal sealed class NetworkBuilder(string name)
{
    private readonly Random _random = new(1);

    /// <summary>Images of a batch, in the networks that take images.</summary>
    public static int Batch { get; set; } = 1;

    /// <summary>How many different numbers weights have, from which they repeat; 0: all differ. Few make a file that packs well.</summary>
    public static int Period { get; set; }

    public Graph Graph { get; } = new(name);

    public Value Input(string input, DType type, params long[] shape) => Graph.AddInput(input, new TensorType(type, new Shape(shape)));

    public Value Weights(double deviation, params long[] shape)
    {
        var tensor = new Tensor(DType.Float32, new Shape(shape));
        Span<float> values = tensor.Span<float>();
        for (int i = 0; i < values.Length; i += 2)
        {
            // Box and Muller 1958: two normal numbers of two uniform ones.
            double radius = deviation * Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())), angle = 2 * Math.PI * _random.NextDouble();
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < values.Length) values[i + 1] = (float)(radius * Math.Sin(angle));
        }
        if (Period > 0) Repeat(values);
        return Graph.AddConstant("weights", tensor);
    }

    /// <summary>The first <see cref="Period"/> numbers over and over, their mean taken off, so that sums over many do not drift, and short.</summary>
    private static void Repeat(Span<float> values)
    {
        int count = Math.Min(Period, values.Length);
        float mean = 0;
        foreach (float value in values[..count]) mean += value / count;
        for (int i = 0; i < values.Length; i++)
            values[i] = i < count ? BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(values[i] - mean) & 0xffff0000) : values[i - count];
    }

    public Value Scalar(float value) => Graph.AddConstant("scalar", Tensor.FromArray([value], Shape.Scalar));

    public Value Integers(params long[] values) => Graph.AddConstant("integers", Tensor.FromArray(values, new Shape(values.Length)));

    /// <summary>A node with one output, its type inferred.</summary>
    public Value Op(string type, Value?[] inputs, params (string Name, AttributeValue Value)[] attributes) => Op(type, 1, inputs, attributes)[0];

    public Value[] Op(string type, int outputs, Value?[] inputs, params (string Name, AttributeValue Value)[] attributes)
    {
        var set = new AttributeSet();
        foreach ((string key, AttributeValue value) in attributes) set[key] = value;
        Value[] results = new Value[outputs];
        for (int i = 0; i < outputs; i++) results[i] = Graph.NewValue(Graph.FreshName(type.ToLowerInvariant()), default);
        ShapeInference.Infer(Graph.AddNode("", type, results[0].Name, inputs, results, set));
        return results;
    }

    public Value Conv(Value x, int channels, int kernel, int stride = 1, int? pad = null, int group = 1)
    {
        long inputs = x.Shape[1] / group, p = pad ?? kernel / 2;
        Value w = Weights(Math.Sqrt(2.0 / (inputs * kernel * kernel)), channels, inputs, kernel, kernel);
        return Op("Conv", [x, w, Weights(0.05, channels)], ("kernel_shape", new long[] { kernel, kernel }), ("strides", new long[] { stride, stride }),
            ("pads", new[] { p, p, p, p }), ("group", (long)group), ("dilations", new long[] { 1, 1 }));
    }

    public Value Relu(Value x) => Op("Relu", [x]);

    public Value Relu6(Value x) => Op("Clip", [x, Scalar(0), Scalar(6)]);

    public Value HardSwish(Value x) => Op("HardSwish", [x]);

    public Value Silu(Value x) => Op("Mul", [x, Op("Sigmoid", [x])]);

    public Value Add(Value a, Value b) => Op("Add", [a, b]);

    public Value MaxPool(Value x, int kernel, int stride, int pad = 0, bool ceil = false) => Op("MaxPool", [x],
        ("kernel_shape", new long[] { kernel, kernel }), ("strides", new long[] { stride, stride }), ("pads", new long[] { pad, pad, pad, pad }), ("ceil_mode", ceil ? 1L : 0L));

    /// <summary>Mean over the picture, [n, c].</summary>
    public Value GlobalPool(Value x) => Op("Flatten", [Op("GlobalAveragePool", [x])], ("axis", 1L));

    public Value Dense(Value x, int features) =>
        Op("Gemm", [x, Weights(Math.Sqrt(2.0 / x.Shape[1]), features, x.Shape[1]), Weights(0.05, features)], ("transB", 1L));

    /// <summary>x [.., k] times weights [k, features] plus bias, as exporters write a dense layer of a sequence.</summary>
    public Value Linear(Value x, int features, double gain = 1)
    {
        long k = x.Shape[x.Shape.Rank - 1];
        return Add(Op("MatMul", [x, Weights(gain * Math.Sqrt(1.0 / k), k, features)]), Weights(0.05, features));
    }

    public Value LayerNorm(Value x)
    {
        long n = x.Shape[x.Shape.Rank - 1];
        var ones = new float[n];
        Array.Fill(ones, 1f);
        return Op("LayerNormalization", [x, Graph.AddConstant("gain", Tensor.FromArray(ones, new Shape(n))), Weights(0.05, n)], ("axis", -1L), ("epsilon", 1e-6f));
    }

    /// <summary>x / 2 * (1 + erf(x / sqrt(2))), in the operators that exporters write.</summary>
    public Value Gelu(Value x)
    {
        Value erf = Op("Erf", [Op("Div", [x, Scalar(1.4142135f)])]);
        return Op("Mul", [Op("Mul", [x, Op("Add", [erf, Scalar(1)])]), Scalar(0.5f)]);
    }

    public Value Reshape(Value x, params long[] shape) => Op("Reshape", [x, Integers(shape)]);

    public Value Transpose(Value x, params long[] perm) => Op("Transpose", [x], ("perm", perm));

    /// <summary>Self-attention over x [batch, tokens, width]; <paramref name="mask"/> is added to the scores [batch, heads, tokens, tokens].</summary>
    public Value Attention(Value x, int heads, Value? mask)
    {
        long tokens = x.Shape[1], width = x.Shape[2], size = width / heads;
        Value q = Transpose(Reshape(Linear(x, (int)width), 0, tokens, heads, size), 0, 2, 1, 3);
        Value k = Transpose(Reshape(Linear(x, (int)width), 0, tokens, heads, size), 0, 2, 3, 1);
        Value v = Transpose(Reshape(Linear(x, (int)width), 0, tokens, heads, size), 0, 2, 1, 3);
        Value scores = Op("Div", [Op("MatMul", [q, k]), Scalar(MathF.Sqrt(size))]);
        if (mask != null) scores = Add(scores, mask);
        Value mixed = Op("MatMul", [Op("Softmax", [scores], ("axis", -1L)), v]);
        return Linear(Reshape(Transpose(mixed, 0, 2, 1, 3), 0, tokens, width), (int)width);
    }

    public Graph Finish(params Value[] outputs)
    {
        foreach (Value output in outputs) Graph.AddOutput(output);
        return Graph;
    }
}
