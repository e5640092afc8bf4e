using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops.EdgeLite;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>LSTM over sequences, both ways and of one step; their states as <see cref="Recurrent"/> says.</summary>
internal static class Lstm
{
    // Inputs of the LSTM operators (tensorflow/lite/kernels/lstm_shared.h): gates i, f, g (cell), o.
    private const int InputWeights = 1, RecurrentWeights = 5, Peephole = 9, Bias = 12, Projection = 16, OutputState = 18, CellState = 19, LayerNorm = 20;

    // Those of the bidirectional one (bidirectional_sequence_lstm.cc): an auxiliary input and its weights in both directions.
    private const int Auxiliary = 39, ForwardAuxiliary = 40, BackwardAuxiliary = 44;

    [Tflite(TfliteOp.UNIDIRECTIONAL_SEQUENCE_LSTM, Limits = "activations other than tanh")]
    private static void SequenceLstm(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (n.InputCount is not (20 or 24)) throw n.Damaged($"{n.InputCount} inputs, expected 20 or 24");
        if (n.Input(0).Rank != 3) throw n.Damaged($"the input has {n.Input(0).Rank} dimensions, expected 3");
        RequireTanh(n, o.Int8(TfliteOption.SequenceLstm.Activation));
        long timeMajor = o.Bool(TfliteOption.SequenceLstm.TimeMajor) ? 1 : 0;
        float cellClip = o.Float32(TfliteOption.SequenceLstm.CellClip), projectionClip = o.Float32(TfliteOption.SequenceLstm.ProjClip);
        if (n.Input(0).IsQuantizedActivation) n.SetRaw(0, IntegerLstm(n, n.Raw(0), timeMajor, cellClip, projectionClip, null, null)[0]);
        else n.SetReal(0, FloatLstm(n, n.Real(0), timeMajor, new LstmInputs(InputWeights, RecurrentWeights, Peephole, Bias, Projection, LayerNorm), cellClip, projectionClip)[0]);
    }

    /// <summary>Where the parameters of an LSTM begin among the inputs; -1: it has none.</summary>
    private readonly record struct LstmInputs(int Weights, int Recurrent, int Peephole, int Bias, int Projection, int LayerNorm, int Auxiliary = -1);

    /// <summary>The results; with states before the first step the states after the last one, too. Weights of an auxiliary input stand beside those of
    /// the input, to which it is joined.</summary>
    private static Value[] FloatLstm(TfliteNode n, Value x, long timeMajor, LstmInputs at, float cellClip, float projectionClip, Value? hidden = null, Value? cell = null)
    {
        bool coupled = !n.HasInput(at.Weights);
        int first = coupled ? 1 : 0, gates = 4 - first;
        Value w = Recurrent.Stack(n, "W", at.Auxiliary < 0 ? Gates(at.Weights) : [.. Gates(at.Weights).Zip(Gates(at.Auxiliary), (a, b) => Recurrent.Beside(n, a, b))]);
        Value r = Recurrent.Stack(n, "R", Gates(at.Recurrent)), b = Recurrent.Stack(n, "B", Gates(at.Bias));
        Value? peephole = n.HasInput(at.Peephole + 1)
            ? Recurrent.Stack(n, "peephole", [coupled ? new Tensor(DType.Float32, n.Input(at.Peephole + 1).Shape) : Real(at.Peephole), Real(at.Peephole + 1), Real(at.Peephole + 2)])
            : null;
        Value? norm = at.LayerNorm >= 0 && n.HasInput(at.LayerNorm + 1) ? Recurrent.Stack(n, "layer_norm", Gates(at.LayerNorm)) : null;
        Value? projection = n.HasInput(at.Projection) ? n.Constant("projection", Real(at.Projection)) : null;
        Value? projectionBias = n.HasInput(at.Projection + 1) ? n.Constant("projection_bias", Real(at.Projection + 1)) : null;
        return n.EmitManyOwn("SequenceLstm", hidden == null ? 1 : 3, [x, w, r, b, peephole, norm, projection, projectionBias, hidden, cell],
            AttributeSet.Of(("time_major", timeMajor), ("cell_clip", cellClip), ("projection_clip", projection == null ? 0 : projectionClip)));

        Tensor Real(int i) => Recurrent.RealConstant(n, i);
        Tensor[] Gates(int gate) => [.. Enumerable.Range(gate + first, gates).Select(Real)];
    }

    /// <summary>Two layers, the second over the reversed sequence; inputs as lstm's twice, without layer normalization, then states. An
    /// auxiliary input without weights is the input of the second layer (of stacked layers that keep their directions apart).</summary>
    [Tflite(TfliteOp.BIDIRECTIONAL_SEQUENCE_LSTM, Limits = "activations other than tanh")]
    private static void BidirectionalLstm(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (n.Input(0).IsQuantizedActivation || n.Input(0).Rank != 3) throw n.Error("only a float input of 3 dimensions is supported");
        RequireTanh(n, o.Int8(TfliteOption.BidirectionalLstm.Activation));
        bool timeMajor = o.Bool(TfliteOption.BidirectionalLstm.TimeMajor), isJoined = n.HasInput(Auxiliary) && n.HasInput(ForwardAuxiliary + 1);
        float cellClip = o.Float32(TfliteOption.BidirectionalLstm.CellClip), projectionClip = o.Float32(TfliteOption.BidirectionalLstm.ProjClip);
        int axis = timeMajor ? 0 : 1;
        (Value x, Value reversed) = Recurrent.BothInputs(n, Auxiliary, isJoined);
        Value forward = FloatLstm(n, x, timeMajor ? 1 : 0, new LstmInputs(1, 5, 9, 12, 16, -1, isJoined ? ForwardAuxiliary : -1), cellClip, projectionClip)[0];
        Value backward = FloatLstm(n, Recurrent.Reversed(n, reversed, axis), timeMajor ? 1 : 0, new LstmInputs(18, 22, 26, 29, 33, -1, isJoined ? BackwardAuxiliary : -1), cellClip, projectionClip)[0];
        Recurrent.SetBoth(n, forward, Recurrent.Reversed(n, backward, axis), o.Bool(TfliteOption.BidirectionalLstm.MergeOutputs));
    }

    /// <summary>One step of an LSTM with its states. Kernel 0 has them as variables, gates apart; kernel 1 as inputs and outputs, gates (i, g,
    /// f, o) in one matrix [4 n][in + n] over the input and the last result.</summary>
    [Tflite(TfliteOp.LSTM, Limits = "activations other than tanh; 8x8_8 with peepholes or a gate of its own for the input, without normalization or projection")]
    private static void LstmStep(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (n.Input(0).Rank != 2) throw n.Error("only an input of 2 dimensions is supported");
        RequireTanh(n, o.Int8(TfliteOption.Lstm.Activation));
        float cellClip = o.Float32(TfliteOption.Lstm.CellClip), projectionClip = o.Float32(TfliteOption.Lstm.ProjClip);
        bool isInteger = n.Input(0).IsQuantizedActivation;
        if (o.Int8(TfliteOption.Lstm.KernelType) == 1)
        {
            if (cellClip != 0 || projectionClip != 0) throw n.Error("clipping in the basic kernel is not supported");
            if (isInteger) LstmIntegers.Basic(n);
            else BasicStep(n);
            return;
        }
        DType type = isInteger ? DType.Int16 : DType.Float32;
        TfliteVariable hidden = Recurrent.State(n, OutputState, type), cell = Recurrent.State(n, CellState, type);
        Value y;
        if (isInteger && n.Operator.Intermediates.Length == 12)
        {
            if (n.HasInput(InputWeights) || n.HasInput(Peephole + 1) || !n.HasInput(LayerNorm + 1) || !n.HasInput(Projection))
                throw n.Error("an 8x8_8 form is supported coupled, normalized, projected and without peepholes, as TFLite's kernel computes it");
            (y, cell.Current) = LstmIntegers.Eight(n, n.Raw(0), hidden.Input!, cell.Input!, cellClip, projectionClip, (InputWeights, RecurrentWeights, Bias, Projection, OutputState, CellState, LayerNorm));
        }
        else
        {
            Value x = n.Emit("Unsqueeze", [isInteger ? n.Raw(0) : n.Real(0), n.Ints(0)]);
            Value[] results = isInteger ? IntegerLstm(n, x, 1, cellClip, projectionClip, hidden.Input, cell.Input)
                : FloatLstm(n, x, 1, new LstmInputs(InputWeights, RecurrentWeights, Peephole, Bias, Projection, LayerNorm), cellClip, projectionClip, hidden.Input, cell.Input);
            (hidden.Current, cell.Current) = (results[1], results[^1]);
            y = n.Emit("Squeeze", [results[0], n.Ints(0)]);
        }
        // In integers the distance from the zero point, which begins at 0 as every state does.
        if (isInteger) hidden.Current = n.Emit("Sub", [n.Cast(y, DType.Int16), n.Scalar(DType.Int16, Recurrent.Of(n, n.Input(OutputState)).ZeroPoint)]);
        n.SetRaw(0, y);
    }

    /// <summary>c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').</summary>
    private static void BasicStep(TfliteNode n)
    {
        Value both = n.Emit("Concat", [n.Real(0), n.Real(1)], ("axis", 1));
        Value[] g = n.EmitMany("Split", 4, [n.Emit("Gemm", [both, n.Real(2), n.Real(3)], ("transB", 1))], AttributeSet.Of(("axis", 1), ("num_outputs", 4)));
        Value kept = n.Emit("Mul", [n.Emit("Sigmoid", [g[2]]), n.Real(4)]), added = n.Emit("Mul", [n.Emit("Sigmoid", [g[0]]), n.Emit("Tanh", [g[1]])]);
        Value next = n.Emit("Add", [kept, added]);
        n.SetReal(0, n.Emit("Mul", [n.Emit("Sigmoid", [g[3]]), n.Emit("Tanh", [next])]));
        n.SetReal(1, next);
        if (n.OutputCount > 2 && n.Operator.Outputs[2] >= 0) n.SetReal(2, both);
    }

    /// <summary>
    /// Parameters as lstm.cc computes them (PopulateQuantizedLstmParams8x8_16): gates are Q3.12, or have the scales of the first four intermediate
    /// tensors before they are normalized; what is hidden has the scale and zero point of the fifth, and is the output where nothing projects it.
    /// The results are Y and, where there is a state before, the cell state after.
    /// </summary>
    private static Value[] IntegerLstm(TfliteNode n, Value input, long timeMajor, float cellClip, float projectionClip, Value? hiddenBefore, Value? cellBefore)
    {
        if (n.Input(0).DType != DType.Int8 || n.Operator.Intermediates.Length != 5 || n.Operator.Intermediates[4] < 0) throw n.Error("only the 8x8_16 form of an integer LSTM is supported");
        bool coupled = !n.HasInput(InputWeights), isNormalized = n.HasInput(LayerNorm + 1), hasPeepholes = n.HasInput(Peephole + 2), isProjected = n.HasInput(Projection);
        TfliteQuantization x = Of(0), h = Of(OutputState), cell = Of(CellState), hidden = Recurrent.Of(n, n.Scope.Tensor(n.Operator.Intermediates[4]));
        int first = coupled ? 1 : 0, gates = 4 - first;
        Tensor[] w = [.. Enumerable.Range(InputWeights + first, gates).Select(Int8)], r = [.. Enumerable.Range(RecurrentWeights + first, gates).Select(Int8)];
        int cells = (int)w[0].Shape[0];
        double cellShift = Math.Log2(cell.Scale);
        if (Math.Abs(cellShift - Math.Round(cellShift)) > 1e-3 || cellShift > -9) throw n.Error($"the cell state's scale {cell.Scale} is no power of two below 2^-8");
        cellShift = Math.Round(cellShift);

        var multipliers = new FixedMultiplier[16];
        int width = (int)Recurrence.Padded(cells);
        int[] biases = new int[2 * gates * width];
        long[] guards = new long[4];
        for (int g = first; g < 4; g++)
        {
            float gateScale = isNormalized ? Recurrent.Of(n, n.Scope.Tensor(n.Operator.Intermediates[g])).Scale : 1f / 4096;
            multipliers[g] = FixedPoint.Quantize(Of(InputWeights + g).Scale * x.Scale / gateScale);
            multipliers[4 + g] = FixedPoint.Quantize(Of(RecurrentWeights + g).Scale * h.Scale / gateScale);
            if (hasPeepholes && g != 2) multipliers[8 + g] = FixedPoint.Quantize((float)(Math.Pow(2, cellShift) * Of(Peephole + (g == 3 ? 2 : g)).Scale / gateScale));
            if (isNormalized) multipliers[12 + g] = FixedPoint.Quantize(Of(LayerNorm + g).Scale);
            guards[g] = isNormalized ? Math.Max(1, (int)(10000 * Of(LayerNorm + g).Scale)) : 1;
            Tensor? bias = isNormalized ? null : Int32(Bias + g);
            for (int k = 0; k < cells; k++)
            {
                biases[(g - first) * width + k] = (int)(bias?.GetInt64(k) ?? 0) - x.ZeroPoint * RowSum(w[g - first], k);
                biases[(gates + g - first) * width + k] = -h.ZeroPoint * RowSum(r[g - first], k);
            }
        }
        int rows = isNormalized || hasPeepholes ? 4 : 2;
        FixedMultiplier m = FixedPoint.Quantize((float)(Math.Pow(2, -15) / hidden.Scale * Math.Pow(2, -15)));
        AttributeSet attributes = AttributeSet.Of(("hidden_size", (long)cells), ("out_features", r[0].Shape[1]), ("coupled", coupled ? 1L : 0L), ("time_major", timeMajor), ("cell_shift", (long)cellShift), ("cell_clip", Clip(cellClip, cell.Scale, short.MaxValue)), ("hidden_multiplier", m.Value), ("hidden_shift", m.Shift),
            ("y_zero_point", -hidden.ZeroPoint), ("h_initial", h.ZeroPoint)); // CwiseMul takes the zero point away (reference/portable_tensor_utils.cc)
        Value? peepholes = null, norm = null, normBias = null, projection = null, projectionBias = null;
        if (hasPeepholes) peepholes = Recurrent.Stack(n, "peephole", [coupled ? new Tensor(DType.Int16, new Shape(cells)) : Int16(Peephole), Int16(Peephole + 1), Int16(Peephole + 2)]);
        if (isNormalized)
        {
            norm = Recurrent.Stack(n, "layer_norm", [.. Enumerable.Range(LayerNorm + first, gates).Select(Int16)]);
            normBias = Recurrent.Stack(n, "layer_norm_bias", [.. Enumerable.Range(Bias + first, gates).Select(Int32)]);
            attributes["variance_guards"] = guards;
        }
        if (isProjected)
        {
            Tensor p = Int8(Projection);
            projection = n.Constant("projection", PanelPacking.PackGemm(p, transposed: true));
            Tensor? bias = n.HasInput(Projection + 1) ? Int32(Projection + 1) : null;
            projectionBias = n.Constant("projection_bias", Tensor.FromArray<int>([.. Enumerable.Range(0, (int)p.Shape[0]).Select(k => (int)(bias?.GetInt64(k) ?? 0) + hidden.ZeroPoint * RowSum(p, k))], new Shape(p.Shape[0])));
            FixedMultiplier pm = FixedPoint.Quantize(Of(Projection).Scale * hidden.Scale / h.Scale);
            attributes["projection_multiplier"] = pm.Value;
            attributes["projection_shift"] = pm.Shift;
            attributes["projection_zero_point"] = h.ZeroPoint;
            attributes["projection_clip"] = Clip(projectionClip, Recurrent.Of(n, n.Output(0)).Scale, sbyte.MaxValue);
        }
        var both = new Shape(rows, 4);
        return n.EmitManyOwn("QLstm", cellBefore == null ? 1 : 2,
            [input, Panels("W", w), Panels("R", r), n.Constant("B", Tensor.FromArray<int>(biases, new Shape(2, gates, width))),
             n.Constant("multipliers", Tensor.FromArray<int>([.. multipliers[..(4 * rows)].Select(v => v.Value)], both)), n.Constant("shifts", Tensor.FromArray<int>([.. multipliers[..(4 * rows)].Select(v => v.Shift)], both)),
             hiddenBefore, cellBefore, peepholes, norm, normBias, projection, projectionBias], attributes);

        // A group for each gate, as those of a convolution.
        Value Panels(string name, Tensor[] each)
        {
            if (each.Any(t => t.Shape != each[0].Shape)) throw n.Damaged("weights of the gates have different shapes");
            Tensor all = new(DType.Int8, new Shape(each.Length * cells, each[0].Shape[1]));
            for (int g = 0; g < each.Length; g++) each[g].Bytes.CopyTo(all.Bytes[(g * each[g].Bytes.Length)..]);
            return n.Constant(name, PanelPacking.PackConv(all, each.Length));
        }

        TfliteQuantization Of(int i) => Recurrent.Of(n, n.Input(i));
        Tensor Int8(int i) => n.Constant(i) is { DType: DType.Int8, Shape.Rank: 2 } t ? t : throw n.InputError($"weights {i} are not constant int8");
        Tensor Int16(int i) => n.Constant(i) is { DType: DType.Int16 } t ? t : throw n.InputError($"input {i} is no constant of int16");
        Tensor Int32(int i) => n.Constant(i) is { DType: DType.Int32 } t ? t : throw n.InputError($"bias {i} is no constant of int32");

        static long Clip(float clip, float scale, int most) => clip > 0 ? (long)Math.Min(clip / scale, most) : 0;

        static int RowSum(Tensor t, int row)
        {
            int sum = 0;
            for (long i = 0; i < t.Shape[1]; i++) sum += (int)t.GetInt64(row * t.Shape[1] + i);
            return sum;
        }
    }

    private static void RequireTanh(TfliteNode n, int activation)
    {
        if (activation != (int)TfliteActivation.Tanh) throw n.Error("an activation other than tanh is not supported");
    }
}
