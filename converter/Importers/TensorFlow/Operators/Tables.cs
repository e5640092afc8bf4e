using System.Globalization;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Tables of constants, whose look-up is a LabelEncoder.</summary>
internal static class Tables
{
    private const long LargestFile = 64 << 20;
    private const int LineNumber = -1, WholeLine = -2;

    [TensorFlow("HashTable", "HashTableV2")]
    private static void Table(TfNode n)
    {
        string shared = n.String("shared_name");
        if (shared.Length == 0 && n.Scope.Source != n.Scope.Model.Main) throw n.Error("a table of a function without a shared_name is not supported");
        TfTable table = n.Scope.Model.Tables[shared.Length > 0 ? shared : n.Name];
        (table.KeyType, table.ValueType) = (n.Type("key_dtype"), n.Type("value_dtype"));
        n.Set(new TfTableItem(table));
    }

    [TensorFlow("InitializeTable", "InitializeTableV2", "LookupTableImport", "LookupTableImportV2", Limits = "keys or values that the model computes")]
    private static void Fill(TfNode n)
    {
        if (n.In(1).Constant is not { } keys || n.In(2).Constant is not { } values) throw n.InputError("a table of anything but constants is not supported");
        Of(n).Fill(keys, values, n);
    }

    /// <summary>A line for each entry; key and value are its parts, the line itself or its number.</summary>
    [TensorFlow("InitializeTableFromTextFile", "InitializeTableFromTextFileV2", Notes = "files of the SavedModel's folder assets")]
    private static void FillFromFile(TfNode n)
    {
        string name = Path.GetFileName(n.In(1).Constant?.Strings?[0].Replace('\\', '/') ?? throw n.InputError("the name of the file is no constant"));
        string path = Path.Combine(n.Scope.Model.Assets ?? throw n.Error("its file lies in the folder 'assets' of a SavedModel, and this is none"), name);
        if (!File.Exists(path) || new FileInfo(path).LinkTarget != null) throw n.Damaged($"the folder 'assets' lacks its file '{name}'");
        if (new FileInfo(path).Length > LargestFile) throw n.Error($"its file '{name}' is larger than {LargestFile >> 20} MB");
        string[] lines = [.. File.ReadLines(path).Skip((int)n.Int("offset"))];
        if (n.Int("vocab_size", -1) is >= 0 and var size && size <= lines.Length) lines = lines[..(int)size];
        string delimiter = n.String("delimiter", "\t");
        TfTable table = Of(n);
        table.Fill(Column("key", table.KeyType), Column("value", table.ValueType), n);

        Tensor Column(string side, DType type)
        {
            long index = n.Int(side + "_index");
            string[] parts = index == WholeLine ? lines : index == LineNumber ? [.. lines.Select((_, i) => i.ToString(CultureInfo.InvariantCulture))]
                : [.. lines.Select(l => l.Split(delimiter) is var all && index >= 0 && index < all.Length ? all[index] : throw n.Damaged($"a line of '{name}' has no part {index}"))];
            var shape = new Shape(parts.Length);
            if (type == DType.String) return Tensor.FromStrings(parts, shape);
            var numbers = new Tensor(type, shape);
            for (int i = 0; i < parts.Length; i++)
                numbers.SetDouble(i, double.TryParse(parts[i], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) ? number : throw n.Damaged($"'{parts[i]}' in '{name}' is no number"));
            return numbers;
        }
    }

    /// <summary>Of equal keys the first counts.</summary>
    [TensorFlow("LookupTableFind", "LookupTableFindV2", Limits = "a default that the model computes")]
    private static void Find(TfNode n)
    {
        (Tensor keys, Tensor values) = Content(n);
        if (n.In(2).Constant is not { Count: 1 } missing) throw n.InputError("a default that the model computes is not supported");
        if (missing.DType != values.DType) values = Converted(n, values, missing.DType);
        int[] first = [.. Enumerable.Range(0, (int)keys.Count).DistinctBy(i => keys.Strings?[i] ?? (object)keys.GetDouble(i))];
        Value found = n.Graph.NewValue(n.Graph.FreshName(n.Name), default);
        ShapeInference.Infer(n.Graph.AddNode("ai.onnx.ml", "LabelEncoder", found.Name, [n.In(1)], [found],
            AttributeSet.Of(("keys_tensor", Picked(keys, first)), ("values_tensor", Picked(values, first)), ("default_tensor", Picked(missing, [0])))));
        n.Set(found);
    }

    [TensorFlow("LookupTableSize", "LookupTableSizeV2")]
    private static void Size(TfNode n)
    {
        (Tensor keys, _) = Content(n);
        n.Set(n.Scalar(DType.Int64, Enumerable.Range(0, (int)keys.Count).Select(i => keys.Strings?[i] ?? (object)keys.GetDouble(i)).Distinct().Count()));
    }

    private static TfTable Of(TfNode n) => n.Item(0) is TfTableItem { Table: var table } ? table : throw n.InputError("its first input is no table");

    private static (Tensor Keys, Tensor Values) Content(TfNode n) => Of(n) is { Keys: { Count: > 0 } keys, Values: { } values } ? (keys, values) : throw n.InputError($"table '{Of(n).Name}' is never filled, or with nothing{(n.Scope.Model.Tables.Problem is { Length: > 0 } problem ? $" ({problem.Trim()})" : "")}");

    private static Tensor Converted(TfNode n, Tensor values, DType type)
    {
        if (values.Strings != null || type == DType.String) throw n.Damaged($"the table has values of {values.DType.Name()}, the default is of {type.Name()}");
        return values.ConvertTo(type);
    }

    private static Tensor Picked(Tensor from, int[] places)
    {
        var shape = new Shape(places.Length);
        if (from.Strings is { } words) return Tensor.FromStrings([.. places.Select(i => words[i])], shape);
        var picked = new Tensor(from.DType, shape);
        int size = from.DType.Size();
        for (int i = 0; i < places.Length; i++) from.Bytes.Slice(places[i] * size, size).CopyTo(picked.Bytes[(i * size)..]);
        return picked;
    }
}
