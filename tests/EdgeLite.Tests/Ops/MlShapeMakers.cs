using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>How a random case of each operator of ai.onnx.ml is made: rows of a few features.</summary>
internal static class MlShapeMakers
{
    private const DType F = DType.Float32;

    public static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> All { get; } = Make();

    private static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>>(StringComparer.Ordinal);
        void Add(string operators, Func<EdgeShapes, string, EdgeCase> make)
        {
            foreach (string op in operators.Split(' '))
                makers.Add(op, (r, name) =>
                {
                    EdgeCase made = make(r, name);
                    made.Node.Domain = "ai.onnx.ml";
                    return made;
                });
        }

        Add("ArrayFeatureExtractor", (r, op) =>
        {
            long[] shape = [r.Size(), r.Size(false)];
            return r.Case(op, $"{r.In(F, shape)} {r.In(DType.Int64, [r.Int(1, 5)], 0, (int)shape[1] - 1)}");
        });
        Add("Binarizer", (r, op) => r.With(Attr("threshold", r.One(0f, 0.3f))).Case(op, r.In(F, r.Shape(1, 2))));
        Add("CategoryMapper", (r, op) =>
        {
            r.With(Attr("cats_strings", "a", "bc", "")).With(Attr("cats_int64s", 4, -2, 7)).With(Attr("default_string", "?")).With(Attr("default_int64", 9L));
            return r.Case(op, r.Chance() ? r.In(DType.Int64, r.Shape(), -3, 8) : r.Add(Tensor.FromStrings(["bc", "x", "", "a"], new Shape(2, 2)), false));
        });
        Add("Scaler", (r, op) =>
        {
            long[] shape = [r.Size(), r.Size(false)];
            int rules = r.Chance() ? 1 : (int)shape[1];
            return r.With(Attr("offset", Numbers(r, rules))).With(Attr("scale", Numbers(r, rules))).Case(op, r.In(r.One(F, DType.Int64, DType.Int32), shape));
        });
        Add("Normalizer", (r, op) => r.With(Attr("norm", r.One("MAX", "L1", "L2"))).Case(op, r.In(r.One(F, DType.Int64), [r.Size(), r.Size(false)])));
        Add("Imputer", (r, op) =>
        {
            long[] shape = [r.Size(), r.Size(false)];
            int rules = r.Chance() ? 1 : (int)shape[1];
            if (r.Chance()) return r.With(Attr("imputed_value_int64s", [.. Numbers(r, rules).Select(v => (long)v)])).With(Attr("replaced_value_int64", 1L)).Case(op, r.In(DType.Int64, shape, 0, 2));
            float hole = r.One(0, 1, float.NaN);
            var x = new Tensor(F, new Shape(shape));
            for (long i = 0; i < x.Count; i++) x.SetDouble(i, r.One(0, 1, float.NaN, -2.5f));
            return r.With(Attr("imputed_value_floats", Numbers(r, rules))).With(Attr("replaced_value_float", hole)).Case(op, r.Add(x, false));
        });
        Add("OneHotEncoder", (r, op) => r.With(Attr("cats_int64s", [.. Enumerable.Range(0, r.Int(1, 5)).Select(i => (long)i)])).With(Attr("zeros", 1L)).Case(op, r.In(DType.Int64, r.Shape(1, 2), 0, 6)));
        Add("FeatureVectorizer", (r, op) =>
        {
            long rows = r.Size(false);
            long[] widths = [.. Enumerable.Range(0, r.Int(1, 3)).Select(_ => r.Size(false))];
            DType type = r.One(F, DType.Int64);
            return r.With(Attr("inputdimensions", widths)).Case(op, string.Join(' ', widths.Select(w => r.In(type, [rows, w]))));
        });
        Add("LinearRegressor", (r, op) =>
        {
            int features = r.Int(1, 6), targets = r.Int(1, 4);
            return r.With(Attr("coefficients", Numbers(r, targets * features))).With(Attr("intercepts", Numbers(r, targets))).With(Attr("targets", (long)targets)).Case(op, r.In(F, [r.Size(false), features]));
        });
        Add("LinearClassifier", (r, op) =>
        {
            int features = r.Int(1, 6), classes = r.Int(2, 4);
            return r.With(Attr("coefficients", Numbers(r, classes * features))).With(Attr("intercepts", Numbers(r, classes))).With(Labels(classes, "classlabels_ints")).With(Attr("multi_class", 0L))
                .With(Attr("post_transform", r.One("NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO"))).Case(op, r.In(F, [r.Size(false), features]), "y z");
        });
        Add("TreeEnsembleRegressor", (r, op) =>
        {
            int features = r.Int(1, 5), targets = r.Int(1, 3);
            Trees(r, features, "target", [.. Enumerable.Range(0, targets)], positive: false);
            if (r.Chance()) r.With(Attr("base_values", Numbers(r, targets)));
            return r.With(Attr("n_targets", (long)targets)).With(Attr("aggregate_function", r.One("SUM", "AVERAGE", "MIN", "MAX"))).Case(op, r.In(F, [r.Size(false), features]));
        });
        Add("TreeEnsembleClassifier", (r, op) =>
        {
            int features = r.Int(1, 5), classes = r.Int(2, 4);
            // ONNX Runtime names the second of two classes wherever its own sum is positive, which no other engine does: weights for one of two classes only.
            string transform = classes > 2 ? r.One("NONE", "SOFTMAX", "LOGISTIC") : r.One("NONE", "LOGISTIC");
            Trees(r, features, "class", classes > 2 ? [.. Enumerable.Range(0, classes)] : [0], positive: r.Chance());
            return r.With(Labels(classes, "classlabels_int64s")).With(Attr("post_transform", transform)).Case(op, r.In(F, [r.Size(false), features]), "y z");
        });
        Add("SVMRegressor", (r, op) =>
        {
            int features = r.Int(1, 5), vectors = r.Chance(0.3) ? 0 : r.Int(1, 6);
            if (vectors > 0) r.With(Attr("support_vectors", Numbers(r, vectors * features)));
            return Kernel(r).With(Attr("coefficients", Numbers(r, vectors > 0 ? vectors : features))).With(Attr("n_supports", (long)vectors)).With(Attr("rho", Numbers(r, 1))).With(Attr("one_class", r.Int(0, 1)))
                .Case(op, r.In(F, [r.Size(false), features]));
        });
        Add("SVMClassifier", (r, op) =>
        {
            int features = r.Int(1, 5), classes = r.Int(2, 5), pairs = classes * (classes - 1) / 2;
            // Of two classes ONNX Runtime transforms no scores, and of linear ones it names the second wherever one is positive.
            string transform = classes == 2 ? "NONE" : r.One("NONE", "SOFTMAX", "LOGISTIC");
            if (classes > 2 && r.Chance(0.25)) r.With(Attr("coefficients", Numbers(r, classes * features))).With(Attr("rho", Numbers(r, 1)));
            else
            {
                long[] perClass = [.. Enumerable.Range(0, classes).Select(_ => (long)r.Int(1, 3))];
                int vectors = (int)perClass.Sum();
                r.With(Attr("vectors_per_class", perClass)).With(Attr("support_vectors", Numbers(r, vectors * features))).With(Attr("coefficients", Numbers(r, (classes - 1) * vectors))).With(Attr("rho", Numbers(r, pairs)));
                if (r.Chance()) r.With(Attr("prob_a", [.. Numbers(r, pairs).Select(a => -Math.Abs(a))])).With(Attr("prob_b", Numbers(r, pairs)));
            }
            return Kernel(r).With(Labels(classes, "classlabels_ints")).With(Attr("post_transform", transform)).Case(op, r.In(F, [r.Size(false), features]), "y z");
        });
        return makers;
    }

    private static float[] Numbers(EdgeShapes r, int count) => [.. Enumerable.Range(0, count).Select(_ => r.Int(-40, 40) / 20f)];

    private static AttributeProto Labels(int count, string name) => Attr(name, [.. Enumerable.Range(0, count).Select(i => count == 2 ? i : 10L * i + 3)]);

    private static EdgeShapes Kernel(EdgeShapes r) => r.With(Attr("kernel_type", r.One("LINEAR", "POLY", "RBF", "SIGMOID"))).With(Attr("kernel_params", [0.5f, 0.25f, r.Int(1, 3)]));

    /// <summary>Trees of up to three levels, one of them may be a leaf alone.</summary>
    private static void Trees(EdgeShapes r, int features, string what, int[] targets, bool positive)
    {
        List<long> trees = [], nodes = [], feature = [], yes = [], no = [], missing = [], leafTrees = [], leafNodes = [], leafTargets = [];
        List<float> values = [], weights = [];
        List<string> modes = [];
        int count = r.Int(1, 4);
        for (int tree = 0; tree < count; tree++)
        {
            int next = 0;
            Grow(r.Int(tree == 0 ? 1 : 0, 3));

            long Grow(int depth)
            {
                long own = next++;
                int at = nodes.Count;
                bool isLeaf = depth == 0;
                trees.Add(tree);
                nodes.Add(own);
                feature.Add(isLeaf ? 0 : r.Int(0, features - 1));
                values.Add(isLeaf ? 0 : r.Int(-20, 20) / 10f);
                modes.Add(isLeaf ? "LEAF" : r.One("BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"));
                missing.Add(r.Int(0, 1));
                yes.Add(0);
                no.Add(0);
                if (!isLeaf)
                {
                    yes[at] = Grow(r.Int(0, depth - 1));
                    no[at] = Grow(r.Int(0, depth - 1));
                    return own;
                }
                foreach (int target in targets)
                {
                    leafTrees.Add(tree);
                    leafNodes.Add(own);
                    leafTargets.Add(target);
                    weights.Add(positive ? r.Int(1, 20) / 20f : r.Int(-20, 20) / 10f);
                }
                return own;
            }
        }
        r.With(Attr("nodes_treeids", [.. trees])).With(Attr("nodes_nodeids", [.. nodes])).With(Attr("nodes_featureids", [.. feature])).With(Attr("nodes_values", [.. values])).With(Attr("nodes_modes", [.. modes]))
            .With(Attr("nodes_truenodeids", [.. yes])).With(Attr("nodes_falsenodeids", [.. no])).With(Attr("nodes_missing_value_tracks_true", [.. missing]))
            .With(Attr($"{what}_treeids", [.. leafTrees])).With(Attr($"{what}_nodeids", [.. leafNodes])).With(Attr($"{what}_ids", [.. leafTargets])).With(Attr($"{what}_weights", [.. weights]));
    }
}
