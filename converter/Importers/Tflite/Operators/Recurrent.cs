using EdgeLite.Converter.Ir;
using EdgeLite.Core;
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
    /// <summary>One step of h' = act(W x + R h + b), h a variable; inputs: X, W, R, B, state.</summary>
    [Tflite(TfliteOp.RNN)]
    private static void RnnStep(TfliteNode n)
    {
        if (n.Input(0).IsQuantizedActivation) throw n.Error("only a float input is supported");
        TfliteVariable hidden = State(n, 4);
        Value sum = n.Emit("Add", [n.Emit("Gemm", [n.Real(0), n.Real(1), n.Real(3)], ("transB", 1)), n.Emit("Gemm", [hidden.Input!, n.Real(2)], ("transB", 1))]);
        hidden.Current = n.Activate(sum, n.Options.Int8(TfliteOption.Rnn.Activation));
        n.SetReal(0, hidden.Current);
    }

    /// <summary>Inputs: X, then W, R, B and state of each direction, an auxiliary input and its weights in both. Without weights it is the input of
    /// the second direction.</summary>
    [Tflite(TfliteOp.BIDIRECTIONAL_SEQUENCE_RNN, Limits = "activations other than none, tanh and relu")]
    private static void BidirectionalRnn(TfliteNode n)
    {
        bool timeMajor = n.Options.Bool(TfliteOption.BidirectionalRnn.TimeMajor);
        sbyte activation = n.Options.Int8(TfliteOption.BidirectionalRnn.Activation);
        int axis = timeMajor ? 0 : 1;
        bool isJoined = n.HasInput(9) && n.HasInput(10);
        (Value x, Value reversed) = BothInputs(n, 9, isJoined);
        Value forward = FloatRnn(n, x, 1, activation, timeMajor, isJoined ? 10 : -1);
        Value backward = Reversed(n, FloatRnn(n, Reversed(n, reversed, axis), 5, activation, timeMajor, isJoined ? 11 : -1), axis);
        SetBoth(n, forward, backward, n.Options.Bool(TfliteOption.BidirectionalRnn.MergeOutputs));
    }

    /// <summary>What goes into the first and the second direction, the latter not yet reversed.</summary>
    internal static (Value Forward, Value Backward) BothInputs(TfliteNode n, int auxiliary, bool isJoined)
    {
        if (!n.HasInput(auxiliary)) return (n.Real(0), n.Real(0));
        if (!isJoined) return (n.Real(0), n.Real(auxiliary));
        Value both = n.Emit("Concat", [n.Real(0), n.Real(auxiliary)], ("axis", 2));
        return (both, both);
    }

    /// <summary>Matrices [rows][a] and [rows][b] as [rows][a + b].</summary>
    internal static Tensor Beside(TfliteNode n, Tensor a, Tensor b)
    {
        if (a.Shape.Rank != 2 || b.Shape.Rank != 2 || a.Shape[0] != b.Shape[0]) throw n.Damaged($"weights of shapes {a.Shape} and {b.Shape} belong to one gate");
        long rows = a.Shape[0], left = a.Shape[1], right = b.Shape[1];
        var whole = new Tensor(DType.Float32, new Shape(rows, left + right));
        for (long i = 0; i < rows; i++)
        {
            for (long j = 0; j < left; j++) whole.SetDouble(i * (left + right) + j, a.GetDouble(i * left + j));
            for (long j = 0; j < right; j++) whole.SetDouble(i * (left + right) + left + j, b.GetDouble(i * right + j));
        }
        return whole;
    }

    internal static void SetBoth(TfliteNode n, Value forward, Value backward, bool merge)
    {
        if (merge)
        {
            n.SetReal(0, n.Emit("Concat", [forward, backward], ("axis", 2)));
            return;
        }
        n.SetReal(0, forward);
        n.SetReal(1, backward);
    }

    internal static Value Reversed(TfliteNode n, Value x, int axis) => n.Emit("Slice", [x, n.Ints(-1), n.Ints(long.MinValue), n.Ints(axis), n.Ints(-1)]);

    /// <summary>An input that is a state: a graph input that carries it.</summary>
    internal static TfliteVariable State(TfliteNode n, int i, DType type = DType.Float32)
    {
        TfliteTensor state = n.Input(i);
        var variable = new TfliteVariable(state.Name) { Input = n.Graph.AddInput(n.Graph.FreshName(state.Name), new TensorType(type, state.Shape)) };
        n.Scope.Variables[$"{n.Name}/{state.Name}"] = variable;
        return variable;
    }

    /// <summary>h' = act(W x + R h + b); inputs: X, W, R, B, state.</summary>
    [Tflite(TfliteOp.UNIDIRECTIONAL_SEQUENCE_RNN, Limits = "activations other than none, tanh and relu")]
    private static void SequenceRnn(TfliteNode n)
    {
        bool timeMajor = n.Options.Bool(TfliteOption.SequenceRnn.TimeMajor);
        n.SetReal(0, FloatRnn(n, n.Real(0), 1, n.Options.Int8(TfliteOption.SequenceRnn.Activation), timeMajor));
    }

    private static Value FloatRnn(TfliteNode n, Value x, int weights, sbyte kind, bool timeMajor, int auxiliary = -1)
    {
        string activation = (TfliteActivation)kind switch
        {
            TfliteActivation.Tanh => "Tanh",
            TfliteActivation.Relu => "Relu",
            TfliteActivation.None => "Affine",
            _ => throw n.Error("an activation other than none, tanh and relu is not supported"),
        };
        if (n.Input(0).IsQuantizedActivation || n.Input(0).Rank != 3) throw n.Error("only a float input of 3 dimensions is supported");
        Tensor w = auxiliary < 0 ? RealConstant(n, weights) : Beside(n, RealConstant(n, weights), RealConstant(n, auxiliary)), r = RealConstant(n, weights + 1), b = RealConstant(n, weights + 2);
        long units = w.Shape[0];
        var both = new Tensor(DType.Float32, new Shape(1, 2 * units));
        for (long i = 0; i < units; i++) both.SetDouble(i, b.GetDouble(i));
        if (!timeMajor) x = n.Transpose(x, 1, 0, 2);
        Value y = n.EmitMany("RNN", 1, [x, Stack(n, "W", [w]), Stack(n, "R", [r]), n.Constant("B", both)],
            AttributeSet.Of(("hidden_size", units), ("activations", new[] { activation }), ("activation_alpha", new[] { 1f }), ("activation_beta", new[] { 0f })))[0];
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

    internal static TfliteQuantization Of(TfliteNode n, TfliteTensor t) => t.Quantization is { IsPerAxis: false } q ? q : throw n.Damaged($"tensor '{t.Name}' needs one scale");

    /// <summary>A constant as float32: float16 widened, integers by their scale.</summary>
    internal static Tensor RealConstant(TfliteNode n, int i)
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
    internal static Value Stack(TfliteNode n, string name, Tensor[] parts)
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
