namespace EdgeLite.Format;

/// <summary>One run of a self-test: what goes in and what came out where the file was made. Samples are run one after another, so that a
/// state goes from each to the next.</summary>
public sealed class SelfTestSample
{
    /// <summary>Most samples of a file.</summary>
    public const int MaxCount = 1000;

    /// <summary>In the order of the graph, constants; of a state only the type is there, as it is 0 in the first sample and what the run
    /// before left in the others.</summary>
    public required ValueDefinition[] Inputs { get; init; }

    /// <summary>Constants, in the order of the graph.</summary>
    public required ValueDefinition[] Outputs { get; init; }

    /// <summary>For each output the signal-to-noise ratio in dB that it must have; 0: it must be equal.</summary>
    public required float[] MinSqnr { get; init; }
}
