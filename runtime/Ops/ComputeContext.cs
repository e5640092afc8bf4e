using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>What a reference loop sees: its input tensors, its output tensors, the node's name for messages.</summary>
public sealed class ComputeContext(string where, Tensor?[] inputs, Tensor?[] outputs, Func<int, DType, Shape, Tensor> allocate)
{
    public int InputCount => inputs.Length;
    public int OutputCount => outputs.Length;

    public bool HasInput(int i) => i < inputs.Length && inputs[i] != null;
    public bool HasOutput(int i) => i < outputs.Length && outputs[i] != null;

    public Tensor Input(int i) => (i < inputs.Length ? inputs[i] : null) ?? throw Error($"input {i} is missing");
    public Tensor? OptionalInput(int i) => i < inputs.Length ? inputs[i] : null;
    public Tensor Output(int i) => (i < outputs.Length ? outputs[i] : null) ?? throw Error($"output {i} is missing");

    /// <summary>Gives output <paramref name="i"/> its size, for operators with data-dependent shapes. No-op result tensor
    /// when nobody uses that output.</summary>
    public Tensor Allocate(int i, DType dtype, Shape shape) => allocate(i, dtype, shape);

    /// <summary>Makes a copy of <paramref name="value"/>, tensor or list, output <paramref name="i"/>, if it is wanted.</summary>
    public void Store(int i, Tensor value)
    {
        if (!HasOutput(i)) return;
        if (value.IsList) value.CopyTo(Output(i));
        else value.CopyTo(Allocate(i, value.DType, value.Shape));
    }

    public EdgeLiteException Error(string message) => new(Status.RuntimeFailure, $"{where}: {message}.");
}
