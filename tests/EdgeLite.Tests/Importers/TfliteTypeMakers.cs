using static EdgeLite.Tests.Importers.TfliteFileBuilder;

namespace EdgeLite.Tests.Importers;

/// <summary>One model for each builtin operator and element type; the interpreter says which of them there are. Numbers are those of TFLite's schema.</summary>
internal static class TfliteTypeMakers
{
    private const int I32 = TfliteFileBuilder.Int32, I64 = TfliteFileBuilder.Int64, I16 = TfliteFileBuilder.Int16;
    private const float Scale = 0.0523f;

    /// <summary>An element type: number of the schema, whether it has a scale.</summary>
    private sealed record Element(string Name, int Type, bool IsQuantized = false)
    {
        public float Scale => IsQuantized ? Type == I16 ? TfliteTypeMakers.Scale / 256 : TfliteTypeMakers.Scale : 0;
        public long Zero => IsQuantized ? Type switch { Int8 => -5, UInt8 => 123, _ => 0 } : 0;
    }

    private static readonly Element[] s_elements =
    [
        new("float32", Float32), new("int8", Int8, true), new("uint8", UInt8, true), new("int16", I16, true), new("int32", I32), new("int64", I64), new("bool", Bool),
        new("plain_int8", Int8), new("plain_uint8", UInt8), new("plain_int16", I16),
    ];

    /// <summary>How an operator is called: its inputs, given how to make one of the element type, the rank of its result, its options.</summary>
    private delegate (int[] Inputs, int Rank, object?[] Options) Call(TfliteCaseMaker m, Func<int[], int> input);

    /// <param name="Name">of the operator</param>
    /// <param name="Code">of the schema</param>
    /// <param name="Table">number of its option table</param>
    /// <param name="Make">how it is called</param>
    /// <param name="Result">type of the result; null: that of the input</param>
    /// <param name="Low">least value of the inputs</param>
    private sealed record Operation(string Name, int Code, byte Table, Call Make, int? Result = null, int Low = -6)
    {
        public int Version { get; init; } = 1;

        /// <summary>Computes with what integers stand for, so that integers of 8 and 16 bits need a scale.</summary>
        public bool IsReal { get; init; }

        /// <summary>Element types for which this interpreter has no kernel and gives nothing.</summary>
        public string[] Not { get; init; } = [];

        /// <summary>Scale and zero points (of int8 and uint8) of a quantized result that are not those of the input.</summary>
        public (float Scale, int Zero, int Zero8U)? Quantized { get; init; }
    }

    public static SortedDictionary<string, Func<int, TfliteCase>> All { get; } = Make();

    private static SortedDictionary<string, Func<int, TfliteCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<int, TfliteCase>>(StringComparer.Ordinal);
        foreach (Operation op in Operations())
            foreach (Element element in s_elements.Where(e => !op.Not.Contains(e.Name) && !(op.IsReal && e.Name.StartsWith("plain", StringComparison.Ordinal))))
                makers.Add($"{op.Name}.{element.Name}", seed => Build(op, element, seed));
        return makers;
    }

    private static TfliteCase Build(Operation op, Element element, int seed)
    {
        var m = new TfliteCaseMaker($"{op.Name}.{element.Name}", seed) { Steps = 1 };
        m.File.Version = op.Version;
        (int[] inputs, int rank, object?[] options) = op.Make(m, shape => Input(m, element, shape, op.Low));
        Element result = op.Result is { } type ? new Element("", type) : element;
        (float scale, long zero) = op.Quantized is { } given && result is { IsQuantized: true, Type: Int8 or UInt8 } ? (given.Scale, result.Type == Int8 ? given.Zero : given.Zero8U) : (result.Scale, result.Zero);
        // What JavaScript does not read is converted behind the operator.
        bool isRead = result is { Type: Float32 or I32 or Int8 or UInt8 };
        int y = isRead ? m.Out(result.Type, scale, zero, rank) : m.File.Tensor("result", result.Type, [.. Enumerable.Repeat(1, rank)], scale, zero);
        m.File.TypedOp(op.Code, op.Table, inputs, [y], options);
        if (!isRead && result.IsQuantized) m.File.TypedOp(6, 38, [y], [m.Out(Float32, rank: rank)]);
        else if (!isRead) m.File.TypedOp(53, 37, [y], [m.Out(I32, rank: rank)], (sbyte)result.Type, (sbyte)I32);
        // Tables of TFLite for int16 are some steps off what they stand for.
        double within = element is { Type: I16, IsQuantized: true } ? 12 * element.Scale : 0;
        return m.Done() with { Within = within, RealWithin = within };
    }

    private static int Input(TfliteCaseMaker m, Element e, int[] shape, int low)
    {
        switch (e)
        {
            case { Type: I16, IsQuantized: true }: return m.Int16(shape);
            case { Type: Int8 or UInt8, IsQuantized: true }:
                int least = e.Type == Int8 ? -128 : 0;
                return m.In(e.Type, shape, e.Scale, e.Zero, low >= 0 ? (int)e.Zero + 20 * low : least, least + 255);
            case { Type: Float32 or I32 or UInt8 or Int8 }: return m.In(e.Type, shape, low: e.Type == UInt8 ? Math.Max(low, 0) : low, high: 6);
            default:
                int given = m.In(I32, shape, low: e.Type == Bool ? 0 : low, high: e.Type == Bool ? 1 : 6), x = m.File.Tensor($"as{given}", e.Type, shape);
                m.File.TypedOp(53, 37, [given], [x], (sbyte)I32, (sbyte)e.Type);
                return x;
        }
    }

    private static IEnumerable<Operation> Operations()
    {
        static Call Unary(params object?[] options) => (m, x) => ([x([2, 3])], 2, options);
        static Call Binary(params object?[] options) => (m, x) => ([x([2, 3]), x([2, 3])], 2, options);
        foreach ((string name, int code, byte table) in new[] { ("ABS", 101, (byte)78), ("NEG", 59, (byte)42), ("EXP", 47, (byte)33), ("SIN", 66, (byte)0), ("COS", 108, (byte)0), ("CEIL", 104, (byte)0), ("FLOOR", 8, (byte)0), ("ROUND", 116, (byte)0),
                     ("RELU", 19, (byte)0), ("RELU6", 21, (byte)0), ("RELU_N1_TO_1", 20, (byte)0), ("RELU_0_TO_1", 152, (byte)0), ("ELU", 111, (byte)0), ("HARD_SWISH", 117, (byte)0), ("SQUARE", 92, (byte)66) })
            yield return new Operation(name, code, table, Unary()) { IsReal = true };
        foreach ((string name, int code, float scale, int zero, int zero8U) in new[] { ("TANH", 28, 1f / 128, 0, 128), ("LOGISTIC", 14, 1f / 256, -128, 0), ("LOG_SOFTMAX", 50, 16f / 256, 127, 255), ("L2_NORMALIZATION", 11, 1f / 128, 0, 128) })
            yield return new Operation(name, code, 0, Unary()) { IsReal = true, Quantized = (scale, zero, zero8U), Not = ["int16"] };
        yield return new Operation("SOFTMAX", 25, 9, Unary(1f)) { IsReal = true, Quantized = (1f / 256, -128, 0), Not = ["int16"] };
        yield return new Operation("SIGN", 158, 121, Unary()) { IsReal = true, Not = ["int8", "uint8", "int16", "int32", "int64", "bool"] };
        yield return new Operation("ZEROS_LIKE", 93, 67, Unary());
        yield return new Operation("LOGICAL_NOT", 87, 63, Unary());
        foreach ((string name, int code) in new[] { ("SQRT", 75), ("RSQRT", 76), ("LOG", 73) }) yield return new Operation(name, code, 0, Unary(), Low: 1) { IsReal = true };
        yield return new Operation("LEAKY_RELU", 98, 75, Unary(0.2f)) { IsReal = true };
        yield return new Operation("GELU", 150, 116, Unary(false)) { IsReal = true };
        yield return new Operation("SHAPE", 77, 55, Unary((sbyte)I32), I32);
        yield return new Operation("RANK", 110, 82, Unary(), I32);
        foreach ((string name, int code, byte table) in new[] { ("ADD", 0, (byte)11), ("SUB", 41, (byte)28), ("MUL", 18, (byte)21) }) yield return new Operation(name, code, table, Binary((sbyte)0)) { Version = 4, IsReal = true };
        yield return new Operation("DIV", 42, 29, Binary((sbyte)0), Low: 1) { Version = 2, IsReal = true };
        foreach ((string name, int code, byte table) in new[] { ("MAXIMUM", 55, (byte)39), ("MINIMUM", 57, (byte)39), ("LOGICAL_OR", 84, (byte)60), ("LOGICAL_AND", 86, (byte)62), ("BITWISE_XOR", 160, (byte)0) })
            yield return new Operation(name, code, table, Binary());
        foreach ((string name, int code, byte table) in new[] { ("SQUARED_DIFFERENCE", 99, (byte)76), ("ADD_N", 106, (byte)0), ("ATAN2", 156, (byte)0) }) yield return new Operation(name, code, table, Binary()) { IsReal = true };
        foreach ((string name, int code, byte table) in new[] { ("POW", 78, (byte)56), ("FLOOR_DIV", 90, (byte)65), ("FLOOR_MOD", 95, (byte)72), ("RIGHT_SHIFT", 161, (byte)0) }) yield return new Operation(name, code, table, Binary(), Low: 1);
        foreach ((string name, int code, byte table) in new[] { ("EQUAL", 71, (byte)53), ("NOT_EQUAL", 72, (byte)54), ("LESS", 58, (byte)41), ("LESS_EQUAL", 63, (byte)46), ("GREATER", 61, (byte)44), ("GREATER_EQUAL", 62, (byte)45) })
            yield return new Operation(name, code, table, Binary(), Bool) { IsReal = true };
        foreach ((string name, int code) in new[] { ("SUM", 74), ("MEAN", 40), ("REDUCE_MAX", 82), ("REDUCE_MIN", 89), ("REDUCE_PROD", 81), ("REDUCE_ANY", 91), ("REDUCE_ALL", 140) })
            yield return new Operation(name, code, 27, (m, x) => ([x([2, 3]), m.File.Ints(1)], 1, [false]), Low: code == 81 ? 1 : -6) { Quantized = code == 74 ? (0.171f, 4, 130) : null, Not = code == 74 ? ["int16"] : [] };
        foreach ((string name, int code, byte table) in new[] { ("ARG_MAX", 56, (byte)40), ("ARG_MIN", 79, (byte)57) })
            yield return new Operation(name, code, table, (m, x) => ([x([2, 3]), m.File.Scalar(1)], 1, [(sbyte)I32]), I32);

        yield return new Operation("TRANSPOSE", 39, 26, (m, x) => ([x([2, 3]), m.File.Ints(1, 0)], 2, []));
        yield return new Operation("RESHAPE", 22, 17, (m, x) => ([x([2, 3]), m.File.Ints(3, 2)], 2, []));
        yield return new Operation("CONCATENATION", 2, 10, (m, x) => ([x([2, 3]), x([2, 2])], 2, [1, (sbyte)0]));
        yield return new Operation("PACK", 83, 59, (m, x) => ([x([2, 3]), x([2, 3])], 3, [2, 1]));
        yield return new Operation("UNPACK", 88, 64, (m, x) => ([x([1, 3])], 1, [1, 0]));
        yield return new Operation("SPLIT", 49, 35, (m, x) => ([m.File.Scalar(1), x([2, 3])], 2, [1]));
        yield return new Operation("SPLIT_V", 102, 79, (m, x) => ([x([2, 3]), m.File.Ints(3), m.File.Scalar(1)], 2, [1]));
        yield return new Operation("SLICE", 65, 48, (m, x) => ([x([2, 3]), m.File.Ints(0, 1), m.File.Ints(2, 2)], 0, []));
        yield return new Operation("STRIDED_SLICE", 45, 32, (m, x) => ([x([2, 5]), m.File.Ints(0, 1), m.File.Ints(2, 5), m.File.Ints(1, 2)], 2, [0, 0, 0, 0, 0]));
        yield return new Operation("GATHER", 36, 23, (m, x) => ([x([4, 3]), m.File.Ints(1, 0, 3)], 2, [0, 0]));
        yield return new Operation("GATHER_ND", 107, 83, (m, x) => ([x([4, 3]), m.File.Constant("at", I32, [2, 2], [1, 0, 3, 2])], 1, []));
        yield return new Operation("PAD", 34, 22, (m, x) => ([x([2, 3]), m.File.Constant("pads", I32, [2, 2], [1, 0, 0, 2])], 2, []));
        yield return new Operation("PADV2", 60, 43, (m, x) => ([x([2, 3]), m.File.Constant("pads", I32, [2, 2], [1, 0, 0, 2]), x([1])], 2, []));
        yield return new Operation("MIRROR_PAD", 100, 77, (m, x) => ([x([2, 3]), m.File.Constant("pads", I32, [2, 2], [1, 0, 0, 2])], 2, [(sbyte)0]));
        yield return new Operation("TILE", 69, 51, (m, x) => ([x([2, 3]), m.File.Ints(2, 1)], 2, []));
        yield return new Operation("EXPAND_DIMS", 70, 52, (m, x) => ([x([2, 3]), m.File.Scalar(1)], 3, []));
        yield return new Operation("SQUEEZE", 43, 30, (m, x) => ([x([2, 1, 3])], 2, []));
        yield return new Operation("SPACE_TO_DEPTH", 26, 19, (m, x) => ([x([1, 2, 4, 3])], 4, [2]));
        yield return new Operation("DEPTH_TO_SPACE", 5, 94, (m, x) => ([x([1, 2, 3, 8])], 4, [2]));
        yield return new Operation("SPACE_TO_BATCH_ND", 38, 25, (m, x) => ([x([1, 4, 6, 2]), m.File.Ints(2, 3), m.File.Constant("pads", I32, [2, 2], [0, 0, 0, 0])], 4, []));
        yield return new Operation("BATCH_TO_SPACE_ND", 37, 24, (m, x) => ([x([6, 2, 3, 2]), m.File.Ints(2, 3), m.File.Constant("crops", I32, [2, 2], [0, 0, 0, 0])], 4, []));
        yield return new Operation("REVERSE_V2", 105, 81, (m, x) => ([x([2, 3]), m.File.Ints(1)], 2, []));
        yield return new Operation("REVERSE_SEQUENCE", 112, 87, (m, x) => ([x([2, 3, 2]), m.File.Ints(2, 3)], 3, [1, 0]));
        yield return new Operation("BROADCAST_TO", 130, 104, (m, x) => ([x([2, 1]), m.File.Ints(2, 3)], 2, [])) { Version = 2 };
        yield return new Operation("FILL", 94, 68, (m, x) => ([m.File.Ints(2, 3), x([])], 2, []));
        yield return new Operation("ONE_HOT", 85, 61, (m, x) => ([m.File.Ints(1, 0, 3), m.File.Scalar(4), x([]), x([])], 2, [-1]));
        yield return new Operation("TOPK_V2", 48, 34, (m, x) => ([x([2, 5]), m.File.Scalar(2)], 2, []));
        yield return new Operation("SELECT", 64, 47, (m, x) => ([m.In(Bool, [2, 3]), x([2, 3]), x([2, 3])], 2, []));
        yield return new Operation("SELECT_V2", 123, 98, (m, x) => ([m.In(Bool, [2, 3]), x([2, 3]), x([1, 3])], 2, []));
        yield return new Operation("WHERE", 109, 81, (m, x) => ([x([2, 3])], 2, []), I64) { Not = ["int16", "plain_int16"] };
        yield return new Operation("CUMSUM", 128, 102, (m, x) => ([x([2, 3]), m.File.Scalar(1)], 2, [false, false]));
        yield return new Operation("SCATTER_ND", 122, 97, (m, x) => ([m.File.Constant("at", I32, [3, 1], [0, 2, 1]), x([3, 2]), m.File.Ints(4, 2)], 2, []));
        yield return new Operation("SPARSE_TO_DENSE", 68, 50, (m, x) => ([m.File.Constant("at", I32, [2, 1], [0, 3]), m.File.Ints(5), x([2]), x([])], 1, [false]));
        yield return new Operation("SEGMENT_SUM", 125, 100, (m, x) => ([x([4, 2]), m.File.Ints(0, 0, 1, 2)], 2, []));
        yield return new Operation("MATRIX_DIAG", 113, 88, (m, x) => ([x([2, 3])], 3, [])) { Not = ["bool"] };
        yield return new Operation("MATRIX_SET_DIAG", 115, 90, (m, x) => ([x([3, 3]), x([3])], 2, [])) { Not = ["bool"] };
        yield return new Operation("UNIQUE", 103, 80, (m, x) => ([x([6])], 1, [(sbyte)I32]));
        yield return new Operation("EMBEDDING_LOOKUP", 7, 0, (m, x) => ([m.File.Ints(1, 0, 3), x([4, 3])], 2, []));
        yield return new Operation("BATCH_MATMUL", 126, 101, (m, x) => ([x([2, 2, 3]), x([2, 3, 2])], 3, [false, false])) { IsReal = true };
        yield return new Operation("AVERAGE_POOL_2D", 1, 5, (m, x) => ([x([1, 4, 4, 3])], 4, [(sbyte)0, 2, 1, 2, 2, (sbyte)0])) { IsReal = true };
        yield return new Operation("MAX_POOL_2D", 17, 5, (m, x) => ([x([1, 4, 4, 3])], 4, [(sbyte)0, 2, 1, 2, 2, (sbyte)0]));
        yield return new Operation("RESIZE_BILINEAR", 23, 15, (m, x) => ([x([1, 3, 3, 2]), m.File.Ints(5, 4)], 4, [null, null, false, true])) { IsReal = true };
        yield return new Operation("RESIZE_NEAREST_NEIGHBOR", 97, 74, (m, x) => ([x([1, 3, 3, 2]), m.File.Ints(5, 4)], 4, [false, true]));
        yield return new Operation("PRELU", 54, 37, (m, x) => ([x([2, 3]), x([3])], 2, [])) { IsReal = true };
        yield return new Operation("RANGE", 96, 69, (m, x) => ([x([]), x([]), x([])], 1, []), Low: 1);
        yield return new Operation("DYNAMIC_UPDATE_SLICE", 151, 117, (m, x) => ([x([4, 3]), x([2, 2]), m.File.Ints(1, 1)], 2, []));
        foreach ((string name, int code) in new[] { ("UNSORTED_SEGMENT_PROD", 153), ("UNSORTED_SEGMENT_MAX", 154), ("UNSORTED_SEGMENT_SUM", 155), ("UNSORTED_SEGMENT_MIN", 157) })
            yield return new Operation(name, code, 0, (m, x) => ([x([4, 2]), m.File.Ints(0, 2, 0, 1), m.File.Scalar(3)], 2, []));
        foreach ((string name, int type) in new[] { ("float32", Float32), ("int32", I32), ("int64", I64), ("bool", Bool), ("uint8", UInt8), ("int16", I16), ("int8", Int8) })
            yield return new Operation("CAST_to_" + name, 53, 37, (m, x) => ([x([2, 3])], 2, [(sbyte)m.File.TypeOf(0), (sbyte)type]), type, type == UInt8 ? 0 : -6);
        yield return new Operation("QUANTIZE", 114, 89, Unary()) { IsReal = true, Quantized = (0.0713f, 7, 99) };
        yield return new Operation("DEQUANTIZE", 6, 38, Unary(), Float32) { IsReal = true };
    }
}
