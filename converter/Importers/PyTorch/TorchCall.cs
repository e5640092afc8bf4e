using System.Reflection;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Marks a method <c>static object? (TorchCall)</c> that converts the operators of these names (aten:: where there is no
/// library's name).</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class TorchAttribute(params string[] names) : ForeignLayerAttribute(names)
{
    /// <summary>True when the operator can do with arguments that are not there.</summary>
    public bool AllowsAbsent { get; init; }

    /// <summary>True when a complex tensor gives what its real part gives and what its imaginary part gives.</summary>
    public bool OnParts { get; init; }

    /// <summary>What kind of tensor this form of the operator is for.</summary>
    public TorchForm Form { get; init; }

    /// <summary>True when it does not matter what kind of tensors the arguments are, as for the elements of a list.</summary>
    public bool AnyForm { get; init; }
}

/// <summary>What an operator computes with.</summary>
internal enum TorchForm { Plain, Complex, Quantized }

internal sealed record TorchOperator(string Name, Func<TorchCall, object?> Convert, TorchAttribute How)
{
    public bool AllowsAbsent => How.AllowsAbsent;
}

/// <summary>The map from PyTorch's operators to their conversions.</summary>
internal static class TorchOperators
{
    private static readonly Dictionary<string, TorchOperator> s_all = Collect(TorchForm.Plain), s_complex = Collect(TorchForm.Complex), s_quantized = Collect(TorchForm.Quantized);

    /// <summary>The conversion for complex tensors.</summary>
    public static TorchOperator? FindComplex(string name)
    {
        if (s_complex.TryGetValue(name, out TorchOperator? op)) return op;
        if (s_all.TryGetValue(name, out op) && (op.How.OnParts || op.How.AnyForm)) return op;
        return IsInPlace(name) && FindComplex(name[..^1]) is { } plain ? plain.How.OnParts ? Find(name) : plain with { Convert = InPlace(plain.Convert) } : null;
    }

    /// <summary>The conversion for quantized tensors, where that is not the plain one between dequantizing and quantizing.</summary>
    public static TorchOperator? FindQuantized(string name) => s_quantized.TryGetValue(name, out TorchOperator? op) || s_all.TryGetValue(name, out op) && op.How.AnyForm ? op : null;

    /// <summary>Whether a name is that of the form that works in place ("relu_").</summary>
    public static bool IsInPlace(string name) => name.EndsWith('_') && !name.EndsWith("__", StringComparison.Ordinal);

    /// <summary>The conversion of an operator; the form that works in place ("relu_") is that of the plain one.</summary>
    public static TorchOperator? Find(string name)
    {
        if (s_all.TryGetValue(name, out TorchOperator? op)) return op;
        if (TorchLibrary.Find(name) is { } composed) return new TorchOperator(name, composed, s_composed);
        if (name.StartsWith("special_", StringComparison.Ordinal)) return Find(name["special_".Length..]);
        if (!IsInPlace(name) || Find(name[..^1]) is not { } plain) return null;
        return plain with { Convert = InPlace(plain.Convert) };
    }

    /// <summary>What can be converted, for the documentation.</summary>
    public static IReadOnlyList<LayerReference> References => [.. ForeignLayers.References<TorchAttribute>().Concat(TorchLibrary.References).DistinctBy(l => l.Name).OrderBy(l => l.Name, StringComparer.Ordinal)];

    private static Func<TorchCall, object?> InPlace(Func<TorchCall, object?> convert) => c =>
    {
        object? result = convert(c);
        if (c.Arguments[0] is TorchComplex z)
        {
            if (result is not TorchComplex changed) throw c.Error("a complex tensor becomes a real one in place");
            c.Interpreter.Overwrite(z.Real, changed.Real.Value);
            c.Interpreter.Overwrite(z.Imaginary, changed.Imaginary.Value);
            return z;
        }
        if (c.Arguments[0] is not TorchBox target || result is not TorchBox source) return result;
        if (target.Value.DType != source.Value.DType && target.Value.DType != DType.Undefined) c.Interpreter.Overwrite(target, c.Interpreter.CastTo(source.Value, target.Value.DType));
        else c.Interpreter.Overwrite(target, source.Value);
        return target;
    };

    private static readonly TorchAttribute s_composed = new();

    private static Dictionary<string, TorchOperator> Collect(TorchForm form)
    {
        var all = new Dictionary<string, TorchOperator>(StringComparer.Ordinal);
        foreach ((MethodInfo method, TorchAttribute a) in ForeignLayers.Marked<TorchAttribute>().Where(m => m.Attribute.Form == form))
            foreach (string name in a.Names) all.Add(name, new TorchOperator(name, method.CreateDelegate<Func<TorchCall, object?>>(), a));
        return all;
    }
}

/// <summary>One call of an operator: its arguments, and the means to make nodes.</summary>
internal sealed class TorchCall(TorchInterpreter interpreter, string name, object?[] arguments, (string Name, object? Value)[] named)
{
    public TorchInterpreter Interpreter { get; } = interpreter;
    public string Name { get; } = name;
    public object?[] Arguments { get; } = arguments;
    public TorchBuilder Builder => Interpreter.Builder;

    /// <summary>The operator's name without the underscore of the in-place form.</summary>
    public string PlainName => Name.TrimEnd('_');

    public int Count => Arguments.Length;

    public object? Arg(int i) => i < Arguments.Length ? Arguments[i] : null;

    /// <summary>An argument given by name.</summary>
    public object? Option(string key)
    {
        _read.Add(key);
        return named.FirstOrDefault(n => n.Name == key).Value;
    }

    /// <summary>All arguments given by name.</summary>
    public IReadOnlyList<(string Name, object? Value)> Named => named;

    /// <summary>Named arguments that say where and how a tensor lies in memory, or only matter in training.</summary>
    private static readonly HashSet<string> s_immaterial = new(StringComparer.Ordinal)
    { "copy", "device", "generator", "layout", "memory_format", "names", "non_blocking", "pin_memory", "requires_grad" };

    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>Throws where an argument was given by name that the conversion did not look at.</summary>
    public void RefuseUnread()
    {
        foreach ((string key, object? value) in named)
            if (value is not (null or false) && !s_immaterial.Contains(key) && !_read.Contains(key)) throw Error($"argument '{key}' is not supported");
    }

    /// <summary>An argument given in its place or by name.</summary>
    public object? Arg(int i, string key) => i < Arguments.Length ? Arguments[i] : Option(key);

    public bool IsNone(int i) => Arg(i) is null or TorchAbsent;
    public bool IsTensor(int i) => Arg(i) is TorchBox;
    public static bool IsNumber(object? value) => value is bool or long or double or TorchScalar;

    /// <summary>Argument as a tensor; a number becomes a scalar.</summary>
    public Value Tensor(int i) => AsTensor(Arg(i), $"argument {i}");

    public Value AsTensor(object? value, string what) => value switch
    {
        TorchBox b => Interpreter.Read(b),
        bool or long or double or TorchScalar => Interpreter.ScalarValue(value, TorchInterpreter.KindOf(value)),
        _ => throw Error($"{what} is {TorchInterpreter.Describe(value)}, expected a tensor"),
    };

    public Value? Optional(int i) => IsNone(i) ? null : Tensor(i);

    public Tensor? Constant(int i) => Arg(i) is TorchBox b ? b.Value.Constant : null;

    public long Int(int i, long otherwise) => Arg(i) is null ? otherwise : Known(Arg(i), $"argument {i}");
    public long Int(int i) => Known(Arg(i), $"argument {i}");

    public long Known(object? value, string what) => Interpreter.ToScalar(value, ScalarKind.Int) is long n ? n
        : throw Error($"{what} is known only when the model runs; give the inputs a size with --shape");

    public double Number(int i, double otherwise) => Arg(i) is null ? otherwise : Interpreter.ToScalar(Arg(i), ScalarKind.Float) is double d ? d : throw Error($"argument {i} is known only when the model runs");
    public bool Bool(int i, bool otherwise) => Arg(i) switch { null => otherwise, bool b => b, long n => n != 0, var v => throw Error($"argument {i} is {TorchInterpreter.Describe(v)}, expected True or False") };
    public string Text(int i, string otherwise) => Arg(i) as string ?? otherwise;

    public IReadOnlyList<object?> Items(int i) => Arg(i) switch
    {
        TorchList l => l.Items,
        TorchTuple t => t.Items,
        null => [],
        var v when IsNumber(v) => [v],
        var v => throw Error($"argument {i} is {TorchInterpreter.Describe(v)}, expected a list"),
    };

    /// <summary>A list of integers that are known now; a single one stands for <paramref name="rank"/> equal ones.</summary>
    public long[] Ints(int i, int rank = 0)
    {
        long[] values = [.. Items(i).Select((v, k) => Known(v, $"element {k} of argument {i}"))];
        if (rank > 0 && values.Length == 1) return [.. Enumerable.Repeat(values[0], rank)];
        return rank > 0 && values.Length != rank ? throw Error($"argument {i} has {values.Length} numbers, expected {rank}") : values;
    }

    public Value[] Tensors(int i) => [.. Items(i).Select((v, k) => AsTensor(v, $"element {k} of argument {i}"))];

    public int Rank(Value value) => value.Shape.IsRanked ? value.Shape.Rank
        : throw Error($"the rank of '{value.Name}' must be known; give the inputs a size with --shape NAME=1x3x224x224");

    public int Axis(long axis, int rank)
    {
        long actual = axis < 0 ? axis + Math.Max(rank, 1) : axis;
        return actual >= 0 && actual < Math.Max(rank, 1) ? (int)actual : throw Error($"dimension {axis} is outside a tensor of {rank} dimensions");
    }

    public Value Emit(string opType, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Builder.Emit(opType, Interpreter.Named(PlainName), inputs, attributes);

    public Value[] EmitMany(string opType, int outputs, ReadOnlySpan<Value?> inputs, params ReadOnlySpan<(string, AttributeValue)> attributes) =>
        Builder.EmitMany(opType, Interpreter.Named(PlainName), outputs, inputs, attributes);

    public Value IntTensor(params ReadOnlySpan<long> values) => Builder.Constant(Interpreter.Named("ints"), Core.Tensor.FromArray(values, new Shape(values.Length)));
    public Value Floats(params ReadOnlySpan<float> values) => Builder.Constant(Interpreter.Named("floats"), Core.Tensor.FromArray(values, new Shape(values.Length)));
    public Value Scalar(DType type, double value) => Interpreter.ScalarLike(value, type);
    public Value Cast(Value value, DType type) => Interpreter.CastTo(value, type);

    public static TorchBox Box(Value value) => new(value);

    /// <summary>A result that shares memory with the first argument in PyTorch: how it is made again when that changes in place, and
    /// how what is changed in it gets there.</summary>
    public TorchBox View(Value value, Func<Value, Value>? again = null, Func<Value, Value, Value>? putBack = null)
    {
        var of = Arg(0) as TorchBox;
        return new(value) { ViewOf = of, Seen = of?.Version ?? 0, Again = again, PutBack = putBack };
    }

    /// <summary>A view that has the same elements in the same order, in another shape.</summary>
    public TorchBox Reshaped(Value value) =>
        View(value, whole => Emit("Reshape", [whole, ShapeOf(value)]), (whole, view) => Emit("Reshape", [view, ShapeOf(whole)]));

    /// <summary>A view that is the tensor itself.</summary>
    public TorchBox Itself(Value value) => View(value, whole => whole, (_, view) => view);

    /// <summary>The sizes of a tensor, a constant where they are known.</summary>
    public Value ShapeOf(Value x) => x.Shape.IsKnown ? IntTensor(x.Shape.AsSpan()) : Emit("Shape", [x]);

    /// <summary>The elements start..end along an axis (step 1).</summary>
    public TorchBox Sliced(Value value, long axis, object? start, object? end) =>
        View(value, whole => Emit("Slice", [whole, SizeTensor([start]), SizeTensor([end]), IntTensor(axis)]), (whole, view) => WithSlice(whole, view, axis, start, end));

    private Value WithSlice(Value whole, Value view, long axis, object? start, object? end)
    {
        var parts = new List<Value> { view };
        if (start is not 0L) parts.Insert(0, Emit("Slice", [whole, IntTensor(0), SizeTensor([start]), IntTensor(axis)]));
        if (end is not long.MaxValue) parts.Add(Emit("Slice", [whole, SizeTensor([end]), IntTensor(long.MaxValue), IntTensor(axis)]));
        return parts.Count == 1 ? view : Emit("Concat", [.. parts], ("axis", axis));
    }

    /// <summary>One index of an axis, which goes: a number, or one that is known only when the model runs.</summary>
    public TorchBox Selected(Value value, long axis, object? index)
    {
        Value at = Interpreter.ScalarValue(index, ScalarKind.Int);
        return View(value, whole => Emit("Gather", [whole, at], ("axis", axis)), (whole, view) =>
        {
            Value wide = Unsqueeze(view, axis);
            if (index is long i and not -1) return WithSlice(whole, wide, axis, i, i + 1);
            if (index is -1L) return WithSlice(whole, wide, axis, -1L, long.MaxValue);
            Value indices = Emit("Expand", [Emit("Reshape", [at, IntTensor([.. Enumerable.Repeat(1L, Rank(wide))])]), ShapeOf(wide)]);
            return Emit("ScatterElements", [whole, indices, wide], ("axis", axis));
        });
    }

    /// <summary>A list of sizes as a tensor for Reshape, Expand and the like.</summary>
    public Value SizeTensor(IReadOnlyList<object?> sizes)
    {
        object[] known = [.. sizes.Select(s => Interpreter.ToScalar(s, ScalarKind.Int) ?? throw Error("a size is None, expected a number"))];
        if (known.All(k => k is long)) return IntTensor([.. known.Cast<long>()]);
        return Emit("Concat", [.. known.Select(k => k is long n ? IntTensor(n) : Emit("Reshape", [((TorchScalar)k).Value, IntTensor(1)]))], ("axis", 0));
    }

    /// <summary>The size of a tensor along an axis: a number when it is known now.</summary>
    public object Size(Value x, int axis)
    {
        if (x.Shape.IsRanked && x.Shape[axis] >= 0) return x.Shape[axis];
        Value shape = Emit("Shape", [x], ("start", axis), ("end", axis + 1));
        return new TorchScalar(Emit("Reshape", [shape, Builder.Constant(Interpreter.Named("scalar"), new Tensor(DType.Int64, new Shape(0)))]), ScalarKind.Int, x, axis);
    }

    public Value Reshape(Value x, params ReadOnlySpan<long> shape) => Emit("Reshape", [x, IntTensor(shape)]);
    public Value Transpose(Value x, params long[] permutation) => Emit("Transpose", [x], ("perm", permutation));
    public Value Unsqueeze(Value x, params ReadOnlySpan<long> axes) => Emit("Unsqueeze", [x, IntTensor(axes)]);
    public Value Squeeze(Value x, params ReadOnlySpan<long> axes) => Emit("Squeeze", [x, IntTensor(axes)]);

    public EdgeLiteException Error(string message) => Interpreter.Error($"operator '{Name}': {message}");
}
