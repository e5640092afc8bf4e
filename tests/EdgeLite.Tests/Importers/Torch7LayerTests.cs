using static EdgeLite.Tests.Importers.LuaText;

namespace EdgeLite.Tests.Importers;

/// <summary>Torch7's rarer modules; results by hand from the formulas of nn's documentation.</summary>
public class Torch7LayerTests
{
    private static Tensor Of(long[] dims, params float[] values) => Tensor.FromArray<float>(values.Length > 0 ? values : [.. Enumerable.Range(0, (int)new Shape(dims).Count).Select(i => (float)i)], new Shape(dims));

    private static void Check(float[] expected, Lua module, params Tensor[] inputs) =>
        TensorAssert.Close(Tensor.FromArray<float>(expected, new Shape(expected.Length)), Run(module, inputs)[0].Reshaped(new Shape(expected.Length)), 1e-5, 1e-5, module.Type);

    [Fact]
    public void Shrinking_and_gating_functions()
    {
        Tensor x = Of([1, 4], -1, -0.2f, 0.2f, 1);
        Check([-1, 0, 0, 1], Nn("HardShrink", ("lambda", 0.5)), x);
        Check([-0.5f, 0, 0, 0.5f], Nn("SoftShrink", ("lambda", 0.5)), x);
        Check([.. x.ToArray<float>().Select(v => v - MathF.Tanh(v))], Nn("TanhShrink"), x);
        Check([-11f / 48, -0.2f * 11 / 48, 0.2f, 1], Nn("RReLU", ("lower", 1.0 / 8), ("upper", 1.0 / 3)), x);
        Check([0.75f, 0.25f], Nn("SoftMin"), Of([1, 2], 0, MathF.Log(3)));
        Check([1, 0.5f], Nn("GatedLinearUnit", ("dim", 2.0)), Of([1, 4], 2, 1, 0, 0));
    }

    [Fact]
    public void Distances_of_tables()
    {
        Tensor a = Of([2, 2], 3, 4, 1, 0), b = Of([2, 2], 3, 0, 0, 2);
        Check([9, 0], Nn("DotProduct"), a, b);
        Check([0.6f, 0], Nn("CosineDistance"), a, b);
        Check([4, MathF.Sqrt(5)], Nn("PairwiseDistance", ("norm", 2.0)), a, b);
        Check([4, 3], Nn("PairwiseDistance", ("norm", 1.0)), a, b);
        Check([9 + 0 + 1, 0 + 2 + 1], Nn("Bilinear", ("weight", Of([1, 2, 2], 1, 1, 0, 0)), ("bias", Of([1], 1))), a, b);
        Check([3 * 5 + 4 * 6, 5], Nn("MV", ("trans", false)), a, Of([2], 5, 6));
    }

    [Fact]
    public void Pictures_are_shaved_shuffled_and_repeated()
    {
        Check([5, 6, 9, 10], Nn("ShaveImage", ("size", 1.0)), Of([1, 1, 4, 4]));
        Check([0, 1, 2, 3], Nn("PixelShuffle", ("upscaleFactor", 2.0)), Of([1, 4, 1, 1]));
        Check([0, 1, 0, 1, 2, 3, 2, 3], Nn("Replicate", ("nfeatures", 2.0), ("dim", 1.0), ("ndim", 1.0)), Of([2, 2]));
        // (0, 2) has mean 1 and variance 1, (4, 8) mean 6 and variance 4.
        Check([-3, 3, -8 + 3, 8 + 3], Nn("InstanceNormalization", ("weight", Of([2], 3, 8)), ("bias", Of([2], 0, 3)), ("eps", 0.0)), Of([1, 2, 1, 2], 0, 2, 4, 8));
        Check([8, 10, 20, 22], Nn("SpatialDilatedMaxPooling", ("kW", 2.0), ("kH", 2.0), ("dW", 2.0), ("dH", 2.0), ("dilationW", 2.0), ("dilationH", 1.0)), Of([1, 1, 4, 6]));
    }

    [Fact]
    public void Smaller_parts_stand_in_the_middle_of_zeros()
    {
        Lua shave = Nn("Sequential", ("modules", List(Nn("ShaveImage", ("size", 1.0))))), whole = Nn("Inception", ("modules", List(Nn("Identity"))));
        Check([0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 4, 0, 0, 0, 0], Nn("DepthConcat", ("dimension", 2.0), ("modules", List(whole, shave))), Of([1, 1, 3, 3]));
        Check([0, 1, -2, -3], Nn("Parallel", ("inputDimension", 1.0), ("outputDimension", 1.0), ("modules", List(Nn("Identity"), Nn("MulConstant", ("constant_scalar", -1.0))))), Of([2, 2]));
    }

    [Fact]
    public void Volumes_are_convolved_and_pooled()
    {
        (object, object?)[] Sizes(double t, double h, double w) => [("kT", t), ("kH", h), ("kW", w), ("dT", 1.0), ("dH", 1.0), ("dW", 1.0)];
        (object, object?)[] planes = [("nInputPlane", 1.0), ("nOutputPlane", 1.0), ("bias", Of([1], 0.5f))];
        // 2 x 1 x 3: 0 1 2, 3 4 5; the kernel joins both times.
        Check([1 * 0 + 2 * 1 + 3 * 3 + 4 * 4 + 0.5f, 1 * 1 + 2 * 2 + 3 * 4 + 4 * 5 + 0.5f], Nn("VolumetricConvolution", [.. planes, .. Sizes(2, 1, 2), ("weight", Of([1, 1, 2, 1, 2], 1, 2, 3, 4))]), Of([1, 1, 2, 1, 3]));
        Check([0.5f, 1.5f, 2.5f, 0.5f, 2.5f, 4.5f], Nn("VolumetricFullConvolution", [.. planes, .. Sizes(2, 1, 1), ("weight", Of([1, 1, 2, 1, 1], 1, 2))]), Of([1, 1, 1, 1, 3]));
        Check([4, 5], Nn("VolumetricMaxPooling", Sizes(2, 1, 2)), Of([1, 1, 2, 1, 3]));
        Check([2, 3], Nn("VolumetricAveragePooling", Sizes(2, 1, 2)), Of([1, 1, 2, 1, 3]));
        Check([0, 0, 1, 2, 3, 3, 4, 5], Nn("VolumetricReplicationPadding", ("pleft", 1.0), ("pright", 0.0), ("ptop", 0.0), ("pbottom", 0.0), ("pfront", 0.0), ("pback", 0.0)), Of([1, 1, 2, 1, 3]));
    }

    /// <summary>Torch7 reads what lies outside of the plane, whatever that is.</summary>
    [Fact]
    public void What_reaches_beyond_its_input_is_refused()
    {
        Lua reflection = Nn("SpatialReflectionPadding", ("pad_l", 0.0), ("pad_r", 0.0), ("pad_t", 0.0), ("pad_b", 1.0));
        Check([0, 1, 2, 3, 0, 1], reflection, Of([1, 1, 2, 2]));
        Refused(reflection, "(nn.SpatialReflectionPadding): it reflects 1 places of a dimension that has 1", Of([1, 1, 1, 2]));
        Refused(Nn("TemporalMaxPooling", ("kW", 3.0), ("dW", 2.0)), "(nn.TemporalMaxPooling): its result would have the shape [1,0,4]", Of([1, 2, 4]));

        static void Refused(Lua module, string message, Tensor x) => Assert.Contains(message, Assert.Throws<EdgeLiteException>(() => Run(module, x)).Message, StringComparison.Ordinal);
    }

    /// <summary>Against the formulas of SeqLSTM.lua and SeqGRU.lua, for two sequences of three steps; both orders of batch and steps.</summary>
    [Theory]
    [InlineData("SeqLSTM", 4, false)]
    [InlineData("SeqLSTM", 4, true)]
    [InlineData("SeqGRU", 3, false)]
    [InlineData("VanillaRNN", 1, true)]
    public void Sequences(string type, int gates, bool batchFirst)
    {
        const int Steps = 3, Batch = 2, Inputs = 2, States = 3;
        var random = new Random(5);
        float[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => (float)random.NextDouble() - 0.5f)];
        float[] weight = Some((Inputs + States) * gates * States), bias = Some(gates * States), x = Some(Batch * Steps * Inputs), expected = new float[Batch * Steps * States];
        int At(int step, int batch) => batchFirst ? batch * Steps + step : step * Batch + batch;
        static double Sigmoid(double v) => 1 / (1 + Math.Exp(-v));
        for (int n = 0; n < Batch; n++)
        {
            double[] h = new double[States], c = new double[States];
            for (int t = 0; t < Steps; t++)
            {
                double Sum(int column, Func<int, double> state) => bias[column] + Enumerable.Range(0, Inputs).Sum(i => x[At(t, n) * Inputs + i] * (double)weight[i * gates * States + column])
                    + Enumerable.Range(0, States).Sum(s => state(s) * weight[(Inputs + s) * gates * States + column]);
                double[] old = h;
                double[] next = new double[States];
                for (int s = 0; s < States; s++)
                    switch (type)
                    {
                        case "SeqLSTM":
                            c[s] = Sigmoid(Sum(States + s, i => old[i])) * c[s] + Sigmoid(Sum(s, i => old[i])) * Math.Tanh(Sum(3 * States + s, i => old[i]));
                            next[s] = Sigmoid(Sum(2 * States + s, i => old[i])) * Math.Tanh(c[s]);
                            break;
                        case "SeqGRU":
                            double update = Sigmoid(Sum(States + s, i => old[i]));
                            next[s] = (1 - update) * Math.Tanh(Sum(2 * States + s, i => old[i] * Sigmoid(Sum(i, k => old[k])))) + update * old[s];
                            break;
                        default: next[s] = Math.Tanh(Sum(s, i => old[i])); break;
                    }
                h = next;
                for (int s = 0; s < States; s++) expected[At(t, n) * States + s] = (float)h[s];
            }
        }
        Tensor input = batchFirst ? Of([Batch, Steps, Inputs], x) : Of([Steps, Batch, Inputs], x);
        Check(expected, Nn(type, ("weight", Of([Inputs + States, gates * States], weight)), ("bias", Of([gates * States], bias)), ("batchfirst", batchFirst)), input);
    }
}
