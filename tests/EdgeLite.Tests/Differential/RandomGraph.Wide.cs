using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Ops;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Differential;

/// <summary>What wide graphs have beside the others: every operator of <see cref="EdgeShapeMakers"/> and <see cref="RarerShapeMakers"/>, blocks of well-known networks, other types of numbers.</summary>
internal sealed partial class RandomGraph
{
    /// <summary>More multiplications make a graph slow by the reference loops.</summary>
    private long MostProducts => _isLarge ? 40_000_000 : 4_000_000;

    /// <summary>Few nodes on so much that it is shared by threads and takes other algorithms.</summary>
    private readonly bool _isLarge;

    private Action[] Wide =>
    [
        Single, Single, Single, Layer, Block, Block, InvertedResidual, SqueezeExcite, Joined, UpAndJoined, Encoder, Encoder, Product, Product,
        DynamicInteger, HalfIsland, DoubleIsland, Grouped, Taken, Taken, Edges, MovedAround, MovedAround, WeightedSum, Window, Quantized,
    ];

    /// <summary>What networks for pictures are made of: whole graphs of these become integer layers.</summary>
    private Action[] Vision => [Block, Layer, InvertedResidual, InvertedResidual, SqueezeExcite, Joined, Joined, UpAndJoined, Edges, Window, Residual, Shuffle, ChannelsLastLayer];

    private static readonly (string Op, Func<EdgeShapes, string, EdgeCase> Make)[] s_single = [.. EdgeShapeMakers.All.Concat(RarerShapeMakers.Comparable).Select(m => (m.Key, m.Value))];

    /// <summary>An operator of any kind on shapes at the edge of what it allows; an exact value, reshaped, in place of its first float input.</summary>
    private void Single()
    {
        (string op, Func<EdgeShapes, string, EdgeCase> make) = _r.One<(string, Func<EdgeShapes, string, EdgeCase>)>(s_single);
        EdgeCase made = make(new EdgeShapes(_r.Int(0, 1 << 30)) { IsWide = _r.Chance(0.3) }, op);
        if (made.Node.Domain.Length > 0 || made.Inputs.Any(i => i.Value.DType == DType.String)) return;
        var names = new Dictionary<string, Known>();
        bool isJoined = false;
        foreach (var (name, value, isConstant) in made.Inputs)
        {
            if (isJoined || isConstant || value.DType != DType.Float32 || value.Count == 0) names[name] = Add(value, isConstant);
            else names[name] = Fitting(value.Shape.AsSpan().ToArray(), Exact(0, false));
            isJoined |= value.DType == DType.Float32;
        }
        NodeProto node = made.Node.Clone();
        for (int i = 0; i < node.Input.Count; i++)
            if (node.Input[i].Length > 0) node.Input[i] = names[node.Input[i]].Name;
        for (int i = 0; i < node.Output.Count; i++) node.Output[i] = $"v{_names++}";
        node.Name = node.Output[0] + "_node";
        Emit(node, [.. names.Values]);
    }

    /// <summary>Elements of a value in another shape; repeated where they are too few.</summary>
    private Known Fitting(long[] shape, Known x)
    {
        long count = shape.Aggregate(1L, (a, b) => a * b);
        if (x.Dims.SequenceEqual(shape)) return x;
        Known flat = Emit("Reshape", [x, Ints(-1)]);
        if (flat.Dims[0] < count) flat = Emit("Tile", [flat, Ints((count + flat.Dims[0] - 1) / flat.Dims[0])]);
        if (flat.Dims[0] > count) flat = Emit("Slice", [flat, Ints(0), Ints(count)]);
        return Emit("Reshape", [flat, Ints(shape)]);
    }

    /// <summary>Weights whose sums of so many products are about as large as what they are made from.</summary>
    private Known Weight(long[] shape, long summands)
    {
        Known made = New(DType.Float32, shape, 0.92);
        if (!_r.IsWide || summands < 16) return made;
        double scale = Math.Pow(2, -Math.Floor(Math.Log2(Math.Sqrt(summands))));
        for (long i = 0; i < made.Value.Count; i++) made.Value.SetDouble(i, made.Value.GetDouble(i) * scale);
        return _values.Contains(made) ? Replace(made, made with { IsExact = IsExact(made.Value, true) }) : made;
    }

    private Known Replace(Known old, Known by)
    {
        _values[_values.IndexOf(old)] = by;
        return by;
    }

    private void Limit(long products)
    {
        if (products > MostProducts) throw new EdgeLiteException(Status.InvalidArgument, "too much for a test");
    }

    private long[] WidePicture(int spatial)
    {
        long[] shape = [_r.One(1, 1, 2, 3), _r.One(1L, 2, 3, 7, 8, 15, 16, 17, 32, 33, 64, 65), .. Enumerable.Range(0, spatial).Select(_ => _r.One(1L, 2, 3, 7, 8, 12, 15, 16, 17, 33))];
        if (_isLarge) shape = [_r.Int(1, 2), _r.One(3L, 16, 33, 48, 64, 96), .. Enumerable.Range(0, spatial).Select(_ => _r.One(14L, 28, 33, 56))];
        while (shape.Aggregate(1L, (a, b) => a * b) > (_isLarge ? 120_000 : 16_000)) shape[Array.IndexOf(shape, shape.Max())] /= 2;
        return shape;
    }

    private Known WideConvolution(string op, Known x)
    {
        long[] sizes = x.Dims[2..];
        bool isTransposed = op == "ConvTranspose", same = _r.Chance(0.15);
        long[] kernel = [.. sizes.Select(d => Math.Min(_r.One(1L, 1, 2, 3, 3, 3, 5, 7), isTransposed ? 4 : d))];
        if (_r.Chance(0.4)) kernel = [.. kernel.Select(_ => Math.Min(kernel[0], sizes.Min()))];
        long[] dilations = [.. sizes.Select((d, i) => _r.Chance(0.8) || same || kernel[i] == 1 ? 1 : isTransposed ? 2 : Math.Min(2, (d - 1) / (kernel[i] - 1)))];
        long[] strides = [.. kernel.Select(k => _r.One(1L, 1, 1, 2, isTransposed ? Math.Min(3, k) : 3))];
        long channels = x.Dims[1], group = _r.Chance(0.55) ? 1 : _r.Chance(0.7) ? channels : _r.One<long>([.. new[] { 2L, 3, 4, 8 }.Where(g => channels % g == 0), 1L]);
        long outputs = group == channels && group > 1 ? _r.One(1, 1, 1, 2) : group > 1 ? _r.Int(1, 9) : _r.One(1L, 2, 3, 4, 8, 15, 16, 17, 24, 32, 33, 64, 65);
        long[] w = isTransposed ? [channels, outputs, .. kernel] : [outputs * group, channels / group, .. kernel];
        Limit(x.Value.Count * outputs * kernel.Aggregate(1L, (a, b) => a * b));
        var attributes = new List<AttributeProto> { Attr("group", group), Attr("strides", strides), Attr("dilations", dilations) };
        if (same) attributes[1] = Attr("strides", isTransposed ? [.. kernel.Select(k => 1L)] : strides);
        if (same) attributes.Add(Attr("auto_pad", _r.One("SAME_UPPER", "SAME_LOWER", "VALID")));
        else if (_r.Chance(0.4)) attributes.Add(Attr("pads", [.. kernel.Concat(kernel).Select((k, i) => k / 2)]));
        else if (_r.Chance(0.7)) attributes.Add(Attr("pads", [.. kernel.Concat(kernel).Select(k => (long)_r.Int(0, (int)k - 1))]));
        if (isTransposed && !same && _r.Chance(0.3)) attributes.Add(Attr("output_padding", [.. strides.Select((s, i) => Math.Min(s, Math.Max(dilations[i], s)) - 1)]));
        long summands = channels / group * kernel.Aggregate(1L, (a, b) => a * b);
        return Emit(op, _r.Chance(0.4) ? [x, Weight(w, summands)] : [x, Weight(w, summands), New(DType.Float32, [outputs * group], 0.9)], [.. attributes]);
    }

    private Known Activated(Known x) => _r.Int(0, 6) switch
    {
        0 => Emit("Clip", [x, Scalar(0), Scalar(6)]),
        1 => Mul(x, Emit("Sigmoid", [x])),
        2 => Emit("HardSwish", [x]),
        3 => Emit("LeakyRelu", [x], Attr("alpha", 0.25f)),
        4 => Emit("PRelu", [x, Constant(DType.Float32, [x.Dims[1], .. Enumerable.Repeat(1L, x.Rank - 2)])]),
        5 => x,
        _ => Emit("Relu", [x]),
    };

    private Known Layer1x1(Known x, long outputs) => Emit("Conv", [x, Weight([outputs, x.Dims[1], 1, 1], x.Dims[1]), Constant(DType.Float32, [outputs])]);

    /// <summary>1x1, depthwise, 1x1 and a sum: MobileNetV2.</summary>
    private void InvertedResidual()
    {
        Known x = Picture(2, false);
        long c = x.Dims[1], middle = Math.Min(c * _r.Int(1, 4), 96), k = _r.One(1, 3, 3, 5), stride = _r.One(1, 1, 2);
        Limit(x.Value.Count * (2 * middle + k * k));
        Known y = Activated(Layer1x1(x, middle));
        y = Emit("Conv", [y, Weight([middle, 1, k, k], k * k)], Attr("group", middle), Attr("pads", k / 2, k / 2, k / 2, k / 2), Attr("strides", stride, stride));
        if (_r.Chance()) y = Normalized("BatchNormalization", y);
        y = Layer1x1(Activated(y), _r.Chance(0.8) ? c : _r.Int(1, 20));
        if (y.Dims.SequenceEqual(x.Dims)) Plus(x, y);
    }

    /// <summary>A picture times a gate for each channel, which a mean of the picture decides: SENet, MobileNetV3.</summary>
    private void SqueezeExcite()
    {
        Known x = Picture(2, false);
        if (_r.Chance()) x = Activated(WideConvolution("Conv", x));
        long c = x.Dims[1];
        Known mean = _r.Chance() ? Emit("GlobalAveragePool", [x]) : Emit("ReduceMean", [x, Ints(2, 3)], Attr("keepdims", _r.One(1, 1, 0)));
        if (mean.Rank == 2) mean = Emit("Gemm", [Emit("Relu", [Emit("Gemm", [mean, Weight([c, 4], c)])]), Weight([4, c], 4), Constant(DType.Float32, [c])]);
        else mean = Layer1x1(Activated(Layer1x1(mean, _r.Int(1, 9))), c);
        Known gate = Emit(_r.One("Sigmoid", "HardSigmoid", "Relu"), [mean]);
        if (gate.Rank == 2) gate = Emit("Reshape", [gate, Ints(x.Dims[0], c, 1, 1)]);
        Known y = Mul(x, gate);
        if (_r.Chance()) Layer1x1(y, _r.Int(1, 17));
    }

    /// <summary>What layers make of one picture, joined with it: Inception, DenseNet.</summary>
    private void Joined()
    {
        Known x = Picture(_r.One(1, 2, 2), false);
        var parts = new List<Known> { x };
        for (int n = _r.Int(1, 3); n > 0; n--)
        {
            long outputs = _r.One(1L, 3, 8, 16, 17), k = _r.One(1, 3);
            Limit(parts[^1].Value.Count * outputs * k);
            Known from = _r.Chance() ? x : parts[^1];
            long[] kernel = [.. Enumerable.Repeat(k, x.Rank - 2)];
            if (_r.Chance(0.2)) parts.Add(Emit(_r.One("MaxPool", "AveragePool"), [from], Attr("kernel_shape", kernel), Attr("pads", [.. kernel.Concat(kernel).Select(s => s / 2)])));
            else parts.Add(Activated(Emit("Conv", [from, Weight([outputs, from.Dims[1], .. kernel], from.Dims[1] * k), Constant(DType.Float32, [outputs])], Attr("pads", [.. kernel.Concat(kernel).Select(s => s / 2)]))));
        }
        if (_r.Chance(0.3)) _r.Shuffle(parts);
        Known y = Emit("Concat", [.. parts], Attr("axis", 1));
        if (_r.Chance()) y = Normalized("BatchNormalization", y);
        if (_r.Chance() && y.Rank == 4) Layer1x1(y, _r.Int(1, 20));
        else if (_r.Chance()) EmitMany("Split", [y, Ints([.. parts.Select(p => p.Dims[1])])], parts.Count, Attr("axis", 1));
    }

    /// <summary>Made smaller, then larger again, and joined with what it was: U-Net.</summary>
    private void UpAndJoined()
    {
        Known x = Picture(2, false);
        if (x.Dims[2] < 2 || x.Dims[3] < 2) return;
        Known small = Activated(WideConvolution("Conv", Emit("MaxPool", [x], Attr("kernel_shape", 2, 2), Attr("strides", 2, 2))));
        Known large = _r.Chance()
            ? Emit("Resize", [small, null, null, Ints(small.Dims[0], small.Dims[1], 2 * small.Dims[2], 2 * small.Dims[3])], Attr("mode", _r.One("nearest", "linear")), Attr("coordinate_transformation_mode", "asymmetric"), Attr("nearest_mode", "floor"))
            : Emit("ConvTranspose", [small, Weight([small.Dims[1], _r.Int(1, 17), 2, 2], small.Dims[1])], Attr("strides", 2, 2));
        long h = x.Dims[2] - large.Dims[2], w = x.Dims[3] - large.Dims[3];
        if (h != 0 || w != 0) large = Emit("Pad", [large, Ints(0, 0, 0, 0, 0, 0, h, w)], Attr("mode", h >= 0 && w >= 0 && _r.Chance() ? "edge" : "constant"));
        Known y = Emit("Concat", _r.Chance() ? [x, large] : [large, x], Attr("axis", 1));
        Limit(y.Value.Count * 9 * 8);
        Emit("Conv", [y, Weight([8, y.Dims[1], 3, 3], 9 * y.Dims[1])], Attr("pads", 1, 1, 1, 1));
    }

    /// <summary>A transformer's layer, or a part of one.</summary>
    private void Encoder()
    {
        long batch = _r.Int(1, 2), rows = _isLarge ? 77 : _r.One(1L, 3, 7, 16, 17, 33), heads = _r.One(1, 2, 3), width = _isLarge ? 32 : _r.One(4L, 7, 8, 16, 17), wide = heads * width;
        Known x = Any(v => v.IsFloat && v.Rank == 3 && v.Dims[2] == wide && v.Value.Count > 0, () => New(DType.Float32, [batch, rows, wide], 0));
        (batch, rows) = (x.Dims[0], x.Dims[1]);
        Limit(x.Value.Count * wide * 4);
        Known Dense(Known v, long outputs) => Plus(Emit("MatMul", [v, Weight([v.Dims[^1], outputs], v.Dims[^1] * 2)]), Constant(DType.Float32, [outputs]));
        Known Norm(Known v) => Emit("LayerNormalization", [v, Constant(DType.Float32, [wide]), Constant(DType.Float32, [wide])], Epsilon);
        Known Heads(Known v, params long[] perm) => Emit("Transpose", [Emit("Reshape", [v, Ints(_r.Chance() ? batch : 0, _r.Chance() ? -1 : rows, heads, width)])], Attr("perm", perm));
        Known normed = _r.Chance() ? Norm(x) : x;
        Known q, k, v;
        if (_r.Chance(0.3) && EmitMany("Split", [Dense(normed, 3 * wide)], 3, Attr("axis", -1), Attr("num_outputs", 3)) is [var a, var b, var c]) (q, k, v) = (a, b, c);
        else (q, k, v) = (Dense(normed, wide), Dense(normed, wide), Dense(normed, wide));
        Known scores = Emit("MatMul", [Heads(q, 0, 2, 1, 3), _r.Chance(0.7) ? Heads(k, 0, 2, 3, 1) : Emit("Transpose", [Heads(k, 0, 2, 1, 3)], Attr("perm", 0, 1, 3, 2))]);
        scores = _r.Chance() ? Mul(scores, Number(0.25)) : Emit("Div", [scores, Number(Math.Sqrt(width))]);
        if (_r.Chance(0.3)) scores = Plus(scores, New(DType.Float32, _r.One<long[]>([batch, 1, 1, rows], [rows, rows], [1, 1, rows, rows], [batch, heads, rows, rows]), 0.5));
        if (_r.Chance(0.2)) scores = Emit("Where", [New(DType.Bool, [_r.One(1, batch), 1, rows, rows], 0.5), scores, Number(-100)]);
        Known mixed = Emit("MatMul", [Emit("Softmax", [scores], Attr("axis", -1)), Heads(v, 0, 2, 1, 3)]);
        mixed = Emit("Reshape", [Emit("Transpose", [mixed], Attr("perm", 0, 2, 1, 3)), Ints(batch, rows, wide)]);
        Known y = Plus(x, Dense(mixed, wide));
        if (_r.Chance()) return;
        Known hidden = Dense(Norm(y), _r.One(8L, 17, 33));
        hidden = _r.Chance() ? Emit("Gelu", [hidden], Attr("approximate", _r.One("none", "tanh"))) : Mul(hidden, Emit("Sigmoid", [hidden]));
        Plus(y, Dense(hidden, wide));
    }

    /// <summary>A product of matrices of any sizes, constant or computed, with batches or broadcast.</summary>
    private void Product()
    {
        long m = _isLarge ? _r.One(72L, 100, 197) : _r.One(1L, 2, 3, 7, 16, 17, 33, 65, 100), k = _isLarge ? _r.One(384L, 400, 512) : _r.One(1L, 3, 7, 16, 33, 64, 65), n = _isLarge ? _r.One(256L, 300, 384) : _r.One(1L, 2, 3, 8, 15, 16, 17, 33, 64, 65, 100);
        long[] batch = _r.One<long[]>([], [], [1], [2], [3], [2, 3], [1, 2]);
        Known x = Any(v => v.IsFloat && v.Rank >= 2 && v.Value.Count > 0 && (!_isLarge || v.Dims[^1] > 300) && v.Dims[^1] < 600, () => New(DType.Float32, [.. batch, m, k], 0));
        k = x.Dims[^1];
        Limit(x.Value.Count * n);
        bool turned = _r.Chance(0.3), plain = _r.Chance(0.6);
        long[] others = plain ? [] : [.. x.Dims[..^2].Select(d => _r.Chance(0.3) ? 1 : d)];
        Known w = Weight(turned ? [.. others, n, k] : [.. others, k, n], k);
        if (turned) w = Emit("Transpose", [w], Attr("perm", [.. Enumerable.Range(0, w.Rank - 2).Select(i => (long)i), w.Rank - 1, w.Rank - 2]));
        Known y = _r.Chance(0.15) ? Emit("MatMul", [Emit("Transpose", [w], Attr("perm", [.. Enumerable.Range(0, w.Rank - 2).Select(i => (long)i), w.Rank - 1, w.Rank - 2])), Emit("Transpose", [x], Attr("perm", [.. Enumerable.Range(0, x.Rank - 2).Select(i => (long)i), x.Rank - 1, x.Rank - 2]))])
            : Emit("MatMul", [x, w]);
        if (_r.Chance()) Dress(y);
    }

    /// <summary>Dense layers whose inputs are rounded as they run: DynamicQuantizeLinear and MatMulInteger.</summary>
    private void DynamicInteger()
    {
        Known x = Any(v => v.IsFloat && v.IsExact && v.Rank is 2 or 3 && v.Value.Count > 0, () => New(DType.Float32, [_r.One(1L, 3, 17), _r.One(4L, 16, 33, 64)], 0));
        IsQuantized = true;
        long k = x.Dims[^1], n = _r.One(1L, 8, 17, 32);
        Limit(x.Value.Count * n);
        Known[] rounded = EmitMany("DynamicQuantizeLinear", [x], 3);
        bool isSigned = _r.Chance();
        var w = new Tensor(isSigned ? DType.Int8 : DType.UInt8, new Shape(k, n));
        for (long i = 0; i < w.Count; i++) w.SetInt64(i, isSigned ? _r.Int(-127, 127) : _r.Int(0, 255));
        Known sums = Emit("MatMulInteger", [rounded[0], Add(w, true), rounded[2], isSigned ? (_r.Chance() ? null : Zero(DType.Int8, 0)) : Zero(DType.UInt8, 128)]);
        var scales = new Tensor(DType.Float32, _r.Chance() ? Shape.Scalar : new Shape(n));
        for (long i = 0; i < scales.Count; i++) scales.SetDouble(i, _r.Int(3, 9) / 4099.0);
        Known y = Mul(Emit("Cast", [sums], Attr("to", (long)DType.Float32)), Mul(rounded[1], Add(scales, true)));
        if (_r.Chance()) Plus(y, Constant(DType.Float32, [n]));
    }

    private bool _isHalf;

    private void HalfIsland()
    {
        _isHalf = true;
        Known x = Float(1, 4, false);
        Known y = Emit("Cast", [x], Attr("to", (long)DType.Float16));
        for (int n = _r.Int(1, 3); n > 0; n--)
            y = _r.Int(0, 4) switch
            {
                0 => Emit(_r.One("Relu", "Sigmoid", "Tanh", "Neg", "Abs"), [y]),
                1 => Emit("Transpose", [y], Attr("perm", [.. _r.Permutation(y.Rank).Select(i => (long)i)])),
                2 => Plus(y, y),
                3 => Emit("Concat", [y, y], Attr("axis", _r.Axis(y.Rank))),
                _ => Mul(y, Emit("Cast", [Constant(DType.Float32, [y.Dims[^1]])], Attr("to", (long)DType.Float16))),
            };
        if (_r.Chance(0.8)) Emit("Cast", [y], Attr("to", (long)DType.Float32));
    }

    private void DoubleIsland()
    {
        Known x = Emit("Cast", [Exact()], Attr("to", (long)DType.Float64));
        Known y = _r.Int(0, 4) switch
        {
            0 => Emit(_r.One("Abs", "Relu", "Tanh", "Floor"), [x]),
            1 => Emit(_r.One("Add", "Mul", "Sub"), [x, x]),
            2 => Emit("ReduceSum", [x], Attr("keepdims", _r.Int(0, 1))),
            3 when x.Rank > 0 => Emit("Concat", [x, x], Attr("axis", _r.Axis(x.Rank))),
            _ => Emit("Transpose", [x]),
        };
        if (_r.Chance(0.8)) Emit("Cast", [y], Attr("to", (long)_r.One(DType.Float32, DType.Int32)));
    }

    private void Grouped()
    {
        Known x = Picture(_r.One(1, 2, 2), false);
        long c = x.Dims[1], groups = _r.One<long>([.. new[] { 1L, 2, 4, 8, c }.Where(g => c % g == 0)]);
        if (_r.Chance()) Emit("GroupNormalization", [x, Constant(DType.Float32, [c]), Constant(DType.Float32, [c])], Attr("num_groups", groups), Epsilon);
        else
        {
            // As PyTorch exports it.
            Known apart = Emit("Reshape", [x, Ints(0, groups, -1)]);
            Known one = Constant(DType.Float32, [groups]), y = Emit("InstanceNormalization", [apart, one, Constant(DType.Float32, [groups])], Epsilon);
            y = Emit("Reshape", [y, Ints(x.Dims)]);
            long[] each = [c, .. Enumerable.Repeat(1L, x.Rank - 2)];
            Plus(Mul(y, Constant(DType.Float32, each)), Constant(DType.Float32, each));
        }
    }

    /// <summary>Slices and parts of a value, read side by side.</summary>
    private void Taken()
    {
        Known x = Float(1, 4, false);
        int axis = _r.Int(0, x.Rank - 1);
        long size = x.Dims[axis];
        Known Slice(long from, long to, long step) => Emit("Slice", [x, Ints(from), Ints(to), Ints(_r.Chance() ? axis : axis - x.Rank), Ints(step)]);
        switch (_r.Int(0, 4))
        {
            case 0 when size % 2 == 0: Emit(_r.One("Add", "Mul", "Max"), [Slice(0, long.MaxValue, 2), Slice(1, long.MaxValue, 2)]); break;
            case 1: Emit("Concat", [Slice(-1, long.MinValue + 1, -1), x], Attr("axis", axis)); break;
            case 2 when size > 1:
                Known left = Slice(0, size / 2, 1), right = Slice(size / 2, size, 1);
                Emit("Concat", [Emit("Neg", [right]), left], Attr("axis", axis)); // half a rotary embedding
                break;
            case 3 when size > 1: Emit("Sub", [Slice(1, size, 1), Slice(0, -1, 1)]); break;
            default:
                Known[] parts = EmitMany("Split", [x, Ints(size / 3, size - size / 3)], 2, Attr("axis", axis));
                Emit("Concat", [Emit("Relu", [parts[1]]), parts[0], parts[1]], Attr("axis", axis));
                break;
        }
    }

    /// <summary>Padding of every mode, also negative, before a layer.</summary>
    private void Edges()
    {
        Known x = Picture(2, false);
        string mode = _r.One("reflect", "edge", "constant", "wrap");
        long Least(int axis) => mode == "constant" ? 4 : x.Dims[axis] - 1;
        Known y = Emit("Pad", [x, Ints(0, 0, _r.Int(0, (int)Math.Min(3, Least(2))), _r.Int(0, (int)Math.Min(3, Least(3))), 0, 0, _r.Int(0, (int)Math.Min(3, Least(2))), mode == "constant" && _r.Chance() ? -1 : _r.Int(0, (int)Math.Min(2, Least(3))))], Attr("mode", mode));
        WideConvolution("Conv", y);
    }

    /// <summary>Reshapes and transposes in a row with something between them.</summary>
    private void MovedAround()
    {
        Known x = Float(2, 5, false);
        for (int n = _r.Int(2, 5); n > 0; n--)
            x = _r.Int(0, 5) switch
            {
                0 or 1 => Emit("Transpose", [x], Attr("perm", [.. _r.Permutation(x.Rank).Select(i => (long)i)])),
                2 or 3 => Emit("Reshape", [x, Ints(OtherShape(x.Dims))]),
                4 => Plus(x, Operand(x.Dims)),
                _ => Emit(_r.One("Relu", "Sigmoid", "Neg"), [x]),
            };
    }

    private void WeightedSum()
    {
        Known x = Float(2, 3, false);
        long[] d = x.Dims;
        Limit(x.Value.Count * 33);
        if (x.Rank == 2) Emit("Einsum", [x, Weight([d[1], _r.One(1L, 4, 33)], d[1])], Attr("equation", "ij,jk->ik"));
        else if (_r.Chance()) Emit("Einsum", [x, Weight([d[0], _r.One(1L, 4, 33), d[2]], d[2])], Attr("equation", "bij,bkj->bik"));
        else Emit("Einsum", [x, Weight([d[1], d[2], 5], d[2] * d[1])], Attr("equation", "abc,bcd->ad"));
    }

    /// <summary>Pools of odd windows, with ceil_mode, gaps and automatic padding.</summary>
    private void Window()
    {
        Known x = Picture(_r.One(1, 2, 2, 3), false);
        long[] sizes = x.Dims[2..], kernel = [.. sizes.Select(d => Math.Min(d, _r.One(1L, 2, 2, 3, 3, 5)))];
        string op = _r.One("MaxPool", "MaxPool", "AveragePool");
        var attributes = new List<AttributeProto> { Attr("kernel_shape", kernel), Attr("strides", [.. kernel.Select(k => (long)_r.Int(1, (int)k))]) };
        if (_r.Chance(0.3)) attributes.Add(Attr("auto_pad", _r.One("SAME_UPPER", "SAME_LOWER", "VALID")));
        else
        {
            if (_r.Chance(0.7)) attributes.Add(Attr("pads", [.. kernel.Concat(kernel).Select(k => (long)_r.Int(0, (int)k / 2))]));
            attributes.Add(Attr("ceil_mode", _r.Int(0, 1)));
        }
        if (op == "AveragePool") attributes.Add(Attr("count_include_pad", _r.Int(0, 1)));
        Emit(op, [x], [.. attributes]);
    }
}
