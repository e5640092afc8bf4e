using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>Maps each element from the list of keys to the list of values; what is no key becomes the default. A NaN key matches
/// every NaN; of equal keys the last counts.</summary>
[Operator("LabelEncoder", "X", "Y", Domain = "ai.onnx.ml")]
public sealed partial class LabelEncoder : Operator
{
    [Attr] public float DefaultFloat { get; set; } = -0.0f;
    [Attr] public long DefaultInt64 { get; set; } = -1;
    [Attr] public string DefaultString { get; set; } = "_Unused";
    [Attr] public Tensor? DefaultTensor { get; set; }
    [Attr] public float[]? KeysFloats { get; set; }
    [Attr] public long[]? KeysInt64s { get; set; }
    [Attr] public string[]? KeysStrings { get; set; }
    [Attr] public Tensor? KeysTensor { get; set; }
    [Attr] public float[]? ValuesFloats { get; set; }
    [Attr] public long[]? ValuesInt64s { get; set; }
    [Attr] public string[]? ValuesStrings { get; set; }
    [Attr] public Tensor? ValuesTensor { get; set; }

    public override void Infer(InferContext c)
    {
        if (KeyCount != ValueCount || KeyCount == 0) throw c.Error($"{KeyCount} keys and {ValueCount} values are given; expected as many, at least one");
        DType type = ValuesTensor?.DType ?? (ValuesStrings != null ? DType.String : ValuesInt64s != null ? DType.Int64 : DType.Float32);
        c.SetOutput(0, type, c.Shape(0));
    }

    private long KeyCount => KeysTensor?.Count ?? KeysStrings?.Length ?? KeysInt64s?.Length ?? KeysFloats?.Length ?? 0;
    private long ValueCount => ValuesTensor?.Count ?? ValuesStrings?.Length ?? ValuesInt64s?.Length ?? ValuesFloats?.Length ?? 0;

    public override void Compute(ComputeContext c)
    {
        Tensor x = c.Input(0), y = c.Output(0);
        for (long i = 0; i < x.Count; i++)
        {
            long key = KeyCount - 1;
            while (key >= 0 && !IsKey(x, i, key)) key--;
            if (y.Strings != null)
                y.Strings[i] = key >= 0 ? (ValuesTensor?.Strings ?? ValuesStrings)![key] : DefaultTensor?.Strings?[0] ?? DefaultString;
            else if (y.DType.IsInteger())
                y.SetInt64(i, key >= 0 ? ValuesTensor?.GetInt64(key) ?? ValuesInt64s![key] : DefaultTensor?.GetInt64(0) ?? DefaultInt64);
            else
                y.SetDouble(i, key >= 0 ? ValuesTensor?.GetDouble(key) ?? ValuesFloats![key] : DefaultTensor?.GetDouble(0) ?? DefaultFloat);
        }
    }

    private bool IsKey(Tensor x, long i, long key)
    {
        if (x.Strings != null) return (KeysTensor?.Strings ?? KeysStrings) is { } names && names[key] == x.Strings[i];
        if (x.DType.IsInteger()) return x.GetInt64(i) == (KeysTensor?.GetInt64(key) ?? KeysInt64s?[key]);
        return x.GetDouble(i).Equals(KeysTensor?.GetDouble(key) ?? KeysFloats?[key]) || x.GetDouble(i) == (KeysTensor?.GetDouble(key) ?? KeysFloats?[key]);
    }
}
