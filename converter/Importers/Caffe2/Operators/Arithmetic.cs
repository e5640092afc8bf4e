using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2.Operators;

/// <summary>Dense layers, element by element arithmetic, reductions.</summary>
internal static class Arithmetic
{
    /// <summary>y = x w^T + b. x is [M, K] from an axis on, w is [N, K]; for FCTransposed [K, N].</summary>
    [Caffe2("FC", "FCTransposed")]
    private static void FullyConnected(Caffe2Operator o)
    {
        Value x = o.Input(), w = o.Input(1);
        long axis = o.Int("axis", 1);
        if (axis != 1) axis = o.Axis(x, axis);
        if (o.RankOf(w) != 2) w = o.Emit("Flatten", [w], ("axis", o.Axis(w, o.Int("axis_w", 1))));
        bool isTransposed = o.Type == "FCTransposed";
        Value y = o.Emit("Gemm", [x.Shape is { IsRanked: true, Rank: 2 } && axis == 1 ? x : o.Emit("Flatten", [x], ("axis", axis)), w, o.Reshape(o.Input(2), -1)], ("transB", isTransposed ? 0 : 1));
        if (axis != 1)
        {
            Value lead = x.Shape.IsKnown ? o.Ints(x.Shape.AsSpan()[..(int)axis]) : o.Emit("Shape", [x], ("end", axis));
            y = o.Emit("Reshape", [y, o.Emit("Concat", [lead, o.Ints(w.Shape[isTransposed ? 1 : 0])], ("axis", 0))]);
        }
        o.SetOutput(0, y);
    }

    /// <summary>Of two matrices, into which both are folded at an axis.</summary>
    [Caffe2("MatMul")]
    private static void MatMul(Caffe2Operator o)
    {
        Value a = o.Emit("Flatten", [o.Input()], ("axis", o.Int("axis_a", 1))), b = o.Emit("Flatten", [o.Input(1)], ("axis", o.Int("axis_b", 1)));
        o.SetOutput(0, o.Emit("Gemm", [a, b], ("transA", o.Int("trans_a", 0)), ("transB", o.Int("trans_b", 0))));
    }

    [Caffe2("BatchMatMul")]
    private static void BatchMatMul(Caffe2Operator o)
    {
        o.SetOutput(0, o.Emit("MatMul", [Side(0, "trans_a"), Side(1, "trans_b")]));

        Value Side(int i, string argument)
        {
            Value v = o.Input(i);
            if (o.Int(argument, 0) == 0) return v;
            int rank = o.RankOf(v);
            if (rank < 2) throw o.InputError($"a blob of {rank} dimensions cannot be transposed");
            return o.Transpose(v, [.. Enumerable.Range(0, rank - 2).Select(d => (long)d), rank - 1, rank - 2]);
        }
    }

    [Caffe2("Relu", "Sigmoid", "Tanh", "Exp", "Log", "Sqrt", "Abs", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Ceil", "Floor", "Round", "Sign", "Reciprocal", "Softplus", "Softsign", "Erf", "Not")]
    private static void Unary(Caffe2Operator o) => o.SetOutput(0, o.Emit(o.Type, [o.Input()]));

    [Caffe2("Negative")] private static void Negative(Caffe2Operator o) => o.SetOutput(0, o.Emit("Neg", [o.Input()]));
    [Caffe2("Sqr")] private static void Square(Caffe2Operator o) => o.SetOutput(0, o.Emit("Mul", [o.Input(), o.Input()]));
    [Caffe2("Cube")] private static void Cube(Caffe2Operator o) => o.SetOutput(0, o.Emit("Mul", [o.Input(), o.Emit("Mul", [o.Input(), o.Input()])]));
    [Caffe2("Rsqrt")] private static void Rsqrt(Caffe2Operator o) => o.SetOutput(0, o.Emit("Reciprocal", [o.Emit("Sqrt", [o.Input()])]));
    [Caffe2("Cbrt")] private static void Cbrt(Caffe2Operator o) => o.SetOutput(0, o.Emit("Mul", [o.Emit("Sign", [o.Input()]), o.Emit("Pow", [o.Emit("Abs", [o.Input()]), o.Scalar(1.0 / 3)])]));
    [Caffe2("Swish")] private static void Swish(Caffe2Operator o) => o.SetOutput(0, o.Emit("Mul", [o.Input(), o.Emit("Sigmoid", [o.Input()])]));
    [Caffe2("Gelu")] private static void Gelu(Caffe2Operator o) => o.SetOutput(0, o.Emit("Gelu", [o.Input()], ("approximate", o.Int("fast_gelu", 0) != 0 ? "tanh" : "none")));
    [Caffe2("LeakyRelu")] private static void LeakyRelu(Caffe2Operator o) => o.SetOutput(0, o.Emit("LeakyRelu", [o.Input()], ("alpha", (float)o.Float("alpha", 0.01))));
    [Caffe2("Elu")] private static void Elu(Caffe2Operator o) => o.SetOutput(0, o.Emit("Elu", [o.Input()], ("alpha", (float)o.Float("alpha", 1))));
    [Caffe2("Selu")] private static void Selu(Caffe2Operator o) => o.SetOutput(0, o.Emit("Selu", [o.Input()], ("alpha", (float)o.Float("alpha", 1.6732632423543772)), ("gamma", (float)o.Float("scale", 1.0507009873554805))));
    [Caffe2("HardSigmoid")] private static void HardSigmoid(Caffe2Operator o) => o.SetOutput(0, o.Emit("HardSigmoid", [o.Input()], ("alpha", (float)o.Float("alpha", 0.2)), ("beta", (float)o.Float("beta", 0.5))));
    [Caffe2("ThresholdedRelu")] private static void ThresholdedRelu(Caffe2Operator o) => o.SetOutput(0, o.Emit("ThresholdedRelu", [o.Input()], ("alpha", (float)o.Float("alpha", 1))));
    [Caffe2("ReluN")] private static void ReluN(Caffe2Operator o) => o.SetOutput(0, o.Emit("Clip", [o.Input(), o.Scalar(0), o.Scalar(o.Float("n", 6))]));
    [Caffe2("Scale")] private static void Scale(Caffe2Operator o) => o.SetOutput(0, o.Emit("Mul", [o.Input(), o.Scalar(o.Float("scale", 1))]));

    [Caffe2("Clip")]
    private static void Clip(Caffe2Operator o) =>
        o.SetOutput(0, o.Emit("Clip", [o.Input(), o.Has("min") ? o.Scalar(o.Float("min", 0)) : null, o.Has("max") ? o.Scalar(o.Float("max", 0)) : null]));

    /// <summary>log(x / (1 - x)), x held within [eps, 1 - eps]</summary>
    [Caffe2("Logit")]
    private static void Logit(Caffe2Operator o)
    {
        double eps = o.Float("eps", 1e-6);
        Value x = o.Emit("Clip", [o.Input(), o.Scalar(eps), o.Scalar(1 - eps)]);
        o.SetOutput(0, o.Emit("Log", [o.Emit("Div", [x, o.Emit("Sub", [o.Scalar(1), x])])]));
    }

    [Caffe2("Pow")]
    private static void Pow(Caffe2Operator o) => o.SetOutput(0, o.Emit("Pow", [o.Input(), o.InputCount > 1 ? Broadcast(o) : o.Scalar(o.Float("exponent", 0))]));

    [Caffe2("Add", "Sub", "Mul", "Div", "And", "Or", "Xor")]
    private static void Binary(Caffe2Operator o) => o.SetOutput(0, o.Emit(o.Type, [o.Input(), Broadcast(o)]));

    [Caffe2("EQ", "LT", "LE", "GT", "GE", "NE")]
    private static void Compare(Caffe2Operator o)
    {
        string opType = o.Type switch { "LT" => "Less", "LE" => "LessOrEqual", "GT" => "Greater", "GE" => "GreaterOrEqual", _ => "Equal" };
        Value y = o.Emit(opType, [o.Input(), Broadcast(o)]);
        o.SetOutput(0, o.Type == "NE" ? o.Emit("Not", [y]) : y);
    }

    /// <summary>The second input; with the argument broadcast its axes are those of the first from an axis on.</summary>
    private static Value Broadcast(Caffe2Operator o)
    {
        Value a = o.Input(), b = o.Input(1);
        if (o.Int("broadcast", 0) == 0) return b;
        if (b.Shape is { IsKnown: true, Count: 1 }) return b.Shape.Rank == 0 ? b : o.Reshape(b);
        long axis = o.Int("axis", -1);
        if (o.Text("axis_str", "") is { Length: > 0 } letter) axis = o.Text("order", "NCHW").IndexOf(letter, StringComparison.Ordinal);
        if (axis < 0) return b;
        int rank = o.RankOf(b), trailing = o.RankOf(a) - (int)axis - rank;
        if (trailing < 0) throw o.InputError($"{b.Shape} does not fit into {a.Shape} from axis {axis} on");
        return trailing == 0 ? b : o.Emit("Unsqueeze", [b, o.Ints([.. Enumerable.Range(rank, trailing).Select(d => (long)d)])]);
    }

    [Caffe2("Sum", "Max", "Min", "Mean")] private static void Variadic(Caffe2Operator o) => o.SetOutput(0, o.InputCount == 1 ? o.Input() : o.Emit(o.Type, [.. o.Inputs]));

    [Caffe2("Where", Limits = "enable_broadcast")]
    private static void Where(Caffe2Operator o)
    {
        if (o.Int("enable_broadcast", 0) != 0) throw o.Error("enable_broadcast is not supported");
        o.SetOutput(0, o.Emit("Where", [o.Cast(o.Input(), DType.Bool), o.Input(1), o.Input(2)]));
    }

    /// <summary>Over everything from an axis on.</summary>
    [Caffe2("Softmax")]
    private static void Softmax(Caffe2Operator o)
    {
        Value x = o.Input();
        long axis = o.Int("axis", 1);
        if (x.Shape.IsRanked && (axis = o.Axis(x, axis)) == x.Shape.Rank - 1)
        {
            o.SetOutput(0, o.Emit("Softmax", [x], ("axis", axis)));
            return;
        }
        Value y = o.Emit("Softmax", [o.Emit("Flatten", [x], ("axis", axis))], ("axis", 1));
        o.SetOutput(0, o.Emit("Reshape", [y, o.Emit("Shape", [x])]));
    }

    /// <summary>Over everything from an axis on.</summary>
    [Caffe2("LayerNorm", Notes = "the variance as the mean of squared differences; Caffe2's mean of squares minus square of the mean loses digits where elements hardly differ", Limits = "mean and deviation as results")]
    private static void LayerNorm(Caffe2Operator o)
    {
        bool isAffine = o.Int("elementwise_affine", 0) != 0;
        Value scale = isAffine ? o.Input(1) : o.Constant("one", Tensor.FromArray<float>([1], new Shape(1)));
        o.SetOutput(0, o.Emit("LayerNormalization", isAffine ? [o.Input(), scale, o.Input(2)] : [o.Input(), scale], ("axis", o.Int("axis", 1)), ("epsilon", (float)o.Float("epsilon", 1e-5))));
    }

    /// <summary>x / max(length of x along the axis, 1e-12)</summary>
    [Caffe2("Normalize")]
    private static void Normalize(Caffe2Operator o)
    {
        Value length = o.Emit("ReduceL2", [o.Input(), o.Ints(o.Int("axis", -1))], ("keepdims", 1));
        o.SetOutput(0, o.Emit("Div", [o.Input(), o.Emit("Max", [length, o.Scalar(1e-12)])]));
    }

    /// <summary>a * sigmoid(b) for the halves of x.</summary>
    [Caffe2("Glu")]
    private static void Glu(Caffe2Operator o)
    {
        Value[] halves = o.EmitMany("Split", 2, [o.Input()], ("axis", o.Int("dim", -1)), ("num_outputs", 2));
        o.SetOutput(0, o.Emit("Mul", [halves[0], o.Emit("Sigmoid", [halves[1]])]));
    }

    [Caffe2("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2")]
    private static void Reduce(Caffe2Operator o)
    {
        Value?[] operands = o.Ints("axes") is { Length: > 0 } axes ? [o.Input(), o.Ints(axes)] : [o.Input()];
        o.SetOutput(0, o.Emit(o.Type, operands, ("keepdims", o.Int("keepdims", 1))));
    }

    [Caffe2("ReduceFrontSum", "ReduceFrontMean", "ReduceFrontMax", "ReduceBackSum", "ReduceBackMean", "ReduceBackMax", Limits = "lengths as an input")]
    private static void ReduceEnd(Caffe2Operator o)
    {
        if (o.InputCount > 1) throw o.Error("lengths are not supported");
        bool isFront = o.Type.StartsWith("ReduceFront", StringComparison.Ordinal);
        int count = checked((int)o.Int("num_reduce_dim", 1));
        long[] axes = [.. Enumerable.Range(isFront ? 0 : -count, count).Select(d => (long)d)];
        o.SetOutput(0, o.Emit("Reduce" + o.Type[(isFront ? 11 : 10)..], [o.Input(), o.Ints(axes)], ("keepdims", 0)));
    }

    [Caffe2("ArgMax", "ArgMin")]
    private static void ArgMax(Caffe2Operator o) => o.SetOutput(0, o.Emit(o.Type, [o.Input()], ("axis", o.Int("axis", -1)), ("keepdims", o.Int("keepdims", 1))));

    [Caffe2("TopK", Limits = "flattened indices as third result")]
    private static void TopK(Caffe2Operator o)
    {
        if (o.OutputCount > 2) throw o.Error("flattened indices are not supported");
        Value[] y = o.EmitMany("TopK", 2, [o.Input(), o.Ints(o.Int("k", 1))], ("axis", o.Int("axis", -1)));
        o.SetOutput(0, y[0]);
        o.SetOutput(1, y[1]);
    }
}
