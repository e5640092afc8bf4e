using EdgeLite.Converter.Ir;

namespace EdgeLite.Converter.Passes;

/// <summary>One change of a graph that keeps its meaning: inputs, outputs, their names and layouts stay what they are.</summary>
public interface IGraphPass
{
    string Name { get; }

    /// <summary>Applies the change wherever it fits; true when the graph changed. Types of all values are inferred before
    /// and stay inferred after.</summary>
    bool Run(Graph graph);
}
