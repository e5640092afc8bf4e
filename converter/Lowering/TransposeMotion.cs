using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// Moves Transposes toward the outputs, across whatever permits it, until they meet their inverse or stand before something
/// that needs the layout. Chains are composed, identities removed; a Transpose that moves only dimensions of 1 is a Reshape.
/// </summary>
public sealed class TransposeMotion : IGraphPass
{
    public string Name => "transpose-motion";

    /// <summary>More rounds than a Transpose has nodes to cross in any model; reaching it means that two rules undo each other.</summary>
    private const int MaxRounds = 1000;

    public bool Run(Graph graph)
    {
        bool any = false, changed;
        int rounds = 0;
        do
        {
            changed = false;
            if (++rounds > MaxRounds) throw new EdgeLiteException(Status.Internal, $"Graph '{graph.Name}': Transposes still move after {MaxRounds} rounds.");
            foreach (Node node in graph.Nodes.ToArray())
            {
                if (node.Outputs.All(o => o == null || graph.Find(o.Name) != o)) continue;
                changed |= node.Is("Transpose") ? TransposeChains.Compose(graph, node) : TryCross(graph, node);
            }
            any |= changed;
        }
        while (changed);
        return any;
    }

    /// <summary>Moves a Transpose before <paramref name="node"/> behind it, where that costs no other.</summary>
    internal static bool TryCross(Graph graph, Node node)
    {
        if (node.Is("Shape")) return CrossShape(graph, node);
        foreach (Value? input in node.Inputs)
        {
            if (Match.Producer(input, "Transpose") is not { } transpose || Match.Permutation(transpose) is not { } perm) continue;
            if (TryCross(graph, node, perm)) return true;
        }
        return false;
    }

    private static bool TryCross(Graph graph, Node node, int[] perm)
    {
        if (TransposeRules.For(node, perm) is not { } rule) return false;
        int[] inverse = Match.Inverse(perm);
        int transposed = 0, moving = 0, others = 0, trivial = 0;
        foreach (int i in rule.DataInputs)
        {
            if (node.Input(i) is not { } input) continue;
            if (HasPermutation(input, perm))
            {
                transposed++;
                if (input.Producer!.Input(0) is not { Shape.IsRanked: true } source || !IsTrivial(source.Shape, perm)) moving++;
            }
            else if (input.IsConstant)
            {
                if (input.Shape.Rank > perm.Length || input.Constant!.Strings != null && input.Constant.Count > 1) return false;
            }
            else if (IsOne(input) && input.Shape.Rank <= perm.Length) continue;
            else if (!input.Shape.IsRanked || input.Shape.Rank != perm.Length) return false;
            else if (!IsTrivial(input.Shape, inverse)) others++;
            else trivial++;
        }
        // A Transpose that moves no byte is worth no other one: they would change places for ever.
        if (moving == 0 && trivial + others > 0) return false;
        // What comes in another layout costs a Transpose of its own. A tie goes to channels last.
        if (transposed == 0 || moving < others || moving == others && moving > 0 && !BringsChannelsForward(perm)) return false;

        Value?[] inputs = [.. node.Inputs];
        foreach (int i in rule.DataInputs)
        {
            if (inputs[i] is not { } input) continue;
            if (HasPermutation(input, perm)) inputs[i] = input.Producer!.Input(0);
            else if (input.Constant is { } constant)
            {
                if (constant.Count == 1 && input.Shape.Rank <= 1) continue;
                inputs[i] = graph.AddConstant(input.Name + ".moved", TransposeChains.Transposed(WithRank(constant, perm.Length), inverse));
            }
            else if (input.Shape.Rank == perm.Length && !IsOne(input)) inputs[i] = Rewrite.Transpose(graph, node, input, inverse, input.Name + ".moved");
        }
        foreach ((int index, long[]? values) in rule.Ints)
            SetInput(ref inputs, index, values == null ? null : Rewrite.Ints(graph, $"{node.Output.Name}.{index}", values));
        foreach ((int index, float[] values) in rule.Floats)
            SetInput(ref inputs, index, Rewrite.Floats(graph, $"{node.Output.Name}.{index}", values));

        string?[] hints = [.. node.Outputs.Select(o => o == null ? null : o.Name + ".moved")];
        Value?[] moved = Rewrite.InsertMany(graph, node, rule.OpType ?? node.OpType, hints, inputs, rule.Attributes ?? node.Attributes.Clone(), node.Domain);
        Rewrite.ReplaceOutputs(graph, node, i =>
        {
            Value from = node.Outputs[i]!, to = moved[i]!;
            // A proof finds the value under its name even when the Transpose behind it is gone: as it was, or with its channels last.
            if (IsComparable(to.Shape, rule.OutputPerms[i])) to.SourceName = from.SourceName ?? from.Name;
            return Match.IsIdentity(rule.OutputPerms[i]) ? to : Rewrite.Transpose(graph, node, to, rule.OutputPerms[i], from.Name);
        });
        return true;
    }

    /// <summary>Whether a proof can compare a value with what it is in the order <paramref name="perm"/>. Sizes do not tell the order where they are equal.</summary>
    private static bool IsComparable(Shape shape, int[] perm) => shape.IsRanked && IsTrivial(shape, perm) || IsChannelsFirst(perm);

    /// <summary>Shape(Transpose(x)) is Shape(x) in another order.</summary>
    private static bool CrossShape(Graph graph, Node node)
    {
        if (Match.Producer(node.Input(0), "Transpose") is not { } transpose || Match.Permutation(transpose) is not { } perm) return false;
        int rank = perm.Length;
        int start = (int)Math.Clamp(Wrap(node.Attributes.Int("start", 0)), 0, rank), end = (int)Math.Clamp(Wrap(node.Attributes.Int("end", rank)), 0, rank);
        Value all = Rewrite.Insert(graph, node, "Shape", node.Output.Name + ".moved", [transpose.Input(0)]);
        Value order = Rewrite.Ints(graph, node.Output.Name + ".order", Match.ToLongs(perm.AsSpan(start, Math.Max(0, end - start))));
        Rewrite.Replace(graph, node.Output, Rewrite.Insert(graph, node, "Gather", node.Output.Name, [all, order], AttributeSet.Of(("axis", 0L))), keepName: true);
        return true;

        long Wrap(long i) => i < 0 ? i + rank : i;
    }

    private static void SetInput(ref Value?[] inputs, int index, Value? value)
    {
        if (index >= inputs.Length) Array.Resize(ref inputs, index + 1);
        inputs[index] = value;
    }

    /// <summary>True for one number, which is the same in every layout.</summary>
    private static bool IsOne(Value value) => value.Shape.IsKnown && value.Shape.Count == 1;

    private static bool HasPermutation(Value value, int[] perm) =>
        Match.Producer(value, "Transpose") is { } transpose && Match.Permutation(transpose) is { } own && own.AsSpan().SequenceEqual(perm);

    /// <summary>True for the permutations that make channels-first out of channels-last: 0, r-1, 1, 2 ... That of rank 3 is its own
    /// inverse: a tie that it decides would come back for ever.</summary>
    private static bool BringsChannelsForward(int[] perm) => perm.Length > 3 && IsChannelsFirst(perm);

    private static bool IsChannelsFirst(int[] perm) => perm.Length > 2 && perm[0] == 0 && perm[1] == perm.Length - 1 && Enumerable.Range(2, perm.Length - 2).All(k => perm[k] == k - 1);

    /// <summary>True when only dimensions of 1 change place, so that no byte moves.</summary>
    public static bool IsTrivial(Shape shape, int[] perm)
    {
        int last = -1;
        foreach (int axis in perm)
        {
            if (shape[axis] == 1) continue;
            if (axis < last) return false;
            last = axis;
        }
        return true;
    }

    private static Tensor WithRank(Tensor tensor, int rank)
    {
        if (tensor.Shape.Rank == rank) return tensor;
        var dims = new long[rank];
        Array.Fill(dims, 1);
        tensor.Shape.AsSpan().CopyTo(dims.AsSpan(rank - tensor.Shape.Rank));
        var wide = new Tensor(tensor.DType, new Shape(dims));
        tensor.CopyTo(wide);
        return wide;
    }
}
