using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Differential;

/// <summary>Quantized patterns: operators between DequantizeLinear and QuantizeLinear.</summary>
internal sealed partial class RandomGraph
{
    /// <summary>Whether something in it is rounded to 8 bits.</summary>
    public bool IsQuantized { get; private set; }

    /// <summary>What results may differ by, in proportion to the largest: some steps of what is quantized, as ties are rounded in more than one way.</summary>
    public double Tolerance => IsQuantized ? 0.1 : _isHalf ? 1e-2 : 1e-4;

    /// <summary>What integers may differ by.</summary>
    public double Steps => IsQuantized ? 4 : 0;

    /// <summary>A value rounded to int8 or uint8 and back. Scales are no powers of 2, so that ties are rare.</summary>
    private Known Rounded(Known x, double scale = 0)
    {
        IsQuantized = true;
        bool isSigned = _r.Chance();
        Known s = QuantizationScale(scale > 0 ? scale : _r.Int(11, 19) / 1013.0), zero = Zero(isSigned ? DType.Int8 : DType.UInt8, isSigned ? _r.One(0, 0, -5, 17) : _r.One(128, 117, 131));
        return Emit("DequantizeLinear", [Emit("QuantizeLinear", [x, s, zero]), s, zero]);
    }

    private Known QuantizationScale(double value) => Add(Tensor.FromScalar((float)value), true);

    private Known Zero(DType type, long value)
    {
        var zero = new Tensor(type, Shape.Scalar);
        zero.SetInt64(0, value);
        return Add(zero, true);
    }

    /// <summary>Constant int8 weights, dequantized with one scale or one for each index of <paramref name="axis"/>; at times rounded to themselves in the graph.</summary>
    private Known Weights(long[] shape, int axis)
    {
        var w = new Tensor(DType.Int8, new Shape(shape));
        for (long i = 0; i < w.Count; i++) w.SetInt64(i, _r.Int(-127, 127));
        bool perChannel = _r.Chance();
        var s = new Tensor(DType.Float32, perChannel ? new Shape(shape[axis]) : Shape.Scalar);
        for (long i = 0; i < s.Count; i++) s.SetDouble(i, _r.Int(3, 9) / 1009.0);
        return Emit("DequantizeLinear", [Add(w, true), Add(s, true)], Attr("axis", (long)axis));
    }

    /// <summary>A chain of operators on rounded values, each of whose results is rounded.</summary>
    private void Quantized()
    {
        Known x = Rounded(Any(v => v.IsFloat && v.IsExact && v.Rank == 4 && v.Value.Count > 0 && v.Dims.All(d => d < (_r.IsWide ? 70 : 12)), () => New(DType.Float32, _r.IsWide ? WidePicture(2) : [_r.Int(1, 2), _r.One(1, 2, 3, 4, 8), _r.Int(1, 6), _r.Int(1, 6)], 0)));
        for (int n = _r.Int(1, 3); n > 0 && x.Rank == 4; n--) x = QuantizedStep(x);
        if (_r.Chance(0.3)) Emit(_r.One("Relu", "Identity", "Neg"), [x]);
    }

    private Known QuantizedStep(Known x)
    {
        long[] dims = x.Dims;
        switch (_r.Int(0, 15))
        {
            case 0 or 1 or 2:
                long channels = dims[1], group = _r.Chance(0.6) ? 1 : channels, outputs = group > 1 ? channels * _r.Int(1, 2) : _r.IsWide ? _r.One(1, 5, 16, 17, 33) : _r.Int(1, 5);
                long[] kernel = [_r.Int(1, (int)Math.Min(3, dims[2])), _r.Int(1, (int)Math.Min(3, dims[3]))];
                if (_r.IsWide) Limit(x.Value.Count * outputs * kernel[0] * kernel[1]);
                Known w = Weights([outputs, channels / group, .. kernel], 0);
                Known y = Emit("Conv", _r.Chance() ? [x, w] : [x, w, Constant(DType.Float32, [outputs])], Attr("group", group), Attr("strides", _r.Int(1, 2), _r.Int(1, 2)),
                    Attr("pads", [.. kernel.Concat(kernel).Select(k => (long)_r.Int(0, (int)k - 1))]));
                if (_r.Chance(0.4)) y = _r.Chance() ? Emit("Relu", [y]) : Emit("Clip", [y, Add(Tensor.FromScalar(0f), true), Add(Tensor.FromScalar(1.5f), true)]);
                return Rounded(y);
            case 3:
                Known rows = Emit("Reshape", [x, Ints(dims[0], -1)]);
                Known product = _r.Chance() ? Emit("MatMul", [rows, Weights([rows.Dims[1], 4], 1)]) : Emit("Gemm", [rows, Weights([4, rows.Dims[1]], 0), Constant(DType.Float32, [4])], Attr("transB", 1));
                return Rounded(product, 0.031);
            case 4: return Rounded(Emit(_r.One("Add", "Sub", "Mul"), [x, Rounded(New(DType.Float32, _r.Chance(0.6) ? dims : _r.Broadcast(dims, false), 0.2))]));
            case 5: return Rounded(Emit("Add", [x, x]));
            case 6: return Rounded(Emit("Concat", _r.Chance() ? [x, Rounded(New(DType.Float32, dims, 0))] : [Rounded(New(DType.Float32, dims, 0)), x], Attr("axis", _r.Axis(4))));
            case 7: return Rounded(Emit(_r.One("MaxPool", "AveragePool"), [x], Attr("kernel_shape", Math.Min(2, dims[2]), 1), Attr("strides", 1, 2), Attr("pads", 0, 0, Math.Min(2, dims[2]) - 1, 0)));
            case 8: return Rounded(Emit(_r.One("GlobalAveragePool", "GlobalMaxPool"), [x]));
            case 9: return Rounded(Emit(_r.One("Sigmoid", "Tanh", "LeakyRelu", "HardSwish", "HardSigmoid", "Elu", "Relu", "Gelu"), [x]));
            case 10: return Rounded(Emit("Softmax", [x], Attr("axis", _r.Axis(4))));
            case 11: return Rounded(Emit("Transpose", [x], Attr("perm", [.. _r.Permutation(4).Select(p => (long)p)])));
            case 12: return Rounded(Emit("Pad", [x, Ints([.. Enumerable.Range(0, 8).Select(_ => (long)_r.One(0, 0, 0, 1))]), _r.Chance(0.6) ? null : Add(Tensor.FromScalar(0.5f), true)]));
            case 13: return Rounded(Emit("ReduceMean", [x, Ints(_r.Chance() ? [2, 3] : [_r.Axis(4)])], Attr("keepdims", _r.One(1, 1, 0))));
            case 14: return Rounded(Emit("Resize", [x, null, null, Ints(dims[0], dims[1], 2 * dims[2], 2 * dims[3])], Attr("mode", "nearest"), Attr("coordinate_transformation_mode", "asymmetric"), Attr("nearest_mode", "floor")));
            default: return EmitMany("Split", [x], 2, Attr("axis", 1), Attr("num_outputs", 2)) is [var first, _] && _r.Chance() ? Rounded(first) : Rounded(Emit("PRelu", [x, Weights([dims[1], 1, 1], 0)]));
        }
    }
}
