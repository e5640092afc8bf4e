using System.Globalization;
using System.Text.Json;
using EdgeLite.Converter.Importers.PyTorch.Operators;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>The graph of an exported program as a function in TorchScript's syntax: one assignment a node; cond and while_loop become if
/// and while.</summary>
internal sealed class TorchExportCode(string file)
{
    private const int MaxDepth = 32;

    /// <summary>Arguments that aten's schemas take by name alone (behind the *).</summary>
    private static readonly HashSet<string> s_named = new(StringComparer.Ordinal)
    { "approximate", "correction", "device", "enable_gqa", "generator", "layout", "memory_format", "pin_memory", "rounding_mode" };

    private const string Operators = "torch.ops.", Aten = "torch.ops.aten.", HigherOrder = "torch.ops.higher_order.";
    /// <summary>Operators that compute one element from those at its place: over tensors of as many axes they may have another axis before these.</summary>
    private static readonly HashSet<string> s_pointwise = new(StringComparer.Ordinal) { "add", "sub", "mul", "div", "neg", "exp", "log", "maximum", "minimum", "sigmoid", "tanh" };

    private const string Mapped = "torch._functorch.predispatch.";
    private readonly HashSet<string> _batched = new(StringComparer.Ordinal);
    private int _depth, _maps;
    private JsonElement _graph;

    public TorchFunction Function(string name, JsonElement graph, IEnumerable<JsonElement> outputs)
    {
        if (++_depth > MaxDepth) throw new EdgeLiteException(Status.Corrupt, $"Graphs of the exported program nest more than {MaxDepth} deep.");
        TorchParameter[] parameters = [.. graph.Field("inputs").Items().Select(i => new TorchParameter(NameOf(i), "", null))];
        var body = new List<TorchStatement>();
        (JsonElement outer, _graph) = (_graph, graph);
        int line = 0;
        foreach (JsonElement node in graph.Field("nodes").Items()) body.Add(Statement(node, ++line));
        TorchExpr[] results = [.. outputs.Select(Expression)];
        body.Add(new ReturnStatement(results.Length == 1 ? results[0] : new TupleExpr(results), line + 1));
        _depth--;
        _graph = outer;
        return new TorchFunction(name, file, parameters, [.. body]);
    }

    private TorchStatement Statement(JsonElement node, int line)
    {
        string target = Text(node, "target");
        JsonElement[] inputs = [.. node.Field("inputs").Items()], outputs = [.. node.Field("outputs").Items()];
        TorchExpr[] targets = [.. Targets(outputs)];
        bool unpack = outputs.Length > 1 || outputs is [{ } only] && only.TryField("as_tensors", out _);
        if (target.StartsWith(HigherOrder, StringComparison.Ordinal))
        {
            TorchExpr[] arguments = [.. inputs.Select(i => Expression(i.Field("arg")))];
            // Results of a graph are a tuple unless it has one alone.
            AssignStatement Assign(TorchExpr value) => new(targets, targets.Length > 1, value, line);
            switch (target[HigherOrder.Length..])
            {
                case "cond" when arguments is [{ } condition, LiteralExpr { Value: TorchFunction } then, LiteralExpr { Value: TorchFunction } otherwise, ..]:
                {
                    TorchExpr[] operands = Operands(arguments[3..]);
                    return new IfStatement(condition, [Assign(Call(then, operands))], [Assign(Call(otherwise, operands))], line);
                }
                case "while_loop" when arguments is [LiteralExpr { Value: TorchFunction } condition, LiteralExpr { Value: TorchFunction } body, ListExpr { Items: var carried }, ..]:
                {
                    TorchExpr[] more = arguments.Length > 3 ? Operands(arguments[3..]) : [];
                    // The loop's variables are the node's results: first what goes in, then what each round gives.
                    var start = new AssignStatement(targets, true, new TupleExpr(carried), line);
                    var round = new AssignStatement(targets, targets.Length > 1, Call(body, [.. targets, .. more]), line);
                    return new IfStatement(new LiteralExpr(true), [start, new WhileStatement(Call(condition, [.. targets, .. more]), [round], line)], [], line);
                }
                case "wrap_with_set_grad_enabled" or "wrap_with_autocast" when Array.FindIndex(arguments, a => a is LiteralExpr { Value: TorchFunction }) is >= 0 and int at:
                    return Assign(Call(arguments[at], arguments[(at + 1)..]));
            }
        }
        if (target.StartsWith(Mapped, StringComparison.Ordinal) && MapStatement(target[Mapped.Length..], [.. inputs.Select(i => i.Field("arg"))], targets, line) is { } map) return map;
        string op = _maps > 0 && !IsPointwise(target, inputs, targets) ? "torch.vmap of " + target : OperatorOf(target);
        if (target == Aten + "as_strided.default" && IsItself(inputs)) return new AssignStatement(targets, false, Expression(inputs[0].Field("arg")), line);
        var places = new List<TorchExpr>();
        var named = new List<(string, TorchExpr)>();
        foreach (JsonElement input in inputs)
        {
            string name = Text(input, "name");
            bool byName = input.TryField("kind", out JsonElement kind) && kind.ValueKind == JsonValueKind.Number ? kind.Whole() == 2 : IsNamed(op, name);
            if (byName) named.Add((name, Expression(input.Field("arg"))));
            else places.Add(Expression(input.Field("arg")));
        }
        if (target == Aten + "as_strided.default" && IsDense(inputs[0])) named.Add((Shapes.IsDense, new LiteralExpr(true)));
        var call = new CallExpr(new LiteralExpr(new TorchPath(op)), [.. places], [.. named]);
        return targets.Length == 0 ? new ExprStatement(call, line) : new AssignStatement(targets, unpack, call, line) { Module = ModuleOf(node) };
    }

    /// <summary>torch.vmap before it is applied: between its ends tensors seem to lack the axis that is mapped, which they have first.</summary>
    private TorchStatement? MapStatement(string step, JsonElement[] arguments, TorchExpr[] targets, int line)
    {
        switch (step)
        {
            case "lazy_load_decompositions": return new PassStatement(line);
            case "_vmap_increment_nesting" when _maps == 0: _maps++; return new PassStatement(line);
            case "_vmap_decrement_nesting" when _maps > 0: _maps--; return new PassStatement(line);
            case "_add_batch_dim" when targets is [NameExpr { Name: var name }]: // (tensor, axis, level)
                _batched.Add(name);
                return Moved(arguments[1], new LiteralExpr(0L));
            case "_remove_batch_dim" when arguments.Length == 4 && Expression(arguments[0]) is NameExpr { Name: var name } && _batched.Contains(name): // (tensor, level, size, axis)
                return Moved(null, Expression(arguments[3]));
            default: return null;
        }

        AssignStatement Moved(JsonElement? from, TorchExpr to) =>
            new(targets, false, Call(new LiteralExpr(new TorchPath("torch.movedim")), [Expression(arguments[0]), from is { } axis ? Expression(axis) : new LiteralExpr(0L), to]), line);
    }

    /// <summary>Whether a node of a mapped function computes the same of tensors that have the mapped axis.</summary>
    private bool IsPointwise(string target, JsonElement[] inputs, TorchExpr[] targets)
    {
        if (!target.StartsWith(Aten, StringComparison.Ordinal) || !s_pointwise.Contains(target[Aten.Length..].Split('.')[0]) || targets is not [NameExpr { Name: var result }]) return false;
        int rank = -1;
        foreach (JsonElement input in inputs)
        {
            if (!input.Field("arg").TryField("as_tensor", out JsonElement tensor)) continue;
            string name = Text(tensor, "name");
            if (!_batched.Contains(name) || !_graph.Field("tensor_values").TryField(name, out JsonElement meta)) return false;
            int own = meta.Field("sizes").Items().Count();
            if (rank >= 0 && rank != own) return false;
            rank = own;
        }
        if (rank >= 0) _batched.Add(result);
        return rank >= 0;
    }

    /// <summary>Whether an argument is one that the operator takes by name alone; programs before schema version 8.9 do not tell.</summary>
    private static bool IsNamed(string op, string argument) => argument switch
    {
        "alpha" or "beta" => op is "torch.add" or "torch.sub" or "torch.rsub" or "torch.addmm" or "torch.addbmm" or "torch.baddbmm" or "torch.addmv",
        "value" => op is "torch.addcmul" or "torch.addcdiv",
        "scale" => op is "torch.scaled_dot_product_attention",
        "dtype" => op is not ("torch.softmax" or "torch.log_softmax" or "torch.special_softmax" or "torch.special_log_softmax" or "torch.to" or "torch.view" or "ops.prims.convert_element_type"),
        _ => s_named.Contains(argument),
    };

    /// <summary>Whether as_strided (self, size, stride) only fixes how the tensor lies in memory: sizes are its own, and so are the strides of axes
    /// of more than one element. Decompositions of pooling leave such calls.</summary>
    private bool IsItself(JsonElement[] inputs)
    {
        if (inputs.Length != 3 || !inputs[0].Field("arg").TryField("as_tensor", out JsonElement tensor) || !_graph.Field("tensor_values").TryField(Text(tensor, "name"), out JsonElement meta)) return false;
        string[] sizes = [.. meta.Field("sizes").Items().Select(Size)], strides = [.. meta.Field("strides").Items().Select(Size)];
        string[] newSizes = [.. Only(inputs[1].Field("arg")).Value.Items().Select(Size)], newStrides = [.. Only(inputs[2].Field("arg")).Value.Items().Select(Size)];
        return sizes.SequenceEqual(newSizes) && strides.Length == newStrides.Length && strides.Zip(newStrides, sizes).All(s => s.Third == "1" || s.First == s.Second);
    }

    /// <summary>Whether the elements of an argument lie in memory in their order, from the start of what holds them.</summary>
    private bool IsDense(JsonElement input)
    {
        if (!input.Field("arg").TryField("as_tensor", out JsonElement tensor) || !_graph.Field("tensor_values").TryField(Text(tensor, "name"), out JsonElement meta)) return false;
        string[] sizes = [.. meta.Field("sizes").Items().Select(Size)], strides = [.. meta.Field("strides").Items().Select(Size)];
        if (Size(meta.Field("storage_offset")) != "0" || strides.Length != sizes.Length) return false;
        long expected = 1;
        for (int d = sizes.Length - 1; d >= 0; d--)
        {
            if (!long.TryParse(sizes[d], out long size) || (size != 1 && strides[d] != $"{expected}")) return false;
            expected = checked(expected * size);
        }
        return true;
    }

    /// <summary>A size as a number or as the expression that stands for it.</summary>
    private string Size(JsonElement size)
    {
        if (size.ValueKind == JsonValueKind.Number) return $"{size.Whole()}";
        JsonProperty kind = Only(size);
        return kind.Name switch
        {
            "as_int" => $"{kind.Value.Whole()}",
            "as_name" when _graph.Field("sym_int_values").TryField(kind.Value.Text() ?? "", out JsonElement known) => Size(known),
            "as_expr" => Text(kind.Value, "expr_str"),
            _ => "?",
        };
    }

    private static CallExpr Call(TorchExpr function, TorchExpr[] arguments) => new(function, arguments, []);

    private static TorchExpr[] Operands(TorchExpr[] arguments) => [.. arguments.SelectMany(a => a is ListExpr list ? list.Items : [a])];

    /// <summary>Names that a node's results get; one that has none is not used.</summary>
    private static IEnumerable<TorchExpr> Targets(JsonElement[] outputs)
    {
        foreach (JsonElement output in outputs)
        {
            JsonProperty kind = Only(output);
            if (kind.Name == "as_none") continue;
            if (kind.Name == "as_tensors")
                foreach (JsonElement each in kind.Value.Items()) yield return new NameExpr(Text(each, "name"));
            else yield return new NameExpr(NameOf(output));
        }
    }

    /// <summary>"torch.ops.aten.add.Tensor" is "torch.add"; "_operator.mul" and the like work on numbers.</summary>
    private static string OperatorOf(string target)
    {
        if (target.StartsWith(Aten, StringComparison.Ordinal)) return "torch." + target[Aten.Length..].Split('.')[0];
        if (target.StartsWith(Operators, StringComparison.Ordinal)) return "ops." + string.Join('.', target[Operators.Length..].Split('.')[..2]);
        string name = target[(target.LastIndexOf('.') + 1)..];
        if (target.StartsWith("torch.sym_", StringComparison.Ordinal)) name = name["sym_".Length..];
        return "torch." + name switch
        {
            "truediv" => "div",
            "mod" => "remainder",
            "max" or "min" => "prim." + name,
            "not_" or "not" => "__not__",
            "and_" => "__and__",
            "or_" => "__or__",
            _ => name,
        };
    }

    /// <summary>The innermost module of the source that the node belongs to: the last of "key,path,class;key,path,class".</summary>
    private static string? ModuleOf(JsonElement node)
    {
        if (!node.TryField("metadata", out JsonElement metadata) || metadata.ValueKind != JsonValueKind.Object
            || !metadata.TryField("nn_module_stack", out JsonElement stack) || stack.Text() is not { Length: > 0 } text) return null;
        string[] parts = text[(text.LastIndexOf(';') + 1)..].Split(',');
        return parts.Length > 1 && parts[1].Length > 0 && parts[1].All(c => char.IsLetterOrDigit(c) || c is '.' or '_') ? parts[1] : null;
    }

    private TorchExpr Expression(JsonElement argument)
    {
        JsonProperty kind = Only(argument);
        JsonElement value = kind.Value;
        switch (kind.Name)
        {
            case "as_tensor": return new NameExpr(Text(value, "name"));
            case "as_tensors": return new ListExpr([.. value.Items().Select(t => new NameExpr(Text(t, "name")))]);
            case "as_name": return new NameExpr(value.Text()!);
            case "as_sym_int" or "as_sym_float" or "as_sym_bool" or "as_optional_tensor": return Expression(value);
            case "as_sym_ints" or "as_sym_floats" or "as_sym_bools" or "as_optional_tensors" or "as_nested_tensors":
                return new ListExpr([.. value.Items().Select(v => v.ValueKind == JsonValueKind.Array ? new ListExpr([.. v.Items().Select(t => new NameExpr(Text(t, "name")))]) : Expression(v))]);
            case "as_ints" or "as_floats" or "as_bools" or "as_strings": return new ListExpr([.. value.Items().Select(v => new LiteralExpr(Scalar(v, kind.Name[..^1])))]);
            case "as_int_lists" or "as_float_lists":
                return new ListExpr([.. value.Items().Select(l => new ListExpr([.. l.Items().Select(v => new LiteralExpr(Scalar(v, kind.Name[..^6])))]))]);
            case "as_graph":
            {
                JsonElement graph = value.Field("graph");
                return new LiteralExpr(Function(Text(value, "name"), graph, graph.Field("outputs").Items()));
            }
            default: return new LiteralExpr(Literal(kind));
        }
    }

    /// <summary>An argument that is known.</summary>
    public static object? Literal(JsonProperty argument) => argument.Name switch
    {
        "as_none" or "as_memory_format" or "as_layout" => null,
        "as_device" => "cpu",
        "as_scalar_type" => TorchExportState.CodeOf(argument.Value.Whole()),
        "as_int" or "as_float" or "as_bool" or "as_string" or "as_operator" => Scalar(argument.Value, argument.Name),
        _ => new TorchAbsent($"an argument of kind '{argument.Name}' has no conversion"),
    };

    private static object? Scalar(JsonElement value, string kind) => kind switch
    {
        "as_int" => value.Whole(),
        "as_bool" => value.Flag(),
        "as_float" when value.ValueKind == JsonValueKind.String => value.Text() switch
        {
            "Infinity" or "inf" => double.PositiveInfinity,
            "-Infinity" or "-inf" => double.NegativeInfinity,
            "NaN" or "nan" => double.NaN,
            var text => double.Parse(text!, CultureInfo.InvariantCulture),
        },
        "as_float" => value.Real(),
        _ => value.Text(),
    };

    /// <summary>The name of an input or a result.</summary>
    public static string NameOf(JsonElement argument)
    {
        JsonProperty kind = Only(argument);
        return kind.Name switch
        {
            "as_tensor" or "as_custom_obj" => Text(kind.Value, "name"),
            "as_sym_int" or "as_sym_float" or "as_sym_bool" => kind.Value.TryField("as_name", out JsonElement name) ? name.Text()! : "",
            _ => "",
        };
    }

    /// <summary>The one member of a union that is there; older files write the others as null.</summary>
    public static JsonProperty Only(JsonElement union)
    {
        foreach (JsonProperty member in union.Members())
            if (member.Value.ValueKind != JsonValueKind.Null) return member;
        throw new FormatException("a value of no kind");
    }

    public static string Text(JsonElement owner, string name) => owner.Field(name).Text() ?? throw new FormatException($"'{name}' is missing");
}
