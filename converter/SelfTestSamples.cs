using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Converter;

/// <summary>Makes the samples of a self-test: inputs, and what a written model makes of them here.</summary>
public static class SelfTestSamples
{
    /// <summary>dB that a float output must have at most: kernels for different processors add up in different orders.</summary>
    private const double EnoughSqnr = 80;

    /// <summary>How much less an output may have than these kernels and the reference loops have between them.</summary>
    private const double Margin = 20;

    /// <summary>Results with less between kernels and reference loops prove nothing.</summary>
    private const double LeastSqnr = 30;

    /// <summary>As <see cref="Make"/>, on noise, the same each time: floats from 0 to 1, 8-bit integers over their range, others 0 or 1. Free
    /// dimensions get sizes by trial (<see cref="TrialSizes"/>).</summary>
    public static SelfTestSample[] MakeOfNoise(string path, Graph lowered, int count)
    {
        if (lowered.Inputs.All(i => i.Type.IsKnown)) return Make(path, lowered, TrialSizes.Noise(lowered, count, null), count, null);
        try
        {
            return TrialSizes.Find(lowered, shapes => Make(path, lowered, TrialSizes.Noise(lowered, count, shapes), count, null) is var samples && samples.All(s => s.Outputs.Any(o => o.Type.Shape.Count > 0)) ? samples : null);
        }
        catch (EdgeLiteException e) when (e.Status == Status.InvalidShape)
        {
            throw new EdgeLiteException(Status.InvalidShape, $"--self-test: {e.Message} Or leave --self-test out.", e);
        }
    }

    /// <summary>
    /// Runs the model <paramref name="path"/> on the first <paramref name="count"/> samples, on the native kernels and on the reference
    /// loops. What the kernels give is expected of every device: integers to the bit; of floats 80 dB, or 20 dB less than both have between
    /// them, whichever is less.
    /// </summary>
    /// <param name="path">the file that the samples are for</param>
    /// <param name="lowered">the graph that it was written from</param>
    /// <param name="samples">inputs; those for states are left aside, but for their shapes</param>
    /// <param name="count">how many at most</param>
    /// <param name="parameters">of integer inputs whose samples are floats</param>
    public static SelfTestSample[] Make(string path, Graph lowered, ICalibrationData samples, int count, IReadOnlyDictionary<string, TensorQuantization>? parameters)
    {
        Dictionary<string, TensorQuantization> known = Proof.WithEnds(lowered, parameters);
        using Model model = Model.Load(path);
        foreach (Value value in lowered.Inputs.Concat(lowered.Outputs))
            if (value.Type.IsList) throw new EdgeLiteException(Status.Unsupported, $"--self-test: '{value.Name}' is {value.Type}; a self-test holds tensors only.");
        using Session kernels = model.CreateSession(), loops = model.CreateSession(new SessionOptions { Device = "reference" });
        var made = new SelfTestSample[Math.Min(count, samples.Count)];
        for (int s = 0; s < made.Length; s++)
        {
            Tensor[] inputs = Proof.Fit(samples.Load(s), lowered, known);
            SelfTestSample sample = new() { Inputs = [.. inputs.Select((tensor, i) => Define(tensor, isState: model.Graphs[0].IsState(i)))], Outputs = [], MinSqnr = [] };
            kernels.RunSample(sample, s == 0);
            loops.RunSample(sample, s == 0);
            Tensor[] outputs = [.. Enumerable.Range(0, kernels.OutputCount).Select(i => kernels.Output(i).Clone())];
            made[s] = new()
            {
                Inputs = sample.Inputs,
                Outputs = [.. outputs.Select(o => Define(o, isState: false))],
                MinSqnr = [.. outputs.Select((o, i) => Limit(new SelfTestResult(s, kernels.OutputName(i), o, loops.Output(i), 0)))],
            };
        }
        return made;
    }

    private static ValueDefinition Define(Tensor tensor, bool isState) => new() { Name = "", Type = tensor.Type, Constant = isState ? null : tensor };

    private static float Limit(SelfTestResult between)
    {
        if (between.IsExact && !between.Actual.DType.IsFloat()) return 0;
        if (between.Sqnr < LeastSqnr)
            throw new EdgeLiteException(Status.RuntimeFailure, $"--self-test: on native kernels and on reference loops, {between}; a model whose results differ so, as with random numbers, cannot be tested by them.");
        return (float)Math.Min(EnoughSqnr, between.Sqnr - Margin);
    }
}
