using System.Text;
using System.Text.RegularExpressions;
using EdgeLite.Converter.Importers.PyTorch;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Lasagne;

/// <summary>
/// The list that lasagne.layers.get_all_param_values gave, from .npz (numpy.savez of the list: arr_0, arr_1, ...) or from a pickle of
/// the list, or of a dict that has it under "param values", "params" or "values"; the elements of a pickle may be Theano's shared variables
/// (theano.tensor.sharedvar), whose values lie in their containers. A pickle is read as data; nothing of it is executed.
/// </summary>
internal static partial class LasagneParameters
{
    private const long MaxPickle = 1L << 30;

    /// <summary>One function for each array, so that only arrays that a layer takes are converted.</summary>
    public static IReadOnlyList<Func<Tensor>> Read(string path) => File.Exists(path) && ModelFile.Head(path) is [(byte)'P', (byte)'K', ..]
        ? [.. NpzFile.Read(path).Select((p, i) => (Order: Numbered().Match(p.Key) is { Success: true } m ? int.Parse(m.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture) : i, p.Value)).OrderBy(p => p.Order).Select(p => (Func<Tensor>)(() => p.Value))]
        : FromPickle(path);

    /// <summary>A pickle of protocol 2 and later that names Theano's classes.</summary>
    public static bool IsTheanoPickle(ReadOnlySpan<byte> head) => head.Length > 2 && head[0] == 0x80 && head[1] is >= 2 and <= 5 && head.IndexOf("theano."u8) >= 0;

    /// <summary>What to say of a pickle that was given in the place of an architecture.</summary>
    public static EdgeLiteException WithoutArchitecture(string path)
    {
        object? root = Unpickle(path);
        string name = Path.GetFileName(path);
        if (Listed(root) is { } list && list.All(v => v is PickleObject o && Value(o) is not null))
            return new(Status.NotAModel, $"'{path}' holds {list.Count} parameters, but no architecture. Write it as a .json file beside it and convert that: {{\"format\": \"lasagne\", \"parameters\": \"{name}\", \"layers\": [...]}} (docs/importers.md).");
        string what = root is PickleObject made ? made.Type.FullName : "objects of Theano";
        return new(Status.Unsupported, $"'{path}' holds {what}. A compiled function or a graph of Theano refers to Theano's own code, which is not in the file. Save the values, numpy.savez(file, *[p.get_value() for p in parameters]), and write the architecture as a .json file beside them (docs/importers.md, Lasagne).");
    }

    private static List<object?>? Listed(object? root) => (root is PickleDict dict ? dict.Find("param values") ?? dict.Find("params") ?? dict.Find("values") : root) as List<object?>;

    /// <summary>The array of a shared variable: {container: {storage: [array]}}; another object as it is.</summary>
    private static PickleObject? Value(PickleObject item)
    {
        if (!item.Type.FullName.StartsWith("theano.", StringComparison.Ordinal)) return item;
        return item.State is PickleDict variable && variable.Find("container") is PickleObject { State: PickleDict container } && container.Find("storage") is List<object?> { Count: 1 } storage
            ? storage[0] as PickleObject : null;
    }

    private static Func<Tensor>[] FromPickle(string path) => Listed(Unpickle(path)) is { } list
        ? [.. list.Select((item, i) => (Func<Tensor>)(() => Array(item is PickleObject o ? Value(o) : item, path, i)))]
        : throw new EdgeLiteException(Status.Corrupt, $"'{path}' holds no list of parameters.");

    private static object? Unpickle(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.");
        if (ModelFile.Length(path) > MaxPickle) throw new EdgeLiteException(Status.Unsupported, $"'{path}' is larger than {MaxPickle} bytes; save the parameters with numpy.savez.");
        // Each text is turned into bytes once, however often the pickle asks.
        var encoded = new Dictionary<object, byte[]>(ReferenceEqualityComparer.Instance);
        (object? Value, bool Known) Reduce(PickleGlobal function, object?[] arguments)
        {
            if (function.FullName != "_codecs.encode" || arguments is not [string text, "latin1"]) return (null, false);
            if (!encoded.TryGetValue(text, out byte[]? bytes)) encoded[text] = bytes = Encoding.Latin1.GetBytes(text);
            return (bytes, true);
        }
        return new Pickle(File.ReadAllBytes(path), _ => throw new EdgeLiteException(Status.Corrupt, $"'{path}' refers to objects outside of it."), Reduce).Load(out _);
    }

    /// <summary>numpy's __setstate__ of an array: (version, shape, dtype, Fortran's order, bytes); of a dtype: (version, byte order, ...).</summary>
    private static Tensor Array(object? item, string path, int number)
    {
        if (item is not PickleObject { State: PickleTuple { Items: [long, PickleTuple shape, PickleObject type, bool fortran, var content] } }
            || type is not { Arguments: PickleTuple { Items: [string code, ..] }, State: PickleTuple { Items: [long, string order, ..] } })
            throw new EdgeLiteException(Status.Corrupt, $"'{path}': parameter {number} is no array of numpy; get the values with lasagne.layers.get_all_param_values.");
        DType dtype = code switch
        {
            "f2" => DType.Float16, "f4" => DType.Float32, "f8" => DType.Float64, "i4" => DType.Int32, "i8" => DType.Int64,
            _ => throw new EdgeLiteException(Status.Unsupported, $"'{path}': parameter {number} has numpy's type '{code}'."),
        };
        if (order != "<") throw new EdgeLiteException(Status.Unsupported, $"'{path}': parameter {number} has byte order '{order}', only '<' is read.");
        byte[] bytes = content as byte[] ?? (content is string raw ? Encoding.Latin1.GetBytes(raw) : []);
        long[] dims = [.. shape.Items.Select(d => d is long n and >= 0 ? n : -1)];
        long count = 1;
        foreach (long d in dims) count = checked(count * d);
        if (dims.Length > Shape.MaxRank || dims.Any(d => d < 0) || dtype.ByteLength(count) != bytes.LongLength)
            throw new EdgeLiteException(Status.Corrupt, $"'{path}': parameter {number} has {bytes.Length} bytes, which is not its shape [{string.Join(", ", dims)}] of {dtype}.");
        if (!fortran || dims.Length < 2) return Filled(dtype, dims, bytes);

        // The first index runs fastest: read with reversed dimensions, then take element by element.
        Tensor reversed = Filled(dtype, [.. dims.Reverse()], bytes);
        var straight = new Tensor(dtype, new Shape(dims));
        for (long i = 0; i < count; i++)
        {
            long rest = i, from = 0, step = count;
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                step /= dims[axis];
                from += rest % dims[axis] * step;
                rest /= dims[axis];
            }
            straight.SetDouble(i, reversed.GetDouble(from));
        }
        return straight;
    }

    private static Tensor Filled(DType dtype, long[] dims, byte[] bytes)
    {
        var tensor = new Tensor(dtype, new Shape(dims));
        bytes.CopyTo(tensor.Bytes);
        return tensor;
    }

    [GeneratedRegex("^arr_([0-9]{1,6})$")]
    private static partial Regex Numbered();
}
