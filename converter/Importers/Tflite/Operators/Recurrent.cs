using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Format;
using EdgeLite.Ops.EdgeLite;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>
/// Recurrent layers. A layer over a sequence starts from zero states at every run, which is what the network meant before it was
/// converted; TFLite's interpreter does so after AllocateTensors and ResetVariableTensors. A layer over single steps (SVDF, LSTM,
/// RNN) keeps its state in an input and an output of the graph, which a session hands on (<c>state.&lt;input&gt; = &lt;output&gt;</c> in the metadata too).
/// </summary>
internal static class Recurrent
{
    // Inputs of the LSTM operators (tensorflow/lite/kernels/lstm_shared.h): gates i, f, g (cell), o.
    private const int InputWeights = 1, RecurrentWeights = 5, Peephole = 9, Bias = 12, Projection = 16, OutputState = 18, CellState = 19, LayerNorm = 20;

    [Tflite(TfliteOp.UNIDIRECTIONAL_SEQUENCE_LSTM, Limits = "activations other than tanh; of the integer form coupled gates, peepholes, projection, layer normalization, and all but 8x8_16")]
    private static void SequenceLstm(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (n.InputCount is not (20 or 24)) throw n.Damaged($"{n.InputCount} inputs, expected 20 or 24");
        if (n.Input(0).Rank != 3) throw n.Damaged($"the input has {n.Input(0).Rank} dimensions, expected 3");
        if (o.Int8(TfliteOption.SequenceLstm.Activation) != (int)TfliteActivation.Tanh) throw n.Error("an activation other than tanh is not supported");
        long timeMajor = o.Bool(TfliteOption.SequenceLstm.TimeMajor) ? 1 : 0;
        if (n.Input(0).IsQuantizedActivation)
        {
            n.SetRaw(0, IntegerLstm(n, n.Raw(0), timeMajor, o.Float32(TfliteOption.SequenceLstm.CellClip), null, null)[0]);
            return;
        }
        n.SetReal(0, FloatLstm(n, n.Real(0), timeMajor, new LstmInputs(InputWeights, RecurrentWeights, Peephole, Bias, Projection, LayerNorm),
            o.Float32(TfliteOption.SequenceLstm.CellClip), o.Float32(TfliteOption.SequenceLstm.ProjClip)));
    }

    /// <summary>Where the parameters of an LSTM begin among the inputs; LayerNorm -1: it has none.</summary>
    private readonly record struct LstmInputs(int Weights, int Recurrent, int Peephole, int Bias, int Projection, int LayerNorm);

    private static Value FloatLstm(TfliteNode n, Value x, long timeMajor, LstmInputs at, float cellClip, float projectionClip)
    {
        bool coupled = !n.HasInput(at.Weights);
        int first = coupled ? 1 : 0, gates = 4 - first;
        Value w = Stack(n, "W", Gates(at.Weights)), r = Stack(n, "R", Gates(at.Recurrent)), b = Stack(n, "B", Gates(at.Bias));
        Value? peephole = n.HasInput(at.Peephole + 1)
            ? Stack(n, "peephole", [coupled ? Zeros(n, at.Peephole + 1) : RealConstant(n, at.Peephole), RealConstant(n, at.Peephole + 1), RealConstant(n, at.Peephole + 2)])
            : null;
        Value? norm = at.LayerNorm >= 0 && n.HasInput(at.LayerNorm + 1) ? Stack(n, "layer_norm", Gates(at.LayerNorm)) : null;
        Value? projection = n.HasInput(at.Projection) ? n.Constant("projection", RealConstant(n, at.Projection)) : null;
        Value? projectionBias = n.HasInput(at.Projection + 1) ? n.Constant("projection_bias", RealConstant(n, at.Projection + 1)) : null;
        return n.EmitOwn("SequenceLstm", [x, w, r, b, peephole, norm, projection, projectionBias], ("time_major", timeMajor), ("cell_clip", cellClip), ("projection_clip", projectionClip));

        Tensor[] Gates(int gate) => [.. Enumerable.Range(gate + first, gates).Select(i => RealConstant(n, i))];
    }

    /// <summary>Two layers, the second over the reversed sequence; inputs as lstm's twice, without layer normalization, then states. Auxiliary
    /// inputs (of stacked layers that exchange directions) are not supported.</summary>
    [Tflite(TfliteOp.BIDIRECTIONAL_SEQUENCE_LSTM, Limits = "integer inputs, an auxiliary input, activations other than tanh")]
    private static void BidirectionalLstm(TfliteNode n)
    {
        FlatTable o = n.Options;
        if (n.Input(0).IsQuantizedActivation || n.Input(0).Rank != 3) throw n.Error("only a float input of 3 dimensions is supported");
        if (n.HasInput(39)) throw n.Error("an auxiliary input is not supported");
        if (o.Int8(TfliteOption.BidirectionalLstm.Activation) != (int)TfliteActivation.Tanh) throw n.Error("an activation other than tanh is not supported");
        bool timeMajor = o.Bool(TfliteOption.BidirectionalLstm.TimeMajor);
        float cellClip = o.Float32(TfliteOption.BidirectionalLstm.CellClip), projectionClip = o.Float32(TfliteOption.BidirectionalLstm.ProjClip);
        int axis = timeMajor ? 0 : 1;
        Value forward = FloatLstm(n, n.Real(0), timeMajor ? 1 : 0, new LstmInputs(1, 5, 9, 12, 16, -1), cellClip, projectionClip);
        Value backward = Reversed(n, FloatLstm(n, Reversed(n, n.Real(0), axis), timeMajor ? 1 : 0, new LstmInputs(18, 22, 26, 29, 33, -1), cellClip, projectionClip), axis);
        SetBoth(n, forward, backward, o.Bool(TfliteOption.BidirectionalLstm.MergeOutputs));
    }

    /// <summary>One step of an LSTM with its states. Kernel 0 has them as variables, gates apart; kernel 1 as inputs and outputs, gates (i, g,
    /// f, o) in one matrix [4 n][in + n] over the input and the last result.</summary>
    [Tflite(TfliteOp.LSTM, Limits = "clipping in float, coupled gates, peepholes, projection, layer normalization, activations other than tanh; of the integer form all but 8x8_16")]
    private static void LstmStep(TfliteNode n)
    {
        if (n.Input(0).Rank != 2) throw n.Error("only an input of 2 dimensions is supported");
        if (n.Options.Int8(TfliteOption.Lstm.Activation) != (int)TfliteActivation.Tanh) throw n.Error("an activation other than tanh is not supported");
        if (n.Input(0).IsQuantizedActivation)
        {
            IntegerLstmStep(n);
            return;
        }
        if (n.Options.Float32(TfliteOption.Lstm.CellClip) != 0 || n.Options.Float32(TfliteOption.Lstm.ProjClip) != 0) throw n.Error("clipping is not supported");
        if (n.Options.Int8(TfliteOption.Lstm.KernelType) == 1)
        {
            Value both = n.Emit("Concat", [n.Real(0), n.Real(1)], ("axis", 1));
            Value[] g = n.EmitMany("Split", 4, [n.Emit("Gemm", [both, n.Real(2), n.Real(3)], ("transB", 1))], AttributeSet.Of(("axis", 1), ("num_outputs", 4)));
            (Value h, Value c) = Cell(n, g[0], g[2], g[1], g[3], n.Real(4));
            n.SetReal(0, h);
            n.SetReal(1, c);
            if (n.OutputCount > 2 && n.Operator.Outputs[2] >= 0) n.SetReal(2, both);
            return;
        }
        if (!n.HasInput(InputWeights) || n.HasInput(Peephole + 1) || n.HasInput(Projection) || n.HasInput(LayerNorm + 1))
            throw n.Error("a step of an LSTM with coupled gates, peepholes, projection or layer normalization is not supported");
        TfliteVariable hidden = State(n, OutputState), cell = State(n, CellState);
        (hidden.Current, cell.Current) = Cell(n, Gate(0), Gate(1), Gate(2), Gate(3), cell.Input!);
        n.SetReal(0, hidden.Current);

        Value Gate(int i) => n.Emit("Add", [n.Emit("Gemm", [n.Real(0), n.Real(InputWeights + i), n.Real(Bias + i)], ("transB", 1)), n.Emit("Gemm", [hidden.Input!, n.Real(RecurrentWeights + i)], ("transB", 1))]);
    }

    /// <summary>A sequence of one step. The hidden state is handed on as its distance from the zero point, which begins at 0 as every state does.</summary>
    private static void IntegerLstmStep(TfliteNode n)
    {
        if (n.Options.Int8(TfliteOption.Lstm.KernelType) != 0) throw n.Error("only the full kernel is supported in integers");
        TfliteVariable hidden = State(n, OutputState, DType.Int16), cell = State(n, CellState, DType.Int16);
        Value[] results = IntegerLstm(n, n.Emit("Unsqueeze", [n.Raw(0), n.Ints(0)]), 1, n.Options.Float32(TfliteOption.Lstm.CellClip), hidden.Input, cell.Input);
        Value y = n.Emit("Squeeze", [results[0], n.Ints(0)]);
        hidden.Current = n.Emit("Sub", [n.Cast(y, DType.Int16), n.Scalar(DType.Int16, Of(n, n.Input(OutputState)).ZeroPoint)]);
        cell.Current = results[1];
        n.SetRaw(0, y);
    }

    /// <summary>c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c').</summary>
    private static (Value H, Value C) Cell(TfliteNode n, Value i, Value f, Value g, Value o, Value c)
    {
        Value kept = n.Emit("Mul", [n.Emit("Sigmoid", [f]), c]), added = n.Emit("Mul", [n.Emit("Sigmoid", [i]), n.Emit("Tanh", [g])]);
        Value next = n.Emit("Add", [kept, added]);
        return (n.Emit("Mul", [n.Emit("Sigmoid", [o]), n.Emit("Tanh", [next])]), next);
    }

    /// <summary>One step of h' = act(W x + R h + b), h a variable; inputs: X, W, R, B, state.</summary>
    [Tflite(TfliteOp.RNN, Limits = "integer inputs, activations other than tanh and relu")]
    private static void RnnStep(TfliteNode n)
    {
        if (n.Input(0).IsQuantizedActivation) throw n.Error("only a float input is supported");
        TfliteVariable hidden = State(n, 4);
        Value sum = n.Emit("Add", [n.Emit("Gemm", [n.Real(0), n.Real(1), n.Real(3)], ("transB", 1)), n.Emit("Gemm", [hidden.Input!, n.Real(2)], ("transB", 1))]);
        hidden.Current = n.Activate(sum, n.Options.Int8(TfliteOption.Rnn.Activation));
        n.SetReal(0, hidden.Current);
    }

    /// <summary>Inputs: X, then W, R, B and state of each direction. Auxiliary inputs are not supported.</summary>
    [Tflite(TfliteOp.BIDIRECTIONAL_SEQUENCE_RNN, Limits = "integer inputs, an auxiliary input, activations other than tanh and relu")]
    private static void BidirectionalRnn(TfliteNode n)
    {
        if (n.HasInput(9)) throw n.Error("an auxiliary input is not supported");
        bool timeMajor = n.Options.Bool(TfliteOption.BidirectionalRnn.TimeMajor);
        sbyte activation = n.Options.Int8(TfliteOption.BidirectionalRnn.Activation);
        int axis = timeMajor ? 0 : 1;
        Value forward = FloatRnn(n, n.Real(0), 1, activation, timeMajor);
        Value backward = Reversed(n, FloatRnn(n, Reversed(n, n.Real(0), axis), 5, activation, timeMajor), axis);
        SetBoth(n, forward, backward, n.Options.Bool(TfliteOption.BidirectionalRnn.MergeOutputs));
    }

    private static void SetBoth(TfliteNode n, Value forward, Value backward, bool merge)
    {
        if (merge)
        {
            n.SetReal(0, n.Emit("Concat", [forward, backward], ("axis", 2)));
            return;
        }
        n.SetReal(0, forward);
        n.SetReal(1, backward);
    }

    private static Value Reversed(TfliteNode n, Value x, int axis) => n.Emit("Slice", [x, n.Ints(-1), n.Ints(long.MinValue), n.Ints(axis), n.Ints(-1)]);

    /// <summary>An input that is a state: a graph input that carries it.</summary>
    private static TfliteVariable State(TfliteNode n, int i, DType type = DType.Float32)
    {
        TfliteTensor state = n.Input(i);
        var variable = new TfliteVariable(state.Name) { Input = n.Graph.AddInput(n.Graph.FreshName(state.Name), new TensorType(type, state.Shape)) };
        n.Scope.Variables[$"{n.Name}/{state.Name}"] = variable;
        return variable;
    }

    /// <summary>Parameters as lstm.cc computes them (PopulateQuantizedLstmParams8x8_16): gates are Q3.12, the hidden state has the scale
    /// and zero point of the fifth intermediate tensor. The results are Y and, where there is a state before, the cell state after.</summary>
    private static Value[] IntegerLstm(TfliteNode n, Value input, long timeMajor, float cellClip, Value? hiddenBefore, Value? cellBefore)
    {
        if (!n.HasInput(InputWeights) || n.HasInput(Peephole + 1) || n.HasInput(Projection) || n.HasInput(LayerNorm + 1))
            throw n.Error("an integer LSTM with coupled gates, peepholes, projection or layer normalization is not supported");
        if (n.Input(0).DType != DType.Int8 || n.Operator.Intermediates.Length < 5 || n.Operator.Intermediates[4] < 0) throw n.Error("only the 8x8_16 form of an integer LSTM is supported");
        TfliteQuantization x = Of(n, n.Input(0)), h = Of(n, n.Input(OutputState)), cell = Of(n, n.Input(CellState)), hidden = Of(n, n.Scope.Tensor(n.Operator.Intermediates[4]));
        Tensor[] w = [.. Enumerable.Range(InputWeights, 4).Select(Int8)], r = [.. Enumerable.Range(RecurrentWeights, 4).Select(Int8)];
        int cells = (int)w[0].Shape[0];
        const float gateScale = 1f / 4096;
        int[] multipliers = new int[8], shifts = new int[8], biases = new int[8 * cells];
        for (int g = 0; g < 4; g++)
        {
            FixedMultiplier mw = FixedPoint.Quantize(Of(n, n.Input(InputWeights + g)).Scale * x.Scale / gateScale);
            FixedMultiplier mr = FixedPoint.Quantize(Of(n, n.Input(RecurrentWeights + g)).Scale * h.Scale / gateScale);
            (multipliers[g], shifts[g], multipliers[4 + g], shifts[4 + g]) = (mw.Value, mw.Shift, mr.Value, mr.Shift);
            Tensor bias = n.Constant(Bias + g) ?? throw n.InputError("a bias is not constant");
            for (int k = 0; k < cells; k++)
            {
                biases[g * cells + k] = (int)bias.GetInt64(k) - x.ZeroPoint * RowSum(w[g], k);
                biases[(4 + g) * cells + k] = -h.ZeroPoint * RowSum(r[g], k);
            }
        }
        double cellShift = Math.Log2(cell.Scale);
        if (Math.Abs(cellShift - Math.Round(cellShift)) > 1e-3 || cellShift > -9) throw n.Error($"the cell state's scale {cell.Scale} is no power of two below 2^-8");
        FixedMultiplier m = FixedPoint.Quantize(MathF.Pow(2, -15) / hidden.Scale * MathF.Pow(2, -15));
        long clip = cellClip > 0 ? (long)Math.Min(Math.Max(cellClip / cell.Scale, -32768f), 32767f) : 0;
        return n.EmitManyOwn("QLstm", cellBefore == null ? 1 : 2,
            [input, Stack(n, "W", w), Stack(n, "R", r), n.Constant("B", Tensor.FromArray<int>(biases, new Shape(2, 4, cells))),
             n.Constant("multipliers", Tensor.FromArray<int>(multipliers, new Shape(2, 4))), n.Constant("shifts", Tensor.FromArray<int>(shifts, new Shape(2, 4))), hiddenBefore, cellBefore],
            AttributeSet.Of(("time_major", timeMajor), ("cell_shift", (long)Math.Round(cellShift)), ("cell_clip", clip), ("hidden_multiplier", m.Value), ("hidden_shift", m.Shift),
            ("y_zero_point", -hidden.ZeroPoint), ("h_initial", h.ZeroPoint))); // CwiseMul takes the zero point away (reference/portable_tensor_utils.cc)

        Tensor Int8(int i) => n.Constant(i) is { DType: DType.Int8 } t && t.Shape.Rank == 2 ? t : throw n.InputError($"weights {i} are not constant int8");

        static int RowSum(Tensor t, int row)
        {
            int sum = 0;
            for (long i = 0; i < t.Shape[1]; i++) sum += (int)t.GetInt64(row * t.Shape[1] + i);
            return sum;
        }
    }

    /// <summary>h' = act(W x + R h + b); inputs: X, W, R, B, state.</summary>
    [Tflite(TfliteOp.UNIDIRECTIONAL_SEQUENCE_RNN, Limits = "integer inputs, activations other than tanh and relu")]
    private static void SequenceRnn(TfliteNode n)
    {
        bool timeMajor = n.Options.Bool(TfliteOption.SequenceRnn.TimeMajor);
        n.SetReal(0, FloatRnn(n, n.Real(0), 1, n.Options.Int8(TfliteOption.SequenceRnn.Activation), timeMajor));
    }

    private static Value FloatRnn(TfliteNode n, Value x, int weights, sbyte kind, bool timeMajor)
    {
        string activation = (TfliteActivation)kind switch
        {
            TfliteActivation.Tanh => "Tanh",
            TfliteActivation.Relu => "Relu",
            _ => throw n.Error("an activation other than tanh and relu is not supported"),
        };
        if (n.Input(0).IsQuantizedActivation || n.Input(0).Rank != 3) throw n.Error("only a float input of 3 dimensions is supported");
        Tensor w = RealConstant(n, weights), r = RealConstant(n, weights + 1), b = RealConstant(n, weights + 2);
        long units = w.Shape[0];
        var both = new Tensor(DType.Float32, new Shape(1, 2 * units));
        for (long i = 0; i < units; i++) both.SetDouble(i, b.GetDouble(i));
        if (!timeMajor) x = n.Transpose(x, 1, 0, 2);
        Value y = n.EmitMany("RNN", 1, [x, Stack(n, "W", [w]), Stack(n, "R", [r]), n.Constant("B", both)],
            AttributeSet.Of(("hidden_size", units), ("activations", new[] { activation })))[0];
        y = n.Emit("Squeeze", [y, n.Ints(1)]);
        return timeMajor ? y : n.Transpose(y, 1, 0, 2);
    }

    /// <summary>
    /// A dense layer of low rank over the last M inputs: each filter's memory is shifted and takes features . x, is weighted by its M
    /// time weights, and rank filters add up to one unit. Inputs: X [batch, in], features [F, in], time [F, M], bias?, state [batch, F*M].
    /// In integers X and features are int8, time weights and the state int16, bias int32 (internal/reference/svdf.h, EvalIntegerSVDF).
    /// </summary>
    [Tflite(TfliteOp.SVDF, Limits = "a free batch")]
    private static void Svdf(TfliteNode n)
    {
        TfliteTensor state = n.Input(4);
        bool isInteger = n.Input(0).IsQuantizedActivation;
        if (isInteger && (n.Input(0).DType != DType.Int8 || state.DType != DType.Int16)) throw n.Error($"an integer one of {n.Input(0).DType.Name()} with a state of {state.DType.Name()} is not supported");
        long filters = n.Input(2).Dims![0], memory = n.Input(2).Dims![1], rank = n.Options.Int32(TfliteOption.Svdf.Rank);
        if (rank < 1 || filters % rank != 0 || n.Input(2).Rank != 2) throw n.Damaged($"{filters} filters of rank {rank}");
        long batch = state.Dims is { Length: 2 } dims ? dims[0] : throw n.Damaged("the state needs 2 dimensions");
        var type = new TensorType(isInteger ? DType.Int16 : DType.Float32, new Shape(batch, filters * memory));
        var variable = new TfliteVariable(state.Name) { Input = n.Graph.AddInput(n.Graph.FreshName(state.Name), type) };
        n.Scope.Variables[$"{n.Name}/state"] = variable;
        Value past = n.Reshape(variable.Input, batch, filters, memory);
        Value feature = isInteger
            ? Requantize(n.Emit("MatMulInteger", [n.Raw(0), n.Transpose(n.Raw(1), 1, 0), n.Scalar(DType.Int8, Of(n, n.Input(0)).ZeroPoint)]), Of(n, n.Input(0)).Scale * Of(n, n.Input(1)).Scale, Of(n, state), DType.Int16)
            : n.Emit("Gemm", [n.Real(0), n.Real(1)], ("transB", 1));
        Value present = n.Emit("Concat", [n.Emit("Slice", [past, n.Ints(1), n.Ints(memory), n.Ints(2)]), n.Emit("Unsqueeze", [feature, n.Ints(-1)])], ("axis", 2));
        variable.Current = n.Reshape(present, batch, filters * memory);
        Value weighted = isInteger ? n.Emit("Mul", [n.Cast(present, DType.Int32), n.Cast(n.Raw(2), DType.Int32)]) : n.Emit("Mul", [present, n.Real(2)]);
        Value y = n.Emit("ReduceSum", [weighted, n.Ints(2)], ("keepdims", 0));
        if (rank > 1) y = n.Emit("ReduceSum", [n.Reshape(y, batch, filters / rank, rank), n.Ints(2)], ("keepdims", 0));
        if (n.HasInput(3)) y = n.Emit("Add", [y, isInteger ? n.Raw(3) : n.Real(3)]);
        if (isInteger) n.SetRaw(0, Requantize(y, Of(n, state).Scale * Of(n, n.Input(2)).Scale, Of(n, n.Output(0)), n.Output(0).DType));
        else n.SetReal(0, n.Activate(y, n.Options.Int8(TfliteOption.Svdf.Activation)));

        // A fused Relu is the lowest integer, which stands for 0.
        Value Requantize(Value sum, float scale, TfliteQuantization to, DType type)
        {
            FixedMultiplier m = FixedPoint.Quantize(scale / to.Scale);
            (int min, int max) = FixedPoint.TypeRange(type);
            return n.EmitOwn("Requantize", [sum], ("multiplier", m.Value), ("shift", m.Shift), ("y_zero_point", to.ZeroPoint), ("y_min", min), ("y_max", max), ("to", (long)type));
        }
    }

    private static TfliteQuantization Of(TfliteNode n, TfliteTensor t) => t.Quantization is { IsPerAxis: false } q ? q : throw n.Damaged($"tensor '{t.Name}' needs one scale");

    private static Tensor Zeros(TfliteNode n, int like) => new(DType.Float32, n.Input(like).Shape);

    /// <summary>A constant as float32: float16 widened, integers by their scale.</summary>
    private static Tensor RealConstant(TfliteNode n, int i)
    {
        Tensor stored = n.Constant(i) ?? throw n.InputError($"input {i} ('{n.Input(i).Name}') is not constant");
        if (stored.DType == DType.Float32) return stored;
        TfliteQuantization? q = n.Input(i).Quantization;
        if (q is { IsPerAxis: true, Axis: not 0 } || q == null && stored.DType != DType.Float16) throw n.Error($"input {i} is {stored.DType.Name()} of an unsupported quantization");
        var real = new Tensor(DType.Float32, stored.Shape);
        long each = Math.Max(1, stored.Count / Math.Max(1, stored.Shape.Rank == 0 ? 1 : stored.Shape[0]));
        for (long k = 0, count = stored.Count; k < count; k++)
        {
            int channel = q is { IsPerAxis: true } ? (int)(k / each) : 0;
            real.SetDouble(k, q == null ? stored.GetDouble(k) : (stored.GetInt64(k) - q.ZeroPoints[channel]) * (double)q.Scales[channel]);
        }
        return real;
    }

    /// <summary>Tensors of one shape along a new first axis.</summary>
    private static Value Stack(TfliteNode n, string name, Tensor[] parts)
    {
        var whole = new Tensor(parts[0].DType, new Shape([parts.Length, .. parts[0].Shape.AsSpan()]));
        for (int i = 0; i < parts.Length; i++)
        {
            if (parts[i].Shape != parts[0].Shape) throw n.Damaged($"{name} has parts of shapes {parts[0].Shape} and {parts[i].Shape}");
            parts[i].Bytes.CopyTo(whole.Bytes[(int)(i * parts[0].ByteLength)..]);
        }
        return n.Constant(name, whole);
    }
}
