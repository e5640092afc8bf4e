using EdgeLite.Converter.Importers.TensorFlow.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.TensorFlow.Operators;

/// <summary>Conditions, loops and calls: those of version 2 run functions, those of version 1 are Switch, Merge and frames.</summary>
internal static class ControlFlow
{
    private const int MaxBranches = 256;

    [TensorFlow("PartitionedCall", "StatefulPartitionedCall")]
    private static void Call(TfNode n) => SetAll(n, n.Scope.Call(Function(n, "f"), Items(n, 0), n.Context));

    [TensorFlow("If", "StatelessIf")]
    private static void If(TfNode n)
    {
        FunctionDef then = Function(n, "then_branch"), otherwise = Function(n, "else_branch");
        TfItem[] arguments = Items(n, 1);
        Value condition = Condition(n, n.In(0));
        if (condition.Constant is { } known) SetAll(n, n.Scope.Call(known.GetInt64(0) != 0 ? then : otherwise, arguments, n.Context));
        else SetAll(n, Branches(n, n.Context, condition, context => Side(context, then), context => Side(context, otherwise)));

        TfItem[] Side(TfContext context, FunctionDef function) => n.Scope.Call(function, [.. arguments.Select(context.Capture)], context);
    }

    /// <summary>The function whose number is given; the last one for numbers that none has.</summary>
    [TensorFlow("Case", "StatelessCase")]
    private static void Case(TfNode n)
    {
        FunctionDef[] branches = [.. (n.Attr("branches")?.List?.Func ?? []).Select(f => Named(n, f.Name))];
        if (branches.Length is 0 or > MaxBranches) throw n.Damaged($"it has {branches.Length} branches");
        Value number = n.Cast(n.In(0), DType.Int64);
        number = number.Shape is { IsRanked: true, Rank: 0 } ? number : n.Emit("Reshape", [number, n.Vector()]);
        TfItem[] arguments = Items(n, 1);
        if (number.Constant is { } known) SetAll(n, n.Scope.Call(branches[known.GetInt64(0) is >= 0 and var k && k < branches.Length ? (int)k : branches.Length - 1], arguments, n.Context));
        else SetAll(n, From(0, n.Context, number, arguments));

        TfItem[] From(int first, TfContext context, Value index, TfItem[] given)
        {
            if (first == branches.Length - 1) return n.Scope.Call(branches[first], given, context);
            Value wanted = context.Graph.AddConstant(context.Graph.FreshName($"{n.Name}/branch"), Tensor.FromScalar((long)first));
            Value condition = context.Emit($"{n.Name}/is", "Equal", [index, wanted], AttributeSet.Of());
            return Branches(n, context, condition, c => n.Scope.Call(branches[first], [.. given.Select(c.Capture)], c), c => From(first + 1, c, c.Capture(index), [.. given.Select(c.Capture)]));
        }
    }

    [TensorFlow("While", "StatelessWhile")]
    private static void While(TfNode n)
    {
        FunctionDef condition = Function(n, "cond"), body = Function(n, "body");
        TfItem[] initial = Items(n, 0);
        if (body.Signature.OutputArg.Count != initial.Length) throw n.Damaged($"its body has {body.Signature.OutputArg.Count} results, expected {initial.Length}");
        TfSource source = n.Scope.Model.Body(body);
        string[] returns = n.Scope.Model.Returns(body);
        bool[] invariant = [.. returns.Select((r, i) => source.Behind(r) == $"{body.Signature.InputArg[i].Name}:0" || initial[i] is TfVariableItem or TfOpaqueItem)];
        SetAll(n, new TfLoop(n, initial, invariant,
            (context, state) => n.Scope.Call(condition, state.Select((s, i) => invariant[i] && context != n.Context ? context.Capture(initial[i]) : s).ToArray(), context)[0],
            (context, state) => n.Scope.Call(body, state, context)).Build());
    }

    /// <summary>
    /// The loop of a frame: variables are Merge(Enter, NextIteration); what the frame takes unchanged comes through other Enters.
    /// </summary>
    [TensorFlow("Exit", "RefExit")]
    private static void Exit(TfNode n)
    {
        TfSource source = n.Scope.Source;
        NodeDef anySwitch = source[TfSource.Parse(TfSource.Input(n.Node, 0)).Node];
        if (anySwitch.Op is not ("Switch" or "RefSwitch")) throw n.Damaged($"reads {anySwitch.Op}, expected Switch");
        string loopCondition = TfSource.Parse(source.Behind(TfSource.Input(anySwitch, 1))).Node;
        string frame = EnterOf(source, source[TfSource.Parse(TfSource.Input(anySwitch, 0)).Node])?.Attr.GetValueOrDefault("frame_name")?.S.ToStringUtf8()
            ?? throw n.Damaged("its loop has no Enter");

        NodeDef[] merges = [.. source.Nodes.Where(m => m.Op is "Merge" or "RefMerge" && EnterOf(source, m)?.Attr.GetValueOrDefault("frame_name")?.S.ToStringUtf8() == frame)];
        ILookup<string, NodeDef> switches = source.Nodes.Where(s => s.Op is "Switch" or "RefSwitch").ToLookup(s => TfSource.Parse(TfSource.Input(s, 0)).Node, StringComparer.Ordinal);
        ILookup<string, NodeDef> exits = source.Nodes.Where(e => e.Op is "Exit" or "RefExit").ToLookup(e => TfSource.Parse(TfSource.Input(e, 0)).Node, StringComparer.Ordinal);
        string[] next = [.. merges.Select(m => TfSource.DataInputs(m).Select(i => source[TfSource.Parse(i).Node]).FirstOrDefault(o => o.Op is "NextIteration" or "RefNextIteration") is { } last
            ? TfSource.Input(last, 0) : throw n.Damaged($"'{m.Name}' of its loop has no NextIteration"))];
        TfItem[] initial = [.. merges.Select(m => n.Scope.Resolve(TfSource.Input(EnterOf(source, m)!, 0)))];
        bool[] invariant = [.. merges.Select((m, i) => switches[m.Name].Any(s => source.Behind(next[i]) == $"{s.Name}:1") || source.Behind(next[i]) == $"{m.Name}:0")];

        TfItem[] results = new TfLoop(n, initial, invariant, (context, state) => Inside(context, state).Resolve(TfSource.Input(source[loopCondition], 0)), (context, state) =>
        {
            TfScope scope = Inside(context, state);
            return [.. next.Select(scope.Resolve)];
        }).Build();
        for (int i = 0; i < merges.Length; i++)
            foreach (NodeDef s in switches[merges[i].Name])
                foreach (NodeDef e in exits[s.Name]) n.Scope.Set(e.Name, 0, results[i]);

        TfScope Inside(TfContext context, TfItem[] state)
        {
            var scope = new TfScope(n.Scope.Model, context, source, n.Scope);
            for (int i = 0; i < merges.Length; i++)
            {
                TfItem item = invariant[i] && context != n.Context ? context.Capture(initial[i]) : state[i];
                scope.Set(merges[i].Name, 0, item);
                foreach (NodeDef s in switches[merges[i].Name]) scope.Set(s.Name, 1, item);
            }
            return scope;
        }
    }

    private static NodeDef? EnterOf(TfSource source, NodeDef merge) =>
        TfSource.DataInputs(merge).Select(i => source.Find(TfSource.Parse(i).Node)).FirstOrDefault(e => e?.Op is "Enter" or "RefEnter");

    /// <summary>What comes from outside the loop that is being built.</summary>
    [TensorFlow("Enter", "RefEnter")]
    private static void Enter(TfNode n) => n.Set(n.Scope.Parent == null ? n.Scope.Resolve(TfSource.Input(n.Node, 0)) : n.Scope.FromParent(TfSource.Input(n.Node, 0)));

    [TensorFlow("LoopCond")]
    private static void LoopCond(TfNode n) => n.Set(n.Item(0));

    /// <summary>Inside a side of its condition: what comes from outside.</summary>
    [TensorFlow("Switch", "RefSwitch")]
    private static void Switch(TfNode n)
    {
        string predicate = n.Scope.Source.Behind(TfSource.Input(n.Node, 1));
        TfItem item = n.Scope.Parent != null && n.Scope.IsInside(predicate)
            ? n.Scope.Predicate == predicate ? n.Scope.FromParent(TfSource.Input(n.Node, 0)) : n.Scope.FromParent($"{n.Name}:0")
            : n.Scope.Resolve(TfSource.Input(n.Node, 0));
        n.Set(0, item);
        n.Set(1, item);
    }

    /// <summary>The end of a condition: the predicate is the one of which its two inputs need different sides.</summary>
    [TensorFlow("Merge", "RefMerge")]
    private static void Merge(TfNode n)
    {
        TfSource source = n.Scope.Source;
        string[] inputs = [.. TfSource.DataInputs(n.Node)];
        if (inputs.Length != 2) throw n.Error($"{inputs.Length} inputs are not supported; expected 2");
        var sides = source.Conditions(inputs[0]);
        var others = source.Conditions(inputs[1]);
        (string predicate, int side) = sides.FirstOrDefault(s => others.Contains((s.Predicate, 1 - s.Side)) && !n.Scope.IsInside(s.Predicate));
        if (predicate == null) throw n.Error("the condition that decides between its inputs was not found");
        string then = side == 1 ? inputs[0] : inputs[1], otherwise = side == 1 ? inputs[1] : inputs[0];
        if (n.Scope.Resolve(predicate) is not TfTensorItem { Value: var value }) throw n.InputError("its condition is not a tensor");
        Value condition = Condition(n, value);
        int thenIndex = side == 1 ? 0 : 1;
        if (condition.Constant is { } known)
        {
            bool yes = known.GetInt64(0) != 0;
            n.Set(0, Side(n.Context, yes ? then : otherwise));
            n.Set(1, n.Scalar(DType.Int32, yes ? thenIndex : 1 - thenIndex));
            return;
        }
        n.Set(0, Branches(n, n.Context, condition, context => [Side(context, then)], context => [Side(context, otherwise)])[0]);
        n.Set(1, n.Where(condition, n.Scalar(DType.Int32, thenIndex), n.Scalar(DType.Int32, 1 - thenIndex)));

        TfItem Side(TfContext context, string reference) => new TfScope(n.Scope.Model, context, source, n.Scope) { Predicate = predicate }.Resolve(reference);
    }

    /// <summary>An If of two graphs; both take what either of them needs, in the same order.</summary>
    private static TfItem[] Branches(TfNode n, TfContext outer, Value condition, Func<TfContext, TfItem[]> then, Func<TfContext, TfItem[]> otherwise)
    {
        var yes = new TfContext(new Graph(n.Name + "/then"), outer);
        var no = new TfContext(new Graph(n.Name + "/else"), outer);
        TfItem[] a = then(yes), b = otherwise(no);
        if (a.Length != b.Length) throw n.Damaged($"its branches have {a.Length} and {b.Length} results");
        var kept = new List<int>();
        for (int i = 0; i < a.Length; i++)
        {
            if (ValueOf(a[i]) is not { } x || ValueOf(b[i]) is not { } y) continue;
            kept.Add(i);
            TfImporter.AddOutput(yes.Graph, x, yes.Graph.FreshName($"result{i}"));
            TfImporter.AddOutput(no.Graph, y, no.Graph.FreshName($"result{i}"));
        }
        Value[] captured = [.. yes.Captures.Concat(no.Captures).Select(c => c.Outer).Distinct()];
        foreach (TfContext side in new[] { yes, no }) side.Graph.OrderInputs([.. captured.Select(side.Capture)]);
        AttributeSet attributes = AttributeSet.Of(("then_branch", AttributeValue.OfGraph(yes.Graph)), ("else_branch", AttributeValue.OfGraph(no.Graph)), ("captures", captured.Length));
        Value[] outputs = kept.Count == 0 ? [] : outer.EmitMany(n.Name, "If", kept.Count, [condition, .. captured], attributes);
        var results = (TfItem[])a.Clone();
        for (int k = 0; k < kept.Count; k++)
            results[kept[k]] = a[kept[k]] is TfListItem list ? list with { Stacked = outputs[k], Size = null } : outputs[k];
        return results;
    }

    private static Value? ValueOf(TfItem item) => item switch
    {
        TfTensorItem t => t.Value,
        TfListItem l => l.Stacked,
        _ => null,
    };

    /// <summary>A condition may be a number, and may have one element instead of none.</summary>
    private static Value Condition(TfNode n, Value value)
    {
        value = n.Cast(value, DType.Bool);
        return value.Shape is { IsRanked: true, Rank: 0 } ? value : n.Emit("Reshape", [value, n.Vector()]);
    }

    private static FunctionDef Function(TfNode n, string attribute) => Named(n, n.Attr(attribute)?.Func?.Name ?? throw n.Damaged($"attribute '{attribute}' names no function"));

    private static FunctionDef Named(TfNode n, string name) => n.Scope.Model.Function(name) ?? throw n.Damaged($"function '{name}' is not in the file");

    private static TfItem[] Items(TfNode n, int from) => [.. Enumerable.Range(from, n.InputCount - from).Select(n.Item)];

    private static void SetAll(TfNode n, TfItem[] items)
    {
        for (int i = 0; i < items.Length; i++) n.Set(i, items[i]);
    }
}
