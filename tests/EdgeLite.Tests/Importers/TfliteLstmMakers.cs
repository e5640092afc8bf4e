using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>TFLite's integer LSTM: 8x8_16 (activations and weights of int8, gates and cell state of int16) with all that it may have, 8x8_8 and
/// the basic kernel over uint8. Numbers are those of TFLite's schema.</summary>
internal static class TfliteLstmMakers
{
    private const int I32 = TfliteFileBuilder.Int32, I16 = TfliteFileBuilder.Int16, Runs = 4;
    private const sbyte Tanh = 4;

    private readonly record struct Parts(bool Coupled, bool Peepholes, bool Normalized, bool Projected);

    public static void Add(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        add("LSTM_uint8_basic", Basic);
        add("LSTM_int8_of_8_bits", Eight);
        foreach ((string name, Parts parts) in new (string, Parts)[]
        {
            ("", default), ("_coupled", new(true, false, false, false)), ("_peepholes", new(false, true, false, false)), ("_normalized", new(false, false, true, false)),
            ("_projected", new(false, false, false, true)), ("_with_all", new(false, true, true, true)), ("_coupled_with_all", new(true, true, true, true)),
        })
        {
            add("LSTM_int8" + name, m =>
            {
                int inputs = m.R.Int(1, 9);
                Lstm(m, parts, 16, 14, m.Quantized([2, inputs], 0.031f, -7), inputs, 2, Tanh, m.R.One(0f, 0.6f), parts.Projected ? m.R.One(0f, 0.4f) : 0f, (sbyte)0);
                return m.Done(Runs);
            });
            add("UNIDIRECTIONAL_SEQUENCE_LSTM_int8" + name, m =>
            {
                (int inputs, bool timeMajor) = (m.R.Int(1, 9), m.R.Chance());
                Lstm(m, parts, 44, 71, m.Quantized(timeMajor ? [m.R.Int(1, 5), 2, inputs] : [2, m.R.Int(1, 5), inputs], 0.031f, -7), inputs, 3, Tanh, m.R.One(0f, 0.6f), parts.Projected ? m.R.One(0f, 0.4f) : 0f, timeMajor);
                return m.Done();
            });
        }
    }

    /// <summary>Gates i, g, f, o in one matrix; the state, of int16 with 4 integer bits, goes in and out as floats.</summary>
    private static TfliteCase Basic(TfliteCaseMaker m)
    {
        (int inputs, int units, float weights) = (m.R.Int(1, 9), m.R.Int(1, 24), m.R.Int(5, 60) * 1e-3f);
        int x = m.In(UInt8, [2, inputs], 1f / 128, 128, 0, 255), h = m.In(UInt8, [2, units], 1f / 128, 128, 0, 255), c = m.Int16([2, units], 1f / 2048);
        int w = m.File.Constant("w", UInt8, [4 * units, inputs + units], m.Value(UInt8, [4 * units, inputs + units], 0, 255).ToArray<byte>(), weights, m.R.Int(90, 160));
        int b = m.File.Constant("b", I32, [4 * units], m.Value(I32, [4 * units], -9000, 9000).ToArray<int>(), weights / 128);
        int y = m.Out(UInt8, 1f / 128, 128, 2), next = m.File.Tensor("next", I16, [1, 1], 1f / 2048);
        m.File.Version = 2;
        m.File.TypedOp(16, 14, [x, h, w, b, c], [y, next, m.File.Tensor("both", UInt8, [1, 1], 1f / 128, 128), m.File.Tensor("gates", I16, [1, 1], 1f / 4096)], Tanh, 0f, 0f, (sbyte)1);
        m.File.TypedOp(6, 38, [next], [m.Out(Float32, rank: 2)]);
        return m.Done(Runs);
    }

    /// <summary>8x8_8 with what TFLite has it with: coupled, normalized, projected. Its cell state has a scale of 2^-15.</summary>
    private static TfliteCase Eight(TfliteCaseMaker m)
    {
        (int inputs, int units) = (m.R.Int(1, 9), m.R.Int(2, 40));
        int results = m.R.Int(1, units);
        int[] Each(Func<int, int> make) => [-1, .. Enumerable.Range(1, 3).Select(make)];
        int Weights(string name, int rows, int columns) => m.File.Constant(name, Int8, [rows, columns], m.Value(Int8, [rows, columns], -127, 127).ToArray<sbyte>(), m.R.Int(20, 90) * 1e-4f);
        int Bias(string name, int count, int most) => m.File.Constant(name, I32, [count], m.Value(I32, [count], -most, most).ToArray<int>(), 1e-4f);
        int[] all =
        [
            m.Quantized([2, inputs], 0.031f, -7), .. Each(g => Weights($"w{g}", units, inputs)), .. Each(g => Weights($"r{g}", units, results)), -1, -1, -1, .. Each(g => Bias($"b{g}", units, 9000000)),
            Weights("project", results, units), Bias("projected", results, 400000), m.File.Variable("h", Int8, [2, results], 0.0081f, 5), m.File.Variable("c", I16, [2, units], 1f / 32768),
            .. Each(g => m.File.Constant($"n{g}", I16, [units], m.Value(I16, [units], 0, 32767).ToArray<short>(), m.R.Int(10, 90) * 1e-6f)),
        ];
        int[] between = [.. Enumerable.Range(0, 12).Select(i => m.File.Tensor($"between{i}", i % 3 == 0 ? I16 : Int8, [1], i % 3 == 0 ? m.R.Int(2, 9) * 1e-4f : m.R.Int(10, 90) * 1e-3f, i % 3 == 0 ? 0 : m.R.Int(-9, 9)))];
        m.File.Version = 3;
        m.File.IntermediateOp(16, 14, all, [m.Out(Int8, 0.0081f, 5, 2)], between, Tanh, m.R.One(0f, 0.6f), m.R.One(0f, 0.4f), (sbyte)0);
        return m.Done(Runs);
    }

    /// <summary>The cell state has a scale of 2^-11. What is hidden has a scale of its own where it is projected.</summary>
    private static void Lstm(TfliteCaseMaker m, Parts parts, int code, byte table, int x, int inputs, int rank, params object?[] options)
    {
        const float Output = 0.0081f;
        int units = m.R.Int(parts.Projected ? 2 : 1, m.R.One(12, 40)), results = parts.Projected ? m.R.Int(1, units) : units, zero = m.R.Int(-9, 9), hiddenZero = parts.Projected ? m.R.Int(-9, 9) : zero;
        float hidden = parts.Projected ? 0.0079f : Output;
        int[] Each(int count, Func<int, int> make) => [.. Enumerable.Range(0, count).Select(g => parts.Coupled && g == 0 ? -1 : make(g))];
        int Weights(string name, int rows, int columns) => m.File.Constant(name, Int8, [rows, columns], m.Value(Int8, [rows, columns], -127, 127).ToArray<sbyte>(), m.R.Int(20, 90) * 1e-4f);
        int Shorts(string name, int low, float scale) => m.File.Constant(name, I16, [units], m.Value(I16, [units], low, 32767).ToArray<short>(), scale);
        int Bias(string name, int count, int most) => m.File.Constant(name, I32, [count], m.Value(I32, [count], -most, most).ToArray<int>(), 1e-4f);
        float gate = parts.Normalized ? m.R.Int(2, 9) * 1e-4f : 1f / 4096;
        int[] all =
        [
            x, .. Each(4, g => Weights($"w{g}", units, inputs)), .. Each(4, g => Weights($"r{g}", units, results)),
            .. parts.Peepholes ? Each(3, g => Shorts($"p{g}", -32767, m.R.Int(10, 60) * 1e-6f)) : [-1, -1, -1],
            .. Each(4, g => Bias($"b{g}", units, parts.Normalized ? 3000000 : 9000)),
            parts.Projected ? Weights("project", results, units) : -1, parts.Projected && m.R.Chance() ? Bias("projected", results, 4000) : -1,
            m.File.Variable("h", Int8, [2, results], Output, zero), m.File.Variable("c", I16, [2, units], 1f / 2048),
            .. parts.Normalized ? Each(4, g => Shorts($"n{g}", 0, m.R.Int(10, 60) * 1e-6f)) : [],
        ];
        m.File.Version = 3;
        int[] gates = [.. Enumerable.Range(0, 4).Select(g => m.File.Tensor($"gate{g}", I16, [1], gate)), m.File.Tensor("hidden", Int8, [1], hidden, hiddenZero)];
        m.File.IntermediateOp(code, table, all, [m.Out(Int8, Output, zero, rank)], gates, options);
    }
}
