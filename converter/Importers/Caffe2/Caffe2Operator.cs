using System.Text;
using EdgeLite.Converter.Importers.Caffe2.Proto;
using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Importers.Caffe2;

/// <summary>Marks a method <c>static void (Caffe2Operator)</c> that converts operators of these types.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class Caffe2Attribute(params string[] types) : ForeignLayerAttribute(types);

/// <summary>One operator while it is converted: its blobs as values, its arguments, and where its results go.</summary>
internal sealed class Caffe2Operator(Graph graph, OperatorDef op, Dictionary<string, Value> blobs)
    : NodeBuilder(graph, NameOf(op), $"Operator '{NameOf(op)}' ({op.Type})")
{
    private readonly Dictionary<string, Argument> _arguments = op.Arg.DistinctBy(a => a.Name).ToDictionary(a => a.Name, StringComparer.Ordinal);

    /// <summary>What an operator is called: its name, or its first result where it has none.</summary>
    public static string NameOf(OperatorDef op) => op.Name.Length > 0 ? op.Name : op.Output.FirstOrDefault("") is { Length: > 0 } first ? first : op.Type;

    public string Type => op.Type;
    public int InputCount => op.Input.Count;
    public int OutputCount => op.Output.Count;

    public Value Input(int i = 0)
    {
        if (i >= op.Input.Count) throw Damaged($"input {i} is missing");
        return blobs.GetValueOrDefault(op.Input[i]) ?? throw Damaged($"blob '{op.Input[i]}' is computed by no operator before it, and the init net does not fill it");
    }

    public Value[] Inputs => [.. Enumerable.Range(0, InputCount).Select(Input)];

    public void SetOutput(int i, Value value)
    {
        if (i < op.Output.Count) blobs[op.Output[i]] = value;
    }

    public int Axis(Value value, long axis) => Axis(axis, RankOf(value));

    public bool Has(string name) => _arguments.ContainsKey(name);
    public long Int(string name, long otherwise) => _arguments.TryGetValue(name, out Argument? a) ? a.HasI || !a.HasF ? a.I : (long)a.F : otherwise;
    public double Float(string name, double otherwise) => _arguments.TryGetValue(name, out Argument? a) ? a.HasF || !a.HasI ? a.F : a.I : otherwise;
    public string Text(string name, string otherwise) => _arguments.TryGetValue(name, out Argument? a) ? a.S.ToString(Encoding.UTF8) : otherwise;
    public long[]? Ints(string name) => _arguments.TryGetValue(name, out Argument? a) ? a.Ints.Count > 0 || !a.HasI ? [.. a.Ints] : [a.I] : null;
    public float[]? Floats(string name) => _arguments.TryGetValue(name, out Argument? a) ? a.Floats.Count > 0 || !a.HasF ? [.. a.Floats] : [a.F] : null;

    /// <summary>Bytes given as texts, one after the other.</summary>
    public byte[]? Bytes(string name) => _arguments.TryGetValue(name, out Argument? a) ? [.. a.HasS ? a.S.ToByteArray() : a.Strings.SelectMany(s => s.ToByteArray())] : null;

    /// <summary>Whether blobs are [N, spatial.., C].</summary>
    public bool IsChannelsLast => Text("order", "NCHW") == "NHWC";

    /// <summary>An input as [N, C, spatial..].</summary>
    public Value ChannelsFirst(int i = 0)
    {
        Value x = Input(i);
        if (!IsChannelsLast) return x;
        int rank = RankOf(x);
        return rank < 3 ? x : ToChannelsFirst(x);
    }

    /// <summary>Sets the output that was computed as [N, C, spatial..].</summary>
    public void SetChannelsFirst(int i, Value y)
    {
        if (IsChannelsLast && RankOf(y) > 2) y = ToChannelsLast(y);
        SetOutput(i, y);
    }

    /// <summary>A number for each spatial axis: a list, once for all, or as _h and _w.</summary>
    public long[] Spatial(string plural, string singular, long otherwise, int n)
    {
        if (Ints(plural) is { Length: > 0 } given) return given.Length == n ? given : throw Damaged($"it gives {given.Length} {plural} for {n} spatial axes");
        if (Has(singular)) return [.. Enumerable.Repeat(Int(singular, otherwise), n)];
        if (Has(singular + "_h") || Has(singular + "_w")) return n == 2 ? [Int(singular + "_h", otherwise), Int(singular + "_w", otherwise)] : throw Damaged($"it gives {singular}_h for {n} spatial axes");
        return [.. Enumerable.Repeat(otherwise, n)];
    }

    /// <summary>[begins.., ends..]</summary>
    public long[] Pads(int n)
    {
        if (Ints("pads") is { Length: > 0 } given) return given.Length == 2 * n ? given : throw Damaged($"it gives {given.Length} pads for {n} spatial axes");
        if (Has("pad_t") || Has("pad_l") || Has("pad_b") || Has("pad_r"))
            return n == 2 ? [Int("pad_t", 0), Int("pad_l", 0), Int("pad_b", 0), Int("pad_r", 0)] : throw Damaged($"it gives pad_t for {n} spatial axes");
        return [.. Enumerable.Repeat(Int("pad", 0), 2 * n)];
    }
}
