using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>Small cases of the operators that <see cref="EdgeShapeMakers"/> has none of.</summary>
internal static class RarerShapeMakers
{
    private const DType F = DType.Float32;

    public static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> All { get; } = Make();

    /// <summary>What ONNX Runtime has nothing to say about: other random numbers, what its operator set 21 has not, and an LSTM with peepholes on batches of
    /// several lengths.</summary>
    private static readonly string[] s_notInOrt =
    [
        "Bernoulli", "Multinomial", "RandomNormalLike", "RandomUniformLike", "LSTM",
        "Attention", "CausalConvWithState", "CumProd", "LinearAttention", "RMSNormalization", "RotaryEmbedding", "SwiGLU", "Swish", "TensorScatter",
    ];

    /// <summary>The operators that can be compared with ONNX Runtime.</summary>
    public static IEnumerable<KeyValuePair<string, Func<EdgeShapes, string, EdgeCase>>> Comparable => All.Where(m => !s_notInOrt.Contains(m.Key));

    private static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>>(StringComparer.Ordinal);
        void Add(string operators, Func<EdgeShapes, string, EdgeCase> make)
        {
            foreach (string op in operators.Split(' ')) makers.Add(op, make);
        }

        Add("Asinh Atan Cosh Sinh Tan IsInf Shrink Swish", (r, op) => r.Case(op, r.In(F, r.Shape())));
        Add("Acos Asin Atanh", (r, op) => r.Case(op, Between(r, r.Shape(), -0.9, 0.9)));
        Add("Acosh", (r, op) => r.Case(op, Between(r, r.Shape(), 1.25, 3)));
        Add("Not", (r, op) => r.Case(op, r.In(DType.Bool, r.Shape())));
        Add("BitwiseNot", (r, op) => r.Case(op, r.In(DType.Int32, r.Shape())));
        Add("BitwiseAnd BitwiseOr BitwiseXor", (r, op) =>
        {
            long[] shape = r.Shape();
            return r.Case(op, $"{r.In(DType.Int32, r.Broadcast(shape))} {r.In(DType.Int32, r.Broadcast(shape))}");
        });
        Add("BitShift", (r, op) => r.With(Attr("direction", r.One("LEFT", "RIGHT"))).Case(op, $"{r.In(DType.UInt32, [3, 2], 0, 9)} {r.In(DType.UInt32, [2], 0, 3)}"));
        Add("ReduceLogSum", (r, op) => r.Case(op, $"{Between(r, [3, 4], 1, 4)} {r.Ints(r.Int(0, 1))}"));
        Add("Det", (r, op) => r.Case(op, r.In(F, [2, 3, 3])));
        Add("GlobalLpPool MeanVarianceNormalization", (r, op) => r.Case(op, r.In(F, [2, 3, 4, 2])));
        Add("Dropout", (r, op) => r.Case(op, $"{r.In(F, [2, 3])} {Number(r, 0.25)}", "y z"));
        Add("GroupNormalization", (r, op) => r.With(Attr("num_groups", 2)).Case(op, $"{r.In(F, [2, 4, 3])} {r.In(F, [4])} {r.In(F, [4])}"));
        Add("RMSNormalization", (r, op) => r.Case(op, $"{r.In(F, [2, 4])} {r.In(F, [4])}"));
        Add("SwiGLU", (r, op) => r.Case(op, $"{r.In(F, [2, 4])} {r.In(F, [2, 4])}"));

        Add("Cast", (r, op) => r.With(Attr("to", (long)F)).Case(op, r.In(F, [2, 3])));
        Add("CastLike", (r, op) => r.Case(op, $"{r.In(F, [2, 3])} {r.In(F, [1])}"));
        Add("BlackmanWindow HammingWindow HannWindow", (r, op) => r.With(Attr("output_datatype", (long)F)).Case(op, r.Add(Tensor.FromScalar(8), false)));
        Add("MelWeightMatrix", (r, op) => r.With(Attr("output_datatype", (long)F)).Case(op, $"{r.Add(Tensor.FromScalar(4), false)} {r.Add(Tensor.FromScalar(16), false)} {r.Add(Tensor.FromScalar(64), false)} {Number(r, 0)} {Number(r, 16)}"));
        // The numbers drawn do not depend on the type.
        Add("Bernoulli RandomNormalLike RandomUniformLike", (r, op) => r.With(Attr("seed", 3f)).With(Attr("dtype", (long)F)).Case(op, Between(r, [3, 4], 0, 1)));
        Add("Multinomial", (r, op) => r.With(Attr("seed", 3f)).With(Attr("sample_size", 5)).With(Attr("dtype", (long)DType.Int32)).Case(op, Between(r, [2, 3], 0, 1)));

        Add("CenterCropPad", (r, op) => r.Case(op, $"{r.In(F, [4, 3])} {r.Ints(2, 5)}"));
        Add("Col2Im", (r, op) => r.Case(op, $"{r.In(F, [1, 8, 4])} {r.Ints(3, 3)} {r.Ints(2, 2)}"));
        Add("CumProd", (r, op) => r.Case(op, $"{r.In(r.One(F, DType.Int64), [2, 3], 1, 3)} {r.Add(Tensor.FromScalar(r.Axis(2)), false)}"));
        Add("TensorScatter", (r, op) => r.Case(op, $"{r.In(F, [2, 4, 3])} {r.In(F, [2, 2, 3])} {r.In(DType.Int64, [2], 0, 2)}"));
        Add("MaxUnpool", (r, op) =>
        {
            string x = r.In(F, [1, 1, 2, 2]);
            return r.With(Attr("kernel_shape", 2, 2)).With(Attr("strides", 2, 2)).Case(op, $"{x} {r.Add(Tensor.FromArray<long>([5, 7, 13, 15], new Shape(1, 1, 2, 2)), false)}");
        });
        Add("TfIdfVectorizer", (r, op) => r.With(Attr("mode", "TF")).With(Attr("min_gram_length", 1)).With(Attr("max_gram_length", 2)).With(Attr("max_skip_count", 0))
            .With(Attr("ngram_counts", 0, 2)).With(Attr("ngram_indexes", 0, 1, 2)).With(Attr("pool_int64s", 2, 3, 1, 2)).Case(op, r.In(DType.Int32, [2, 6], 1, 3)));
        Add("StringConcat", (r, op) => r.Case(op, $"{Words(r, "a", "bc")} {Words(r, "d", "")}"));
        Add("StringSplit", (r, op) => r.With(Attr("delimiter", " ")).Case(op, Words(r, "a bc", "d"), "y n"));
        Add("RegexFullMatch", (r, op) => r.With(Attr("pattern", "a.*")).Case(op, Words(r, "abc", "d")));

        Add("ConvInteger", (r, op) => r.Case(op, $"{r.In(DType.UInt8, [1, 2, 4], 0, 50)} {r.In(DType.Int8, [3, 2, 2], 0, 50)} {r.In(DType.UInt8, [], 0, 9)}"));
        Add("QLinearConv", (r, op) => r.Case(op, $"{r.In(DType.UInt8, [1, 2, 4], 0, 100)} {Number(r, 0.5)} {Integer(r, DType.UInt8, 3)} {r.In(DType.Int8, [3, 2, 2], 0, 50)} {Number(r, 0.25)} {Integer(r, DType.Int8, 0)} {Number(r, 16)} {Integer(r, DType.UInt8, 5)} {r.In(DType.Int32, [3])}"));
        Add("QLinearMatMul", (r, op) => r.Case(op, $"{r.In(DType.UInt8, [2, 3], 0, 6)} {Number(r, 0.5)} {Integer(r, DType.UInt8, 1)} {r.In(DType.UInt8, [3, 2], 0, 6)} {Number(r, 0.25)} {Integer(r, DType.UInt8, 1)} {Number(r, 2)} {Integer(r, DType.UInt8, 0)}"));
        Add("DynamicQuantizeLinear", (r, op) => r.Case(op, r.In(F, [2, 3]), "y s z"));
        Add("DeformConv", (r, op) => r.Case(op, $"{r.In(F, [1, 1, 3, 3])} {r.In(F, [1, 1, 2, 2])} {r.In(F, [1, 8, 2, 2])}"));
        Add("CausalConvWithState", (r, op) => r.Case(op, $"{r.In(F, [1, 2, 4])} {r.In(F, [2, 1, 3])} {r.In(F, [2])} {r.In(F, [1, 2, 2])}", "y s"));
        Add("MaxRoiPool", (r, op) => r.With(Attr("pooled_shape", 2, 2)).Case(op, $"{r.In(F, [1, 2, 4, 4])} {r.Add(Tensor.FromArray<float>([0, 0, 0, 3, 3], new Shape(1, 5)), false)}"));
        Add("RoiAlign", (r, op) => r.With(Attr("output_height", 2)).With(Attr("output_width", 2)).With(Attr("sampling_ratio", 2)).Case(op,
            $"{r.In(F, [1, 2, 4, 4])} {r.Add(Tensor.FromArray<float>([0.5f, 0.5f, 3, 3], new Shape(1, 4)), false)} {r.Add(Tensor.FromArray<long>([0], new Shape(1)), false)}"));
        Add("AffineGrid", (r, op) => r.Case(op, $"{r.In(F, [1, 2, 3])} {r.Ints(1, 1, 2, 3)}"));
        Add("DFT", (r, op) => r.Case(op, $"{r.In(F, [1, 5, 1])} {r.Add(Tensor.FromScalar(4L), false)} {r.Add(Tensor.FromScalar(1L), false)}"));
        Add("STFT", (r, op) => r.Case(op, $"{r.In(F, [1, 12, 1])} {r.Add(Tensor.FromScalar(4L), false)} {r.In(F, [8])} {r.Add(Tensor.FromScalar(8L), false)}"));

        Add("GRU RNN", (r, op) => r.With(Attr("hidden_size", 2)).Case(op, Recurrent(r, op == "GRU" ? 3 : 1), "y h"));
        Add("LSTM", (r, op) => r.With(Attr("hidden_size", 2)).Case(op, $"{Recurrent(r, 4)} {r.In(F, [1, 2, 2])} {r.In(F, [1, 6])}", "y h c"));
        Add("Attention", (r, op) => r.Case(op, $"{r.In(F, [1, 2, 3, 4])} {r.In(F, [1, 2, 3, 4])} {r.In(F, [1, 2, 3, 4])} {r.In(F, [3, 5], 0, 1)} {r.In(F, [1, 2, 2, 4])} {r.In(F, [1, 2, 2, 4])}", "y k v"));
        Add("LinearAttention", (r, op) => r.With(Attr("q_num_heads", 2)).With(Attr("kv_num_heads", 2)).With(Attr("update_rule", "linear")).Case(op,
            $"{r.In(F, [1, 3, 8])} {r.In(F, [1, 3, 8])} {r.In(F, [1, 3, 4])} {r.In(F, [1, 2, 4, 2])}", "y s"));
        Add("RotaryEmbedding", (r, op) => r.Case(op, $"{r.In(F, [1, 2, 3, 4])} {r.In(F, [5, 2])} {r.In(F, [5, 2])} {r.In(DType.Int64, [1, 3], 0, 4)}"));
        Add("NegativeLogLikelihoodLoss", (r, op) => r.Case(op, $"{r.In(F, [3, 4])} {r.In(DType.Int64, [3], 0, 3)} {Between(r, [4], 0.5, 1)}"));
        Add("SoftmaxCrossEntropyLoss", (r, op) => r.Case(op, $"{r.In(F, [3, 4])} {r.In(DType.Int64, [3], 0, 3)} {Between(r, [4], 0.5, 1)}", "y p"));
        return makers;
    }

    private static string Recurrent(EdgeShapes r, int gates) =>
        $"{r.In(F, [3, 2, 4])} {r.In(F, [1, 2 * gates, 4])} {r.In(F, [1, 2 * gates, 2])} {r.In(F, [1, 4 * gates])} {r.In(DType.Int32, [2], 1, 3)} {r.In(F, [1, 2, 2])}";

    private static string Between(EdgeShapes r, long[] shape, double low, double high)
    {
        var tensor = new Tensor(F, new Shape(shape));
        for (long i = 0; i < tensor.Count; i++) tensor.SetDouble(i, low + (high - low) * r.Int(0, 16) / 16);
        return r.Add(tensor, false);
    }

    private static string Number(EdgeShapes r, double value) => r.Add(Tensor.FromScalar((float)value), false);

    private static string Integer(EdgeShapes r, DType type, long value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        tensor.SetInt64(0, value);
        return r.Add(tensor, false);
    }

    private static string Words(EdgeShapes r, params string[] words) => r.Add(Tensor.FromStrings(words, new Shape(words.Length)), false);
}
