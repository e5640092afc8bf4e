using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;
using EdgeLite.Ops.EdgeLite;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>The two rarer integer forms of one LSTM step, written out in integer operators, bit for bit.</summary>
internal static class LstmIntegers
{
    private const int Gates = 4, Forget = 1, Modulation = 2, Output = 3;

    /// <summary>
    /// The basic kernel over uint8 (internal/reference/lstm_cell.h): activations over 128 with zero point 128, gates in Q3.12, the state in Q4.11,
    /// functions of gemmlowp.
    /// <code>
    /// g [batch, 4 n] = sat16(requantize((x ++ h - 128) (W - zero)^T + b)), in the order i, g, f, o
    /// c' = sat16((sigmoid(i) tanh(g) >> 15) >> 4 + (sigmoid(f) c >> 15));  h' = 128 + sat8((sigmoid(o) tanh(sat16(2 c')) >> 15) >> 8)
    /// </code>
    /// </summary>
    public static void Basic(TfliteNode n)
    {
        foreach (int i in (ReadOnlySpan<int>)[0, 1])
            if (n.Input(i).DType != DType.UInt8 || Recurrent.Of(n, n.Input(i)) is not { Scale: 1f / 128, ZeroPoint: 128 }) throw n.Error($"in the basic kernel, '{n.Input(i).Name}' is expected in uint8 with scale 1/128 and zero point 128");
        if (n.Input(4).DType != DType.Int16 || Recurrent.Of(n, n.Input(4)).Scale != 1f / 2048) throw n.Error("in the basic kernel, the state is expected in int16 with scale 2^-11");
        Value both = n.Emit("Concat", [n.Raw(0), n.Raw(1)], ("axis", 1));
        Value sums = n.Emit("MatMulInteger", [both, n.Transpose(n.Raw(2), 1, 0), n.Scalar(DType.UInt8, 128), n.Scalar(n.Input(2).DType, Recurrent.Of(n, n.Input(2)).ZeroPoint)]);
        Value gates = Requantize(n, n.Emit("Add", [sums, n.Raw(3)]), FixedPoint.Quantize(4096 * Recurrent.Of(n, n.Input(3)).Scale), DType.Int16);
        Value[] g = n.EmitMany("Split", Gates, [gates], AttributeSet.Of(("axis", 1), ("num_outputs", Gates)));
        Value sigmoid = Table(n, "sigmoid", x => new FixedFunctions(16).Logistic(x, 3)), tanh = Table(n, "tanh", x => new FixedFunctions(16).Tanh(x, 3));
        Value added = Shifted(n, HighProduct(n, Lut(n, g[0], sigmoid), Lut(n, g[1], tanh)), 4), kept = HighProduct(n, Lut(n, g[2], sigmoid), n.Raw(4));
        Value next = Saturated(n, n.Emit("Add", [Wide(n, added), Wide(n, kept)]));
        Value doubled = Saturated(n, n.Emit("Add", [Wide(n, next), Wide(n, next)]));
        Value result = Shifted(n, HighProduct(n, Lut(n, g[3], sigmoid), Lut(n, doubled, tanh)), 8);
        n.SetRaw(0, n.Cast(n.Emit("Add", [n.Emit("Clip", [result, n.Scalar(DType.Int16, sbyte.MinValue), n.Scalar(DType.Int16, sbyte.MaxValue)]), n.Scalar(DType.Int16, 128)]), DType.UInt8));
        n.SetRaw(1, next);
        if (n.OutputCount > 2 && n.Operator.Outputs[2] >= 0) n.SetRaw(2, both);
    }

    /// <summary>
    /// The form 8x8_8, of twelve intermediate tensors (kernels/lstm_eval.cc, LstmStepInteger8x8_8): products in int8, gates in Q3.12, the cell state in
    /// Q0.15, normalization and functions in float32. TFLite has it coupled, normalized and projected, without peepholes. For i, f, g, o the
    /// intermediates are the gate, W x and R h; the results are Y and the cell state after.
    /// <code>
    /// gate = norm(sat16(requantize(int8(W x)) + requantize(int8(R h))));  c' = sat16((f c >> 15) + ((32767 - f) g >> 15))
    /// h' = int8(requantize(P (o tanh(c') >> 15) + b))
    /// </code>
    /// The output gate goes without R h: TFLite takes its multiplier from behind the end of a table, where a small number stands, so that nothing is left.
    /// </summary>
    /// <remarks><c>at</c> says which input is the first of the weights W and R, the biases, the projection and the normalization, and where the states are.</remarks>
    public static (Value Y, Value Cell) Eight(TfliteNode n, Value x, Value hidden, Value cell, float cellClip, float projectionClip,
        (int Weights, int Recurrent, int Bias, int Projection, int Hidden, int Cell, int Norm) at)
    {
        TfliteQuantization[] between = [.. n.Operator.Intermediates.Select(t => Recurrent.Of(n, n.Scope.Tensor(t)))];
        TfliteQuantization ofX = Recurrent.Of(n, n.Input(0)), ofH = Recurrent.Of(n, n.Input(at.Hidden)), ofCell = Recurrent.Of(n, n.Input(at.Cell));
        if (ofCell.Scale != 1f / 32768) throw n.Error($"the cell state of an 8x8_8 form has the scale {ofCell.Scale}, expected 2^-15");
        Value sigmoid = Table(n, "sigmoid", v => (int)(1 / (1 + MathF.Exp(-v / 4096f)) * 32768)), tanh = Table(n, "tanh", v => (int)(MathF.Tanh(v / 4096f) * 32768));
        Value h = n.Cast(n.Emit("Add", [hidden, n.Scalar(DType.Int16, ofH.ZeroPoint)]), DType.Int8);
        Value forget = Lut(n, Gate(Forget), sigmoid), modulation = Lut(n, Gate(Modulation), tanh);
        Value entering = n.Emit("Sub", [n.Scalar(DType.Int16, short.MaxValue), forget]);
        Value next = Saturated(n, n.Emit("Add", [Wide(n, Product(n, forget, cell)), Wide(n, Product(n, entering, modulation))]));
        if (cellClip is > 0 and < 1)
        {
            int bound = (int)Math.Min(cellClip / ofCell.Scale, short.MaxValue);
            next = n.Emit("Clip", [next, n.Scalar(DType.Int16, -bound), n.Scalar(DType.Int16, bound)]);
        }
        Value cells = Product(n, Lut(n, Gate(Output), sigmoid), Lut(n, next, Table(n, "tanh_of_cell", v => (int)(MathF.Tanh(v / 32768f) * 32768))));
        Value sums = n.Emit("MatMul", [n.Cast(cells, DType.Int64), n.Cast(n.Transpose(n.Raw(at.Projection), 1, 0), DType.Int64)]);
        if (n.HasInput(at.Projection + 1)) sums = n.Emit("Add", [sums, n.Cast(n.Raw(at.Projection + 1), DType.Int64)]);
        int most = projectionClip > 0 ? (int)Math.Min(projectionClip / Recurrent.Of(n, n.Output(0)).Scale, sbyte.MaxValue) : 0;
        FixedMultiplier m = FixedPoint.Quantize((float)(Scale(at.Projection) * Math.Pow(2, -15) / ofH.Scale));
        return (Requantize(n, sums, m, DType.Int8, 0, ofH.ZeroPoint, most > 0 ? (-most, most) : null), next);

        float Scale(int i) => Recurrent.Of(n, n.Input(i)).Scale;

        Value Gate(int g)
        {
            Value sum = Part(x, ofX, at.Weights + g, between[3 * g + 1], between[3 * g].Scale);
            if (g != Output) sum = n.Emit("Add", [sum, Part(h, ofH, at.Recurrent + g, between[3 * g + 2], between[3 * g].Scale)]);
            return Normalized(n, Saturated(n, sum), n.Constant(at.Norm + g)!, Scale(at.Norm + g), n.Constant(at.Bias + g)!);
        }

        // A product in int8, brought to the scale of the gate.
        Value Part(Value v, TfliteQuantization from, int weights, TfliteQuantization product, float gate)
        {
            Value sum = n.Emit("MatMulInteger", [v, n.Transpose(n.Raw(weights), 1, 0), n.Scalar(DType.Int8, from.ZeroPoint)]);
            Value stored = Requantize(n, sum, FixedPoint.Quantize(Scale(weights) * from.Scale / product.Scale), DType.Int8, 0, product.ZeroPoint);
            return Requantize(n, stored, FixedPoint.Quantize(product.Scale / gate), DType.Int32, product.ZeroPoint);
        }
    }

    /// <summary>Mean 0 and variance 1 times weights plus bias in float32, to Q3.12 (ApplyLayerNormFloat). Its sums round at every step, so a Scan takes
    /// cell after cell.</summary>
    private static Value Normalized(TfliteNode n, Value gate, Tensor weights, float weightScale, Tensor bias)
    {
        long cells = weights.Count;
        FixedMultiplier m = FixedPoint.Quantize(weightScale);
        float scale = (float)Math.ScaleB(m.Value, m.Shift - 31), biasScale = (float)(Math.Pow(2, -10) * scale);
        Value v = n.Cast(gate, DType.Float32), zero = n.Emit("Expand", [n.Scalar(0), n.Emit("Shape", [gate], ("end", 1))]);
        Value[] sums = n.EmitMany("Scan", 2, [zero, zero, v], new AttributeSet { ["body"] = AttributeValue.OfGraph(Sums()), ["num_scan_inputs"] = 1, ["scan_input_axes"] = new long[] { 1 } });
        Value mean = n.Emit("Div", [sums[0], n.Scalar(cells)]), variance = n.Emit("Sub", [n.Emit("Div", [sums[1], n.Scalar(cells)]), n.Emit("Mul", [mean, mean])]);
        Value inverse = n.Emit("Where", [n.Emit("Equal", [variance, n.Scalar(0)]), n.Scalar(1e4f), n.Emit("Div", [n.Scalar(1), n.Emit("Sqrt", [variance])])]);
        Value normalized = n.Emit("Mul", [n.Emit("Sub", [v, Column(mean)]), Column(inverse)]);
        Value weighted = n.Emit("Mul", [n.Emit("Mul", [normalized, Row("norm", k => weights.GetInt64(k))]), n.Scalar(scale)]);
        Value steps = n.Emit("Mul", [n.Emit("Add", [weighted, Row("norm_bias", k => bias.GetInt64(k) * biasScale)]), n.Scalar(4096)]);
        return n.Cast(n.Emit("Clip", [SixteenBitIntegers.HalvesAway(n, steps), n.Scalar(DType.Float64, short.MinValue), n.Scalar(DType.Float64, short.MaxValue)]), DType.Int16);

        Value Column(Value x) => n.Emit("Unsqueeze", [x, n.Ints(1)]);
        Value Row(string name, Func<long, float> each) => n.Constant(name, Tensor.FromArray<float>([.. Enumerable.Range(0, (int)cells).Select(k => each(k))], new Shape(cells)));
    }

    /// <summary>Of [batch] numbers, step by step: their sum and the sum of their squares.</summary>
    private static Graph Sums()
    {
        var body = new Graph("sums");
        var type = new TensorType(DType.Float32, new Shape(Shape.Unknown));
        Value sum = body.AddInput("sum", type), squares = body.AddInput("squares", type), x = body.AddInput("x", type);
        body.AddOutput(body.Add("Add", "next_sum", [sum, x]));
        body.AddOutput(body.Add("Add", "next_squares", [squares, body.Add("Mul", "square", [x, x])]));
        return body;
    }

    private static Value Requantize(TfliteNode n, Value x, FixedMultiplier m, DType to, long xZero = 0, long yZero = 0, (int Min, int Max)? range = null)
    {
        (int min, int max) = range ?? (to == DType.Int32 ? (int.MinValue, int.MaxValue) : FixedPoint.TypeRange(to));
        return n.EmitOwn("Requantize", [x], ("multiplier", (long)m.Value), ("shift", (long)m.Shift), ("x_zero_point", xZero), ("y_zero_point", yZero), ("y_min", (long)min), ("y_max", (long)max), ("to", (long)to));
    }

    private static Value Table(TfliteNode n, string name, Func<int, int> function)
    {
        short[] entries = [.. Enumerable.Range(short.MinValue, 1 << 16).Select(x => (short)Math.Clamp(function(x), short.MinValue, short.MaxValue))];
        return n.Constant(name, Tensor.FromArray<short>(entries, new Shape(entries.Length)));
    }

    private static Value Lut(TfliteNode n, Value x, Value table) => n.EmitOwn("Lut", [x, table]);

    private static Value Wide(TfliteNode n, Value x) => n.Cast(x, DType.Int32);

    private static Value Saturated(TfliteNode n, Value x) => n.Cast(n.Emit("Clip", [x, n.Scalar(DType.Int32, short.MinValue), n.Scalar(DType.Int32, short.MaxValue)]), DType.Int16);

    /// <summary>a b / 2^15 in int16, halves up (gemmlowp's SaturatingRoundingDoublingHighMul): a requantization of 64 bits by 2^30 and 2^-14.</summary>
    private static Value HighProduct(TfliteNode n, Value a, Value b) =>
        Requantize(n, n.Emit("Mul", [n.Cast(a, DType.Int64), n.Cast(b, DType.Int64)]), new FixedMultiplier(1 << 30, -14), DType.Int16);

    /// <summary>a b / 2^15 in int16, halves away from zero.</summary>
    private static Value Product(TfliteNode n, Value a, Value b) => Shifted(n, n.Emit("Mul", [Wide(n, a), Wide(n, b)]), 15);

    /// <summary>x / 2^bits in int16, halves away from zero (gemmlowp's RoundingDivideByPOT).</summary>
    private static Value Shifted(TfliteNode n, Value x, int bits)
    {
        Value wide = Wide(n, x), half = n.Emit("Mul", [n.Emit("Sign", [wide]), n.Scalar(DType.Int32, 1 << bits - 1)]);
        return n.Cast(n.Emit("Div", [n.Emit("Add", [wide, half]), n.Scalar(DType.Int32, 1 << bits)]), DType.Int16);
    }
}
