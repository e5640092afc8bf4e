using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>
/// Support vector machines (LIBSVM, ACM TIST 2(3), 2011). The kernel K[n][vectors] of the rows and the support vectors, then: a regressor gives K
/// coefficients + rho; a classifier has such a score for each pair of classes, each of which is a vote. prob_a and prob_b make pairwise
/// probabilities sigmoid(-(a s + b)) of the scores (Platt), which are coupled to those of the classes. Without support vectors the scores
/// are linear.
/// </summary>
[Upgrades("SVMRegressor", "SVMClassifier", Domain = "ai.onnx.ml")]
internal sealed class SupportVectors : OperatorUpgrade
{
    /// <summary>More pairs of classes would make too large a graph.</summary>
    private const int MostClasses = 128;

    public override void Apply(NodeDraft node)
    {
        Value x = node.Required(0);
        if (node.DType(0) != DType.Float32) x = node.Emit("Cast", [x], ("to", (long)DType.Float32));
        if (node.Rank(0) == 1) x = node.Emit("Unsqueeze", [x, node.Ints("row", 0)]);
        if (node.OpType == "SVMRegressor") Regress(node, x);
        else Classify(node, x);
    }

    private static void Regress(NodeDraft node, Value x)
    {
        if (node.Attributes.String("post_transform", "NONE") is not "NONE" and var transform) throw node.Unsupported($"post_transform '{transform}' is not supported");
        int vectors = Count(node, "n_supports", node.Attributes.Int("n_supports", 0));
        float[] coefficients = Floats(node, "coefficients");
        Value k = vectors > 0 ? Kernel(node, x, vectors) : x;
        if (vectors > 0 && coefficients.Length != vectors) throw node.Error($"there are {coefficients.Length} coefficients for {vectors} support vectors");
        Value y = node.Emit("Add", [node.Emit("MatMul", [k, Matrix(node, "coefficients", coefficients, coefficients.Length, 1)]), Matrix(node, "rho", Floats(node, "rho")[..1], 1)]);
        if (node.Attributes.Int("one_class", 0) != 0) y = node.Emit("Where", [node.Emit("Greater", [y, Number(node, 0)]), Number(node, 1), Number(node, -1)]);
        node.Results = [y];
    }

    private static void Classify(NodeDraft node, Value x)
    {
        string[]? names = node.Attributes.Find("classlabels_strings")?.Strings;
        long[]? numbers = node.Attributes.Ints("classlabels_ints");
        int classes = names is { Length: > 0 } ? names.Length : numbers?.Length ?? 0;
        if (classes is < 2 or > MostClasses) throw node.Unsupported($"{classes} classes are not supported; 2 to {MostClasses} are");
        Value labels = node.Constant("labels", names is { Length: > 0 } ? Tensor.FromStrings(names, new Shape(classes)) : Tensor.FromArray<long>(numbers!, new Shape(classes)));
        float[] coefficients = Floats(node, "coefficients"), rho = Floats(node, "rho");

        Value scores, best;
        if (node.Attributes.Ints("vectors_per_class") is { Length: > 0 } perClass && perClass.Any(c => c > 0))
        {
            (Value pairs, Value votes) = Pairs(node, x, perClass, coefficients, rho, classes);
            best = votes;
            scores = pairs;
            if (node.Attributes.Floats("prob_a") is { Length: > 0 } a)
            {
                Value p = node.Emit("Sigmoid", [node.Emit("Neg", [node.Emit("Add", [node.Emit("Mul", [pairs, Matrix(node, "prob_a", a, 1, a.Length)]), Matrix(node, "prob_b", Floats(node, "prob_b"), 1, a.Length)])])]);
                scores = Coupled(node, node.Emit("Clip", [p, Number(node, 1e-7f), Number(node, 1 - 1e-7f)]), classes);
            }
            else if (classes == 2) scores = node.Emit("Concat", [node.Emit("Neg", [pairs]), pairs], ("axis", 1));
        }
        else
        {
            if (coefficients.Length % classes != 0) throw node.Error($"{coefficients.Length} coefficients do not split among {classes} classes");
            Value w = node.Emit("Transpose", [Matrix(node, "coefficients", coefficients, classes, coefficients.Length / classes)], ("perm", new long[] { 1, 0 }));
            best = scores = node.Emit("Add", [node.Emit("MatMul", [x, w]), Matrix(node, "rho", rho[..1], 1)]);
        }
        Value label = node.Emit("Gather", [labels, node.Emit("ArgMax", [best], ("axis", 1), ("keepdims", 0))]);
        node.Results = [label, Transformed(node, scores)];
    }

    /// <summary>[n][pairs]: the scores of classes (0, 1), (0, 2), .. (1, 2), ..; [n][classes]: how many of them each class won.</summary>
    private static (Value Scores, Value Votes) Pairs(NodeDraft node, Value x, long[] perClass, float[] coefficients, float[] rho, int classes)
    {
        int pairs = classes * (classes - 1) / 2;
        if (perClass.Length != classes) throw node.Error($"vectors_per_class has {perClass.Length} numbers for {classes} classes");
        int[] counts = [.. perClass.Select(c => Count(node, "vectors_per_class", c))];
        int vectors = Count(node, "vectors_per_class", counts.Sum(c => (long)c));
        if (coefficients.Length != (classes - 1) * vectors) throw node.Error($"there are {coefficients.Length} coefficients, expected {classes - 1} for each of {vectors} support vectors");
        if (rho.Length != pairs) throw node.Error($"rho has {rho.Length} numbers, expected {pairs}");
        // Row r of the coefficients belongs to the other class r, or r + 1 from the own class on.
        float[] weights = new float[vectors * pairs], won = new float[pairs * classes], lost = new float[classes];
        for (int i = 0, pair = 0, firstI = 0; i < classes; firstI += counts[i], i++)
            for (int j = i + 1, firstJ = firstI + counts[i]; j < classes; firstJ += counts[j], j++, pair++)
            {
                for (int v = firstI; v < firstI + counts[i]; v++) weights[v * pairs + pair] = coefficients[(j - 1) * vectors + v];
                for (int v = firstJ; v < firstJ + counts[j]; v++) weights[v * pairs + pair] = coefficients[i * vectors + v];
                (won[pair * classes + i], won[pair * classes + j]) = (1, -1);
                lost[j]++;
            }
        Value scores = node.Emit("Add", [node.Emit("MatMul", [Kernel(node, x, vectors), Matrix(node, "pairs", weights, vectors, pairs)]), Matrix(node, "rho", rho, 1, pairs)]);
        Value wins = node.Emit("Cast", [node.Emit("Greater", [scores, Number(node, 0)])], ("to", (long)DType.Float32));
        return (scores, node.Emit("Add", [node.Emit("MatMul", [wins, Matrix(node, "won", won, pairs, classes)]), Matrix(node, "lost", lost, 1, classes)]));
    }

    private static Value Kernel(NodeDraft node, Value x, int vectors)
    {
        float[] support = Floats(node, "support_vectors"), given = node.Attributes.Floats("kernel_params") ?? [];
        if (support.Length % vectors != 0) throw node.Error($"{support.Length} numbers do not make {vectors} support vectors");
        Value v = Matrix(node, "support_vectors", support, vectors, support.Length / vectors);
        float Parameter(int i) => i < given.Length ? given[i] : 0;
        string kind = node.Attributes.String("kernel_type", "LINEAR");
        if (kind == "RBF")
        {
            Value distance = node.Emit("ReduceSumSquare", [node.Emit("Sub", [node.Emit("Unsqueeze", [x, node.Ints("axis", 1)]), v]), node.Ints("last", -1)], ("keepdims", 0));
            return node.Emit("Exp", [node.Emit("Mul", [distance, Number(node, -Parameter(0))])]);
        }
        Value dot = node.Emit("MatMul", [x, node.Emit("Transpose", [v], ("perm", new long[] { 1, 0 }))]);
        if (kind == "LINEAR") return dot;
        Value inner = node.Emit("Add", [node.Emit("Mul", [dot, Number(node, Parameter(0))]), Number(node, Parameter(1))]);
        return kind switch
        {
            "POLY" => node.Emit("Pow", [inner, Number(node, Parameter(2))]),
            "SIGMOID" => node.Emit("Tanh", [inner]),
            _ => throw node.Error($"kernel_type '{kind}' is not known; expected LINEAR, POLY, RBF or SIGMOID"),
        };
    }

    /// <summary>
    /// [n][classes] of pairwise probabilities r[n][pairs]: the p that minimise sum over i != j of (r_ji p_i - r_ij p_j)^2, by coordinate
    /// descent until every |(Qp)_i - p'Qp| is below 0.005 / classes (Wu, Lin and Weng, JMLR 5, 2004, algorithm 2).
    /// </summary>
    private static Value Coupled(NodeDraft node, Value r, int classes)
    {
        int pairs = classes * (classes - 1) / 2, square = classes * classes;
        float[] spread = new float[pairs * square], offset = new float[square], diagonal = new float[square];
        for (int i = 0, pair = 0; i < classes; i++)
        {
            diagonal[i * classes + i] = 1;
            for (int j = i + 1; j < classes; j++, pair++)
            {
                spread[pair * square + i * classes + j] = 1;
                spread[pair * square + j * classes + i] = -1;
                offset[j * classes + i] = 1;
            }
        }
        Value all = node.Emit("Add", [node.Emit("MatMul", [r, Matrix(node, "spread", spread, pairs, square)]), Matrix(node, "offset", offset, 1, square)]);
        Value m = node.Emit("Reshape", [all, node.Ints("square", -1, classes, classes)]), mt = node.Emit("Transpose", [m], ("perm", new long[] { 0, 2, 1 }));
        Value own = node.Emit("ReduceSumSquare", [mt, node.Ints("last", 2)], ("keepdims", 1));
        Value q = node.Emit("Sub", [node.Emit("Mul", [own, Matrix(node, "diagonal", diagonal, classes, classes)]), node.Emit("Mul", [m, mt])]);
        Value start = node.Emit("Expand", [Number(node, 1f / classes), node.Emit("Concat", [node.Emit("Shape", [r], ("start", 0), ("end", 1)), node.Ints("classes", classes)], ("axis", 0))]);

        var body = new LoopBody(node, new TensorType(DType.Float32, new Shape(Shape.Unknown, classes)));
        Value p = body.Carried[0], matrix = body.Capture(q), last = body.Ints(2);
        Value qp = body.Emit("Squeeze", [body.Emit("MatMul", [matrix, body.Emit("Unsqueeze", [p, last])]), last]);
        Value pqp = body.Emit("ReduceSum", [body.Emit("Mul", [p, qp]), body.Ints(1)], ("keepdims", 1));
        Value error = body.Emit("ReduceMax", [body.Emit("Abs", [body.Emit("Sub", [qp, pqp])]), body.Ints(1)], ("keepdims", 1));
        Value isOff = body.Emit("GreaterOrEqual", [error, body.Scalar(0.005 / classes)]);
        Value next = p;
        for (int t = 0; t < classes; t++)
        {
            Value at = body.Ints(t), row = body.Emit("Squeeze", [body.Emit("Gather", [matrix, at], ("axis", 1)), body.Ints(1)]);
            Value pivot = body.Emit("Gather", [row, at], ("axis", 1)), qt = body.Emit("Gather", [qp, at], ("axis", 1));
            Value diff = body.Emit("Div", [body.Emit("Sub", [pqp, qt]), pivot]), scale = body.Emit("Add", [body.Scalar(1), diff]);
            var unit = new float[classes];
            unit[t] = 1;
            next = body.Emit("Div", [body.Emit("Add", [next, body.Emit("Mul", [diff, body.Constant("unit", Tensor.FromArray<float>(unit, new Shape(1, classes)))])]), scale]);
            Value gain = body.Emit("Mul", [diff, body.Emit("Add", [body.Emit("Mul", [diff, pivot]), body.Emit("Mul", [body.Scalar(2), qt])])]);
            pqp = body.Emit("Div", [body.Emit("Add", [pqp, gain]), body.Emit("Mul", [scale, scale])]);
            qp = body.Emit("Div", [body.Emit("Add", [qp, body.Emit("Mul", [diff, row])]), scale]);
        }
        Value goesOn = body.Emit("Cast", [body.Emit("ReduceMax", [body.Emit("Cast", [isOff], ("to", (long)DType.Int32))], ("keepdims", 0))], ("to", (long)DType.Bool));
        return body.Close(node.Int("sweeps", 100), null, [start], goesOn, [body.Emit("Where", [isOff, next, p])])[0];
    }

    private static Value Transformed(NodeDraft node, Value scores) => node.Attributes.String("post_transform", "NONE") switch
    {
        "NONE" => scores,
        "LOGISTIC" => node.Emit("Sigmoid", [scores]),
        "SOFTMAX" => node.Emit("Softmax", [scores], ("axis", 1)),
        var other => throw node.Unsupported($"post_transform '{other}' is not supported; NONE, LOGISTIC and SOFTMAX are"),
    };

    private static float[] Floats(NodeDraft node, string name) => node.Attributes.Floats(name) is { Length: > 0 } values ? values : throw node.Error($"attribute '{name}' is missing");

    private static int Count(NodeDraft node, string name, long value) => value is >= 0 and <= 1 << 24 ? (int)value : throw node.Error($"{name} is {value}");

    private static Value Matrix(NodeDraft node, string what, float[] values, params long[] shape)
    {
        if (values.Length != shape.Aggregate(1L, (a, b) => a * b)) throw node.Error($"{what} has {values.Length} numbers, expected {string.Join(" x ", shape)}");
        return node.Constant(what, Tensor.FromArray<float>(values, new Shape(shape)));
    }

    /// <summary>float32, whatever the input is.</summary>
    private static Value Number(NodeDraft node, float value) => node.Constant("number", Tensor.FromScalar(value));
}
