using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Seeded random samples: floats are pixels drawn uniformly from [0, 255] and preprocessed like a picture's, 8-bit integers cover
/// their range, other integers, booleans and texts are 0 or 1. Numbers by SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).</summary>
internal sealed class CalibrationRandom(Graph graph, int count, int seed, CalibrationPreprocessing preprocessing, IReadOnlyList<Shape>? shapes = null) : ICalibrationData
{
    /// <summary>Of the inputs in their order.</summary>
    public IReadOnlyList<Shape> Shapes { get; } = shapes ?? [.. graph.Inputs.Select(CalibrationData.SampleShape)];

    public int Count => count;

    public string Describe(int index) => $"random:{index}";

    public IReadOnlyList<Tensor> Load(int index)
    {
        ulong state = (ulong)seed << 32 ^ (ulong)index;
        return [.. graph.Inputs.Select((input, i) => Fill(input, Shapes[i], ref state))];
    }

    private Tensor Fill(Value input, Shape shape, ref ulong state)
    {
        if (input.DType == DType.Undefined || input.Type.IsList || input.DType.IsComplex())
            throw new EdgeLiteException(Status.InvalidType, $"Input '{input.Name}' is {input.DType.Name()}; random samples are numbers.");
        var tensor = new Tensor(input.DType, shape);
        for (long i = 0, n = tensor.Count; i < n; i++)
        {
            double unit = (Next(ref state) >> 11) * (1.0 / (1L << 53));
            if (input.DType.IsFloat())
                tensor.SetDouble(i, (unit * 255 * preprocessing.Scale - preprocessing.Mean[0]) / preprocessing.Std[0]);
            else if (input.DType is DType.Int8 or DType.UInt8) tensor.SetInt64(i, (long)(unit * 256) - (input.DType == DType.Int8 ? 128 : 0));
            else if (tensor.Strings is { } texts) texts[i] = unit < 0.5 ? "0" : "1";
            else tensor.SetInt64(i, unit < 0.5 ? 0 : 1);
        }
        return tensor;
    }

    private static ulong Next(ref ulong state)
    {
        ulong z = state += 0x9E3779B97F4A7C15;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
        z = (z ^ z >> 27) * 0x94D049BB133111EB;
        return z ^ z >> 31;
    }
}
