using EdgeLite.Core;

namespace EdgeLite.Ops;

/// <summary>
/// One launch of a function of the application's own on a GPU, for <see cref="CustomOperator.OnCuda"/>. The function takes two arguments by value: a
/// block of parameters, and <c>el_cuda_buffers</c> (kernels-native/include/el_cuda.h), whose buffers are the addresses of the node's inputs, then of
/// its outputs, at most 8, NULL where one is absent. Tensors are dense, of the node's types.
/// </summary>
public sealed record CudaStep
{
    /// <summary>A module of PTX, as <c>clang --cuda-device-only -S</c> or <c>nvcc -ptx</c> makes it. The driver compiles it once for a device.</summary>
    public required string Ptx { get; init; }

    /// <summary>Name of the function in it, declared <c>extern "C" __global__</c>.</summary>
    public required string Entry { get; init; }

    /// <summary>Blocks in each dimension, at least 1.</summary>
    public (uint X, uint Y, uint Z) Grid { get; init; } = (1, 1, 1);

    /// <summary>Threads of a block, 1 to 1024.</summary>
    public uint Threads { get; init; } = 256;

    /// <summary>The block of parameters, of the size that the function declares.</summary>
    public ReadOnlyMemory<byte> Parameters { get; init; }
}

/// <summary>What <see cref="CustomOperator.OnCuda"/> may know: the device, and the types of the node, all of them known.</summary>
public sealed class CudaContext
{
    private readonly TensorType[] _inputs;
    private readonly TensorType[] _outputs;

    internal CudaContext(int architecture, int multiprocessors, TensorType[] inputs, TensorType[] outputs)
    {
        (Architecture, Multiprocessors) = (architecture, multiprocessors);
        (_inputs, _outputs) = (inputs, outputs);
    }

    /// <summary>Compute capability, 10 * major + minor.</summary>
    public int Architecture { get; }

    public int Multiprocessors { get; }
    public int InputCount => _inputs.Length;
    public int OutputCount => _outputs.Length;

    public bool HasInput(int i) => (uint)i < (uint)_inputs.Length && _inputs[i].DType != DType.Undefined;
    public bool HasOutput(int i) => (uint)i < (uint)_outputs.Length && _outputs[i].DType != DType.Undefined;

    /// <summary>The type of an input; of element type Undefined where it is absent.</summary>
    public TensorType Input(int i) => _inputs[i];

    /// <inheritdoc cref="Input"/>
    public TensorType Output(int i) => _outputs[i];
}
