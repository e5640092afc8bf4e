using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench.Networks;

/// <summary>Networks of inverted residuals: expand 1x1, depthwise, perhaps squeeze and excite, project 1x1.</summary>
internal static class MobileNets
{
    /// <summary>Sandler et al., arXiv 1801.04381.</summary>
    public static Graph V2()
    {
        var b = new NetworkBuilder("mobilenet_v2");
        Value x = b.Relu6(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 32, 3, 2));
        foreach ((int expand, int channels, int repeats, int stride) in new[] { (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1) })
            for (int i = 0; i < repeats; i++)
                x = Block(b, x, expand * (int)x.Shape[1], channels, 3, i == 0 ? stride : 1, b.Relu6, null);
        return b.Finish(b.Dense(b.GlobalPool(b.Relu6(b.Conv(x, 1280, 1))), 1000));
    }

    /// <summary>Howard et al., arXiv 1905.02244.</summary>
    public static Graph V3Small()
    {
        var b = new NetworkBuilder("mobilenet_v3_small");
        Value x = b.HardSwish(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 16, 3, 2));
        foreach ((int kernel, int inner, int channels, bool excite, bool hard, int stride) in new[]
                 {
                     (3, 16, 16, true, false, 2), (3, 72, 24, false, false, 2), (3, 88, 24, false, false, 1), (5, 96, 40, true, true, 2),
                     (5, 240, 40, true, true, 1), (5, 240, 40, true, true, 1), (5, 120, 48, true, true, 1), (5, 144, 48, true, true, 1),
                     (5, 288, 96, true, true, 2), (5, 576, 96, true, true, 1), (5, 576, 96, true, true, 1),
                 })
        {
            Func<Value, Value> gate = v => b.Op("HardSigmoid", [v], ("alpha", 1f / 6), ("beta", 0.5f));
            x = Block(b, x, inner, channels, kernel, stride, hard ? b.HardSwish : b.Relu, excite ? v => Excite(b, v, Divisible(inner / 4), b.Relu, gate) : null);
        }
        x = b.GlobalPool(b.HardSwish(b.Conv(x, 576, 1)));
        return b.Finish(b.Dense(b.HardSwish(b.Dense(x, 1024)), 1000));
    }

    /// <summary>Tan and Le, arXiv 1905.11946.</summary>
    public static Graph EfficientNetB0()
    {
        var b = new NetworkBuilder("efficientnet_b0");
        Value x = b.Silu(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 32, 3, 2));
        foreach ((int expand, int kernel, int channels, int repeats, int stride) in new[]
                 { (1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2), (6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1) })
            for (int i = 0; i < repeats; i++)
            {
                int inputs = (int)x.Shape[1];
                x = Block(b, x, expand * inputs, channels, kernel, i == 0 ? stride : 1, b.Silu, v => Excite(b, v, Math.Max(1, inputs / 4), b.Silu, g => b.Op("Sigmoid", [g])));
            }
        return b.Finish(b.Dense(b.GlobalPool(b.Silu(b.Conv(x, 1280, 1))), 1000));
    }

    private static Value Block(NetworkBuilder b, Value x, int inner, int channels, int kernel, int stride, Func<Value, Value> activation, Func<Value, Value>? excite)
    {
        Value y = inner == x.Shape[1] ? x : activation(b.Conv(x, inner, 1));
        y = activation(b.Conv(y, inner, kernel, stride, group: inner));
        if (excite != null) y = excite(y);
        y = b.Conv(y, channels, 1);
        return stride == 1 && x.Shape[1] == channels ? b.Add(y, x) : y;
    }

    private static Value Excite(NetworkBuilder b, Value x, int squeeze, Func<Value, Value> activation, Func<Value, Value> gate)
    {
        Value s = activation(b.Conv(b.Op("GlobalAveragePool", [x]), squeeze, 1));
        return b.Op("Mul", [x, gate(b.Conv(s, (int)x.Shape[1], 1))]);
    }

    /// <summary>The next multiple of 8, as the paper's code rounds.</summary>
    private static int Divisible(int channels)
    {
        int rounded = Math.Max(8, (channels + 4) / 8 * 8);
        return rounded < 0.9 * channels ? rounded + 8 : rounded;
    }
}
