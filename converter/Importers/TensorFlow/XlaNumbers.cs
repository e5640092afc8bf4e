using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.TensorFlow;

/// <summary>What XLA's operators carry beside tensors: numbers of dimensions as a message (xla_data.proto), and functions of scalars.</summary>
internal static class XlaNumbers
{
    /// <summary>The whole numbers of a message's fields, in the attribute "dimension_numbers".</summary>
    public static Dictionary<int, List<long>> Dimensions(TfNode n)
    {
        var fields = new Dictionary<int, List<long>>();
        var scan = new ProtoScan((n.Attr("dimension_numbers")?.S ?? throw n.Damaged("dimension_numbers are missing")).ToByteArray());
        while (scan.Next())
        {
            if (!fields.TryGetValue(scan.Field, out List<long>? values)) fields[scan.Field] = values = [];
            if (scan.Wire == 0) values.Add((long)scan.Number);
            else if (scan.Wire == 2) Packed(scan.Bytes, values);
        }
        return scan.IsBroken ? throw n.Damaged("dimension_numbers are damaged") : fields;
    }

    private static void Packed(ReadOnlySpan<byte> bytes, List<long> values)
    {
        ulong number = 0;
        int shift = 0;
        foreach (byte b in bytes)
        {
            number |= (ulong)(b & 127) << shift;
            shift = b > 127 ? Math.Min(shift + 7, 63) : 0;
            if (b > 127) continue;
            values.Add((long)number);
            number = 0;
        }
    }

    public static long[] Of(this Dictionary<int, List<long>> fields, int field) => fields.TryGetValue(field, out List<long>? values) ? [.. values] : [];

    public static long One(this Dictionary<int, List<long>> fields, int field) => fields.TryGetValue(field, out List<long>? values) ? values[^1] : 0;

    /// <summary>A function of scalars at one place.</summary>
    public static double At(TfNode n, string attribute, params ReadOnlySpan<(DType Type, double Value)> arguments)
    {
        string name = n.Attr(attribute)?.Func?.Name ?? throw n.Damaged($"attribute '{attribute}' names no function");
        FunctionDef function = n.Scope.Model.Function(name) ?? throw n.Damaged($"function '{name}' is not in the file");
        var apart = new TfContext(new Graph(name), null);
        var items = new TfItem[arguments.Length];
        for (int i = 0; i < items.Length; i++)
        {
            var scalar = new Tensor(arguments[i].Type, Shape.Scalar);
            scalar.SetDouble(0, arguments[i].Value);
            items[i] = apart.Graph.AddConstant($"argument{i}", scalar);
        }
        return n.Scope.Call(function, items, apart) is [TfTensorItem { Value.Constant: { Count: 1 } result }] ? result.GetDouble(0) : throw n.Error($"function '{name}' is not one of its arguments alone");
    }

    /// <summary>What a function of two scalars does, as ScatterND's reductions call it, found by its values: add, mul, max, min (or, and of truths) or
    /// none, which is the second one.</summary>
    public static string Reduction(TfNode n, string attribute, DType type)
    {
        (double A, double B)[] places = type == DType.Bool ? [(0, 0), (0, 1), (1, 0), (1, 1)] : [(3, 5), (5, 3), (2, 7), (4, 4)];
        double[] found = [.. places.Select(p => At(n, attribute, (type, p.A), (type, p.B)))];
        foreach ((string reduction, Func<double, double, double> f) in new (string, Func<double, double, double>)[] { ("max", Math.Max), ("min", Math.Min), ("add", (a, b) => a + b), ("mul", (a, b) => a * b), ("none", (_, b) => b) })
            if (places.Select(p => f(p.A, p.B)).SequenceEqual(found)) return reduction;
        throw n.Error($"what '{n.Attr(attribute)?.Func?.Name}' computes is neither sum, product, maximum, minimum nor its second argument");
    }

    /// <summary>Sizes, all of which must be known.</summary>
    public static long[] Sizes(TfNode n, Value x) => x.Shape.IsKnown ? [.. x.Shape.AsSpan()] : throw n.InputError($"the shape {x.Shape} of '{x.Name}' must be known");
}
