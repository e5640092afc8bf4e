using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite;

/// <summary>A way to make a call: kernel and instruction set (<c>/1</c>: on the calling thread alone), and its median time.</summary>
public sealed class StepWay(string kernel, double microseconds)
{
    public string Kernel { get; } = kernel;
    public double Microseconds { get; } = microseconds;
}

/// <summary>The ways that were measured for steps that make one call.</summary>
public sealed class StepTuning(string op, string node, TensorType output, int steps, StepWay[] ways, int chosen)
{
    /// <summary>Operator, name and output of the first of the steps.</summary>
    public string Operator { get; } = op;
    public string Node { get; } = node;
    public TensorType Output { get; } = output;

    /// <summary>How many steps make this call; times are those of all.</summary>
    public int Steps { get; } = steps;

    /// <summary>The usual one first.</summary>
    public StepWay[] Ways { get; } = ways;

    /// <summary>Index of the one that is chosen.</summary>
    public int Chosen { get; } = chosen;
}

/// <summary>What <see cref="Session.Tune"/> measured.</summary>
public sealed class TuningResult(StepTuning[] steps, double before, double after, Tuning tuning)
{
    public StepTuning[] Steps { get; } = steps;

    /// <summary>Microseconds of a whole run without choices and with them, medians of runs in turns.</summary>
    public double Before { get; } = before;
    public double After { get; } = after;

    public Tuning Tuning { get; } = tuning;
}
