using EdgeLite.Converter.Ir;

namespace EdgeLite.Bench.Networks;

/// <summary>He et al., arXiv 1512.03385, with the stride in the 3x3 convolution.</summary>
internal static class ResNets
{
    public static Graph ResNet18() => Build("resnet18", [2, 2, 2, 2], bottleneck: false);

    public static Graph ResNet50() => Build("resnet50", [3, 4, 6, 3], bottleneck: true);

    private static Graph Build(string name, int[] blocks, bool bottleneck)
    {
        var b = new NetworkBuilder(name);
        Value x = b.MaxPool(b.Relu(b.Conv(b.Input("x", DType.Float32, NetworkBuilder.Batch, 3, 224, 224), 64, 7, 2)), 3, 2, 1);
        for (int stage = 0; stage < blocks.Length; stage++)
            for (int i = 0; i < blocks[stage]; i++)
            {
                int width = 64 << stage, channels = bottleneck ? 4 * width : width, stride = i == 0 && stage > 0 ? 2 : 1;
                Value y = bottleneck
                    ? b.Conv(b.Relu(b.Conv(b.Relu(b.Conv(x, width, 1)), width, 3, stride)), channels, 1)
                    : b.Conv(b.Relu(b.Conv(x, width, 3, stride)), channels, 3);
                if (i == 0 && x.Shape[1] != channels) x = b.Conv(x, channels, 1, stride);
                x = b.Relu(b.Add(y, x));
            }
        return b.Finish(b.Dense(b.GlobalPool(x), 1000));
    }
}
