using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench.Networks;

/// <summary>Networks whose architecture alone counts for speed, by name. Sizes are those of the papers and of torchvision 0.20.</summary>
internal static class Classic
{
    public static IReadOnlyDictionary<string, Func<Graph>> All { get; } = new Dictionary<string, Func<Graph>>
    {
        ["mobilenet_v2"] = MobileNets.V2,
        ["mobilenet_v3_small"] = MobileNets.V3Small,
        ["resnet18"] = ResNets.ResNet18,
        ["resnet50"] = ResNets.ResNet50,
        ["squeezenet1_1"] = SqueezeNet,
        ["shufflenet_v2_x1_0"] = ShuffleNetV2,
        ["efficientnet_b0"] = MobileNets.EfficientNetB0,
        ["alexnet"] = AlexNet,
        ["vgg16"] = Vgg16,
        ["vit_b_16"] = Transformers.VitB16,
        ["bert_6x384"] = Transformers.Bert,
        ["attention_decode_512"] = Transformers.AttentionDecode,
        ["lstm_2x256"] = Lstm,
        ["kws_ds_cnn"] = KeywordSpotting,
    };

    /// <summary>Krizhevsky, arXiv 1404.5997.</summary>
    private static Graph AlexNet()
    {
        var b = new NetworkBuilder("alexnet");
        Value x = b.Relu(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 64, 11, 4, 2));
        x = b.Relu(b.Conv(b.MaxPool(x, 3, 2), 192, 5));
        x = b.Relu(b.Conv(b.MaxPool(x, 3, 2), 384, 3));
        x = b.Relu(b.Conv(b.Relu(b.Conv(x, 256, 3)), 256, 3));
        x = b.Op("Flatten", [b.MaxPool(x, 3, 2)], ("axis", 1L));
        return b.Finish(b.Dense(b.Relu(b.Dense(b.Relu(b.Dense(x, 4096)), 4096)), 1000));
    }

    /// <summary>Simonyan and Zisserman, arXiv 1409.1556, configuration D.</summary>
    private static Graph Vgg16()
    {
        var b = new NetworkBuilder("vgg16");
        Value x = b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224);
        foreach ((int layers, int channels) in new[] { (2, 64), (2, 128), (3, 256), (3, 512), (3, 512) })
        {
            for (int i = 0; i < layers; i++) x = b.Relu(b.Conv(x, channels, 3));
            x = b.MaxPool(x, 2, 2);
        }
        x = b.Op("Flatten", [x], ("axis", 1L));
        return b.Finish(b.Dense(b.Relu(b.Dense(b.Relu(b.Dense(x, 4096)), 4096)), 1000));
    }

    /// <summary>Iandola et al., arXiv 1602.07360, version 1.1.</summary>
    private static Graph SqueezeNet()
    {
        var b = new NetworkBuilder("squeezenet1_1");
        Value x = b.Relu(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 64, 3, 2, 0));
        foreach ((bool pool, int squeeze, int expand) in new[]
                 { (true, 16, 64), (false, 16, 64), (true, 32, 128), (false, 32, 128), (true, 48, 192), (false, 48, 192), (false, 64, 256), (false, 64, 256) })
        {
            if (pool) x = b.MaxPool(x, 3, 2, ceil: true);
            x = b.Relu(b.Conv(x, squeeze, 1));
            x = b.Op("Concat", [b.Relu(b.Conv(x, expand, 1)), b.Relu(b.Conv(x, expand, 3))], ("axis", 1L));
        }
        return b.Finish(b.GlobalPool(b.Relu(b.Conv(x, 1000, 1))));
    }

    /// <summary>Ma et al., arXiv 1807.11164.</summary>
    private static Graph ShuffleNetV2()
    {
        var b = new NetworkBuilder("shufflenet_v2_x1_0");
        Value x = b.MaxPool(b.Relu(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 24, 3, 2)), 3, 2, 1);
        foreach ((int channels, int repeats) in new[] { (116, 4), (232, 8), (464, 4) })
        {
            int half = channels / 2;
            for (int i = 0; i < repeats; i++)
            {
                Value left, right;
                if (i == 0)
                {
                    left = b.Relu(b.Conv(b.Conv(x, (int)x.Shape[1], 3, 2, group: (int)x.Shape[1]), half, 1));
                    right = b.Conv(b.Relu(b.Conv(x, half, 1)), half, 3, 2, group: half);
                }
                else
                {
                    Value[] parts = b.Op("Split", 2, [x, b.Integers(half, half)], ("axis", 1L));
                    left = parts[0];
                    right = b.Conv(b.Relu(b.Conv(parts[1], half, 1)), half, 3, group: half);
                }
                x = b.Op("Concat", [left, b.Relu(b.Conv(right, half, 1))], ("axis", 1L));
                long h = x.Shape[2], w = x.Shape[3];
                x = b.Reshape(b.Transpose(b.Reshape(x, 1, 2, half, h, w), 0, 2, 1, 3, 4), 1, channels, h, w);
            }
        }
        return b.Finish(b.Dense(b.GlobalPool(b.Relu(b.Conv(x, 1024, 1))), 1000));
    }

    /// <summary>Two layers of 256 over 64 steps of 256 numbers.</summary>
    private static Graph Lstm()
    {
        var b = new NetworkBuilder("lstm_2x256");
        Value x = b.Input("x", DType.Float32, 64, 1, 256);
        for (int layer = 0; layer < 2; layer++)
        {
            double deviation = 1.0 / Math.Sqrt(256);
            Value y = b.Op("LSTM", [x, b.Weights(deviation, 1, 1024, 256), b.Weights(deviation, 1, 1024, 256), b.Weights(0.05, 1, 2048)], ("hidden_size", 256L));
            x = b.Op("Squeeze", [y, b.Integers(1)]);
        }
        return b.Finish(x);
    }

    /// <summary>Depthwise separable network for keywords: Zhang et al., arXiv 1711.07128, in the size of MLPerf Tiny (Banbury et al., arXiv 2106.07597).</summary>
    private static Graph KeywordSpotting()
    {
        const int channels = 64;
        var b = new NetworkBuilder("kws_ds_cnn");
        Value x = b.Op("Conv", [b.Input("x", DType.Float32, NetworkBuilder.Batch, 1, 49, 10), b.Weights(Math.Sqrt(2.0 / 40), channels, 1, 10, 4), b.Weights(0.05, channels)],
            ("kernel_shape", new long[] { 10, 4 }), ("strides", new long[] { 2, 2 }), ("pads", new long[] { 4, 1, 5, 1 }));
        x = b.Relu(x);
        for (int i = 0; i < 4; i++) x = b.Relu(b.Conv(b.Relu(b.Conv(x, channels, 3, group: channels)), channels, 1));
        return b.Finish(b.Op("Softmax", [b.Dense(b.GlobalPool(x), 12)], ("axis", -1L)));
    }
}
