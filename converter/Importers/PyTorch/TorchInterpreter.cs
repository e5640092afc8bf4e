using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Runs the code of an archive with tensors that are values of a graph: what the code decides from constants and known sizes is
/// decided now, loops of a known length are unrolled, and what depends on the data becomes If and Loop nodes (TorchControlFlow).
/// </summary>
internal sealed partial class TorchInterpreter
{
    private const int MaxDepth = 150;
    private const int MaxSteps = 2_000_000;
    private readonly TorchCode _code;
    private readonly List<object?> _constants;
    private readonly Dictionary<TorchTensor, TorchBox> _tensors = [];
    private readonly SortedDictionary<string, List<string>> _unknown = new(StringComparer.Ordinal);
    private readonly Stack<string> _paths = new([""]);
    private string _where = "";
    private readonly Refusals _refusals = new();
    private int _depth, _steps;
    private bool _inLibrary;

    public TorchInterpreter(TorchCode code, List<object?> constants, Graph graph)
    {
        _code = code;
        _constants = constants;
        Root = Builder = new TorchBuilder(graph, null);
    }

    public TorchBuilder Root { get; }
    public TorchBuilder Builder { get; private set; }

    /// <summary>Path of the module whose code runs.</summary>
    public string Path => _paths.Peek();

    /// <summary>Attributes that the code assigned.</summary>
    public SortedSet<string> ChangedState { get; } = new(StringComparer.Ordinal);

    public TorchBox Box(TorchTensor tensor)
    {
        if (_tensors.TryGetValue(tensor, out TorchBox? box)) return box;
        return _tensors[tensor] = new TorchBox(Root.Constant(tensor.Name.Length > 0 ? tensor.Name : "constant", tensor.Dense));
    }

    public object? CallMethod(TorchObject self, string name, object?[] arguments, (string, object?)[]? named = null)
    {
        TorchFunction? function = _code.Method(self.Type, name);
        if (function == null)
        {
            if (name == "__init__") return null;
            throw new EdgeLiteException(Status.Unsupported, $"The archive has no code for method '{name}' of {self.Type}.");
        }
        _paths.Push(self.Path.Length > 0 ? self.Path : Path);
        object? result = Call(function, [self, .. arguments], named);
        _paths.Pop();
        return result;
    }

    /// <summary>Calls a function for the module at a path.</summary>
    public object? CallIn(string path, TorchFunction function, object?[] arguments, (string Name, object? Value)[] named)
    {
        _paths.Push(path);
        object? result = Call(function, arguments, named);
        _paths.Pop();
        return result;
    }

    public object? Call(TorchFunction function, object?[] arguments, (string Name, object? Value)[]? named = null)
    {
        if (++_depth > MaxDepth) throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Name}' is called more than {MaxDepth} levels deep.");
        if (arguments.Length > function.Parameters.Length)
            throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Name}' takes {function.Parameters.Length} arguments, got {arguments.Length}.");
        var variables = new Dictionary<string, object?>(StringComparer.Ordinal);
        for (int i = 0; i < function.Parameters.Length; i++)
        {
            TorchParameter p = function.Parameters[i];
            if (i < arguments.Length) variables[p.Name] = arguments[i];
            else if (named?.FirstOrDefault(n => n.Name == p.Name) is { Name: not null } given) variables[p.Name] = given.Value;
            else if (p.Default != null) variables[p.Name] = Evaluate(p.Default, variables);
            else throw new EdgeLiteException(Status.Corrupt, $"Function '{function.Name}' is called without argument '{p.Name}'.");
        }
        string file = function.File;
        (bool _, object? result) = Run(function.Body, variables, file);
        _depth--;
        return result;
    }

    /// <summary>Runs an operator that is written in terms of others; messages name the place of the call.</summary>
    public object? CallLibrary(TorchFunction function, TorchCall call)
    {
        foreach (TorchParameter p in function.Parameters) call.Option(p.Name);
        bool outer = _inLibrary;
        _inLibrary = true;
        try
        {
            return Call(function, call.Arguments, [.. call.Named]);
        }
        finally
        {
            _inLibrary = outer;
        }
    }

    /// <summary>Whether something could not be converted.</summary>
    public bool Refuses => _unknown.Count > 0 || _refusals.Any;

    /// <summary>Names everything that could not be converted, at once.</summary>
    public void RefuseUnknown()
    {
        if (_unknown.Count == 0)
        {
            _refusals.ThrowIfAny();
            return;
        }
        IEnumerable<string> lines = _unknown.Select(u => $"  {u.Key}: {string.Join(", ", u.Value.Distinct().Take(5))}{(u.Value.Count > 5 ? ", ..." : "")}");
        throw new EdgeLiteException(Status.UnknownOperator, $"The code uses operators that have no conversion:\n{string.Join('\n', lines)}\nReplace them in the model and script or trace it again.{(_refusals.Any ? "\nSettings that cannot be converted:" + _refusals.Text : "")}");
    }

    private (bool Returned, object? Value) Run(TorchStatement[] body, Dictionary<string, object?> variables, string file)
    {
        foreach (TorchStatement statement in body)
        {
            if (++_steps > MaxSteps) throw new EdgeLiteException(Status.Unsupported, $"The code runs more than {MaxSteps} statements before it ends.");
            if (!_inLibrary) _where = $"{file}, line {statement.Line}";
            switch (statement)
            {
                case PassStatement: break;
                case AssignStatement a: Assign(a, variables); break;
                case ExprStatement e: Evaluate(e.Value, variables); break;
                case ReturnStatement r: return (true, r.Value == null ? null : Evaluate(r.Value, variables));
                case WithStatement w:
                {
                    var result = Run(w.Body, variables, file);
                    if (result.Returned) return result;
                    break;
                }
                case IfStatement s:
                {
                    object? condition = Evaluate(s.Condition, variables);
                    if (Truth(condition) is { } known)
                    {
                        var result = Run(known ? s.Then : s.Else, variables, file);
                        if (result.Returned) return result;
                    }
                    else RunBranches(s, (TorchScalar)ToScalar(condition, ScalarKind.Bool)!, variables, file);
                    break;
                }
                case ForStatement f: RunFor(f, variables, file); break;
                case WhileStatement w: RunWhile(w, variables, file); break;
            }
        }
        return (false, null);
    }

    private void Assign(AssignStatement a, Dictionary<string, object?> variables)
    {
        if (a.Module != null) _paths.Push(a.Module);
        object? value = Evaluate(a.Value, variables);
        if (a.Module != null) _paths.Pop();
        if (!a.Unpack)
        {
            Set(a.Targets[0], value, variables);
            return;
        }
        if (value is TorchAbsent)
        {
            foreach (TorchExpr target in a.Targets) Set(target, value, variables);
            return;
        }
        IReadOnlyList<object?> items = value switch
        {
            TorchTuple t => t.Items,
            TorchList l => l.Items,
            _ => throw Error($"{Describe(value)} is unpacked"),
        };
        if (items.Count != a.Targets.Length) throw Error($"{items.Count} values are unpacked into {a.Targets.Length} names");
        for (int i = 0; i < items.Count; i++) Set(a.Targets[i], items[i], variables);
    }

    private void Set(TorchExpr target, object? value, Dictionary<string, object?> variables)
    {
        switch (target)
        {
            case NameExpr n: variables[n.Name] = value; break;
            case MemberExpr m when Evaluate(m.Target, variables) is TorchObject o: SetMember(o, m.Name, value); break;
            case SlotExpr s when Evaluate(s.Target, variables) is TorchObject o: SetMember(o, NameOfSlot(o, s.Slot), value); break;
            default: throw Error("this kind of assignment is not supported");
        }
    }

    private void SetMember(TorchObject o, string name, object? value)
    {
        _journal?.Record(o, name);
        ChangedState.Add(o.Path.Length > 0 ? $"{o.Path}.{name}" : name);
        o.Attributes[name] = value;
    }

    /// <summary>Attributes keep the order of the class; those of an object that the code fills are named by their place.</summary>
    private static string NameOfSlot(TorchObject o, int slot) => o.IsOrdered && (uint)slot < (uint)o.Attributes.Count ? o.Attributes.ElementAt(slot).Key : $"{slot}";

    private object? Evaluate(TorchExpr e, Dictionary<string, object?> variables)
    {
        switch (e)
        {
            case LiteralExpr l: return l.Value;
            case NameExpr n: return variables.TryGetValue(n.Name, out object? value) ? value : n.Name switch { "inf" => double.PositiveInfinity, "nan" => double.NaN, _ => new TorchPath(n.Name) };
            case ListExpr l: return new TorchList(l.Items.Select(i => Evaluate(i, variables)));
            case TupleExpr t: return new TorchTuple([.. t.Items.Select(i => Evaluate(i, variables))]);
            case DictExpr d:
            {
                var dict = new TorchDict();
                foreach ((TorchExpr key, TorchExpr item) in d.Items) dict.Items.Add(new(Evaluate(key, variables), Evaluate(item, variables)));
                return dict;
            }
            case NegateExpr n: return Apply("neg", [Evaluate(n.Operand, variables)], []);
            case MemberExpr m: return Member(Evaluate(m.Target, variables), m.Name);
            case SlotExpr s: return Evaluate(s.Target, variables) is TorchObject o ? Member(o, NameOfSlot(o, s.Slot)) : throw Error("an attribute is read of what is no object");
            case IndexExpr i: return Index(Evaluate(i.Target, variables), Evaluate(i.Index, variables));
            case CallExpr c: return CallExpression(c, variables);
            default: throw Error("this expression is not supported");
        }
    }

    private object? Member(object? target, string name)
    {
        switch (target)
        {
            case TorchPath { Name: "CONSTANTS" }:
                if (name.Length > 1 && int.TryParse(name.AsSpan(1), out int i) && (uint)i < (uint)_constants.Count) return Lift(_constants[i]);
                throw Error($"there is no constant '{name}'");
            case TorchPath p: return new TorchPath($"{p.Name}.{name}");
            case TorchObject o:
                if (o is { State: { } state, Attributes.Count: 0 } && _code.Method(o.Type, "__setstate__") != null)
                {
                    o.State = null;
                    CallMethod(o, "__setstate__", [Lift(state)]);
                }
                if (o.Attributes.TryGetValue(name, out object? value)) return Lift(value);
                if (_code.Class(o.Type)?.Constants.TryGetValue(name, out TorchExpr? constant) == true) return Evaluate(constant, []);
                if (_code.Method(o.Type, name) != null || name == "__init__") return new TorchMethod(o, name);
                if (_code.Class(o.Type)?.Fields.Contains(name) == true) return new TorchAbsent($"attribute '{name}' of '{o.Type}' was never set");
                throw Error($"'{o.Type}' has no attribute '{name}'");
            case TorchTuple t when NamedField(t, name) is { } field: return field;
            case TorchAbsent: return target;
            default: throw Error($"{Describe(target)} has no attribute '{name}'");
        }
    }

    private static object? NamedField(TorchTuple t, string name) => name.StartsWith('_') && int.TryParse(name.AsSpan(1), out int i) && (uint)i < (uint)t.Items.Length ? t.Items[i] : null;

    internal object? Lift(object? value)
    {
        switch (value)
        {
            case TorchTensor t: return t.IsComplex ? Apply("view_as_complex", [Box(t)], []) : t.Quantizer is { } q ? new TorchQuantized(Box(t), q.Scale, q.ZeroPoint, q.Axis) : Box(t);
            case TorchTuple t when t.Items.Any(i => i is TorchTensor or TorchTuple): return new TorchTuple([.. t.Items.Select(Lift)]);
            case TorchList l:
                for (int i = 0; i < l.Known.Count; i++) l.Known[i] = Lift(l.Known[i]);
                return l;
            default: return value;
        }
    }

    private object? Index(object? target, object? index)
    {
        switch (target)
        {
            case TorchAbsent: return target;
            case TorchDict d:
                foreach ((object? key, object? value) in d.Items) if (Equals(key, index)) return value;
                throw Error($"a dict has no entry {Describe(index)}");
            case TorchPath: return target; // a type with parameters
            case TorchBox: return Apply("select", [target, 0L, index], []);
        }
        IReadOnlyList<object?> items = target switch { TorchTuple t => t.Items, TorchList l => l.Items, _ => throw Error($"{Describe(target)} is indexed") };
        if (index is not long i) throw Error("a list is indexed by a number that is known only when the model runs");
        if (i < 0) i += items.Count;
        return i >= 0 && i < items.Count ? items[(int)i] : throw Error($"index {index} is outside a list of {items.Count}");
    }

    private object? CallExpression(CallExpr c, Dictionary<string, object?> variables)
    {
        if (c.Function is NameExpr { Name: var builtin } && !variables.ContainsKey(builtin))
        {
            if (builtin is "annotate" or "unchecked_cast" or "isinstance" or "getattr" && c.Arguments.Length != 2) throw Error($"{builtin} has {c.Arguments.Length} arguments, expected 2");
            switch (builtin)
            {
                case "annotate" or "unchecked_cast":
                    // A tensor that is called a number becomes one.
                    return Evaluate(c.Arguments[1], variables) is var value && value is TorchBox && c.Arguments[0] is NameExpr { Name: "int" or "float" or "bool" or "number" }
                        ? Apply("item", [value], []) : value;
                case "isinstance": return IsInstance(Evaluate(c.Arguments[0], variables), c.Arguments[1]);
                case "uninitialized": return new TorchAbsent("it is never set");
                case "getattr": return Member(Evaluate(c.Arguments[0], variables), Evaluate(c.Arguments[1], variables) as string ?? throw Error("getattr needs a name"));
                case "refuse" when _inLibrary: throw Error((string)Evaluate(c.Arguments[0], variables)!);
                case "range": return Apply("range", [.. c.Arguments.Select(a => Evaluate(a, variables))], []);
            }
        }
        if (c.Function is MemberExpr { Name: "tolist", Target: var target }) return Apply("tolist", [Evaluate(target, variables)], []);
        object? function = Evaluate(c.Function, variables);
        object?[] arguments = [.. c.Arguments.Select(a => Evaluate(a, variables))];
        (string, object?)[] named = [.. c.Named.Select(n => (n.Name, Evaluate(n.Value, variables)))];
        switch (function)
        {
            case TorchMethod m: return CallMethod(m.Self, m.Name, arguments, named);
            case TorchFunction f: return Call(f, arguments, named);
            case TorchPath p when p.Name.StartsWith("__torch__.", StringComparison.Ordinal):
                if (p.Name.EndsWith(".__new__", StringComparison.Ordinal)) return new TorchObject(p.Name[..^".__new__".Length]);
                if (_code.Function(p.Name) is { } own) return Call(own, arguments, named);
                if (_code.Class(p.Name) is { Methods.Count: 0 } or null) return new TorchTuple(arguments); // a NamedTuple
                throw Error($"the archive has no code for '{p.Name}'");
            case TorchPath p: return Apply(OperatorName(p.Name), arguments, named);
            case TorchAbsent: return function;
            default: throw Error($"{Describe(function)} is called");
        }
    }

    /// <summary>"torch.conv2d" and "ops.aten.conv2d" are "conv2d"; operators of other libraries keep their library's name.</summary>
    private static string OperatorName(string path)
    {
        if (path.StartsWith("torch.", StringComparison.Ordinal)) return path["torch.".Length..];
        if (path.StartsWith("ops.aten.", StringComparison.Ordinal)) return path["ops.aten.".Length..];
        return path.StartsWith("ops.", StringComparison.Ordinal) ? path["ops.".Length..] : path;
    }

    /// <summary>Applies an operator. One without a conversion is written down, and its result is absent.</summary>
    public object? Apply(string name, object?[] arguments, (string Name, object? Value)[] named)
    {
        if (named.FirstOrDefault(n => n.Name == "out").Value is { } target) return Apply("copy_", [target, Apply(name, arguments, [.. named.Where(n => n.Name != "out")])], []);
        bool isComplex = arguments.Any(Holds<TorchComplex>);
        TorchOperator? op = isComplex ? TorchOperators.FindComplex(name) : TorchOperators.Find(name);
        if (!name.StartsWith("quantized", StringComparison.Ordinal) && arguments.Any(Holds<TorchQuantized>))
        {
            op = TorchOperators.FindQuantized(name);
            if (op == null) return ApplyBetween(name, arguments, named);
        }
        if (op == null)
        {
            if (isComplex) name += " of complex tensors";
            if (!_unknown.TryGetValue(name, out List<string>? places)) _unknown[name] = places = [];
            places.Add(Path.Length > 0 ? $"{Path} ({_where})" : _where);
            return new TorchAbsent($"operator '{name}' has no conversion");
        }
        if (!op.AllowsAbsent)
            foreach (object? argument in arguments)
                if (argument is TorchAbsent || argument is TorchList l && l.Known.Any(i => i is TorchAbsent) || argument is TorchTuple t && t.Items.Any(i => i is TorchAbsent))
                    return argument as TorchAbsent ?? new TorchAbsent("an element of a list is not there");
        if (isComplex && op.How.OnParts) return Joined(Apply(name, [.. arguments.Select(a => Mapped<TorchComplex>(a, z => z.Real))], named), Apply(name, [.. arguments.Select(a => Mapped<TorchComplex>(a, z => z.Imaginary))], named));
        object? result = null;
        if (!_refusals.Try(name, () => result = Perform(op, name, arguments, named))) return new TorchAbsent($"operator '{name}' has settings that are refused");
        return result;
    }

    private object? Perform(TorchOperator op, string name, object?[] arguments, (string Name, object? Value)[] named)
    {
        try
        {
            var call = new TorchCall(this, name, arguments, named);
            object? result = op.Convert(call);
            call.RefuseUnread();
            return result;
        }
        catch (Exception ex) when (ex is InvalidCastException or IndexOutOfRangeException or ArgumentException or OverflowException or InvalidOperationException or DivideByZeroException)
        {
            throw Error($"operator '{name}' is given what it does not take ({ex.Message})");
        }
        catch (EdgeLiteException ex) when (!ex.Message.Contains(", line ", StringComparison.Ordinal))
        {
            throw new EdgeLiteException(ex.Status, $"{ex.Message} ({_where}{(Path.Length > 0 ? $", module {Path}" : "")})", ex);
        }
    }

    /// <summary>An operator on quantized tensors: the plain one on what they stand for, whose results are quantized as the first of them.</summary>
    private object? ApplyBetween(string name, object?[] arguments, (string Name, object? Value)[] named)
    {
        var call = new TorchCall(this, name, arguments, named);
        TorchQuantized? first = null;
        object?[] floats = [.. arguments.Select(a => Mapped<TorchQuantized>(a, q =>
        {
            first ??= q;
            return TorchCall.Box(Operators.Quantized.Dequantized(call, q));
        }))];
        bool inPlace = TorchOperators.IsInPlace(name);
        object? result = Apply(inPlace ? name[..^1] : name, floats, named);
        object? quantized = Mapped<TorchBox>(result, b => Read(b) is { DType: var type } y && type.IsFloat() ? Operators.Quantized.Like(call, y, first!) : b);
        if (!inPlace || arguments[0] is not TorchQuantized target) return quantized;
        Overwrite(target.Integers, ((TorchQuantized)quantized!).Integers.Value);
        return target;
    }

    private static bool Holds<T>(object? value) => value is T || value is TorchList l && l.Known.Any(i => i is T) || value is TorchTuple t && t.Items.Any(i => i is T);

    /// <summary>A value, or the elements of a list or tuple, with those of a kind replaced.</summary>
    private static object? Mapped<T>(object? value, Func<T, object?> map) => value switch
    {
        T one => map(one),
        TorchList l when Holds<T>(l) => new TorchList(l.Items.Select(i => Mapped(i, map))),
        TorchTuple t when Holds<T>(t) => new TorchTuple([.. t.Items.Select(i => Mapped(i, map))]),
        _ => value,
    };

    private static object? Joined(object? real, object? imaginary) => (real, imaginary) switch
    {
        (TorchBox a, TorchBox b) => new TorchComplex(a, b),
        (TorchList a, TorchList b) => new TorchList(a.Items.Zip(b.Items, Joined)),
        (TorchTuple a, TorchTuple b) => new TorchTuple([.. a.Items.Zip(b.Items, Joined)]),
        _ => real,
    };

    /// <summary>A Python truth value that is known now, otherwise null.</summary>
    private bool? Truth(object? value)
    {
        switch (value)
        {
            case null: return false;
            case bool b: return b;
            case long n: return n != 0;
            case double d: return d != 0;
            case string s: return s.Length > 0;
            case TorchBox { Value.Constant: { Count: 1 } c }: return c.GetDouble(0) != 0;
            case TorchScalar { Value.Constant: { } c }: return c.GetDouble(0) != 0;
            case TorchBox or TorchScalar: return null;
            case TorchAbsent a: RefuseUnknown(); throw Error($"a condition is not known: {a.Reason}");
            default: throw Error($"{Describe(value)} is a condition");
        }
    }

    internal EdgeLiteException Error(string message) => new(Status.Unsupported, $"{_where}{(Path.Length > 0 ? $" (module {Path})" : "")}: {message}.");

    internal static string Describe(object? value) => value switch
    {
        null => "None",
        TorchBox b => $"tensor '{b.Value.Name}'",
        TorchScalar => "a number",
        TorchList => "a list",
        TorchTuple => "a tuple",
        TorchDict => "a dict",
        TorchComplex => "a complex tensor",
        TorchQuantized => "a quantized tensor",
        TorchPacked => "a packed sequence, whose steps no operator but recurrent layers can use",
        TorchObject o => $"an object of {o.Type}",
        TorchPath p => $"'{p.Name}'",
        TorchAbsent a => $"something that is not there ({a.Reason})",
        string s => $"'{s}'",
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "",
    };
}
