using EdgeLite.Tests.Ops;
using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>A model of one operator and its inputs. Integer results of a session may differ by <paramref name="Steps"/>, floats by
/// <paramref name="Tolerance"/> of the largest one.</summary>
internal sealed record TfliteCase(string Name, byte[] File, Tensor[] Inputs, int Outputs, int Steps, double Tolerance)
{
    /// <summary>Inputs of further runs, between which the model keeps its state.</summary>
    public Tensor[][] Later { get; init; } = [];

    /// <summary>By how much floats may differ besides, for steps of int16.</summary>
    public double Within { get; init; }

    /// <summary>As <see cref="Within"/>, of the reference loops on the imported model: real arithmetic where TFLite has integers.</summary>
    public double RealWithin { get; init; }
}

/// <summary>Builds a model of one operator with random inputs.</summary>
internal sealed class TfliteCaseMaker(string name, int seed)
{
    private readonly List<int> _inputs = [], _outputs = [];
    private readonly List<(Tensor First, Func<Tensor> Next)> _values = [];

    /// <summary>Random sizes and choices.</summary>
    public EdgeShapes R { get; } = new(seed);

    public TfliteFileBuilder File { get; } = new();

    /// <summary>How far integer results may be off.</summary>
    public int Steps { get; set; }

    private double _tolerance = 2e-5;

    public Tensor Value(int type, int[] shape, int low, int high)
    {
        DType dtype = type switch { Float32 => DType.Float32, TfliteFileBuilder.Int32 => DType.Int32, Int8 => DType.Int8, UInt8 => DType.UInt8, TfliteFileBuilder.Int16 => DType.Int16, Bool => DType.Bool, _ => DType.Int64 };
        var tensor = new Tensor(dtype, new Shape([.. shape.Select(d => (long)d)]));
        for (long i = 0; i < tensor.Count; i++)
            if (type == Float32) tensor.SetDouble(i, R.Int(16 * low, 16 * high) / 16.0);
            else tensor.SetInt64(i, type == Bool ? R.Int(0, 1) : R.Int(low, high));
        return tensor;
    }

    /// <summary>An input of the model: floats between the limits, integers likewise.</summary>
    public int In(int type, int[] shape, float scale = 0, long zero = 0, int low = -4, int high = 4) => Given(() => Value(type, shape, low, high), shape, type, scale, zero);

    /// <summary>An input of the model of this value.</summary>
    public int Given(Tensor value, int type) => Given(() => value, [.. value.Shape.AsSpan().ToArray().Select(d => (int)d)], type, 0, 0);

    private int Given(Func<Tensor> value, int[] shape, int type, float scale, long zero)
    {
        _values.Add((value(), value));
        _inputs.Add(File.Tensor($"x{_inputs.Count}", type, shape, scale, zero));
        return _inputs[^1];
    }

    /// <summary>A quantized input over its whole range.</summary>
    public int Quantized(int[] shape, float scale = TfliteCaseMakers.Scale, long zero = 3) => In(Int8, shape, scale, zero, -128, 127);

    /// <summary>An output, whose shape the interpreter finds out itself.</summary>
    public int Out(int type, float scale = 0, long zero = 0, int rank = 0)
    {
        _outputs.Add(File.Tensor($"y{_outputs.Count}", type, [.. Enumerable.Repeat(1, rank)], scale, zero));
        return _outputs[^1];
    }

    /// <summary>An output of that shape, which LiteRT wants to know.</summary>
    public int OutOf(int type, int[] shape)
    {
        _outputs.Add(File.Tensor($"y{_outputs.Count}", type, shape));
        return _outputs[^1];
    }

    /// <summary>An output of an operator on pictures: the importer wants to know its rank, as every file of TensorFlow tells it.</summary>
    public int Picture(int type, float scale = 0, long zero = 0) => Out(type, scale, zero, 4);

    /// <summary>Shape of at least <paramref name="least"/> dimensions, none of them 0.</summary>
    public int[] Shape(int least = 1, int most = 4) => [.. R.Shape(least, most, zero: false).Select(d => (int)d)];

    public int[] Broadcast(int[] shape) => [.. R.Broadcast([.. shape.Select(d => (long)d)], wider: false).Select(d => (int)d)];

    public int Axis(int rank) => (int)R.Axis(rank);

    /// <summary>A tensor of int16, which JavaScript does not read: quantized from an input of floats.</summary>
    public int Int16(int[] shape, float scale = TfliteCaseMakers.Scale / 256) => Int16(In(Float32, shape, low: -7, high: 7), shape, scale);

    /// <summary>All numbers of int16.</summary>
    public int EveryInt16(float scale)
    {
        float[] values = [.. Enumerable.Range(short.MinValue, 1 << 16).Select(v => v * scale)];
        return Int16(Given(Tensor.FromArray<float>(values, new Shape(values.Length)), Float32), [values.Length], scale);
    }

    private int Int16(int given, int[] shape, float scale)
    {
        int x = File.Tensor($"q{given}", TfliteFileBuilder.Int16, shape, scale);
        File.TypedOp(114, 89, [given], [x]);
        return x;
    }

    /// <summary>The model with one operator on int16, its result dequantized: one step is more than what floats may differ by. The
    /// reference loops may be <paramref name="realSteps"/> off.</summary>
    public TfliteCase RealInt16Case(int realSteps, int code, byte optionsType, int[] inputs, float scale, int rank, params object?[] options) =>
        Int16Case(code, optionsType, inputs, scale, rank, options) with { RealWithin = (realSteps + 0.1) * scale };

    public TfliteCase Int16Case(int code, byte optionsType, int[] inputs, float scale, int rank, params object?[] options)
    {
        int result = File.Tensor("result", TfliteFileBuilder.Int16, [.. Enumerable.Repeat(1, rank)], scale);
        File.TypedOp(code, optionsType, inputs, [result], options);
        File.TypedOp(6, 38, [result], [Out(Float32)]);
        _tolerance = 1e-6;
        return Done();
    }

    /// <summary>The model with one operator.</summary>
    public TfliteCase Case(int code, byte optionsType, int[] inputs, int[] outputs, params object?[] options)
    {
        File.TypedOp(code, optionsType, inputs, outputs, options);
        return Done();
    }

    /// <summary>As <see cref="Case"/>, for one output of bool, which JavaScript does not read: cast to int32.</summary>
    public TfliteCase BoolCase(int code, byte optionsType, int[] inputs, params object?[] options)
    {
        int truth = File.Tensor("truth", Bool, []);
        File.TypedOp(code, optionsType, inputs, [truth], options);
        File.TypedOp(53, 37, [truth], [Out(TfliteFileBuilder.Int32)], (sbyte)Bool, (sbyte)TfliteFileBuilder.Int32);
        return Done();
    }

    /// <summary>The model with all its operators; <paramref name="subgraphs"/> adds those that they call.</summary>
    public TfliteCase Done(int runs = 1, Action? subgraphs = null)
    {
        File.Border([.. _inputs], [.. _outputs]);
        subgraphs?.Invoke();
        return new TfliteCase(name, File.Finish(), [.. _values.Select(v => v.First)], _outputs.Count, Steps, _tolerance)
        {
            Later = [.. Enumerable.Range(1, runs - 1).Select(_ => _values.Select(v => v.Next()).ToArray())],
        };
    }
}
