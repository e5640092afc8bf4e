namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>Types that the code asks values for.</summary>
internal sealed partial class TorchInterpreter
{
    /// <summary>Whether a value is of a type, or of one of a tuple of types.</summary>
    private bool IsInstance(object? value, TorchExpr type)
    {
        if (value is TorchAbsent absent)
        {
            RefuseUnknown();
            throw Error($"a value's type is asked for, but {absent.Reason}");
        }
        switch (type)
        {
            case TupleExpr t: return t.Items.Any(i => IsInstance(value, i));
            case LiteralExpr { Value: null } or NameExpr { Name: "NoneType" }: return value is null;
            case NameExpr { Name: "Any" }: return true;
            case NameExpr { Name: "Tensor" }: return value is TorchBox or TorchComplex or TorchQuantized;
            case NameExpr { Name: "str" or "Device" }: return value is string;
            case NameExpr { Name: "number" or "Scalar" }: return TorchCall.IsNumber(value) && KindOf(value) != ScalarKind.Bool;
            case NameExpr { Name: "int" or "float" or "bool" } n:
                return TorchCall.IsNumber(value) && KindOf(value) == n.Name switch { "int" => ScalarKind.Int, "float" => ScalarKind.Float, _ => ScalarKind.Bool };
            case NameExpr { Name: "list" }: return value is TorchList;
            case NameExpr { Name: "tuple" }: return value is TorchTuple;
            case IndexExpr { Target: NameExpr { Name: var generic }, Index: var of }:
            {
                TorchExpr[] types = of is TupleExpr several ? several.Items : [of];
                switch (generic)
                {
                    case "Optional": return value is null || IsInstance(value, of);
                    case "Union": return types.Any(o => IsInstance(value, o));
                    case "List" when value is TorchList l: return Element(l.Known) is { } first ? IsInstance(first, of) : throw Error("the type of the elements of an empty list is asked for");
                    case "Dict" when value is TorchDict d: return d.Items.Count > 0 ? IsInstance(d.Items[0].Key, types[0]) && IsInstance(d.Items[0].Value, types[^1]) : throw Error("the type of the elements of an empty dict is asked for");
                    case "Tuple" when value is TorchTuple t: return t.Items.Length == types.Length && t.Items.Zip(types).All(p => IsInstance(p.First, p.Second));
                    case "List" or "Dict" or "Tuple": return false;
                }
                break;
            }
            case MemberExpr when value is not TorchTuple: return value is TorchObject o && Evaluate(type, []) is TorchPath path && path.Name == o.Type;
        }
        throw Error("this type is asked for with isinstance, which is not supported");
    }

    /// <summary>An element of a list that is not None, as that may stand in a list of optional values.</summary>
    private static object? Element(List<object?> items) => items.FirstOrDefault(i => i != null);
}
