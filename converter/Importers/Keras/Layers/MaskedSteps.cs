using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>
/// A mask [batch, time] as an arrangement: the steps that are there move to the front in their order, and results are read back at
/// each step from the last one that was there before it (or, running backwards, the next one after it); zeros where there is none.
/// </summary>
internal sealed class MaskedSteps
{
    private readonly Value _order;
    private readonly Value _present;
    private readonly Value _counted;
    private readonly Value _length;

    private MaskedSteps(Value order, Value present, Value counted, Value length, Value lengths)
    {
        _order = order;
        _present = present;
        _counted = counted;
        _length = length;
        Lengths = lengths;
    }

    /// <summary>Steps that are there, int32 [batch].</summary>
    public Value Lengths { get; }

    public static MaskedSteps Of(KerasNode n, Value mask)
    {
        Value present = n.Cast(mask, DType.Int64), one = Int(n, 1), axis = Int(n, 1);
        Value counted = n.Emit("CumSum", [present, axis]), length = n.Emit("ReduceSum", [present, n.Ints(1)], ("keepdims", 1));
        Value time = n.Emit("CumSum", [n.Emit("Add", [n.Emit("Mul", [present, Int(n, 0)]), one]), axis]);
        // Key: the step's number, far behind for one that is not there.
        Value key = n.Emit("Add", [time, n.Emit("Mul", [n.Emit("Sub", [one, present]), Int(n, 1L << 32)])]);
        Value steps = mask.Shape.IsRanked && mask.Shape[1] > 0 ? n.Ints(mask.Shape[1]) : n.Emit("Shape", [mask], ("start", 1), ("end", 2));
        Value order = n.EmitMany("TopK", 2, [key, steps], ("axis", 1), ("largest", 0), ("sorted", 1))[1];
        return new(order, present, counted, length, n.Cast(n.Emit("Squeeze", [length, n.Ints(1)]), DType.Int32));
    }

    public Value Compact(KerasNode n, Value x) => Gather(n, x, _order);

    public Value Spread(KerasNode n, Value y, bool backwards)
    {
        Value slot = n.Emit("Sub", [_counted, backwards ? _present : Int(n, 1)]);
        Value exists = backwards ? n.Emit("Less", [slot, _length]) : n.Emit("GreaterOrEqual", [slot, Int(n, 0)]);
        Value safe = n.Emit("Where", [exists, slot, Int(n, 0)]);
        return n.Emit("Where", [n.Emit("Unsqueeze", [exists, n.Ints(2)]), Gather(n, y, safe), n.Scalar(0)]);
    }

    private static Value Gather(KerasNode n, Value x, Value indices) =>
        n.Emit("GatherElements", [x, n.Emit("Expand", [n.Emit("Unsqueeze", [indices, n.Ints(2)]), n.Emit("Shape", [x])])], ("axis", 1));

    private static Value Int(KerasNode n, long value) => n.Graph.AddConstant($"{n.Name}/int", Tensor.FromScalar(value));
}
