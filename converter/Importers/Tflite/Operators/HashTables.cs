using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.Tflite.Operators;

/// <summary>Tables of constants from int64 to string or from string to int64: what they find is a LabelEncoder.</summary>
internal static class HashTables
{
    [Tflite(TfliteOp.HASHTABLE)]
    private static void Table(TfliteNode n)
    {
        string name = $"hashtable/{n.Options.Int32(TfliteOption.Hashtable.TableId)}";
        if (!n.Scope.Variables.TryGetValue(name, out TfliteVariable? table)) n.Scope.Variables[name] = table = new TfliteVariable(name);
        n.Scope.SetHandle(n.OutputIndex(0), table);
    }

    /// <summary>Of equal keys the first counts, and the first import.</summary>
    [Tflite(TfliteOp.HASHTABLE_IMPORT, Limits = "keys or values that the model computes")]
    private static void Import(TfliteNode n)
    {
        TfliteVariable table = n.Scope.Handle(n.InputIndex(0));
        if (table.Keys != null) return;
        if (n.Constant(1) is not { } keys || n.Constant(2) is not { } values) throw n.InputError("a table of anything but constants is not supported");
        if (keys.Count != values.Count) throw n.Damaged($"there are {keys.Count} keys and {values.Count} values");
        if (!IsPair(keys.DType, values.DType)) throw n.Damaged($"keys are {keys.DType.Name()}, values {values.DType.Name()}; expected int64 and string, or string and int64");
        if (keys.Count == 0) throw n.Error("an empty table is not supported");
        (table.Keys, table.Initial) = (keys, values);
    }

    [Tflite(TfliteOp.HASHTABLE_FIND, Limits = "a default that the model computes")]
    private static void Find(TfliteNode n)
    {
        (Tensor keys, Tensor values) = Content(n);
        if (n.Constant(2) is not { Count: 1 } missing || missing.DType != values.DType) throw n.InputError($"the default for what is not found must be a constant of {values.DType.Name()}");
        int[] first = [.. Enumerable.Range(0, (int)keys.Count).DistinctBy(i => keys.Strings?[i] ?? (object)keys.GetInt64(i))];
        AttributeSet attributes = keys.Strings is { } words
            ? AttributeSet.Of(("keys_strings", first.Select(i => words[i]).ToArray()), ("values_int64s", first.Select(i => values.GetInt64(i)).ToArray()), ("default_int64", missing.GetInt64(0)))
            : AttributeSet.Of(("keys_int64s", first.Select(i => keys.GetInt64(i)).ToArray()), ("values_strings", first.Select(i => values.Strings![i]).ToArray()), ("default_string", missing.Strings![0]));
        n.SetRaw(0, n.Graph.Add("LabelEncoder", $"{n.Name}/LabelEncoder", [n.Raw(1)], attributes, "ai.onnx.ml"));
    }

    [Tflite(TfliteOp.HASHTABLE_SIZE)]
    private static void Size(TfliteNode n)
    {
        (Tensor keys, _) = Content(n);
        n.SetRaw(0, n.Ints(Enumerable.Range(0, (int)keys.Count).Select(i => keys.Strings?[i] ?? (object)keys.GetInt64(i)).Distinct().Count()));
    }

    private static (Tensor Keys, Tensor Values) Content(TfliteNode n)
    {
        TfliteVariable table = n.Scope.Handle(n.InputIndex(0));
        return table.Keys is { } keys ? (keys, table.Initial!) : throw n.InputError($"'{table.Name}' is never filled");
    }

    private static bool IsPair(DType keys, DType values) => (keys, values) is (DType.Int64, DType.String) or (DType.String, DType.Int64);
}
