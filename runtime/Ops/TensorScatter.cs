using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>Writes an update into a cache along the sequence axis, for each batch entry at its own index; mode circular wraps
/// around the end.</summary>
[Operator("TensorScatter", "past_cache, update, write_indices?", "present_cache")]
public sealed partial class TensorScatter : Operator
{
    [Attr] public long Axis { get; set; } = -2;

    /// <summary>"linear" or "circular".</summary>
    [Attr] public string Mode { get; set; } = "linear";

    public override bool CanRunInPlace(int input) => input == 0;

    public override void Infer(InferContext context)
    {
        if (Mode is not ("linear" or "circular")) throw context.Error($"mode '{Mode}' is not known");
        context.SameType(0, 1);
        context.ExpectIndex(2);
        Shape past = context.Shape(0), update = context.Shape(1);
        if (past.IsRanked)
        {
            int axis = context.Axis(Axis, past.Rank);
            if (axis == 0) throw context.Error("the sequence axis cannot be the batch axis");
            context.ExpectRank(1, past.Rank);
            for (int d = 0; update.IsRanked && d < past.Rank; d++)
                if (d != axis) context.Unify(past[d], update[d], $"dimension {d} of past_cache and update");
            if (update.IsRanked && past[axis] >= 0 && update[axis] > past[axis]) throw context.Error($"update {update} is longer than the cache {past}");
        }
        context.SetOutput(0, context.DType(0), past);
    }

    public override void Compute(ComputeContext context)
    {
        Tensor update = context.Input(1), y = context.Output(0);
        Tensor? starts = context.OptionalInput(2);
        int axis = context.Axis(Axis, y.Shape.Rank);
        long middle = y.Shape.Product(1, axis), outer = y.Shape[0] * middle;
        long length = y.Shape[axis], steps = update.Shape[axis], inner = y.Shape.Product(axis + 1, y.Shape.Rank);
        for (long b = 0; b < y.Shape[0]; b++)
        {
            long start = starts?.GetInt64(b) ?? 0;
            if (start < 0 || (Mode == "linear" && start > length - steps)) throw context.Error($"write index {start} with {steps} steps leaves a cache of {length}");
        }
        Elements.CopyAll(context.Input(0), y);
        for (long o = 0; o < outer; o++)
        {
            long start = starts?.GetInt64(o / middle) ?? 0;
            for (long s = 0; s < steps; s++)
                Elements.Copy(update, (o * steps + s) * inner, y, (o * length + (start + s) % length) * inner, inner);
        }
    }
}
