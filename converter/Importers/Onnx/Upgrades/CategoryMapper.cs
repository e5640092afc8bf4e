namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>A LabelEncoder whose lists are named otherwise: words become numbers, or numbers words.</summary>
[Upgrades("CategoryMapper", Domain = "ai.onnx.ml")]
internal sealed class CategoryMapper : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        long[] numbers = node.Attributes.Ints("cats_int64s") ?? [];
        string[] words = node.Attributes.Find("cats_strings")?.Strings ?? [];
        if (numbers.Length != words.Length) throw node.Error($"cats_int64s has {numbers.Length} numbers, cats_strings has {words.Length} words");
        if (node.DType(0) == Core.DType.String)
            node.Become("LabelEncoder", [node.Required(0)], ("keys_strings", words), ("values_int64s", numbers), ("default_int64", node.Attributes.Int("default_int64", -1)));
        else
            node.Become("LabelEncoder", [node.Required(0)], ("keys_int64s", numbers), ("values_strings", words), ("default_string", node.Attributes.String("default_string", "_Unused")));
    }
}
