using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Torch7;

/// <summary>Local contrast normalization. The module holds the networks that estimate means and deviations; near the borders their results are divided by what
/// they make of ones.</summary>
internal static class Torch7Contrast
{
    [Torch7("SpatialSubtractiveNormalization")]
    private static object Subtractive(Torch7Module m)
    {
        m.Refine(-1, m.Int("nInputPlane"), -1, -1);
        return m.Emit("Sub", [m.X, m.Emit("Div", [Estimate(m, "meanestimator", m.X), Border(m)])]);
    }

    [Torch7("SpatialDivisiveNormalization")]
    private static object Divisive(Torch7Module m)
    {
        m.Refine(-1, m.Int("nInputPlane"), -1, -1);
        Value deviations = m.Emit("Div", [Estimate(m, "stdestimator", m.X), Border(m)]);
        Value least = m.Emit("Where", [m.Emit("Greater", [deviations, m.Scalar(m.Number("threshold", 1e-4))]), deviations, m.Scalar(m.Number("thresval", 1e-4))]);
        return m.Emit("Div", [m.X, least]);
    }

    [Torch7("SpatialContrastiveNormalization")]
    private static object Contrastive(Torch7Module m)
    {
        m.Refine(-1, m.Int("nInputPlane"), -1, -1);
        return Estimate(m, "normalizer", m.X);
    }

    private static Value Estimate(Torch7Module m, string field, Value x) => m.Emit("Reshape", [(Value)m.Convert(m.Lua[field] as LuaObject ?? throw m.Damaged($"its field '{field}' is missing"), x, 1), m.Sizes(x, 0, m.RankOf(x))]);

    private static Value Border(Torch7Module m) =>
        Estimate(m, "meanestimator", m.Emit("ConstantOfShape", [m.Sizes(m.X, 0, m.RankOf(m.X))], ("value", Tensor.FromArray<float>([1], new Shape(1)))));
}
