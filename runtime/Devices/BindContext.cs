using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using EdgeLite.Core;
using EdgeLite.Devices.Cpu;

namespace EdgeLite.Devices;

/// <summary>One buffer of a native call: an input or output of the node, a table made at Prepare, or nothing.</summary>
public readonly struct Operand
{
    internal enum OperandKind : byte { None, Input, Output, Table }

    internal OperandKind Kind { get; private init; }
    internal int Index { get; private init; }

    /// <summary>The address of a table; bytes past the beginning for an input or output.</summary>
    internal nint Pointer { get; private init; }

    public static Operand None => default;
    public static Operand Input(int i, long byteOffset = 0) => new() { Kind = OperandKind.Input, Index = i, Pointer = (nint)byteOffset };
    public static Operand Output(int i, long byteOffset = 0) => new() { Kind = OperandKind.Output, Index = i, Pointer = (nint)byteOffset };
    internal static Operand Table(nint pointer) => new() { Kind = OperandKind.Table, Pointer = pointer };
}

/// <summary>A recorded native call; operands are turned into addresses when tensors are placed.</summary>
internal readonly record struct NativeCall(NativeKernel Kernel, nint Parameters, Operand[] Operands, long ScratchBytes);

/// <summary>What a binding method sees of a step whose types are all known, and where it records native calls.</summary>
public sealed unsafe class BindContext
{
    private readonly List<nint> _memory = [];
    private readonly List<NativeCall> _calls = [];
    private TensorType[] _inputs = [];
    private bool[] _present = [];
    private Tensor?[] _constants = [];
    private TensorType[] _outputs = [];

    internal BindContext(int threads) => Threads = threads;

    public int Threads { get; }
    public int InputCount { get; private set; }
    public int OutputCount { get; private set; }

    /// <summary>Memory of parameter blocks and tables; lives as long as the plan.</summary>
    internal IReadOnlyList<nint> Memory => _memory;

    internal void Reset(TensorType[] inputs, bool[] present, Tensor?[] constants, TensorType[] outputs)
    {
        _inputs = inputs;
        _present = present;
        _constants = constants;
        _outputs = outputs;
        InputCount = inputs.Length;
        OutputCount = outputs.Length;
        _calls.Clear();
    }

    internal NativeCall[] TakeCalls() => [.. _calls];

    public bool HasInput(int i) => i < InputCount && _present[i];
    public TensorType Input(int i) => _inputs[i];
    public TensorType Output(int i) => _outputs[i];
    public DType DType(int i) => _inputs[i].DType;
    public Shape Shape(int i) => _inputs[i].Shape;

    /// <summary>The value of a constant input, otherwise null.</summary>
    public Tensor? Constant(int i) => HasInput(i) ? _constants[i] : null;

    /// <summary>Operand of an input that may be absent.</summary>
    public Operand Optional(int i) => HasInput(i) ? Operand.Input(i) : Operand.None;

    /// <summary>True when inputs [0, count) that are present and output 0 all have this element type.</summary>
    public bool All(DType type, int count)
    {
        for (int i = 0; i < count; i++)
            if (HasInput(i) && DType(i) != type) return false;
        return OutputCount == 0 || Output(0).DType == type;
    }

    /// <summary>Copies a table (indices, weights) into memory that lives as long as the plan, 64-byte aligned.</summary>
    public Operand Table<T>(ReadOnlySpan<T> values) where T : unmanaged
    {
        nint memory = Allocate(values.Length * sizeof(T));
        values.CopyTo(new Span<T>((void*)memory, values.Length));
        return Operand.Table(memory);
    }

    /// <summary>Records a call of the best variant of <paramref name="kernel"/>. <typeparamref name="T"/> mirrors the kernel's C
    /// parameter block; a difference in size is a build error of ours and throws.</summary>
    public void Call<T>(string kernel, in T parameters, params ReadOnlySpan<Operand> operands) where T : unmanaged
    {
        NativeKernel native = CpuKernels.Find(kernel);
        if (native.ParametersSize != sizeof(T))
            throw new EdgeLiteException(Status.Internal, $"Kernel {kernel} takes {native.ParametersSize} bytes of parameters, the binding has {sizeof(T)}.");
        nint memory = Allocate(sizeof(T));
        Unsafe.Write((void*)memory, parameters);
        _calls.Add(new NativeCall(native, memory, operands.ToArray(), native.ScratchBytes(memory, Threads)));
    }

    private nint Allocate(int bytes)
    {
        nint memory = (nint)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), 64);
        _memory.Add(memory);
        return memory;
    }
}
