namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>ZipMap turns the scores of a classifier into a list of dictionaries for Python; the scores themselves, one column a
/// class, come out instead.</summary>
[Upgrades("ZipMap", Domain = "ai.onnx.ml")]
internal sealed class ZipMap : OperatorUpgrade
{
    public override void Apply(NodeDraft node) => node.Results = [node.Required(0)];
}
