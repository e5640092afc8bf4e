using EdgeLite.Converter.Importers.Caffe.Proto;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe;

/// <summary>
/// Caffe's recurrent layers (lstm_layer.cpp, rnn_layer.cpp): (x [T, N, ...], cont [T, N][, x_static [N, ...]][, states]) -> h [T, N, D][,
/// states]. Where cont is 0, a sequence begins anew, so they are Scan over the steps.
/// </summary>
internal static class CaffeRecurrent
{
    /// <summary>Blobs: W_x [4D, I], b [4D][, W_static], W_h [4D, D]; gates i, f, o, g. The state of a step counts cont times.</summary>
    [Caffe("LSTM", Notes = "states are zero at first and are not kept from run to run")]
    private static void Lstm(CaffeLayer l) => Layer(l, 4, 2, 1, (b, gates, states, weights) =>
    {
        (Value next, Value h) = Unit(b, gates, states[1], 1);
        return ([h, next], h);
    });

    /// <summary>Blobs: W_x [D, I], b [D][, W_static], W_h [D, D], W_o [D, D], b_o [D].</summary>
    [Caffe("RNN", Notes = "states are zero at first and are not kept from run to run")]
    private static void Rnn(CaffeLayer l) => Layer(l, 1, 1, 3, (b, gates, states, weights) =>
    {
        Value h = b.Emit("Tanh", [gates]);
        return ([h], b.Emit("Tanh", [b.Emit("Add", [b.Emit("MatMul", [h, b.Constant("W_o", weights[1])]), b.Constant("b_o", weights[2])])]));
    });

    /// <summary>One step of LSTM: (cells [1, N, D], gates [1, N, 4D], cont [1, N]) -> cells, h.</summary>
    [Caffe("LSTMUnit")]
    private static void LstmUnit(CaffeLayer l)
    {
        Value cells = l.Emit("Mul", [l.Bottom(), l.Emit("Unsqueeze", [l.Bottom(2), l.Ints(2)])]);
        (Value next, Value h) = Unit(l, l.Bottom(1), cells, 2);
        l.SetTop(0, next);
        l.SetTop(1, h);
    }

    private static (Value Cells, Value H) Unit(NodeBuilder b, Value gates, Value cells, int axis)
    {
        Value[] parts = b.EmitMany("Split", 4, [gates], ("axis", axis), ("num_outputs", 4));
        Value next = b.Emit("Add", [b.Emit("Mul", [b.Emit("Sigmoid", [parts[1]]), cells]), b.Emit("Mul", [b.Emit("Sigmoid", [parts[0]]), b.Emit("Tanh", [parts[3]])])]);
        return (next, b.Emit("Mul", [b.Emit("Sigmoid", [parts[2]]), b.Emit("Tanh", [next])]));
    }

    /// <summary>A layer whose step makes the next states and the result of: the body's builder, x W_x + b + h W_h [N, gates * D], the states that
    /// count here, and the weights after those of x, first that of h, each [inputs, outputs].</summary>
    private static void Layer(CaffeLayer l, int gates, int states, int after, Func<NodeBuilder, Value, Value[], Tensor[], (Value[] Next, Value Result)> step)
    {
        RecurrentParameter p = l.Parameter.RecurrentParam ?? throw l.Damaged("recurrent_param is missing");
        long d = p.NumOutput, rows = gates * d;
        bool hasStatic = l.BottomCount == 3 + (p.ExposeHidden ? states : 0);
        if (d <= 0 || l.BlobCount != 2 + (hasStatic ? 1 : 0) + after || l.BottomCount < 2) throw l.Error($"{l.BottomCount} bottoms and {l.BlobCount} blobs do not fit {d} outputs");
        Value Dense(Value x, int blob, params ReadOnlySpan<long> lead)
        {
            long inputs = l.WeightCount(blob) / rows;
            return l.Emit("MatMul", [l.Reshape(x, [.. lead, inputs]), l.Constant($"blob{blob}", Transposed(l, blob, rows, inputs))]);
        }
        Value x = l.Bottom();
        if (l.RankOf(x) < 3 || x.Shape[0] < 0 && x.Shape[1] < 0) throw l.InputError($"its input is {x.Shape}, expected [T, N, ...] of known N");
        Value projected = l.Emit("Add", [Dense(x, 0, x.Shape[1] < 0 ? [x.Shape[0], -1] : [-1, x.Shape[1]]), l.Constant("bias", l.Weights(1, rows))]);
        if (hasStatic) projected = l.Emit("Add", [projected, Dense(l.Bottom(2), 2, -1)]);
        int first = hasStatic ? 3 : 2;
        Tensor[] weights = [.. Enumerable.Range(0, after).Select(k => k == 0 ? Transposed(l, first, rows, d) : k == 1 ? Transposed(l, first + 1, d, d) : l.Weights(first + k, d))];
        Value batch = l.Emit("Shape", [l.Bottom(1)], ("start", 1), ("end", 2));
        Value zero = l.Emit("ConstantOfShape", [l.Emit("Concat", [batch, l.Ints(d)], ("axis", 0))]);
        Value[] initial = [.. Enumerable.Range(0, states).Select(s => p.ExposeHidden ? l.Reshape(l.Bottom(l.BottomCount - states + s), -1, d) : zero)];

        var graph = new Graph("step");
        var body = new NodeBuilder(graph, "step", $"The step of layer '{l.Name}'");
        Value Input(string name) => graph.AddInput(name, new TensorType(DType.Float32, Shape.OfRank(2)));
        Value[] old = [.. Enumerable.Range(0, states).Select(s => Input($"state{s}"))];
        Value given = Input("x"), cont = body.Emit("Unsqueeze", [graph.AddInput("cont", new TensorType(DType.Float32, Shape.OfRank(1))), body.Ints(1)]);
        Value[] counted = [.. old.Select(s => body.Emit("Mul", [s, cont]))];
        (Value[] next, Value result) = step(body, body.Emit("Add", [given, body.Emit("MatMul", [counted[0], body.Constant("W_h", weights[0])])]), counted, weights);
        for (int s = 0; s < states; s++) NodeBuilder.AddOutput(graph, next[s], $"next{s}");
        NodeBuilder.AddOutput(graph, result, "result");
        Value[] y = l.EmitMany("Scan", states + 1, [.. initial, projected, l.Bottom(1)], ("body", Ops.AttributeValue.OfGraph(graph)), ("num_scan_inputs", 2));
        l.SetTop(0, y[states]);
        for (int s = 0; p.ExposeHidden && s < states; s++) l.SetTop(1 + s, l.Emit("Unsqueeze", [y[s], l.Ints(0)]));
    }

    /// <summary>A blob [rows, columns] as [columns, rows].</summary>
    private static Tensor Transposed(CaffeLayer l, int blob, long rows, long columns)
    {
        Tensor w = l.Weights(blob, rows, columns), t = new(DType.Float32, new Shape(columns, rows));
        for (long r = 0; r < rows; r++)
            for (long k = 0; k < columns; k++) t.SetDouble(k * rows + r, w.GetDouble(r * columns + k));
        return t;
    }
}
