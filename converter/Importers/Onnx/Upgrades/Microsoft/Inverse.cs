using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx.Upgrades.Microsoft;

/// <summary>Inverse of square matrices [..][n][n], by Gauss-Jordan elimination with the largest pivot of each column: a loop over the columns of
/// [batch][n][2n], the matrices beside the unit matrix.</summary>
[Upgrades("Inverse", Domain = "com.microsoft")]
internal sealed class Inverse : OperatorUpgrade
{
    public override void Apply(NodeDraft node)
    {
        Value x = node.Required(0), shape = node.Emit("Shape", [x]), size = node.Emit("Shape", [x], ("start", -1));
        DType type = node.DType(0);
        if (type is DType.Float16 or DType.BFloat16 or DType.Undefined)
        {
            x = node.Emit("Cast", [x], ("to", (long)DType.Float32));
            if (type == DType.Undefined) throw node.Unsupported("the element type of the input is not known");
        }
        Value n = node.Emit("Squeeze", [size]), square = node.Emit("Concat", [size, size], ("axis", 0));
        Value matrices = node.Emit("Reshape", [x, node.Emit("Concat", [node.Ints("batch", -1), square], ("axis", 0))]);
        Value unit = node.Emit("EyeLike", [node.Emit("ConstantOfShape", [square], ("value", new Tensor(x.DType, new Shape(1))))]);
        unit = node.Emit("Expand", [unit, node.Emit("Shape", [matrices])]);
        Value[] done = Eliminated(node, node.Emit("Concat", [matrices, unit], ("axis", 2)), n);
        Value inverse = node.Emit("Slice", [done[0], size, node.Ints("end", long.MaxValue), node.Ints("axis", 2)]);
        inverse = node.Emit("Reshape", [inverse, shape]);
        node.Results = [type == x.DType ? inverse : node.Emit("Cast", [inverse], ("to", (long)type))];
    }

    private static Value[] Eliminated(NodeDraft node, Value both, Value n)
    {
        var body = new LoopBody(node, new TensorType(both.DType, Shape.OfRank(3)));
        Value a = body.Carried[0], k = body.Iteration;
        Value rows = body.Emit("Range", [body.Int(0), body.Capture(n), body.Int(1)]), below = body.Emit("GreaterOrEqual", [rows, k]);
        Value column = body.Emit("Where", [below, body.Emit("Abs", [body.Emit("Gather", [a, k], ("axis", 2))]), Number(body, both.DType, -1)]);
        Value pivot = body.Emit("ArgMax", [column], ("axis", 1), ("keepdims", 1)), isK = body.Emit("Equal", [rows, k]);
        // Row k and the row of the pivot change places.
        Value order = body.Emit("Where", [isK, pivot, body.Emit("Where", [body.Emit("Equal", [rows, pivot]), k, rows])]);
        a = body.Emit("GatherElements", [a, body.Emit("Expand", [body.Emit("Unsqueeze", [order, body.Ints(2)]), body.Emit("Shape", [a])])], ("axis", 1));
        Value at = body.Emit("Unsqueeze", [k, body.Ints(0)]), row = body.Emit("Gather", [a, at], ("axis", 1));
        row = body.Emit("Div", [row, body.Emit("Gather", [row, at], ("axis", 2))]);
        Value others = body.Emit("Sub", [a, body.Emit("Mul", [body.Emit("Gather", [a, at], ("axis", 2)), row])]);
        Value next = body.Emit("Where", [body.Emit("Unsqueeze", [isK, body.Ints(1)]), row, others]);
        return body.Close(n, null, [both], body.Constant("yes", Tensor.FromScalar(true)), [next]);
    }

    private static Value Number(LoopBody body, DType type, double value)
    {
        var tensor = new Tensor(type, Shape.Scalar);
        tensor.SetDouble(0, value);
        return body.Constant("number", tensor);
    }
}
