using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>What a scattered update does with the element that is there: replaces it, or add, mul, max, min.</summary>
internal static class ScatterReduction
{
    public static void Check(InferContext context, string reduction)
    {
        if (reduction is not ("none" or "add" or "mul" or "max" or "min")) throw context.Error($"reduction '{reduction}' is not known");
        if (reduction != "none" && context.DType(0) is DType.String) throw context.Error("strings cannot be reduced");
    }

    public static void Apply(string reduction, Tensor update, long i, Tensor y, long j)
    {
        if (reduction == "none") Elements.Copy(update, i, y, j);
        else if (reduction is "max" or "min")
        {
            int? order = Elements.Compare(update, i, y, j);
            bool isNaN = order == null && double.IsNaN(update.GetDouble(i));
            if (isNaN || (reduction == "max" ? order > 0 : order < 0)) Elements.Copy(update, i, y, j);
        }
        else if (y.DType.IsFloat())
        {
            double a = y.GetDouble(j), b = update.GetDouble(i);
            y.SetDouble(j, reduction == "add" ? a + b : a * b);
        }
        else
        {
            long a = y.GetInt64(j), b = update.GetInt64(i);
            y.SetInt64(j, reduction == "add" ? a + b : a * b);
        }
    }
}
