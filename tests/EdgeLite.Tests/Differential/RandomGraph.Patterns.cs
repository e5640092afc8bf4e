using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Differential;

/// <summary>Layers, and what exporters write for one operator.</summary>
internal sealed partial class RandomGraph
{
    private Action[] Patterns => [Gate, HardGate, Gelu, Clips, LayerNorm, Block, Block, Block, Shuffle, Attention, ComputedShape, ChannelsLastLayer, Residual];

    /// <summary>Large enough that a normalisation does not multiply differences.</summary>
    private static AttributeProto Epsilon => Attr("epsilon", 0.125f);

    private Known Mul(Known a, Known b) => Emit("Mul", _r.Chance() ? [a, b] : [b, a]);
    private Known Plus(Known a, Known b) => Emit("Add", _r.Chance() ? [a, b] : [b, a]);

    /// <summary>x * sigmoid(x), x * tanh(softplus(x)), x * hardsigmoid(x).</summary>
    private void Gate()
    {
        Known x = Float();
        Known gate = _r.Int(0, 2) switch
        {
            0 => Emit("Sigmoid", [x]),
            1 => Emit("Tanh", [Emit("Softplus", [x])]),
            _ => Emit("HardSigmoid", [x], Attr("alpha", _r.Chance(0.7) ? 1f / 6 : 0.2f), Attr("beta", 0.5f)),
        };
        Mul(_r.Chance(0.9) ? x : Operand(x.Dims), gate);
    }

    private void HardGate()
    {
        Known x = Float();
        Known clipped = Emit("Clip", [Plus(x, Nearly(3)), Scalar(0), Scalar(_r.Chance(0.9) ? 6 : 5)]);
        Known Sixth(Known v) => _r.Chance() ? Emit("Div", [v, Nearly(6)]) : Mul(v, Nearly(1.0 / 6));
        switch (_r.Int(0, 3))
        {
            case 0: Sixth(clipped); break;
            case 1: Mul(x, Sixth(clipped)); break;
            case 2: Sixth(Mul(x, clipped)); break;
            default: Mul(Sixth(x), clipped); break;
        }
    }

    private void Gelu()
    {
        Known x = Float(), gate;
        if (_r.Chance()) gate = Emit("Erf", [_r.Chance() ? Mul(x, Nearly(Math.Sqrt(0.5))) : Emit("Div", [x, Nearly(Math.Sqrt(2))])]);
        else
        {
            Known cube = _r.Chance() ? Emit("Pow", [x, Nearly(3)]) : Mul(x, Mul(x, x));
            gate = Emit("Tanh", [Mul(Nearly(Math.Sqrt(2 / Math.PI)), Plus(x, Mul(Nearly(0.044715), cube)))]);
        }
        Known one = Plus(gate, Nearly(1));
        switch (_r.Int(0, 2))
        {
            case 0: Mul(Mul(x, one), Nearly(0.5)); break;
            case 1: Mul(Mul(x, Nearly(0.5)), one); break;
            default: Mul(Emit("Div", [x, Nearly(2)]), one); break;
        }
    }

    private void Clips()
    {
        Known x = Float();
        for (int n = _r.Int(1, 3); n > 0; n--)
            x = _r.Int(0, 3) switch
            {
                0 => Emit("Relu", [x]),
                1 => Emit("Clip", [x, Scalar(_r.Int(-2, 1)), _r.Chance() ? null : Scalar(_r.Int(0, 6) / 2.0)]),
                2 => Emit("Min", _r.Chance() ? [x, Number(_r.Int(-2, 6) / 2.0)] : [Number(_r.Int(-2, 6) / 2.0), x]),
                _ => Emit("Max", [x, Number(_r.Int(-4, 2) / 2.0)]),
            };
    }

    private void LayerNorm()
    {
        Known x = Float(1, 4, false);
        long axis = _r.Chance(0.8) ? _r.One(-1L, x.Rank - 1) : _r.Axis(x.Rank);
        Known Mean(Known v) => Emit("ReduceMean", [v, Ints(axis)], Attr("keepdims", _r.Chance(0.95) ? 1L : 0));
        Known d = Emit("Sub", [x, Mean(x)]);
        Known square = _r.Chance() ? Emit("Pow", [d, Nearly(2)]) : Mul(d, d);
        Known y = Emit("Div", [d, Emit("Sqrt", [Plus(Mean(square), Number(0.125))])]);
        long size = x.Dims[^1];
        if (_r.Chance(0.8)) y = Mul(y, Vector(size));
        if (_r.Chance(0.6)) Plus(y, Vector(size));
    }

    /// <summary>A constant of the last axis, or of a higher rank or another shape.</summary>
    private Known Vector(long size) => Constant(DType.Float32, _r.Int(0, 9) switch { 0 => [1, size], 1 => [1, 1, 1, 1, size], 2 => [size, 1], _ => [size] });

    /// <summary>A value with these numbers of batch and channels and so many spatial axes.</summary>
    private Known Picture(int spatial, bool zero = true) =>
        Any(v => v.IsFloat && v.Rank == spatial + 2 && (zero || v.Value.Count > 0) && v.Dims[1..].All(d => d > 0 && d < (_r.IsWide ? 100 : 40)),
            () => New(DType.Float32, _r.IsWide ? WidePicture(spatial) : [_r.Int(zero && _r.Chance(0.05) ? 0 : 1, 2), _r.One(1, 2, 3, 4, 6, 8), .. Enumerable.Range(0, spatial).Select(_ => (long)_r.Int(1, 7))], 0));

    private void Block() => Layer(_r.Chance(0.7));

    private void Layer() => Layer(false);

    /// <summary>A layer, with <paramref name="dressed"/> between what passes take into it: padding before it, scales, normalisations, sums and activations behind it.</summary>
    private void Layer(bool dressed)
    {
        string op = _r.One("Conv", "Conv", "Conv", "ConvTranspose", "MatMul", "MatMul", "Gemm", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "BatchNormalization", "InstanceNormalization",
            "Resize", "DepthToSpace", "SpaceToDepth", "LRN", "LayerNormalization", "LSTM", "GRU");
        int spatial = _r.One(1, 2, 2, 2);
        Known y;
        switch (op)
        {
            case "Conv" or "ConvTranspose":
                y = Convolution(op, dressed ? Padded(Picture(spatial), 0) : Picture(spatial));
                break;
            case "MatMul" or "Gemm":
                y = Dense(op);
                break;
            case "MaxPool" or "AveragePool":
                Known pooled = Picture(spatial);
                if (dressed) pooled = Padded(pooled, op == "MaxPool" ? -3.4e38 : 0);
                long[] kernel = [.. pooled.Dims[2..].Select(d => (long)_r.Int(1, (int)Math.Min(3, d)))];
                y = Emit(op, [pooled], Attr("kernel_shape", kernel), Attr("strides", [.. kernel.Select(_ => (long)_r.Int(1, 2))]), Attr("pads", [.. kernel.Concat(kernel).Select(k => (long)_r.Int(0, (int)k - 1))]),
                    op == "MaxPool" ? Attr("ceil_mode", 0) : Attr("count_include_pad", _r.Int(0, 1)));
                break;
            case "Resize":
                Known x = Picture(2);
                if (x.Value.Count == 0) return;
                // ONNX Runtime finds the places of other sizes in float32, which lies before or behind a border.
                y = Emit(op, [x, null, null, Ints(x.Dims[0], x.Dims[1], _r.Int(1, 3) * x.Dims[2], _r.Int(1, 3) * x.Dims[3])], Attr("mode", _r.One("nearest", "linear")), Attr("coordinate_transformation_mode", "asymmetric"), Attr("nearest_mode", "floor"));
                break;
            case "BatchNormalization" or "InstanceNormalization":
                Known plain = op[0] == 'B' ? Float(2, 4) : Picture(spatial, false);
                y = Normalized(op, plain);
                break;
            case "DepthToSpace" or "SpaceToDepth":
                long c = _r.Int(1, 3), h = _r.Int(1, 3);
                y = Emit(op, [New(DType.Float32, op[0] == 'D' ? [1, 4 * c, h, 2] : [1, c, 2 * h, 4], 0)], Attr("blocksize", 2));
                break;
            case "LRN": y = Emit(op, [Picture(2)], Attr("size", 3)); break;
            case "LayerNormalization":
                Known rows = Float(1, 4, false);
                y = Emit(op, [rows, Constant(DType.Float32, [rows.Dims[^1]])], Epsilon);
                break;
            case "LSTM" or "GRU":
                Recurrent(op);
                return;
            default: y = Emit(op, [Picture(spatial)]); break;
        }
        if (dressed) Dress(y);
    }

    private Known Padded(Known x, double value)
    {
        if (_r.Chance(0.6)) return x;
        long[] pads = [.. Enumerable.Range(0, 2 * x.Rank).Select(i => i % x.Rank < 2 && _r.Chance(0.9) ? 0L : _r.Int(0, 2))];
        return Emit("Pad", [x, Ints(pads), _r.Chance(0.8) ? Scalar(value) : null], Attr("mode", _r.Chance(0.9) ? "constant" : "edge"));
    }

    private Known Convolution(string op, Known x)
    {
        if (_r.IsWide) return WideConvolution(op, x);
        long[] sizes = x.Dims[2..], kernel = [.. sizes.Select(d => (long)_r.Int(1, (int)Math.Min(3, d)))];
        long channels = x.Dims[1], group = _r.Chance(0.6) ? 1 : _r.Chance() ? channels : channels % 2 == 0 ? 2 : 1, outputs = _r.Int(1, 4);
        long[] w = op == "Conv" ? [outputs * group, channels / group, .. kernel] : [channels, outputs, .. kernel];
        return Emit(op, _r.Chance() ? [x, New(DType.Float32, w, 0.9)] : [x, New(DType.Float32, w, 0.9), New(DType.Float32, [outputs * group], 0.9)],
            Attr("group", group), Attr("strides", [.. kernel.Select(_ => (long)_r.Int(1, 2))]), Attr("pads", [.. kernel.Concat(kernel).Select(k => (long)_r.Int(0, (int)k - 1))]));
    }

    private Known Dense(string op)
    {
        Known x = Any(v => v.IsFloat && v.Rank is >= 1 and <= 4 && v.Dims[^1] is > 0 and < 80, () => New(DType.Float32, [.. _r.Shape(0, 3), _r.Size(false)], 0));
        long k = x.Dims[^1], n = _r.Chance(0.3) ? k : _r.Size(false);
        if (op == "MatMul") return Emit(op, [x, _r.Int(0, 9) switch { 0 => New(DType.Float32, [k], 0.8), 1 => New(DType.Float32, [1, k, n], 0.8), 2 when x.Rank > 2 => New(DType.Float32, [x.Dims[^3], k, n], 0.8), _ => New(DType.Float32, [k, n], 0.8) }]);
        if (x.Rank != 2) x = Emit("Reshape", [x, Ints(x.Value.Count / k, k)]);
        bool ta = _r.Chance(0.2), tb = _r.Chance();
        if (ta) x = Emit("Transpose", [x]);
        Known w = New(DType.Float32, tb ? [n, k] : [k, n], 0.8);
        Known? c = _r.Chance(0.4) ? null : New(DType.Float32, _r.One<long[]>([], [1], [n], [1, n], [x.Dims[ta ? 1 : 0], 1], [x.Dims[ta ? 1 : 0], n]), 0.7);
        return Emit(op, [x, w, c], Attr("transA", ta ? 1L : 0), Attr("transB", tb ? 1L : 0), Attr("alpha", _r.One(1f, 1f, 0.5f)), Attr("beta", _r.One(1f, 1f, 2f)));
    }

    private Known Normalized(string op, Known x)
    {
        long[] c = [x.Dims[1]];
        return op[0] == 'I' ? Emit(op, [x, Constant(DType.Float32, c), Constant(DType.Float32, c)], Epsilon)
            : Emit(op, [x, Constant(DType.Float32, c), Constant(DType.Float32, c), Constant(DType.Float32, c), Positive(c)]);
    }

    /// <summary>What often follows a layer.</summary>
    private void Dress(Known y)
    {
        for (int n = _r.Int(1, 4); n > 0; n--)
        {
            long[] perChannel = _r.Int(0, 5) switch
            {
                0 => [],
                1 when y.Rank > 0 => [y.Dims[^1]],
                2 when y.Rank > 1 => [1, y.Dims[1], .. Enumerable.Repeat(1L, y.Rank - 2)],
                3 => [.. Enumerable.Repeat(1L, _r.Int(1, 5))],
                4 => _r.Broadcast(y.Dims),
                _ => y.Rank > 1 ? [y.Dims[1], .. Enumerable.Repeat(1L, y.Rank - 2)] : [1],
            };
            y = _r.Int(0, 9) switch
            {
                0 or 1 => Plus(y, Constant(DType.Float32, perChannel)),
                2 => Mul(y, Constant(DType.Float32, perChannel)),
                3 => Emit(_r.One("Sub", "Div"), [y, Positive(perChannel)]),
                4 when y.Rank >= 2 => Normalized("BatchNormalization", y),
                5 => Plus(y, Operand(y.Dims)),
                6 => Emit(_r.One("Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSwish", "Gelu", "Mish", "Softplus"), [y]),
                7 => Mul(y, Emit("Sigmoid", [y])),
                8 => Emit("Clip", [y, Scalar(_r.Int(-2, 0)), Scalar(_r.Int(0, 6))]),
                _ when y.Rank > 0 => Emit("PRelu", [y, Constant(DType.Float32, _r.Chance() ? _r.Broadcast(y.Dims, false) : [.. perChannel.Take(y.Rank)])]),
                _ => Emit("Relu", [y]),
            };
        }
    }

    private void Recurrent(string op)
    {
        long steps = _r.Int(1, 3), batch = _r.Int(1, 2), inputs = _r.Int(1, 4), hidden = _r.IsWide ? _r.One(1, 3, 8, 17, 33) : _r.One(1, 3, 8), directions = _r.Int(1, 2), gates = op == "LSTM" ? 4 : 3;
        Known x = Any(v => v.IsFloat && v.Rank == 3 && v.Dims.All(d => d > 0 && d < (_r.IsWide ? 40 : 12)), () => New(DType.Float32, [steps, batch, inputs], 0));
        (batch, inputs) = (x.Dims[1], x.Dims[2]);
        Known w = Weight([directions, gates * hidden, inputs], inputs), r = Weight([directions, gates * hidden, hidden], hidden);
        Known? b = _r.Chance(0.3) ? null : Constant(DType.Float32, [directions, 2 * gates * hidden]), h = _r.Chance(0.6) ? null : New(DType.Float32, [directions, batch, hidden]);
        EmitMany(op, [x, w, r, b, null, h], _r.Int(1, 2), Attr("hidden_size", hidden), Attr("direction", directions == 2 ? "bidirectional" : _r.One("forward", "reverse")),
            op == "GRU" ? Attr("linear_before_reset", _r.Int(0, 1)) : Attr("input_forget", 0));
    }

    /// <summary>Reshape to groups, Transpose, Reshape back, at times with halves joined before and split after.</summary>
    private void Shuffle()
    {
        Known x = Picture(2);
        long n = x.Dims[0], c = x.Dims[1], h = x.Dims[2], w = x.Dims[3];
        if (_r.Chance())
        {
            x = Convolution("Conv", x);
            (c, h, w) = (x.Dims[1], x.Dims[2], x.Dims[3]);
        }
        if (_r.Chance() || c % 2 != 0)
        {
            x = Emit("Concat", [x, _r.Chance() ? Emit("Relu", [x]) : x], Attr("axis", 1));
            c *= 2;
        }
        bool hasFirst = _r.Chance(0.7);
        Known apart = Emit("Reshape", [x, Ints(hasFirst ? [n, 2, c / 2, h, w] : [n, c / 2, 2, h, w])]);
        Known turned = Emit("Transpose", [apart], Attr("perm", (long[])(_r.Chance(0.8) ? [0, 2, 1, 3, 4] : [0, 1, 2, 4, 3])));
        Known joined = Emit("Reshape", [turned, Ints(n, -1, turned.Dims[3], turned.Dims[4])]);
        if (_r.Chance()) EmitMany("Split", [joined], 2, Attr("axis", 1), Attr("num_outputs", 2));
    }

    private void Attention()
    {
        long batch = _r.Int(1, 2), heads = _r.Int(1, 3), rows = _r.Int(1, 5), width = _r.One(1, 4, 8), keys = _r.Chance() ? rows : _r.Int(1, 4);
        bool isFour = _r.Chance(0.7), turns = _r.Chance();
        long[] Sizes(long r) => isFour ? turns ? [batch, r, heads, width] : [batch, heads, r, width] : turns ? [r, heads, width] : [heads, r, width];
        long[] perm = isFour ? [0, 2, 1, 3] : [1, 0, 2];
        Known Rows(long r) => turns ? Emit("Transpose", [New(DType.Float32, Sizes(r), 0)], Attr("perm", perm)) : New(DType.Float32, Sizes(r), 0);
        Known q = Rows(rows), v = Rows(keys), k;
        if (turns && _r.Chance()) k = Emit("Transpose", [New(DType.Float32, Sizes(keys), 0)], Attr("perm", (long[])(isFour ? [0, 2, 3, 1] : [1, 2, 0])));
        else k = Emit("Transpose", [Rows(keys)], Attr("perm", (long[])(isFour ? [0, 1, 3, 2] : [0, 2, 1])));
        if (_r.Chance(0.4)) q = Mul(q, Nearly(0.5));
        Known scores = Emit("MatMul", [q, k]);
        if (_r.Chance()) scores = _r.Chance() ? Emit("Div", [scores, Nearly(2)]) : Mul(scores, Nearly(0.5));
        if (_r.Chance()) scores = Plus(scores, New(DType.Float32, _r.Broadcast(scores.Dims), 0.4));
        Known y = Emit("MatMul", [Emit("Softmax", [scores], Attr("axis", _r.Chance(0.9) ? -1L : _r.Axis(scores.Rank))), v]);
        if (turns && y.Rank == perm.Length) Emit("Transpose", [y], Attr("perm", perm));
    }

    /// <summary>A shape put together from dimensions, for Reshape, Expand, ConstantOfShape, Resize or Slice.</summary>
    private void ComputedShape()
    {
        Known x = Float(1, 4);
        Known shape = Emit("Shape", [x]);
        Known Dim(int i) => _r.Int(0, 2) switch
        {
            0 => Emit("Gather", [shape, Add(Tensor.FromArray<long>([_r.Chance() ? i : i - x.Rank], new Shape(1)), true)], Attr("axis", 0)),
            1 => Emit("Unsqueeze", [Emit("Gather", [shape, Add(Tensor.FromScalar((long)i), true)], Attr("axis", 0)), Add(Tensor.FromArray<long>([0], new Shape(1)), true)]),
            _ => Emit("Slice", [shape, Add(Tensor.FromArray<long>([i], new Shape(1)), true), Add(Tensor.FromArray<long>([i + 1], new Shape(1)), true)]),
        };
        var parts = new List<Known>();
        int rest = _r.Chance() && x.Value.Count > 0 ? _r.Int(0, x.Rank - 1) : -1;
        for (int i = 0; i < x.Rank; i++)
        {
            if (_r.Chance(0.2)) parts.Add(Add(Tensor.FromArray<long>([1], new Shape(1)), true));
            parts.Add(i == rest ? Add(Tensor.FromArray<long>([-1], new Shape(1)), true) : _r.Chance(0.3) ? Add(Tensor.FromArray<long>([x.Dims[i]], new Shape(1)), true) : Dim(i));
        }
        if (_r.Chance(0.2)) _r.Shuffle(parts);
        Known target = Emit("Concat", [.. parts], Attr("axis", 0));
        if (rest >= 0 || _r.Chance()) Emit("Reshape", [x, target]);
        else if (_r.Chance()) Emit("Expand", [_r.Chance() ? Number(0.5) : x, target]);
        else Emit("ConstantOfShape", [target]);
    }

    /// <summary>A layer of channels-first between Transposes, as models with channels last are exported.</summary>
    private void ChannelsLastLayer()
    {
        Known x = Any(v => v.IsFloat && v.Rank == 4 && v.Dims[1..].All(d => d is > 0 and < 12), () => New(DType.Float32, [1, _r.Int(1, 5), _r.Int(1, 5), _r.Int(1, 4)], 0));
        Known first = Emit("Transpose", [x], Attr("perm", 0, 3, 1, 2));
        Known y = _r.Int(0, 2) switch
        {
            0 => Convolution("Conv", first),
            1 => Emit("MaxPool", [first], Attr("kernel_shape", 1, 1), Attr("strides", 2, 1)),
            _ => Emit("GlobalAveragePool", [first]),
        };
        if (_r.Chance()) y = Emit("Relu", [y]);
        Known last = Emit("Transpose", [y], Attr("perm", 0, 2, 3, 1));
        switch (_r.Int(0, 4))
        {
            case 0: Plus(last, Constant(DType.Float32, [last.Dims[3]])); break;
            case 1: Emit("Softmax", [last], Attr("axis", -1)); break;
            case 2: Emit("ReduceMean", [last, Ints(1, 2)], Attr("keepdims", _r.Int(0, 1))); break;
            case 3: Emit("Reshape", [last, Ints(last.Dims[0], -1)]); break;
            default: Emit("Concat", [last, Operand(last.Dims)], Attr("axis", 3)); break;
        }
    }

    /// <summary>f(x) + x.</summary>
    private void Residual()
    {
        Known x = Float(1, 4), y = Emit(_r.One("Relu", "Sigmoid", "Tanh"), [x]);
        Plus(y, x);
    }
}
