namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft.Generation;

/// <summary>Scores [n][vocabulary] in which a word that would make an n-gram of input_ids[n][length] a second time has minus infinity.</summary>
[Upgrades("NGramRepeatBlock", Domain = "com.microsoft")]
internal sealed class NGramRepeatBlock : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        long ngram = node.Attributes["ngram_size"].Int;
        if (ngram is < 1 or > 64) throw node.Unsupported($"ngram_size {ngram} is not supported; 1 to 64 is");
        node.Results = [TokenScores.WithoutRepeats(new DraftBuilder(node), node.Required(1), node.Required(0), ngram, float.NegativeInfinity)];
    }
}
