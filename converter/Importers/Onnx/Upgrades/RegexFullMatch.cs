using EdgeLite.Converter.Importers.Onnx.Regex;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades;

/// <summary>The expression becomes the table of an automaton, edgelite.MatchAutomaton, so that the runtime reads no expressions.</summary>
[Upgrades("RegexFullMatch")]
internal sealed class RegexFullMatch : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Automaton automaton;
        try
        {
            automaton = new Automaton(node.Attributes["pattern"].String);
        }
        catch (FormatException e)
        {
            throw node.Unsupported(e.Message);
        }
        int columns = automaton.Boundaries.Length + 1;
        Tensor table = Tensor.FromArray<int>([.. automaton.Rows.SelectMany(r => r)], new Shape(automaton.Rows.Count, columns));
        node.Become("MatchAutomaton", [node.Required(0)],
            ("boundaries", automaton.Boundaries.Select(b => (long)b).ToArray()), ("table", table));
        node.MoveTo("edgelite");
    }
}
