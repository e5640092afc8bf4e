namespace EdgeLite.Tests.Importers;

/// <summary>Tests whose tensors are random and the same in every run.</summary>
public abstract class SeededTests(int seed)
{
    private int _seed = seed;

    /// <summary>float32 in [-1, 1).</summary>
    protected Tensor Random(params long[] shape) => Random(DType.Float32, shape);

    /// <summary>float32 in [-1, 1), or integers in [0, 256).</summary>
    protected Tensor Random(DType type, params long[] shape)
    {
        var random = new Random(_seed++);
        var tensor = new Tensor(type, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++)
            if (type == DType.Float32) tensor.SetDouble(i, 2 * random.NextDouble() - 1);
            else tensor.SetInt64(i, random.Next(256));
        return tensor;
    }
}
