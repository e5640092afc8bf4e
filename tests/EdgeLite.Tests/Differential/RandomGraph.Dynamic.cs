using EdgeLite.Converter.Importers.Onnx.Proto;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Differential;

/// <summary>Shapes that depend on values, loops and lists.</summary>
internal sealed partial class RandomGraph
{
    private Action[] Dynamic => [Chosen, Scattered, Repeated, Listed, Counted];

    /// <summary>As many results as values decide.</summary>
    private void Chosen()
    {
        Known x = Exact(1, false);
        long axis = _r.Axis(x.Rank);
        switch (_r.Int(0, 4))
        {
            case 0: Emit("NonZero", [_r.Chance() ? x : Emit("Greater", [x, Scalar(0.125)])]); break;
            case 1: Emit("Compress", [x, Condition(x.Dims[axis < 0 ? axis + x.Rank : axis])], Attr("axis", axis)); break;
            case 2: Emit("Compress", [x, Condition(x.Value.Count)]); break;
            case 3: EmitMany("Unique", [x], _r.Int(1, 3), Attr("sorted", 1)); break;
            default:
                Known hits = Emit("NonZero", [x]);
                Emit("GatherND", [x, Emit("Transpose", [hits], Attr("perm", 1, 0))]);
                break;
        }
    }

    private Known Condition(long length)
    {
        Known made = New(DType.Bool, [length]);
        if (length > 0) made.Value.SetInt64(_r.Int(0, (int)length - 1), 1);
        return made;
    }

    private void Scattered()
    {
        Known x = Float(1, 4, false);
        long axis = _r.Axis(x.Rank), size = x.Dims[axis < 0 ? axis + x.Rank : axis];
        long[] shape = [.. x.Dims.Select((d, i) => i == (axis < 0 ? axis + x.Rank : axis) ? 1 : d)];
        var indices = new Tensor(DType.Int64, new Shape(shape));
        for (int i = 0; i < indices.Count; i++) indices.SetInt64(i, _r.Int((int)-size, (int)size - 1));
        Known at = Add(indices, _r.Chance());
        if (_r.Chance()) Emit("GatherElements", [x, at], Attr("axis", axis));
        else Emit("ScatterElements", [x, at, New(DType.Float32, shape)], Attr("axis", axis), Attr("reduction", _r.One("none", "add", "max")));
    }

    /// <summary>A Loop of a few rounds that carries one value and collects another, or a Scan.</summary>
    private void Repeated()
    {
        Known x = Float(1, 3, false), y = Constant(DType.Float32, _r.Broadcast(x.Dims, false));
        int id = _names++;
        var body = new GraphProto { Name = "body" };
        if (_r.Chance())
        {
            string op = _r.One("Add", "Max", "Mul");
            body.Node.AddRange([Node(op, $"s{id} {y.Name}", $"n{id}"), Node("Tanh", $"n{id}", $"o{id}"), Node("Identity", $"c{id}", $"d{id}"), Node(_r.One("Relu", "Identity", "ReduceSum"), $"n{id}", $"z{id}")]);
            body.Input.AddRange([Info($"k{id}", DType.Int64), Info($"c{id}", DType.Bool), Free($"s{id}")]);
            body.Output.AddRange([Info($"d{id}", DType.Bool), Free($"o{id}"), Free($"z{id}")]);
            // Of no round ONNX Runtime does not tell the shape of what it collects.
            Known trips = Add(Tensor.FromScalar((long)_r.Int(1, 3)), _r.Chance());
            NodeProto loop = Node("Loop", $"{trips.Name} - {x.Name}", $"v{_names++} v{_names++}", Attr("body", body));
            Emit(loop, [trips, x, y]);
            return;
        }
        body.Node.AddRange([Node("Add", $"s{id} e{id}", $"o{id}"), Node(_r.One("Relu", "Sigmoid", "Neg"), $"o{id}", $"z{id}")]);
        body.Input.AddRange([Info($"s{id}", DType.Float32, x.Dims[1..]), Info($"e{id}", DType.Float32, x.Dims[1..])]);
        body.Output.AddRange([Info($"o{id}", DType.Float32, x.Dims[1..]), Info($"z{id}", DType.Float32, x.Dims[1..])]);
        Known first = New(DType.Float32, x.Dims[1..]);
        Emit(Node("Scan", $"{first.Name} {x.Name}", $"v{_names++} v{_names++}", Attr("body", body), Attr("num_scan_inputs", 1), Attr("scan_input_directions", new long[] { _r.Int(0, 1) })), [first, x]);
    }

    private static ValueInfoProto Free(string name)
    {
        ValueInfoProto info = Info(name, DType.Float32);
        info.Type.TensorType.Shape = null;
        return info;
    }

    /// <summary>A list made and taken apart again in one go, as values between steps are tensors.</summary>
    private void Listed()
    {
        Known x = Float(1, 4, false);
        long axis = _r.Axis(x.Rank);
        var nodes = new List<NodeProto>();
        string list = $"l{_names++}", result = $"v{_names++}";
        if (_r.Chance()) nodes.Add(Node("SplitToSequence", x.Name, list, Attr("axis", axis), Attr("keepdims", _r.Int(0, 1))));
        else
        {
            nodes.Add(Node("Relu", x.Name, list + "r"));
            nodes.Add(Node("SequenceConstruct", $"{x.Name} {list}r {x.Name}", list));
        }
        Known at = Add(Tensor.FromScalar(_r.One(0L, -1)), _r.Chance());
        switch (_r.Int(0, 3))
        {
            case 0: nodes.Add(Node("ConcatFromSequence", list, result, Attr("axis", 0))); break;
            case 1: nodes.Add(Node("SequenceAt", $"{list} {at.Name}", result)); break;
            case 2: nodes.Add(Node("SequenceLength", list, result)); break;
            default:
                nodes.Add(Node("SequenceInsert", $"{list} {x.Name} {at.Name}", list + "w"));
                nodes.Add(Node("SequenceErase", $"{list}w {at.Name}", list + "e"));
                nodes.Add(Node("ConcatFromSequence", list + "e", result, Attr("axis", 0), Attr("new_axis", _r.Int(0, 1))));
                break;
        }
        EmitGroup(nodes, [x, at]);
    }

    /// <summary>Numbers counted up, from a dimension or not.</summary>
    private void Counted()
    {
        Known x = Float(1, 3);
        Known length = Emit("Gather", [Emit("Shape", [x]), Add(Tensor.FromScalar((long)_r.Int(0, x.Rank - 1)), true)], Attr("axis", 0));
        Known range = Emit("Range", [Add(Tensor.FromScalar(0L), true), length, Add(Tensor.FromScalar(1L), true)]);
        switch (_r.Int(0, 2))
        {
            case 0: Emit("OneHot", [range, Add(Tensor.FromArray<long>([_r.Int(1, 5)], new Shape(1)), true), Constant(DType.Float32, [2])], Attr("axis", _r.One(0L, -1))); break;
            case 1: Emit("Less", [Emit("Unsqueeze", [range, Add(Tensor.FromArray<long>([0], new Shape(1)), true)]), Emit("Unsqueeze", [range, Add(Tensor.FromArray<long>([1], new Shape(1)), true)])]); break;
            default: EmitMany("TopK", [Emit("Cast", [range], Attr("to", (long)DType.Float32)), Emit("Reshape", [length, Add(Tensor.FromArray<long>([1], new Shape(1)), true)])], 2); break;
        }
    }
}
