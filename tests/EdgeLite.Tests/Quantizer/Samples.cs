using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Smooth pictures: each sample is a few waves over the last axes, in [0, 1].</summary>
internal sealed class Waves(Graph graph, int count) : ICalibrationData
{
    private readonly TensorType[] _types = [.. graph.Inputs.Select(i => i.Type)];

    public int Count => count;

    public string Describe(int index) => $"wave {index}";

    public IReadOnlyList<Tensor> Load(int index) => [.. _types.Select(type =>
    {
        var tensor = new Tensor(DType.Float32, type.Shape);
        for (long i = 0; i < tensor.Count; i++)
            tensor.SetDouble(i, 0.5 + 0.3 * Math.Sin(0.7 * i + index) + 0.2 * Math.Cos(0.11 * i * (1 + index % 3)));
        return tensor;
    })];
}

/// <summary>Given tensors.</summary>
internal sealed class Given(params Tensor[][] samples) : ICalibrationData
{
    public int Count => samples.Length;

    public string Describe(int index) => $"sample {index}";

    public IReadOnlyList<Tensor> Load(int index) => samples[index];
}
