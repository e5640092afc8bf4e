using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Ops.EdgeLite;

/// <summary>
/// Y[i] = whether a deterministic automaton accepts the whole string X[i]: what the importer makes of RegexFullMatch, so that the runtime
/// needs no expressions. Code points of class k are those from <see cref="Boundaries"/>[k] to before the next boundary. Row s of the
/// table[states][classes + 1] holds the state after a code point of each class, -1 where nothing can match any more, then 1
/// where the string may end. State 0 is the first.
/// </summary>
[Operator("MatchAutomaton", "X", "Y", Domain = "edgelite")]
public sealed partial class MatchAutomaton : Operator
{
    [Attr(Required = true)] public long[] Boundaries { get; set; } = [];
    [Attr(Required = true)] public Tensor Table { get; set; } = null!;

    public override void Infer(InferContext c)
    {
        if (c.DType(0) is not (DType.String or DType.Undefined)) throw c.Error($"the input is {c.Input(0)}; strings are expected");
        if (Table.DType != DType.Int32 || Table.Shape.Rank != 2 || Table.Shape[0] < 1 || Boundaries.Length < 1 || Table.Shape[1] != Boundaries.Length + 1)
            throw c.Error($"the table is {Table} for {Boundaries.Length} classes; int32[states,{Boundaries.Length + 1}] is expected");
        c.SetOutput(0, DType.Bool, c.Shape(0));
    }

    public override void Compute(ComputeContext c)
    {
        ReadOnlySpan<int> table = Table.Span<int>();
        string[] x = c.Input(0).Strings ?? throw c.Error($"the input is {c.Input(0)}; strings are expected");
        Tensor y = c.Output(0);
        for (int i = 0; i < x.Length; i++) y.SetInt64(i, Accepts(table, x[i]) ? 1 : 0);
    }

    private bool Accepts(ReadOnlySpan<int> table, string text)
    {
        int columns = Boundaries.Length + 1, states = table.Length / columns, state = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            int low = 0, high = Boundaries.Length;
            while (high - low > 1)
            {
                int middle = (low + high) / 2;
                if (Boundaries[middle] <= rune.Value) low = middle;
                else high = middle;
            }
            state = table[state * columns + low];
            if ((uint)state >= (uint)states) return false;
        }
        return table[state * columns + columns - 1] == 1;
    }
}
