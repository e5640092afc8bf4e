using EdgeLite.Converter.Ir;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Branches and loops that depend on the data become If and Loop nodes.</summary>
internal sealed partial class TorchInterpreter
{
    private const int MaxUnrolled = 4096;
    private Journal? _journal;

    /// <summary>What a branch changed outside its variables: attributes of objects and tensors in place.</summary>
    private sealed class Journal(Journal? outer)
    {
        public Dictionary<(TorchObject, string), object?> Attributes { get; } = [];
        public Dictionary<TorchBox, Value> Boxes { get; } = [];

        public void Record(TorchObject o, string name)
        {
            Attributes.TryAdd((o, name), o.Attributes.GetValueOrDefault(name));
            outer?.Record(o, name);
        }

        public void Record(TorchBox box)
        {
            Boxes.TryAdd(box, box.Value);
            outer?.Record(box);
        }
    }

    private sealed class Branch(TorchBuilder builder, Dictionary<string, object?> variables)
    {
        public TorchBuilder Builder { get; } = builder;
        public Dictionary<string, object?> Variables { get; } = variables;
        public Dictionary<(TorchObject, string), object?> Attributes { get; } = [];
        public Dictionary<TorchBox, Value> Boxes { get; } = [];
        public TorchRaise? Raised { get; set; }
    }

    /// <summary>Changes a tensor in place, and with it the tensors that it is a view of.</summary>
    public void Overwrite(TorchBox box, Value value)
    {
        Set(box, value);
        for (TorchBox at = box; at.ViewOf is { } of; at = of)
        {
            if (at.PutBack == null)
            {
                for (TorchBox? stale = of; stale != null; stale = stale.ViewOf) stale.IsStale = true;
                return;
            }
            Set(of, at.PutBack(Builder.Local(of.Value), Builder.Local(at.Value)));
            at.Seen = of.Version;
        }
    }

    private void Set(TorchBox box, Value value)
    {
        _journal?.Record(box);
        box.Value = value;
        box.Version++;
    }

    /// <summary>Makes a view again whose tensor was changed in place after the view was made.</summary>
    private void Refresh(TorchBox box)
    {
        if (box.ViewOf is not { } of) return;
        Refresh(of);
        if (box.Seen == of.Version) return;
        if (box.Again == null || of.IsStale) throw Error($"tensor '{box.Value.Name}' is read after the tensor that it is a view of was changed in place, which is not supported");
        Set(box, box.Again(Builder.Local(of.Value)));
        box.Seen = of.Version;
    }

    private void RunBranches(IfStatement s, TorchScalar condition, Dictionary<string, object?> variables, string file)
    {
        var captures = new List<Value>();
        long before = new TorchBox(null!).Serial;
        Branch then = RunBranch("then", s.Then, captures, variables, file), other = RunBranch("else", s.Else, captures, variables, file);
        if (then.Raised != null && other.Raised != null) throw then.Raised;
        if (then.Raised != null || other.Raised != null)
        {
            // A branch that raises an exception is one that is not meant to be taken.
            (bool returned, _) = Run(then.Raised != null ? s.Else : s.Then, variables, file);
            if (returned) throw Error("a return inside a branch that depends on data is not supported");
            return;
        }
        if (IsMoreThanNone(condition.Value) && then.Variables.Any(v => v.Value is TorchBox a && other.Variables.GetValueOrDefault(v.Key) is TorchBox b && IsReshape(then, a.Value, b.Value)))
        {
            if (Run(s.Then, variables, file).Returned) throw Error("a return inside a branch that depends on data is not supported");
            return;
        }
        var merge = new Merge(this, then, other);
        var results = new List<(Action<object?> Store, Func<Value[], object?> Read)>();
        foreach ((string name, object? a) in then.Variables)
        {
            if (!other.Variables.TryGetValue(name, out object? b)) continue;
            bool had = variables.TryGetValue(name, out object? old);
            if (had && ReferenceEquals(old, a) && ReferenceEquals(old, b)) continue;
            results.Add((v => variables[name] = v, merge.Plan(a, b)));
        }
        foreach ((TorchObject o, string name) in then.Attributes.Keys.Union(other.Attributes.Keys))
        {
            object? old = Lift(o.Attributes.GetValueOrDefault(name));
            object? a = then.Attributes.TryGetValue((o, name), out object? x) ? Lift(x) : old, b = other.Attributes.TryGetValue((o, name), out object? y) ? Lift(y) : old;
            results.Add((v => { _journal?.Record(o, name); o.Attributes[name] = v; }, merge.Plan(a, b)));
        }
        foreach (TorchBox box in then.Boxes.Keys.Union(other.Boxes.Keys).Where(b => b.Serial < before))
        {
            Func<Value[], object?> read = merge.PlanValues(then.Boxes.GetValueOrDefault(box, box.Value), other.Boxes.GetValueOrDefault(box, box.Value));
            results.Add((v => Overwrite(box, ((TorchBox)v!).Value), read));
        }
        Value[] outputs = [];
        if (merge.Count > 0)
        {
            then.Builder.TakeAll();
            other.Builder.TakeAll();
            outputs = Builder.EmitMany("If", Named("if"), merge.Count, [condition.Value, .. captures],
                ("then_branch", AttributeValue.OfGraph(then.Builder.Graph)), ("else_branch", AttributeValue.OfGraph(other.Builder.Graph)));
        }
        foreach ((Action<object?> store, Func<Value[], object?> read) in results) store(read(outputs));
    }

    /// <summary>
    /// "if n > 0: x = x.reshape(..)": both branches have the same elements, none where n is 0, and only PyTorch, which cannot find a size of -1 then, needs
    /// the branch. Without it the number of dimensions is known.
    /// </summary>
    private static bool IsReshape(Branch then, Value a, Value b) =>
        a.Producer is { OpType: "Reshape" } reshape && then.Builder.Graph.Find(a.Name) == a && reshape.Inputs[0] == then.Builder.Local(b) && a.Shape.IsRanked && b.Shape.IsRanked && a.Shape.Rank != b.Shape.Rank;

    private static bool IsMoreThanNone(Value condition) =>
        condition.Producer is { OpType: "Greater" } greater && greater.Inputs[1]!.Constant is { Count: 1 } zero && zero.GetDouble(0) == 0 && IsCount(greater.Inputs[0]!);

    /// <summary>A size of a tensor, or a sum of such.</summary>
    private static bool IsCount(Value n) => n.Constant is { Count: 1 } known ? known.GetDouble(0) >= 0
        : n.Producer is { OpType: "Shape" or "Size" } || n.Producer is { OpType: "Reshape" or "Gather" or "Squeeze" or "Cast" } part && IsCount(part.Inputs[0]!)
        || n.Producer is { OpType: "Add" } sum && IsCount(sum.Inputs[0]!) && IsCount(sum.Inputs[1]!);

    private Branch RunBranch(string name, TorchStatement[] body, List<Value> captures, Dictionary<string, object?> variables, string file)
    {
        TorchBuilder outer = Builder;
        Journal? outerJournal = _journal;
        var builder = new TorchBuilder(new Graph(name), outer) { Captures = captures };
        builder.TakeAll();
        var branch = new Branch(builder, new Dictionary<string, object?>(variables, variables.Comparer));
        var journal = _journal = new Journal(outerJournal);
        Builder = builder;
        int depth = _depth, paths = _paths.Count;
        var containers = new Containers(variables.Values);
        try
        {
            (bool returned, _) = Run(body, branch.Variables, file);
            if (returned) throw Error("a return inside a branch that depends on data is not supported");
        }
        catch (TorchRaise e)
        {
            branch.Raised = e;
            _depth = depth;
            while (_paths.Count > paths) _paths.Pop();
        }
        Builder = outer;
        _journal = outerJournal;
        if (containers.Restore(out List<TorchList> grown) is { } changed || (changed = grown.Count > 0 ? "appends to a list" : null) != null)
            if (branch.Raised == null) throw Error($"a branch that depends on data {changed}, which is not supported");
        foreach (((TorchObject o, string attribute), object? before) in journal.Attributes)
        {
            branch.Attributes[(o, attribute)] = o.Attributes.GetValueOrDefault(attribute);
            o.Attributes[attribute] = before;
        }
        foreach (TorchBox box in journal.Boxes.Keys) branch.Boxes[box] = box.Value;
        Restore(journal);
        return branch;
    }

    /// <summary>Decides how a name gets its value from two branches, and makes outputs of them where it must.</summary>
    private sealed class Merge(TorchInterpreter interpreter, Branch then, Branch other)
    {
        public int Count { get; private set; }

        public Func<Value[], object?> Plan(object? a, object? b)
        {
            if (ReferenceEquals(a, b) || Equals(a, b)) return _ => a;
            switch (a, b)
            {
                case (TorchBox x, TorchBox y):
                    return PlanValues(Content(x, then), Content(y, other));
                case (TorchTuple x, TorchTuple y) when x.Items.Length == y.Items.Length:
                {
                    Func<Value[], object?>[] items = [.. x.Items.Zip(y.Items, Plan)];
                    return outputs => new TorchTuple([.. items.Select(i => i(outputs))]);
                }
                case (TorchList { Steps: null } x, TorchList { Steps: null } y) when x.Items.Count == y.Items.Count:
                {
                    Func<Value[], object?>[] items = [.. x.Items.Zip(y.Items, Plan)];
                    return outputs => new TorchList(items.Select(i => i(outputs)));
                }
                case (TorchAbsent, _): return _ => b is TorchBox or TorchScalar or TorchTuple or TorchList ? a : b;
                case (_, TorchAbsent): return _ => a is TorchBox or TorchScalar or TorchTuple or TorchList ? b : a;
                case (bool or long or double or TorchScalar, bool or long or double or TorchScalar):
                {
                    ScalarKind kind = KindOf(a) == KindOf(b) ? KindOf(a) : ScalarKind.Float;
                    int index = Count++;
                    then.Builder.AddOutput(Scalar(a, kind, then), $"result{index}");
                    other.Builder.AddOutput(Scalar(b, kind, other), $"result{index}");
                    return outputs => new TorchScalar(outputs[index], kind);
                }
                default:
                    string reason = $"it is {Describe(a)} in one branch and {Describe(b)} in the other";
                    return _ => new TorchAbsent(reason);
            }
        }

        public Func<Value[], object?> PlanValues(Value x, Value y)
        {
            if (ReferenceEquals(x, y)) return _ => new TorchBox(x);
            int index = Count++;
            then.Builder.AddOutput(x, $"result{index}");
            other.Builder.AddOutput(y, $"result{index}");
            return outputs => new TorchBox(outputs[index]);
        }

        private static Value Content(TorchBox box, Branch branch) => branch.Boxes.GetValueOrDefault(box, box.Value);

        private Value Scalar(object? value, ScalarKind kind, Branch branch)
        {
            TorchBuilder outer = interpreter.Builder;
            interpreter.Builder = branch.Builder;
            Value result = interpreter.ScalarValue(value, kind);
            interpreter.Builder = outer;
            return result;
        }
    }

    private void RunFor(ForStatement f, Dictionary<string, object?> variables, string file)
    {
        TorchExpr rounds = f.Range is CallExpr { Function: NameExpr { Name: "range" }, Arguments: [var only] } ? only : throw Error("only loops over range(n) are supported");
        object? count = Evaluate(rounds, variables);
        if (count is TorchScalar { Value.Constant: { } constant }) count = constant.GetInt64(0);
        HashSet<string> outside = [.. variables.Keys];
        if (count is long n)
        {
            if (n > MaxUnrolled) throw Error($"a loop of {n} rounds is not unrolled (at most {MaxUnrolled})");
            for (long i = 0; i < n; i++)
            {
                variables[f.Variable] = i;
                if (Run(f.Body, variables, file).Returned) throw Error("a return inside a loop is not supported");
                Leave(variables, outside);
            }
            return;
        }
        RunLoop(((TorchScalar)ToScalar(count, ScalarKind.Int)!).Value, null, f.Variable, f.Body, variables, file);
    }

    /// <summary>Names that a block of code gave a value for the first time end with it, as what the code needs behind a loop has one before.</summary>
    private static void Leave(Dictionary<string, object?> variables, HashSet<string> outside)
    {
        foreach (string name in variables.Keys.Where(n => !n.Contains('$', StringComparison.Ordinal) && !outside.Contains(n)).ToArray()) variables.Remove(name);
    }

    private void RunWhile(WhileStatement w, Dictionary<string, object?> variables, string file)
    {
        HashSet<string> outside = [.. variables.Keys];
        for (int rounds = 0; ; rounds++)
        {
            object? condition = Evaluate(w.Condition, variables);
            if (Truth(condition) is not { } known)
            {
                RunLoop(null, w.Condition, null, w.Body, variables, file);
                return;
            }
            if (!known) return;
            if (rounds >= MaxUnrolled) throw Error($"a loop of more than {MaxUnrolled} rounds is not unrolled");
            if (Run(w.Body, variables, file).Returned) throw Error("a return inside a loop is not supported");
            Leave(variables, outside);
        }
    }

    /// <summary>A loop whose number of rounds depends on data. Variables that the body assigns are carried.</summary>
    private void RunLoop(Value? trips, TorchExpr? condition, string? counter, TorchStatement[] statements, Dictionary<string, object?> variables, string file)
    {
        (List<TorchBox> boxes, List<TorchList> lists) = Changed(condition, counter, statements, variables, file);
        TorchBuilder outer = Builder;
        string[] carried = [.. Assigned(statements).Where(n => variables.TryGetValue(n, out object? value) && IsCarried(value)).Distinct(StringComparer.Ordinal)];
        object?[] leaves = [.. carried.SelectMany(name => Leaves(variables[name], name))];
        List<Value> initial = [.. leaves.Select(v => v is TorchBox b ? Read(b) : ScalarValue(v, KindOf(v)))];
        initial.AddRange(boxes.Select(Read));
        Value? first = condition == null ? null : ScalarValue(Evaluate(condition, variables), ScalarKind.Bool);

        var body = new TorchBuilder(new Graph("body"), outer);
        var inside = new Dictionary<string, object?>(variables, variables.Comparer);
        Value iteration = body.Graph.AddInput("iteration", new TensorType(DType.Int64, Shape.Scalar));
        body.Graph.AddInput("condition_in", new TensorType(DType.Bool, Shape.Scalar));
        Carry(variables, inside, (old, i, name) =>
        {
            TensorType type = ShapeInference.WithoutSymbols(initial[i].Type);
            if (old is TorchBox && type.Shape.IsRanked) type = type with { Shape = Shape.OfRank(type.Shape.Rank) };
            Value input = body.Graph.AddInput(body.Graph.FreshName(name), type);
            return old is TorchBox ? new TorchBox(input) : new TorchScalar(input, KindOf(old));
        });
        if (counter != null) inside[counter] = new TorchScalar(iteration, ScalarKind.Int);
        Journal? outerJournal = _journal;
        var journal = _journal = new Journal(outerJournal);
        Builder = body;
        for (int i = 0; i < boxes.Count; i++)
        {
            TensorType type = ShapeInference.WithoutSymbols(initial[leaves.Length + i].Type);
            Overwrite(boxes[i], body.Graph.AddInput(body.Graph.FreshName($"changed{i}"), type));
        }
        foreach (TorchList list in lists) (list.Added, list.Round) = ([], new TorchScalar(iteration, ScalarKind.Int));
        if (Run(statements, inside, file).Returned) throw Error("a return inside a loop is not supported");
        if (journal.Attributes.Count > 0) throw Error("a loop that depends on data changes attributes, which is not supported");
        foreach ((string name, object? value) in variables)
            if (!IsCarried(value) && !Equals(inside[name], value)) throw Error($"variable '{name}' is {Describe(value)} and another one after a round of a loop that depends on data, which is not supported");
        Value again = condition == null ? body.Constant("true", Tensor.FromScalar(true)) : ScalarValue(Evaluate(condition, inside), ScalarKind.Bool);
        body.AddOutput(again, "condition_out");
        object?[] nexts = [.. carried.SelectMany(name => Leaves(inside[name], name))];
        if (nexts.Length != leaves.Length) throw Error("a variable of a loop that depends on data changes its structure, which is not supported");
        for (int i = 0; i < nexts.Length; i++) body.AddOutput(nexts[i] is TorchBox b ? Read(b) : ScalarValue(nexts[i], KindOf(leaves[i])), $"next{i}");
        foreach (TorchBox box in boxes) body.AddOutput(Read(box), $"next{body.Graph.Outputs.Count - 1}");
        foreach (TorchList list in lists)
        {
            if (list.Added is not [TorchBox item]) throw Error("a loop that depends on data appends more or less than one tensor to a list in a round, which is not supported");
            body.AddOutput(Read(item), $"appended{body.Graph.Outputs.Count - 1}");
            list.Added = null;
        }
        Builder = outer;
        _journal = outerJournal;
        Restore(journal);
        if (initial.Count + lists.Count == 0) return;
        Value[] results = Builder.EmitMany("Loop", Named("loop"), initial.Count + lists.Count, [trips, first, .. initial, .. body.Captures],
            ("body", AttributeValue.OfGraph(body.Graph)), ("captures", (long)body.Captures.Count));
        Carry(variables, variables, (old, i, _) => old is TorchBox ? new TorchBox(results[i]) : new TorchScalar(results[i], KindOf(old)));
        for (int i = 0; i < boxes.Count; i++) Overwrite(boxes[i], results[leaves.Length + i]);
        for (int i = 0; i < lists.Count; i++) lists[i].Steps = results[initial.Count + i];

        // Gives each carried variable new tensors and numbers in place of the old ones.
        void Carry(Dictionary<string, object?> from, Dictionary<string, object?> to, Func<object?, int, string, object?> leaf)
        {
            int i = 0;
            foreach (string name in carried) to[name] = Rebuild(from[name], old => leaf(old, i++, name));
        }
    }

    /// <summary>Whether a loop can change a variable: modules, texts and containers stay what they are.</summary>
    private static bool IsCarried(object? value) => value is TorchBox or bool or long or double or TorchScalar || value is TorchTuple t && t.Items.All(IsCarried);

    /// <summary>The tensors and numbers of a variable, through tuples.</summary>
    private IEnumerable<object?> Leaves(object? value, string name) => value switch
    {
        TorchTuple t => t.Items.SelectMany(v => Leaves(v, name)),
        TorchBox or bool or long or double or TorchScalar => [value],
        _ => throw Error($"variable '{name}' of a loop that depends on data is {Describe(value)}; only tensors, numbers and tuples of them are supported"),
    };

    private static object? Rebuild(object? value, Func<object?, object?> leaf) => value is TorchTuple t ? new TorchTuple([.. t.Items.Select(v => Rebuild(v, leaf))]) : leaf(value);

    /// <summary>Tensors from before the loop that its body changes in place, and lists that it appends to, found by running it once for nothing.</summary>
    private (List<TorchBox> Boxes, List<TorchList> Lists) Changed(TorchExpr? condition, string? counter, TorchStatement[] statements, Dictionary<string, object?> variables, string file)
    {
        TorchBuilder outer = Builder;
        Journal? outerJournal = _journal;
        long before = new TorchBox(null!).Serial;
        var journal = _journal = new Journal(null);
        Builder = new TorchBuilder(new Graph("trial"), outer);
        var inside = new Dictionary<string, object?>(variables, variables.Comparer);
        var containers = new Containers(variables.Values);
        if (counter != null) inside[counter] = new TorchScalar(Builder.Graph.AddInput("iteration", new TensorType(DType.Int64, Shape.Scalar)), ScalarKind.Int);
        if (condition != null) Evaluate(condition, inside);
        Run(statements, inside, file);
        Builder = outer;
        _journal = outerJournal;
        Restore(journal);
        foreach (((TorchObject o, string name), object? value) in journal.Attributes) o.Attributes[name] = value;
        if (containers.Restore(out List<TorchList> lists) is { } changed) throw Error($"a loop that depends on data {changed}, which is not supported");
        // What a view changes is carried by the tensor that it is a view of.
        return ([.. journal.Boxes.Keys.Where(b => b.Serial < before && b.ViewOf == null && variables.Values.All(v => !ReferenceEquals(v, b) || !Assigned(statements).Any(n => ReferenceEquals(variables.GetValueOrDefault(n), b))))], lists);
    }

    /// <summary>The lists and dicts that variables hold, and what is in them now.</summary>
    private sealed class Containers
    {
        private readonly List<(TorchList List, object?[] Content)> _lists = [];
        private readonly List<(TorchDict Dict, KeyValuePair<object?, object?>[] Content)> _dicts = [];
        private readonly HashSet<object> _seen = new(ReferenceEqualityComparer.Instance);

        public Containers(IEnumerable<object?> values) => Add(values);

        private void Add(IEnumerable<object?> values)
        {
            foreach (object? value in values)
            {
                if (value is not (TorchList or TorchTuple or TorchDict) || !_seen.Add(value)) continue;
                switch (value)
                {
                    case TorchTuple t: Add(t.Items); break;
                    case TorchList { Added: null, Steps: null } l:
                        _lists.Add((l, [.. l.Known]));
                        Add(_lists[^1].Content);
                        break;
                    case TorchDict d:
                        _dicts.Add((d, [.. d.Items]));
                        Add(_dicts[^1].Content.Select(i => i.Value));
                        break;
                }
            }
        }

        /// <summary>Takes back all changes. What was done but appending, in words; null when that is all.</summary>
        public string? Restore(out List<TorchList> grown)
        {
            string? changed = null;
            grown = [];
            foreach ((TorchList list, object?[] content) in _lists)
            {
                if (list.Known.Count < content.Length || !list.Known.Take(content.Length).SequenceEqual(content)) changed = "changes elements of a list";
                else if (list.Steps != null) changed = "appends to a list in a loop inside it";
                else if (list.Known.Count > content.Length) grown.Add(list);
                list.Known.Clear();
                list.Known.AddRange(content);
                list.Steps = null;
            }
            foreach ((TorchDict dict, KeyValuePair<object?, object?>[] content) in _dicts)
            {
                if (!dict.Items.SequenceEqual(content)) changed = "changes a dict";
                dict.Items.Clear();
                dict.Items.AddRange(content);
            }
            return changed;
        }
    }

    private static void Restore(Journal journal)
    {
        foreach ((TorchBox box, Value value) in journal.Boxes)
        {
            box.Value = value;
            if (box is { ViewOf: not null, Again: not null }) box.Seen = -1;
        }
    }

    /// <summary>Names that statements assign; those with '$' never live from one round of a loop to the next (<see cref="TorchDecompiler"/>).</summary>
    private static IEnumerable<string> Assigned(TorchStatement[] body) => body.SelectMany(s => s switch
    {
        AssignStatement a => a.Targets.OfType<NameExpr>().Select(n => n.Name).Where(n => n[0] != '$'),
        IfStatement i => Assigned(i.Then).Concat(Assigned(i.Else)),
        ForStatement f => Assigned(f.Body),
        WhileStatement w => Assigned(w.Body),
        WithStatement w => Assigned(w.Body),
        _ => [],
    });
}
