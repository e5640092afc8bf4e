using EdgeLite.Core;

namespace EdgeLite.Ops.Ml;

/// <summary>The product that linear models of ai.onnx.ml share.</summary>
internal static class LinearScores
{
    /// <summary>scores[t] = sum over f of x[row][f] * coefficients[t][f], plus intercepts[t].</summary>
    public static void Of(Tensor x, long row, float[] coefficients, float[]? intercepts, Span<double> scores)
    {
        long width = x.Shape[x.Shape.Rank - 1];
        for (int t = 0; t < scores.Length; t++)
        {
            double sum = intercepts is { Length: > 0 } ? intercepts[t] : 0;
            for (long f = 0; f < width; f++) sum += x.GetDouble(row * width + f) * coefficients[t * width + f];
            scores[t] = sum;
        }
    }
}
