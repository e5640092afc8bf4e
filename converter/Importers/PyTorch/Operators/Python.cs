using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch.Operators;

/// <summary>What the code does with sizes, numbers, lists, dicts and strings.</summary>
internal static class Python
{
    /// <summary>size(x) is a list; size(x, dim) a number.</summary>
    [Torch("size", OnParts = true)]
    private static object? Size(TorchCall c)
    {
        if (c.Arg(0) is TorchPacked packed && c.Int(1, 0) is (-1 or 1)) return c.Size(packed.Padded, 2);
        Value x = c.Tensor(0);
        int rank = c.Rank(x);
        return c.IsNone(1) ? new TorchList(Enumerable.Range(0, rank).Select(d => (object?)c.Size(x, d))) : c.Size(x, c.Axis(c.Int(1), rank));
    }

    [Torch("prim.shape", OnParts = true)] private static object? Shape(TorchCall c) => Size(c);
    [Torch("dim", "prim.dim", OnParts = true)] private static object? Dim(TorchCall c) => c.Arg(0) is TorchPacked ? 2L : (long)c.Rank(c.Tensor(0));

    [Torch("numel", OnParts = true)]
    private static object? Numel(TorchCall c)
    {
        Value x = c.Tensor(0);
        return x.Shape.IsKnown ? x.Shape.Count : new TorchScalar(c.Emit("Size", [x]), ScalarKind.Int);
    }

    [Torch("len", OnParts = true)]
    private static object? Len(TorchCall c) => c.Arg(0) switch
    {
        TorchList { Added: { } added, Round: { } round } growing => c.Interpreter.Apply("add", [round, (long)(growing.Known.Count + added.Count)], []),
        TorchList { Steps: { } steps } grown => c.Interpreter.Apply("add", [c.Size(steps, 0), (long)grown.Known.Count], []),
        TorchList l => (long)l.Items.Count,
        TorchTuple t => (long)t.Items.Length,
        TorchDict d => (long)d.Items.Count,
        string s => (long)s.Length,
        _ => c.Size(c.Tensor(0), 0),
    };

    [Torch("int", "Int", "IntImplicit", "prim.Int")] private static object? Int(TorchCall c) => c.Interpreter.ToScalar(c.Arg(0), ScalarKind.Int);
    [Torch("bool", "Bool", "prim.Bool")] private static object? Bool(TorchCall c) => c.Interpreter.ToScalar(c.Arg(0), ScalarKind.Bool);

    [Torch("float", "Float", "FloatImplicit", "prim.Float")]
    private static object? Float(TorchCall c)
    {
        if (c.Arg(0) is string s) return s.Trim().ToLowerInvariant() switch { "inf" or "infinity" => double.PositiveInfinity, "-inf" or "-infinity" => double.NegativeInfinity, "nan" => double.NaN, var n => double.Parse(n, CultureInfo.InvariantCulture) };
        // float(x) of a number; x.float() of a tensor is aten::to in the archive, but old files name it so too.
        return c.Name == "float" && c.Arg(0) is TorchBox { Value.Shape: { IsRanked: true, Rank: > 0 } } ? TorchCall.Box(c.Cast(c.Tensor(0), DType.Float32)) : c.Interpreter.ToScalar(c.Arg(0), ScalarKind.Float);
    }

    [Torch("item", "ScalarImplicit", "prim.Scalar")]
    private static object? Item(TorchCall c) => c.Arg(0) is TorchBox b ? c.Interpreter.ToScalar(b, b.Value.DType.IsFloat() ? ScalarKind.Float : b.Value.DType == DType.Bool ? ScalarKind.Bool : ScalarKind.Int) : c.Arg(0);

    [Torch("prim.NumToTensor")] private static object? NumToTensor(TorchCall c) => c.Arg(0);

    /// <summary>A tensor without dimensions, of float32 where nothing else is said.</summary>
    [Torch("scalar_tensor")] private static object? ScalarTensor(TorchCall c) => TorchCall.Box(c.Interpreter.ScalarLike(c.Arg(0), c.Option("dtype") is long n ? TorchArchive.ScalarType(n) : DType.Float32));

    [Torch("prim.unchecked_unwrap_optional", "_unwrap_optional", AnyForm = true)] private static object? Unwrap(TorchCall c) => c.Arg(0) ?? throw c.Error("a value is None here that must not be");

    [Torch("tensor", "as_tensor", "_infer_size_tensor")]
    private static object? MakeTensor(TorchCall c)
    {
        object? given = c.Arg(0);
        DType? dtype = c.Option("dtype") is long n ? TorchArchive.ScalarType(n) : null;
        if (given is TorchBox) return dtype is { } cast ? TorchCall.Box(c.Cast(c.Tensor(0), cast)) : given;
        if (TorchCall.IsNumber(given)) return TorchCall.Box(c.Interpreter.ScalarLike(given, dtype ?? TorchInterpreter.TypeOf(TorchInterpreter.KindOf(given))));
        IReadOnlyList<object?> items = c.Items(0);
        if (items.Count == 0) return TorchCall.Box(c.Builder.Constant("empty", new Tensor(dtype ?? DType.Float32, new Shape(0))));
        if (items.All(i => i is TorchList or TorchTuple))
        {
            object?[] rows = [.. items.Select(i => c.Interpreter.Apply(c.Name, [i], [("dtype", c.Option("dtype"))]))];
            if (rows.OfType<TorchBox>().Select(r => r.Value.DType).Aggregate(Arithmetic.Wider) is var widest)
                rows = [.. rows.Cast<TorchBox>().Select(r => (object?)TorchCall.Box(c.Cast(r.Value, widest)))];
            return c.Interpreter.Apply("stack", [new TorchList(rows)], []);
        }
        if (items.Any(i => !TorchCall.IsNumber(i))) throw c.Error("lists of numbers or of such lists are expected");
        DType type = dtype ?? TorchInterpreter.TypeOf(items.Max(i => TorchInterpreter.KindOf(i) == ScalarKind.Float ? 2 : TorchInterpreter.KindOf(i) == ScalarKind.Int ? 1 : 0) switch { 2 => ScalarKind.Float, 1 => ScalarKind.Int, _ => ScalarKind.Bool });
        return TorchCall.Box(c.Emit("Concat", [.. items.Select(i => c.Reshape(c.Interpreter.ScalarLike(i, type), 1))], ("axis", 0)));
    }

    /// <summary>The numbers of a tensor, in a list for each dimension.</summary>
    [Torch("tolist", Limits = "free sizes")]
    private static object? ToList(TorchCall c)
    {
        if (c.Tensor(0).Shape is not { IsKnown: true, Count: <= 4096 } shape) throw c.Error($"a tensor of {c.Tensor(0).Shape} becomes a list: its size must be known (--shape) and at most 4096 numbers");
        return Nested(c.Arg(0), shape.Rank);

        object? Nested(object? x, int rank) => rank == 0 ? c.Interpreter.Apply("item", [x], [])
            : new TorchList(((TorchList)c.Interpreter.Apply("unbind", [x], [])!).Items.Select(row => Nested(row, rank - 1)));
    }

    [Torch("__is__", AllowsAbsent = true, AnyForm = true)] private static object? Is(TorchCall c) => c.Arg(0) is null && c.Arg(1) is null || c.Arg(0) is bool a && c.Arg(1) is bool b && a == b;
    [Torch("__isnot__", AllowsAbsent = true, AnyForm = true)] private static object? IsNot(TorchCall c) => !(bool)Is(c)!;

    [Torch("__contains__")]
    private static object? Contains(TorchCall c)
    {
        if (c.Arg(0) is TorchDict d) return d.Items.Any(i => Equals(i.Key, c.Arg(1)));
        IReadOnlyList<object?> items = c.Items(0);
        object? wanted = c.Arg(1);
        if (wanted is not TorchScalar && items.All(i => i is not TorchScalar)) return items.Any(i => Equals(i, wanted));
        object? found = false;
        foreach (object? item in items) found = c.Interpreter.Apply("__or__", [found, c.Interpreter.Apply("eq", [item, wanted], [])], []);
        return found;
    }

    [Torch("append", AnyForm = true)] private static object? Append(TorchCall c) { ((TorchList)c.Arg(0)!).Append(c.Arg(1)); return c.Arg(0); }
    [Torch("extend", AnyForm = true)] private static object? Extend(TorchCall c) { ((TorchList)c.Arg(0)!).Items.AddRange(c.Items(1)); return null; }
    [Torch("insert", AnyForm = true)] private static object? Insert(TorchCall c) { ((TorchList)c.Arg(0)!).Items.Insert((int)c.Int(1), c.Arg(2)); return null; }
    [Torch("list", "sorted", AnyForm = true)] private static object? List(TorchCall c) => c.Name == "sorted" ? new TorchList(c.Items(0).Select(i => (long)i!).Order().Select(i => (object?)i)) : new TorchList(c.Items(0));
    [Torch("reverse", AnyForm = true)] private static object? Reverse(TorchCall c) { ((TorchList)c.Arg(0)!).Items.Reverse(); return null; }

    [Torch("pop", AnyForm = true)]
    private static object? Pop(TorchCall c)
    {
        List<object?> items = ((TorchList)c.Arg(0)!).Items;
        int i = (int)c.Int(1, -1);
        if (i < 0) i += items.Count;
        object? value = items[i];
        items.RemoveAt(i);
        return value;
    }

    [Torch("__getitem__", AnyForm = true)]
    private static object? GetItem(TorchCall c)
    {
        if (c.Arg(0) is TorchDict d) return d.Items.First(i => Equals(i.Key, c.Arg(1))).Value;
        long i = c.Int(1);
        IReadOnlyList<object?> items = c.Items(0);
        return items[(int)(i < 0 ? i + items.Count : i)];
    }

    [Torch("_set_item", AnyForm = true)]
    private static object? SetItem(TorchCall c)
    {
        if (c.Arg(0) is TorchDict d)
        {
            int found = d.Items.FindIndex(i => Equals(i.Key, c.Arg(1)));
            if (found < 0) d.Items.Add(new(c.Arg(1), c.Arg(2)));
            else d.Items[found] = new(c.Arg(1), c.Arg(2));
            return null;
        }
        List<object?> items = ((TorchList)c.Arg(0)!).Items;
        long at = c.Int(1);
        items[(int)(at < 0 ? at + items.Count : at)] = c.Arg(2);
        return null;
    }

    /// <summary>dict(), dict(another) or dict of a list of pairs.</summary>
    [Torch("dict", AnyForm = true)]
    private static object? Dict(TorchCall c)
    {
        var dict = new TorchDict();
        if (c.Arg(0) is TorchDict other) dict.Items.AddRange(other.Items);
        else
            foreach (object? pair in c.Items(0))
                if (pair is TorchTuple { Items: [var key, var value] }) dict.Items.Add(new(key, value));
                else throw c.Error($"a dict is made of {TorchInterpreter.Describe(pair)}");
        return dict;
    }

    /// <summary>(dict, another): takes over the entries of the other one.</summary>
    [Torch("update", AnyForm = true)]
    private static object? Update(TorchCall c)
    {
        foreach ((object? key, object? value) in ((TorchDict)c.Arg(1)!).Items) c.Interpreter.Apply("_set_item", [c.Arg(0), key, value], []);
        return null;
    }

    [Torch("items", AnyForm = true)] private static object? Pairs(TorchCall c) => new TorchList(((TorchDict)c.Arg(0)!).Items.Select(i => (object?)new TorchTuple([i.Key, i.Value])));

    /// <summary>(dict, key, default = None)</summary>
    [Torch("get", AnyForm = true)]
    private static object? Get(TorchCall c)
    {
        foreach ((object? key, object? value) in ((TorchDict)c.Arg(0)!).Items) if (Equals(key, c.Arg(1))) return value;
        return c.Arg(2);
    }

    [Torch("Delete", "__delitem__", AnyForm = true)]
    private static object? DeleteItem(TorchCall c)
    {
        if (c.Arg(0) is TorchDict d) d.Items.RemoveAll(i => Equals(i.Key, c.Arg(1)));
        else ((TorchList)c.Arg(0)!).Items.RemoveAt((int)(c.Int(1) < 0 ? c.Int(1) + c.Items(0).Count : c.Int(1)));
        return null;
    }

    [Torch("clear", AnyForm = true)]
    private static object? Clear(TorchCall c)
    {
        if (c.Arg(0) is TorchDict d) d.Items.Clear();
        else ((TorchList)c.Arg(0)!).Items.Clear();
        return null;
    }

    [Torch("keys", AnyForm = true)] private static object? Keys(TorchCall c) => new TorchList(((TorchDict)c.Arg(0)!).Items.Select(i => i.Key));
    [Torch("values", AnyForm = true)] private static object? Values(TorchCall c) => new TorchList(((TorchDict)c.Arg(0)!).Items.Select(i => i.Value));

    [Torch("__range_length")]
    private static object? RangeLength(TorchCall c)
    {
        long low = c.Int(0), high = c.Int(1), step = c.Int(2);
        return step > 0 ? Math.Max(0, (high - low + step - 1) / step) : Math.Max(0, (low - high - step - 1) / -step);
    }

    [Torch("__derive_index")] private static object? DeriveIndex(TorchCall c) => c.Interpreter.Apply("add", [c.Interpreter.Apply("mul", [c.Arg(0), c.Arg(2)], []), c.Arg(1)], []);
    /// <summary>(text, values..): each {} becomes the next value.</summary>
    [Torch("format", AllowsAbsent = true)] private static object? Format(TorchCall c) => Filled(c, c.Text(0, "").Split("{}"), [.. Enumerable.Range(1, c.Count - 1).Select(c.Arg)]);

    /// <summary>(text, values): each %s, %d and the like becomes the next value.</summary>
    [Torch("percentFormat", AllowsAbsent = true, Limits = "widths and precisions")]
    private static object? PercentFormat(TorchCall c)
    {
        string[] parts = System.Text.RegularExpressions.Regex.Split(c.Text(0, "").Replace("%%", "\0", StringComparison.Ordinal), "%[sdi]");
        if (parts.Any(p => p.Contains('%', StringComparison.Ordinal))) return new TorchAbsent("a text with a width or a precision is not made");
        object? text = Filled(c, parts, c.Arg(1) is TorchTuple t ? t.Items : [.. Enumerable.Range(1, c.Count - 1).Select(c.Arg)]);
        return text is string s ? s.Replace("\0", "%", StringComparison.Ordinal) : text;
    }

    [Torch("str", AllowsAbsent = true)] private static object? Str(TorchCall c) => Filled(c, ["", ""], [c.Arg(0)]);

    private static object? Filled(TorchCall c, string[] parts, object?[] values)
    {
        if (parts.Length != values.Length + 1) throw c.Error($"a text has places for {parts.Length - 1} values, got {values.Length}");
        var text = new System.Text.StringBuilder(parts[0]);
        for (int i = 0; i < values.Length; i++)
        {
            if (PythonText(values[i]) is not { } value) return new TorchAbsent($"a text depends on {TorchInterpreter.Describe(values[i])}");
            text.Append(value).Append(parts[i + 1]);
        }
        return text.ToString();
    }

    /// <summary>What Python's str gives for a value; null where that is not known.</summary>
    private static string? PythonText(object? value) => value switch
    {
        null => "None",
        bool b => b ? "True" : "False",
        long n => n.ToString(CultureInfo.InvariantCulture),
        double d when Math.Abs(d) is 0 or (>= 1e-4 and < 1e15) => d.ToString("0.0################", CultureInfo.InvariantCulture),
        string s => s,
        _ => null,
    };

    /// <summary>(text, part): where the part is, or -1.</summary>
    [Torch("find")] private static object? Find(TorchCall c) => (long)c.Text(0, "").IndexOf(c.Text(1, ""), StringComparison.Ordinal);
    [Torch("startswith")] private static object? StartsWith(TorchCall c) => c.Text(0, "").StartsWith(c.Text(1, ""), StringComparison.Ordinal);
    [Torch("endswith")] private static object? EndsWith(TorchCall c) => c.Text(0, "").EndsWith(c.Text(1, ""), StringComparison.Ordinal);

    [Torch("warn", "Print", "prim.Print", "print", "set_grad_enabled", "_assert", "_assert_async", AllowsAbsent = true)] private static object? Nothing(TorchCall c) => null;
    [Torch("is_grad_enabled", "is_autocast_enabled", "is_scripting", "prim.is_cuda", "prim.is_quantized", "prim.requires_grad", "prim.is_sparse", "prim.is_mkldnn", "prim.is_meta", "prim.is_nested", "is_nested", "prim.is_xla", "prim.is_mps", "prim.is_ort", "is_training", "is_deterministic")] private static object? False(TorchCall c) => false;
    [Torch("is_floating_point")] private static object? IsFloating(TorchCall c) => c.Tensor(0).DType.IsFloat();
    [Torch("device", "prim.device")] private static object? Device(TorchCall c) => "cpu";
    [Torch("prim.type")] private static object? DeviceType(TorchCall c) => "cpu";
    [Torch("prim.layout")] private static object? Layout(TorchCall c) => 0L;

    [Torch("prim.dtype")]
    private static object? Dtype(TorchCall c) => (c.Arg(0) is TorchPacked packed ? packed.Padded : c.Tensor(0)).DType switch
    {
        DType.UInt8 => 0L, DType.Int8 => 1L, DType.Int16 => 2L, DType.Int32 => 3L, DType.Int64 => 4L, DType.Float16 => 5L, DType.Float32 => 6L, DType.Float64 => 7L, DType.Bool => 11L, DType.BFloat16 => 15L,
        var t => throw c.Error($"a tensor is {t.Name()}"),
    };

    [Torch("prim.RaiseException", AllowsAbsent = true)] private static object? Raise(TorchCall c) => throw new TorchRaise(c.Arg(0) as string ?? "an exception");
}
