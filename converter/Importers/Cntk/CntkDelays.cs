using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Cntk;

/// <summary>Functions along a sequence, one sequence at a time: its steps are the axis in front.</summary>
internal static class CntkDelays
{
    /// <summary>The value so many steps before or after, its second operand where the sequence has none. Where a function depends on itself by way
    /// of it, <see cref="CntkRecurrence"/> takes its place.</summary>
    [Cntk("PastValue", "FutureValue", Notes = "one sequence at a time; recurrences become Scan", Limits = "both in one recurrence")]
    private static CntkValue Delay(CntkFunction f)
    {
        CntkValue x = f.Input();
        long steps = f.Int("offset", 1);
        if (!x.HasBatch) throw f.InputError("its operand has no sequence");
        if (steps <= 0) throw f.Damaged($"it looks {steps} steps away");
        Value first = Repeat(f, f.InputCount > 1 ? f.Input(1) : new(f.Scalar(0), false), steps, x.Dims);
        Value all = f.Emit("Concat", f.Op == CntkOp.PastValue ? [first, x.Value] : [x.Value, first], ("axis", 0));
        return f.Like(x, f.Op == CntkOp.PastValue ? f.Emit("Slice", [all, f.Ints(0), f.Ints(-steps), f.Ints(0)]) : f.Emit("Slice", [all, f.Ints(steps), f.Ints(long.MaxValue), f.Ints(0)]));
    }

    /// <summary>[steps, sizes..] of one value, as a delay begins.</summary>
    public static Value Repeat(NodeBuilder builder, CntkValue value, long steps, long[] sizes)
    {
        if (sizes.Any(d => d < 0)) throw builder.InputError("the size of its operand is not known");
        Value one = value.HasBatch && value.StaticRank < sizes.Length ? builder.Emit("Unsqueeze", [value.Value, builder.Ints([.. Enumerable.Range(1, sizes.Length - value.StaticRank).Select(d => (long)d)])]) : value.Value;
        return builder.Emit("Expand", [one, builder.Ints([steps, .. sizes])]);
    }

    /// <summary>Its first operand, at each step of the second one.</summary>
    [Cntk("ReconcileDynamicAxis")]
    private static CntkValue Reconcile(CntkFunction f)
    {
        CntkValue x = f.Input(), layout = f.Input(1);
        if (!layout.HasBatch || x.HasBatch && x.Value.Shape[0] == layout.Value.Shape[0] && x.Value.Shape[0] != Shape.Unknown) return x;
        Value one = x.HasBatch ? x.Value : f.Emit("Unsqueeze", [x.Value, f.Ints(0)]), ones = f.Ints([.. x.Dims.Select(_ => 1L)]);
        return new(f.Emit("Expand", [one, f.Emit("Concat", [f.Emit("Shape", [layout.Value], ("start", 0), ("end", 1)), ones], ("axis", 0))]), true);
    }

    /// <summary>The steps at which its operand, one number, is not 0.</summary>
    [Cntk("Where")]
    private static CntkValue Where(CntkFunction f)
    {
        Value flat = f.Reshape(f.Input().Value, -1);
        return new(f.Cast(f.Reshape(f.Emit("NonZero", [flat]), -1), DType.Float32), true);
    }

    [Cntk("PackedIndex")] private static CntkValue PackedIndex(CntkFunction f) => f.Input(1);

    /// <summary>Those steps of its first operand.</summary>
    [Cntk("GatherPacked")]
    private static CntkValue Gather(CntkFunction f) => f.Like(f.Input(), f.Emit("Gather", [f.Input().Value, f.Cast(f.Input(1).Value, DType.Int64)], ("axis", 0)));

    /// <summary>Steps become the slowest static axis, and steps again.</summary>
    [Cntk("UnpackSequence", Notes = "without its mask")]
    private static CntkValue Unpack(CntkFunction f) => f.Like(f.Input(), f.Emit("Unsqueeze", [f.Input().Value, f.Ints(0)]));

    [Cntk("ToSequence", "ToSequenceLike", Limits = "lengths of sequences")]
    private static CntkValue ToSequence(CntkFunction f)
    {
        if (f.Op == CntkOp.ToSequence && f.InputCount > 1) throw f.InputError("lengths of sequences are not supported");
        return f.Like(f.Input(), f.Emit("Squeeze", [f.Input().Value, f.Ints(0)]));
    }

    /// <summary>
    /// Layers of cuDNN's recurrent cells. The parameter holds, layer by layer and direction by direction, W [gates H, in] and R [gates H, H], then
    /// for all of them b_W and b_R; LSTM's gates are i, f, c, o, those of GRU r, z, h with the reset behind the product
    /// (bindings/python/cntk/misc/optimized_rnnstack_converter.py; cuDNN's documentation of cudnnGetRNNLinLayerMatrixParams).
    /// </summary>
    [Cntk("OptimizedRNNStack", Notes = "one sequence at a time")]
    private static CntkValue RecurrentStack(CntkFunction f)
    {
        CntkValue x = f.Input();
        string kind = f.Text("recurrentOp");
        (string opType, int[] order) = kind switch
        {
            "lstm" => ("LSTM", (int[])[0, 3, 1, 2]), // to i, o, f, c
            "gru" => ("GRU", [1, 0, 2]), // to z, r, h
            "rnnTanh" or "rnnReLU" => ("RNN", [0]),
            _ => throw f.Error($"recurrentOp '{kind}' is not supported"),
        };
        if (f.Input(1).Value.Constant is not { } stored) throw f.InputError("its weights are not a parameter");
        if (x.StaticRank != 1 || !x.HasBatch || x.Dims[0] <= 0) throw f.InputError($"its operand has the sizes {x.Value.Shape}; a sequence of vectors is expected");
        int gates = order.Length, hidden = checked((int)f.Int("hiddenSize", 0)), layers = checked((int)f.Int("numLayers", 1)), directions = f.Bool("bidirectional") ? 2 : 1, size = checked((int)x.Dims[0]);
        if (hidden <= 0 || layers is <= 0 or > 1000) throw f.Damaged($"{layers} layers of {hidden} units");
        long rows = checked((long)gates * hidden), needed = 0;
        for (int i = 0; i < layers; i++) needed = checked(needed + directions * rows * ((i == 0 ? size : (long)hidden * directions) + hidden + 2));
        if (stored.Count != needed) throw f.Damaged($"its parameter has {stored.Count} numbers; {layers} layers of {hidden} units over {size} have {needed}");
        float[] all = stored.Span<float>().ToArray();
        long at = 0, biasesAt = needed - 2 * rows * directions * layers;
        // Of [gates, n] numbers, the gates in ONNX's order.
        float[] Take(ref long from, long n)
        {
            long begin = from;
            from += gates * n;
            return [.. order.SelectMany(g => all.AsSpan((int)(begin + g * n), (int)n).ToArray())];
        }
        Value y = f.Emit("Unsqueeze", [x.Value, f.Ints(1)]); // [T, 1, in]
        for (int i = 0; i < layers; i++)
        {
            long width = i == 0 ? size : (long)hidden * directions;
            List<float> w = [], r = [], b = [];
            for (int d = 0; d < directions; d++)
            {
                w.AddRange(Take(ref at, hidden * width));
                r.AddRange(Take(ref at, (long)hidden * hidden));
                for (int k = 0; k < 2; k++) b.AddRange(Take(ref biasesAt, hidden));
            }
            Value Weights(string role, List<float> values, params long[] dims) => f.Constant($"{role}{i}", Tensor.FromArray<float>([.. values], new Shape([directions, rows, .. dims])));
            var attributes = new List<(string, Ops.AttributeValue)> { ("hidden_size", (long)hidden), ("direction", directions == 2 ? "bidirectional" : "forward") };
            if (opType == "GRU") attributes.Add(("linear_before_reset", 1));
            if (kind == "rnnReLU") attributes.Add(("activations", (string[])[.. Enumerable.Repeat("Relu", directions)]));
            Value biases = f.Constant($"b{i}", Tensor.FromArray<float>([.. b], new Shape(directions, 2 * rows)));
            y = f.EmitMany(opType, 1, [y, Weights("w", w, width), Weights("r", r, hidden), biases], [.. attributes])[0]; // [T, directions, 1, H]
            y = f.Reshape(f.Transpose(y, 0, 2, 1, 3), 0, 1, (long)hidden * directions);
        }
        return f.Like(x, f.Emit("Squeeze", [y, f.Ints(1)]));
    }
}
