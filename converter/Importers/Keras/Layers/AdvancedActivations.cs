using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Keras.Layers;

/// <summary>Activations that are layers.</summary>
internal static class AdvancedActivations
{
    /// <summary>x for x at or above the threshold, with max_value within [0, max]; slope (x - threshold) below (backend relu).</summary>
    [Keras("ReLU")]
    private static void ReLU(KerasNode n)
    {
        double slope = n.Config.Real(0, "negative_slope"), threshold = n.Config.Real(0, "threshold"), max = n.Config.Real(double.PositiveInfinity, "max_value");
        Value y;
        if (threshold == 0 && slope == 0) y = double.IsInfinity(max) ? n.Emit("Relu", [n.X]) : n.Emit("Clip", [n.X, n.Scalar(0), n.Scalar(max)]);
        else
        {
            Value above = double.IsInfinity(max) ? n.X : n.Emit("Clip", [n.X, n.Scalar(0), n.Scalar(max)]);
            Value below = n.Emit("Mul", [n.Emit("Sub", [n.X, n.Scalar(threshold)]), n.Scalar(slope)]);
            if (threshold == 0 && double.IsInfinity(max)) y = n.Emit("LeakyRelu", [n.X], ("alpha", (float)slope));
            else y = n.Emit("Where", [n.Emit("Less", [n.X, n.Scalar(threshold)]), below, above]);
        }
        n.SetMasked(y);
    }

    [Keras("LeakyReLU")]
    private static void LeakyReLU(KerasNode n) => n.SetMasked(n.Emit("LeakyRelu", [n.X], ("alpha", (float)n.Config.Real(0.3, "negative_slope", "alpha"))));

    [Keras("ELU")]
    private static void Elu(KerasNode n) => n.SetMasked(n.Emit("Elu", [n.X], ("alpha", (float)n.Config.Real(1, "alpha"))));

    [Keras("ThresholdedReLU")]
    private static void ThresholdedReLU(KerasNode n) => n.SetMasked(n.Emit("ThresholdedRelu", [n.X], ("alpha", (float)n.Config.Real(1, "theta"))));

    /// <summary>Over one axis or several as one; what a mask hides counts nothing.</summary>
    [Keras("Softmax")]
    private static void Softmax(KerasNode n)
    {
        long[] axes = n.Config.Ints("axis") ?? [-1];
        Value? mask = n.Argument(1, "mask") is KerasTensor given ? n.Cast(given.Value, DType.Bool) : n.Mask is { } own && n.RankOf(own) == n.Rank ? own : null;
        Value x = mask == null ? n.X : n.Emit("Where", [mask, n.X, n.Scalar(-1e9)]);
        Value y = axes.Length == 1 ? n.Emit("Softmax", [x], ("axis", axes[0]))
            : n.Emit("Exp", [n.Emit("Sub", [x, n.Emit("ReduceLogSumExp", [x, n.Ints(axes)], ("keepdims", 1))])]);
        n.SetMasked(mask == null ? y : n.Emit("Where", [mask, y, n.Scalar(0)]));
    }

    /// <summary>Slopes have the shape of the input without the batch, 1 on shared axes.</summary>
    [Keras("PReLU")]
    private static void PRelu(KerasNode n) => n.SetMasked(n.Emit("PRelu", [n.X, n.Constant("alpha", () => Arrays.Float32(n.Layer.Take("alpha")[0]))]));
}
