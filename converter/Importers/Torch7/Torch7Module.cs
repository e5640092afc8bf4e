using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Marks a method <c>static object (Torch7Module)</c> that converts modules of these classes (without "nn.").</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class Torch7Attribute(params string[] classes) : ForeignLayerAttribute(classes);

/// <summary>The map from Torch7's modules to their conversions.</summary>
internal static class Torch7Modules
{
    private static readonly Dictionary<string, Func<Torch7Module, object>> s_all = ForeignLayers.Conversions<Torch7Attribute, Func<Torch7Module, object>>();

    /// <summary>cudnn's and cunn's modules compute what nn's of the same name do.</summary>
    public static Func<Torch7Module, object>? Find(string type) =>
        type.IndexOf('.', StringComparison.Ordinal) is var dot && type[..Math.Max(dot, 0)] is "nn" or "cudnn" or "cunn" or "inn" ? s_all.GetValueOrDefault(type[(dot + 1)..]) : null;
}

/// <summary>One module while it is converted. Its input is a tensor (<see cref="Value"/>) or a table (array of such).</summary>
internal sealed class Torch7Module(Graph graph, Refusals refusals, LuaObject module, object input, string path)
    : NodeBuilder(graph, path, $"Module {(path.Length > 0 ? path : "root")} ({module.Type})")
{
    public LuaObject Lua { get; } = module;
    public object Input { get; } = input;

    public Value X => Input as Value ?? throw InputError("its input is a table; a tensor was expected");
    public object[] Table => Input as object[] ?? throw InputError("its input is a tensor; a table was expected");
    public Value[] Tensors => [.. Table.Select(t => t as Value ?? throw InputError("its table holds tables; tensors were expected"))];

    public LuaObject[] Children => (Lua["modules"] as LuaTable)?.Sequence().Select(m => m as LuaObject ?? throw Damaged("one of its modules is no object")).ToArray() ?? throw Damaged("it has no modules");

    public object Convert(LuaObject child, object input, int number) => Convert(Graph, refusals, child, input, Name.Length > 0 ? $"{Name}.{number}" : $"{number}");

    public static object Convert(Graph graph, Refusals refusals, LuaObject child, object input, string path)
    {
        if (path.Length > 400) throw new EdgeLiteException(Status.Corrupt, "The modules of the Torch7 file nest too deeply.");
        Func<Torch7Module, object> convert = Torch7Modules.Find(child.Type) ?? throw new EdgeLiteException(Status.UnknownOperator, $"Module {path} is a {child.Type}, which has no conversion.");
        object? result = null;
        bool isConverted;
        if (child["modules"] is not LuaTable)
            isConverted = refusals.TryConvert(child.Type, graph, Flat(input), (into, of) =>
            {
                var module = new Torch7Module(into, refusals, child, Map(input, of), path);
                result = module.NotEmpty(convert(module));
            });
        else
        {
            // Modules inside a container are looked at one by one.
            void Inside() => result = convert(new Torch7Module(graph, refusals, child, input, path));
            bool isBehind = Flat(input).Any(refusals.IsPlaceholder);
            if (isBehind) refusals.TryBehind(child.Type, Inside);
            isConverted = !isBehind && refusals.Try(child.Type, Inside);
        }
        return isConverted ? result! : result == null ? refusals.Placeholder(graph, path) : Map(result, _ => refusals.Placeholder(graph, path));
    }

    /// <summary>All tensors of an input or result.</summary>
    public static IEnumerable<Value> Flat(object value) => value is object[] table ? table.SelectMany(Flat) : [(Value)value];

    /// <summary>Torch7 has no empty tensors: where a window is larger than what it stands on, its sizes, divided towards zero, come out as 1, and it reads beyond.</summary>
    private object NotEmpty(object result) => Flat(result).FirstOrDefault(t => t.Shape.IsRanked && t.Shape.AsSpan().Contains(0)) is { } empty
        ? throw InputError($"its result would have the shape {empty.Shape}: its input {string.Join(", ", Flat(Input).Select(t => t.Shape))} is too small for it") : result;

    private static object Map(object value, Func<Value, Value> of) => value is object[] table ? table.Select(t => Map(t, of)).ToArray() : of((Value)value);

    public double Number(string field, double otherwise = double.NaN) => Lua[field] switch
    {
        double d => d,
        bool b => b ? 1 : 0,
        _ when !double.IsNaN(otherwise) => otherwise,
        _ => throw Damaged($"its field '{field}' is missing"),
    };

    public long Int(string field) => (long)Number(field);
    public long Int(string field, long otherwise) => (long)Number(field, otherwise);
    public bool Bool(string field, bool otherwise) => Lua[field] as bool? ?? otherwise;
    public long[] Sizes(string field) => Lua[field] is LuaStorage s ? [.. s.Values.Select(v => (long)v)] : throw Damaged($"its field '{field}' is missing");

    /// <summary>A tensor field as float32 in the shape wanted.</summary>
    public Tensor Weights(string field, params ReadOnlySpan<long> dims)
    {
        Tensor t = (Lua[field] as LuaTensor)?.Dense ?? throw Damaged($"its field '{field}' is missing");
        var shape = new Shape(dims);
        if (t.Count != shape.Count) throw Damaged($"'{field}' has {t.Count} numbers; expected {shape}");
        return t.Reshaped(shape).ConvertTo(DType.Float32);
    }

    public bool Has(string field) => Lua[field] is LuaTensor { Sizes.Length: > 0 };
    public long CountOf(string field) => Lua[field] is LuaTensor t ? t.Dense.Count : 0;
    public long[] SizesOf(string field) => (Lua[field] as LuaTensor)?.Sizes ?? throw Damaged($"its field '{field}' is missing");
    public Value Weight(string field, params ReadOnlySpan<long> dims) => Constant(field, Weights(field, dims));

    /// <summary>An input of the network whose rank nobody told is a batch of what its first layer wants (-1: free).</summary>
    public void Refine(params ReadOnlySpan<long> dims)
    {
        if (X.Shape.IsRanked) return;
        long[] named = dims.ToArray();
        for (int i = 0; i < named.Length; i++) if (named[i] < 0) named[i] = Graph.SymbolDim($"{X.Name}_{i}");
        X.Type = new TensorType(X.DType, new Shape(named));
    }

    /// <summary>Runs a layer for batches of <paramref name="rank"/> dimensions on an input that may lack the batch.</summary>
    public Value Batched(int rank, Func<Value, Value> layer)
    {
        if (RankOf(X) == rank) return layer(X);
        if (RankOf(X) != rank - 1) throw InputError($"its input has {RankOf(X)} dimensions; expected {rank} or {rank - 1}");
        return Emit("Squeeze", [layer(Emit("Unsqueeze", [X, Ints(0)])), Ints(0)]);
    }

    /// <summary>A dimension of Torch, counted from 1; one more where nInputDims says that the input has a batch.</summary>
    public int Dimension(long dimension, int rank, long inputDims = 0)
    {
        if (dimension < 0) dimension += rank + 1;
        else if (inputDims > 0 && rank == inputDims + 1) dimension++;
        return dimension >= 1 && dimension <= rank ? (int)dimension - 1 : throw InputError($"dimension {dimension} is outside a tensor of {rank} dimensions");
    }
}
