using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>One activation of a recurrent cell: its function and the two numbers it may take (ONNX documentation of RNN).</summary>
public readonly struct RecurrentActivation(string name, double alpha, double beta)
{
    /// <summary>In lower case.</summary>
    public string Name { get; } = name;
    public double Alpha { get; } = alpha;
    public double Beta { get; } = beta;

    /// <summary>Makes an activation, taking its numbers from the lists where it has any and they reach.</summary>
    public static RecurrentActivation Of(string name, ReadOnlySpan<float> alphas, ref int alpha, ReadOnlySpan<float> betas, ref int beta)
    {
        string lower = name.ToLowerInvariant();
        (double a, double b, int numbers) = lower switch
        {
            "relu" or "tanh" or "sigmoid" or "softsign" or "softplus" => (0.0, 0.0, 0),
            "leakyrelu" => (0.01, 0.0, 1),
            "thresholdedrelu" or "elu" => (1.0, 0.0, 1),
            "affine" => (1.0, 0.0, 2),
            "scaledtanh" => (1.0, 1.0, 2),
            "hardsigmoid" => (0.2, 0.5, 2),
            _ => throw new EdgeLiteException(Status.InvalidGraph, $"activation '{name}' of a recurrent operator is not known"),
        };
        if (numbers > 0 && alpha < alphas.Length) a = alphas[alpha++];
        if (numbers > 1 && beta < betas.Length) b = betas[beta++];
        return new(lower, a, b);
    }

    public double Apply(double x) => Name switch
    {
        "relu" => Math.Max(x, 0),
        "tanh" => Math.Tanh(x),
        "sigmoid" => 1 / (1 + Math.Exp(-x)),
        "softsign" => x / (1 + Math.Abs(x)),
        "softplus" => Math.Log(1 + Math.Exp(x)),
        "leakyrelu" => x < 0 ? Alpha * x : x,
        "thresholdedrelu" => x >= Alpha ? x : 0,
        "elu" => x >= 0 ? x : Alpha * (Math.Exp(x) - 1),
        "affine" => Alpha * x + Beta,
        "scaledtanh" => Alpha * Math.Tanh(Beta * x),
        _ => Math.Clamp(Alpha * x + Beta, 0, 1),
    };
}
