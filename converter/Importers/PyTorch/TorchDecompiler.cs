using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Turns bytecode of PyTorch's mobile interpreter back into the statements that it was compiled from. It is the code of a stack machine
/// with registers, and of structured programs alone (torch/csrc/jit/runtime/interpreter/code_impl.h): a branch is JF, its first block, JMP
/// and its second block; a loop is LOOP, its body and JMP back. A register holds one value of the program, so nothing that
/// is assigned in a body lives on in the next round but the loop's own variables.
/// </summary>
internal sealed class TorchDecompiler
{
    private const int MaxNesting = 200;

    /// <summary>Instructions that are a plain operator on values of the stack, with how many they take (-1: X says it).</summary>
    private static readonly Dictionary<string, (string Operator, int Arguments)> s_operators = new(StringComparer.Ordinal)
    {
        ["DIM"] = ("dim", 1), ["DTYPE"] = ("prim.dtype", 1), ["DEVICE"] = ("prim.device", 1), ["IS_CUDA"] = ("prim.is_cuda", 1), ["NUM_TO_TENSOR"] = ("prim.NumToTensor", 1),
        ["__NOT__"] = ("__not__", 1), ["__IS__"] = ("__is__", 2), ["__ISNOT__"] = ("__isnot__", 2), ["DICT_INDEX"] = ("__getitem__", 2), ["FORMAT"] = ("format", -1),
        ["TO_LIST"] = ("tolist", 3),
    };

    private static readonly HashSet<string> s_others = new(StringComparer.Ordinal)
    {
        "OP", "OPN", "LOAD", "MOVE", "STORE", "STOREN", "DROP", "DROPR", "LOADC", "JF", "JMP", "LOOP", "RET", "INTERFACE_CALL", "GET_ATTR", "SET_ATTR", "LIST_UNPACK", "TUPLE_CONSTRUCT",
        "NAMED_TUPLE_CONSTRUCT", "LIST_CONSTRUCT", "DICT_CONSTRUCT", "CREATE_OBJECT", "ISINSTANCE", "TUPLE_SLICE", "TUPLE_INDEX", "RAISE_EXCEPTION", "UNCHECKED_CAST", "UN_INITIALIZED", "WARN",
    };

    /// <summary>Operators without a result, with their overloads where others have one.</summary>
    private static readonly HashSet<string> s_silent = new(StringComparer.Ordinal)
    {
        "aten::insert.t", "aten::extend.t", "aten::reverse.t", "aten::clear.t", "aten::sort.int", "aten::sort.float", "aten::Delete.t", "aten::Delete.Dict_str", "aten::Delete.Dict_int", "aten::_set_item.str",
        "aten::_set_item.int", "aten::_set_item.float", "aten::clear.str", "aten::clear.int", "prim::Print.", "prim::RaiseException.", "aten::_assert_async.", "aten::warn.", "aten::update.str",
    };

    /// <summary>Arguments that an operator's schema takes by name alone: the first one's place, and the names. Bytecode passes all in their places.</summary>
    private static readonly Dictionary<string, (int From, string[] Names)> s_named = Named();

    private readonly TorchBytecodeFunction _function;
    private readonly TorchInstruction[] _code;
    private readonly int _firstConstant;
    private int _fresh, _nesting;

    private TorchDecompiler(TorchBytecodeFunction function, int firstConstant) => (_function, _code, _firstConstant) = (function, function.Instructions, firstConstant);

    /// <summary>All functions as the files of code that they came from. Constants that are no plain values go to <paramref name="constants"/>.</summary>
    public static TorchCode Decompile(string path, IEnumerable<TorchBytecodeFunction> functions, List<object?> constants, Func<object?, object?> lift)
    {
        TorchBytecodeFunction[] all = [.. functions];
        string[] unknown = [.. all.SelectMany(f => f.Instructions).Select(i => i.Op).Where(o => !s_operators.ContainsKey(o) && !s_others.Contains(o)).Distinct(StringComparer.Ordinal)];
        if (unknown.Length > 0)
            throw new EdgeLiteException(Status.Unsupported, $"'{path}': the bytecode has instructions without a conversion: {string.Join(", ", unknown)}. Save the module with torch.jit.save instead.");
        var modules = new Dictionary<string, TorchModule>(StringComparer.Ordinal);
        foreach (TorchBytecodeFunction f in all)
        {
            // __torch__.a.b.Class.method lies in code/__torch__/a/b.py
            string[] names = f.QualifiedName.Split('.');
            if (names.Length < 3) continue;
            string file = $"code/{string.Join('/', names[..^2])}.py";
            if (!modules.TryGetValue(file, out TorchModule? module)) modules[file] = module = new([], []);
            if (!module.Classes.TryGetValue(names[^2], out TorchClass? type)) module.Classes[names[^2]] = type = new(names[^2], [], [], []);
            type.Methods[names[^1]] = new TorchDecompiler(f, constants.Count).Function(names[^1]);
            constants.AddRange(f.Constants.Select(lift));
        }
        return new TorchCode(modules.GetValueOrDefault);
    }

    private TorchFunction Function(string name)
    {
        if (_code.Where(i => i.Op is "STORE" or "STOREN").SelectMany(i => Enumerable.Range(i.X, i.Op == "STORE" ? 1 : Math.Clamp(i.N, 0, 1 << 16))).GroupBy(r => r).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw Corrupt(0, $"register {twice.Key} is stored in more than one place");
        TorchParameter[] parameters = _function.Parameters;
        if (parameters.Length == 0 && _code is [{ Op: "STORE" or "STOREN" } first, ..])
            parameters = [.. Enumerable.Range(0, first.Op == "STORE" ? 1 : Math.Clamp(first.N, 0, 1 << 16)).Select(i => new TorchParameter(i == 0 ? "self" : $"argument_{i}", "Tensor", null))];
        var body = new List<TorchStatement>();
        var stack = new List<TorchExpr>(parameters.Select(p => new NameExpr(p.Name)));
        int end = Block(0, _code.Length, stack, body);
        if (end != _code.Length || stack.Count > 1) throw Corrupt(end, "it does not end where it returns");
        body.Add(new ReturnStatement(stack.Count == 1 ? stack[0] : null, end));
        return new TorchFunction(name, $"bytecode of {_function.QualifiedName}", parameters, [.. body]);
    }

    /// <summary>The statements of the instructions from..to-1; RET ends them. The stack holds names and plain values.</summary>
    private int Block(int from, int to, List<TorchExpr> stack, List<TorchStatement> body)
    {
        if (++_nesting > MaxNesting) throw Corrupt(from, "its branches nest too deeply");
        int at = from;
        while (at < to)
        {
            TorchInstruction i = _code[at];
            switch (i.Op)
            {
                case "RET":
                    _nesting--;
                    return at + 1;
                case "JF": at = Branch(at, to, stack, body); continue;
                case "LOOP": at = Loop(at, to, stack, body); continue;
                case "LOAD" or "MOVE": stack.Add(Register(i.X)); break;
                case "STORE": Assign(body, at, Register(i.X), Pop(stack, at)); break;
                case "STOREN":
                {
                    TorchExpr[] values = Pop(stack, at, i.N);
                    for (int k = 0; k < values.Length; k++) Assign(body, at, Register(i.X + k), values[k]);
                    break;
                }
                case "DROP": Pop(stack, at); break;
                case "DROPR" or "UNCHECKED_CAST": break;
                case "LOADC": stack.Add(Constant(at, i.X)); break;
                case "OP" or "OPN": at = Operator(at, to, stack, body); continue;
                case "LIST_UNPACK": at = Unpack(at, to, Pop(stack, at), stack, body); continue;
                case "INTERFACE_CALL":
                {
                    TorchExpr[] arguments = Pop(stack, at, i.N);
                    if (arguments.Length == 0) throw Corrupt(at, "a method is called on nothing");
                    string method = Constant(at, i.X) is LiteralExpr { Value: string s } ? s : throw Corrupt(at, "a method's name is no text");
                    Push(stack, body, at, new CallExpr(new MemberExpr(arguments[0], method), arguments[1..], []));
                    break;
                }
                case "GET_ATTR": Push(stack, body, at, new SlotExpr(Pop(stack, at), i.X)); break;
                case "SET_ATTR":
                {
                    TorchExpr value = Pop(stack, at);
                    Assign(body, at, new SlotExpr(Pop(stack, at), i.X), value);
                    break;
                }
                case "TUPLE_CONSTRUCT": Push(stack, body, at, new TupleExpr(Pop(stack, at, i.X))); break;
                case "NAMED_TUPLE_CONSTRUCT": Push(stack, body, at, new TupleExpr(Pop(stack, at, i.N))); break;
                case "LIST_CONSTRUCT": Push(stack, body, at, new ListExpr(Pop(stack, at, i.N))); break;
                case "DICT_CONSTRUCT":
                    Push(stack, body, at, new DictExpr([.. Pop(stack, at, i.N).Chunk(2).Select(p => p.Length == 2 ? (p[0], p[1]) : throw Corrupt(at, "a key has no value"))]));
                    break;
                case "CREATE_OBJECT": Push(stack, body, at, new CallExpr(new NameExpr($"{Type(at, i.X)}.__new__"), [], [])); break;
                case "ISINSTANCE":
                {
                    TorchExpr[] types = [.. Enumerable.Range(i.X, Math.Clamp(i.N, 0, 1 << 16)).Select(k => TorchParser.Type(_function.QualifiedName, Type(at, k)))];
                    Push(stack, body, at, new CallExpr(new NameExpr("isinstance"), [Pop(stack, at), new TupleExpr(types)], []));
                    break;
                }
                case "TUPLE_SLICE":
                {
                    TorchExpr tuple = Pop(stack, at);
                    Push(stack, body, at, new TupleExpr([.. Enumerable.Range(i.X, Math.Clamp(i.N, 0, 1 << 16)).Select(k => new IndexExpr(tuple, new LiteralExpr((long)k)))]));
                    break;
                }
                case "TUPLE_INDEX":
                {
                    TorchExpr index = Pop(stack, at);
                    Push(stack, body, at, new IndexExpr(Pop(stack, at), index));
                    break;
                }
                case "RAISE_EXCEPTION": body.Add(new ExprStatement(Apply("prim.RaiseException", Pop(stack, at, 2)), at)); break;
                case "UN_INITIALIZED": Push(stack, body, at, new CallExpr(new NameExpr("uninitialized"), [], [])); break;
                case "WARN": Pop(stack, at, 2); break;
                case "JMP": throw Corrupt(at, "it jumps outside of a branch or a loop");
                default:
                {
                    (string name, int arguments) = s_operators[i.Op];
                    Push(stack, body, at, Apply(name, Pop(stack, at, arguments < 0 ? i.X : arguments)));
                    break;
                }
            }
            at++;
        }
        _nesting--;
        return at;
    }

    /// <summary>JF else; first block; JMP end; else: second block; end. What the blocks leave on the stack is the result.</summary>
    private int Branch(int at, int to, List<TorchExpr> stack, List<TorchStatement> body)
    {
        TorchExpr condition = Pop(stack, at);
        int other = Target(at, to);
        if (other - 1 <= at || _code[other - 1].Op != "JMP") throw Corrupt(at, "a branch does not end with a jump");
        int end = Target(other - 1, to);
        var thenStack = new List<TorchExpr>(stack);
        var otherStack = new List<TorchExpr>(stack);
        var thenBody = new List<TorchStatement>();
        var otherBody = new List<TorchStatement>();
        if (Block(at + 1, other - 1, thenStack, thenBody) != other - 1 || Block(other, end, otherStack, otherBody) != end) throw Corrupt(at, "it returns inside a branch");
        if (thenStack.Count != otherStack.Count || thenStack.Count < stack.Count) throw Corrupt(at, "two branches leave stacks of different heights");
        for (int k = stack.Count; k < thenStack.Count; k++)
        {
            NameExpr result = Fresh();
            Assign(thenBody, other - 1, result, thenStack[k]);
            Assign(otherBody, end, result, otherStack[k]);
            stack.Add(result);
        }
        body.Add(new IfStatement(condition, [.. thenBody], [.. otherBody], at));
        return end;
    }

    /// <summary>
    /// On the stack lie the number of rounds done (0), the largest number of rounds, whether to go on, and the loop's variables. The body
    /// finds the round's number and the variables, and leaves whether to go on, and the variables of the next round.
    /// </summary>
    private int Loop(int at, int to, List<TorchExpr> stack, List<TorchStatement> body)
    {
        int exit = Target(at, to);
        if (exit - 1 <= at || _code[exit - 1] is not { Op: "JMP" } back || exit - 1 + back.X != at) throw Corrupt(at, "a loop does not end with a jump to its beginning");
        TorchExpr[] carried = Pop(stack, at, _code[at].N - 2);
        TorchExpr[] head = Pop(stack, at, 3);
        TorchExpr most = head[1], first = head[2];
        // Names without '$' live from round to round.
        NameExpr round = new($"round{_fresh++}"), going = new($"going{_fresh++}");
        NameExpr[] variables = [.. carried.Select(_ => new NameExpr($"loop{_fresh++}"))];
        for (int k = 0; k < carried.Length; k++) Assign(body, at, variables[k], carried[k]);
        var inner = new List<TorchExpr>([head[0], most, round, .. variables]);
        var statements = new List<TorchStatement>();
        if (Block(at + 1, exit - 1, inner, statements) != exit - 1) throw Corrupt(at, "it returns inside a loop");
        TorchExpr[] next = Pop(inner, at, carried.Length);
        TorchExpr again = Pop(inner, at);
        // A variable may be given to another one, so all are read before any is written.
        NameExpr[] read = [.. next.Select(_ => Fresh())];
        for (int k = 0; k < next.Length; k++) Assign(statements, exit - 1, read[k], next[k]);
        for (int k = 0; k < next.Length; k++) Assign(statements, exit - 1, variables[k], read[k]);
        stack.AddRange(variables);
        if (first is LiteralExpr { Value: true } && again is LiteralExpr { Value: true })
        {
            body.Add(new ForStatement(round.Name, new CallExpr(new NameExpr("range"), [most], []), [.. statements], at));
            return exit;
        }
        bool isBounded = most is not LiteralExpr { Value: long and >= int.MaxValue };
        if (isBounded || Counts(at, exit))
        {
            Assign(body, at, round, new LiteralExpr(0L));
            Assign(statements, exit - 1, round, Apply("add", [round, new LiteralExpr(1L)]));
        }
        Assign(body, at, going, isBounded ? Apply("__and__", [first, Apply("lt", [round, most])]) : first);
        Assign(statements, exit - 1, going, isBounded ? Apply("__and__", [again, Apply("lt", [round, most])]) : again);
        body.Add(new WhileStatement(going, [.. statements], at));
        return exit;
    }

    /// <summary>Whether the body reads the round's number, which it stores first of all.</summary>
    private bool Counts(int at, int exit) => _code[at + 1] is not { Op: "STORE" or "STOREN", X: var register } || _code[(at + 2)..exit].Any(i => i.Op is "LOAD" or "MOVE" && i.X == register);

    private int Operator(int at, int to, List<TorchExpr> stack, List<TorchStatement> body)
    {
        TorchInstruction i = _code[at];
        if ((uint)i.X >= (uint)_function.Operators.Length) throw Corrupt(at, $"operator {i.X} of {_function.Operators.Length} is called");
        (string name, string overload, int declared) = _function.Operators[i.X];
        int count = i.Op == "OPN" ? i.N : declared;
        if (count < 0) throw new EdgeLiteException(Status.Unsupported, $"{_function.QualifiedName}: the bytecode does not tell how many arguments '{name}' takes (files before version 6 do not). Save the module again with a newer PyTorch.");
        TorchExpr[] arguments = Pop(stack, at, count);
        switch (name)
        {
            case "prim::unchecked_cast" or "prim::unchecked_unwrap_optional" when count == 1:
                stack.Add(arguments[0]);
                return at + 1;
            case "prim::TupleUnpack" or "prim::ListUnpack" when count == 1: return Unpack(at, to, arguments[0], stack, body);
            case "prim::TupleIndex" when count == 2:
                Push(stack, body, at, new IndexExpr(arguments[0], arguments[1]));
                return at + 1;
        }
        string plain = name.StartsWith("aten::", StringComparison.Ordinal) ? name["aten::".Length..] : name.Replace("::", ".", StringComparison.Ordinal);
        CallExpr call = Apply(plain, arguments);
        if (s_named.TryGetValue($"{plain}.{overload}", out (int From, string[] Names) named) || s_named.TryGetValue(plain, out named))
            call = call with { Arguments = [.. arguments.Take(named.From)], Named = [.. arguments.Skip(named.From).Zip(named.Names, (a, n) => (n, a))] };
        if (at + 1 < to && _code[at + 1].Op == "STOREN") return Unpack(at, to, call, stack, body);
        if (s_silent.Contains($"{name}.{overload}")) body.Add(new ExprStatement(call, at));
        else Push(stack, body, at, call);
        return at + 1;
    }

    /// <summary>Several results, which the next instruction stores.</summary>
    private int Unpack(int at, int to, TorchExpr value, List<TorchExpr> stack, List<TorchStatement> body)
    {
        if (at + 1 < to && _code[at + 1] is { Op: "STOREN" or "STORE" } store)
        {
            body.Add(new AssignStatement([.. Enumerable.Range(store.X, store.Op == "STORE" ? 1 : Math.Clamp(store.N, 0, 1 << 16)).Select(Register)], true, value, at));
            return at + 2;
        }
        NameExpr only = Fresh();
        body.Add(new AssignStatement([only], true, value, at));
        stack.Add(only);
        return at + 1;
    }

    private void Push(List<TorchExpr> stack, List<TorchStatement> body, int at, TorchExpr value)
    {
        NameExpr name = Fresh();
        Assign(body, at, name, value);
        stack.Add(name);
    }

    private static void Assign(List<TorchStatement> body, int at, TorchExpr target, TorchExpr value) => body.Add(new AssignStatement([target], false, value, at));

    private static CallExpr Apply(string name, TorchExpr[] arguments) => new(new NameExpr($"ops.aten.{name}"), arguments, []);

    private static NameExpr Register(int x) => new($"$r{x}");

    private NameExpr Fresh() => new($"${_fresh++}");

    private TorchExpr Constant(int at, int x)
    {
        if ((uint)x >= (uint)_function.Constants.Length) throw Corrupt(at, $"constant {x} of {_function.Constants.Length} is loaded");
        return _function.Constants[x] is null or bool or long or double or string ? new LiteralExpr(_function.Constants[x]) : new MemberExpr(new NameExpr("CONSTANTS"), $"c{_firstConstant + x}");
    }

    private string Type(int at, int x) => (uint)x < (uint)_function.Types.Length ? _function.Types[x] : throw Corrupt(at, $"type {x} of {_function.Types.Length} is used");

    private int Target(int at, int to)
    {
        long target = at + (long)_code[at].X;
        return target > at && target <= to ? (int)target : throw Corrupt(at, $"it jumps to {target}");
    }

    private TorchExpr Pop(List<TorchExpr> stack, int at) => Pop(stack, at, 1)[0];

    private TorchExpr[] Pop(List<TorchExpr> stack, int at, int count)
    {
        if (count < 0 || count > stack.Count) throw Corrupt(at, $"{count} values are taken from a stack of {stack.Count}");
        TorchExpr[] values = [.. stack[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private EdgeLiteException Corrupt(int at, string what) => new(Status.Corrupt, $"The bytecode of {_function.QualifiedName} is damaged at instruction {at}: {what}.");

    private static Dictionary<string, (int From, string[] Names)> Named()
    {
        string[] made = ["dtype", "layout", "device", "pin_memory", "memory_format"], type = ["dtype"];
        var named = new Dictionary<string, (int From, string[] Names)>(StringComparer.Ordinal)
        {
            ["div.Tensor_mode"] = (2, ["rounding_mode"]), ["div.Scalar_mode"] = (2, ["rounding_mode"]), ["gelu"] = (1, ["approximate"]),
            ["add.Tensor"] = (2, ["alpha"]), ["sub.Tensor"] = (2, ["alpha"]), ["rsub.Tensor"] = (2, ["alpha"]), ["addcmul"] = (3, ["value"]), ["addcdiv"] = (3, ["value"]),
            ["addmm"] = (3, ["beta", "alpha"]), ["baddbmm"] = (3, ["beta", "alpha"]), ["addbmm"] = (3, ["beta", "alpha"]), ["addmv"] = (3, ["beta", "alpha"]), ["addr"] = (3, ["beta", "alpha"]),
            ["var.correction"] = (2, ["correction", "keepdim"]), ["std.correction"] = (2, ["correction", "keepdim"]), ["scatter_reduce.two"] = (5, ["include_self"]),
            ["scatter.reduce"] = (4, ["reduce"]), ["scatter.value_reduce"] = (4, ["reduce"]), ["meshgrid.indexing"] = (1, ["indexing"]), ["scaled_dot_product_attention"] = (6, ["scale"]),
            ["sort.stable"] = (1, ["stable", "dim", "descending"]), ["to.dtype_layout"] = (1, [.. made[..4], "non_blocking", "copy", "memory_format"]),
            ["tensor"] = (1, ["dtype", "device", "requires_grad"]), ["as_tensor"] = (1, ["dtype", "device"]), ["clone"] = (1, ["memory_format"]), ["contiguous"] = (1, ["memory_format"]),
            ["sum"] = (1, type), ["sum.dim_IntList"] = (3, type), ["mean"] = (1, type), ["mean.dim"] = (3, type), ["prod"] = (1, type), ["prod.dim_int"] = (3, type), ["cumsum"] = (2, type), ["cumprod"] = (2, type),
            ["norm.ScalarOpt_dim_dtype"] = (4, type), ["linalg_vector_norm"] = (4, type), ["arange"] = (1, made), ["arange.start"] = (2, made), ["arange.start_step"] = (3, made), ["linspace"] = (3, made),
            ["full"] = (2, made), ["full_like"] = (2, made), ["new_full"] = (3, made), ["new_zeros"] = (2, made), ["new_ones"] = (2, made), ["eye.m"] = (2, made),
        };
        foreach (string name in new[] { "zeros", "ones", "empty", "eye", "rand", "randn", "zeros_like", "ones_like", "empty_like", "rand_like", "randn_like", "scalar_tensor" }) named[name] = (1, made);
        return named;
    }
}
