using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>How a random case of each builtin operator is made. Numbers of operators and of their tables are those of TFLite's schema.</summary>
internal static class TfliteCaseMakers
{
    /// <summary>Of quantized inputs: no short number, so that results seldom lie in the middle of two steps.</summary>
    public const float Scale = 0.0523f;

    private const int I32 = TfliteFileBuilder.Int32;

    public static SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>> All { get; } = Make();

    private static SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<TfliteCaseMaker, TfliteCase>>(StringComparer.Ordinal);
        void Add(string op, Func<TfliteCaseMaker, TfliteCase> make) => makers.Add(op, make);

        foreach ((string op, int code, byte table) in new[] { ("ADD", 0, (byte)11), ("SUB", 41, (byte)28), ("MUL", 18, (byte)21), ("DIV", 42, (byte)29) })
        {
            Add(op, m =>
            {
                (int a, int b) = Operands(m, Float32);
                return m.Case(code, table, [a, b], [m.Out(Float32)], m.R.One<sbyte>(0, 1, 2, 3));
            });
            if (op != "DIV")
                Add(op + "_int8", m =>
                {
                    int[] shape = m.Shape();
                    m.Steps = 1; // XNNPACK, with which the interpreter is built, scales by fewer bits than TFLite's own kernels
                    return m.Case(code, table, [m.Quantized(m.Broadcast(shape)), m.Quantized(m.Broadcast(shape), 0.0317f, -7)], [m.Out(Int8, op == "MUL" ? 0.113f : 0.0641f, 5)], m.R.One<sbyte>(0, 1, 3));
                });
            Add(op + "_int32", m =>
            {
                int[] shape = m.Shape();
                return m.Case(code, table, [m.In(I32, m.Broadcast(shape), low: -90, high: 90), m.In(I32, m.Broadcast(shape), low: 1, high: 9)], [m.Out(I32)], (sbyte)0);
            });
        }
        foreach ((string op, int code, byte table) in new[] { ("MAXIMUM", 55, (byte)39), ("MINIMUM", 57, (byte)39), ("SQUARED_DIFFERENCE", 99, (byte)76), ("FLOOR_DIV", 90, (byte)65), ("FLOOR_MOD", 95, (byte)72) })
        {
            bool divides = op.StartsWith("FLOOR", StringComparison.Ordinal);
            foreach (int type in new[] { Float32, I32 })
                Add(type == Float32 ? op : op + "_int32", m =>
                {
                    int[] shape = m.Shape();
                    return m.Case(code, table, [m.In(type, m.Broadcast(shape), low: -20, high: 20), m.In(type, m.Broadcast(shape), low: divides ? 1 : -20, high: divides ? 7 : 20)], [m.Out(type)]);
                });
            if (op is "MAXIMUM" or "MINIMUM")
                Add(op + "_int8", m =>
                {
                    int[] shape = m.Shape();
                    return m.Case(code, table, [m.Quantized(m.Broadcast(shape)), m.Quantized(m.Broadcast(shape))], [m.Out(Int8, Scale, 3)]);
                });
        }
        Add("POW", m =>
        {
            int[] shape = m.Shape();
            return m.Case(78, 56, [m.In(Float32, m.Broadcast(shape), low: 0, high: 4), m.In(Float32, m.Broadcast(shape), low: -2, high: 3)], [m.Out(Float32)]);
        });
        foreach ((string op, int code, byte table) in new[] { ("EQUAL", 71, (byte)53), ("NOT_EQUAL", 72, (byte)54), ("LESS", 58, (byte)41), ("LESS_EQUAL", 63, (byte)46), ("GREATER", 61, (byte)44), ("GREATER_EQUAL", 62, (byte)45) })
        {
            Add(op, m =>
            {
                (int a, int b) = Operands(m, m.R.One(Float32, I32));
                return m.BoolCase(code, table, [a, b]);
            });
            Add(op + "_int8", m =>
            {
                int[] shape = m.Shape();
                return m.BoolCase(code, table, [m.Quantized(m.Broadcast(shape)), m.Quantized(m.Broadcast(shape), 0.0317f, -7)]);
            });
        }
        foreach ((string op, int code, byte table) in new[] { ("LOGICAL_OR", 84, (byte)60), ("LOGICAL_AND", 86, (byte)62) })
            Add(op, m =>
            {
                (int a, int b) = Operands(m, Bool);
                return m.BoolCase(code, table, [a, b]);
            });

        foreach ((string op, int code) in new[] { ("ABS", 101), ("EXP", 47), ("FLOOR", 8), ("CEIL", 104), ("ROUND", 116), ("SIN", 66), ("COS", 108), ("NEG", 59), ("SQUARE", 92), ("ELU", 111), ("LOGISTIC", 14),
                     ("TANH", 28), ("RELU", 19), ("RELU_N1_TO_1", 20), ("RELU6", 21), ("HARD_SWISH", 117), ("LOG_SOFTMAX", 50), ("L2_NORMALIZATION", 11), ("ZEROS_LIKE", 93) })
            Add(op, m => m.Case(code, 0, [m.In(Float32, m.Shape(), low: -7, high: 7)], [m.Out(Float32)]));
        foreach ((string op, int code) in new[] { ("SQRT", 75), ("RSQRT", 76), ("LOG", 73) })
            Add(op, m => m.Case(code, 0, [m.In(Float32, m.Shape(), low: 1, high: 9)], [m.Out(Float32)]));
        foreach ((string op, int code, float scale, int zero) in new[] { ("LOGISTIC", 14, 1f / 256, -128), ("TANH", 28, 1f / 128, 0), ("RELU", 19, Scale, 3), ("RELU6", 21, 0.0289f, -128), ("HARD_SWISH", 117, 0.0427f, -100), ("ABS", 101, 0.0547f, -128),
                     ("LOG_SOFTMAX", 50, 16f / 256, 127), ("L2_NORMALIZATION", 11, 1f / 128, 0), ("ELU", 111, 0.0419f, -60) })
            Add(op + "_int8", m =>
            {
                m.Steps = op is "LOG_SOFTMAX" or "L2_NORMALIZATION" ? 1 : 0;
                return m.Case(code, 0, [m.Quantized(m.Shape(2), zero: op is "L2_NORMALIZATION" ? 0 : 3)], [m.Out(Int8, scale, zero)]);
            });
        Add("LEAKY_RELU", m => m.Case(98, 75, [m.In(Float32, m.Shape())], [m.Out(Float32)], 0.2f));
        Add("LEAKY_RELU_int8", m =>
        {
            m.Steps = 1; // XNNPACK again
            return m.Case(98, 75, [m.Quantized(m.Shape())], [m.Out(Int8, 0.0413f, -20)], 0.2f);
        });
        Add("GELU", m => m.Case(150, 116, [m.In(Float32, m.Shape())], [m.Out(Float32)], m.R.Chance()));
        Add("SOFTMAX", m => m.Case(25, 9, [m.In(Float32, m.Shape())], [m.Out(Float32)], m.R.One(1f, 0.5f)));
        Add("SOFTMAX_int8", m => m.Case(25, 9, [m.Quantized(m.Shape())], [m.Out(Int8, 1f / 256, -128)], 1f));
        Add("PRELU", m =>
        {
            int[] shape = m.Shape(4, 4);
            return m.Case(54, 0, [m.In(Float32, shape), m.File.Constant("alpha", Float32, [1, 1, shape[3]], m.Value(Float32, [1, 1, shape[3]], -1, 1).ToArray<float>())], [m.Out(Float32)]);
        });

        foreach ((string op, int code, bool hasInt8) in new[] { ("SUM", 74, true), ("MEAN", 40, true), ("REDUCE_MAX", 82, true), ("REDUCE_MIN", 89, true), ("REDUCE_PROD", 81, false) })
        {
            Add(op, m => Reduction(m, code, m.In(Float32, m.Shape(), low: -2, high: 2), m.Out(Float32)));
            if (hasInt8) Add(op + "_int8", m => Reduction(m, code, m.Quantized(m.Shape()), m.Out(Int8, op is "SUM" ? 3.7f : op is "MEAN" ? 0.0713f : Scale, op is "SUM" or "MEAN" ? -4 : 3)));
        }
        foreach ((string op, int code, byte table) in new[] { ("ARG_MAX", 56, (byte)40), ("ARG_MIN", 79, (byte)57) })
            Add(op, m =>
            {
                int[] shape = m.Shape();
                int x = m.R.Chance() ? m.In(Float32, shape) : m.Quantized(shape);
                return m.Case(code, table, [x, m.File.Scalar(m.Axis(shape.Length))], [m.Out(I32)], (sbyte)I32);
            });

        Add("CONV_2D", m => Convolution(m, false, false));
        Add("CONV_2D_int8", m => Convolution(m, false, true));
        Add("DEPTHWISE_CONV_2D", m => Convolution(m, true, false));
        Add("DEPTHWISE_CONV_2D_int8", m => Convolution(m, true, true));
        Add("CONV_3D", m =>
        {
            (int c, int oc) = (m.R.Int(1, 3), m.R.Int(1, 4));
            int[] k = [m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 3)];
            return m.Case(132, 106, [m.In(Float32, [1, m.R.Int(3, 5), m.R.Int(3, 5), m.R.Int(3, 5), c]), Weights(m, [.. k, c, oc]), Weights(m, [oc])], [m.Out(Float32, rank: 5)],
                m.R.One<sbyte>(0, 1), m.R.Int(1, 2), m.R.Int(1, 2), m.R.Int(1, 2), m.R.One<sbyte>(0, 1), 1, 1, 1);
        });
        Add("FULLY_CONNECTED", m =>
        {
            (int k, int n) = (m.R.Int(1, 20), m.R.Int(1, 9));
            bool keep = m.R.Chance();
            return m.Case(9, 8, [m.In(Float32, [m.R.Int(1, 3), m.R.Int(1, 3), k]), Weights(m, [n, k]), Weights(m, [n])], [m.Out(Float32)], m.R.One<sbyte>(0, 1, 3), (sbyte)0, keep);
        });
        Add("FULLY_CONNECTED_int8", m =>
        {
            (int k, int n) = (m.R.Int(1, 40), m.R.Int(1, 9));
            return m.Case(9, 8, [m.Quantized([m.R.Int(1, 3), k]), Int8Weights(m, [n, k]), Bias(m, n)], [m.Out(Int8, 0.217f, 4)], m.R.One<sbyte>(0, 1));
        });
        Add("TRANSPOSE_CONV", m =>
        {
            (int h, int w, int c, int oc, int s) = (m.R.Int(2, 4), m.R.Int(2, 4), m.R.Int(1, 4), m.R.Int(1, 4), m.R.Int(1, 2));
            sbyte padding = m.R.One<sbyte>(0, 1);
            (int kh, int kw) = (m.R.Int(s, 3), m.R.Int(s, 3));
            (int oh, int ow) = padding == 0 ? (h * s, w * s) : ((h - 1) * s + kh, (w - 1) * s + kw);
            return m.Case(67, 49, [m.File.Ints(1, oh, ow, oc), Weights(m, [oc, kh, kw, c]), m.In(Float32, [1, h, w, c])], [m.Picture(Float32)], padding, s, s);
        });
        foreach ((string op, int code) in new[] { ("AVERAGE_POOL_2D", 1), ("MAX_POOL_2D", 17), ("L2_POOL_2D", 12) })
        {
            object?[] Options(TfliteCaseMaker m) => [m.R.One<sbyte>(0, 1), m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 3), m.R.One<sbyte>(0, 1)];
            int[] Shape(TfliteCaseMaker m) => [m.R.Int(1, 2), m.R.Int(3, 7), m.R.Int(3, 7), m.R.Int(1, 9)];
            Add(op, m => m.Case(code, 5, [m.In(Float32, Shape(m))], [m.Picture(Float32)], Options(m)));
            if (code != 12) Add(op + "_int8", m => m.Case(code, 5, [m.Quantized(Shape(m))], [m.Picture(Int8, Scale, 3)], Options(m)));
        }
        Add("BATCH_MATMUL", m =>
        {
            (int i, int j, int k) = (m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 9));
            bool a = m.R.Chance(), b = m.R.Chance();
            int[] batch = m.Shape(0, 2);
            return m.Case(126, 101, [m.In(Float32, a ? [.. batch, k, i] : [.. batch, i, k]), m.In(Float32, b ? [.. batch, j, k] : [.. batch, k, j])], [m.Out(Float32)], a, b);
        });
        foreach ((string op, int code, byte table) in new[] { ("RESIZE_BILINEAR", 23, (byte)15), ("RESIZE_NEAREST_NEIGHBOR", 97, (byte)74) })
        {
            object?[] Options(TfliteCaseMaker m)
            {
                int choice = m.R.Int(0, 2);
                return code == 23 ? [null, null, choice == 1, choice == 2] : [choice == 1, choice == 2];
            }
            Add(op, m => m.Case(code, table, [m.In(Float32, [1, m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 5)]), m.File.Ints(m.R.Int(1, 9), m.R.Int(1, 9))], [m.Picture(Float32)], Options(m)));
            Add(op + "_int8", m =>
            {
                m.Steps = code == 23 ? 1 : 0;
                return m.Case(code, table, [m.Quantized([1, m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 5)]), m.File.Ints(m.R.Int(1, 9), m.R.Int(1, 9))], [m.Picture(Int8, Scale, 3)], Options(m));
            });
        }
        Add("LOCAL_RESPONSE_NORMALIZATION", m => m.Case(13, 13, [m.In(Float32, m.Shape(4, 4))], [m.Picture(Float32)], m.R.Int(1, 3), 1f, 0.3f, 0.75f));
        AddMovement(Add);
        AddInt16(Add);
        TfliteStatefulMakers.Add(Add);
        TfliteLstmMakers.Add(Add);
        TfliteHybridMakers.Add(Add);
        TfliteCustomMakers.Add(Add);
        Add("QUANTIZE", m => m.Case(114, 89, [m.In(Float32, m.Shape(), low: -9, high: 9)], [m.Out(Int8, 0.0617f, -3)]));
        Add("QUANTIZE_again", m =>
        {
            m.Steps = 1; // XNNPACK again
            return m.Case(114, 89, [m.Quantized(m.Shape())], [m.Out(Int8, 0.0431f, -9)]);
        });
        Add("DEQUANTIZE", m => m.Case(6, 38, [m.Quantized(m.Shape())], [m.Out(Float32)]));
        Add("CAST", m => m.Case(53, 37, [m.In(Float32, m.Shape(), low: -9, high: 9)], [m.Out(I32)], (sbyte)Float32, (sbyte)I32));
        return makers;
    }

    /// <summary>Activations of int16, weights of int8: TFLite's own kernels, to the bit.</summary>
    private static void AddInt16(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        foreach ((string op, int code, byte table, float scale) in new[] { ("ADD", 0, (byte)11, 0.0005f), ("SUB", 41, (byte)28, 0.0005f), ("MUL", 18, (byte)21, 0.0017f) })
            add(op + "_int16", m =>
            {
                int[] shape = m.Shape();
                object?[] options = code == 18 ? [(sbyte)0] : code == 41 ? [(sbyte)0, false] : [(sbyte)0, false];
                return m.Int16Case(code, table, [m.Int16(m.Broadcast(shape)), m.Int16(m.Broadcast(shape), 0.000311f)], scale, shape.Length, options);
            });
        // These three TFLite takes from tables, which are some steps of 2^-15 off what they stand for; scales of powers of two have their own.
        foreach ((string op, int code) in new[] { ("LOGISTIC", 14), ("TANH", 28) })
        {
            add(op + "_int16", m => m.RealInt16Case(4, code, 0, [m.EveryInt16(m.R.Int(1, 100000) * 1e-8f)], 1f / 32768, 1));
            add(op + "_int16_power", m => m.RealInt16Case(12, code, 0, [m.EveryInt16(m.R.One(1f / 4096, 1f / 2048, 1f / 1024, 1f / 8192))], 1f / 32768, 1));
        }
        add("SOFTMAX_int16", m => m.RealInt16Case(8, 25, 9, [m.Int16(m.Shape(), m.R.Int(1, 100000) * 1e-8f)], 1f / 32768, 2, m.R.One(1f, 0.5f)));
        foreach ((string op, int code, byte table) in new[] { ("ABS", 101, (byte)78), ("RELU", 19, (byte)0), ("RELU6", 21, (byte)0), ("LEAKY_RELU", 98, (byte)75) })
            add(op + "_int16", m => m.RealInt16Case(1, code, table, [m.EveryInt16(m.R.Int(1, 100000) * 1e-8f)], m.R.Int(1, 100000) * 1e-8f, 1, code == 98 ? [0.2f] : []));
        foreach ((string op, int code) in new[] { ("MEAN", 40), ("REDUCE_MAX", 82), ("REDUCE_MIN", 89) })
            add(op + "_int16", m =>
            {
                int[] shape = m.Shape();
                int axes = m.File.Ints([.. m.R.Axes(shape.Length, 1).Select(a => (int)a)]);
                return m.RealInt16Case(code == 40 ? 1 : 0, code, 27, [m.Int16(shape), axes], code == 40 ? m.R.One(1, 0.5f, 1.7f) * Scale / 256 : Scale / 256, 1, m.R.Chance());
            });
        add("MEAN_int16_pictures", m => m.RealInt16Case(1, 40, 27, [m.Int16([m.R.Int(1, 2), m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 9)]), m.File.Ints(1, 2)], m.R.One(1, 0.5f, 1.7f) * Scale / 256, 4, m.R.Chance()));
        foreach ((string op, int code) in new[] { ("MAXIMUM", 55), ("MINIMUM", 57) })
            add(op + "_int16", m =>
            {
                int[] shape = m.Shape();
                return m.Int16Case(code, 39, [m.Int16(m.Broadcast(shape)), m.Int16(m.Broadcast(shape))], Scale / 256, 1);
            });
        add("BATCH_MATMUL_int16", m =>
        {
            (int i, int j, int k) = (m.R.Int(1, 5), m.R.Int(1, 5), m.R.Int(1, 9));
            (bool turnX, bool turnY) = (m.R.Chance(), m.R.Chance());
            return m.Int16Case(126, 101, [m.Int16(turnX ? [2, k, i] : [2, i, k]), m.Int16(turnY ? [2, j, k] : [2, k, j])], 0.004f, 3, turnX, turnY);
        });
        add("TRANSPOSE_CONV_int16", m =>
        {
            (int c, int oc) = (m.R.Int(1, 4), m.R.Int(1, 4));
            return m.Int16Case(67, 49, [m.File.Ints(1, 6, 8, oc), Int8Weights(m, [oc, 3, 3, c]), m.Int16([1, 3, 4, c])], 0.0023f, 4, (sbyte)0, 2, 2);
        });
        add("RESIZE_NEAREST_NEIGHBOR_int16", m => m.Int16Case(97, 74, [m.Int16([1, m.R.Int(1, 4), m.R.Int(1, 4), 2]), m.File.Ints(m.R.Int(1, 7), m.R.Int(1, 7))], Scale / 256, 4));
        add("RESIZE_BILINEAR_int16", m =>
        {
            bool align = m.R.Chance(0.3);
            return m.Int16Case(23, 15, [m.Int16([1, m.R.Int(1, 4), m.R.Int(1, 4), 2]), m.File.Ints(m.R.Int(1, 7), m.R.Int(1, 7))], Scale / 256, 4, null, null, align, !align && m.R.Chance());
        });
        add("QUANTIZE_int16", m => m.RealInt16Case(1, 114, 89, [m.EveryInt16(m.R.Int(1, 100000) * 1e-8f)], m.R.Int(1, 100000) * 1e-8f, 1));
        add("QUANTIZE_int16_int8", m => m.Case(114, 89, [m.EveryInt16(m.R.Int(1, 100000) * 1e-8f)], [m.Out(Int8, m.R.Int(1, 100000) * 1e-6f, m.R.Int(-9, 9))]));
        add("moved_int16", m =>
        {
            (int code, byte table, int[] more, object?[] options, int rank) = m.R.One<(int, byte, int[], object?[], int)>((2, 10, [m.Int16([2, 3])], [1, (sbyte)0], 2), (34, 22, [m.File.Constant("pads", I32, [2, 2], [1, 2, 0, 1])], [], 2),
                (39, 26, [m.File.Ints(1, 0)], [], 2), (36, 23, [m.File.Ints(1, 0, 1)], [0, 0], 2), (83, 59, [m.Int16([2, 3])], [2, 1], 3));
            return m.Int16Case(code, table, [m.Int16([2, 3]), .. more], Scale / 256, rank, options);
        });
        add("CONV_2D_int16", m =>
        {
            (int kh, int kw, int c, int oc, int stride) = (m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 9), m.R.Int(1, 9), m.R.Int(1, 2));
            return m.Int16Case(3, 1, [m.Int16([1, m.R.Int(3, 7), m.R.Int(3, 7), c]), Int8Weights(m, [oc, kh, kw, c]), LongBias(m, oc)], 0.0023f, 4, m.R.One<sbyte>(0, 1), stride, stride, m.R.One<sbyte>(0, 1), 1, 1);
        });
        add("DEPTHWISE_CONV_2D_int16", m =>
        {
            (int kh, int kw, int c, int stride) = (m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 9), m.R.Int(1, 2));
            return m.Int16Case(4, 2, [m.Int16([1, m.R.Int(3, 7), m.R.Int(3, 7), c]), Int8Weights(m, [1, kh, kw, c]), LongBias(m, c)], 0.0011f, 4, m.R.One<sbyte>(0, 1), stride, stride, 1, m.R.One<sbyte>(0, 1), 1, 1);
        });
        add("FULLY_CONNECTED_int16", m =>
        {
            (int k, int n) = (m.R.Int(1, 40), m.R.Int(1, 9));
            return m.Int16Case(9, 8, [m.Int16([m.R.Int(1, 3), k]), Int8Weights(m, [n, k]), LongBias(m, n)], 0.0019f, 2, (sbyte)0, (sbyte)0, false);
        });
        foreach ((string op, int code) in new[] { ("AVERAGE_POOL_2D", 1), ("MAX_POOL_2D", 17) })
            add(op + "_int16", m => m.Int16Case(code, 5, [m.Int16([1, m.R.Int(3, 7), m.R.Int(3, 7), m.R.Int(1, 9)])], Scale / 256, 4, m.R.One<sbyte>(0, 1), 2, 1, 2, 3, (sbyte)0));
    }

    /// <summary>Operators that move elements, or count them.</summary>
    private static void AddMovement(Action<string, Func<TfliteCaseMaker, TfliteCase>> add)
    {
        add("TRANSPOSE", m =>
        {
            int[] shape = m.Shape();
            return m.Case(39, 26, [AnyInput(m, shape, out int type), m.File.Ints(m.R.Permutation(shape.Length))], [AnyOutput(m, type)]);
        });
        add("RESHAPE", m =>
        {
            int[] shape = m.Shape(2);
            int[] wanted = [shape[0] * shape[1], .. shape[2..]];
            if (m.R.Chance()) wanted[m.R.Int(0, wanted.Length - 1)] = -1;
            return m.Case(22, 17, [AnyInput(m, shape, out int type), m.File.Ints(wanted)], [AnyOutput(m, type)]);
        });
        add("CONCATENATION", m =>
        {
            int[] shape = m.Shape();
            int axis = m.Axis(shape.Length), at = axis < 0 ? axis + shape.Length : axis;
            bool quantized = m.R.Chance();
            int[] parts = [.. Enumerable.Range(0, m.R.Int(1, 3)).Select(i =>
            {
                int[] part = [.. shape];
                part[at] = m.R.Int(1, 4);
                return quantized ? m.Quantized(part) : m.In(Float32, part);
            })];
            return m.Case(2, 10, parts, [quantized ? m.Out(Int8, Scale, 3) : m.Out(Float32)], axis, (sbyte)0);
        });
        add("SPLIT", m =>
        {
            int[] shape = m.Shape();
            int axis = m.Axis(shape.Length), parts = m.R.Int(1, 3);
            shape[axis < 0 ? axis + shape.Length : axis] *= parts;
            int x = AnyInput(m, shape, out int type);
            return m.Case(49, 35, [m.File.Scalar(axis), x], [.. Enumerable.Range(0, parts).Select(_ => AnyOutput(m, type))], parts);
        });
        add("SPLIT_V", m =>
        {
            int[] shape = m.Shape(), sizes = [m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 3)];
            int axis = m.Axis(shape.Length);
            shape[axis < 0 ? axis + shape.Length : axis] = sizes.Sum();
            if (m.R.Chance()) sizes[m.R.Int(0, 2)] = -1;
            int x = AnyInput(m, shape, out int type);
            return m.Case(102, 79, [x, m.File.Ints(sizes), m.File.Scalar(axis)], [.. Enumerable.Range(0, 3).Select(_ => AnyOutput(m, type))], 3);
        });
        add("PACK", m =>
        {
            int[] shape = m.Shape(0, 3);
            int count = m.R.Int(1, 3), axis = (int)m.R.Axis(shape.Length, 1);
            return m.Case(83, 59, [.. Enumerable.Range(0, count).Select(_ => m.In(Float32, shape))], [m.Out(Float32)], count, axis);
        });
        add("UNPACK", m =>
        {
            int[] shape = m.Shape();
            int axis = m.Axis(shape.Length), count = shape[axis < 0 ? axis + shape.Length : axis];
            return m.Case(88, 64, [m.In(Float32, shape)], [.. Enumerable.Range(0, count).Select(_ => m.Out(Float32))], count, axis);
        });
        add("SLICE", m =>
        {
            int[] shape = m.Shape(), begin = [.. shape.Select(d => m.R.Int(0, d - 1))], size = [.. shape.Select((d, i) => m.R.Chance(0.3) ? -1 : m.R.Int(1, d - begin[i]))];
            return m.Case(65, 48, [AnyInput(m, shape, out int type), m.File.Ints(begin), m.File.Ints(size)], [AnyOutput(m, type)]);
        });
        add("STRIDED_SLICE", m =>
        {
            int[] shape = m.Shape(1, 4), strides = [.. shape.Select(_ => m.R.One(1, 1, 2, -1))];
            int[] begin = [.. shape.Select((d, i) => strides[i] > 0 ? m.R.Int(0, d - 1) : m.R.Int(-d, -1))], end = [.. shape.Select((d, i) => strides[i] > 0 ? m.R.Int(begin[i] + 1, d) : -d - 1)];
            int shrink = m.R.Chance(0.3) ? 1 << m.R.Int(0, shape.Length - 1) : 0;
            for (int i = 0; i < shape.Length; i++)
                if (shrink >> i == 1) strides[i] = 1;
            return m.Case(45, 32, [AnyInput(m, shape, out int type), m.File.Ints(begin), m.File.Ints(end), m.File.Ints(strides)], [AnyOutput(m, type)], m.R.Int(0, 15), m.R.Int(0, 15), 0, 0, shrink);
        });
        add("STRIDED_SLICE_masked", m => // a dimension that is dropped although its begin is open
        {
            int[] shape = m.Shape(1, 4);
            int drop = m.R.Int(0, shape.Length - 1);
            return m.Case(45, 32, [m.In(I32, shape), m.File.Ints([.. shape.Select(d => m.R.Int(0, d - 1))]), m.File.Ints(shape), m.File.Ints([.. shape.Select(_ => 1)])], [m.Out(I32)], 1 << drop, 0, 0, 0, 1 << drop);
        });
        add("GATHER", m =>
        {
            int[] shape = m.Shape(), at = m.Shape(0, 2);
            int axis = m.Axis(shape.Length);
            return m.Case(36, 23, [AnyInput(m, shape, out int type), m.In(I32, at, low: 0, high: shape[axis < 0 ? axis + shape.Length : axis] - 1)], [AnyOutput(m, type)], axis, 0);
        });
        add("GATHER_ND", m =>
        {
            int[] shape = m.Shape(1, 3);
            int depth = m.R.Int(1, shape.Length);
            return m.Case(107, 83, [m.In(Float32, shape), m.In(I32, [m.R.Int(1, 4), depth], low: 0, high: shape[..depth].Min() - 1)], [m.Out(Float32)]);
        });
        foreach ((string op, int code, byte table) in new[] { ("PAD", 34, (byte)22), ("PADV2", 60, (byte)43), ("MIRROR_PAD", 100, (byte)77) })
            add(op, m =>
            {
                int[] shape = m.Shape(1, 4);
                int most = op == "MIRROR_PAD" ? shape.Min() - 1 : 3;
                int pads = m.File.Constant("pads", I32, [shape.Length, 2], [.. shape.SelectMany(_ => new[] { m.R.Int(0, most), m.R.Int(0, most) })]);
                int x = op == "PAD" && m.R.Chance() ? m.Quantized(shape) : m.In(Float32, shape);
                int y = op == "PAD" && m.File.TypeOf(x) == Int8 ? m.Out(Int8, Scale, 3) : m.Out(Float32);
                return op == "PADV2" ? m.Case(code, table, [x, pads, m.File.Constant("value", Float32, [1], [0.5f])], [y])
                    : op == "MIRROR_PAD" ? m.Case(code, table, [x, pads], [y], m.R.One<sbyte>(0, 1)) : m.Case(code, table, [x, pads], [y]);
            });
        add("TILE", m =>
        {
            int[] shape = m.Shape(1, 3);
            return m.Case(69, 51, [m.In(Float32, shape), m.File.Ints([.. shape.Select(_ => m.R.Int(1, 3))])], [m.Out(Float32)]);
        });
        add("EXPAND_DIMS", m =>
        {
            int[] shape = m.Shape(0, 3);
            return m.Case(70, 52, [m.In(Float32, shape), m.File.Scalar((int)m.R.Axis(shape.Length, 1))], [m.Out(Float32)]);
        });
        add("SPACE_TO_DEPTH", m => m.Case(26, 19, [m.In(Float32, [1, 2 * m.R.Int(1, 3), 2 * m.R.Int(1, 3), m.R.Int(1, 4)])], [m.Picture(Float32)], 2));
        add("DEPTH_TO_SPACE", m => m.Case(5, 94, [m.In(Float32, [1, m.R.Int(1, 3), m.R.Int(1, 3), 4 * m.R.Int(1, 3)])], [m.Picture(Float32)], 2));
        add("SPACE_TO_BATCH_ND", m => m.Case(38, 25, [m.In(Float32, [1, 4, 6, m.R.Int(1, 3)]), m.File.Ints(2, 3), m.File.Constant("pads", I32, [2, 2], m.R.One<int[]>([0, 0, 0, 0], [1, 1, 2, 1]))], [m.Picture(Float32)]));
        add("BATCH_TO_SPACE_ND", m => m.Case(37, 24, [m.In(Float32, [6, 2, 3, m.R.Int(1, 3)]), m.File.Ints(2, 3), m.File.Constant("crops", I32, [2, 2], m.R.One<int[]>([0, 0, 0, 0], [1, 0, 2, 1]))], [m.Picture(Float32)]));
        add("REVERSE_V2", m =>
        {
            int[] shape = m.Shape();
            return m.Case(105, 81, [m.In(Float32, shape), m.File.Ints(m.R.Int(0, shape.Length - 1))], [m.Out(Float32)]);
        });
        add("REVERSE_SEQUENCE", m =>
        {
            int[] shape = m.Shape(2);
            int sequence = m.R.Int(0, 1);
            return m.Case(112, 87, [m.In(Float32, shape), m.In(I32, [shape[1 - sequence]], low: 1, high: shape[sequence])], [m.Out(Float32)], sequence, 1 - sequence);
        });
        add("BROADCAST_TO", m =>
        {
            int[] shape = m.Shape();
            m.File.Version = 2;
            return m.Case(130, 104, [m.In(Float32, m.Broadcast(shape)), m.File.Ints(shape)], [m.Out(Float32)]);
        });
        add("FILL", m => m.Case(94, 68, [m.In(I32, [m.R.Int(1, 3)], low: 1, high: 4), m.In(Float32, [])], [m.Out(Float32)]));
        add("ONE_HOT", m =>
        {
            int[] shape = m.Shape(1, 3);
            return m.Case(85, 61, [m.In(I32, shape, low: -1, high: 4), m.File.Scalar(4), m.In(Float32, []), m.In(Float32, [])], [m.Out(Float32)], m.R.One(-1, 0, shape.Length));
        });
        add("TOPK_V2", m =>
        {
            int[] shape = m.Shape();
            return m.Case(48, 34, [m.In(Float32, shape, low: -200, high: 200), m.File.Scalar(m.R.Int(1, shape[^1]))], [m.Out(Float32), m.Out(I32)]);
        });
        add("SELECT_V2", m =>
        {
            int[] shape = m.Shape();
            return m.Case(123, 98, [m.In(Bool, m.Broadcast(shape)), m.In(Float32, m.Broadcast(shape)), m.In(Float32, m.Broadcast(shape))], [m.Out(Float32)]);
        });
        add("CUMSUM", m =>
        {
            int[] shape = m.Shape();
            return m.Case(128, 102, [m.In(Float32, shape), m.File.Scalar(m.Axis(shape.Length))], [m.Out(Float32)], m.R.Chance(), m.R.Chance());
        });
        add("SCATTER_ND", m =>
        {
            int rows = m.R.Int(2, 5), width = m.R.Int(1, 4), count = m.R.Int(1, 6);
            return m.Case(122, 97, [m.In(I32, [count, 1], low: 0, high: rows - 1), m.In(Float32, [count, width]), m.File.Ints(rows, width)], [m.Out(Float32)]);
        });
        add("MATRIX_DIAG", m => m.Case(113, 88, [m.In(Float32, m.Shape(1, 3))], [m.Out(Float32)]));
        add("MATRIX_SET_DIAG", m =>
        {
            int[] shape = m.Shape(2, 4);
            return m.Case(115, 90, [m.In(Float32, shape), m.In(Float32, [.. shape[..^2], Math.Min(shape[^1], shape[^2])])], [m.Out(Float32)]);
        });
        add("ADD_N", m =>
        {
            int[] shape = m.Shape();
            return m.Case(106, 82, [.. Enumerable.Range(0, m.R.Int(2, 4)).Select(_ => m.In(Float32, shape))], [m.Out(Float32)]);
        });
        add("SHAPE", m => m.Case(77, 55, [m.In(Float32, m.Shape())], [m.Out(I32)], (sbyte)I32));
        add("RANGE", m => m.Case(96, 73, [m.In(I32, [], low: 0, high: 3), m.In(I32, [], low: 4, high: 20), m.In(I32, [], low: 1, high: 3)], [m.Out(I32)]));
        add("SPARSE_TO_DENSE", m => m.Case(68, 50, [m.File.Constant("at", I32, [2, 2], [0, 1, 2, 0]), m.File.Ints(3, 4), m.In(Float32, [2]), m.In(Float32, [])], [m.Out(Float32)], false));
        add("EMBEDDING_LOOKUP_SPARSE", m =>
        {
            int ids = m.In(I32, [5], low: 0, high: 3), at = m.Given(Tensor.FromArray<int>([0, 0, 0, 1, 2, 0, 2, 2, 2, 3], new Shape(5, 2)), I32), shape = m.Given(Tensor.FromArray<int>([4, 4], new Shape(2)), I32);
            return m.Case(33, 20, [ids, at, shape, m.In(Float32, [5], low: 1, high: 4), m.In(Float32, [4, .. m.Shape(1, 2)])], [m.Out(Float32)], m.R.One<sbyte>(0, 1, 2));
        });
        add("EMBEDDING_LOOKUP", m => m.Case(7, 0, [m.In(I32, [m.R.Int(1, 5)], low: 0, high: 3), m.In(Float32, [4, .. m.Shape(1, 2)])], [m.Out(Float32)]));
    }

    private static (int, int) Operands(TfliteCaseMaker m, int type)
    {
        int[] shape = m.Shape();
        return (m.In(type, m.Broadcast(shape)), m.In(type, m.Broadcast(shape)));
    }

    private static int AnyInput(TfliteCaseMaker m, int[] shape, out int type)
    {
        type = m.R.One(Float32, I32, Int8);
        return type == Int8 ? m.Quantized(shape) : m.In(type, shape);
    }

    private static int AnyOutput(TfliteCaseMaker m, int type) => type == Int8 ? m.Out(Int8, Scale, 3) : m.Out(type);

    private static TfliteCase Reduction(TfliteCaseMaker m, int code, int x, int y)
    {
        int rank = m.File.RankOf(x);
        return m.Case(code, 27, [x, m.File.Ints([.. m.R.Axes(rank, 1).Select(a => (int)a)])], [y], m.R.Chance());
    }

    private static int Weights(TfliteCaseMaker m, int[] shape) => m.File.Constant($"w{string.Join('x', shape)}", Float32, shape, m.Value(Float32, shape, -1, 1).ToArray<float>());

    private static int Int8Weights(TfliteCaseMaker m, int[] shape) => m.File.Constant("w", Int8, shape, m.Value(Int8, shape, -127, 127).ToArray<sbyte>(), 0.02f);

    /// <summary>int32 of the scale of input and weights.</summary>
    private static int Bias(TfliteCaseMaker m, int count) => m.File.Constant("b", I32, [count], m.Value(I32, [count], -2000, 2000).ToArray<int>(), Scale * 0.02f);

    /// <summary>int64 of the scale of an input of int16 and weights.</summary>
    private static int LongBias(TfliteCaseMaker m, int count) => m.File.Constant("b", TfliteFileBuilder.Int64, [count], m.Value(TfliteFileBuilder.Int64, [count], -200000, 200000).ToArray<long>(), Scale / 256 * 0.02f);

    private static TfliteCase Convolution(TfliteCaseMaker m, bool depthwise, bool quantized)
    {
        (int kh, int kw, int c, int multiplier) = (m.R.Int(1, 3), m.R.Int(1, 3), m.R.Int(1, 9), m.R.Int(1, 2));
        if (!quantized) kw = kh; // of kernels of 3x1 with a stride this build of XNNPACK gives the bias alone
        int oc = depthwise ? c * multiplier : m.R.Int(1, 9), dilation = m.R.Chance(0.3) ? 2 : 1, stride = dilation == 2 ? 1 : m.R.Int(1, 2);
        int[] shape = [m.R.Int(1, 2), m.R.Int(5, 8), m.R.Int(5, 8), c], weights = depthwise ? [1, kh, kw, oc] : [oc, kh, kw, c];
        int[] inputs = quantized ? [m.Quantized(shape), Int8Weights(m, weights), Bias(m, oc)] : [m.In(Float32, shape), Weights(m, weights), Weights(m, [oc])];
        int y = quantized ? m.Picture(Int8, 0.253f, -5) : m.Picture(Float32);
        sbyte padding = m.R.One<sbyte>(0, 1), activation = m.R.One<sbyte>(0, 1, 3);
        return depthwise ? m.Case(4, 2, inputs, [y], padding, stride, stride, multiplier, activation, dilation, dilation)
            : m.Case(3, 1, inputs, [y], padding, stride, stride, activation, dilation, dilation);
    }
}
