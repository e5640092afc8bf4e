using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Passes;
using EdgeLite.Converter.Quantizing;
using EdgeLite.Core;
using EdgeLite.Ops;

namespace EdgeLite.Converter.Lowering;

/// <summary>
/// Makes layers of a lowered graph compute in float16: values between them and their weights are stored so, biases and slopes stay
/// float32. Convolutions and dense layers always do; element-wise operators, pools and movement when one of their inputs is float16
/// already. What else reads such a value, graph outputs included, gets it as float32 by a Cast.
/// </summary>
public static class HalfLayers
{
    private const int Bias = 2, Slope = 4;

    private static readonly HashSet<string> s_computing =
    [
        "Add", "Sub", "Mul", "Div", "Min", "Max", "PRelu", "Relu", "Clip", "LeakyRelu", "HardSigmoid", "HardSwish", "Sigmoid", "Tanh", "Elu", "Softplus", "Mish",
        "Swish", "Gelu", "MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "ReduceMean",
    ];

    /// <param name="graph">lowered; changed in place, its subgraphs too</param>
    /// <returns>which weights it halved; those that have a number beyond 65504 stay, with their layers</returns>
    public static HalfResult Run(Graph graph)
    {
        var halving = new Halving(graph);
        halving.Run();
        GraphVerifier.Verify(graph);
        HalfResult result = halving.Result;
        foreach (Node node in graph.Nodes)
            foreach (Graph sub in Graph.Subgraphs(node)) result += Run(sub);
        return result;
    }

    private static bool IsLayer(Node node) => node.Domain == "edgelite" && node.OpType is "Conv" or "DepthwiseConv" or "Gemm";

    /// <summary>Whether it moves elements or has kernels of float16.</summary>
    private static bool Follows(Node node) => Match.IsMovement(node) || node.Domain.Length == 0 && s_computing.Contains(node.OpType) && node.OpType switch
    {
        "MaxPool" or "AveragePool" => node.Attributes.Int("channels_last", 0) != 0 && node.Outputs.Count == 1,
        "Min" or "Max" => node.Inputs.Count == 2,
        "Clip" => node.Input(1)?.IsConstant != false && node.Input(2)?.IsConstant != false,
        _ => true,
    };

    private sealed class Halving(Graph graph)
    {
        /// <summary>Values of float16 that were float32 before.</summary>
        private readonly HashSet<Value> _halves = [];

        /// <summary>The same numbers in the other type.</summary>
        private readonly Dictionary<Value, Value> _other = [];

        private readonly List<string> _tooLarge = [];
        private int _constants;
        private long _before, _after;

        public HalfResult Result => new(_constants, _before, _after, _tooLarge);

        public void Run()
        {
            foreach (Node node in graph.Nodes.ToArray())
                if (!(IsLayer(node) || Follows(node) && node.Inputs.Any(IsHalf)) || !TryHalve(node)) KeepFloat(node);
            for (int i = 0; i < graph.Outputs.Count; i++)
            {
                Value output = graph.Outputs[i];
                if (!IsHalf(output)) continue;
                string name = output.Name;
                Value real = Cast(output, null);
                graph.Rename(output, graph.FreshName(name + ".half"));
                graph.Rename(real, name);
                graph.SetOutput(i, real);
            }
        }

        private bool IsHalf(Value? value) => value != null && _halves.Contains(value);

        /// <summary>False when a constant has a number that float16 has not.</summary>
        private bool TryHalve(Node node)
        {
            int[] floats = [.. Enumerable.Range(0, node.Inputs.Count).Where(i => node.Inputs[i]?.DType == DType.Float32 && !(IsLayer(node) && i is Bias or Slope))];
            foreach (int i in floats)
                if (node.Inputs[i]!.IsConstant && Constant(node.Inputs[i]!) == null) return false;
            foreach (int i in floats) graph.SetInput(node, i, _other.GetValueOrDefault(node.Inputs[i]!) ?? Cast(node.Inputs[i]!, node));
            ShapeInference.Infer(node);
            foreach (Value? output in node.Outputs)
                if (output is { DType: DType.Float16 }) _halves.Add(output);
            return true;
        }

        private void KeepFloat(Node node)
        {
            for (int i = 0; i < node.Inputs.Count; i++)
                if (IsHalf(node.Inputs[i])) graph.SetInput(node, i, Cast(node.Inputs[i]!, node));
        }

        private Value? Constant(Value value)
        {
            if (_other.TryGetValue(value, out Value? known)) return known;
            if (HalfWeights.Convert(value.Constant!, DType.Float16) is not { } half)
            {
                _tooLarge.Add(value.Name);
                return null;
            }
            _constants++;
            _before += value.Constant!.ByteLength;
            _after += half.ByteLength;
            return _other[value] = graph.AddConstant(value.Name + ".half", half);
        }

        /// <summary>The value in the other type, converted before <paramref name="reader"/> where it has not been already.</summary>
        private Value Cast(Value value, Node? reader)
        {
            if (_other.TryGetValue(value, out Value? known)) return known;
            bool widens = IsHalf(value);
            Value other = Rewrite.Insert(graph, reader, "Cast", value.Name + (widens ? ".float" : ".half"), [value],
                AttributeSet.Of(("to", (long)(widens ? DType.Float32 : DType.Float16))));
            other.SourceName = value.SourceName ?? value.Name;
            if (!widens) _halves.Add(other);
            _other[other] = value;
            return _other[value] = other;
        }
    }
}
