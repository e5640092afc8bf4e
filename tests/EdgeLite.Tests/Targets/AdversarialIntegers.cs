using System.Globalization;
using System.Text;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Lowering;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Writer;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Tests.Targets;

/// <summary>
/// One model of many integer layers side by side, each with numbers that are hard on it: weights at both ends of int8, biases near the ends of
/// int32, zero points of -128 and 127, scales of powers of two (so that halves are met) and ratios of scales from 2^-16 to 2^10. Every layer
/// reads the one input, of int8 or of int16 around zero, and is an output.
/// </summary>
internal static class AdversarialIntegers
{
    private const int Channels = 24, Height = 9, Width = 11;

    /// <summary>What the branches are lowered to.</summary>
    public static readonly string[] Operators = ["QConv", "QDepthwiseConv", "QConvTranspose", "QGemm", "QAdd", "QSub", "QMul", "QAveragePool", "QMean", "QSoftmax", "Lut", "Requantize"];

    /// <summary>Of these there is no form over int16.</summary>
    private static readonly string[] s_narrow = ["ConvTranspose", "AveragePool", "MaxPool", "Softmax"];

    private static readonly (string Node, string? Weights)[] s_layers =
    [
        ("Conv(%{0}r, %{0}w, %{0}b)", "17,24,1,1"),
        ("Conv(%{0}r, %{0}w, %{0}b) {{pads=[1,1,1,1], strides=[2,1]}}", "19,24,3,3"),
        ("Conv(%{0}r, %{0}w, %{0}b) {{pads=[2,0,1,3], dilations=[2,1], group=3}}", "33,8,3,2"),
        ("Conv(%{0}r, %{0}w, %{0}b) {{pads=[1,1,1,1], group=24}}", "24,1,3,3"),
        ("Conv(%{0}r, %{0}w, %{0}b) {{pads=[2,2,2,2], strides=[2,2], group=24}}", "24,1,5,5"),
        ("ConvTranspose(%{0}r, %{0}w, %{0}b) {{strides=[2,2], pads=[1,0,0,1]}}", "24,13,3,3"),
        ("Gemm(%{0}m, %{0}w, %{0}b) {{transB=1}}", "21,2376"),
        ("Add(%{0}r, %{0}s)", null),
        ("Sub(%{0}s, %{0}r)", null),
        ("Mul(%{0}r, %{0}s)", null),
        ("Add(%{0}r, %{0}c)", null),
        ("Mul(%{0}c, %{0}r)", null),
        ("AveragePool(%{0}r) {{kernel_shape=[3,2], strides=[2,1], pads=[1,1,1,0]}}", null),
        ("MaxPool(%{0}r) {{kernel_shape=[2,3], strides=[1,2], pads=[0,1,1,1]}}", null),
        ("GlobalAveragePool(%{0}r)", null),
        ("Softmax(%{0}r)", null),
        ("Sigmoid(%{0}r)", null),
        ("LeakyRelu(%{0}r)", null),
        ("Concat(%{0}r, %{0}s) {{axis=1}}", null),
    ];

    public static byte[] Model(int seed, DType type)
    {
        var random = new Random(seed);
        (string Node, string? Weights)[] layers = [.. s_layers.Where(l => type == DType.Int8 || !s_narrow.Any(n => l.Node.StartsWith(n, StringComparison.Ordinal)))];
        var text = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"graph \"g\" {{\ninput %x : {type.Name()}[2,{Channels},{Height},{Width}]\nconst %rows : int64[2] = [2,{Channels * Height * Width}]\n"));
        var operands = new HashSet<(double, int)>();
        for (int i = 0; i < 3 * layers.Length; i++)
        {
            // Branches of the same operand would be one.
            (double Scale, int Zero) x;
            do x = (Scale(random, -8, -4), Zero(random, type));
            while (!operands.Add(x));
            Branch(text, $"l{i}", layers[i % layers.Length], x, random, type);
        }
        Graph graph = GraphText.Parse(text.Append("}\n").ToString());
        PassList.Optimize(graph);
        CpuLowering.Run(graph);
        foreach (string op in Operators.Where(o => type == DType.Int8 || !s_narrow.Contains(o[1..])))
            Assert.True(graph.Nodes.Count(n => n.Is(op, "edgelite")) >= 1, $"{op}: {graph.Nodes.Count(n => n.Is(op, "edgelite"))} of {string.Join(", ", graph.Nodes.Select(n => n.OpType).Distinct())}");
        Assert.DoesNotContain(graph.Nodes, n => n.Is("DequantizeLinear") || n.Is("QuantizeLinear"));
        Assert.All(graph.Outputs, o => Assert.Equal(type, o.DType));
        return ModelWriter.ToBytes(graph);
    }

    /// <summary>Both ends of the type and all between.</summary>
    public static Tensor Input(int seed, DType type)
    {
        var random = new Random(seed);
        (int min, int max) = FixedPoint.TypeRange(type);
        var x = new Tensor(type, new Shape(2, Channels, Height, Width));
        for (long i = 0; i < x.Count; i++) x.SetInt64(i, random.Next(3) switch { 0 => min, 1 => max, _ => random.Next(min, max + 1) });
        return x;
    }

    private static void Branch(StringBuilder text, string l, (string Node, string? Weights) layer, (double Scale, int Zero) x, Random random, DType type)
    {
        (int min, int max) = FixedPoint.TypeRange(type);
        (double sx, int zx) = x;
        double sw = 0, sy = Scale(random, -9, 0);
        int zy = Zero(random, type);
        Constant("sx", sx, zx);
        Constant("ss", Scale(random, -8, -4), Zero(random, type));
        Constant("sc", Scale(random, -8, -4), Zero(random, type));
        text.Append(CultureInfo.InvariantCulture, $"%{l}r = DequantizeLinear(%x, %{l}sx, %{l}sxz)\n%{l}s = DequantizeLinear(%x, %{l}ss, %{l}ssz)\n%{l}m = Reshape(%{l}r, %rows)\n");
        text.Append(CultureInfo.InvariantCulture, $"const %{l}ci : {type.Name()}[1,{Channels},1,1] = [{Many(Channels, () => random.Next(min, max + 1))}]\n%{l}c = DequantizeLinear(%{l}ci, %{l}sc, %{l}scz)\n");
        if (layer.Weights is { } dims)
        {
            int[] shape = [.. dims.Split(',').Select(d => int.Parse(d, CultureInfo.InvariantCulture))];
            bool transposed = layer.Node.StartsWith("ConvTranspose", StringComparison.Ordinal);
            int channels = shape[transposed ? 1 : 0], axis = transposed ? 1 : 0, count = shape.Aggregate((a, b) => a * b);
            double[] scales = [.. Enumerable.Range(0, channels).Select(_ => Scale(random, -10, -6))];
            sw = scales.Average();
            // Some sums lie within the result's range, some far beyond it, some below one step.
            sy = sx * sw * Math.Sqrt(count / channels) * max * Math.ScaleB(1, random.Next(4) == 0 ? random.Next(-10, 16) : random.Next(-1, 2));
            text.Append(CultureInfo.InvariantCulture, $"const %{l}wi : int8[{dims}] = [{Many(count, () => random.Next(3) switch { 0 => 127, 1 => -127, _ => random.Next(-127, 128) })}]\n");
            text.Append(CultureInfo.InvariantCulture, $"const %{l}ws : float32[{channels}] = [{string.Join(',', scales.Select(Text))}]\n%{l}w = DequantizeLinear(%{l}wi, %{l}ws) {{axis={axis}}}\n");
            text.Append(CultureInfo.InvariantCulture, $"const %{l}bi : int32[{channels}] = [{Many(channels, () => random.Next(4) == 0 ? random.Next(-1 << 30, 1 << 30) : random.Next(-5000, 5000))}]\n");
            text.Append(CultureInfo.InvariantCulture, $"const %{l}bs : float32[{channels}] = [{string.Join(',', scales.Select(s => Text((float)sx * (float)s)))}]\n%{l}b = DequantizeLinear(%{l}bi, %{l}bs) {{axis=0}}\n");
        }
        if (layer.Node.StartsWith("AveragePool", StringComparison.Ordinal) || layer.Node.StartsWith("MaxPool", StringComparison.Ordinal)) (sy, zy) = (sx, zx);
        if (layer.Node.StartsWith("Softmax", StringComparison.Ordinal)) (sy, zy) = (1.0 / 256, -128);
        Constant("sy", sy, zy);
        text.Append(CultureInfo.InvariantCulture, $"%{l}a = {string.Format(CultureInfo.InvariantCulture, layer.Node, l)}\n");
        string result = l + "a";
        if (random.Next(3) == 0 && layer.Weights != null)
        {
            text.Append(CultureInfo.InvariantCulture, $"%{l}u = Relu(%{l}a)\n");
            result = l + "u";
        }
        text.Append(CultureInfo.InvariantCulture, $"%{l}y = QuantizeLinear(%{result}, %{l}sy, %{l}syz)\noutput %{l}y\n");

        void Constant(string name, double scale, int zero) =>
            text.Append(CultureInfo.InvariantCulture, $"const %{l}{name} : float32[] = {Text(scale)}\nconst %{l}{name}z : {type.Name()}[] = {zero}\n");
    }

    /// <summary>2^e, e within the bounds, every other time by a factor in [1, 2).</summary>
    private static double Scale(Random random, int low, int high) => Math.ScaleB(random.Next(2) == 0 ? 1 : 1 + random.NextDouble(), random.Next(low, high));

    private static int Zero(Random random, DType type) => type == DType.Int16 ? 0 : random.Next(4) switch { 0 => -128, 1 => 127, 2 => 0, _ => random.Next(-128, 128) };

    private static string Text(double v) => ((float)v).ToString("R", CultureInfo.InvariantCulture);

    private static string Many(int count, Func<int> next) => string.Join(',', Enumerable.Range(0, count).Select(_ => next()));
}
