namespace EdgeLite.Converter.Importers.Onnx.Regex;

/// <summary>
/// A deterministic automaton for a full match of an expression: Thompson's construction, then subsets (Aho, Lam, Sethi, Ullman: Compilers,
/// sections 3.7 and 3.9.6). Anchors are decided when the next character is known: a state remembers what came before, and its empty moves
/// are followed once for each class of the next character, the end of the text being one.
/// </summary>
internal sealed class Automaton
{
    private const int MaxInstructions = 50_000, MaxStates = 4_000;

    /// <summary>What stands before a place or after it.</summary>
    private enum Side
    {
        Other,
        Word,
        NewLine,
        Edge,
    }

    /// <summary>A step: takes a code point of a set, or moves on without when the anchor, if any, holds; Next2 is another way or -1.</summary>
    private readonly record struct Instruction(CodePoints? Set, Anchor? Anchor, int Next, int Next2);

    private readonly List<Instruction> _program = [];
    private readonly List<int[]> _rows = [];
    private readonly Dictionary<string, int> _numbers = [];
    private readonly List<(int[] Starts, Side Before)> _states = [];

    public Automaton(string pattern)
    {
        Add(new Instruction(null, null, -1, -1)); // 0: the match
        int start = Compile(new Parser(pattern).Parse(), 0);
        Boundaries = FindBoundaries();
        Number([start], Side.Edge);
        for (int s = 0; s < _states.Count; s++) _rows.Add(Row(_states[s].Starts, _states[s].Before));
    }

    /// <summary>First code point of each class.</summary>
    public int[] Boundaries { get; }

    /// <summary>For each state the next one by class, -1 for none, then 1 where the text may end.</summary>
    public IReadOnlyList<int[]> Rows => _rows;

    private int Add(Instruction instruction)
    {
        if (_program.Count >= MaxInstructions) throw new FormatException($"the expression needs more than {MaxInstructions} steps");
        _program.Add(instruction);
        return _program.Count - 1;
    }

    /// <summary>Appends instructions that match <paramref name="syntax"/> and then go on at <paramref name="next"/>; returns the first.</summary>
    private int Compile(Syntax syntax, int next)
    {
        switch (syntax)
        {
            case Syntax.Set set: return Add(new Instruction(set.Points, null, next, -1));
            case Syntax.At at: return Add(new Instruction(null, at.Anchor, next, -1));
            case Syntax.Sequence sequence:
                foreach (Syntax part in sequence.Parts.Reverse()) next = Compile(part, next);
                return next;
            case Syntax.Choice choice:
                int chosen = Compile(choice.Ways[^1], next);
                for (int i = choice.Ways.Count - 2; i >= 0; i--) chosen = Add(new Instruction(null, null, Compile(choice.Ways[i], next), chosen));
                return chosen;
            case Syntax.Repeat repeat:
                if (repeat.Max < 0)
                {
                    int loop = Add(default);
                    _program[loop] = new Instruction(null, null, Compile(repeat.Body, loop), next);
                    next = loop;
                }
                else
                {
                    int end = next;
                    for (int i = repeat.Min; i < repeat.Max; i++) next = Add(new Instruction(null, null, Compile(repeat.Body, next), end));
                }
                for (int i = 0; i < repeat.Min; i++) next = Compile(repeat.Body, next);
                return next;
            default: throw new InvalidOperationException(syntax.ToString());
        }
    }

    /// <summary>Where membership of any set changes; what anchors look at is a set as well.</summary>
    private int[] FindBoundaries()
    {
        var starts = new SortedSet<int> { 0 };
        var sets = new HashSet<CodePoints>(_program.Select(i => i.Set).OfType<CodePoints>());
        if (_program.Any(i => i.Anchor != null)) sets.UnionWith([CodePoints.Word, CodePoints.NewLine]);
        foreach (CodePoints set in sets)
            foreach ((int first, int last) in set.Ranges)
            {
                starts.Add(first);
                if (last < CodePoints.Last) starts.Add(last + 1);
            }
        return [.. starts];
    }

    private int Number(int[] starts, Side before)
    {
        string key = $"{before}:{string.Join(',', starts)}";
        if (_numbers.TryGetValue(key, out int number)) return number;
        if (_states.Count >= MaxStates) throw new FormatException($"the expression needs more than {MaxStates} states");
        _states.Add((starts, before));
        return _numbers[key] = _states.Count - 1;
    }

    private int[] Row(int[] starts, Side before)
    {
        var row = new int[Boundaries.Length + 1];
        for (int k = 0; k < Boundaries.Length; k++)
        {
            Side after = SideOf(Boundaries[k]);
            SortedSet<int> next = [];
            foreach (int i in Closure(starts, before, after))
                if (_program[i].Set is { } set && set.Contains(Boundaries[k])) next.Add(_program[i].Next);
            row[k] = next.Count == 0 ? -1 : Number([.. next], after);
        }
        row[^1] = Closure(starts, before, Side.Edge).Contains(0) ? 1 : 0;
        return row;
    }

    private HashSet<int> Closure(int[] starts, Side before, Side after)
    {
        var reached = new HashSet<int>();
        var stack = new Stack<int>(starts);
        while (stack.TryPop(out int i))
        {
            if (i < 0 || !reached.Add(i)) continue;
            Instruction at = _program[i];
            if (i == 0 || at.Set != null || at.Anchor is { } anchor && !Holds(anchor, before, after)) continue;
            stack.Push(at.Next);
            stack.Push(at.Next2);
        }
        return reached;
    }

    private static bool Holds(Anchor anchor, Side before, Side after) => anchor switch
    {
        Anchor.TextBegin => before == Side.Edge,
        Anchor.TextEnd => after == Side.Edge,
        Anchor.LineBegin => before is Side.Edge or Side.NewLine,
        Anchor.LineEnd => after is Side.Edge or Side.NewLine,
        Anchor.WordBoundary => (before == Side.Word) != (after == Side.Word),
        _ => (before == Side.Word) == (after == Side.Word),
    };

    /// <summary>Without anchors it does not matter what came before, and states stay few.</summary>
    private Side SideOf(int c) => !_program.Exists(i => i.Anchor != null) ? Side.Other
        : c == '\n' ? Side.NewLine : CodePoints.Word.Contains(c) ? Side.Word : Side.Other;
}
