using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Functions;

/// <summary>Functions on shapes, and those that rearrange, take and join.</summary>
internal static class Shapes
{
    [Keras("tf.reshape", "keras.backend.reshape", "keras.ops.reshape")]
    private static void Reshape(KerasNode n) => n.Set(n.TensorFlow("Reshape", [Elementwise.First(n), n.ShapeVector(n.Argument(1, "shape", "newshape"))]));

    [Keras("keras.backend.flatten", "keras.ops.ravel")]
    private static void Ravel(KerasNode n) => n.Set(n.Reshape(Elementwise.First(n), -1));

    [Keras("keras.backend.batch_flatten")]
    private static void BatchFlatten(KerasNode n) => n.Set(n.Reshape(Elementwise.First(n), 0, -1));

    [Keras("tf.broadcast_to", "keras.ops.broadcast_to")]
    private static void BroadcastTo(KerasNode n) => n.Set(n.TensorFlow("BroadcastTo", [Elementwise.First(n), n.ShapeVector(n.Argument(1, "shape"))]));

    /// <summary>The axes in another order; turned round where no order is given.</summary>
    [Keras("tf.transpose", "tf.linalg.matrix_transpose", "keras.backend.transpose", "keras.backend.permute_dimensions", "keras.ops.transpose")]
    private static void Transpose(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int rank = n.RankOf(x);
        IEnumerable<int> order = n.Wholes(1, "perm", "pattern", "axes") is { } given ? given.Select(a => n.Axis(a, rank))
            : n.Layer.ClassName == "tf.linalg.matrix_transpose" ? [.. Enumerable.Range(0, rank - 2), rank - 1, rank - 2] : Enumerable.Range(0, rank).Reverse();
        n.Set(n.Transpose(x, [.. order.Select(a => (long)a)]));
    }

    [Keras("keras.ops.swapaxes", "keras.ops.moveaxis")]
    private static void MoveAxis(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int rank = n.RankOf(x);
        int[] from = [.. (n.Wholes(-1, "source", "axis1") ?? []).Select(a => n.Axis(a, rank))], to = [.. (n.Wholes(-1, "destination", "axis2") ?? []).Select(a => n.Axis(a, rank))];
        if (from.Length != to.Length || from.Length == 0) throw n.Damaged("its axes do not fit each other");
        List<int> order = [.. Enumerable.Range(0, rank)];
        if (n.Layer.ClassName == "keras.ops.swapaxes") (order[from[0]], order[to[0]]) = (order[to[0]], order[from[0]]);
        else
        {
            order.RemoveAll(from.Contains);
            foreach ((int target, int source) in to.Zip(from).OrderBy(p => p.First)) order.Insert(target, source);
        }
        n.Set(n.Transpose(x, [.. order.Select(a => (long)a)]));
    }

    [Keras("tf.expand_dims", "keras.backend.expand_dims", "keras.ops.expand_dims")]
    private static void ExpandDims(KerasNode n) => n.Set(n.Emit("Unsqueeze", [Elementwise.First(n), n.Ints(n.Wholes(1, "axis") ?? [-1])]));

    [Keras("tf.squeeze", "keras.backend.squeeze", "keras.ops.squeeze")]
    private static void Squeeze(KerasNode n) => n.Set(n.TensorFlow("Squeeze", [Elementwise.First(n)], ("axis", n.Wholes(1, "axis", "squeeze_dims") ?? [])));

    [Keras("tf.concat", "keras.backend.concatenate", "keras.ops.concatenate")]
    private static void Concatenate(KerasNode n)
    {
        Value[] parts = n.Operands(0, "values", "tensors", "xs");
        n.Set(n.TensorFlow("ConcatV2", [.. parts, n.Ints(n.Whole(n.Layer.ClassName == "keras.ops.concatenate" ? 0 : -1, 1, "axis"))]));
    }

    [Keras("tf.stack", "keras.backend.stack", "keras.ops.stack")]
    private static void Stack(KerasNode n) => n.Set(n.TensorFlow("Pack", n.Operands(0, "values", "x"), ("axis", n.Whole(0, 1, "axis"))));

    [Keras("keras.ops.hstack", "keras.ops.vstack")]
    private static void StackRows(KerasNode n)
    {
        Value[] parts = n.Operands(0, "xs");
        if (parts.Any(p => n.RankOf(p) < 2)) throw n.InputError("vectors are not supported");
        n.Set(n.Concat(parts, n.Layer.ClassName == "keras.ops.vstack" ? 0 : 1));
    }

    [Keras("tf.unstack", "keras.ops.unstack")]
    private static void Unstack(KerasNode n)
    {
        Value x = Elementwise.First(n);
        long axis = n.Axis(n.Whole(0, -1, "axis"), n.RankOf(x)), count = n.Whole(x.Shape[(int)axis], -1, "num");
        if (count < 0) throw n.InputError("the size of the axis must be known");
        SetAll(n, n.TensorFlow("Unpack", (int)count, [x], ("num", count), ("axis", axis)));
    }

    /// <summary>TensorFlow names a number of equal parts or their sizes, keras.ops a number or the places of the cuts.</summary>
    [Keras("tf.split", "keras.ops.split")]
    private static void Split(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int axis = n.Axis(n.Whole(0, -1, "axis"), n.RankOf(x));
        object? given = n.Argument(1, "num_or_size_splits", "indices_or_sections");
        if (given is long parts)
        {
            if (parts is < 1 or > 1 << 16) throw n.Damaged($"{parts} parts");
            SetAll(n, n.TensorFlow("Split", (int)parts, [n.Ints(axis), x], ("num_split", parts)));
            return;
        }
        long[] sizes = n.Wholes(1, "num_or_size_splits", "indices_or_sections") ?? throw n.Damaged("it does not say into what it splits");
        if (n.Layer.ClassName == "keras.ops.split") sizes = [.. sizes.Select((at, i) => i == 0 ? at : at - sizes[i - 1]), -1];
        SetAll(n, n.TensorFlow("SplitV", sizes.Length, [x, n.Ints(sizes), n.Ints(axis)]));
    }

    [Keras("tf.tile", "keras.backend.tile", "keras.ops.tile")]
    private static void Tile(KerasNode n)
    {
        Value x = Elementwise.First(n);
        object? given = n.Argument(1, "multiples", "n", "repeats");
        long[]? times = given is object?[] list && list.All(i => i is long) || given is long ? n.Wholes(1, "multiples", "n", "repeats") : null;
        if (times != null && times.Length < n.RankOf(x)) given = new object?[n.RankOf(x) - times.Length].Select(_ => (object?)1L).Concat(times.Select(t => (object?)t)).ToArray();
        n.Set(n.TensorFlow("Tile", [x, n.ShapeVector(given)]));
    }

    /// <summary>Each entry of an axis as often, one after the other.</summary>
    [Keras("tf.repeat", "keras.backend.repeat_elements", "keras.ops.repeat")]
    private static void Repeat(KerasNode n)
    {
        Value x = Elementwise.First(n);
        if (n.Argument(-1, "axis") == null) x = n.Reshape(x, -1);
        int axis = n.Axis(n.Whole(0, -1, "axis"), n.RankOf(x));
        if (n.Wholes(1, "repeats", "rep") is not [var times]) throw n.Error("a number of repeats for each entry is not supported");
        long size = x.Shape[axis];
        if (size < 0) throw n.InputError("the size of the axis that is repeated must be known");
        n.Set(n.Emit("Gather", [x, n.Ints([.. Enumerable.Range(0, (int)size).SelectMany(i => Enumerable.Repeat((long)i, (int)times))])], ("axis", axis)));
    }

    /// <summary>[batch, f] to [batch, n, f].</summary>
    [Keras("keras.backend.repeat")]
    private static void RepeatVector(KerasNode n) => n.Set(n.Emit("Expand", [n.Emit("Unsqueeze", [Elementwise.First(n), n.Ints(1)]), n.Ints(1, n.Whole(1, 1, "n"), 1)]));

    [Keras("tf.reverse", "keras.backend.reverse", "keras.ops.flip")]
    private static void Reverse(KerasNode n)
    {
        Value x = Elementwise.First(n);
        n.Set(n.TensorFlow("ReverseV2", [x, n.Ints(n.Wholes(1, "axis", "axes") ?? [.. Enumerable.Range(0, n.RankOf(x)).Select(i => (long)i)])]));
    }

    [Keras("tf.roll", "keras.ops.roll")]
    private static void Roll(KerasNode n) =>
        n.Set(n.TensorFlow("Roll", [Elementwise.First(n), n.Ints(n.Wholes(1, "shift") ?? [0]), n.Ints(n.Wholes(2, "axis") ?? throw n.Error("an axis must be given"))]));

    [Keras("tf.gather", "keras.backend.gather", "keras.ops.take")]
    private static void Gather(KerasNode n)
    {
        Value x = n.Operand(0, "params", "reference", "x");
        bool isFlat = n.Layer.ClassName == "keras.ops.take" && n.Argument(-1, "axis") == null;
        long batch = n.Whole(0, -1, "batch_dims");
        n.Set(n.TensorFlow("GatherV2", [isFlat ? n.Reshape(x, -1) : x, n.Operand(1, "indices"), n.Ints(n.Whole(batch, -1, "axis"))], ("batch_dims", batch)));
    }

    [Keras("tf.gather_nd")]
    private static void GatherNd(KerasNode n) => n.Set(n.TensorFlow("GatherNd", [n.Operand(0, "params"), n.Operand(1, "indices")], ("batch_dims", n.Whole(0, -1, "batch_dims"))));

    [Keras("keras.ops.take_along_axis")]
    private static void TakeAlongAxis(KerasNode n)
    {
        Value x = Elementwise.First(n);
        if (n.Argument(-1, "axis") == null) x = n.Reshape(x, -1);
        n.Set(n.Emit("GatherElements", [x, n.Cast(n.Operand(1, "indices"), DType.Int64)], ("axis", n.Whole(0, -1, "axis"))));
    }

    [Keras("tf.one_hot", "keras.backend.one_hot", "keras.ops.one_hot")]
    private static void OneHot(KerasNode n)
    {
        Value values = n.Constant("values", Tensor.FromArray<float>([(float)n.Real(0, -1, "off_value"), (float)n.Real(1, -1, "on_value")], new Shape(2)));
        DType type = n.Argument(-1, "dtype") is string dtype ? KerasArguments.TypeOf(dtype) ?? DType.Float32 : DType.Float32;
        n.Set(n.Emit("OneHot", [n.Operand(0, "indices", "x"), n.Ints(n.Whole(0, 1, "depth", "num_classes")), n.Cast(values, type)], ("axis", n.Whole(-1, -1, "axis"))));
    }

    [Keras("tf.shape", "keras.backend.shape", Operator = "Shape")]
    [Keras("tf.size", Operator = "Size")]
    [Keras("tf.rank", Operator = "Rank")]
    private static void Shape(KerasNode n) => n.Set(n.TensorFlow(KerasImporter.OperatorOf(n.Layer.ClassName), [Elementwise.First(n)]));

    [Keras("tf.fill")]
    private static void Fill(KerasNode n) => n.Set(n.TensorFlow("Fill", [n.ShapeVector(n.Argument(0, "dims")), n.Operand(1, "value")]));

    [Keras("tf.zeros", "tf.ones", "keras.backend.zeros", "keras.backend.ones")]
    private static void Constants(KerasNode n) =>
        n.Set(n.TensorFlow("Fill", [n.ShapeVector(n.Argument(0, "shape")), n.Scalar(n.Layer.ClassName.EndsWith("ones", StringComparison.Ordinal) ? 1 : 0)]));

    [Keras("tf.range")]
    private static void Range(KerasNode n)
    {
        object? start = n.Argument(0, "start"), limit = n.Argument(1, "limit");
        if (limit == null) (start, limit) = (0L, start);
        (Value from, Value to) = Elementwise.Pair(n, start, limit);
        n.Set(n.TensorFlow("Range", [from, to, n.Cast(n.ValueOf(n.Argument(2, "delta") ?? 1L), from.DType)]));
    }

    /// <summary>Pairs [before, after] of each axis.</summary>
    [Keras("tf.pad", "keras.ops.pad")]
    private static void Pad(KerasNode n)
    {
        Value x = Elementwise.First(n);
        int rank = n.RankOf(x);
        object?[][] pairs = n.Argument(1, "paddings", "pad_width") switch
        {
            object?[] list when list.All(p => p is object?[]) => [.. list.Cast<object?[]>()],
            object?[] { Length: 2 } one => [.. Enumerable.Repeat(one, rank)],
            long one => [.. Enumerable.Repeat(new object?[] { one, one }, rank)],
            _ => throw n.InputError("paddings that the model computes are not supported"),
        };
        if (pairs.Length == 1) pairs = [.. Enumerable.Repeat(pairs[0], rank)];
        if (pairs.Length != rank || pairs.Any(p => p.Length != 2 || !p.All(i => i is long))) throw n.Damaged($"its paddings do not fit {rank} dimensions");
        Value paddings = n.Constant("paddings", Tensor.FromArray<long>([.. pairs.SelectMany(p => p.Cast<long>())], new Shape(rank, 2)));
        string mode = n.Word("constant", -1, "mode").ToUpperInvariant();
        n.Set(mode switch
        {
            "CONSTANT" => n.TensorFlow("PadV2", [x, paddings, n.Cast(n.ValueOf(n.Argument(-1, "constant_values") ?? 0L), x.DType)]),
            "REFLECT" or "SYMMETRIC" => n.TensorFlow("MirrorPad", [x, paddings], ("mode", mode)),
            _ => throw n.Error($"mode '{mode}' is not supported"),
        });
    }

    [Keras("tf.slice")]
    private static void Slice(KerasNode n) => n.Set(n.TensorFlow("Slice", [n.Operand(0, "input_"), n.ShapeVector(n.Argument(1, "begin")), n.ShapeVector(n.Argument(2, "size"))]));

    [Keras("keras.ops.slice")]
    private static void SliceOfShape(KerasNode n) => n.Set(n.TensorFlow("Slice", [Elementwise.First(n), n.ShapeVector(n.Argument(1, "start_indices")), n.ShapeVector(n.Argument(-1, "shape"))]));

    /// <summary>x[key]: numbers, slices, None, ... and one tensor of places.</summary>
    [Keras("tf.__operators__.getitem", "keras.ops.get_item")]
    private static void GetItem(KerasNode n)
    {
        Value x = n.Operand(0, "tensor", "x");
        object?[] key = n.Argument(1, "slice_spec", "key") switch
        {
            object?[] list => list,
            var one => [one],
        };
        int places = Array.FindIndex(key, k => k is Tensor or KerasTensor { Value.Shape: { IsRanked: true, Rank: > 0 } } or object?[]);
        if (places >= 0)
        {
            if (key.Where((k, i) => i != places).Any(k => k is not KerasSlice { Start: null, Stop: null, Step: null or 1L }) || n.ValueOf(key[places]).DType == DType.Bool)
                throw n.InputError("of a key, a tensor of places beside whole axes is supported, and no tensor of conditions");
            n.Set(n.TensorFlow("GatherV2", [x, n.ValueOf(key[places]), n.Ints(places)]));
            return;
        }
        long begins = 0, ends = 0, ellipsis = 0, added = 0, shrunk = 0;
        object?[] begin = new object?[key.Length], end = new object?[key.Length];
        long[] steps = new long[key.Length];
        for (int i = 0; i < key.Length; i++)
        {
            (begin[i], end[i], steps[i]) = (0L, 0L, 1);
            switch (key[i])
            {
                case KerasSlice s:
                    if (s.Start == null) begins |= 1L << i;
                    else begin[i] = s.Start;
                    if (s.Stop == null) ends |= 1L << i;
                    else end[i] = s.Stop;
                    steps[i] = s.Step switch { null => 1, long step and not 0 => step, _ => throw n.Error("a step that the model computes is not supported") };
                    break;
                case null: added |= 1L << i; break;
                case long or KerasTensor:
                    shrunk |= 1L << i;
                    begin[i] = key[i];
                    break;
                case var other when ReferenceEquals(other, KerasArguments.Ellipsis): ellipsis |= 1L << i; break;
                default: throw n.Error($"'{key[i]}' in a key is not supported");
            }
        }
        n.Set(n.TensorFlow("StridedSlice", [x, n.ShapeVector(begin), n.ShapeVector(end), n.Ints(steps)], ("begin_mask", begins), ("end_mask", ends), ("ellipsis_mask", ellipsis),
            ("new_axis_mask", added), ("shrink_axis_mask", shrunk)));
    }

    private static void SetAll(KerasNode n, Value[] values) => n.Set([.. values.Select(v => new KerasTensor(v))]);
}
