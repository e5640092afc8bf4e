using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>Sample inputs of a model, always in the same order: what calibration observes and what a proof compares on.</summary>
public interface ICalibrationData
{
    /// <summary>How many samples there are; at least one.</summary>
    int Count { get; }

    /// <summary>What sample <paramref name="index"/> was read from, for messages: a file name and a row.</summary>
    string Describe(int index);

    /// <summary>Sample <paramref name="index"/>: one tensor for each input of the graph, in the graph's order, of the input's type and
    /// shape. Not to be changed; floats are finite.</summary>
    IReadOnlyList<Tensor> Load(int index);
}
