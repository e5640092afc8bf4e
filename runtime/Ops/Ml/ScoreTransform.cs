namespace EdgeLite.Ops.Ml;

/// <summary>What classifiers and regressors of ai.onnx.ml share: the transform applied to a row of scores.</summary>
internal static class ScoreTransform
{
    public static void Check(InferContext c, string name)
    {
        if (name is not ("NONE" or "SOFTMAX" or "LOGISTIC" or "SOFTMAX_ZERO" or "PROBIT"))
            throw c.Error($"post_transform is '{name}'; expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT");
    }

    /// <summary>SOFTMAX_ZERO leaves scores of zero out of the softmax; PROBIT is the inverse of the normal distribution.</summary>
    public static void Apply(string name, Span<double> scores)
    {
        switch (name)
        {
            case "LOGISTIC":
                for (int i = 0; i < scores.Length; i++) scores[i] = 1 / (1 + Math.Exp(-scores[i]));
                break;
            case "PROBIT":
                for (int i = 0; i < scores.Length; i++) scores[i] = Probit(scores[i]);
                break;
            case "SOFTMAX" or "SOFTMAX_ZERO":
                double max = double.NegativeInfinity, sum = 0;
                foreach (double score in scores) max = Math.Max(max, score);
                for (int i = 0; i < scores.Length; i++)
                    if (name == "SOFTMAX" || scores[i] != 0) sum += scores[i] = Math.Exp(scores[i] - max);
                for (int i = 0; i < scores.Length && sum > 0; i++) scores[i] /= sum;
                break;
        }
    }

    /// <summary>The x with Phi(x) = p, found by bisection over erf.</summary>
    private static double Probit(double p)
    {
        if (p <= 0) return double.NegativeInfinity;
        if (p >= 1) return double.PositiveInfinity;
        double low = -9, high = 9;
        for (int i = 0; i < 100; i++)
        {
            double middle = (low + high) / 2;
            if (0.5 * (1 + ErrorFunction.Erf(middle / Math.Sqrt(2))) < p) low = middle;
            else high = middle;
        }
        return (low + high) / 2;
    }
}
