using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Ops;

/// <summary>How a random case of each operator is made.</summary>
internal static class EdgeShapeMakers
{
    public static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> All { get; } = Make();

    private static SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>> Make()
    {
        var makers = new SortedDictionary<string, Func<EdgeShapes, string, EdgeCase>>(StringComparer.Ordinal);
        void Add(string operators, Func<EdgeShapes, string, EdgeCase> make)
        {
            foreach (string op in operators.Split(' ')) makers.Add(op, make);
        }

        Add("Add Sub Mul Max Min", (r, op) => Binary(r, op, r.One(DType.Float32, DType.Float32, DType.Int32, DType.Int64)));
        Add("Div Pow", (r, op) => Binary(r, op, DType.Float32));
        Add("Equal Less LessOrEqual Greater GreaterOrEqual", (r, op) => Binary(r, op, r.One(DType.Float32, DType.Int32, DType.Int64)));
        Add("And Or Xor", (r, op) => Binary(r, op, DType.Bool));
        Add("Mod", (r, op) =>
        {
            long[] shape = r.Shape();
            DType type = r.One(DType.Int32, DType.Int64);
            return r.Case(op, $"{r.In(type, r.Broadcast(shape), -9, 9)} {r.In(type, r.Broadcast(shape), 1, 7)}");
        });
        Add("PRelu", (r, op) =>
        {
            long[] shape = r.Shape();
            return r.Case(op, $"{r.In(DType.Float32, shape)} {r.In(DType.Float32, r.Broadcast(shape, wider: false))}");
        });
        Add("Where", (r, op) =>
        {
            long[] shape = r.Shape();
            DType type = r.One(DType.Float32, DType.Int32, DType.Int64);
            return r.Case(op, $"{r.In(DType.Bool, r.Broadcast(shape))} {r.In(type, r.Broadcast(shape, false))} {r.In(type, r.Broadcast(shape, false))}");
        });
        Add("Sum Mean", (r, op) =>
        {
            long[] shape = r.Shape();
            return r.Case(op, string.Join(' ', Enumerable.Range(0, r.Int(1, 4)).Select(_ => r.In(DType.Float32, r.Broadcast(shape, false)))));
        });
        Add("Abs Neg Relu Sigmoid Tanh Exp Floor Ceil Round Erf Elu Selu Softplus Softsign HardSigmoid HardSwish Gelu Sign LeakyRelu Celu ThresholdedRelu Mish Sin Cos Reciprocal Sqrt Log Identity IsNaN",
            (r, op) => r.Case(op, r.In(DType.Float32, r.Shape())));
        Add("Clip", (r, op) => r.Case(op, $"{r.In(DType.Float32, r.Shape())} {(r.Chance() ? "-" : r.In(DType.Float32, []))} {(r.Chance() ? "-" : r.In(DType.Float32, []))}"));
        Add("ReduceSum ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSumExp", Reduction);
        Add("ArgMax ArgMin", (r, op) =>
        {
            long[] shape = r.Shape(1, 4, zero: false); // of nothing there is no largest
            return r.With(Attr("axis", r.Axis(shape.Length))).With(Attr("keepdims", r.Int(0, 1))).With(Attr("select_last_index", r.Int(0, 1))).Case(op, r.In(DType.Float32, shape, -2, 2));
        });
        Add("Softmax LogSoftmax Hardmax LpNormalization", (r, op) =>
        {
            long[] shape = r.Shape(1);
            return r.With(Attr("axis", r.Axis(shape.Length))).Case(op, r.In(DType.Float32, shape));
        });
        Add("LayerNormalization", (r, op) =>
        {
            long[] shape = r.Shape(1);
            long axis = r.Axis(shape.Length);
            long[] tail = shape[(int)(axis < 0 ? axis + shape.Length : axis)..];
            return r.With(Attr("axis", axis)).Case(op, $"{r.In(DType.Float32, shape)} {r.In(DType.Float32, tail)}{(r.Chance() ? " " + r.In(DType.Float32, tail) : "")}");
        });
        Add("CumSum", (r, op) =>
        {
            long[] shape = r.Shape(1);
            return r.With(Attr("exclusive", r.Int(0, 1))).With(Attr("reverse", r.Int(0, 1))).Case(op, $"{r.In(r.One(DType.Float32, DType.Int64), shape)} {r.Add(Tensor.FromScalar(r.Axis(shape.Length)), r.Chance())}");
        });

        Add("Transpose", (r, op) =>
        {
            long[] shape = r.Shape();
            if (r.Chance(0.8) && shape.Length > 0) r.With(Attr("perm", [.. r.Permutation(shape.Length).Select(i => (long)i)]));
            return r.Case(op, r.In(AnyType(r), shape));
        });
        Add("Flatten", (r, op) =>
        {
            long[] shape = r.Shape();
            return r.With(Attr("axis", (long)r.Int(-shape.Length, shape.Length))).Case(op, r.In(DType.Float32, shape));
        });
        Add("Reshape", Reshape);
        Add("Unsqueeze", (r, op) =>
        {
            long[] shape = r.Shape(0, 3);
            int rank = shape.Length + r.Int(1, 3);
            long[] axes = r.Axes(rank, rank - shape.Length)[..(rank - shape.Length)];
            return r.Case(op, $"{r.In(AnyType(r), shape)} {r.Ints(axes)}");
        });
        Add("Squeeze", (r, op) =>
        {
            long[] shape = [.. r.Shape().Select(d => r.Chance() ? 1 : d)];
            long[] axes = [.. r.Axes(shape.Length).Where(a => shape[a < 0 ? a + shape.Length : a] == 1)];
            return r.Case(op, axes.Length == 0 ? r.In(AnyType(r), shape) : $"{r.In(AnyType(r), shape)} {r.Ints(axes)}");
        });
        Add("Expand", (r, op) =>
        {
            long[] shape = r.Shape();
            return r.Case(op, $"{r.In(AnyType(r), r.Broadcast(shape, false))} {r.Ints(r.Broadcast(shape))}");
        });
        Add("Tile", (r, op) =>
        {
            long[] shape = r.Shape(1, 3);
            return r.Case(op, $"{r.In(AnyType(r), shape)} {r.Ints([.. shape.Select(_ => (long)r.Int(r.Chance(0.1) ? 0 : 1, 3))])}");
        });
        Add("Concat", (r, op) =>
        {
            long[] shape = r.Shape(1);
            long axis = r.Axis(shape.Length);
            DType type = AnyType(r);
            string inputs = string.Join(' ', Enumerable.Range(0, r.Int(1, 4)).Select(_ =>
            {
                long[] part = [.. shape];
                part[axis < 0 ? axis + shape.Length : axis] = r.Size();
                return r.In(type, part);
            }));
            return r.With(Attr("axis", axis)).Case(op, inputs);
        });
        Add("Split", (r, op) =>
        {
            long[] shape = r.Shape(1);
            long axis = r.Axis(shape.Length);
            int parts = r.Int(1, 4), at = (int)(axis < 0 ? axis + shape.Length : axis);
            string outputs = string.Join(' ', Enumerable.Range(0, parts).Select(i => $"y{i}"));
            r.With(Attr("axis", axis));
            if (r.Chance())
            {
                shape[at] = Math.Max(shape[at], parts);
                return r.With(Attr("num_outputs", (long)parts)).Case(op, r.In(AnyType(r), shape), outputs);
            }
            long[] sizes = [.. Enumerable.Range(0, parts).Select(_ => r.Size())];
            shape[at] = sizes.Sum();
            return r.Case(op, $"{r.In(AnyType(r), shape)} {r.Ints(sizes)}", outputs);
        });
        Add("Slice", (r, op) =>
        {
            long[] shape = r.Shape(1);
            long[] axes = r.Axes(shape.Length, 1);
            long[] steps = [.. axes.Select(_ => r.One<long>(1, 1, 2, 3, -1, -2))];
            // Backwards ONNX Runtime takes the largest numbers for the beginning.
            string x = r.In(AnyType(r), shape), starts = r.Ints([.. axes.Select(_ => (long)r.Int(-7, 7))]);
            string ends = r.Ints([.. steps.Select(s => r.Chance(0.2) ? s > 0 ? r.One(long.MaxValue, int.MaxValue) : r.One(long.MinValue, int.MinValue) : r.Int(-7, 40))]);
            return r.Case(op, $"{x} {starts} {ends} {r.Ints(axes)}{(r.Chance() ? " " + r.Ints(steps) : "")}");
        });
        Add("Pad", (r, op) =>
        {
            long[] shape = r.Shape(1, 4, zero: false);
            string mode = r.One("constant", "constant", "edge", "reflect", "wrap");
            bool hasAxes = r.Chance(0.4);
            long[] axes = hasAxes ? r.Axes(shape.Length, 1) : [.. Enumerable.Range(0, shape.Length).Select(i => (long)i)];
            long[] pads = [.. Enumerable.Range(0, 2).SelectMany(_ => axes.Select(a => (long)r.Int(mode == "constant" ? -1 : 0, mode == "constant" ? 3 : (int)Math.Min(3, shape[a < 0 ? a + shape.Length : a] - 1))))];
            string x = r.In(DType.Float32, shape), amounts = r.Ints(pads), value = mode == "constant" && r.Chance() ? r.In(DType.Float32, []) : "-";
            return r.With(Attr("mode", mode)).Case(op, hasAxes ? $"{x} {amounts} {value} {r.Ints(axes)}" : value == "-" ? $"{x} {amounts}" : $"{x} {amounts} {value}");
        });
        Add("Gather", (r, op) =>
        {
            long[] shape = r.Shape(1, 4, zero: r.Chance(0.2));
            long axis = r.Axis(shape.Length), length = shape[axis < 0 ? axis + shape.Length : axis];
            return r.With(Attr("axis", axis)).Case(op, $"{r.In(AnyType(r), shape)} {r.In(r.One(DType.Int32, DType.Int64), length == 0 ? [0] : r.Shape(0, 3), (int)-length, (int)length - 1)}");
        });
        Add("GatherElements", (r, op) =>
        {
            long[] shape = r.Shape(1, 4, zero: false);
            long axis = r.Axis(shape.Length), length = shape[axis < 0 ? axis + shape.Length : axis];
            long[] chosen = [.. shape.Select(d => (long)r.Int(r.Chance(0.1) ? 0 : 1, (int)d))];
            chosen[axis < 0 ? axis + shape.Length : axis] = r.Size();
            return r.With(Attr("axis", axis)).Case(op, $"{r.In(AnyType(r), shape)} {r.In(r.One(DType.Int32, DType.Int64), chosen, (int)-length, (int)length - 1)}");
        });
        Add("GatherND", (r, op) =>
        {
            long[] shape = [.. r.Shape(1, 4, zero: false).Select(d => Math.Min(d, 4))];
            int batch = r.Int(0, shape.Length - 1), depth = r.Int(1, shape.Length - batch);
            long[] outer = [.. shape[..batch], .. r.Shape(batch > 0 ? 0 : 1, 2)];
            long[][] rows = [.. Enumerable.Range(0, (int)outer.Aggregate(1L, (a, b) => a * b)).Select(_ => Enumerable.Range(batch, depth).Select(d => (long)r.Int((int)-shape[d], (int)shape[d] - 1)).ToArray())];
            string x = r.In(AnyType(r), shape), indices = r.Add(Tensor.FromArray<long>([.. rows.SelectMany(i => i)], new Shape([.. outer, depth])), false);
            return r.With(Attr("batch_dims", (long)batch)).Case(op, $"{x} {indices}");
        });
        Add("ScatterElements", (r, op) =>
        {
            long[] shape = r.Shape(1, 3, zero: false);
            long axis = r.Axis(shape.Length), at = axis < 0 ? axis + shape.Length : axis, length = shape[at];
            long[] chosen = [.. shape.Select(d => (long)r.Int(1, (int)d))];
            string reduction = r.One("none", "add", "mul", "max", "min");
            if (reduction == "none") chosen[at] = 1; // several writes to one place have no order
            return r.With(Attr("axis", axis)).With(Attr("reduction", reduction)).Case(op, $"{r.In(DType.Float32, shape)} {r.In(r.One(DType.Int32, DType.Int64), chosen, (int)-length, (int)length - 1)} {r.In(DType.Float32, chosen)}");
        });
        Add("ScatterND", (r, op) =>
        {
            long[] shape = [.. r.Shape(1, 3, zero: false).Select(d => Math.Min(d, 4))];
            int depth = r.Int(1, shape.Length);
            string reduction = r.One("add", "mul", "max", "min");
            long[] outer = r.Shape(0, 2);
            var indices = new Tensor(DType.Int64, new Shape([.. outer, depth]));
            for (int i = 0; i < indices.Count; i++) indices.SetInt64(i, r.Int((int)-shape[i % depth], (int)shape[i % depth] - 1));
            return r.With(Attr("reduction", reduction)).Case(op, $"{r.In(DType.Float32, shape)} {r.Add(indices, false)} {r.In(DType.Float32, [.. outer, .. shape[depth..]])}");
        });
        Add("Trilu", (r, op) => r.With(Attr("upper", (long)r.Int(0, 1))).Case(op, $"{r.In(r.One(DType.Float32, DType.Int64), r.Shape(2))}{(r.Chance() ? " " + r.Add(Tensor.FromScalar((long)r.Int(-6, 6)), r.Chance()) : "")}"));
        Add("Shape", (r, op) =>
        {
            if (r.Chance()) r.With(Attr("start", (long)r.Int(-6, 6)));
            if (r.Chance()) r.With(Attr("end", (long)r.Int(-6, 6)));
            return r.Case(op, r.In(AnyType(r), r.Shape()));
        });
        // Of a scalar NonZero gives [0][n] by the specification, [1][n] in ONNX Runtime.
        Add("Size NonZero", (r, op) => r.Case(op, r.In(r.One(DType.Float32, DType.Int64, DType.Bool), r.Shape(op == "NonZero" ? 1 : 0), -1, 1)));
        Add("Compress", (r, op) =>
        {
            long[] shape = r.Shape(1);
            bool flat = r.Chance(0.3);
            long axis = r.Axis(shape.Length), length = flat ? shape.Aggregate(1L, (a, b) => a * b) : shape[axis < 0 ? axis + shape.Length : axis];
            if (!flat) r.With(Attr("axis", axis));
            return r.Case(op, $"{r.In(AnyType(r), shape)} {r.In(DType.Bool, [r.Int(0, (int)length)])}");
        });
        Add("OneHot", (r, op) =>
        {
            long[] shape = r.Shape(1, 3);
            int depth = r.Int(1, 6);
            return r.With(Attr("axis", r.Axis(shape.Length, 1))).Case(op, $"{r.In(DType.Int64, shape, -depth - 2, depth + 1)} {r.Ints(depth)} {r.In(r.One(DType.Float32, DType.Int64), [2])}");
        });
        Add("TopK", (r, op) =>
        {
            long[] shape = r.Shape(1, 3, zero: false);
            long axis = r.Axis(shape.Length), k = r.Int(0, (int)shape[axis < 0 ? axis + shape.Length : axis]);
            return r.With(Attr("axis", axis)).With(Attr("largest", (long)r.Int(0, 1))).Case(op, $"{r.In(DType.Float32, shape)} {r.Ints(k)}", "y z");
        });
        Add("Unique", (r, op) =>
        {
            long[] shape = r.Shape(1, 3, zero: false);
            if (r.Chance()) r.With(Attr("axis", r.Axis(shape.Length)));
            return r.Case(op, r.In(DType.Int64, shape, 0, 1), "y i j n");
        });
        Add("Range", (r, op) =>
        {
            DType type = r.One(DType.Float32, DType.Int32, DType.Int64);
            return r.Case(op, $"{Scalar(r, type, r.Int(-5, 5))} {Scalar(r, type, r.Int(-9, 9))} {Scalar(r, type, r.One(1, 2, -1, -3))}");
        });
        Add("ConstantOfShape", (r, op) => r.Case(op, r.Ints(r.Shape())));
        Add("EyeLike", (r, op) => r.With(Attr("k", (long)r.Int(-4, 4))).Case(op, r.In(r.One(DType.Float32, DType.Int64), [r.Size(), r.Size()])));
        Add("ReverseSequence", (r, op) =>
        {
            long[] shape = r.Shape(2, 4, zero: false);
            int batch = r.Int(0, 1);
            return r.With(Attr("batch_axis", (long)batch)).With(Attr("time_axis", 1L - batch)).Case(op, $"{r.In(DType.Float32, shape)} {r.In(DType.Int64, [shape[batch]], 0, (int)shape[1 - batch])}");
        });
        Add("DepthToSpace SpaceToDepth", (r, op) =>
        {
            int block = r.Int(1, 3);
            long channels = r.Int(1, 3), h = r.Int(1, 3), w = r.Int(1, 3), n = r.Size();
            if (op == "DepthToSpace") r.With(Attr("mode", r.One("DCR", "CRD")));
            return r.With(Attr("blocksize", (long)block)).Case(op, r.In(DType.Float32, op == "DepthToSpace" ? [n, channels * block * block, h, w] : [n, channels, h * block, w * block]));
        });
        Add("QuantizeLinear DequantizeLinear", Quantization);

        Add("MatMul", MatMul);
        Add("MatMulInteger", (r, op) =>
        {
            long m = r.Size(), n = r.Size(), k = r.Size(false); // as in MatMul
            long[] batch = r.Shape(0, 2);
            DType a = r.One(DType.UInt8, DType.Int8), b = r.One(DType.UInt8, DType.Int8);
            string inputs = $"{r.In(a, [.. r.Broadcast(batch, false), m, k], 0, 127)} {r.In(b, [.. r.Broadcast(batch, false), k, n], 0, 127)}";
            return r.Case(op, r.Chance() ? inputs : $"{inputs} {r.In(a, [], 0, 9)} {r.In(b, [], 0, 9)}");
        });
        Add("Einsum", (r, op) =>
        {
            string equation = r.One("ij,jk->ik", "ij,jk", "bij,bjk->bik", "ii->i", "ij->ji", "i,j->ij", "...ij,...jk->...ik", "ij->", "bij,bij->b", "...i->...", "i,i", "abc,cd->abd");
            Dictionary<char, long> sizes = "abcdijk".ToDictionary(c => c, _ => r.Size(false));
            long[] rest = r.Shape(0, 2, zero: false); // ONNX Runtime 1.31 crashes where they are of different rank
            string inputs = string.Join(' ', equation.Split("->")[0].Split(',').Select(term => r.In(DType.Float32,
                [.. term.StartsWith("...", StringComparison.Ordinal) ? rest : [], .. term.TrimStart('.').Select(c => sizes[c])])));
            return r.With(Attr("equation", equation)).Case(op, inputs);
        });
        Add("LRN", (r, op) => r.With(Attr("size", r.One(1L, 3, 5))).Case(op, r.In(DType.Float32, [r.Size(), r.Size(false), .. r.Shape(1, 2, zero: false)])));
        Add("Resize", Resize);
        Add("GridSample", (r, op) =>
        {
            long n = r.Size(), c = r.Size(false);
            // Cubic at a border: ONNX's reference moves the place to the border first, as here, ONNX Runtime only the pixels.
            string mode = r.One("linear", "nearest", "cubic");
            r.With(Attr("mode", mode)).With(Attr("padding_mode", mode == "cubic" ? r.One("zeros", "reflection") : r.One("zeros", "border", "reflection"))).With(Attr("align_corners", (long)r.Int(0, 1)));
            return r.Case(op, $"{r.In(DType.Float32, [n, c, r.Int(1, 5), r.Int(1, 5)])} {r.In(DType.Float32, [n, r.Int(1, 4), r.Int(1, 4), 2])}");
        });
        Add("NonMaxSuppression", (r, op) =>
        {
            long batch = r.Int(1, 2), classes = r.Int(1, 2), boxes = r.Size();
            r.With(Attr("center_point_box", (long)r.Int(0, 1)));
            return r.Case(op, $"{r.In(DType.Float32, [batch, boxes, 4])} {r.In(DType.Float32, [batch, classes, boxes])} {r.Ints(r.Int(0, 5))}");
        });
        Add("Gemm", (r, op) =>
        {
            long m = r.Size(), n = r.Size(), k = r.Size(false); // without k ONNX Runtime 1.31 forgets beta
            bool ta = r.Chance(), tb = r.Chance();
            r.With(Attr("transA", ta ? 1L : 0)).With(Attr("transB", tb ? 1L : 0)).With(Attr("alpha", r.One(1f, 0.5f))).With(Attr("beta", r.One(1f, -2f)));
            string c = r.Chance(0.3) ? "" : " " + r.In(DType.Float32, r.One<long[]>([], [1], [n], [1, n], [m, 1], [m, n]));
            return r.Case(op, $"{r.In(DType.Float32, ta ? [k, m] : [m, k])} {r.In(DType.Float32, tb ? [n, k] : [k, n])}{c}");
        });
        Add("Conv", Convolution);
        Add("ConvTranspose", Convolution);
        Add("MaxPool AveragePool LpPool", Pooling);
        Add("GlobalAveragePool GlobalMaxPool", (r, op) => r.Case(op, r.In(DType.Float32, [r.Size(), r.Size(false), .. r.Shape(1, 3, zero: false)])));
        Add("BatchNormalization InstanceNormalization", (r, op) =>
        {
            long channels = r.Size(false);
            string x = r.In(DType.Float32, [r.Size(), channels, .. r.Shape(op[0] == 'B' ? 0 : 1, 2, zero: false)]), parameters = $"{r.In(DType.Float32, [channels])} {r.In(DType.Float32, [channels])}";
            if (op[0] == 'I') return r.Case(op, $"{x} {parameters}");
            var variance = new Tensor(DType.Float32, new Shape(channels));
            for (int i = 0; i < channels; i++) variance.SetDouble(i, r.Int(1, 9) / 4.0);
            return r.Case(op, $"{x} {parameters} {r.In(DType.Float32, [channels])} {r.Add(variance, r.Chance())}");
        });
        return makers;
    }

    private static DType AnyType(EdgeShapes r) => r.One(DType.Float32, DType.Float32, DType.Int64, DType.Int32, DType.UInt8, DType.Bool);

    private static string Scalar(EdgeShapes r, DType type, double value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        tensor.SetDouble(0, value);
        return r.Add(tensor, r.Chance());
    }

    private static EdgeCase Binary(EdgeShapes r, string op, DType type)
    {
        long[] shape = r.Shape();
        return r.Case(op, $"{r.In(type, r.Broadcast(shape))} {r.In(type, r.Broadcast(shape))}");
    }

    private static EdgeCase Reduction(EdgeShapes r, string op)
    {
        long[] shape = r.Shape(zero: op != "ReduceMean"); // of nothing there is no mean
        r.With(Attr("keepdims", (long)r.Int(0, 1)));
        string x = r.In(DType.Float32, shape);
        if (r.Chance(0.2)) return r.With(Attr("noop_with_empty_axes", (long)r.Int(0, 1))).Case(op, x);
        long[] axes = r.Axes(shape.Length);
        // Of an empty tensor ONNX Runtime 1.31 reduces other axes than those counted from the end; its own shape rule says so.
        if (shape.Contains(0)) axes = [.. axes.Select(a => a < 0 ? a + shape.Length : a).Order()];
        return r.Case(op, $"{x} {r.Ints(axes)}");
    }

    private static EdgeCase Reshape(EdgeShapes r, string op)
    {
        long[] shape = r.Shape(), all = [.. shape];
        long count = all.Aggregate(1L, (a, b) => a * b);
        // Neighbours are merged, dimensions of 1 put in, one dimension left open, equal ones copied.
        var wanted = new List<long>();
        foreach (long d in all)
            if (wanted.Count > 0 && r.Chance(0.3)) wanted[^1] *= d;
            else wanted.Add(d);
        if (r.Chance(0.3)) wanted.Insert(r.Int(0, wanted.Count), 1);
        bool allowsZero = r.Chance(0.3);
        if (!allowsZero)
            for (int i = 0; i < wanted.Count; i++)
                if (i < shape.Length && shape[i] == wanted[i] && r.Chance(0.3)) wanted[i] = 0;
        if (count > 0 && wanted.Count > 0 && r.Chance()) wanted[r.Int(0, wanted.Count - 1)] = -1;
        return r.With(Attr("allowzero", allowsZero ? 1L : 0)).Case(op, $"{r.In(AnyType(r), shape)} {r.Ints([.. wanted])}");
    }

    private static EdgeCase Resize(EdgeShapes r, string op)
    {
        string mode = r.One("nearest", "linear", "cubic");
        long[] shape = mode == "nearest" ? r.Shape(1, 4, zero: false) : [r.Int(1, 2), r.Int(1, 3), r.Int(2, 7), r.Int(2, 7)];
        string places = r.One("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel");
        r.With(Attr("mode", mode)).With(Attr("coordinate_transformation_mode", places));
        if (mode == "nearest") r.With(Attr("nearest_mode", r.One("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")));
        string x = r.In(DType.Float32, shape);
        int fixedDims = mode == "nearest" ? 0 : 2;
        if (r.Chance()) return r.Case(op, $"{x} - - {r.Ints([.. shape.Select((d, i) => i < fixedDims ? d : r.Int(1, 9))])}");
        float[] scales = [.. shape.Select((d, i) => i < fixedDims ? 1 : r.One(1, 2, 0.5f, 1.5f, 3))];
        for (int i = 0; i < scales.Length; i++)
            if (shape[i] * scales[i] < 1 || places == "align_corners" && shape[i] * scales[i] % 1 != 0) scales[i] = 1; // ONNX Runtime rounds sizes before it aligns them
        return r.Case(op, $"{x} - {r.Add(Tensor.FromArray<float>(scales, new Shape(scales.Length)), r.Chance())}");
    }

    private static EdgeCase MatMul(EdgeShapes r, string op)
    {
        long m = r.Size(), n = r.Size(), k = r.Size(false); // products of nothing ONNX Runtime 1.31 neither broadcasts nor clears
        long[] batch = r.Shape(0, 2);
        long[] a = r.Chance(0.2) ? [k] : [.. r.Broadcast(batch, false), m, k], b = r.Chance(0.2) ? [k] : [.. r.Broadcast(batch, false), k, n];
        return r.Case(op, $"{r.In(DType.Float32, a)} {r.In(DType.Float32, b)}");
    }

    private static EdgeCase Quantization(EdgeShapes r, string op)
    {
        long[] shape = r.Shape();
        DType type = r.One(DType.Int8, DType.UInt8);
        bool perAxis = shape.Length > 0 && r.Chance(), hasZero = r.Chance(0.7);
        long axis = perAxis ? r.Axis(shape.Length) : 1;
        long[] scaleShape = perAxis ? [shape[axis < 0 ? axis + shape.Length : axis]] : [];
        var scale = new Tensor(DType.Float32, new Shape(scaleShape));
        for (int i = 0; i < scale.Count; i++) scale.SetDouble(i, r.Int(1, 9) / 64.0);
        bool quantizes = op[0] == 'Q';
        if (perAxis) r.With(Attr("axis", axis));
        string x = r.In(quantizes ? DType.Float32 : type, shape, 0, 100), inputs = $"{x} {r.Add(scale, r.Chance())}";
        if (hasZero) inputs += " " + r.In(quantizes ? type : r.One(type), scaleShape, 0, quantizes ? 20 : type == DType.Int8 ? 0 : 20);
        return r.Case(op, inputs);
    }

    /// <summary>Attributes of a window over <paramref name="sizes"/>; some left out.</summary>
    private static long[] Window(EdgeShapes r, long[] sizes, bool isPool, bool isTransposed)
    {
        long[] kernel = [.. sizes.Select(d => (long)r.Int(1, (int)Math.Min(3, isTransposed ? 3 : d)))];
        if (isPool || r.Chance()) r.With(Attr("kernel_shape", kernel));
        // With auto_pad, windows with gaps between or in them: ONNX Runtime pads transposed convolutions and pools otherwise than
        // output = ceil(input / stride) says, and crops.
        bool pads = r.Chance(0.3), isPlain = pads && (isPool || isTransposed);
        if (r.Chance(0.7)) r.With(Attr("strides", [.. kernel.Select(k => (long)r.Int(1, isPlain || isTransposed ? (int)k : 3))]));
        bool dilates = !isPlain && r.Chance(0.3);
        if (dilates) r.With(Attr("dilations", [.. sizes.Select((d, i) => kernel[i] < 2 ? 3L : r.Int(1, isTransposed ? 2 : (int)Math.Min(2, (d - 1) / (kernel[i] - 1))))]));
        if (pads) r.With(Attr("auto_pad", r.One("SAME_UPPER", "SAME_LOWER", "VALID")));
        else if (r.Chance()) r.With(Attr("pads", [.. Enumerable.Range(0, 2).SelectMany(_ => kernel.Select(k => (long)r.Int(0, (int)k - 1)))]));
        return kernel;
    }

    private static EdgeCase Convolution(EdgeShapes r, string op)
    {
        bool isTransposed = op == "ConvTranspose";
        long[] sizes = [.. Enumerable.Range(0, r.Int(1, 3)).Select(_ => (long)r.Int(2, 7))];
        long group = r.One(1L, 1, 2, 3), inputs = r.Int(1, 3), outputs = r.Int(1, 3);
        long[] kernel = Window(r, sizes, false, isTransposed);
        if (group > 1) r.With(Attr("group", group));
        string x = r.In(DType.Float32, [r.Int(r.Chance(0.1) ? 0 : 1, 2), inputs * group, .. sizes]);
        string w = r.In(DType.Float32, isTransposed ? [inputs * group, outputs, .. kernel] : [outputs * group, inputs, .. kernel]);
        return r.Case(op, r.Chance() ? $"{x} {w} {r.In(DType.Float32, [outputs * group])}" : $"{x} {w}");
    }

    private static EdgeCase Pooling(EdgeShapes r, string op)
    {
        long[] sizes = [.. Enumerable.Range(0, r.Int(1, 3)).Select(_ => (long)r.Int(2, 7))];
        Window(r, sizes, true, false);
        if (r.Chance()) r.With(Attr("ceil_mode", (long)r.Int(0, 1)));
        if (op == "AveragePool" && r.Chance()) r.With(Attr("count_include_pad", 1L));
        return r.Case(op, r.In(DType.Float32, [r.Int(r.Chance(0.1) ? 0 : 1, 2), r.Int(1, 5), .. sizes]));
    }
}
